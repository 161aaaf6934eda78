"""What a comparison says: values only, made by `eval/compare.py`, shown by the reports.

Sides keep the order in which they were given; the first is the baseline. Every pair of sides is compared, the earlier
one as `before`.
"""

from __future__ import annotations

from dataclasses import dataclass

MIN_DOCUMENTS = 6
"""Below, no test can reach 5%: five documents have 32 sign flips, and 2 of 32 are 6%."""


@dataclass(frozen=True)
class Side:
    """One of the evaluations compared."""

    label: str
    """Tells it from the others: its mode, its model, or both; else its id."""
    id: str
    mode: str
    model: str


@dataclass(frozen=True)
class Row:
    """One metric of two sides, over the cases that both have scored."""

    metric: str
    better: str
    """`higher` or `lower`."""
    unit: str
    """`share`, `seconds`, `count`, `dollars`; `percent` for the guides' rates."""
    before: float | None
    after: float | None
    """Means over the cases scored on both sides; None where there is none."""
    difference: float | None
    """After minus before."""
    n: int
    """Cases scored on both sides; 0 too where a side holds figures only."""
    documents: int
    only_before: int = 0
    only_after: int = 0
    neither: int = 0
    """Cases that are scored on one side only, or on neither: counted here and nowhere else."""
    wins: int = 0
    """Cases in which `after` is better."""
    ties: int = 0
    losses: int = 0
    low: float | None = None
    high: float | None = None
    """95% interval of the difference."""
    p: float | None = None
    """Document-clustered permutation test, two-sided; None where nothing could be tested."""
    p_adjusted: float | None = None
    """Benjamini-Hochberg over every metric of every pair."""
    mcnemar: float | None = None
    """For yes/no metrics: exact, and blind to documents. To be read beside `p`, not for it."""
    detectable: float | None = None
    """Smallest true difference that these data would show in 80 of 100 cases, tested beside all others as it is; None where
    the documents are too few to show any."""
    winner: str = ""
    """Label of the side that is better beyond chance; empty for none."""
    verdict: str = ""
    """In words: who wins, "no detectable difference", or "cannot be decided" and why."""
    how: str = ""
    """Which statistic of the cases is compared, where a report of one evaluation shows another: `, mean`."""

    @property
    def name(self) -> str:
        """`latency, mean`: the metric, as it is told to a person."""
        return f"{self.metric}{self.how}"


@dataclass(frozen=True)
class Slice:
    """One metric over the cases of one type or language."""

    by: str
    """`type` or `language`."""
    value: str
    metric: str
    before: float
    after: float
    difference: float
    n: int
    documents: int
    low: float | None
    high: float | None
    p_adjusted: float | None
    """Benjamini-Hochberg over the slices of the pair; None for an anecdote."""
    winner: str
    anecdote: bool
    """Too few documents to say anything: to be shown as an example, if at all."""


@dataclass(frozen=True)
class Change:
    """A case that is right on one side and wrong on the other."""

    case: str
    question: str
    expected: str
    before: str
    after: str


@dataclass(frozen=True)
class Pair:
    """Two sides: every metric, where they differ, which answers turned."""

    before: str
    """Label."""
    after: str
    metrics: tuple[Row, ...]
    headline: str
    """The metric that says whether an answer is right; slices and changes are about it. Empty where none is there."""
    slices: tuple[Slice, ...] = ()
    broken: tuple[Change, ...] = ()
    """Right before, wrong after."""
    fixed: tuple[Change, ...] = ()

    def strengths(self, label: str) -> tuple[Slice, ...]:
        """Where this side is better than the other beyond chance."""
        return tuple(one for one in self.slices if one.winner == label)


@dataclass(frozen=True)
class Asked:
    """A case with what every side answered, in the order of the sides."""

    case: str
    question: str
    expected: str
    type: str
    language: str
    answers: tuple[str, ...]
    right: tuple[bool | None, ...]
    """By the headline metric; None where it does not score the case."""


@dataclass(frozen=True)
class Comparison:
    """Two or more evaluations of the same cases."""

    sides: tuple[Side, ...]
    cases_sha256: str
    n: int
    documents: int
    pairs: tuple[Pair, ...]
    answers: tuple[Asked, ...] = ()
    undecided: str = ""
    """Why nothing can be decided; empty where it can."""
    notes: tuple[str, ...] = ()
    """What a reader should know: cases that name no document, cases that are unscored."""

    def pair(self, before: str, after: str) -> Pair:
        """The pair of two labels. Raises KeyError."""
        for pair in self.pairs:
            if (pair.before, pair.after) == (before, after):
                return pair
        raise KeyError((before, after))
