"""All terminal presentation. Results go to stdout, messages and progress to stderr; every text is sanitised here."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from assistant.sanitize import clean, escape_json
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.jobs.events import EventLog


class ReaderGone(Exception):
    """Nobody reads what is written any more (`dyag … | head`)."""


class OutputFailed(UserError):
    """Standard output cannot be written: its disk is full, or it is closed."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"cannot write to standard output: {reason}", "Give it a file, a pipe or a terminal that can be written."
        )


class Styled(NamedTuple):
    """A text with its terminal style, an SGR code."""

    text: str
    code: str


def bold(text: str) -> Styled:
    return Styled(text, "1")


def dim(text: str) -> Styled:
    return Styled(text, "2")


def red(text: str) -> Styled:
    return Styled(text, "31")


Text = str | Styled
SHOWN = ("loss", "eval_loss")
"""Figures that a line of progress has room for; the event log of a job has all."""
_WORTH_A_LINE = 1.0
"""Seconds of work that a log wants to hear of."""
_LINE_SECONDS, _EVENT_SECONDS = 10.0, 1.0
"""Between two lines of progress where there is no terminal, and between two events of a job."""


class Screen:
    """Where a command writes. Plain text when NO_COLOR is set, TERM is dumb or the stream is not a terminal."""

    def __init__(
        self, stdout: TextIO | None = None, stderr: TextIO | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self._plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._dumb = environ.get("TERM") == "dumb"
        self._bar_shown = False
        self.events: EventLog | None = None
        """Where a job tells of its progress."""
        self.as_typed: Callable[[str], str] = lambda text: text
        """Names commands in messages as they are typed here: in the chat, with a slash."""

    def out(self, *parts: Text, end: str = "\n") -> None:
        """Write a result to stdout: the parts, joined. Raises ReaderGone, OutputFailed."""
        self._write(self.stdout, self._styled(self.stdout, parts) + end)

    def json(self, value: Any) -> None:
        """Write one JSON object on one line of stdout. Raises ReaderGone, OutputFailed."""
        is_utf8 = _encoding(self.stdout).lower().replace("-", "") == "utf8"
        line = json.dumps(value, ensure_ascii=not is_utf8, allow_nan=False)
        self._write(self.stdout, escape_json(line) + "\n")

    def note(self, *parts: Text) -> None:
        """Write a message to stderr, commands as they are typed here. Raises ReaderGone."""
        typed = [p._replace(text=self.as_typed(p.text)) if isinstance(p, Styled) else self.as_typed(p) for p in parts]
        # Where messages cannot be written, that cannot be said either; the result still can.
        with suppress(OutputFailed):
            self._write(self.stderr, self._styled(self.stderr, self._wrapped(typed)) + "\n")
        if self.events:
            self.events.write("note", text=self._styled(self.stderr, typed))

    def error(self, message: str, hint: str = "") -> None:
        """Write what went wrong, and on the next line what to do, to stderr."""
        self.note(red("dyag: "), message)
        if hint:
            self.note(hint)

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[Text | int | float]],
        whole: Sequence[str] = (),
        middle: Sequence[str] = (),
    ) -> None:
        """Write aligned columns to stdout, numbers to the right; on a terminal, the widest are cut to fit.

        Headers that are all empty are left out. `whole`: headers of columns that are never cut; `middle`: of those whose
        texts differ at both ends, and are cut between them.
        """
        right = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(headers))]
        head = [[bold(header) for header in headers]] if any(headers) else []
        lines = [*head, *([_cell(value) for value in row] for row in rows)]
        widths = [max((width_of(line[i].text) for line in lines), default=0) for i in range(len(headers))]
        if self.stdout.isatty():
            _fit(widths, [header not in whole for header in headers], shutil.get_terminal_size().columns)
        for line in lines:
            cut = [_middle if header in middle else _beginning for header in headers]
            cells = [_pad(*each) for each in zip(line, widths, right, cut, strict=True)]
            self.out(*_joined(cells))

    @contextmanager
    def progress(self, total: int | None, label: str) -> Iterator[Progress]:
        """Count work on stderr: a line redrawn in place on a terminal, else a new line every ten seconds.

        The last line stays; where stderr is no terminal, only of work that took a second. In a job all but the last line
        goes to its event log, every second.
        """
        bar = Progress(self, total, label)
        try:
            yield bar
        finally:
            bar.finish()

    def waiting(self, text: str) -> None:
        """Say on a terminal what is being waited for; the next message or result takes its place. In a job it is a stage."""
        if self.redraws:
            self.draw_bar(text)
        if self.events:
            self.events.write("stage", text=text.removesuffix(" …"))

    def clear(self) -> None:
        """Empty the terminal's window."""
        if self.redraws_output:
            self.raw_out("\x1b[H\x1b[2J")

    def flush(self) -> None:
        """Hand over what was written to stdout. Raises ReaderGone, OutputFailed."""
        with writing():
            self.stdout.flush()

    def raw_out(self, text: str) -> None:
        """Write to stdout, and hand over, a text that is safe already: its control sequences are ours.

        Raises ReaderGone, OutputFailed.
        """
        self._write(self.stdout, text)
        self.flush()

    def size(self) -> os.terminal_size:
        """Columns and lines of the terminal; 80 by 24 where it does not say."""
        return shutil.get_terminal_size()

    @property
    def styled(self) -> bool:
        """Whether stdout shows styles."""
        return self.stdout.isatty() and not self._plain

    @property
    def redraws_output(self) -> bool:
        """Whether lines of stdout can be drawn over."""
        return self.stdout.isatty() and not self._dumb

    @property
    def redraws(self) -> bool:
        """Whether a line of stderr can be drawn over."""
        return self.stderr.isatty() and not self._dumb

    def draw_bar(self, text: str) -> None:
        """Draw the progress line in place; the next message clears it."""
        text = clean(text, newlines=False)[: shutil.get_terminal_size().columns - 1]
        self.stderr.write("\r" + _encodable(text, self.stderr) + "\x1b[K")
        self.stderr.flush()
        self._bar_shown = True

    def _clear_bar(self) -> None:
        if self._bar_shown:
            self.stderr.write("\r\x1b[K")
            self.stderr.flush()
            self._bar_shown = False

    def _write(self, stream: TextIO, text: str) -> None:
        self._clear_bar()
        with writing():
            stream.write(_encodable(text, stream))

    def _wrapped(self, parts: Sequence[Text]) -> Sequence[Text]:
        """On a terminal, a long message with its lines broken between words."""
        texts = [part if isinstance(part, str) else part.text for part in parts]
        columns = self.size().columns
        if not self.stderr.isatty() or width_of("".join(texts)) < columns or "\n" in "".join(texts):
            return parts
        *styled, last = parts  # what comes before is a short label
        label = "".join(texts[:-1])
        filled = textwrap.fill(label + clean(texts[-1]), columns - 1, break_on_hyphens=False)
        return [*styled, last._replace(text=filled[len(label) :]) if isinstance(last, Styled) else filled[len(label) :]]

    def prose(self, text: Text) -> None:
        """Write a text as it is; on a terminal its long lines are broken between words."""
        columns = self.size().columns - 1
        if not self.stdout.isatty():
            self.out(text)
            return
        plain, code = text if isinstance(text, Styled) else (text, "")
        for line in clean(plain).split("\n"):
            options = {"replace_whitespace": False, "break_on_hyphens": False}
            parts = [part.rstrip() for part in textwrap.wrap(line, columns, **options)]  # type: ignore[arg-type]
            self.out(Styled("\n".join(parts), code))

    def remark(self, text: str) -> None:
        """Write something beside the point, dim; on a terminal a long one is broken between words."""
        text = clean(self.as_typed(text), newlines=False)
        room = self.size().columns - 1 if self.stdout.isatty() else 0
        for line in textwrap.wrap(text, room, break_on_hyphens=False) if room else [text]:
            self.out(dim(line))

    def laid_out(self, text: str) -> None:
        """Write what a job has written, which knew no terminal: on one, a long line goes on below its last column."""
        columns = self.size().columns - 1 if self.stdout.isatty() else 0
        for line in clean(self.as_typed(text)).splitlines():
            self.out(_hung(line, columns) if columns and width_of(line) > columns else line)

    def hanging(self, rows: Sequence[tuple[Text, str]]) -> None:
        """Write names and texts in two columns; on a terminal a long text goes on below its beginning."""
        plain = [(name if isinstance(name, Styled) else Styled(name, ""), clean(text)) for name, text in rows]
        indent = max((width_of(name.text) for name, _ in plain), default=0) + 2
        room = self.size().columns - 1 - indent if self.stdout.isatty() else 0
        for name, text in plain:
            lines = textwrap.wrap(text, room, break_on_hyphens=False) if room >= 20 else [text]
            pad = " " * (indent - width_of(name.text))
            self.out(name, pad, f"\n{' ' * indent}".join(lines))

    def _styled(self, stream: TextIO, parts: Sequence[Text]) -> str:
        plain = self._plain or not stream.isatty()
        return "".join(_part(part, plain) for part in parts)


