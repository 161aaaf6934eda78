"""From a question to a cited answer: rewrite, search, decide, generate, check. One pipeline for every mode.

`answer()` yields events as they happen: `Searched` (a follow-up as a question of its own), `Sources` (what was found),
`Delta` (text as it is generated, its citations checked), `Done` (the finished answer). The terminal, `--json` and
evaluation consume the same iterator. Ctrl-C while text comes ends the answer: what came is kept and marked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache

from assistant.focus import Focus
from assistant.generators.base import Cut, Delta, Evidence, Knowledge, Request, Sent, Turn
from assistant.generators.base import Generator as TextGenerator
from assistant.generators.question import read
from assistant.modes import MODES, Mode
from assistant.prompts import is_refusal
from assistant.refusal import calibration, confidence, refusal, unknown
from assistant.rewrite import Rewritten
from assistant.sanitize import CleanStream
from assistant.support import Supporter
from retrieval.citation_stream import CitationStream
from retrieval.citations import check
from retrieval.search import Found, Searcher, check_question
from retrieval.text import detect_language
from retrieval.types import INTERRUPTED, Answer, Language, Message, Passage

DESCRIPTION = "description"
"""Reason of a rewrite that rests on an article: "the price"."""
DECIDING = 4
"""Refusals decided at once. Of 40 questions at once the first token came after 1.4 s, and after 2.0 s with only one."""
Rewrite = Callable[[str, Sequence[Turn], Language | None], Rewritten | None]
"""A question and the turns before it to the question as one of its own; None when it is one already."""


@dataclass(frozen=True)
class Searched:
    """What is searched for beside the question, which leans on earlier ones."""

    text: str


@dataclass(frozen=True)
class Sources:
    """The passages the answer will rest on."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Done:
    """The finished, checked answer."""

    answer: Answer
    hint: str = ""
    """What to do about an answer that was broken off."""


AnswerEvent = Searched | Sources | Delta | Done
Events = Generator[AnswerEvent, None, None]


@dataclass
class _Draft:
    """An answer in the making."""

    question: str
    language: Language
    searched: str = ""
    passages: tuple[Passage, ...] = ()
    text: str = ""
    refused: bool = False
    chance: float = 0.0
    struck: int = 0
    messages: tuple[Message, ...] = ()
    dropped: str = ""
    cut: Cut | None = None
    start: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True)
