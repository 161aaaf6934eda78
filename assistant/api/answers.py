"""Answers for many at once: each is made in a thread of its own, and kept in the journal before its end is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from assistant.api.answering import Answering, Finished
from assistant.api.gate import Gate
from assistant.api.openai_turns import Conversations, Known, Said, turns_of
from assistant.api.pipelines import Pipelines, Wishes
from assistant.api.usage import usage_of
from assistant.conversation import used
from assistant.generators.models.faults import is_truncated
from assistant.modes import mode_named
from assistant.workspace import log_traceback
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.api.options import Options
    from assistant.api.pipelines import Loaded
    from assistant.app import App
    from assistant.modes import Mode
    from retrieval.types import Answer

T = TypeVar("T")
AT_ONCE = 8
"""Searches, and texts that are embedded, at once; each takes milliseconds, and every core."""

TOGETHER = 5.0
"""Seconds that threads wait for each other to have begun."""


@dataclass(frozen=True)
class Question:
    """What is asked, by whom, after what."""

    text: str
    mode: str = "rag"
    wishes: Wishes = field(default_factory=Wishes)
    said: Said = ()
    """Earlier turns."""
    author: str = "api"


class Answers:
    """The pipelines of a workspace's three modes, for any number of threads; asked on one event loop."""

    def __init__(self, app: App, options: Options) -> None:
        self.app, self.options = app, options
        self.pipelines = Pipelines(app, options)
        self._conversations = Conversations()
        self._making: set[Answering] = set()
        self._threads = ThreadPoolExecutor(2 * options.max_answers, "answer")
        self._quick_threads = ThreadPoolExecutor(AT_ONCE + 1, "quick")
        self._quick_gate, self._loading_gate = Gate(AT_ONCE, options.max_waiting), Gate(1, options.max_waiting)

    async def ask(self, question: Question) -> Answering:
        """Begin to answer, when it is this question's turn.

        Raises 429 when too many wait, BadSetting, NotFound, and what loading a model does; what else goes wrong is heard.
        """
        mode = mode_named(question.mode)
        loaded = self.pipelines.settled(mode) or await self._loaded(mode)
        since = await loaded.gate.enter()
        answering, loop = Answering(), asyncio.get_running_loop()
        making = loop.run_in_executor(self._threads, self._make, question, mode, loaded, answering)
        self._making.add(answering)

        def made(_: object) -> None:
            self._making.discard(answering)
            loaded.gate.leave(since)

        making.add_done_callback(made)
        return answering

    async def quick(self, work: Callable[[], T]) -> T:
        """What `work` returns; a search, or something as short. Raises 429 when too many wait, and what it does."""
        return await self._through(self._quick_gate, work)

    def warm(self) -> None:
        """Load what the first question needs. Raises NoIndex, WrongEmbedder, GeneratorFailed, ModelMissing, NotFound."""
        self._begin_threads()
        self.pipelines.warm()

    def _begin_threads(self) -> None:
        """All of them at once: one that begins when it is needed holds up the event loop, 5 ms under load."""
        together = threading.Barrier(self.options.max_answers)
        for _ in range(self.options.max_answers):
            self._threads.submit(together.wait, TOGETHER)

    def close(self) -> None:
        """Break off what is in the making, and begin no more: a process does not end before its threads do."""
        for threads in (self._threads, self._quick_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        for answering in list(self._making):
            answering.stop()

    async def _loaded(self, mode: Mode) -> Loaded:
        return await self._through(self._loading_gate, lambda: self.pipelines.loaded(mode))

    async def _through(self, gate: Gate, work: Callable[[], T]) -> T:
        since = await gate.enter()
        working = asyncio.get_running_loop().run_in_executor(self._quick_threads, work)
        working.add_done_callback(lambda _: gate.leave(since))
        return await asyncio.shield(working)  # who gives up waiting frees no thread

    def _make(self, question: Question, mode: Mode, loaded: Loaded, answering: Answering) -> None:
        """The work of the thread. Whatever goes wrong is told to who listens."""
        try:
            if not answering.unwanted:
                self._answer(question, mode, loaded, answering)
        except BaseException as error:  # noqa: BLE001  (it is raised again where it is heard)
            answering.tell(error)

    def _answer(self, question: Question, mode: Mode, loaded: Loaded, answering: Answering) -> None:
        app = self.app
        known = self._conversations.known(question.author, question.said)
        turns = known.turns if known else turns_of(question.said, app.library) if question.said else ()
        with loaded.lent(question.wishes) as (generator, model), answering.using(model):
            answerer = self.pipelines.answerer(mode, generator)
            top_k = app.settings.search.top_k
            done = answering.made(answerer.answer(question.text, top_k, language=app.language(), turns=turns))
            if done is not None:
                usage = usage_of(question.text, done.answer, model)
                session, number = self._kept(question, known, done.answer)
                answering.tell(Finished(done.answer, number, session, usage, is_truncated(done.answer.partial)))

    def _kept(self, question: Question, known: Known | None, answer: Answer) -> tuple[int | None, int | None]:
        """(session, number) in the journal; an answer that cannot be written is given all the same."""
        journal, settings = self.app.journal, used(self.app.settings)
        try:
            session, number = journal.record_in(known.session if known else None, answer, settings, question.author)
            self._conversations.goes_on(question.author, question.said, known, session, answer)
            return session, number
        except UserError:
            log_traceback(self.app.home)
            return None, None
