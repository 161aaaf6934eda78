"""The numbers, dates and proper names that a text states, in a form that can be compared.

"Le 14 juillet 1789, 1 500,50 €"    numbers 14, m7, 1789, 1500.5
"July 14, 1789"                     numbers 14, m7, 1789
"vingt-quatre heures"               numbers 24
"Redis a été écrit par S. Sanfilippo"   names sanfilippo
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from retrieval.lexical import analyze
from retrieval.text import fold, sentence_spans
from retrieval.types import Language

_BLANKS = str.maketrans(
    dict.fromkeys("\u00a0\u202f\u2009\u2007", " ") | dict.fromkeys("’ʼ", "'") | dict.fromkeys("‑–—", "-")
)
_MONTHS = (
    "janvier january janv jan", "fevrier february fevr feb", "mars march mar", "avril april avr apr", "mai may",
    "juin june jun", "juillet july juil jul", "aout august aug", "septembre september sept sep", "octobre october oct",
    "novembre november nov", "decembre december dec",
)  # fmt: skip
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_DAYS = frozenset(
    "lundi mardi mercredi jeudi vendredi samedi dimanche monday tuesday wednesday thursday friday saturday sunday".split()
)
_MONTH = rf"\b({'|'.join(sorted(_MONTH_OF, key=len, reverse=True))})\b\.?"
_NAMED_MONTH = _MONTH.replace("(", "(?P<name>", 1)
_DATES = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:er|st|nd|rd|th)? (?:of |de )?{_NAMED_MONTH},?(?: (?:de |of )?(?P<year>\d{{4}})\b)?"),
    re.compile(rf"{_NAMED_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d),?(?: (?P<year>\d{{4}})\b)?"),
    re.compile(rf"{_NAMED_MONTH},? (?:de |of )?(?P<year>\d{{4}})\b"),
)  # fmt: skip
_SLASHES = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")
_VERSION = re.compile(r"(?<![\w.])v?\d+(?:\.\d+){2,}(?![\w])")
_SCALES = {
    "cent": 100, "cents": 100, "hundred": 100, "hundreds": 100, "mille": 1000, "milliers": 1000, "thousand": 1000,
    "thousands": 1000, "million": 10**6, "millions": 10**6, "milliard": 10**9, "milliards": 10**9, "billion": 10**9,
    "billions": 10**9,
}  # fmt: skip
_GROUPED = r"\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?"
_NUMBER = {
    "fr": re.compile(rf"(?<![a-z\d.,])v?({_GROUPED}|\d+(?:[.,]\d+)?)(?: ({'|'.join(_SCALES)})\b)?"),
    "en": re.compile(rf"(?<![a-z\d.,])v?({_GROUPED}|\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?)(?: ({'|'.join(_SCALES)})\b)?"),
}  # fmt: skip
_COUNTED = (
    "deux two", "trois three", "quatre four", "cinq five", "six", "sept seven", "huit eight", "neuf nine", "dix ten", "onze eleven",
    "douze twelve", "treize thirteen", "quatorze fourteen", "quinze fifteen", "seize sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "vingt vingts twenty",
    "trente thirty",
    "quarante forty",
    "cinquante fifty",
    "soixante sixty",
    "septante seventy",
    "eighty",
    "nonante ninety",
)
_VALUES = {word: n for n, words in enumerate(_COUNTED, 2) for word in words.split()} | {
    word: n for n, words in zip(range(20, 100, 10), _TENS, strict=True) for word in words.split()
}
FIGURES = frozenset(_VALUES) | _SCALES.keys() | _MONTH_OF.keys()
"""Words that stand for a number or a month."""
_TOKEN = re.compile(r"[^\W\d_]+|[^\s-]")
_WORD = re.compile(r"[^\W_]+")


def numbers(text: str, language: Language) -> frozenset[str]:
    """Every number, `1500.5`, and every month of a date, `m7`; written in figures or in words."""
    found: set[str] = set()
    rest = fold(text.translate(_BLANKS)).replace("pour cent", " ").replace("per cent", " ")
    rest = _SLASHES.sub(lambda m: _iso(m, language), rest)
    for pattern in _DATES:
        rest = pattern.sub(lambda m: _take(found, _date(m)), rest)
    rest = _VERSION.sub(lambda m: _take(found, [m[0].lstrip("v")]), rest)
    rest = _NUMBER[language].sub(lambda m: _take(found, [_value(m[1], m[2], language)]), rest)
    return frozenset(found.union(_in_words(rest)))


def names(text: str, also: Collection[str] = ()) -> frozenset[str]:
    """Every word of a proper name, folded: capitals within a sentence, acronyms, words with figures or inner capitals.

    A capital at the beginning of a sentence tells nothing; such a word counts when it is among `also`, as any other does.
    """
    found: set[str] = set()
    text = text.translate(_BLANKS)
    for start, end in sentence_spans(text):
        matches = list(_WORD.finditer(text, start, end))
        for i, match in enumerate(matches):
            word = match[0]
            if fold(word) in also or (_is_name(word, matches, i) and _tells(word)):
                found.add(fold(word))
    return frozenset(found)


def _is_name(word: str, matches: list[re.Match[str]], i: int) -> bool:
    inner = any(c.isupper() for c in word[1:]) or (any(c.isdigit() for c in word) and any(c.isupper() for c in word))
    if inner or not word[0].isupper() or i:
        return inner or word[0].isupper()
    # `Salvatore Sanfilippo a écrit …`: a name of two words tells at the beginning too.
    return i + 1 < len(matches) and matches[1][0][0].isupper() and matches[1].start() - matches[0].end() == 1


def _tells(word: str) -> bool:
    """Whether a capitalised word names something: no initial, no article, no month or day."""
    folded = fold(word)
    plain = folded in _MONTH_OF or folded in _DAYS
    return len(word) > 1 and not plain and bool(analyze(word, "fr")) and bool(analyze(word, "en"))


def _take(found: set[str], values: Collection[str]) -> str:
    found.update(values)
    return " | "


def _iso(match: re.Match[str], language: Language) -> str:
    """A date with slashes as year-month-day: the day first in French, the month in English unless it cannot be one."""
    first, second, year = match.groups()
    day, month = (first, second) if language == "fr" or int(first) > 12 else (second, first)
    return f"{year}-{int(month):02}-{int(day):02}"


def _date(match: re.Match[str]) -> list[str]:
    parts = match.groupdict()
    month = int(parts["month"]) if parts.get("month") else _MONTH_OF[parts["name"]]
    return [f"m{month}", *(str(int(parts[p])) for p in ("day", "year") if parts.get(p))]


def _value(figures: str, scale: str | None, language: Language) -> str:
    plain = figures.replace(" ", "")
    grouped = language == "en" and re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain)
    plain = plain.replace(",", "") if grouped else plain.replace(",", ".")
    if len(plain) > 20:
        return plain
    value = Decimal(plain) * _SCALES.get(scale or "", 1)
    return _shown(value)


def _shown(value: Decimal) -> str:
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _in_words(text: str) -> Iterator[str]:
    """Numbers written in words; `un` and `one` alone are articles."""
    total = current = 0
    for token in [*_TOKEN.findall(text), "|"]:
        if token in _VALUES:
            current = 80 if token.startswith("vingt") and current == 4 else current + _VALUES[token]
        elif token in ("un", "une", "one") and current >= 20:
            current += 1
        elif token in ("cent", "cents", "hundred"):
            current = max(1, current) * 100
        elif token in _SCALES and (current or total or token in ("mille", "thousand")):
            total, current = total + max(1, current) * _SCALES[token], 0
        elif token not in ("et", "and") or not current:
            if total + current:
                yield str(total + current)
            total = current = 0
