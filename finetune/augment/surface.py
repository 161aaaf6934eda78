"""What is lost in haste: accents, capitals, punctuation, and letters (typos)."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator, Mapping

from finetune.augment.masked import MASK, Masked
from finetune.augment.openers import NUMBERS
from retrieval.text import fold, words
from retrieval.types import Language

_WORD = re.compile(r"[^\W\d_]{4,}")
_OPENS = re.compile(r"[.?!:]\s+$")
_KEYS: Mapping[Language, tuple[str, ...]] = {
    "fr": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
    "en": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
}


def without_accents(text: str) -> str:
    """`Où est hébergé` as `Ou est heberge`."""
    decomposed = unicodedata.normalize("NFD", text.replace("œ", "oe").replace("Œ", "OE"))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def without_mark(text: str) -> str:
    """A question without the mark at its end."""
    return re.sub(r"[\s\u00a0]*[?.!]+$", "", text)


def typos(masked: Masked, text: str, language: Language, rng: random.Random) -> Iterator[str]:
    """A masked text with one slip of the hand, or two in a long one, never in a mask; in an order of its own."""
    kept = {fold(word) for _, said in masked.hidden for word in words(said)}
    places = _places(text, kept)
    rng.shuffle(places)
    for place in places:
        made = _slipped(text, place, language, rng)
        if made and len(places) > 4 and rng.random() < 0.3:
            left = [other for other in _places(made, kept) if other.start() != place.start()]
            yield _slipped(made, rng.choice(left), language, rng) or made
        elif made:
            yield made


def _places(text: str, kept: set[str]) -> list[re.Match[str]]:
    """Words that may be misspelt: none that opens a sentence, which could be taken for a name, and none of a name's."""
    found = [place for place in _WORD.finditer(text) if place.start() and not _OPENS.search(text[: place.start()])]
    return [place for place in found if fold(place[0]) not in kept]


def _slipped(text: str, place: re.Match[str], language: Language, rng: random.Random) -> str:
    """The text with a slip in this word; empty if that makes no change, or a number of the word ("dieux", "deux")."""
    slip = _slip(place[0], language, rng)
    return "" if slip == place[0] or slip in NUMBERS[language] else text[: place.start()] + slip + text[place.end() :]


def _slip(word: str, language: Language, rng: random.Random) -> str:
    """A word with two letters swapped, one left out, one doubled, or a neighbouring key hit; its first letter stays."""
    at = rng.randrange(1, len(word) - 1)
    kind = rng.choice(("swap", "drop", "double", "neighbour"))
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[: at + 1] + word[at:]
    return word[:at] + _neighbour(word[at], language, rng) + word[at + 1 :]


def _neighbour(letter: str, language: Language, rng: random.Random) -> str:
    for row in _KEYS[language]:
        if (at := row.find(letter)) >= 0:
            return rng.choice(row[max(0, at - 1) : at] + row[at + 1 : at + 2])
    return letter


def has_words(text: str) -> bool:
    """Whether anything but masks is left."""
    return re.search(r"\w", re.sub(MASK, "", text)) is not None
