"""Comparing answers in French and English: normalised *contains*, after SQuAD's normalisation (Rajpurkar et al. 2016).

SQuAD's own rules are wrong in French: dropping punctuation makes "3,5 %" equal "35 %", dropping the article "a" makes
"vitamine A" equal "vitamine". Here numbers are parsed first, elisions and the row language's articles are dropped, and
signs that carry meaning (%, €, $, £) stay.
"""

from __future__ import annotations

import re
import unicodedata

from retrieval.types import Language

_ARTICLES: dict[Language, frozenset[str]] = {
    "fr": frozenset("le la les un une des du au aux".split()),
    "en": frozenset("a an the".split()),
}
_ELISIONS = frozenset("l d j m n s t c qu jusqu lorsqu puisqu quoiqu".split())
_NUMBER = re.compile(r"\d+(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'(?=\w))?|[%€$£]")


def normalise(text: str, language: Language) -> list[str]:
    """Comparable tokens of an answer."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("ʼ", "'").casefold()
    tokens = []
    for token in _TOKEN.findall(_NUMBER.sub(_plain_number, text)):
        if token.endswith("'"):
            token = token[:-1]
            if token in _ELISIONS:
                continue
        if token not in _ARTICLES[language]:
            tokens.append(token)
    return tokens


def _plain_number(match: re.Match[str]) -> str:
    number = re.sub(r"[ \u00a0\u202f]", "", match[0]).replace(",", ".")
    return number.rstrip("0").rstrip(".") if "." in number else number


def contains(answer: str, golds: list[str], language: Language) -> bool:
    """Whether the answer contains one of the gold answers, token by token. An empty gold is never contained."""
    padded = f" {' '.join(normalise(answer, language))} "
    wanted = [" ".join(normalise(gold, language)) for gold in golds]
    return any(gold and f" {gold} " in padded for gold in wanted)
