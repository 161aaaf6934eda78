"""Numbers in French and English text, brought to one form: "1 234,5", "1,234.5" and "1234.50" are "1234.5".

A comma before three digits groups thousands in English and is the decimal point in French. Dates, hours, versions and
addresses (2018-05-02, 02/05/2018, 14:30, 1.2.3) are no numbers to be converted: they stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.metrics.dates import with_iso_dates
from retrieval.types import Language

_SPACE = "[ \u00a0\u202f]"
_DATE = r"(?P<date>\d{1,4}(?P<mark>[-/.:])\d{1,4}(?:(?P=mark)\d{1,4})+|\d{1,2}:\d{2}|\d{1,2}/\d{4})(?!\d)"
_GROUPS: dict[Language, str] = {"fr": r"\d{1,3}(?:,\d{3}){2,}", "en": r"\d{1,3}(?:,\d{3})+"}
_FIGURE: dict[Language, re.Pattern[str]] = {
    language: re.compile(
        rf"(?<!\d){_DATE}|"
        rf"(?P<sign>(?<![\w.,%)\]])[-−])?"
        rf"(?P<whole>(?<!\d)(?:\d{{1,3}}(?:{_SPACE}\d{{3}})+|{groups})(?!\d)|\d+)(?P<part>[.,]\d+)?"
    )
    for language, groups in _GROUPS.items()
}


def with_plain_numbers(text: str, language: Language) -> str:
    """The text with its numbers in one form; dates as they are written."""
    return _FIGURE[language].sub(_plain, text)


def numbers(text: str, language: Language) -> list[str]:
    """Its numbers in one form, and its dates as they are written."""
    return [_plain(match) for match in _FIGURE[language].finditer(text)]


def numeric_match(answer: str, golds: Sequence[str], language: Language) -> float | None:
    """1 when the answer holds every number of one of the golds; None when no gold has a number."""
    known = [gold for gold in golds if numbers(gold, language)]
    return float(any(holds_numbers(answer, gold, language) for gold in known)) if known else None


def holds_numbers(answer: str, gold: str, language: Language, told: str = "") -> bool:
    """Whether the answer holds every number of the gold that is not told already, however dates are written."""
    said, wanted, known = (set(numbers(text, language)) for text in (answer, gold, told))
    if wanted - known <= said:
        return True
    dated = (set(numbers(with_iso_dates(text, language), language)) for text in (answer, gold, told))
    said, wanted, known = dated
    return wanted - known <= said


def _plain(match: re.Match[str]) -> str:
    if match["date"]:
        return match["date"]
    whole = re.sub(rf"{_SPACE}|,", "", match["whole"])
    part = (match["part"] or "")[1:].rstrip("0")
    return ("-" if match["sign"] else "") + whole + (f".{part}" if part else "")
