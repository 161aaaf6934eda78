"""Markdown shown while it is still being written.

On a terminal the finished blocks are written once; only the last one, which may still change, is drawn again in place
below them. It takes at most the window's height, so that nothing above it is ever touched; of a taller one the end is
shown until it is finished. Elsewhere (a pipe, TERM=dumb) the text is written as it comes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

from assistant.sanitize import CleanStream
from assistant.screen import Screen, width_of

_PAUSE = 0.05
"""Seconds between two drawings, or ten times as long as one takes: drawing gets a tenth of the time."""
_ERASE_LINE = "\x1b[K"
_ERASE_BELOW = "\x1b[J"
# What can still change is cut at the window's edge, not wrapped, so that it takes exactly the rows that were counted, whatever
# width the terminal gives to an emoji.
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


def show_markdown(text: str, screen: Screen) -> None:
    """Show a finished text. Raises ReaderGone, OutputFailed."""
    stream = MarkdownStream(screen)
    stream.add(text)
    stream.finish()


def warm_up() -> None:
    """Load what the first answer on a terminal is drawn with, so that it need not wait for it."""
    from assistant.terminal.lines import blocks, lines

    for block in blocks("**warm** `up`"):
        lines(block, 80, styled=True)


class MarkdownStream:
    """Shows one text as it grows; ends with the cursor at the start of a line. Raises ReaderGone, OutputFailed."""

    def __init__(self, screen: Screen) -> None:
        self._clean = CleanStream()
        self._shown = _Drawn(screen) if screen.redraws_output else _Plain(screen)

    def add(self, delta: str) -> None:
        """Take the next piece of the text without showing it yet."""
        self._shown.add(self._clean.feed(delta))

    def write(self, delta: str) -> None:
        """Show the next piece of the text, now or with the next one."""
        self.add(delta)
        self._shown.show()

    def finish(self) -> None:
        """Show the rest."""
        self._shown.add(self._clean.finish())
        self._shown.finish()


class _Plain:
    """The text as it is; on a terminal that cannot redraw, its lines are broken between words."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._width = screen.size().columns - 1 if screen.stdout.isatty() else 0
        self._column = 0
        self._word: list[str] = []
        """The last word, where lines are broken: it may go on."""
        self._out: list[str] = []
        self._at_start = True

    def add(self, text: str) -> None:
        if not self._width:
            self._out.append(text)
            return
        first, *others = re.split("([ \n])", text)
        self._word.append(first)
        for part in others:
            self._place()
            self._word = [part]

    def _place(self) -> None:
        """A word or a blank, after a line end where it would not fit."""
        part = "".join(self._word)
        size = width_of(part)
        if self._column + size > self._width and self._column and part != " ":
            self._out.append("\n")
            self._column = 0
        self._column = 0 if part == "\n" else self._column + size
        self._out.append(part)

    def show(self) -> None:
        text = "".join(self._out)
        self._out.clear()
        if text:
            self._at_start = text.endswith("\n")
            self._screen.out(text, end="")
            self._screen.flush()

    def finish(self) -> None:
        self._place()
        self._word = []
        self.show()
        if not self._at_start:
            self._out.append("\n")
            self.show()


class _Drawn:
    """Finished blocks as lines that stay, the rest as lines that are drawn again; the cursor stands below them."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._size = screen.size()
        self._source: list[str] = []
        """Pieces of the text from the first block that is not finished."""
        self._line_ended = False
        """Whether a line has ended since blocks were looked for that are finished."""
        self._below = False
        """Whether finished blocks stand above."""
        self._rows: list[str] = []
        """What is drawn below them."""
        self._next = 0.0

    def add(self, text: str) -> None:
        self._source.append(text)
        self._line_ended = self._line_ended or "\n" in text

    def show(self) -> None:
        start = time.monotonic()
        if start < self._next:
            return
        source = "".join(self._source)
        finished = _finished(source) if self._line_ended else 0
        self._draw(source[:finished], source[finished:])
        now = time.monotonic()
        self._next = now + max(_PAUSE, 10 * (now - start))

    def finish(self) -> None:
        self._draw("".join(self._source), "")

    def _draw(self, finished: str, rest: str) -> None:
        """Write the finished blocks where the old rows begin, and new rows below them."""
        size = self._screen.size()
        done = self._lines(finished, size, after_others=self._below)
        below = self._below or bool(done)
        rows = self._lines(rest, size, after_others=below)[-max(size.lines - 1, 1) :]
        kept = 0 if done or size != self._size else _common(self._rows, rows)
        up = min(len(self._rows) - kept, size.lines - 1)
        text = "".join([f"\x1b[{up}A" if up else "", *_written(done), _NO_WRAP, *_written(rows[kept:]), _WRAP])
        # Ctrl-C at this moment leaves the cursor anywhere: what is drawn next begins there, and nothing is lost.
        self._rows = []
        self._screen.raw_out(f"\r{text}{_ERASE_BELOW}")
        self._source, self._rows, self._below, self._size, self._line_ended = [rest], rows, below, size, False

    def _lines(self, source: str, size: os.terminal_size, *, after_others: bool) -> list[str]:
        """The lines of the blocks, a blank line between them."""
        from assistant.terminal.lines import blocks, lines

        shown: list[str] = []
        for block in blocks(source):
            shown += [""] if after_others or shown else []
            shown += lines(block, size.columns - 1, styled=self._screen.styled)
        return shown


def _finished(source: str) -> int:
    """Length of the blocks that cannot change any more: those before the last one, as the complete lines have them."""
    from assistant.terminal.lines import blocks

    complete = source[: source.rfind("\n") + 1]
    found = blocks(complete)
    first = found[-1].map[0] if found and found[-1].map else 0
    return sum(len(line) for line in complete.splitlines(keepends=True)[:first])


def _common(before: list[str], after: list[str]) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )


def _written(lines: list[str]) -> Iterator[str]:
    return (f"{line}{_ERASE_LINE}\n" for line in lines)
