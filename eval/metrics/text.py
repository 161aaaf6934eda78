"""Comparing answers in French and English: normalised *contains*, after SQuAD's normalisation (Rajpurkar et al. 2016).

SQuAD's own rules are wrong in French: dropping punctuation makes "3,5 %" equal "35 %", dropping the article "a" makes
"vitamine A" equal "vitamine". Here numbers are parsed first, elisions and the row language's articles are dropped, and
signs that carry meaning (%, €, $, £) stay. A date is the same however it is written; the ligatures œ and æ are oe and ae.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from eval.metrics.dates import with_iso_dates
from eval.metrics.numbers import with_plain_numbers
from retrieval.types import Language

_ARTICLES: dict[Language, frozenset[str]] = {
    "fr": frozenset("le la les un une des du au aux".split()),
    "en": frozenset("a an the".split()),
}
_ELISIONS = frozenset("l d j m n s t c qu jusqu lorsqu puisqu quoiqu".split())
_TOKEN = re.compile(r"(?:(?<!\w)-)?\d+(?:\.\d+)?|[^\W\d_]+(?:'(?=\w))?|[%€$£]")
_SAME = str.maketrans({"’": "'", "ʼ": "'", "œ": "oe", "æ": "ae"})
_RAISED = re.compile(r"(?<=[^\W\d_])[⁰¹²³⁴-⁹₀-₉]")
"""Of CO₂ and m²; after a digit it is a power."""
_FIRST = re.compile(r"\b1er\b")
_IN_A_WORD = re.compile(r"[^\W\d_](?<!\bv)\Z")
"""What stands before the 2 of CO2 and the 12 of B12; in v1.2 the number is a word of its own."""


def normalise(text: str, language: Language) -> list[str]:
    """Comparable tokens of an answer."""
    return [token for token, _ in _tokens(text, language)]


def contains(answer: str, golds: Sequence[str], language: Language) -> bool:
    """Whether the answer contains one of the gold answers, token by token. An empty gold is never contained."""
    return any(
        _holds(_tokens(said, language), _tokens(wanted, language))
        for gold in golds
        for said, wanted in _written(answer, gold, language)
    )


def holds_every(answer: str, golds: Sequence[str], language: Language) -> bool:
    """Whether the answer contains all the gold answers. False without one that says anything."""
    said = [gold for gold in golds if normalise(gold, language)]
    return bool(said) and all(contains(answer, [gold], language) for gold in said)


def exact(answer: str, golds: Sequence[str], language: Language) -> bool:
    """Whether the answer is one of the gold answers, token by token. Nothing equals an empty gold."""
    return any(said and said == wanted for said, wanted in _compared(answer, golds, language))


def token_f1(answer: str, golds: Sequence[str], language: Language) -> float:
    """Harmonic mean of token precision and recall, with the gold that is nearest (0 to 1)."""
    return max((f1(said, wanted) for said, wanted in _compared(answer, golds, language)), default=0.0)


def f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of two bags of tokens; 0 where one of them is empty."""
    same = sum((Counter(said) & Counter(wanted)).values())
    return 2 * same / (len(said) + len(wanted)) if same else 0.0


def _tokens(text: str, language: Language) -> list[tuple[str, bool]]:
    """Comparable tokens; of each, whether it is a number inside a word, like the 2 of CO2."""
    text = unicodedata.normalize("NFC", text).casefold().translate(_SAME)
    text = _RAISED.sub(lambda raised: unicodedata.normalize("NFKC", raised[0]), text)
    if language == "fr":
        text = _FIRST.sub("1", text)  # of the month
    text = with_plain_numbers(text, language)
    tokens = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token.endswith("'"):
            token = token[:-1]
            if token in _ELISIONS:
                continue
        if token not in _ARTICLES[language]:
            before = text[max(0, match.start() - 2) : match.start()]
            tokens.append((token, token[0].isdigit() and bool(_IN_A_WORD.search(before))))
    return tokens


def _holds(said: list[tuple[str, bool]], wanted: list[tuple[str, bool]]) -> bool:
    """Whether tokens stand in others, one after the other, beginning and ending where words do."""
    size, gold = len(wanted), [token for token, _ in wanted]
    return any(
        [token for token, _ in said[i : i + size]] == gold
        and said[i][1] <= wanted[0][1]
        and not (i + size < len(said) and said[i + size][1])
        for i in range(len(said) - size + 1 if size else 0)
    )


def _written(answer: str, gold: str, language: Language) -> Iterator[tuple[str, str]]:
    """Both as they are written, and, where that is another thing, with their dates in one form."""
    yield answer, gold
    dated = with_iso_dates(answer, language), with_iso_dates(gold, language)
    if dated != (answer, gold):
        yield dated


def _compared(answer: str, golds: Sequence[str], language: Language) -> Iterator[tuple[list[str], list[str]]]:
    for gold in golds:
        for said, wanted in _written(answer, gold, language):
            yield normalise(said, language), normalise(wanted, language)
