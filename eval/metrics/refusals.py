"""Refusals as a 2x2 table, and its three shares case by case: their means are precision, recall and answer rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eval.types import Case, Response


@dataclass(frozen=True)
class Refusals:
    """How often the answer was refused, against whether there was one. Left out: what failed, and cases without a known answer."""

    refused_unanswerable: int
    refused_answerable: int
    answered_unanswerable: int
    answered_answerable: int
    precision: float | None
    """Of the refusals, the share that was right."""
    recall: float | None
    """Of the unanswerable questions, the share that was refused."""


def precision(case: Case, response: Response) -> float | None:
    """Of a refusal, 1 when there was no answer; None for what was answered, and where it is not known."""
    return float(not case.answerable) if response.refused and _counts(case, response) else None


def recall(case: Case, response: Response) -> float | None:
    """Of an unanswerable question, 1 when it was refused; None for an answerable one."""
    return float(response.refused) if not case.answerable and not response.error else None


def answer_rate(case: Case, response: Response) -> float | None:
    """Of an answerable question, 1 when it was answered; None for another, and where it is not known."""
    return float(not response.refused) if case.answerable and _counts(case, response) else None


def table(pairs: Iterable[tuple[Case, Response]]) -> Refusals:
    """The 2x2 table with its precision and recall, None where nothing was refused or nothing is unanswerable."""
    seen = [(response.refused, case.answerable) for case, response in pairs if _counts(case, response)]
    right, wrong = seen.count((True, False)), seen.count((True, True))
    missed, answered = seen.count((False, False)), seen.count((False, True))
    return Refusals(right, wrong, missed, answered, _share(right, wrong), _share(right, missed))


def _counts(case: Case, response: Response) -> bool:
    """Whether something came, to a question of which it is known whether it has an answer."""
    known = not case.answerable or case.answers or case.expected or case.gold
    return bool(known) and not response.error


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
