"""Choosing the value of a setting from cases, without believing luck.

Every value of a setting has a score on every question. Questions are dealt to folds by document; in each fold the value is
chosen on the others, and what it brings is measured on the documents left out, against the value in force. A value is
worth a change only when that gain is more than chance.

Within a fold the choice follows the one-standard-error rule (Breiman et al. 1984): of the values that are as good as the
best, give or take the standard error of their difference, the one nearest to the value in force. A flat optimum changes
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.statistics import bootstrap, cushioned, permutation, standard_error

Value = float | int | None
"""Of a setting; None where it is left to the program."""
FOLDS = 5
LEAST_DOCUMENTS = 6
"""Fewer cannot show a gain: the smallest p value of five documents is 1/32, and three settings share .05."""
LEAST_QUESTIONS = 20
ALPHA = 0.05
Part = Sequence[Sequence[float] | None]
"""For each question its figure under each value; None where it has none."""


@dataclass(frozen=True)
class Outcomes:
    """How well each value of a setting does on each question. The first value is the one in force."""

    setting: str
    measure: str
    """What a score is, in words."""
    values: tuple[Value, ...]
    distances: tuple[float, ...]
    """How far each value is from the first."""
    scores: Sequence[Sequence[float]]
    """One row a question, one column a value; higher is better."""
    groups: Sequence[str]
    """The document of each question."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """What the score is made of, for people to see."""
    limit: tuple[str, float] | None = None
    """A part that may not exceed this share, or what the value in force has."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95% interval, documents drawn with replacement."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Fold:
    """Documents left out, and what the value chosen on the others does there."""

    questions: int
    documents: int
    value: Value
    before: float
    after: float


