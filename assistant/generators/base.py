"""What a generator is given and what it yields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.alignment import Alignment
from retrieval.types import Fact, Language, Passage


class Knowledge(Protocol):
    """What the index knows beyond the passages; an extractive answer reads it, a language model does not."""

    def rarity(self, term: str, language: Language) -> float:
        """Inverse document frequency of an analysed term, 0 and up."""
        ...

    def facts_of(self, document_ids: Sequence[int]) -> list[Fact]:
        """Facts these documents state, in order."""
        ...

    def fact_keys(self) -> list[tuple[str, int]]:
        """Every key of the library, with the number of documents that state it."""
        ...

    def facts_with_keys(self, keys: Sequence[str]) -> list[Fact]:
        """Every fact of the library under these keys."""
        ...

    def opening(self, document_id: int) -> list[tuple[int, str]]:
        """(chunk id, text) of the chunks a document begins with."""
        ...

    def align(self, question: str, texts: Sequence[str]) -> list[Alignment]:
        """How well each part of each text answers to each token of the question."""
        ...


@dataclass(frozen=True)
class Request:
    """One question with the passages retrieved for it."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    max_words: int = 60
    named: tuple[int, ...] = ()
    """Documents that the question names by a title of their own: the answer is looked for there."""


@dataclass(frozen=True)
class Delta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class Evidence:
    """Chunks outside the passages that the answer rests on; they join the context before the text is checked."""

    chunk_ids: tuple[int, ...]


class Generator(Protocol):
    """Turns a request into text that cites `[chunk_N]`."""

    name: str

    def generate(self, request: Request) -> Iterator[Delta | Evidence]: ...
