"""What an answer is held against: the text without its citations, and what is known to be right."""

from __future__ import annotations

import re

from eval.metrics.text import normalise
from eval.types import Case, Response

_TAG = re.compile(r"(?<!\s)\s*+\[chunk_\d+\]")


def bare(text: str) -> str:
    """A text without its citations."""
    return _TAG.sub("", text).strip()


def values(case: Case) -> tuple[str, ...]:
    """Right answers, of which any one is enough; the reference answer where no value is known.

    An answer without a word to compare ("Le", ".") is none: nothing could ever be it.
    """
    if case.every:
        return (", ".join(case.answers),) if case.answers else ()
    return tuple(gold for gold in case.answers or references(case) if normalise(gold, case.language))


def references(case: Case) -> tuple[str, ...]:
    """Whole texts to compare with: the reference answer, or else the values."""
    return (bare(case.expected),) if bare(case.expected) else case.answers


def asked(case: Case, response: Response) -> bool:
    """Whether there is an answer to hold against something: it came, and the case has an answer that is known."""
    return not response.error and case.answerable and bool(values(case))
