"""Reasoning in an answer's text, `<think>…</think>`, is not part of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retrieval.errors import GeneratorFailed

_TAGS = ("<think>", "<thinking>")
_OPEN = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSE = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_LONGEST = len("</thinking>")


def without_thinking(pieces: Iterator[str]) -> Iterator[str]:
    """The same text without its reasoning, wherever the pieces are cut, and without the blanks after it.

    A block that never ends is dropped where the answer begins with it; further on it was text.
    """
    thinking = _Thinking()
    try:
        for piece in pieces:
            if shown := thinking.feed(piece):
                yield shown
    except GeneratorFailed:
        # What was held back belongs to the partial answer.
        if rest := thinking.finish():
            yield rest
        raise
    if rest := thinking.finish():
        yield rest


class _Thinking:
    def __init__(self) -> None:
        self._held = ""
        """Text that may be, or is, part of a block."""
        self._looked = 0
        """Where in it to look for the end of the block."""
        self._inside = self._after = self._begun = False
        """Within a block; among the blanks after one; past the answer's first word."""

    def feed(self, piece: str) -> str:
        self._held += piece
        shown = ""
        while True:
            if self._after:
                self._held = self._held.lstrip()
                self._after = not self._held
            if not self._inside:
                mark = _OPEN.search(self._held)
                if mark is None:
                    return shown + self._safe()
                shown += self._show(self._held[: mark.start()])
                self._held, self._inside, self._looked = self._held[mark.start() :], True, 0
            mark = _CLOSE.search(self._held, self._looked)
            if mark is None:
                self._looked = max(0, len(self._held) - _LONGEST)
                return shown
            self._held, self._inside, self._after = self._held[mark.end() :], False, True

    def finish(self) -> str:
        """What was held back and turned out to be text."""
        return "" if self._inside and not self._begun else self._held

    def _safe(self) -> str:
        """What no block can begin in; the rest is held."""
        tail = self._held.rfind("<")
        may_open = tail >= 0 and any(tag.startswith(self._held[tail:].lower()) for tag in _TAGS)
        cut = tail if may_open else len(self._held)
        safe, self._held = self._held[:cut], self._held[cut:]
        return self._show(safe)

    def _show(self, text: str) -> str:
        self._begun = self._begun or bool(text.strip())
        return text
