"""Two or more evaluations of the same cases, put side by side by case id; anything that does not match is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.types import Case, Evaluation, Scored
from retrieval.errors import BadInput

_SAME = "Evaluate both on the same cases: `dyag eval CASES --model …` for each."


@dataclass(frozen=True)
class Paired:
    """One metric over the cases scored on both sides, sorted by case id."""

    cases: tuple[str, ...]
    groups: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    only_before: int = 0
    only_after: int = 0
    neither: int = 0

    @property
    def differences(self) -> list[float]:
        return [new - old for old, new in zip(self.before, self.after, strict=True)]

    @property
    def documents(self) -> int:
        return len(set(self.groups))

    @property
    def yes_no(self) -> bool:
        """Whether every score is 0 or 1."""
        return {*self.before, *self.after} <= {0.0, 1.0}


def group_of(case: Case) -> str:
    """The document a case is about; a case that names none is a document of its own."""
    return f"document {case.group}" if case.group else f"case {case.id}"


def by_case(evaluations: Sequence[Evaluation]) -> list[dict[str, Scored]]:
    """The scored cases of each, by id in one order. Raises BadInput where the cases are not the same."""
    sides = [_by_id(one) for one in evaluations]
    first = evaluations[0]
    for other, side in zip(evaluations[1:], sides[1:], strict=True):
        if first.identity.cases_sha256 != other.identity.cases_sha256:
            raise BadInput(f"{name(first)} and {name(other)} were measured on different cases.", _SAME)
        if missing := sorted(sides[0].keys() ^ side.keys()):
            raise BadInput(
                f"{name(first)} and {name(other)} do not have the same cases: {len(missing)} without a counterpart, as {missing[0]}.",
                "One of them was broken off: run its command again, it goes on where it stopped.",
            )
        if changed := [id for id, one in side.items() if _asks(one.case) != _asks(sides[0][id].case)]:
            message = f"{name(first)} and {name(other)} have other cases under the same ids, {min(changed)} for one."
            raise BadInput(message, _SAME)
    return [{id: side[id] for id in sorted(sides[0])} for side in sides]


def _asks(case: Case) -> tuple[object, ...]:
    """What makes a case the same, and not only its id."""
    return case.question, case.answers, case.expected, case.answerable, group_of(case)


def name(evaluation: Evaluation) -> str:
    """What an evaluation is called in a message."""
    return evaluation.identity.id or evaluation.identity.model or "an evaluation"


def _by_id(evaluation: Evaluation) -> dict[str, Scored]:
    found: dict[str, Scored] = {}
    for one in evaluation.scored:
        if one.case.id in found:
            raise BadInput(f"{name(evaluation)} has the case {one.case.id} twice.", "Give every case an id of its own.")
        found[one.case.id] = one
        _refuse_nan(evaluation, one)
    return found


def _refuse_nan(evaluation: Evaluation, one: Scored) -> None:
    for metric, score in one.scores.items():
        if score is not None and not math.isfinite(score):
            raise BadInput(
                f"{name(evaluation)}: the score `{metric}` of case {one.case.id} is {score}, not a number.",
                "Evaluate again; a case that has no score is left unscored (null).",
            )


def paired(metric: str, before: Mapping[str, Scored], after: Mapping[str, Scored]) -> Paired:
    """One metric of two sides that hold the same cases."""
    scores = {id: (before[id].scores.get(metric), after[id].scores.get(metric)) for id in sorted(before)}
    both = {id: (float(b), float(a)) for id, (b, a) in scores.items() if b is not None and a is not None}
    return Paired(
        tuple(both),
        tuple(group_of(before[id].case) for id in both),
        tuple(b for b, _ in both.values()),
        tuple(a for _, a in both.values()),
        only_before=sum(b is not None and a is None for b, a in scores.values()),
        only_after=sum(b is None and a is not None for b, a in scores.values()),
        neither=sum(b is None and a is None for b, a in scores.values()),
    )
