"""What a training cost: the general suite before and after it, on the same base, and the loss on texts it never saw.

"Kept" is claimed only where something could have been lost: a base that can do nothing forgets nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.general.score import general_scores
from eval.types import GENERAL, Case, Evaluation, Scored
from retrieval.errors import BadInput

MARGIN = 0.05
"""Share of the suite whose loss does not matter; a base that gets no more than this right has nothing to lose."""
FEWEST = 6
"""Groups of cases under which nothing can be decided."""
Finding = Literal["forgotten", "kept", "undecided", "nothing to forget"]


@dataclass(frozen=True)
class Slice:
    """Some of the cases, before and after."""

    name: str
    """`all`, a kind, or a language."""
    count: int
    """Cases that both answered."""
    right_before: int
    right_after: int
    still_right: int
    """Of those that were right before."""

    @property
    def before(self) -> float:
        """Share right, 0 to 1."""
        return self.right_before / self.count

    @property
    def after(self) -> float:
        """Share right, 0 to 1."""
        return self.right_after / self.count

    @property
    def kept(self) -> float | None:
        """Share still right of those right before; None where none was."""
        return self.still_right / self.right_before if self.right_before else None


@dataclass(frozen=True)
class Forgetting:
    """What happened to a general suite."""

    finding: Finding
    total: Slice
    kinds: tuple[Slice, ...]
    languages: tuple[Slice, ...]
    difference: float
    """Share right after, less before."""
    interval: tuple[float, float]
    """Groups drawn with replacement; 95% where no other was asked for."""
    unscored: int
    """Cases that one of the two never answered: they count nowhere."""
    lost: tuple[str, ...]
    """Ids of the cases that were right and are not any more."""
    gained: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class _Pair:
    case: Case
    before: float
    after: float


def forgotten(before: Evaluation, after: Evaluation, margin: float = MARGIN, confidence: float = 0.95) -> Forgetting:
    """Compare two evaluations of the same general cases: those of the suite, or imported ones.

    `confidence` is that of the interval. The scores are computed anew from the responses. Raises BadInput for other cases,
    or when none was answered by both.
    """
    from eval.statistics import bootstrap, cushioned

    pairs, unscored = _paired(before, after)
    total = _slice("all", pairs)
    differences, groups = [p.after - p.before for p in pairs], [p.case.group or p.case.id for p in pairs]
    low, high = bootstrap(*cushioned(differences, groups), confidence)
    finding = _finding(total, (low, high), len(set(groups)), margin)
    return Forgetting(
        finding,
        total,
        _slices(pairs, lambda case: case.type.removeprefix(GENERAL)),
        _slices(pairs, lambda case: case.language),
        total.after - total.before,
        (low, high),
        unscored,
        tuple(p.case.id for p in pairs if p.before > p.after),
        tuple(p.case.id for p in pairs if p.after > p.before),
        _sentence(finding, total, (low, high), margin, confidence),
    )


def _paired(before: Evaluation, after: Evaluation) -> tuple[list[_Pair], int]:
    first, second = _general(before), _general(after)
    if {s.case.id: s.case.question for s in first} != {s.case.id: s.case.question for s in second}:
        message = f"{before.identity.id} and {after.identity.id} did not answer the same general cases."
        raise BadInput(message, "Evaluate both on the same suite, with the same --limit.")
    was, now = general_scores(first), general_scores(second)
    pairs = [
        _Pair(s.case, b, a) for s in first if (b := was[s.case.id]) is not None and (a := now[s.case.id]) is not None
    ]
    if not pairs:
        message = f"No case was answered by both {before.identity.id} and {after.identity.id}."
        raise BadInput(message, "Look at the errors in their reports, and evaluate again.")
    return pairs, len(first) - len(pairs)


def _general(evaluation: Evaluation) -> list[Scored]:
    found = [scored for scored in evaluation.scored if scored.case.type.startswith(GENERAL)]
    if not found:
        message = f"{evaluation.identity.id} has no case of a general suite."
        raise BadInput(message, "Evaluate the model on the general suite first.")
    return found


def _slice(name: str, pairs: Sequence[_Pair]) -> Slice:
    still = sum(p.before == p.after == 1 for p in pairs)
    return Slice(name, len(pairs), sum(p.before == 1 for p in pairs), sum(p.after == 1 for p in pairs), still)


def _slices(pairs: Iterable[_Pair], name: Callable[[Case], str]) -> tuple[Slice, ...]:
    by_name: dict[str, list[_Pair]] = {}
    for pair in pairs:
        by_name.setdefault(name(pair.case), []).append(pair)
    return tuple(_slice(key, some) for key, some in by_name.items())


def _finding(total: Slice, interval: tuple[float, float], groups: int, margin: float) -> Finding:
    """What the interval allows to say; where no loss beyond the margin is possible, none can be ruled out either."""
    if total.before <= MARGIN:
        return "nothing to forget"
    if groups < FEWEST:
        return "undecided"
    if interval[1] < 0:
        return "forgotten"
    return "kept" if interval[0] >= -margin else "undecided"


def too_little(before: Evaluation) -> str:
    """In words, where so little is right that nothing can be lost: the trained model need not be asked then. Else empty."""
    scores = [score for score in general_scores(_general(before)).values() if score is not None]
    if not scores or sum(scores) > MARGIN * len(scores):
        return ""
    right = f"{sum(scores):.0f} of {len(scores)} general cases are right before the training"
    return f"There is too little to forget: {right}. The trained model was not asked."


def _sentence(finding: Finding, total: Slice, interval: tuple[float, float], margin: float, confidence: float) -> str:
    low, high = (f"{100 * bound:+.1f}" for bound in interval)
    change = f"{total.right_before} of {total.count} general cases were right before and {total.right_after} are after"
    if total.right_before:
        change += f"; {total.still_right} of the {total.right_before} still are"
    if finding == "nothing to forget":
        return (
            f"There was too little to forget: {change}. This says nothing about what a training does to an abler base."
        )
    said = {
        "forgotten": "Something was forgotten, beyond chance",
        "kept": f"No more than {100 * margin:.0f} points can have been lost",
        "undecided": "It cannot be decided whether something was forgotten",
    }[finding]
    spread = f"{100 * confidence:.0f}% from {low} to {high}"
    return f"{said}: {change} (change {100 * (total.after - total.before):+.1f} points, {spread})."