@dataclass(frozen=True)
class Tuned:
    """What became of a setting. Figures are of documents left out; they are None where nothing could be decided."""

    setting: str
    before: Value
    """In force before."""
    value: Value
    """Chosen on all questions; the one in force where there is no gain."""
    changes: bool
    why: str
    """In one sentence."""
    measure: str = ""
    questions: int = 0
    documents: int = 0
    score_before: Estimate | None = None
    score_after: Estimate | None = None
    gain: Estimate | None = None
    """With the interval, and `p`, of the questions and one more won and one more lost."""
    p: float | None = None
    """Of no gain, against a gain."""
    alpha: float = ALPHA
    """What `p` has to stay under: .05 shared among the settings that are tuned together."""
    folds: tuple[Fold, ...] = ()
    parts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Before and after, of what the score is made of."""
    curve: tuple[tuple[Value, float], ...] = ()
    """Every value with its mean score on all questions."""


def cross_validated(outcomes: Outcomes, count: int = FOLDS, alpha: float = ALPHA) -> Tuned:
    """The value that these questions speak for, and whether its gain on documents left out is more than chance."""
    if reason := too_few(outcomes.groups):
        return undecided(outcomes.setting, outcomes.values[0], reason)
    everything = range(len(outcomes.groups))
    fold_of = folds(outcomes.groups, count)
    picked, made = _held_out(outcomes, fold_of)
    before = [row[0] for row in outcomes.scores]
    after = [outcomes.scores[i][picked[i]] for i in everything]
    gains = [b - a for a, b in zip(before, after, strict=True)]
    # A gain on every question is no proof that none is ever lost: without the cushion, a passage less always wins.
    padded = cushioned(gains, outcomes.groups)
    gain, p = Estimate(sum(gains) / len(gains), *bootstrap(*padded)), permutation(*padded, "greater")
    best = choose(outcomes, everything)
    wins = best != 0 and gain.low > 0 and p <= alpha
    return Tuned(
        outcomes.setting, outcomes.values[0], outcomes.values[best if wins else 0], wins, _why(best, gain, p, alpha),
        outcomes.measure, len(before), len(set(outcomes.groups)), _estimate(before, outcomes.groups),
        _estimate(after, outcomes.groups), gain, p, alpha, made,
        {name: _shares(part, picked) for name, part in outcomes.parts.items()},
        tuple((value, _mean(outcomes.scores, everything, i)) for i, value in enumerate(outcomes.values)),
    )  # fmt: skip


def too_few(groups: Sequence[str]) -> str:
    """Why so few questions decide nothing; empty when there are enough."""
    documents = len(set(groups))
    if documents < LEAST_DOCUMENTS:
        found = f"{documents} document{'s' * (documents != 1)}"
        return f"cannot be decided: the questions are about {found}, and {LEAST_DOCUMENTS} are needed"
    if len(groups) < LEAST_QUESTIONS:
        return f"cannot be decided: there are {len(groups)} questions to tune it on, and {LEAST_QUESTIONS} are needed"
    return ""


def undecided(setting: str, value: Value, why: str) -> Tuned:
    """A setting that stays as it is, because nothing can be said of it."""
    return Tuned(setting, value, value, False, why)


def folds(groups: Sequence[str], count: int = FOLDS) -> list[int]:
    """The fold of each question. No document is in two; the largest are dealt first, each to the smallest fold."""
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    filled = [0] * max(2, min(count, len(sizes)))
    of: dict[str, int] = {}
    for group in sorted(sizes, key=lambda g: (-sizes[g], hashlib.sha256(g.encode()).digest())):
        of[group] = filled.index(min(filled))
        filled[of[group]] += sizes[group]
    return [of[group] for group in groups]


def choose(outcomes: Outcomes, rows: Sequence[int]) -> int:
    """Which value these questions speak for, by the one-standard-error rule."""
    groups = [outcomes.groups[r] for r in rows]
    means = {i: _mean(outcomes.scores, rows, i) for i in _allowed(outcomes, rows)}
    best = max(means, key=lambda i: (means[i], -outcomes.distances[i]))

    def as_good(value: int) -> bool:
        behind = [outcomes.scores[r][best] - outcomes.scores[r][value] for r in rows]
        return means[best] - means[value] <= standard_error(behind, groups)

    return next(i for i in sorted(means, key=lambda i: (outcomes.distances[i], i)) if i == best or as_good(i))


def _allowed(outcomes: Outcomes, rows: Sequence[int]) -> list[int]:
    """The values that keep the limit."""
    every = range(len(outcomes.values))
    if outcomes.limit is None:
        return list(every)
    name, most = outcomes.limit
    part = [figures for r in rows if (figures := outcomes.parts[name][r]) is not None]
    if not part:
        return [0]
    shares = [sum(figures[i] for figures in part) / len(part) for i in every]
    return [i for i in every if shares[i] <= max(most, shares[0])]


def _held_out(outcomes: Outcomes, fold_of: Sequence[int]) -> tuple[list[int], tuple[Fold, ...]]:
    """For each question the value chosen without its fold; and the folds."""
    picked = [0] * len(fold_of)
    made = []
    for number in range(max(fold_of) + 1):
        inside = [i for i, fold in enumerate(fold_of) if fold == number]
        value = choose(outcomes, [i for i, fold in enumerate(fold_of) if fold != number])
        for i in inside:
            picked[i] = value
        before, after = _mean(outcomes.scores, inside, 0), _mean(outcomes.scores, inside, value)
        documents = len({outcomes.groups[i] for i in inside})
        made.append(Fold(len(inside), documents, outcomes.values[value], before, after))
    return picked, tuple(made)


def _shares(part: Part, picked: Sequence[int]) -> tuple[float, float]:
    """The mean of a part before and after, on documents left out; (0, 0) where no question has it."""
    pairs = [(row[0], row[i]) for row, i in zip(part, picked, strict=True) if row is not None]
    count = max(1, len(pairs))
    return sum(before for before, _ in pairs) / count, sum(after for _, after in pairs) / count


def _mean(scores: Sequence[Sequence[float]], rows: Sequence[int], value: int) -> float:
    return sum(scores[r][value] for r in rows) / len(rows)


def _estimate(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    return Estimate(sum(values) / len(values), *bootstrap(values, groups))


def _why(best: int, gain: Estimate, p: float, alpha: float) -> str:
    if best == 0:
        return "kept: no value is better than this one by more than its standard error"
    if gain.low > 0 and p <= alpha:
        return "changed: the gain on documents left out is more than chance"
    return "kept: the gain on documents left out may be chance"