class Progress:
    """A count of work done, with its rate, the time left and other figures."""

    def __init__(self, screen: Screen, total: int | None, label: str) -> None:
        self.done = 0
        self.total = total
        self.figures: dict[str, float] = {}
        self._screen = screen
        self._label = label
        self._every = 0.1 if screen.redraws else _EVENT_SECONDS if screen.events else _LINE_SECONDS
        self._start = time.monotonic()
        # Who looks on a job sees at once where it is; what takes no second is worth no line elsewhere.
        self._shown = float("-inf") if screen.events else self._start
        self._before = 0
        if screen.events:
            screen.events.write("stage", text=label, total=total)

    def advance(self, count: int = 1, **figures: float) -> None:
        """Count work done. `figures`: what else is to be told, such as the loss, under its name; the last ones stay."""
        self.done += count
        self.figures.update(figures)
        if time.monotonic() - self._shown >= self._every:
            self._shown = time.monotonic()
            self._show(self._shown)

    def start_at(self, done: int) -> None:
        """Work that was done before, and says nothing of the rate."""
        self.done = self._before = done
        if self._screen.events:
            self._tell(time.monotonic())

    def finish(self) -> None:
        now = time.monotonic()
        if self._screen.events:
            self._tell(now)
        if self._screen.stderr.isatty() or now - self._start > _WORTH_A_LINE:
            self._screen.note(self.line(now, ended=True))

    def line(self, now: float, *, ended: bool = False) -> str:
        """`Indexing: 120/400 (30%), 12/s, 23 s left`; work that counts nothing has its name and how long it took."""
        seconds = now - self._start
        count = f"{self.done}/{self.total} ({self.done / self.total:.0%})" if self.total else f"{self.done}"
        rate = f"{self._rate(now):.3g}/s"
        parts = [f"{self._label}: {count}", rate] if self.total or self.done else [self._label]
        parts += [f"{name.replace('_', ' ')} {self.figures[name]:.4g}" for name in SHOWN if name in self.figures]
        if ended:
            parts.append(f"took {duration(seconds)}")
        elif (left := self._left(now)) is not None:
            parts.append(f"{duration(left)} left")
        return ", ".join(parts)

    def _show(self, now: float) -> None:
        if self._screen.redraws:
            self._screen.draw_bar(self.line(now))
        elif self._screen.events:
            self._tell(now)
        else:
            self._screen.note(self.line(now))

    def _tell(self, now: float) -> None:
        assert self._screen.events
        counts = {"done": self.done, "total": self.total, "left": self._left(now)}
        self._screen.events.write("progress", text=self._label, figures=self.figures, **counts)

    def _rate(self, now: float) -> float:
        seconds = now - self._start
        return (self.done - self._before) / seconds if seconds > 0 else 0.0

    def _left(self, now: float) -> float | None:
        """Seconds, None when it cannot be told."""
        rate = self._rate(now)
        return max(self.total - self.done, 0) / rate if self.total and rate else None


