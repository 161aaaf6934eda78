"""CSV: each row is a document of `Key : value` lines, so that an answer can cite one row.

Nom;Incubateur                 Nom : GIDAF
GIDAF;dinum           ──▶      Incubateur : dinum
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from retrieval.load.lines import lines
from retrieval.load.make import document, field_lines
from retrieval.load.text import field_title
from retrieval.load.values import MB, Problem, Source
from retrieval.types import Document

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50
_ROW_LINES = 1000  # a cell of more lines is a quote that was never closed
_VALUE = re.compile(r"[-+]?[\d\s.,/:%€$-]*\d[\d\s.,/:%€$-]*|true|false|vrai|faux", re.IGNORECASE)


class Row(NamedTuple):
    """The cells of a row and the line it starts on; `wrong` says why it has none."""

    line: int
    cells: list[str]
    wrong: str = ""


def csv_rows(source: Source) -> Iterator[Document | Problem]:
    """Each row is a document; a ragged row is a problem, as its values may stand under the wrong keys."""
    long: list[Problem] = []
    feed = _short_lines(source, long)
    sample = list(islice(feed, _SAMPLE_LINES))
    rows = _rows(chain(sample, feed), _delimiter(sample), source.limits.line_mb * MB)
    first = next(rows, None)
    if first is None:
        return
    header = _header(first)
    for row in rows if header else chain([first], rows):
        yield from long
        long.clear()
        yield _document(row, header) if not header or _fits(row, header) else _ragged(row, header)
    yield from long


def _short_lines(source: Source, long: list[Problem]) -> Iterator[str]:
    for line in lines(source):
        if line.too_long:
            limit = f"(the limit is {source.limits.line_mb} MB)"
            long.append(Problem(f"line {line.number}: {line.too_long} long {limit}", line.number))
        yield line.text or "\n"


class _Feed:
    """Gives lines to the CSV reader, but no more than a row may span, and takes back those of a row that never ends."""

    def __init__(self, feed: Iterable[str]) -> None:
        self._lines = iter(feed)
        self.taken: list[str] = []
        self.cut = False

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None) if len(self.taken) < _ROW_LINES else None
        if line is None:
            self.cut = bool(self.taken)
            raise StopIteration
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        """Only the first line of the row is lost."""
        self._lines = chain(self.taken[1:], self._lines)
        del self.taken[1:]


def _rows(lines_: Iterable[str], delimiter: str, most: int) -> Iterator[Row]:
    """The rows that are not blank."""
    csv.field_size_limit(most)
    feed, line = _Feed(lines_), 1
    while True:
        cells, wrong = _next_row(feed, delimiter)
        if not feed.taken:
            return
        if wrong or any(cells):
            yield Row(line, cells, wrong)
        line += len(feed.taken)


def _next_row(feed: _Feed, delimiter: str) -> tuple[list[str], str]:
    """The cells of the next row, or what is wrong with it."""
    feed.taken, feed.cut = [], False
    try:
        cells = [cell.strip() for cell in next(csv.reader(feed, delimiter=delimiter, skipinitialspace=True), [])]
    except csv.Error as error:
        return [], str(error)
    if feed.cut:
        feed.give_back()
        return [], "a quote is never closed"
    return cells, ""


def _delimiter(sample: list[str]) -> str:
    """The delimiter that cuts the sample into the most regular rows."""

    def regularity(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            return 0.0, 0
        if not widths or widths[0] < 2:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(_DELIMITERS, key=regularity)


def _header(first: Row) -> list[str]:
    """The first row when it looks like names: none empty, repeated, long, or a number or date."""
    names = list(first.cells)
    while names and not names[-1]:
        names.pop()
    lowered = {name.lower() for name in names}
    plain = all(name and len(name) <= 100 and not _VALUE.fullmatch(name) for name in names)
    return names if names and plain and len(lowered) == len(names) else []


def _fits(row: Row, header: list[str]) -> bool:
    return not row.wrong and len(row.cells) >= len(header) and not any(row.cells[len(header) :])


def _ragged(row: Row, header: list[str]) -> Problem:
    wrong = row.wrong or f"{len(row.cells)} fields where the header has {len(header)}"
    return Problem(f"line {row.line}: {wrong}", row.line)


def _document(row: Row, header: list[str]) -> Document | Problem:
    if row.wrong:
        return Problem(f"line {row.line}: {row.wrong}", row.line)
    if not header:
        return document(" | ".join(filter(None, row.cells)), next(filter(None, row.cells)))
    fields = dict(zip(header, row.cells, strict=False))
    key = next((name for name in header if name.lower() in ("id", "_id")), "")
    first = next((value for name, value in fields.items() if name != key and value), "")
    return document(field_lines(fields.items()), field_title(fields) or first[:200], fields.get(key, ""), fields)
