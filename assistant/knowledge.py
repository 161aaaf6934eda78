"""What the index knows beyond the passages, for the extractive generator and the refusal decision."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence

from retrieval.alignment import Alignment, State, align
from retrieval.embed import MiniLM
from retrieval.library import Library
from retrieval.search import Searcher
from retrieval.types import Fact, Language

OPENING = 3
"""Chunks a document begins with: front matter, a table of facts, and the first prose."""
RECENT = 256
"""Passages and questions whose states are kept, some 200 kB each: those that many ask about, and those that the refusal
and then the generator read."""


class IndexKnowledge:
    """`Knowledge` read from the live index and its library, for any number of threads; term rarities are kept while
    the index is the same."""

    def __init__(self, searcher: Searcher, reader: MiniLM) -> None:
        self._searcher, self._reader = searcher, reader
        self._rarity: dict[tuple[str, str, str], float] = {}
        self._states: OrderedDict[str, State] = OrderedDict()
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
        return align(self._state(question), [self._state(text) for text in texts])

    def _state(self, text: str) -> State:
        """A text as the reader reads it by itself: together they would change each other a little, and take longer.

        One at a time: it takes every core.
        """
        with self._reading:
            if text in self._states:
                self._states.move_to_end(text)
                return self._states[text]
            (state,) = self._reader.token_states([text])
            self._states[text] = state
            if len(self._states) > RECENT:
                self._states.popitem(last=False)
            return state
