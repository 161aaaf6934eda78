"""Whether an answer says what a right answer says: a short value word for word (of a list, each item; a yes or no comes
first), a long text in most of what it tells.

Nobody repeats a sentence word for word. On the pairs of references that ClapNQ has for one question (570, English), the
rule for long texts accepts 68% of the true paraphrases, and 2% of the answers to another question, each the nearest of
299: see MOST.
"""

from __future__ import annotations

import re

from eval.metrics.numbers import holds_numbers
from eval.metrics.text import contains, exact, holds_every, normalise, token_f1
from retrieval.types import Language

LONGEST_VALUE = 8
"""Tokens up to which a right answer is a value, to be given word for word."""
MOST = 0.5
"""Of the tokens that a long right answer has and the question has not, more than this share must be said.

0.4 accepts 73% and 6%, 0.6 accepts 62% and 2%."""

ALIKE = 0.3
"""Token F1 with the whole reference from which a text that begins with the right yes or no explains it."""

_YES_NO = frozenset({("oui",), ("non",), ("yes",), ("no",)})
_BETWEEN = re.compile(r"(?<!\d),|,(?!\d)|;|\s&\s|\b(?:et|and)\b", re.IGNORECASE)
"""What separates items; a comma between two digits belongs to a number."""


def states(answer: str, gold: str, question: str, language: Language) -> bool:
    """Whether the answer holds the gold or, where that is long, most of what it tells and every number of it."""
    if contains(answer, [gold], language):
        return True
    wanted = normalise(gold, language)
    if len(wanted) <= LONGEST_VALUE:
        items = items_of(gold, language)
        return len(items) > 1 and holds_every(answer, items, language)
    told = set(wanted) - set(normalise(question, language))
    said = told.intersection(normalise(answer, language))
    return len(said) > MOST * len(told) and holds_numbers(answer, gold, language, question)


def items_of(gold: str, language: Language) -> list[str]:
    """The items of an enumeration ("Java, Scala et Go"); none where a part of it says nothing ("A and B")."""
    items = [item for item in _BETWEEN.split(gold) if item.strip()]
    return items if all(normalise(item, language) for item in items) else []


def says_yes_or_no(answer: str, gold: str, reference: str, language: Language) -> bool | None:
    """Whether the answer begins with the gold, and is that alone or like the reference; None for another gold.

    None too where the reference does not begin with it ("Clustering: yes"): it is then a value like others. A reference
    that is the gold itself tells nothing more.
    """
    wanted = normalise(gold, language)
    if tuple(wanted) not in _YES_NO or (reference and normalise(reference, language)[:1] != wanted):
        return None
    if normalise(answer, language)[:1] != wanted:
        return False
    alone = any(exact(text, [gold], language) for text in (answer, reference))
    return alone or not reference or token_f1(answer, [reference], language) >= ALIKE
