"""Whether an answer is right: held against what is known, in French and English alike. A refusal holds nothing."""

from __future__ import annotations

from eval.metrics import text
from eval.metrics.gold import asked, bare, values
from eval.metrics.numbers import numeric_match
from eval.metrics.states import says_yes_or_no, states
from eval.types import GENERAL, Case, Response


def success(case: Case, response: Response) -> float | None:
    """The guides' success: answered without an error and holds a right value, or refused where there is no answer.

    A long reference is held when most of it is said, every number included, a list when every item is (`states`); a yes
    or no must come first (`says_yes_or_no`). None where no answer is known.
    A case of a general suite is judged by that suite's own rule.
    """
    if case.type.startswith(GENERAL):
        from eval.general.score import general_score  # which knows this module

        return general_score(case, response)
    if not case.answerable:
        return float(response.refused and not response.error)
    if not values(case):
        return None
    said, golds = bare(response.text), case.answers if case.every else values(case)
    held = (all if case.every else any)(_says(case, said, gold) for gold in golds)
    return float(held and not response.refused and not response.error)


def exact_match(case: Case, response: Response) -> float | None:
    """1 when the answer is a right one, citations apart; the guides' exact match."""
    if not asked(case, response):
        return None
    return float(not response.refused and text.exact(bare(response.text), values(case), case.language))


def f1(case: Case, response: Response) -> float | None:
    """Token F1 with the nearest right answer."""
    if not asked(case, response):
        return None
    return 0.0 if response.refused else text.token_f1(bare(response.text), values(case), case.language)


def contains_gold(case: Case, response: Response) -> float | None:
    """1 when the answer holds a right answer (every one of them where the case says so)."""
    if not asked(case, response):
        return None
    if case.every:
        held = text.holds_every(bare(response.text), case.answers, case.language)
    else:
        held = text.contains(bare(response.text), values(case), case.language)
    return float(held and not response.refused)


def numbers_match(case: Case, response: Response) -> float | None:
    """1 when the answer holds every number of a right answer; None when no right answer has one."""
    if not asked(case, response):
        return None
    match = numeric_match(bare(response.text), values(case), case.language)
    return match if match is None or not response.refused else 0.0


def _says(case: Case, said: str, gold: str) -> bool:
    decided = says_yes_or_no(said, gold, bare(case.expected), case.language)
    return states(said, gold, case.question, case.language) if decided is None else decided
