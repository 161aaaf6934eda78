"""Which of the compared to use, from the figures only: what is right comes first, then the guard-rails, then what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.comparison import Comparison, Pair, Row, Side, Slice

_QUALITY = ("citation_recall", "citation_precision", "refusal_recall", "answer_rate")
"""What separates sides that are right equally often."""
_COST = ("latency", "cost")
"""Not tokens: sides count them in other ways, and where they matter they are in the cost."""


@dataclass(frozen=True)
class Advice:
    """A recommendation with its reasons."""

    choice: str
    """Label of the side to use; empty where the data do not decide."""
    decided: bool
    """Whether the choice is right more often beyond chance; else it is only the one that cites better or costs less."""
    reasons: tuple[str, ...]
    next: str = ""
    """What would settle it, or is worth trying."""


def advise(comparison: Comparison) -> Advice:
    """The side that the data speak for, if any."""
    if comparison.undecided:
        more = "Evaluate both on the same cases, about more documents: `dyag gen-dataset` makes questions."
        if not comparison.documents:
            more = "A file of figures only holds no cases: evaluate with `dyag eval CASES` to compare case by case."
        return Advice("", False, (f"The data do not decide: {comparison.undecided}.",), more)
    left = {side.label for side in comparison.sides}
    for metrics in ((_headline(comparison),), _QUALITY, _COST):
        left = {label for label in left if not _beaten(comparison, label, left, metrics)}
        if not left:  # each is better at something of this kind: cheaper kinds do not settle it
            break
        if len(left) == 1:
            return _chosen(comparison, left.pop(), metrics)
    return Advice("", False, tuple(_undecided(comparison)), _untried(comparison) or _more(comparison))


def _headline(comparison: Comparison) -> str:
    return next((pair.headline for pair in comparison.pairs if pair.headline), "")


def _beaten(comparison: Comparison, label: str, others: set[str], metrics: Sequence[str]) -> bool:
    """Whether one of the others is better beyond chance in one of the metrics."""
    rows = [row for pair in _of(comparison, label) for row in pair.metrics if row.metric in metrics]
    return any(row.winner in others - {label} for row in rows)


def _of(comparison: Comparison, label: str) -> list[Pair]:
    return [pair for pair in comparison.pairs if label in (pair.before, pair.after)]


def _chosen(comparison: Comparison, label: str, metrics: Sequence[str]) -> Advice:
    headline = _headline(comparison)
    reasons = []
    if headline not in metrics:
        reasons += _undecided(comparison)
    for pair in _of(comparison, label):
        won = [row for row in pair.metrics if row.winner == label]
        lost = [row for row in pair.metrics if row.winner and row.winner != label]
        matter = {headline, *_QUALITY, *_COST}
        reasons += [_sentence(pair, row) for row in won if row.metric in matter]
        reasons += [f"But {_sentence(pair, row)}" for row in lost if row.metric in matter]
        reasons += [f"But {_slice(pair, one)}" for one in pair.slices if one.winner and one.winner != label]
    return Advice(label, headline in metrics, tuple(reasons), _untried(comparison))


def _undecided(comparison: Comparison) -> list[str]:
    headline = _headline(comparison)
    rows = [(pair, row) for pair in comparison.pairs for row in pair.metrics if row.metric == headline]
    if not rows:
        return ["No case says which answer is right, so nothing can be said of how often they are."]
    won = [(pair, row) for pair in comparison.pairs for row in pair.metrics if row.winner and row.metric in _QUALITY]
    return [_no_winner(*one) for one in rows if not one[1].winner] + [_sentence(*one) for one in won]


def _no_winner(pair: Pair, row: Row) -> str:
    if row.p is None or row.detectable is None:
        return f"{row.name}: {pair.before} against {pair.after} {row.verdict}."
    return (
        f"{row.name}: {_figures(pair, row)}; that may be chance (p = {row.p_adjusted:.2f}). {row.n} cases about "
        f"{row.documents} documents would show a difference of {100 * row.detectable:.0f} points."
    )


def _sentence(pair: Pair, row: Row) -> str:
    return f"{row.name}: {_figures(pair, row)} ({row.winner} is better, {_chance(row)})."


def _chance(row: Row) -> str:
    return "p < 0.001" if row.p_adjusted is not None and row.p_adjusted < 0.001 else f"p = {row.p_adjusted:.3f}"


def _figures(pair: Pair, row: Row) -> str:
    return f"{pair.before} {_value(row.before, row.unit)}, {pair.after} {_value(row.after, row.unit)}"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    return {"share": f"{100 * value:.0f}%", "seconds": f"{value:.2f} s", "dollars": f"${value:.4f}"}.get(
        unit, f"{value:.0f}"
    )


def _slice(pair: Pair, one: Slice) -> str:
    return (
        f"for {one.by} {one.value} {one.winner} is better: {pair.before} {100 * one.before:.0f}%, "
        f"{pair.after} {100 * one.after:.0f}% ({one.n} cases)."
    )


def _untried(comparison: Comparison) -> str:
    """Hybrid joins what the two others do; worth measuring where each is better at something."""
    by_mode: dict[str, Side] = {side.mode: side for side in comparison.sides}
    if set(by_mode) != {"rag", "finetuned"}:
        return ""
    won = {row.winner for pair in comparison.pairs for row in pair.metrics}
    won |= {one.winner for pair in comparison.pairs for one in pair.slices}
    if not {by_mode["rag"].label, by_mode["finetuned"].label} <= won:
        return ""
    return "Each is better at something. Hybrid mode joins both and was not measured: evaluate it on the same cases."


def _more(comparison: Comparison) -> str:
    return f"More cases, about more than {comparison.documents} documents, would show smaller differences."
