"""One function for each way to score: does this text answer that case? Strict, for the question says what to write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from eval.general.numbers import final_number
from eval.metrics import text as texts
from eval.types import Case
from retrieval.types import Language

MOST_WORDS = 25
"""Of an answer that is to contain a value: repeating the passage is no answer."""
OPTIONS: tuple[frozenset[str], ...] = tuple(
    frozenset(pair.split()) for pair in ("true false", "yes no", "vrai faux", "oui non", "valid invalid")
)
_LABEL = re.compile(r"\(([A-Za-z])\)")
_BARE = re.compile(r"\W*(?:([B-Z])\s|([A-Z])(?:[).:,]|\W*\Z))")
"""A letter that stands first; `A` with a word after it may be the article."""
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\Z", re.DOTALL)
_ANSWER_IS = re.compile(r"(?:answer|réponse|option|letter|lettre)(?:\s+(?:is|est))?\s*:?\s*", re.IGNORECASE)
_REFUSES: dict[Language, re.Pattern[str]] = {
    "fr": re.compile(
        r"\binconnue?s?\b|\bn(?:e |')(?:le |la |l'|en )?(?:dit|précise|mentionne|indique|donne|parle)\w* (?:pas|rien)|ne sais pas"
        r"|n'est pas (?:\w+ )?(?:dit|précisé|mentionné|indiqué|donné)|ne (?:trouve|peux|peut|permet)\w* pas|pas d'information"
        r"|aucune information|\bnon (?:dit|précisé|mentionné|indiqué|donné|communiqué)e?s?\b",
    ),
    "en": re.compile(
        r"\bunknown\b|(?:does|do|did)(?: not|n't) (?:say|tell|mention|state|specify|give|know|provide|contain)"
        r"|\bnot (?:\w+ )?(?:said|stated|mentioned|given|specified|provided|known)|(?:can|could)(?:not|n't| not)"
        r"|no information",
    ),
}
_HEDGES = re.compile(r"\b(?:mais|sans doute|peut-être|probablement|but|probably|perhaps|maybe|however)\b")


def exact(text: str, case: Case) -> bool:
    """The same words as one of the answers, whatever their case, articles and punctuation."""
    said = texts.normalise(text, case.language)
    return bool(said) and any(said == texts.normalise(answer, case.language) for answer in case.answers)


def contains(text: str, case: Case) -> bool:
    """One of the answers, within a few words."""
    return len(text.split()) <= MOST_WORDS and texts.contains(text, list(case.answers), case.language)


def number(text: str, case: Case) -> bool:
    """The number it ends with equals that of one of the answers."""
    said = final_number(text, case.language)
    return said is not None and any(said == final_number(answer, case.language) for answer in case.answers)


def choice(text: str, case: Case) -> bool:
    """The right option and no other; an option is `(B)`, a letter that stands first, or a word such as `True`."""
    wanted = case.answers[0]
    said = _ANSWER_IS.split(text)[-1]
    label = _LABEL.fullmatch(wanted)
    if label:
        return _labels(said) == {label[1]}
    options = next(options for options in OPTIONS if wanted.casefold() in options)
    return options & set(re.findall(r"\w+", said.casefold())) == {wanted.casefold()}


def json_value(text: str, case: Case) -> bool:
    """The JSON value that was asked for and nothing beside it, but for a code fence; letters of any case."""
    try:
        said = json.loads(_unfenced(text))
    except (ValueError, RecursionError):
        return False
    return any(_alike(said, json.loads(answer)) for answer in case.answers)


def pattern_matches(text: str, pattern: str) -> bool:
    """The whole text, outer space aside, is of this pattern; letters of their own case."""
    return re.fullmatch(pattern, text.strip()) is not None


def refuses(text: str, language: Language) -> bool:
    """Says in a few words that the text does not tell, and does not guess all the same."""
    said = text.replace("’", "'").casefold()
    short = len(said.split()) <= MOST_WORDS
    return short and bool(_REFUSES[language].search(said)) and not _HEDGES.search(said)


SCORERS: Mapping[str, Callable[[str, Case], bool]] = {
    "exact": exact,
    "contains": contains,
    "number": number,
    "choice": choice,
    "json": json_value,
}


def _labels(text: str) -> set[str]:
    if labels := {letter.upper() for letter in _LABEL.findall(text)}:
        return labels
    bare = _BARE.match(text.upper() if len(text.strip()) == 1 else text)
    return {bare[1] or bare[2]} if bare else set()


def _unfenced(text: str) -> str:
    fenced = _FENCE.match(text.strip())
    return fenced[1] if fenced else text


def _alike(said: Any, wanted: Any) -> bool:
    """The same keys, items, numbers and words."""
    if isinstance(wanted, dict):
        return (
            isinstance(said, dict) and said.keys() == wanted.keys() and all(_alike(said[k], wanted[k]) for k in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(said, list) and len(said) == len(wanted) and all(map(_alike, said, wanted))
    if isinstance(wanted, str):
        return isinstance(said, str) and said.strip().casefold() == wanted.casefold()
    return type(said) is type(wanted) and bool(said == wanted)
