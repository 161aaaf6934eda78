"""A question in which every protected part is one private character, so that no rule can touch its inside.

"Quel est le port de SI-RAPP ?"  ->  "Quel est le port de \\ue000 ?"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from finetune.augment.protected import spans
from retrieval.text import fold
from retrieval.types import Language

NAME = "[\ue000-\uefff]"
"""A masked name, as a pattern."""
MASK = "[\ue000-\uf8ff]"
"""A masked name, number, quotation or address."""
_MASK = re.compile(MASK)
_NAMES, _OTHERS = 0xE000, 0xF000
_MANY = 0x800


@dataclass(frozen=True)
class Masked:
    """A masked text and what its masks stand for."""

    text: str
    hidden: tuple[tuple[str, str], ...]
    """Mask and what it stands for."""

    @cached_property
    def _words(self) -> dict[str, str]:
        return dict(self.hidden)

    def restore(self, text: str) -> str:
        """A text with its masks replaced by what they stand for."""
        return _MASK.sub(lambda found: self._words.get(found[0], found[0]), text)

    def elides(self, text: str) -> bool:
        """Whether `de` before this loses its vowel: "d'Apache", but "de 1000 premiers jours", "de HAProxy"."""
        first = self.restore(text)
        return fold(first[:1]) in tuple("aeiou") and not first.startswith("À ") and not fold(first).startswith("onze")


def mask(text: str, language: Language, names: Sequence[str] = ()) -> Masked:
    """Hide `names` where they stand, and everything else that is protected."""
    parts: list[tuple[int, int, int]] = []
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        for found in _places(text, name):
            if all(found[1] <= start or end <= found[0] for start, end, _ in parts):
                parts.append((*found, _NAMES))
    for span in spans(text, language):
        if all(span.end <= start or end <= span.start for start, end, _ in parts):
            parts.append((span.start, span.end, _OTHERS if span.kind == "other" else _NAMES))
    return _hide(text, _joined(text, sorted(parts)[:_MANY]))


def _places(text: str, name: str) -> list[tuple[int, int]]:
    """Where a name stands: as written, else in any case if it is no common word."""
    if not re.search(r"\w", name):
        return []
    pattern = rf"(?<!\w){re.escape(name.strip())}(?!\w)".replace("'", "['’]")
    pattern = rf"«\s{pattern}\s»|“{pattern}”|{pattern}"  # a title in quotation marks keeps them
    found = [match.span() for match in re.finditer(pattern, text)]
    distinct = len(name) > 2 and (" " in name.strip() or name.lower() != name)
    if found or not distinct:
        return found
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def _joined(text: str, parts: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Names side by side are one: "Salvatore Sanfilippo"."""
    joined: list[tuple[int, int, int]] = []
    for start, end, kind in parts:
        if joined and kind == joined[-1][2] == _NAMES and text[joined[-1][1] : start] == " ":
            joined[-1] = (joined[-1][0], end, kind)
        else:
            joined.append((start, end, kind))
    return joined


def _hide(text: str, parts: list[tuple[int, int, int]]) -> Masked:
    made, hidden, position = [], [], 0
    for number, (start, end, kind) in enumerate(parts):
        sign = chr(kind + number)
        hidden.append((sign, text[start:end]))
        made += [text[position:start], sign]
        position = end
    return Masked("".join([*made, text[position:]]), tuple(hidden))
