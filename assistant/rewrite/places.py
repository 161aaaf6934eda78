"""Phrases with a preposition: "et en Rust ?" takes the place of "en Go" in the last question, or comes behind it."""

from __future__ import annotations

import re

from assistant.rewrite.names import Span, names
from assistant.rewrite.question import Asked, Rewritten, append, tidy
from assistant.rewrite.words import DETERMINERS, FORM, JOINTS, VERBS, Word, plain, split
from retrieval.types import Language

PREPOSITION: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"^(?:in|on|at|from|with|without|for|during|under|before|after|by|to)\b"),
    "fr": re.compile(r"^(?:pour|avec|sans|chez|sur|dans|en|a|au|aux|sous|par|depuis|avant|apres|pendant|contre)\b"),
}
_ALIKE: dict[Language, tuple[frozenset[str], ...]] = {
    "en": (frozenset(("in", "at")),),
    "fr": (frozenset(("a", "au", "aux", "en", "dans")),),
}
"""Prepositions that stand for one another."""
_ADVERBIAL = re.compile(
    r"^(?:en|in|par|by|a|at|sans|without) (?:production|local|ligne|general|detail|details|resume|pratique|theorie|practice|"
    r"theory|short|fact|default|defaut|bref|distance|first|last|once|home|work|all|what|effet|plus)\b"
)


def elsewhere(asked: Asked, text: str) -> Rewritten | None:
    """The last question with this phrase instead of one with the same preposition; None when it has none."""
    last = asked.of_last()
    if last.language != asked.language or _ADVERBIAL.match(plain(text)):
        return None
    words = split(text)
    same = next((group for group in _ALIKE[asked.language] if words[0].key in group), frozenset((words[0].key,)))
    places = [span for i, word in enumerate(last.words) if word.key in same and (span := _phrase(last, i))]
    if not places:
        return None
    alike = [span for span in places if _kind(last.text[slice(*span)], last.language) == _kind(text, asked.language)]
    return last.replaced((alike or places)[-1], text, "ellipsis")


def added(asked: Asked, text: str) -> Rewritten | None:
    """The last question with this phrase behind it, in one language."""
    last = asked.of_last()
    if last.language != asked.language:
        return None
    return Rewritten(tidy(append(last.text, text), last.language), "ellipsis")


def _phrase(last: Asked, i: int) -> Span | None:
    """The preposition at word `i` with what belongs to it: a name, or words up to the next of form."""
    words, language = last.words, last.language
    j = i + 1
    while j < len(words) and words[j].key in DETERMINERS[language]:
        j += 1
    if j >= len(words):
        return None
    if name := next((span for span in names(last.text, language) if span[0] <= words[j].start < span[1]), None):
        return words[i].start, name[1]
    end = j
    while end < len(words) and _matter(words[end], language) and _joined(last, words[end - 1], words[end]):
        end += 1
    return (words[i].start, words[end - 1].end) if end > j else None


def _matter(word: Word, language: Language) -> bool:
    return all(word.key not in some[language] for some in (FORM, JOINTS, DETERMINERS, VERBS))


def _joined(last: Asked, before: Word, after: Word) -> bool:
    return not last.text[before.end : after.start].strip(" '’")


def _kind(text: str, language: Language) -> str:
    """What a phrase names: a year or number, a name, or neither."""
    if any(c.isdigit() for c in text):
        return "number"
    return "name" if names(f"x {text}", language) else "word"