class Answerer:
    """The parts of the pipeline, put together by `assistant.app`."""

    searcher: Searcher
    knowledge: Knowledge
    generator: TextGenerator
    mode: Mode = MODES["rag"]
    max_words: int = 60
    refuse_below: float | None = None
    """Confidence under which to refuse; None takes the calibrated threshold."""
    rewrite: Rewrite | None = None
    history: int = 0
    """Earlier turns the generator is given."""

    def answer(
        self,
        question: str,
        top_k: int = 10,
        *,
        language: Language | None = None,
        filters: Mapping[str, str] | None = None,
        turns: Sequence[Turn] = (),
    ) -> Events:
        """Answer one question; `turns` are the earlier ones of the conversation, oldest first.

        Raises BadQuestion, NoIndex, WrongEmbedder, BadInput (a filter), and GeneratorFailed before any text.
        """
        question = check_question(question)
        draft = _Draft(question, language or detect_language(question, default="fr"))
        if turns and (searched := self._rewritten(question, turns, language)):
            draft.searched = searched
            yield Searched(searched)
        said = question if draft.searched else ""
        recent = tuple(turns[-self.history :]) if self.history else ()
        if self.mode.searches:
            found = self.searcher.search(
                draft.searched or question, top_k, language=language, filters=filters, also=said
            )
            yield from self._grounded(draft, found, said, recent)
        else:
            request = Request(draft.searched or question, draft.language, (), self.max_words, said=said, history=recent)
            yield from self._alone(draft, request)
        yield self._done(draft)

    def warm(self) -> None:
        """Load what the first question needs. Raises NoIndex, WrongEmbedder, GeneratorFailed, ModelMissing."""
        self.searcher.search("warm up", 1)
        self.knowledge.align("warm up", ["warm up"])
        self.generator.warm()

    def request(self, found: Found, said: str = "", history: tuple[Turn, ...] = ()) -> Request:
        """What the generator is given for a search's result."""
        focus = Focus(self.searcher)
        named = focus.named(found)
        passages = focus.first(found, named)
        return Request(found.question, found.language, passages, self.max_words, named, said, history)

    def _rewritten(self, question: str, turns: Sequence[Turn], language: Language | None) -> str:
        """The question as one of its own, when it leans on earlier turns; else empty."""
        found = self.rewrite(question, turns, language) if self.rewrite else None
        if found is None:
            return ""
        # "The price of petrol" has no sign of leaning but its article. A word that no document holds says that it is
        # about something else, and the topic must not lend it an answer.
        spoken = language or detect_language(question, default="fr")
        if found.reason == DESCRIPTION and unknown(read(question, spoken), self.knowledge):
            return ""
        return found.text

    def _grounded(self, draft: _Draft, found: Found, said: str, history: tuple[Turn, ...]) -> Iterator[Sources | Delta]:
        """An answer from passages, or a refusal."""
        request = self.request(found, said, history)
        draft.language, draft.passages = request.language, request.passages
        yield Sources(request.passages)
        citations = CitationStream({p.chunk_id for p in request.passages})
        with _keeping(draft), closing(self._generated(draft, request, citations)) as texts:
            for text in texts:
                draft.text += (shown := citations.feed(text))
                if shown:
                    yield Delta(shown)
        draft.text += (shown := "" if draft.cut else citations.finish())  # half a bracket says nothing
        if shown:
            yield Delta(shown)
        draft.struck = citations.struck
        # A generator that found nothing to say has refused.
        if draft.refused or not (draft.text.strip() or draft.cut):
            draft.refused, draft.text = True, refusal(draft.passages, draft.language)
            yield Delta(draft.text)

    def _alone(self, draft: _Draft, request: Request) -> Iterator[Sources | Delta]:
        """An answer from the model's own memory; a sentence that a search supports gets its citation."""
        citations, supporter = CitationStream(set()), Supporter(self.searcher, draft.language)
        with _keeping(draft), closing(self._generated(draft, request, citations)) as texts:
            for text in texts:
                draft.text += (shown := supporter.feed(citations.feed(text)))
                if shown:
                    yield Delta(shown)
        draft.text += (shown := supporter.feed(citations.finish()) + supporter.finish())
        yield Delta(shown)
        draft.struck, draft.passages, draft.chance = citations.struck, tuple(supporter.passages.values()), 1.0
        yield Sources(draft.passages)

    def _generated(self, draft: _Draft, request: Request, citations: CitationStream) -> Generator[str, None, None]:
        """The generator's text as it comes, safe to show; nothing when the question is refused."""
        refuses = self._refuses(draft, request)
        if not self.generator.takes_time and refuses():
            return
        clean, silent = CleanStream(), True
        with closing(self.generator.generate(request)) as events:
            for event in events:
                if isinstance(event, Delta):
                    if silent and self.generator.takes_time and refuses():
                        return
                    silent = False
                    yield clean.feed(event.text)
                elif isinstance(event, Evidence):
                    draft.passages = self._joined(draft.passages, event)
                    citations.known.update(event.chunk_ids)
                elif isinstance(event, Sent):
                    draft.messages, draft.dropped, draft.passages = event.messages, event.dropped, event.passages
                    citations.known.intersection_update(p.chunk_id for p in event.passages)
                else:
                    draft.cut = event
        yield clean.finish()

    def _refuses(self, draft: _Draft, request: Request) -> Callable[[], bool]:
        """Whether to refuse. Where the generator takes its time, the decision is made while it begins."""
        if not self.mode.searches:
            return lambda: False
        calibrated = calibration()[f"threshold_{request.language}"]
        threshold = calibrated if self.refuse_below is None else self.refuse_below
        begun = _beside().submit(confidence, request, self.knowledge) if self.generator.takes_time else None

        def decide() -> bool:
            draft.chance = begun.result() if begun else confidence(request, self.knowledge)
            draft.refused = not request.passages or draft.chance < threshold
            return draft.refused

        return decide

    def _joined(self, passages: tuple[Passage, ...], evidence: Evidence) -> tuple[Passage, ...]:
        """The passages with the chunks the generator read beside them."""
        have = {p.chunk_id for p in passages}
        wanted = [i for i in evidence.chunk_ids if i not in have]
        chunks = self.searcher.library.chunks(wanted)
        return passages + self.searcher.passages([chunks[i] for i in wanted if i in chunks])

    def _done(self, draft: _Draft) -> Done:
        checked = check(draft.text, draft.passages, draft.language)
        refused = draft.refused or (draft.cut is None and is_refusal(checked.text, draft.language))
        answer = Answer(
            question=draft.question,
            answer=checked.text,
            refused=refused,
            # A refusal names its nearest documents; it claims nothing of them.
            citations=() if refused else checked.citations,
            passages=draft.passages,
            mode=self.mode.name,
            generator=self.generator.name,
            seconds=round(time.perf_counter() - draft.start, 4),
            confidence=round(draft.chance, 4),
            language=draft.language,
            unknown_citations=draft.struck,
            searched=draft.searched,
            messages=draft.messages,
            dropped=draft.dropped,
            partial=draft.cut.reason if draft.cut else "",
            generation=self.searcher.generation().manifest.name if self.mode.searches or draft.passages else "",
        )
        return Done(answer, draft.cut.hint if draft.cut else "")


@contextmanager
def _keeping(draft: _Draft) -> Iterator[None]:
    """Ctrl-C breaks the answer off, once there is something of it to keep."""
    try:
        yield
    except KeyboardInterrupt:
        if not draft.text:
            raise
        draft.cut = Cut(INTERRUPTED)


@cache
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(DECIDING, "decide")
