"""Where a citation stands: at the end of the sentence that its chunk proves, before the full stop."""

from __future__ import annotations

import re

_END = re.compile(r"(?P<said>.*?)(?P<stop>[.!?…]?)\s*$", re.DOTALL)


def cited(answer: str, number: int) -> str:
    """`X est hébergé par Y.` → `X est hébergé par Y [chunk_383].`; of several lines, after the first."""
    first, *rest = answer.split("\n")
    lead = first.rstrip()
    if rest and lead.endswith(":"):
        head = f"{lead[:-1].rstrip()} [chunk_{number}]{' ' if lead[-2:-1] in (' ', ' ') else ''}:"
    else:
        match = _END.fullmatch(lead)
        assert match is not None  # it matches any text
        head = f"{match['said']} [chunk_{number}]{match['stop'] or '.'}"
    return "\n".join([head, *rest])
