"""Many questions to one teacher: several at a time, replies in order, each kept before it is used.

A worker has a model of its own. What it meets is one of four things: a reply; a limit, for which all workers wait
(`pace.py`); a question without a reply, which is counted; anything else, which ends the run. What was kept stays.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, Self

from finetune.teacher.pace import Limited, Pace
from finetune.teacher.replies import Failed, Replies, key_of
from retrieval.errors import GeneratorFailed, UserError
from retrieval.types import Message

AHEAD = 2
"""Questions, for each worker, that are asked before the first of them is answered."""
IN_A_ROW = 5
"""Questions without a reply, one after the other, that mean that the teacher is out of order."""
POLL = 0.1
"""Longest a wait goes without looking up: on Windows it does not feel Ctrl-C."""
JOIN_SECONDS = 5.0
"""Longest wait for a worker that was told to stop."""


class Ask(Protocol):
    """One question to the model; ends soon once `stopped` is set.

    Raises Limited, Unanswered, and a UserError for what no further question can mend.
    """

    def __call__(self, messages: Sequence[Message], stopped: threading.Event) -> str: ...

    def close(self) -> None:
        """Free what it holds; it is not used any more."""
        ...


class Asker(Protocol):
    """What asks a teacher."""

    name: str

    def ask_all(self, prompts: Iterable[Sequence[Message]]) -> Iterator[str | Failed]:
        """A reply to each prompt, in order. Raises UserError when the teacher cannot be asked."""
        ...


class Unanswered(Exception):
    """No reply to one question. `final`: the same question would get none again. `fault` is for the user."""

    def __init__(self, reason: str, fault: GeneratorFailed, *, final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault
        self.final = final


class TeacherStopped(GeneratorFailed):
    """The teacher cannot be asked any further; the hint says what was kept."""


class Calls:
    """Asks a teacher, while its context lasts; `paid` counts the calls that were made, `kept` the replies that were there already."""

    def __init__(
        self,
        name: str,
        asks: Sequence[Ask],
        options: Mapping[str, object],
        replies: Replies | None = None,
        pace: Pace | None = None,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.asks = asks
        self.replies = replies
        self.pace = pace or Pace()
        self.paid = self.kept = 0
        self._options = options
        self._heard = heard
        self._lock = threading.Lock()
        self._silent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the models' connections and the file of replies."""
        for ask in self.asks:
            ask.close()
        if self.replies is not None:
            self.replies.close()

    def ask_all(self, prompts: Iterable[Sequence[Message]]) -> Iterator[str | Failed]:
        """A reply to each prompt, in order. Raises TeacherStopped; what the file of replies raises."""
        run = _Run(self)
        try:
            for reply in run.replies(prompts):
                self._heard()
                yield reply
        finally:
            run.stop()

    def key(self, messages: Sequence[Message]) -> str:
        return key_of(self.name, self._options, messages)

    def is_kept(self, messages: Sequence[Message]) -> bool:
        """Whether there is a reply already, so that asking costs nothing."""
        return self.replies is not None and self.replies.get(self.key(messages)) is not None

    def answer(self, ask: Ask, messages: Sequence[Message], stopped: threading.Event) -> str | Failed:
        """One reply, kept. Raises Limited's fault when waiting took too long, and what `ask` raises."""
        while True:
            self.pace.wait(stopped)
            if stopped.is_set():
                return Failed("broken off")
            try:
                reply: str | Failed = ask(messages, stopped)
            except Limited as limit:
                self.pace.limited(limit)
                continue
            except Unanswered as silence:
                reply = self._silence(silence, stopped)
                if not silence.final:
                    return reply
            self.pace.answered()
            return self._keep(messages, reply)

    def stopped(self, fault: UserError) -> TeacherStopped:
        """The end of a run, with what is kept of it."""
        kept = (
            ""
            if self.replies is None or not self.paid + self.kept
            else f" The replies so far are kept in {self.replies.path}: the same command goes on from there."
        )
        return TeacherStopped(fault.message, f"{fault.hint}{kept}".strip())

    def _keep(self, messages: Sequence[Message], reply: str | Failed) -> str | Failed:
        with self._lock:
            self.paid += 1
            self._silent = 0
        if self.replies is not None:
            self.replies.keep(self.key(messages), reply)
        return reply

    def _silence(self, silence: Unanswered, stopped: threading.Event) -> Failed:
        """A question without a reply, unless there were too many of them."""
        with self._lock:
            self._silent += not (silence.final or stopped.is_set())
            if self._silent >= IN_A_ROW:
                raise silence.fault
        return Failed(silence.reason)


class _Run:
    """One `ask_all`: its threads, what they are to do and what they have done."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._todo: queue.SimpleQueue[tuple[str, Sequence[Message]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._done: dict[str, str | Failed] = {}
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._stopped = threading.Event()

    def replies(self, prompts: Iterable[Sequence[Message]]) -> Iterator[str | Failed]:
        """The replies in order; a question that was asked twice is paid once."""
        waiting: deque[str] = deque()
        for messages in prompts:
            key = self._calls.key(messages)
            if key not in waiting:
                self._begin(key, messages)
            waiting.append(key)
            while len(waiting) > AHEAD * len(self._calls.asks):
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def stop(self) -> None:
        """End every thread; what is being asked is broken off."""
        self._stopped.set()
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    def _begin(self, key: str, messages: Sequence[Message]) -> None:
        kept = self._calls.replies.get(key) if self._calls.replies is not None else None
        if kept is not None:
            self._calls.kept += 1
            self._done[key] = kept
            return
        self._todo.put((key, messages))
        if len(self._threads) < len(self._calls.asks):
            ask = self._calls.asks[len(self._threads)]
            self._threads.append(threading.Thread(target=self._work, args=(ask,), name="teacher", daemon=True))
            self._threads[-1].start()

    def _next(self, waiting: deque[str]) -> str | Failed:
        """The reply to the first that waits. Raises what a worker met."""
        key = waiting.popleft()
        with self._changed:
            while key not in self._done and self._error is None:
                self._changed.wait(POLL)
            if self._error is not None:
                raise self._calls.stopped(self._error) if isinstance(self._error, GeneratorFailed) else self._error
            return self._done[key] if key in waiting else self._done.pop(key)

    def _work(self, ask: Ask) -> None:
        while (job := self._todo.get()) is not None and not self._stopped.is_set():
            key, messages = job
            try:
                reply = self._calls.answer(ask, messages, self._stopped)
            except BaseException as error:  # noqa: BLE001  (it is raised again in the thread that waits)
                with self._changed:
                    self._error = self._error or error
                    self._changed.notify_all()
                return
            with self._changed:
                self._done[key] = reply
                self._changed.notify_all()
