"""Names in requests, checked before they become a part of a path: ASCII only, taken whole, never mended."""

from __future__ import annotations

import re

from retrieval.errors import NotFound

_RUN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,118}[A-Za-z0-9_+-])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|clock|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""What Windows takes for a device, with any ending."""


def run_name(text: str) -> str:
    """The name of a run or of a trained model: one part of a path. Raises NotFound."""
    if not _RUN.fullmatch(text) or ".." in text or _RESERVED.fullmatch(text):
        raise NotFound("There is no such run.", "GET /api/finetune/models lists them.")
    return text
