"""What the index knows beyond the passages, for the extractive generator and the refusal decision."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrieval.alignment import Alignment, align
from retrieval.embed import MiniLM
from retrieval.library import Library
from retrieval.search import Searcher
from retrieval.types import Fact, Language


class IndexKnowledge:
    """`Knowledge` read from the live index and its library; term rarities are kept while the index is the same."""

    def __init__(self, searcher: Searcher, reader: MiniLM) -> None:
        self._searcher, self._reader = searcher, reader
        self._rarity: dict[tuple[str, str, str], float] = {}
        # The refusal and the generator compare the same passages with the same question.
        self._compared: tuple[tuple[str, ...], list[Alignment]] = ((), [])

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

    def first_chunks(self, document_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        found = {}
        for document_id in document_ids:
            chunks = self._library.document_chunks(document_id)
            if chunks:
                found[document_id] = (chunks[0].id, chunks[0].text)
        return found

    def align(self, question: str, texts: Sequence[str]) -> list[Alignment]:
        if self._compared[0] != (question, *texts):
            self._compared = ((question, *texts), align(self._reader, question, texts))
        return self._compared[1]
