"""What a report is made of, whatever it is written as. Every text in it is plain: the writers escape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "key", "good", "bad", "warning"]
"""`key`: what a reader in a hurry reads."""


@dataclass(frozen=True)
class Paragraph:
    """A text of its own; the tone is for what must be seen."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code:
    """A command line, kept as it is."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()
    """Columns, beside the first, that hold words and not numbers."""


@dataclass(frozen=True)
class Figure:
    """A drawing, which only HTML shows: what it says stands in a table too."""

    title: str
    svg: str
    """Safe already."""


@dataclass(frozen=True)
class Quote:
    """A text that somebody wrote, with what it is."""

    label: str
    text: str
    language: str = ""
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Quotes:
    """Texts one below the other, or side by side where there is room."""

    quotes: tuple[Quote, ...]
    beside: bool = False


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens them."""

    title: str
    blocks: tuple[Block, ...]
    open: bool = False


@dataclass(frozen=True)
class Section:
    """A heading with what is below it; sections may hold sections."""

    title: str
    blocks: tuple[Block, ...]


Block = Paragraph | Bullets | Facts | Code | Table | Figure | Quotes | Fold | Section


@dataclass(frozen=True)
class Report:
    """A whole report."""

    title: str
    about: str
    """One line below the title."""
    sections: tuple[Section, ...]
