"""Passages as data in a prompt: each within `<document …>` and `</document>`, which no text inside can close or open.

<document id="chunk_383" title="Gitea" path="notes/gitea.md">
Gitea listens on port 3000.
</document>
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from retrieval.types import Passage

# A tag whatever its case, also with blanks or invisible characters between its letters, or in full-width letters. A run of
# such characters is tried once, from its first: a page of brackets would otherwise take its square.
_SIGN = r"[\W_]"
_NAME = rf"{_SIGN}*+".join(f"[{c}{c.upper()}{chr(ord(c) + 0xFEE0)}{chr(ord(c) + 0xFEC0)}]" for c in "document")
_TAG = re.compile(rf"(?<!{_SIGN}){_SIGN}++(?={_NAME})")
_BRACKETS = str.maketrans(dict.fromkeys("<＜﹤", "‹"))
# What chat templates mark turns with: `<|im_start|>`, `<start_of_turn>`, `[INST]`, `<<SYS>>`.
_TURN = re.compile(r"<(?=\|)|<(?=/?(?:start|end)_of_turn>)|\[(?=/?(?:INST|SYSTEM_PROMPT)\])|<(?=<?/?SYS>)")
_TURN_OPENERS = str.maketrans("<[", "‹(")


def fenced(passages: Sequence[Passage]) -> str:
    """The passages, best first, as the documents of a prompt."""
    return "\n".join(map(_document, passages))


def _document(passage: Passage) -> str:
    title, path = _attribute(passage.title), _attribute(passage.document)
    head = f'<document id="chunk_{passage.chunk_id}" title="{title}" path="{path}">'
    return f"{head}\n{_harmless(passage.text)}\n</document>"


def _harmless(text: str) -> str:
    """The text with the first character of every tag and turn mark replaced; all else stays as it is."""
    text = _TAG.sub(lambda match: match[0].translate(_BRACKETS), text)
    return _TURN.sub(lambda match: match[0].translate(_TURN_OPENERS), text)


def _attribute(text: str) -> str:
    return html.escape(" ".join(_harmless(text).split()))
