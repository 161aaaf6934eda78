"""Whether a response to a case of the general suite, or of an imported one, is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from eval.general.numbers import final_number
from eval.general.scorers import OPTIONS, SCORERS, pattern_matches, refuses
from eval.general.suite import ScoredAs, items
from eval.types import GENERAL, Case, Response, Scored
from retrieval.errors import BadInput

_LETTER = re.compile(r"\([A-Z]\)")


def general_score(case: Case, response: Response) -> float | None:
    """1 for a right answer, 0 for a wrong one, None where no answer came (`response.error`) or the right one is not known.

    A refusal is wrong wherever there is an answer, whatever else it says. Raises BadInput for a case of another kind.
    """
    if not case.type.startswith(GENERAL):
        message = f"The case {case.id} is of the type `{case.type}`, and not of a general suite."
        raise BadInput(message, "Score it with eval.metrics, or read the suite with eval.general.importers.")
    if response.error or (case.answerable and not case.answers):
        return None
    if not case.answerable:
        return float(refuses(response.text, case.language))
    return float(not response.refused and _right(case)(response.text))


def general_scores(scored: Iterable[Scored]) -> dict[str, float | None]:
    """The score of each case by its id, with no credit for refusing everything.

    A right refusal counts only where the same model answered what the same passage does say: cases of one group are such
    twins. So a model that always refuses scores 0, and one that never does loses half of these cases.
    """
    scored = tuple(scored)
    scores = {one.case.id: general_score(one.case, one.response) for one in scored}
    reads = {one.case.group for one in scored if one.case.answerable and scores[one.case.id]}
    return {
        one.case.id: 0.0 if scores[one.case.id] and not one.case.answerable and one.case.group not in reads
        else scores[one.case.id]
        for one in scored
    }  # fmt: skip


def _right(case: Case) -> Callable[[str], bool]:
    """What decides for this case: the item says it, else the form of its answer."""
    item = items().get(case.id)
    if item is None or item.prompt != case.question:
        return lambda text: SCORERS[_form(case)](text, case)
    if item.score == "regex":
        return lambda text: pattern_matches(text, item.pattern)
    return lambda text: SCORERS[item.score](text, case)


def _form(case: Case) -> ScoredAs:
    """How an imported case is scored: by an option, a number, or else a whole text."""
    answer = case.answers[0]
    if _LETTER.fullmatch(answer) or any(answer.casefold() in options for options in OPTIONS):
        return "choice"
    return "number" if final_number(answer, case.language) is not None else "exact"
