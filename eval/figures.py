"""Results that hold figures only, as the guides' files may: put side by side, and nothing tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from eval.comparison import Comparison, Pair, Row, Side
from eval.types import Evaluation
from retrieval.errors import BadInput

UNTESTED = "not every side has its cases, only figures: means can be shown, but no difference can be told from chance"
_UNITS = {"success_rate": "percent", "exact_match_rate": "percent", "avg_time_seconds": "seconds"}


def compare_figures(sides: Sequence[Side], evaluations: Sequence[Evaluation]) -> Comparison:
    """The figures that two sides share. Raises BadInput where a side has none, or one that is no number."""
    found = [_figures(one) for one in evaluations]
    pairs = tuple(
        Pair(sides[i].label, sides[j].label, _rows(found[i], found[j]), "")
        for i, j in combinations(range(len(sides)), 2)
    )
    counts = {len(one.scored) for one in evaluations}
    return Comparison(tuple(sides), "", max(counts) if len(counts) == 1 else 0, 0, pairs, undecided=UNTESTED)


def _figures(evaluation: Evaluation) -> Mapping[str, float]:
    from eval.metrics import summary

    said = summary(evaluation.scored).guides if evaluation.scored else evaluation.stated
    figures = {name: value for name, value in said.items() if value is not None}
    if not figures:
        raise BadInput(
            f"{evaluation.identity.id or 'An evaluation'} holds neither cases nor figures.",
            "Evaluate at least one case: `dyag eval CASES`.",
        )
    return figures


def _rows(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Row, ...]:
    return tuple(_row(name, before[name], after[name]) for name in before if name in after)


def _row(name: str, before: float, after: float) -> Row:
    better = "lower" if "time" in name or "token" in name else "higher"
    unit = _UNITS.get(name, "count")
    return Row(name, better, unit, before, after, after - before, 0, 0, verdict="cannot be decided: figures only")
