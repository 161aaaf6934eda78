r"""Rows whose JSON output was pasted into a string with its quotes as they are:

{"instruction": "Extrait les cas de test : …", "output": "[{"scenario": "Connexion réussie"}]"}

That is no JSON. What was meant is plain as long as the line can be read in one way only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import combinations

PAIRS = (("instruction", "output"), ("prompt", "completion"), ("question", "answer"))
KEYS = ("instruction", "input", "output", "prompt", "completion", "question", "answer", "system")
_FIRST = re.compile(rf'\{{\s*"({"|".join(KEYS)})"\s*:\s*"')
_NEXT = re.compile(rf'"\s*,\s*"({"|".join(KEYS)})"\s*:\s*"')
_LAST = re.compile(r'"\s*\}\s*$')
_BARE_QUOTE = re.compile(r'(\\.)|"', re.DOTALL)
_MOST = 8
"""Places where a key may begin that are still tried."""


def repaired(line: str) -> dict[str, str] | None:
    """The row that a line was meant to be; None when that cannot be told for sure."""
    first, last = _FIRST.match(line.strip()), _LAST.search(line.strip())
    if not first or not last:
        return None
    inner = list(_NEXT.finditer(line.strip(), first.end() - 1, last.start() + 1))
    if len(inner) > _MOST:
        return None
    readings = list(_readings(line.strip(), first, inner, last))
    return readings[0] if len(readings) == 1 else None


def _readings(
    line: str, first: re.Match[str], inner: Sequence[re.Match[str]], last: re.Match[str]
) -> Iterator[dict[str, str]]:
    """Every way to cut the line into keys and values that makes sense."""
    for count in range(len(inner) + 1):
        for chosen in combinations(inner, count):
            starts = [first, *chosen]
            ends = [match.start() for match in (*chosen, last)]
            names = [match[1] for match in starts]
            if len(set(names)) < len(names) or not any(set(pair) <= set(names) for pair in PAIRS):
                continue
            values = [_value(line[start.end() : end]) for start, end in zip(starts, ends, strict=True)]
            if None not in values:
                yield dict(zip(names, (value or "" for value in values), strict=True))


def _value(raw: str) -> str | None:
    """The text a value stands for; None when it holds bare quotes and is not one JSON list or object."""
    if not any(match[1] is None for match in _BARE_QUOTE.finditer(raw)):
        return _unescaped(raw)
    if not _is_whole(raw):
        return None
    if "\\" not in raw:
        return raw
    # Either only the inner JSON is escaped, or both were.
    meant = [text for text in (raw, _unescaped(_BARE_QUOTE.sub(_escaped, raw))) if text and _parses(text)]
    same = {json.dumps(json.loads(text)) for text in meant}
    return meant[0] if len(same) == 1 else None


def _is_whole(raw: str) -> bool:
    text = raw.strip()
    closes = text[:1] + text[-1:] in ("[]", "{}")
    return closes and text.count("[") == text.count("]") and text.count("{") == text.count("}")


def _unescaped(raw: str) -> str | None:
    try:
        return str(json.loads(f'"{raw}"'))
    except ValueError:
        return None


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _escaped(match: re.Match[str]) -> str:
    return match[1] or '\\"'
