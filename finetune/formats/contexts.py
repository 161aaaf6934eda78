"""The documents that stand in a prompt, each within `<document id="chunk_7" …>` and `</document>`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retrieval.types import Message

_DOCUMENT = re.compile(r'<document id="(chunk_\d+)"[^\n]*>\n(.*?)\n</document>', re.DOTALL)
_LABEL = re.compile(r"^\s*question\s*:\s*", re.IGNORECASE)


def documents_of(prompt: Sequence[Message]) -> list[tuple[str, str]]:
    """Id and text of each document of a prompt, in order."""
    return [(match[1], match[2]) for message in prompt for match in _DOCUMENT.finditer(message.content)]


def without_documents(text: str) -> str:
    """The question that a user's message asks beside its documents."""
    bare = _DOCUMENT.sub("", text)
    return _LABEL.sub("", bare).strip() if bare != text else text
