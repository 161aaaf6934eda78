"""CSV files of training rows: a header with the names of the columns, `,` `;` tab or `|` between them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from finetune.formats.lines import MOST, Line
from finetune.formats.problems import Fault, Problem
from retrieval.text import fold

COLUMNS = (
    "text", "prompt", "completion", "question", "answer", "instruction", "input", "output", "system",
    "chosen", "rejected", "label",
)  # fmt: skip
"""The columns that are read; any other is kept as metadata."""
_ALIASES = {"reponse": "answer"}
_LABELS = {"true": True, "false": False, "1": True, "0": False, "vrai": True, "faux": False, "yes": True, "no": False}
_QUOTE = 'Put each text between double quotes, and write a double quote in it as two: "il dit ""oui""".'


class Cells(NamedTuple):
    """A row of a table by column, and the line it begins on."""

    line: int
    value: dict[str, Any]


def header_of(line: str) -> tuple[list[str], str]:
    """The columns that a first line names, and the delimiter; no columns when none of them is known."""
    best: tuple[list[str], str] = [], ","
    for delimiter in ",;\t|":
        try:
            names = [_column(name) for name in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error:
            continue
        if _known(names) > _known(best[0]):
            best = names, delimiter
    return best


def cells(first: Line, rest: Iterator[Line]) -> Iterator[Cells | Problem]:
    """The rows of a table whose header is `first`."""
    csv.field_size_limit(MOST)
    columns, delimiter = header_of(first.text)
    feed = _Feed(chain([first], rest))
    reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=True)
    next(reader)
    while True:
        feed.start = 0
        try:
            found = next(reader, None)
        except csv.Error as error:
            yield Problem(feed.start, Fault("not valid CSV", str(error), _QUOTE))
            if feed.number > feed.start:  # a quote that is never closed has swallowed the rows after it
                return
            continue
        yield from feed.problems()
        if found is None:
            return
        if any(cell.strip() for cell in found):
            yield _row(feed.start, columns, found)


class _Feed:
    """Lines as the CSV reader wants them; remembers where a row begins, and which lines cannot be read."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._problems: list[Problem] = []
        self.start = self.number = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number = line.number
            self.start = self.start or line.number
            if line.fault is None:
                return line.text + "\n"
            self._problems.append(Problem(line.number, line.fault))
        raise StopIteration

    def problems(self) -> list[Problem]:
        found, self._problems = self._problems, []
        return found


def _row(line: int, columns: list[str], found: list[str]) -> Cells | Problem:
    if any(cell.strip() for cell in found[len(columns) :]):
        counts = f"{len(found)} cells, the header has {len(columns)}"
        return Problem(line, Fault("too many cells", counts, _QUOTE))
    value: dict[str, Any] = {name: cell for name, cell in zip(columns, found, strict=False) if name and cell.strip()}
    if "label" in value:
        value["label"] = _LABELS.get(value["label"].strip().lower(), value["label"])
    return Cells(line, value)


def _column(name: str) -> str:
    plain = fold(name.strip())
    plain = _ALIASES.get(plain, plain)
    return plain if plain in COLUMNS else name.strip()


def _known(names: list[str]) -> int:
    return sum(name in COLUMNS for name in names)
