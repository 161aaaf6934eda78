"""The main metrics by kind of question, with how many cases stand behind each figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from eval.pairs import group_of
from eval.report.blocks import Block, Paragraph, Table
from eval.report.estimates import estimate, mean
from eval.report.figures import NONE, interval, value
from eval.types import Case, Scored

_SHOWN = ("success", "f1", "citation_precision", "cites_gold", "recall@10")
"""Shares that say most about where an assistant is good; the first has its interval too."""
_BY: dict[str, Callable[[Case], str]] = {
    "Type": lambda case: case.type,
    "Language": lambda case: case.language,
    "Difficulty": lambda case: case.difficulty,
    "Answerable": lambda case: "yes" if case.answerable else "no",
}


def slice_tables(scored: Sequence[Scored]) -> Iterator[Block]:
    """A table for each property that tells the cases apart."""
    names = [name for name in _SHOWN if any(one.scores.get(name) is not None for one in scored)]
    told = 0
    for title, of in _BY.items():
        kinds = sorted({of(one.case) for one in scored})
        if len(kinds) > 1:
            told += 1
            yield _table(title, names, {kind: [one for one in scored if of(one.case) == kind] for kind in kinds})
    if not told:
        yield Paragraph("The cases are all of one type and language.")


def _table(title: str, names: Sequence[str], slices: dict[str, list[Scored]]) -> Table:
    spread = ["95% interval"] if names else []
    head = (title, "n", "Documents", *names[:1], *spread, *names[1:])
    return Table(head, tuple(_row(kind or "(none)", names, some) for kind, some in slices.items()))


def _row(kind: str, names: Sequence[str], some: Sequence[Scored]) -> tuple[str, ...]:
    documents = len({group_of(one.case) for one in some})
    means = [value(mean(name, some), "share") for name in names]
    first = [estimate(name, some) for name in names[:1]]
    spread = [interval(one.low, one.high, "share") if one else NONE for one in first]
    return kind, f"{len(some):,}", f"{documents:,}", *means[:1], *spread, *means[1:]
