"""Evaluations of the same cases, compared: see `eval/comparison.py` for what comes out.

Every pair of sides is tested, case by case; the p values of all metrics of all pairs are adjusted together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, compress

from eval.comparison import MIN_DOCUMENTS, Asked, Comparison, Pair, Row, Side
from eval.figures import compare_figures
from eval.metrics import METRICS, Metric
from eval.pairs import Paired, by_case, group_of, name, paired
from eval.slices import ALPHA, HEADLINE, changes, expected_of, slices
from eval.statistics import benjamini_hochberg, bootstrap, cushioned, detectable, mcnemar, permutation, threshold
from eval.types import Evaluation, Scored
from retrieval.errors import BadInput

Scoring = Mapping[str, Scored]
_HOW = {"p50": ", mean", "corpus": ", mean of cases", "sum": " per case"}
"""An evaluation shows another statistic of these; pairs of cases can only be compared by their mean."""
_SEARCH = tuple(name for name in METRICS if name.startswith(("recall@", "mrr@", "ndcg@")))


def compare(evaluations: Sequence[Evaluation]) -> Comparison:
    """Every pair of two or more evaluations, paired by case; the first is the baseline.

    Raises BadInput for fewer than two, one twice, other cases, a case twice, a score that is no number. Where a side
    holds figures only, as a file of another program may, the figures are put side by side and nothing is tested.
    """
    if len(evaluations) < 2:
        raise BadInput("There is only one evaluation to compare.", "Name two or more: `dyag compare A B`.")
    _refuse_twice(evaluations)
    sides = sides_of(evaluations)
    if not all(one.scored for one in evaluations):
        return compare_figures(sides, evaluations)
    found = by_case(evaluations)
    documents = len({group_of(one.case) for one in found[0].values()})
    both = list(combinations(range(len(sides)), 2))
    pairs = [_pair(sides[i].label, sides[j].label, found[i], found[j]) for i, j in both]
    few = f"the cases are about {documents} documents, and at least {MIN_DOCUMENTS} are needed"
    return Comparison(
        sides,
        evaluations[0].identity.cases_sha256,
        len(found[0]),
        documents,
        _decided(pairs, [(found[i], found[j]) for i, j in both]),
        _side_by_side(found),
        few if documents < MIN_DOCUMENTS else "",
        (*_notes(found), *_one_sided([side.label for side in sides], found)),
    )


def _refuse_twice(evaluations: Sequence[Evaluation]) -> None:
    """Two measurements of one model are fine; one measurement has nothing to say of itself."""
    for one, other in combinations(evaluations, 2):
        if one.identity.id == other.identity.id and (one.scored, one.stated) == (other.scored, other.stated):
            raise BadInput(
                f"{name(one)} would be compared with itself.",
                "Name another one, as `dyag eval list` shows them, or measure again: `dyag eval CASES --fresh`.",
            )


def sides_of(evaluations: Sequence[Evaluation]) -> tuple[Side, ...]:
    """Each under a name of its own: mode, model or both, whichever tells them apart; else its id; else a number."""
    identities = [one.identity for one in evaluations]
    ways = ([i.mode for i in identities], [i.model for i in identities])
    both = [" ".join(filter(None, pair)) for pair in zip(*ways, strict=True)]
    numbered = [f"{n} {i.id}".strip() for n, i in enumerate(identities, 1)]
    names = next(way for way in (*ways, both, [i.id for i in identities], numbered) if _distinct(way))
    return tuple(Side(label, i.id, i.mode, i.model) for label, i in zip(names, identities, strict=True))


def _distinct(labels: Sequence[str]) -> bool:
    return all(labels) and len(set(labels)) == len(labels)


def _pair(before: str, after: str, old: Scoring, new: Scoring) -> Pair:
    metrics = [_row(metric, paired(name, old, new)) for name, metric in METRICS.items()]
    asked = paired(HEADLINE, old, new)
    return Pair(
        before,
        after,
        tuple(row for row in metrics if row.neither < len(old)),
        HEADLINE if asked.cases else "",
        slices(before, after, old, new),
        changes(asked.cases, asked.before, asked.after, old, new),
        changes(asked.cases, asked.after, asked.before, old, new),
    )


def _row(metric: Metric, found: Paired) -> Row:
    n, differences = len(found.cases), found.differences
    better = [d if metric.better == "higher" else -d for d in differences]
    row = Row(
        metric.name,
        metric.better,
        metric.unit,
        _mean(found.before),
        _mean(found.after),
        _mean(differences),
        n,
        found.documents,
        found.only_before,
        found.only_after,
        found.neither,
        wins=sum(d > 0 for d in better),
        ties=sum(d == 0 for d in better),
        losses=sum(d < 0 for d in better),
        how=_HOW.get(metric.aggregate, ""),
    )
    return _tested(row, found) if found.documents >= MIN_DOCUMENTS else row


def _tested(row: Row, found: Paired) -> Row:
    low, high = bootstrap(*_spread(row, found))
    return replace(
        row,
        low=low,
        high=high,
        p=permutation(found.differences, found.groups),
        mcnemar=mcnemar(found.before, found.after) if row.unit == "share" and found.yes_no else None,
    )


def _spread(row: Row, found: Paired) -> tuple[list[float], list[str]]:
    """The rows that tell how much a difference varies; shares that never differ do not prove that they never would."""
    rows = found.differences, list(found.groups)
    counted = row.unit == "share" and (found.yes_no or not any(found.differences))
    return cushioned(*rows) if counted else rows


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _decided(pairs: Sequence[Pair], found: Sequence[tuple[Scoring, Scoring]]) -> tuple[Pair, ...]:
    """With adjusted p values, what could have been found beside all others, winners and verdicts."""
    tests = {(i, row.metric): row.p for i, pair in enumerate(pairs) for row in pair.metrics if row.p is not None}
    adjusted = benjamini_hochberg(tests)

    def decided(i: int, pair: Pair, row: Row) -> Row:
        if (i, row.metric) not in tests:
            return _judged(row, pair, None)
        asked = paired(row.metric, *found[i])
        alpha = threshold(tests, (i, row.metric), ALPHA)
        could = detectable(*_spread(row, asked), alpha=alpha)
        # Were all documents to agree, this would be the least p value there is; and no share differs by more than 1.
        none = 2 * 0.5**asked.documents >= alpha or (row.unit == "share" and could > 1)
        return _judged(replace(row, detectable=None if none else could), pair, adjusted[i, row.metric])

    return tuple(
        replace(pair, metrics=tuple(decided(i, pair, row) for row in pair.metrics)) for i, pair in enumerate(pairs)
    )


def _judged(row: Row, pair: Pair, adjusted: float | None) -> Row:
    if not row.n:
        return replace(row, verdict="cannot be decided: no case is scored on both sides")
    if adjusted is None or row.difference is None:
        few = f"{row.documents} document{'s' if row.documents > 1 else ''}, at least {MIN_DOCUMENTS} are needed"
        return replace(row, verdict=f"cannot be decided: {few}")
    if adjusted >= ALPHA:
        few = f"cannot be decided: {row.documents} documents are too few beside the other metrics"
        verdict = few if row.detectable is None else "no detectable difference"
        return replace(row, p_adjusted=adjusted, verdict=verdict)
    winner = pair.after if (row.difference > 0) == (row.better == "higher") else pair.before
    return replace(row, p_adjusted=adjusted, winner=winner, verdict=f"{winner} is better")


def _side_by_side(found: Sequence[Scoring]) -> tuple[Asked, ...]:
    return tuple(
        Asked(
            id,
            one.case.question,
            expected_of(one.case),
            one.case.type,
            one.case.language,
            tuple(side[id].response.text for side in found),
            tuple(_right(side[id]) for side in found),
        )
        for id, one in found[0].items()
    )


def _right(one: Scored) -> bool | None:
    score = one.scores.get(HEADLINE)
    return None if score is None else score >= 1


def _notes(found: Sequence[Scoring]) -> tuple[str, ...]:
    notes = []
    cases = [one.case for one in found[0].values()]
    if alone := sum(not case.group for case in cases):
        which = "No case names" if alone == len(cases) else f"{alone} of {len(cases)} cases do not name"
        notes.append(
            f"{which} the document it is about: each counts as a document of its own, which may claim too much."
        )
    names = [n for n in METRICS if all(one.scores.get(n) is None for side in found for one in side.values())]
    if names:
        notes.append(f"Not scored anywhere: {', '.join(names)}.")
    if failed := sum(bool(one.response.error) for side in found for one in side.values()):
        notes.append(f"{failed} answers failed; they are wrong for `{HEADLINE}` and unscored for most other metrics.")
    return tuple(notes)


def _one_sided(labels: Sequence[str], found: Sequence[Scoring]) -> Iterator[str]:
    """Which metrics only some sides have, and why where that is plain."""
    metrics: dict[tuple[str, ...], list[str]] = {}
    for metric in METRICS:
        have = [any(one.scores.get(metric) is not None for one in side.values()) for side in found]
        if any(have) and not all(have):
            metrics.setdefault(tuple(compress(labels, have)), []).append(metric)
    for some, names in metrics.items():
        if searched := [one for one in names if one in _SEARCH]:
            yield f"Only {' and '.join(some)} searched: {', '.join(searched)}."
        if others := [one for one in names if one not in _SEARCH]:
            yield f"Scored for {' and '.join(some)} only: {', '.join(others)}."
