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
# The same in letters of other alphabets that look like these, or in mathematical ones: eight of them, one at least foreign.
_LIKE_TAG = re.compile(r"[<＜﹤](?=[\W_]{0,20}+(?=\w{8}\b)[a-zA-Z]{0,7}[^\x00-\x7f])")
# What chat templates mark turns with: `<|im_start|>`, `<｜User｜>`, `<start_of_turn>`, `</s>`, `[INST]`, `<<SYS>>`.
_TURN = re.compile(
    r"<(?=[|｜])|<(?=/?(?:start|end)_of_turn>)|<(?=/?(?:s|bos|eos)>)|<(?=<?/?SYS>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)
_TURN_OPENERS = str.maketrans("<[", "‹(")
_FENCED = re.compile(
    r'<document id="chunk_(\d{1,18})"(?: title="([^"]*)")?(?: path="([^"]*)")?>\n(.*?)\n</document>', re.DOTALL
)
_ID = re.compile(r"\bchunk_(\d{1,18})\b")


def fenced(passages: Sequence[Passage]) -> str:
    """The passages, best first, as the documents of a prompt."""
    return "\n".join(map(_document, passages))


def _document(passage: Passage) -> str:
    title, path = _attribute(passage.title), _attribute(passage.document)
    head = f'<document id="chunk_{passage.chunk_id}" title="{title}" path="{path}">'
    return f"{head}\n{harmless(passage.text)}\n</document>"


def unfenced(prompt: str) -> tuple[Passage, ...]:
    """The passages of a prompt; of one that shows them in another form, the ids that stand in it."""
    found = [(int(number), title, path, text) for number, title, path, text in _FENCED.findall(prompt)]
    rest = [(int(number), "", "", "") for number in dict.fromkeys(_ID.findall(prompt))]
    return tuple(
        Passage(number, html.unescape(path), "", html.unescape(title), (), text, 0.0, 0.0, 0.0)
        for number, title, path, text in found or rest
    )


def harmless(text: str) -> str:
    """The text with the first character of every tag and turn mark replaced; all else stays as it is."""
    text = _TAG.sub(lambda match: match[0].translate(_BRACKETS), text)
    text = _LIKE_TAG.sub("‹", text)
    return _TURN.sub(lambda match: match[0].translate(_TURN_OPENERS), text)


def _attribute(text: str) -> str:
    return html.escape(" ".join(harmless(text).split()))
