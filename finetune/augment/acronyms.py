"""Acronyms that a text itself explains: "Agence nationale de la cohésion des territoires (ANCT)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retrieval.text import fold

_LONG_FIRST = re.compile(r"((?:[\w'’-]+[ \u00a0]){1,11}[\w'’-]+)\s?\(\s?([A-Z][A-Z0-9&]{1,9})\s?\)")
_SHORT_FIRST = re.compile(r"(?<!\w)([A-Z][A-Z0-9&]{1,9})\s?\(\s?((?:[\w'’-]+[ \u00a0]){1,11}[\w'’-]+)\s?\)")
_SMALL = frozenset("de du des d la le les l et en à au aux pour sur of the and for in on to".split())
_WORD = re.compile(r"[^\W_]+")


def acronyms(text: str) -> dict[str, str]:
    """Acronym and what it stands for, where the initials agree; one that stands for two things is left out."""
    found: dict[str, str] = {}
    twice = set()
    for short, long in _stated(text):
        if fold(found.setdefault(short, long)) != fold(long):
            twice.add(short)
    return {short: long for short, long in found.items() if short not in twice}


def _stated(text: str) -> Iterator[tuple[str, str]]:
    for match in _LONG_FIRST.finditer(text):
        if long := _ending(match[1], match[2]):
            yield match[2], long
    for match in _SHORT_FIRST.finditer(text):
        if _ending(match[2], match[1]) == match[2]:
            yield match[1], match[2]


def _ending(words: str, short: str) -> str:
    """The end of `words` of which the acronym is made, else an empty text."""
    for match in reversed(list(_WORD.finditer(words))):
        said = words[match.start() :]
        if fold(match[0]) not in _SMALL and _made_of(
            tuple(map(fold, _WORD.findall(said))), fold(short).replace("&", "")
        ):
            return said
    return ""


def _made_of(words: tuple[str, ...], letters: str) -> bool:
    """Whether the letters are the beginnings of the words, in order; small words may be left out, the first may not."""
    if not words or not letters or words[0][0] != letters[0]:
        return not words and not letters
    rests = [words[1:]]
    while rests[-1] and rests[-1][0] in _SMALL:
        rests.append(rests[-1][1:])
    taken = [n for n in (1, 2, 3) if words[0].startswith(letters[:n]) and n <= len(letters)]
    return any(_made_of(rest, letters[n:]) for n in taken for rest in rests)
