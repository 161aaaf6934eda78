"""Dates in French and English text, brought to one form: "2 mai 2018", "02/05/2018" and "2018-05-02" are "2018-05-02".

Only a whole date of a day, a month and a year. In English, 02/05/2018 stays as it is written: nobody knows which is the month.
"""

from __future__ import annotations

import re

from retrieval.types import Language

_NAMES: dict[Language, str] = {
    "fr": "janvier f[ée]vrier mars avril mai juin juillet ao[ûu]t septembre octobre novembre d[ée]cembre",
    "en": "jan(?:uary)? feb(?:ruary)? mar(?:ch)? apr(?:il)? may june? july? aug(?:ust)? sept?(?:ember)? oct(?:ober)? "
    "nov(?:ember)? dec(?:ember)?",
}
_MONTHS = {language: [re.compile(name) for name in names.split()] for language, names in _NAMES.items()}
_MONTH = {language: f"(?P<month>{'|'.join(names.split())})" for language, names in _NAMES.items()}
_DAY, _YEAR = r"(?<!\d)(?P<day>\d{1,2})", r"(?P<year>\d{4})(?!\d)"
_ALONE, _ENDS = r"(?<![\d/.-])", r"(?![\d/-]|\.\d)"
_ISO = rf"{_ALONE}(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}}){_ENDS}"
_FORMS: dict[Language, list[re.Pattern[str]]] = {
    "fr": [
        re.compile(form, re.IGNORECASE)
        for form in (
            _ISO,
            rf"{_ALONE}(?P<day>\d{{1,2}})(?P<mark>[/.-])(?P<month>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}){_ENDS}",
            rf"{_DAY}(?:er)?\s+{_MONTH['fr']}\s+{_YEAR}",
        )
    ],
    "en": [
        re.compile(form, re.IGNORECASE)
        for form in (
            _ISO,
            rf"{_DAY}(?:st|nd|rd|th)?(?:\s+of)?\s+{_MONTH['en']}\.?,?\s+{_YEAR}",
            rf"\b{_MONTH['en']}\.?\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}",
        )
    ],
}


def with_iso_dates(text: str, language: Language) -> str:
    """The text with its whole dates as year-month-day."""
    for form in _FORMS[language]:
        text = form.sub(lambda match: _iso(match, language), text)
    return text


def _iso(match: re.Match[str], language: Language) -> str:
    """The date; what is none, as 2018-13-45, stays as it is."""
    said, day = match["month"].casefold(), int(match["day"])
    names = _MONTHS[language]
    month = int(said) if said.isdecimal() else next(i for i, name in enumerate(names, 1) if name.fullmatch(said))
    real = 1 <= month <= 12 and 1 <= day <= 31
    return f"{match['year']}-{month:02}-{day:02}" if real else match[0]
