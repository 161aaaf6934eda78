"""White space of a text from which citations are struck: no double blank and no blank before a full stop stays behind.

Only the blanks around a struck citation change; all others are the author's own. Of the blanks on both sides one side
stays. Before `, . ) ]` both go; before `; : ! ?` those stay that the author wrote there, as French does (`Oui [chunk_9] !`).
A line that held nothing but struck citations goes as a whole. White space at the end is held until something follows.
"""

from __future__ import annotations

import re

_CLOSE_UP = ".,)]}"
_FRENCH = ";:!?»"
_LINE_END = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class Spacing:
    """Collects pieces of text and strikes, and hands out what is settled."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._space: list[str] = []
        """White space since the last word or strike."""
        self._before: str | None = None
        """White space before a strike that is not settled."""
        self._last = ""
        """The last character, white space apart, of all the text so far."""

    def text(self, text: str) -> None:
        """The next piece of the text."""
        body = text.lstrip()
        self._space.append(text[: len(text) - len(body)])
        if not body:
            return
        self._out.append(self._settled(body[0]))
        body = body.rstrip()
        self._out.append(body)
        self._last = body[-1]
        self._space = [text[len(text.rstrip()) :]]

    def strike(self) -> None:
        """A citation stood here."""
        self._before = self._settled("")
        self._space = []

    def taken(self) -> str:
        """What was settled since the last time."""
        out = "".join(self._out)
        self._out.clear()
        return out

    def _settled(self, following: str) -> str:
        """The white space before this character."""
        space = "".join(self._space)
        if self._before is None:
            return space
        before, self._before = self._before, None
        return _joined(before, space, self._last, following)


def _joined(before: str, after: str, last: str, following: str) -> str:
    """The white space that stays of that on both sides of a strike."""
    indent = _after_line_end(before)
    above = before[: len(before) - len(indent)]
    first = _LINE_END.search(after)
    begins = bool(above) or last in "([{"
    if first and not last:
        return above + _after_line_end(after)
    if first:
        return above + (_without_line_end(after[first.start() :]) if begins else after)
    if following and following in _CLOSE_UP:
        return above
    if following and following in _FRENCH:
        return above + ("" if begins else after)
    return before if begins else indent or after


def _after_line_end(space: str) -> str:
    return space[max((end.end() for end in _LINE_END.finditer(space)), default=0) :]


def _without_line_end(space: str) -> str:
    return space[2:] if space.startswith("\r\n") else space[1:]
