"""Comparing answers in French and English: normalised *contains*, after SQuAD's normalisation (Rajpurkar et al. 2016).

SQuAD's own rules are wrong in French: dropping punctuation makes "3,5 %" equal "35 %", dropping the article "a" makes
"vitamine A" equal "vitamine". Here numbers are parsed first, elisions and the row language's articles are dropped, and
signs that carry meaning (%, €, $, £) stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from eval.metrics.numbers import with_plain_numbers
from retrieval.types import Language

_ARTICLES: dict[Language, frozenset[str]] = {
    "fr": frozenset("le la les un une des du au aux".split()),
    "en": frozenset("a an the".split()),
}
_ELISIONS = frozenset("l d j m n s t c qu jusqu lorsqu puisqu quoiqu".split())
_TOKEN = re.compile(r"(?:(?<!\w)-)?\d+(?:\.\d+)?|[^\W\d_]+(?:'(?=\w))?|[%€$£]")


def normalise(text: str, language: Language) -> list[str]:
    """Comparable tokens of an answer."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("ʼ", "'").casefold()
    tokens = []
    for token in _TOKEN.findall(with_plain_numbers(text, language)):
        if token.endswith("'"):
            token = token[:-1]
            if token in _ELISIONS:
                continue
        if token not in _ARTICLES[language]:
            tokens.append(token)
    return tokens


def contains(answer: str, golds: Sequence[str], language: Language) -> bool:
    """Whether the answer contains one of the gold answers, token by token. An empty gold is never contained."""
    padded = f" {' '.join(normalise(answer, language))} "
    wanted = [" ".join(normalise(gold, language)) for gold in golds]
    return any(gold and f" {gold} " in padded for gold in wanted)


def holds_every(answer: str, golds: Sequence[str], language: Language) -> bool:
    """Whether the answer contains all the gold answers. False without one that says anything."""
    said = [gold for gold in golds if normalise(gold, language)]
    return bool(said) and all(contains(answer, [gold], language) for gold in said)


def exact(answer: str, golds: Sequence[str], language: Language) -> bool:
    """Whether the answer is one of the gold answers, token by token. Nothing equals an empty gold."""
    said = normalise(answer, language)
    return bool(said) and any(said == normalise(gold, language) for gold in golds)


def token_f1(answer: str, golds: Sequence[str], language: Language) -> float:
    """Harmonic mean of token precision and recall, with the gold that is nearest (0 to 1)."""
    said = normalise(answer, language)
    return max((f1(said, normalise(gold, language)) for gold in golds), default=0.0)


def f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of two bags of tokens; 0 where one of them is empty."""
    same = sum((Counter(said) & Counter(wanted)).values())
    return 2 * same / (len(said) + len(wanted)) if same else 0.0
