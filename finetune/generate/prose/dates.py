"""Dates in running text: their words, the value to answer, and what asks for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from retrieval.types import Language

Kind = Literal["year", "day", "month", "season", "decade", "century", "range", "since", "since_year"]

_YEAR = r"(?:1\d{3}|20\d{2})"
_MOIS = r"(?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre)"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_JOUR = rf"(?:(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) )?(?:1er|\d{{1,2}}) {_MOIS} {_YEAR}"
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)? {_MONTH},? {_YEAR}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?, {_YEAR})"
# Not the beginning of a longer number, a range, a quantity or a date before Christ.
_END = (
    r"(?![\w%°/]|[-–—]\d|[.,]\d| \d| (?:av|avant|BC|BCE|AD|euros|hommes|men|people|"
    r"personnes|habitants|et \d|and \d|ou \d|or \d)\b|\s?%)"
)

_FORMS: dict[Language, tuple[tuple[Kind, str], ...]] = {
    "fr": (
        ("day", rf"le (?P<day>{_JOUR})"),
        ("month", (
            rf"(?:en |au mois de )?(?P<month>(?<=en ){_MOIS} {_YEAR}|(?<=de ){_MOIS} {_YEAR}|"
            rf"(?:début|fin) {_MOIS} {_YEAR})"
        )),
        ("year", rf"en (?P<year>{_YEAR})"),
        ("season", (
            rf"(?P<season>(?:au printemps|à l'été|à l'automne|à l'hiver|en été|en automne|fin|début|"
            rf"mi-) ?(?:de )?{_YEAR})"
        )),
        ("decade", rf"dans les (?P<decade>années {_YEAR})"),
        ("century", r"au (?P<century>[IVX]{1,5}e siècle)"),
        ("range", rf"(?P<range>de {_YEAR} à {_YEAR}|entre {_YEAR} et {_YEAR})"),
        ("since", rf"depuis (?:le )?(?P<since>{_JOUR}|{_MOIS} {_YEAR})"),
        ("since_year", rf"depuis (?:l'an )?(?P<since_year>{_YEAR})"),
    ),
    "en": (
        ("day", rf"on (?P<day>{_DAY})"),
        ("month", rf"in (?P<month>(?:early |late |mid-)?{_MONTH},? {_YEAR})"),
        ("year", rf"in (?P<year>{_YEAR})"),
        ("season", rf"in (?P<season>(?:the )?(?:spring|summer|autumn|fall|winter|early|late|mid-)(?: of)? ?{_YEAR})"),
        ("decade", r"in the (?P<decade>(?:early |late |mid-)?(?:1\d|20)\d0s)"),
        ("century", r"in the (?P<century>(?:early |late |mid-)?\d{1,2}(?:st|nd|rd|th) century)"),
        ("range", rf"(?P<range>from {_YEAR} (?:to|until) {_YEAR}|between {_YEAR} and {_YEAR})"),
        ("since", rf"since (?P<since>{_DAY}|{_MONTH} {_YEAR})"),
        ("since_year", rf"since (?P<since_year>{_YEAR})"),
    ),
}  # fmt: skip
_DATE = {
    language: re.compile(r"(?<!\w)(?i:" + "|".join(f"{form}" for _, form in forms) + ")" + _END)
    for language, forms in _FORMS.items()
}
_OPENS = {"fr": re.compile(r", "), "en": re.compile(r", | (?=(?:the|[A-Z]\w*) )")}
_ANY_YEAR = re.compile(rf"(?<!\d){_YEAR}(?!\d)")

ASKS: dict[Language, dict[Kind, tuple[str, ...]]] = {
    "fr": {
        "year": ("En quelle année", "Quand"),
        "day": ("À quelle date", "Quand"),
        "month": ("Quand",),
        "season": ("Quand",),
        "decade": ("Quand", "À quelle époque"),
        "century": ("À quel siècle", "Quand"),
        "range": ("À quelle période", "Quand"),
        "since": ("Depuis quand",),
        "since_year": ("Depuis quand", "Depuis quelle année"),
    },
    "en": {
        "year": ("When", "In what year", "In which year"),
        "day": ("When", "On what date", "On which date"),
        "month": ("When",),
        "season": ("When",),
        "decade": ("When", "In which decade"),
        "century": ("In which century", "When"),
        "range": ("When", "During which years"),
        "since": ("Since when",),
        "since_year": ("Since when", "Since what year"),
    },
}


@dataclass(frozen=True)
class Date:
    """A date where a text has it."""

    kind: Kind
    value: str
    start: int
    end: int


def find(text: str, language: Language) -> Date | None:
    """The date of a clause; None when it has none, or a second year beside it."""
    match = _DATE[language].search(text)
    if match is None or _ANY_YEAR.search(text, match.end()) or _ANY_YEAR.search(text[: match.start()]):
        return None
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    return Date(kind, match[kind], match.start(), match.end())


def fronted(text: str, language: Language) -> Date | None:
    """A date that opens a sentence before a comma: `En 2015, …`, `On 3 May 2015, …`."""
    match = _DATE[language].match(text)
    if match is None or not _OPENS[language].match(text, match.end()) or match.lastgroup in ("since", "since_year"):
        return None
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    return Date(kind, match[kind], 0, match.end() + (2 if text[match.end()] == "," else 1))
