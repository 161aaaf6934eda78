"""Documents that a question names, whose passages come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.generators.question import names_title, nicknames
from retrieval.lexical import analyze
from retrieval.search import Found, Searcher
from retrieval.types import Language, Passage

NAMED = 3
"""Documents a question may name."""
FOCUSED = 5
"""Passages taken from the documents it names."""


@dataclass(frozen=True)
class Focus:
    """Finds out which documents a question names, and puts their passages first."""

    searcher: Searcher

    def named(self, found: Found) -> tuple[int, ...]:
        """Documents that the question names by their title; a title that several documents share names none."""
        titles = {p.document_id: p.title for p in found.passages}
        full = {i: title for i, title in titles.items() if names_title(found.question, title)}
        shared = self.searcher.library.shared_titles(full.values())
        return tuple(i for i, title in full.items() if title not in shared)[:NAMED] or self._nicknamed(found, titles)

    def first(self, found: Found, named: tuple[int, ...]) -> tuple[Passage, ...]:
        """The best passages of the named documents before those of their neighbours."""
        if not named:
            return found.passages
        focused = self.searcher.within(found, named, FOCUSED)
        have = {p.chunk_id for p in focused}
        return focused + tuple(p for p in found.passages if p.chunk_id not in have)

    def _nicknamed(self, found: Found, titles: Mapping[int, str]) -> tuple[int, ...]:
        """Documents named by one word of a short title, when that word is of no other title and mostly theirs."""
        said = {i: nicknames(found.question, title) for i, title in titles.items()}
        for i in list(said):
            own = said[i].difference(*(nicknames(found.question, t) for t in titles.values() if t != titles[i]))
            said[i] = {word for word in own if self._is_own(word, i, found.language)}
        found_ids = [i for i in said if said[i]]
        shared = self.searcher.library.shared_titles(titles[i] for i in found_ids)
        return tuple(i for i in found_ids if titles[i] not in shared)[:NAMED]

    def _is_own(self, word: str, document_id: int, language: Language) -> bool:
        """Whether at least half of the chunks that use a word are this document's."""
        lexical = self.searcher.generation().lexical
        own = len(self.searcher.library.document_chunks(document_id))
        return all(lexical.document_frequency(term, language) <= 2 * own for term in analyze(word, language))
