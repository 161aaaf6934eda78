"""Rows of one split that another knows: the same question, or a document of the unseen test set in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from finetune.examples import Split
from finetune.formats import digests
from finetune.formats.problems import Fault
from finetune.formats.row import Row
from finetune.formats.splits import split_of

_FIX = "Take it out of the training file: a test on rows that were learnt says nothing."
_SPLIT_FIX = "Split by document before generating: `dyag gen-dataset --split` does."


@dataclass
class Traces:
    """What one file asks and rests on, as numbers by line."""

    path: Path
    questions: dict[int, int] = field(default_factory=dict)
    origins: dict[int, int] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.questions.setdefault(digests.question(row), row.line)
        for name in row.origins:
            self.origins.setdefault(digests.digest([name]), row.line)

    def read(self, rows: Iterable[Row]) -> Traces:
        for row in rows:
            self.add(row)
        return self


@dataclass(frozen=True)
class Leak:
    """A fault of the first file of a pair."""

    path: Path
    line: int
    fault: Fault


def leaks(files: Iterable[Traces]) -> list[Leak]:
    """What files of different splits have in common; files whose names tell no split are compared too."""
    found: list[Leak] = []
    for one, other in combinations(files, 2):
        first, second = sorted((one, other), key=_rank)
        if _compared(split_of(first.path), split_of(second.path)):
            found += _shared(first.questions, second.questions, first.path, f"row of {second.path.name}", "asked", _FIX)
            if split_of(first.path) == "train" and split_of(second.path) == "test":
                kind = f"document of {second.path.name}"
                found += _shared(first.origins, second.origins, first.path, kind, "used", _SPLIT_FIX)
    return found


def _shared(
    ours: Mapping[int, int], theirs: Mapping[int, int], path: Path, kind: str, done: str, fix: str
) -> list[Leak]:
    return [
        Leak(path, line, Fault(kind, f"{done} by its row {theirs[key]}", fix, "warning"))
        for key, line in ours.items()
        if key in theirs
    ]


def _compared(first: Split | None, second: Split | None) -> bool:
    return first is None or first != second


def _rank(traces: Traces) -> int:
    """Training files first: they are to be mended."""
    order: tuple[Split | None, ...] = ("train", None, "val", "test_seen", "test")
    return order.index(split_of(traces.path))
