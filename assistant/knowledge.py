"""What the index knows beyond the passages, for the extractive generator and the refusal decision."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrieval.alignment import Alignment, States, align
from retrieval.embed import MiniLM
from retrieval.library import Library
from retrieval.search import Searcher
from retrieval.types import Fact, Language

OPENING = 3
"""Chunks a document begins with: front matter, a table of facts, and the first prose."""


class IndexKnowledge:
    """`Knowledge` read from the live index and its library; term rarities are kept while the index is the same."""

    def __init__(self, searcher: Searcher, reader: MiniLM) -> None:
        self._searcher, self._reader = searcher, reader
        self._rarity: dict[tuple[str, str, str], float] = {}
        # The refusal and the generator read the same passages, for the same question.
        self._texts: tuple[str, ...] = ()
        self._states: States = []
        self._aligned: dict[str, list[Alignment]] = {}

    @property
    def _library(self) -> Library:
        return self._searcher.library

    def rarity(self, term: str, language: Language) -> float:
        live = self._searcher.generation()
        key = (live.manifest.name, language, term)
        if key not in self._rarity:
            count = live.lexical.document_frequency(term, language)
            self._rarity[key] = math.log(1 + len(live.lexical) / (1 + count))
        return self._rarity[key]

    def facts_of(self, document_ids: Sequence[int]) -> list[Fact]:
        return self._library.facts_of(document_ids)

    def fact_keys(self) -> list[tuple[str, int]]:
        return self._library.fact_keys()

    def facts_with_keys(self, keys: Sequence[str]) -> list[Fact]:
        return self._library.facts_with_keys(keys)

    def opening(self, document_id: int) -> list[tuple[int, str]]:
        return [(chunk.id, chunk.text) for chunk in self._library.document_chunks(document_id)[:OPENING]]

    def align(self, question: str, texts: Sequence[str]) -> list[Alignment]:
        if self._texts != tuple(texts):
            self._texts, self._states, self._aligned = tuple(texts), self._reader.token_states(texts), {}
        if question not in self._aligned:
            self._aligned[question] = align(self._reader, question, self._states)
        return self._aligned[question]
