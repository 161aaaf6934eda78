"""What kind of value a field holds: a date, a number, or something that can stand in a sentence at all."""

from __future__ import annotations

import re
from datetime import date

from retrieval.types import Language

_MONTHS = (
    "janvier|février|fevrier|mars|avril|mai|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre|"
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec"
)
_DATE = re.compile(
    rf"(?:le |on |en |in |depuis |since )?(?:\d{{4}}-\d{{2}}(?:-\d{{2}})?|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{4}}|"
    rf"(?:\d{{1,2}}(?:er|st|nd|rd|th)? )?(?:{_MONTHS})\.?,? (?:\d{{1,2}}(?:st|nd|rd|th)?,? )?\d{{4}}|(?:1[5-9]|20)\d{{2}})",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?:environ |about |plus de |près de )?[-+]?\d+(?:[.,  \u202f]\d+)*(?: ?(?:%|€|\$|£|[a-zA-Zéèêµ²³°/]{1,12}))?(?: [a-zà-ÿ]{1,15})?"
)
_NOTHING = re.compile(
    r"(?:n/?a|n\.?c\.?|nc|none|null|aucune?|inconnue?s?|unknown|tbd|todo|à (?:venir|définir|compléter|préciser)|nan|-+|\?+|\.+|…|x+)\.?",
    re.IGNORECASE,
)


def is_date(value: str) -> bool:
    """Whether a value is a date or a year, and nothing else."""
    return _DATE.fullmatch(value.strip()) is not None


def day(value: str, language: Language) -> str:
    """A date as it stands after `est`: `le 14 mai 2024`, `le 14/05/2024`; other values as they are."""
    whole = re.fullmatch(
        rf"(?:\d{{1,2}}(?:er)? (?:{_MONTHS}) \d{{4}}|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{4}}|\d{{4}}-\d{{2}}-\d{{2}})",
        value,
        re.I,
    )
    return f"le {value}" if whole and language == "fr" else value


def is_number(value: str) -> bool:
    """Whether a value is a number, perhaps with its unit."""
    return _NUMBER.fullmatch(value.strip()) is not None


def iso(value: str) -> date | None:
    """The day of an ISO date; None for every other way to write one."""
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None


def number(value: str) -> float | None:
    """A bare number: `1 500,5` is 1500.5; None with a unit or more than one reading (`1,500`)."""
    plain = re.sub(r"(?<=\d)[  \u202f](?=\d{3}(?!\d))", "", value.strip())
    if not re.fullmatch(r"[-+]?\d+(?:[.,]\d+)?", plain) or re.fullmatch(r"[-+]?\d{1,3}[.,]\d{3}", plain):
        return None
    return float(plain.replace(",", "."))


def is_plain(value: str) -> bool:
    """Whether a value can be said in a sentence: it says something, asks nothing, and is not cut off."""
    text = value.strip()
    if not text or _NOTHING.fullmatch(text) or "?" in text or "\n" in text:
        return False
    if text.endswith((":", "/ ", ",", ";", "…", "...", "-")) or re.match(r"[,;:)\]}|#*]|\.(?![A-Z])", text):
        return False
    pairs = (("(", ")"), ("[", "]"), ("«", "»"), ("{", "}"))
    return all(text.count(a) == text.count(b) for a, b in pairs) and text.count('"') % 2 == 0
