"""What common fields are called in French and English; the table is `lexicon.txt`.

licence|license|licences ; licence f ; license ; licence        keys ; French noun and gender ; English noun ; concept

Any other field is asked about too, under its own name in quotation marks (see `nouns.py`); these only read better.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Gender = Literal["m", "f", ""]
_TABLE = Path(__file__).with_name("lexicon.txt")

WHO = frozenset("vendor company creator author founder maintainer host incubator sponsor who firm".split())
"""Concepts whose values are people or organisations."""
FIRMS = frozenset(("company", "firm"))
"""Those of which one asks which it is, not who it is."""
WHEN = frozenset("release created when".split())


@dataclass(frozen=True)
class Entry:
    """One field in both languages."""

    french: str
    french_plural: str
    gender: Gender
    english: str
    english_plural: str
    concept: str


@cache
def lexicon() -> dict[str, Entry]:
    """The fields by folded key."""
    known: dict[str, Entry] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        keys, french, english, concept = (part.strip() for part in line.split(";"))
        entry = _entry(french, english, concept)
        known.update({key.strip(): entry for key in keys.split("|")})
    return known


def _entry(french: str, english: str, concept: str) -> Entry:
    single, _, plural = french.partition(":")
    words, _, gender = single.rpartition(" ")
    english, _, english_plural = english.partition(":")
    return Entry(words, plural or f"{words}s", gender, english, english_plural or f"{english}s", concept)  # type: ignore[arg-type]
