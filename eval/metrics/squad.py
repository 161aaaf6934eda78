"""Exact match and F1 as SQuAD 2.0 defines them (Rajpurkar, Jia and Liang 2018), for figures that compare with others'.

Lower case, ASCII punctuation out, the words a, an, the out, white space to one. A question without an answer has the
empty string as its gold, and a refusal is the empty string. English only: in French these rules are wrong.
"""

from __future__ import annotations

import re
import string

from eval.metrics import text
from eval.metrics.gold import bare, references
from eval.types import Case, Response

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def squad_tokens(answer: str) -> list[str]:
    """Tokens that the definition compares."""
    return _ARTICLE.sub(" ", answer.lower().translate(_PUNCTUATION)).split()


def squad_em(case: Case, response: Response) -> float | None:
    """1 when the tokens are those of a gold answer."""
    golds = _golds(case, response)
    said = _said(response)
    return None if golds is None else float(said in golds)


def squad_f1(case: Case, response: Response) -> float | None:
    """Token F1 with the nearest gold answer; where either says nothing, 1 when both do."""
    golds = _golds(case, response)
    said = _said(response)
    if golds is None:
        return None
    return max(text.f1(said, gold) if said and gold else float(said == gold) for gold in golds)


def _said(response: Response) -> list[str]:
    return [] if response.refused else squad_tokens(bare(response.text))


def _golds(case: Case, response: Response) -> list[list[str]] | None:
    """Gold answers that say something; the empty one where there is none to say; None where nothing is known."""
    known = case.answers or references(case)
    if response.error or case.language != "en" or (case.answerable and not known):
        return None
    golds = [gold for answer in known if (gold := squad_tokens(answer))] if case.answerable else []
    return golds or [[]]