def shortened(text: str, columns: int = 40) -> str:
    """The beginning of a text that names something already known."""
    return textwrap.shorten(text, columns, placeholder=" …", break_on_hyphens=False)


def duration(seconds: float) -> str:
    """`0.4 s`, `23 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _part(part: Text, plain: bool) -> str:
    if isinstance(part, str):
        return clean(part)
    return clean(part.text) if plain or not part.code else f"\x1b[{part.code}m{clean(part.text)}\x1b[0m"


@contextmanager
def writing() -> Iterator[None]:
    """What writing to standard output can end in. Raises ReaderGone, OutputFailed."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise OutputFailed(error.strerror or str(error)) from error


def _encoding(stream: TextIO) -> str:
    return stream.encoding or "utf-8"


def _encodable(text: str, stream: TextIO) -> str:
    """What the stream's encoding cannot write becomes `?`: no answer is lost to a terminal in Latin-1."""
    return text.encode(_encoding(stream), "replace").decode(_encoding(stream))


def _cell(value: Text | float) -> Styled:
    text, code = value if isinstance(value, Styled) else (str(value), "")
    return Styled(clean(text, newlines=False), code)


def width_of(text: str) -> int:
    """Columns a terminal needs: two for a Chinese character or an emoji, none for a combining accent."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _fit(widths: list[int], narrowed: Sequence[bool], columns: int) -> None:
    """Narrow the widest of these columns until the line fits, keeping four characters of each."""
    while sum(widths) + 2 * (len(widths) - 1) > columns:
        widest = max((i for i, may_be in enumerate(narrowed) if may_be), key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= 4:
            return
        widths[widest] -= 1


def _pad(cell: Styled, width: int, to_right: bool, cut: Callable[[str, int], str]) -> Styled:
    text = cell.text
    if width_of(text) > width:
        text = cut(text, width)
    space = " " * (width - width_of(text))
    return Styled(space + text if to_right else text + space, cell.code)


def _beginning(text: str, width: int) -> str:
    while width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _middle(text: str, width: int) -> str:
    """Of what is left, two thirds are its end."""
    first = _beginning(text, max(1, width // 3))
    while width_of(text) > width - width_of(first):
        text = text[1:]
    return first + text


def _hung(line: str, columns: int) -> str:
    """A line broken between words. What follows the first goes below the last column that begins in the left half."""
    begins = [0, *(found.end() for found in re.finditer(r"^ +|(?<=\S) {2,}(?=\S)", line))]
    indent = " " * max(begin for begin in begins if begin <= columns // 2)
    options = {"replace_whitespace": False, "break_on_hyphens": False, "subsequent_indent": indent}
    return "\n".join(textwrap.wrap(line, columns, **options))  # type: ignore[arg-type]


def _joined(cells: Sequence[Styled]) -> list[Text]:
    shown = max((i for i, cell in enumerate(cells) if cell.text.strip()), default=0)
    *first, last = cells[: shown + 1]
    return [part for cell in first for part in (cell, "  ")] + [Styled(last.text.rstrip(), last.code)]
