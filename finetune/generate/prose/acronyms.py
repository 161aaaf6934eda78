"""What an acronym stands for, where the text spells it out before a bracket: `Agence du Numérique (AN)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retrieval.text import fold
from retrieval.types import Language

_BRACKETED = re.compile(r"\(([A-Z][A-Za-zÀ-ÿ]{0,8}[A-Z])\)")
_SMALL: dict[Language, frozenset[str]] = {
    "fr": frozenset("de du des d' la le les l' et en à au aux pour sur par dans a".split()),
    "en": frozenset("of the and for in on to a an with by at".split()),
}


def acronyms(text: str, language: Language) -> Iterator[tuple[str, str]]:
    """(acronym, words) for each one whose letters the words before it begin with."""
    for match in _BRACKETED.finditer(text):
        before = text[max(0, match.start() - 150) : match.start()].rstrip()
        words = list(re.finditer(r"[\w-]+['’]?", before))
        if found := _expansion(match[1], before, words, language):
            yield match[1], found


def _expansion(acronym: str, before: str, words: list[re.Match[str]], language: Language) -> str:
    """The fewest words back whose initials, small words aside, are the acronym."""
    letters = fold(acronym)
    at = len(letters)
    for word in reversed(words):
        said = fold(word[0]).replace("’", "'")
        small = said in _SMALL[language]
        if at and said[0] == letters[at - 1] and not (small and at > 1 and said[0] != letters[at - 1]):
            at -= 1
        elif not small:
            return ""
        if at == 0:
            found = before[word.start() :]
            return found if not small and word[0][0].isupper() and not re.search(r"[,;:.()«»\"]", found) else ""
    return ""
