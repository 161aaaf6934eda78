"""From a question to a cited answer: search, decide, generate, check. One pipeline for every mode.

`answer()` yields events as they happen: `Sources` (what was found), `Delta` (text as it is generated), `Done` (the checked
answer). The terminal, `--json` and evaluation consume the same iterator.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assistant.generators.base import Delta, Evidence, Generator, Knowledge, Request
from assistant.generators.question import names_title, nicknames
from assistant.refusal import calibration, confidence, refusal
from retrieval.citations import check
from retrieval.lexical import analyze
from retrieval.search import Found, Searcher
from retrieval.types import Answer, Language, Passage

NAMED = 3
"""Documents a question may name."""
FOCUSED = 5
"""Passages taken from the documents it names."""


@dataclass(frozen=True)
class Sources:
    """The passages the answer will rest on."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Done:
    """The finished, checked answer."""

    answer: Answer


@dataclass(frozen=True)
class Answerer:
    """The parts of the pipeline, put together by `assistant.app`."""

    searcher: Searcher
    knowledge: Knowledge
    generator: Generator
    mode: str = "rag"
    max_words: int = 60
    refuse_below: float | None = None
    """Confidence under which to refuse; None takes the calibrated threshold."""

    def answer(
        self,
        question: str,
        top_k: int = 10,
        *,
        language: Language | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Iterator[Sources | Delta | Done]:
        """Answer one question. Raises BadQuestion, NoIndex, WrongEmbedder, BadInput (a filter)."""
        start = time.perf_counter()
        found = self.searcher.search(question, top_k, language=language, filters=filters)
        request = self.request(found)
        passages = request.passages
        yield Sources(passages)
        chance = confidence(request, self.knowledge)
        calibrated = calibration()[f"threshold_{found.language}"]
        threshold = calibrated if self.refuse_below is None else self.refuse_below
        refused = not passages or chance < threshold
        text = ""
        if not refused:
            for event in self.generator.generate(request):
                if isinstance(event, Evidence):
                    passages = self._joined(passages, event)
                else:
                    text += event.text
                    yield event
        # A generator that found nothing to say has refused.
        refused = refused or not text.strip()
        if refused:
            text = refusal(passages, found.language)
            yield Delta(text)
        yield Done(self._checked(found, text, passages, refused, chance, time.perf_counter() - start))

    def request(self, found: Found) -> Request:
        """What the generator is given for a search's result."""
        named = self._named(found)
        return Request(found.question, found.language, self._focused(found, named), self.max_words, named)

    def _named(self, found: Found) -> tuple[int, ...]:
        """Documents that the question names by their title; a title that several documents share names none."""
        titles = {p.document_id: p.title for p in found.passages}
        full = {i: title for i, title in titles.items() if names_title(found.question, title)}
        shared = self.searcher.library.shared_titles(full.values())
        return tuple(i for i, title in full.items() if title not in shared)[:NAMED] or self._nicknamed(found, titles)

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

    def _focused(self, found: Found, named: tuple[int, ...]) -> tuple[Passage, ...]:
        """The best passages of the named documents before those of their neighbours."""
        if not named:
            return found.passages
        focused = self.searcher.within(found, named, FOCUSED)
        have = {p.chunk_id for p in focused}
        return focused + tuple(p for p in found.passages if p.chunk_id not in have)

    def _joined(self, passages: tuple[Passage, ...], evidence: Evidence) -> tuple[Passage, ...]:
        """The passages with the chunks the generator read beside them."""
        have = {p.chunk_id for p in passages}
        wanted = [i for i in evidence.chunk_ids if i not in have]
        chunks = self.searcher.library.chunks(wanted)
        return passages + self.searcher.passages([chunks[i] for i in wanted if i in chunks])

    def _checked(
        self, found: Found, text: str, passages: tuple[Passage, ...], refused: bool, chance: float, seconds: float
    ) -> Answer:
        checked = check(text, passages, found.language)
        return Answer(
            question=found.question,
            answer=checked.text,
            refused=refused,
            # A refusal names its nearest documents; it claims nothing of them.
            citations=() if refused else checked.citations,
            passages=passages,
            mode=self.mode,
            generator=self.generator.name,
            seconds=round(seconds, 4),
            confidence=round(chance, 4),
            language=found.language,
            unknown_citations=checked.unknown,
        )
