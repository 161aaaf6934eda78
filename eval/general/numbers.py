"""The number that an answer ends with, as French and English write numbers."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from retrieval.types import Language

_SPACES = "\u0020\u00a0\u202f"
_NUMBER = re.compile(
    rf"""(?<![\w.,/])(?P<sign>[-−])?
    (?P<digits>[0-9]+(?:[{_SPACES}’'][0-9]{{3}}(?![0-9]))*(?:[.,][0-9]+)*)
    (?P<power>[eE][+-]?[0-9]+)?
    (?P<more>(?:[/:][0-9]+|[²³⁰-⁹]|\^[0-9]+)+)?""",
    re.VERBOSE,
)
_TIMES = re.compile(r"\s?(mille|millions?|milliards?|thousand|billion|hundred|k)\b", re.IGNORECASE)
_GROUPED = {
    "fr": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}(?![0-9])"),
    "en": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])"),
}
_MARKED = re.compile(r"(?:####|\\boxed\{)\s*([^\n}]+)")


def final_number(text: str, language: Language) -> Decimal | None:
    """The number after `####` or in `\\boxed{}`, else the last of the last line; None for none, or one not plainly written.

    `1,234` is 1234 in English and 1.234 in French. `1/2`, `1:02`, `2²` and `2 million` are not 2: they are nothing.
    """
    marked = _MARKED.findall(text)
    found = list(_NUMBER.finditer(marked[-1] if marked else text.rstrip().rpartition("\n")[2]))
    if not found:
        return None
    last = found[-1]
    if last["more"] or _TIMES.match(last.string, last.end()):
        return None
    return _value(last, language)


def _value(found: re.Match[str], language: Language) -> Decimal | None:
    digits = re.sub(rf"[{_SPACES}’']", "", found["digits"])
    grouped = _GROUPED[language].match(digits)
    if grouped:
        digits = re.sub(r"[.,]", "", grouped[0]) + digits[grouped.end() :]
    try:
        return Decimal(f"{'-' if found['sign'] else ''}{digits.replace(',', '.')}{found['power'] or ''}")
    except InvalidOperation:  # 1.2.3 is a version, not a number
        return None
