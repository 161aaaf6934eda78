"""What the index knows beyond the passages, for the extractive generator and the refusal decision."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from retrieval.alignment import Alignment, States, align
from retrieval.embed import MiniLM
from retrieval.library import Library
from retrieval.search import Searcher
from retrieval.types import Fact, Language

OPENING = 3
"""Chunks a document begins with: front matter, a table of facts, and the first prose."""
RECENT = 8
"""Lists of texts whose states are kept, some 2 MB each: the refusal and the generator read the same, for one question."""


@dataclass
class _Read:
    """Texts as the reader has read them, and how questions align with them."""

    states: States
    aligned: dict[str, list[Alignment]] = field(default_factory=dict)


class IndexKnowledge:
    """`Knowledge` read from the live index and its library, for any number of threads; term rarities are kept while
    the index is the same."""

    def __init__(self, searcher: Searcher, reader: MiniLM) -> None:
        self._searcher, self._reader = searcher, reader
        self._rarity: dict[tuple[str, str, str], float] = {}
        self._reads: OrderedDict[tuple[str, ...], _Read] = OrderedDict()
        self._reading = threading.Lock()

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
        read = self._read(tuple(texts))
        aligned = read.aligned.get(question)
        if aligned is None:
            aligned = read.aligned[question] = align(self._reader, question, read.states)
        return aligned

    def _read(self, texts: tuple[str, ...]) -> _Read:
        """One list at a time: reading it takes every core, and all of an answer's time but the model's."""
        with self._reading:
            if texts in self._reads:
                self._reads.move_to_end(texts)
                return self._reads[texts]
            read = self._reads[texts] = _Read(self._reader.token_states(texts))
            if len(self._reads) > RECENT:
                self._reads.popitem(last=False)
            return read
