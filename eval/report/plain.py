"""Text of any origin, made safe to stand in HTML."""

from __future__ import annotations

import re
from html import escape

_UNSEEN = re.compile("[^\t\n -~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]")
"""What HTML does not allow: control characters, halves of characters; and what makes text run the other way unseen."""


def html_text(text: str) -> str:
    """Escaped, for an element or an attribute; lines end one way, and what is not allowed becomes a mark that is seen."""
    return escape(_UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")))
