"""Where two sides differ: by type and by language, and the single answers that turned right or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.comparison import MIN_DOCUMENTS, Change, Slice
from eval.pairs import Paired, paired
from eval.statistics import benjamini_hochberg, bootstrap, cushioned, permutation
from eval.types import Case, Scored

HEADLINE = "success"
"""The metric that says whether an answer is right."""
ALPHA = 0.05
TO_REFUSE = "(no answer: to be refused)"


def slices(before: str, after: str, old: Mapping[str, Scored], new: Mapping[str, Scored]) -> tuple[Slice, ...]:
    """Every type and language that some but not all cases have, with the winner where one is detectable."""
    tested: list[tuple[Slice, float | None]] = []
    for by in ("type", "language"):
        values = {id: _value(one.case, by) for id, one in old.items()}
        for value in sorted({*values.values()} - {""}):
            ids = [id for id in old if values[id] == value]
            found = paired(HEADLINE, {id: old[id] for id in ids}, {id: new[id] for id in ids})
            if found.cases and len(ids) < len(old):
                tested.append(_slice(by, value, found))
    adjusted = benjamini_hochberg({i: p for i, (_, p) in enumerate(tested) if p is not None})
    return tuple(_won(one, adjusted.get(i), before, after) for i, (one, _) in enumerate(tested))


def _value(case: Case, by: str) -> str:
    return case.type if by == "type" else case.language


def _slice(by: str, value: str, found: Paired) -> tuple[Slice, float | None]:
    n, anecdote = len(found.cases), found.documents < MIN_DOCUMENTS
    old, new = sum(found.before) / n, sum(found.after) / n
    rows = found.differences, list(found.groups)
    low, high = (None, None) if anecdote else bootstrap(*cushioned(*rows))
    made = Slice(by, value, HEADLINE, old, new, new - old, n, found.documents, low, high, None, "", anecdote)
    return made, None if anecdote else permutation(*rows)


def _won(one: Slice, adjusted: float | None, before: str, after: str) -> Slice:
    if adjusted is None or adjusted >= ALPHA:
        return replace(one, p_adjusted=adjusted)
    return replace(one, p_adjusted=adjusted, winner=after if one.difference > 0 else before)


def changes(
    cases: Sequence[str],
    right: Sequence[float],
    wrong: Sequence[float],
    old: Mapping[str, Scored],
    new: Mapping[str, Scored],
) -> tuple[Change, ...]:
    """The cases that are right by the first scores and wrong by the second, with what both sides answered."""
    turned = [id for id, first, second in zip(cases, right, wrong, strict=True) if first >= 1 > second]
    return tuple(
        Change(id, old[id].case.question, expected_of(old[id].case), old[id].response.text, new[id].response.text)
        for id in turned
    )


def expected_of(case: Case) -> str:
    """What should have been answered, in one text; empty where it is not known."""
    known = case.expected or (", " if case.every else " / ").join(case.answers)
    return known or ("" if case.answerable else TO_REFUSE)
