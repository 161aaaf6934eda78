"""Turns of phrase that ask the same: any of a class is found in a question and put as the others.

A member is a question with `{x}` for what it is about, `{s}` for the same as the subject of a singular verb, `{de}` for it
behind "de" or "of". What follows behind ("… en 1936") goes along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrase:
    """What a question is about."""

    text: str
    """With its article, if it has one: "le fichier central"."""
    plural: bool
    of: str
    """Behind "de" or "of": "du fichier central"."""


@dataclass(frozen=True)
class Shape:
    """How the phrases of a language look."""

    phrase: str
    """Pattern of a phrase, named groups excluded."""
    of: str
    """Pattern of a phrase behind "de" or "of"."""
    after: str
    """Words that begin what follows behind a phrase: "en", "depuis"."""
    read: Callable[[str, bool], Phrase | None]
    """The phrase that a match is, `True` where it stood behind "de"; None where it is none."""


def said_otherwise(question: str, classes: Sequence[Sequence[str]], shape: Shape) -> Iterator[str]:
    """The question, without its mark and its capital, as the other members of each class it belongs to."""
    for members in classes:
        for member in members:
            found = _pattern(member, shape).match(question)
            phrase = shape.read(found["x"], "{de}" in member) if found else None
            if found is None or phrase is None or ("{s}" in member and phrase.plural):
                continue
            yield from _others(members, member, phrase, found["t"] or "")
            break


def _others(members: Sequence[str], member: str, phrase: Phrase, after: str) -> Iterator[str]:
    for other in members:
        if other != member and not ("{s}" in other and phrase.plural):
            yield other.format(x=phrase.text, s=phrase.text, de=phrase.of) + after


_made: dict[tuple[str, str], re.Pattern[str]] = {}


def _pattern(member: str, shape: Shape) -> re.Pattern[str]:
    key = (member, shape.phrase)
    if key not in _made:
        escaped = re.escape(member).replace(r"\ ", " ").replace("'", "['’]")
        for place, pattern in ((r"\{x\}", shape.phrase), (r"\{s\}", shape.phrase), (r"\{de\}", shape.of)):
            escaped = escaped.replace(place, f"(?P<x>{pattern})")
        _made[key] = re.compile(rf"{escaped}(?P<t> (?:{shape.after}) .+)?$")
    return _made[key]
