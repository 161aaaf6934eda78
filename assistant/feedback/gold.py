"""What an answer rests on, as an evaluation wants it: the chunks it cites, their documents, the values it states."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.metrics.text import contains
from retrieval.facts import facts
from retrieval.text import fold, sentence_spans, words
from retrieval.types import Language, Passage

LONGEST = 120
"""Characters of a value; a longer one is a text, which no answer repeats word for word."""
_TAG = re.compile(r"\s?\[chunk_(\d{1,18})\]")
_PART = re.compile(r"\s*[,;]\s+|\s+(?:et|and)\s+")
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,:/-]\d+)*(?!\w)")
_NAME = re.compile(r"[A-ZÀ-Þ][\w'’+#-]*(?:\s[A-ZÀ-Þ][\w'’+#-]*)*")


@dataclass(frozen=True)
class Gold:
    """Empty where an answer cites nothing, or states nothing that stands out."""

    chunks: tuple[int, ...]
    """Cited, in the order of the text."""
    documents: tuple[str, ...]
    """Of those chunks: a file, or `file#id` where a file holds several."""
    answers: tuple[str, ...]
    """Values of the cited chunks that the answer states and the question does not."""


def gold(text: str, passages: Sequence[Passage], question: str, language: Language) -> Gold:
    """What a text with `[chunk_N]` citations of these passages rests on; other citations count for nothing."""
    known = {p.chunk_id: p for p in passages}
    cited = [known[n] for n in cited_chunks(text) if n in known]
    said = _Statement(_TAG.sub("", text), question, language)
    documents = dict.fromkeys(document_key(p) for p in cited)
    return Gold(tuple(p.chunk_id for p in cited), tuple(documents), said.values(cited))


def cited_chunks(text: str) -> list[int]:
    """Numbers in `[chunk_N]`, each once, in order."""
    return list(dict.fromkeys(int(n) for n in _TAG.findall(text)))


def document_key(passage: Passage) -> str:
    """The document's file, and its id in it where the file holds several."""
    return f"{passage.document}#{passage.external_id}" if passage.external_id else passage.document


@dataclass(frozen=True)
class _Statement:
    """What is said, and to which question."""

    text: str
    question: str
    language: Language

    def values(self, cited: Sequence[Passage]) -> tuple[str, ...]:
        """Of the fields that the question names; else the titles of a list; else of any field; else numbers; else names."""
        stated = [(key, value) for p in cited for key, whole in facts(p.text) for value in self._stated(whole)]
        source = "\n".join(p.text for p in cited)
        found = (
            [value for key, value in stated if self._asks_for(key)]
            or [p.title for p in cited if len({document_key(c) for c in cited}) > 1 and self._new(p.title)]
            or [value for _, value in stated]
            or [n for n in _NUMBER.findall(self.text) if self._in(source, n) and self._new(n)]
            or [name for name in self._names() if self._in(source, name) and self._new(name)]
        )
        return tuple(self._longest(found))

    def _stated(self, whole: str) -> list[str]:
        """The value, or those of its parts (`Go et TypeScript`), that the text says."""
        return [whole] if self._new(whole) else [part for part in _PART.split(whole) if self._new(part)]

    def _new(self, value: str) -> bool:
        if len(value) > LONGEST:
            return False
        return self._in(self.text, value) and not self._in(self.question, value)

    def _in(self, text: str, value: str) -> bool:
        return contains(text, [value], self.language)

    def _asks_for(self, key: str) -> bool:
        # Four letters: `licence` asks for `License`, `ports` for `port`.
        asked = {word[:4] for word in map(fold, words(self.question))}
        return any(word[:4] in asked for word in map(fold, words(key)) if len(word) > 2)

    def _names(self) -> Iterator[str]:
        """Capitalised words, but not because a sentence begins with them."""
        for start, end in sentence_spans(self.text):
            yield from (m[0] for m in _NAME.finditer(self.text, start + 1, end))

    def _longest(self, found: Sequence[str]) -> list[str]:
        """Each value once, without those that another holds."""
        every = list(dict.fromkeys(found))
        return [v for i, v in enumerate(every) if not any(self._within(v, i, o, j) for j, o in enumerate(every))]

    def _within(self, value: str, i: int, other: str, j: int) -> bool:
        return i != j and self._in(other, value) and (j < i or not self._in(value, other))
