"""The one layer that retries and that bounds the time of an answer. The clients below it do neither.

A model is read in a thread of its own: a server that hangs, or that sends bytes that never become text, holds up that
thread and not the person who waits. Before the first word a fault is retried or raised; after it the answer ends with a
`Cut`, and what came is kept.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from assistant.generators.base import ChatModel, Cut, Options
from assistant.generators.models.faults import Empty, timed_out, truncated
from retrieval.errors import GeneratorFailed
from retrieval.types import Message

ATTEMPTS = 4
FIRST_WAIT = 0.5
"""Seconds before the second attempt, doubled for each further one."""
CHARACTERS = 50
"""Longest text that is taken for each token of `max_tokens`; the longest word of a vocabulary has a few dozen."""
POLL = 0.1
"""Longest a wait goes without looking up: on Windows it does not feel Ctrl-C."""

Clock = Callable[[], float]


def steady(
    model: ChatModel,
    messages: Sequence[Message],
    options: Options,
    *,
    clock: Clock = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[str | Cut, None, None]:
    """The answer as it comes, in at most `options.timeout` seconds; a `Cut` ends it when it is broken off.

    Raises GeneratorFailed before any text, ContextTooLong among them, never after it.
    """
    deadline = clock() + options.timeout
    for attempt in range(1, ATTEMPTS + 1):
        try:
            yield from _attempt(_Reader(model, messages, options, deadline, clock), options.max_tokens)
            return
        except GeneratorFailed as fault:
            wait = _wait(fault, attempt)
            if not fault.retry or attempt == ATTEMPTS or clock() + wait >= deadline:
                raise
        sleep(wait)


def _wait(fault: GeneratorFailed, attempt: int) -> float:
    """Seconds before the next attempt: what the server asks for, else longer each time and never the same for all."""
    asked: float | None = getattr(fault, "retry_after", None)
    return FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1) if asked is None else asked


def _attempt(reader: _Reader, max_tokens: int) -> Generator[str | Cut, None, None]:
    begun = False
    room = CHARACTERS * max_tokens
    try:
        with closing(reader):
            reader.start()
            while (text := reader.next()) is not None:
                text = text if begun else text.lstrip()
                if text:
                    begun = True
                    yield text[:room]
                room -= len(text)
                if room < 0:  # a server that does not know max_tokens, and a model that does not end
                    raise truncated(reader.model.name, max_tokens)
        if not begun:
            hint = "Ask again with /retry, or choose another model with /model."
            raise Empty(f"{reader.model.name} gave an empty answer.", hint)
    except GeneratorFailed as fault:
        if not begun:
            raise
        yield Cut(fault.message.removesuffix("."), fault.hint)


class _Reader:
    """Reads one answer in a thread, until the deadline."""

    def __init__(
        self, model: ChatModel, messages: Sequence[Message], options: Options, deadline: float, clock: Clock
    ) -> None:
        self.model = model
        self._seconds = options.timeout
        self._deadline, self._clock = deadline, clock
        self._heard: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self._ended = self._unwanted = False
        pieces = model.stream(messages, replace(options, timeout=max(0.05, deadline - clock())))
        self._thread = threading.Thread(target=self._read, args=(pieces,), name="answer", daemon=True)

    def start(self) -> None:
        """Begin to read. Whoever calls this must close: a Ctrl-C in here leaves a thread that reads."""
        self._thread.start()

    def next(self) -> str | None:
        """The next piece; None at the end. Raises what the model raised, and TimedOut."""
        while True:
            left = self._deadline - self._clock()
            if left <= 0:
                raise timed_out(self.model.name, self._seconds)
            try:
                heard = self._heard.get(timeout=min(POLL, left))
            except queue.Empty:
                continue
            self._ended = not isinstance(heard, str)
            if isinstance(heard, BaseException):
                raise heard
            return heard

    def close(self) -> None:
        """Break the answer off if it is not at its end."""
        self._unwanted = True
        if not self._ended:
            self.model.close()

    def _read(self, pieces: Iterator[str]) -> None:
        try:
            for piece in pieces:
                if self._unwanted:
                    return
                self._heard.put(piece)
            self._heard.put(None)
        except BaseException as error:  # noqa: BLE001  (it is raised again in the thread that waits)
            self._heard.put(error)
