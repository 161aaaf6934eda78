"""How much of a reference text an answer repeats: BLEU and chrF by sacrebleu (Post 2018), ROUGE-L (Lin 2004) over our tokens.

ROUGE's usual tokenizer splits "été" at its accents; the longest common subsequence here is one of normalised tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from eval.metrics.gold import bare, references
from eval.metrics.text import normalise
from eval.types import Case, Response

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


def bleu(case: Case, response: Response) -> float | None:
    """Sentence BLEU, 0 to 1; the n-gram orders that a short answer lacks are left out (effective order)."""
    return _sentence("bleu", case, response)


def chrf(case: Case, response: Response) -> float | None:
    """Sentence chrF2, 0 to 1."""
    return _sentence("chrf", case, response)


def corpus(name: str, pairs: Sequence[tuple[Case, Response]]) -> float | None:
    """BLEU or chrF, 0 to 1, over all texts that have a reference; None without one."""
    scored = [(_said(response), references(case)) for case, response in pairs if comparable(case, response)]
    if not scored:
        return None
    most = max(len(golds) for _, golds in scored)
    # None marks a reference that a case does not have; an empty text would count as a reference of no length.
    streams = [[(*golds, *[None] * most)[i] for _, golds in scored] for i in range(most)]
    result = _metric(name, whole=True).corpus_score([said for said, _ in scored], cast(list[list[str]], streams))
    return float(result.score) / 100


def rouge_l(case: Case, response: Response) -> float | None:
    """F-measure of the longest common subsequence of tokens, with the nearest reference."""
    if not comparable(case, response):
        return None
    said = normalise(_said(response), case.language)
    return max(lcs_f(said, normalise(gold, case.language)) for gold in references(case))


def lcs_f(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Harmonic mean of the shares of both token lists that their longest common subsequence is (0 to 1)."""
    common = _lcs(said, wanted)
    return 2 * common / (len(said) + len(wanted)) if common else 0.0


def comparable(case: Case, response: Response) -> bool:
    """Whether there is a text to compare, and one to compare it with."""
    return not response.error and case.answerable and bool(references(case))


def _said(response: Response) -> str:
    return "" if response.refused else bare(response.text)


def _sentence(name: str, case: Case, response: Response) -> float | None:
    if not comparable(case, response):
        return None
    result = _metric(name, whole=False).sentence_score(_said(response), list(references(case)))
    return float(result.score) / 100


@lru_cache(maxsize=4)
def _metric(name: str, *, whole: bool) -> Metric:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    # `force` says nothing else than that answers which end in " ." are no reason for a warning.
    return BLEU(effective_order=not whole, force=True) if name == "bleu" else CHRF()


def _lcs(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence: one row of its table at a time, as the bits of a number (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for i, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << i
    row = every = (1 << len(a)) - 1
    for token in b:
        hit = row & places.get(token, 0)
        row = (row + hit | row - hit) & every
    return len(a) - row.bit_count()
