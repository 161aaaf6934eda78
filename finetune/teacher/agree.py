"""Whether two answers to one question say the same: the same numbers, dates and names, and mostly the same words."""

from __future__ import annotations

import re
from collections.abc import Collection

from finetune.teacher.stated import FIGURES, names, numbers
from retrieval.lexical import analyze
from retrieval.text import fold, words
from retrieval.types import Language

ENOUGH = 0.5
"""F1 of the content words from which two answers agree."""
_NO = re.compile(r"^(?:non|no)\b|\b(?:ne|n|not|cannot|never|jamais|aucune?)\b")
_YES = re.compile(r"^(?:oui|yes)\b")


def agree(first: str, second: str, question: str, language: Language) -> bool:
    """Whether the answers agree; what the question says already counts for neither."""
    if _negated(first) != _negated(second):
        return False
    known = names(first) | names(second)
    stated = [
        (numbers(a, language) - numbers(question, language), names(a, known) - known_in(question))
        for a in (first, second)
    ]
    if stated[0] != stated[1]:
        return False
    contents = [_content(answer, question, language, known) for answer in (first, second)]
    # `6379.` is an answer: where a number or a name was asked for, it is enough.
    return (any(stated[0]) and not all(contents)) or f1(*contents) >= ENOUGH


def known_in(text: str) -> frozenset[str]:
    """Every word of a text, folded."""
    return frozenset(words(fold(text)))


def f1(first: Collection[str], second: Collection[str]) -> float:
    """F1 of two sets of words, 0 to 1; of two empty ones 1."""
    a, b = set(first), set(second)
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def _content(answer: str, question: str, language: Language, known: Collection[str]) -> set[str]:
    """The answer's words beyond those of the question, without numbers, dates and names, which are compared on their own."""
    plain = " ".join(
        word for word in words(fold(answer)) if not (word in known or word in FIGURES or word[0].isdigit())
    )
    return set(analyze(plain, language)) - {"oui", "non", "yes"} - set(analyze(question, language))


def _negated(answer: str) -> bool:
    plain = " ".join(words(fold(answer)))
    return not _YES.search(plain) and bool(_NO.search(plain))
