"""What a value of a setting is worth on a question: ranking for the fusion weight, recall for top-k, refusals for the threshold.

Each function makes `Outcomes` of questions that were searched, or judged, once: nothing is embedded again for another value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval.tune import Outcomes, Value
from retrieval.fuse import fuse

DEPTH = 10
"""Of nDCG@10: an answer reads about ten passages."""
WEIGHTS = tuple(round(0.05 * n, 2) for n in range(21))
PASSAGES = (5, 6, 8, 10, 12, 15, 20, 30, 50)
"""Values of top-k. Not below five: the chance to refuse compares the best passage with the fifth."""
PASSAGE_COST = 0.002
"""Recall that a passage more has to bring: one more question in five hundred. Every passage is read, and paid for."""
THRESHOLDS = tuple(round(0.02 * n, 2) for n in range(1, 50))
WRONGLY_REFUSED = 0.1
"""Share of the answerable questions that a threshold may refuse, unless the one in force refuses more."""
REFUSED, CAUGHT = "answerable refused", "unanswerable refused"


@dataclass(frozen=True)
class Searched:
    """A question with every candidate of both searches."""

    group: str
    dense: Mapping[int, float]
    """Cosine of every candidate, by chunk."""
    lexical: Mapping[int, float]
    """BM25 of those that have one."""
    unit: Mapping[int, int]
    """What each candidate counts as: itself where the gold is chunks, its document where it is documents."""
    gold: frozenset[int]
    """The units that hold the answer; never empty."""
    weight: float
    """Of the cosine, where none is set: it depends on the language."""
    proof: frozenset[int] = frozenset()
    """Where the gold is documents, their chunks that state the answer: any one is enough. Empty where that is unknown."""


@dataclass(frozen=True)
class Judged:
    """A question with the chance that the documents hold its answer."""

    group: str
    answerable: bool
    confidence: float
    threshold: float
    """Under which to refuse, where none is set: it depends on the language."""


def weight_outcomes(questions: Sequence[Searched], current: Value) -> Outcomes:
    """nDCG@10 of the ranking under each weight of the cosine."""
    values = _values(current, (None, *WEIGHTS))
    scores = [[ndcg(ranked(q, value), q.gold) for value in values] for q in questions]
    distances = _distances(values, [q.weight for q in questions])
    return Outcomes("search.dense_weight", "nDCG@10", values, distances, scores, [q.group for q in questions])


def top_k_outcomes(questions: Sequence[Searched], current: int, weight: Value, least: int, most: int) -> Outcomes:
    """Recall of the gold among the first k passages, less what the passages cost, for k from `least` to `most`."""
    values = _values(current, tuple(k for k in PASSAGES if least <= k <= most))
    found = [_recalls(q, weight, values) for q in questions]
    scores = [[recall - PASSAGE_COST * (k or 0) for recall, k in zip(row, values, strict=True)] for row in found]
    return Outcomes(
        "search.top_k",
        f"recall less {PASSAGE_COST:g} a passage",
        values,
        tuple(float(abs((k or 0) - current)) for k in values),
        scores,
        [q.group for q in questions],
        {"recall": found},
    )


def threshold_outcomes(questions: Sequence[Judged], current: Value) -> Outcomes:
    """Balanced accuracy of refusing under each threshold: the mean of the shares decided rightly of either kind.

    Not F1, which depends on how many unanswerable questions somebody happened to write down. A question is weighted by
    its kind, so that the mean of the scores is the balanced accuracy.
    """
    values = _values(current, (None, *THRESHOLDS))
    kinds = [sum(q.answerable for q in questions), sum(not q.answerable for q in questions)]
    refused = [[float(q.confidence < (q.threshold if v is None else v)) for v in values] for q in questions]
    scores = []
    for question, row in zip(questions, refused, strict=True):
        share = len(questions) / (2 * kinds[not question.answerable])
        scores.append([share * (1 - r if question.answerable else r) for r in row])
    parts = {
        REFUSED: [row if q.answerable else None for q, row in zip(questions, refused, strict=True)],
        CAUGHT: [None if q.answerable else row for q, row in zip(questions, refused, strict=True)],
    }
    distances = _distances(values, [q.threshold for q in questions])
    groups = [q.group for q in questions]
    name = "balanced accuracy of refusing"
    return Outcomes("answer.refuse_below", name, values, distances, scores, groups, parts, (REFUSED, WRONGLY_REFUSED))


def ranked(question: Searched, weight: Value) -> list[int]:
    """The units of a question, best first, as the search ranks them under this weight."""
    fused = fuse(question.dense, question.lexical, question.weight if weight is None else weight)
    return list(dict.fromkeys(question.unit[chunk] for chunk, _ in fused))


def ndcg(ranking: Sequence[int], gold: frozenset[int]) -> float:
    """Normalised discounted cumulative gain at 10 (Järvelin & Kekäläinen 2002), relevance 0 or 1."""
    found = sum(1 / math.log2(place + 2) for place, unit in enumerate(ranking[:DEPTH]) if unit in gold)
    return found / sum(1 / math.log2(place + 2) for place in range(min(DEPTH, len(gold))))


def _recalls(question: Searched, weight: Value, values: Iterable[Value]) -> list[float]:
    """Share of the gold that the first k passages hold, for each k; of a known proof, whether they hold it."""
    fused = fuse(question.dense, question.lexical, question.weight if weight is None else weight)
    chunks = [chunk for chunk, _ in fused]
    if question.proof:
        return [float(not question.proof.isdisjoint(chunks[: int(k or 0)])) for k in values]
    units = [question.unit[chunk] for chunk in chunks]
    return [len(question.gold.intersection(units[: int(k or 0)])) / len(question.gold) for k in values]


def _values(current: Value, others: Sequence[Value]) -> tuple[Value, ...]:
    """The value in force, then the others."""
    return (current, *(value for value in others if value != current))


def _distances(values: Sequence[Value], defaults: Sequence[float]) -> tuple[float, ...]:
    """How far each value is from the first, on average: None stands for each question's own default."""

    def of(value: Value) -> list[float]:
        return [default if value is None else float(value) for default in defaults]

    first = of(values[0])
    return tuple(sum(abs(a - b) for a, b in zip(of(v), first, strict=True)) / max(1, len(first)) for v in values)
