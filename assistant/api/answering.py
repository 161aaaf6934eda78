"""One answer in the making: a thread makes it, the event loop hears it.

The thread wakes the loop once for all that has come since it last listened, so that many fast answers cost few wake-ups.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.generators.base import Delta

if TYPE_CHECKING:
    from assistant.answer import Done, Events
    from assistant.generators.base import ChatModel
    from retrieval.types import Answer


@dataclass(frozen=True)
class Usage:
    """Tokens of an answer."""

    prompt: int
    completion: int
    counted: str
    """By what: the name of a model, or `estimate`."""


@dataclass(frozen=True)
class Finished:
    """The whole answer, in the journal."""

    answer: Answer
    interaction: int | None
    """Its number there; None when it could not be written."""
    session: int | None
    usage: Usage
    truncated: bool
    """Whether it ended at the longest length it was allowed."""


Heard = str | Finished | BaseException


class Answering:
    """Told to by one thread, heard on the loop it was made on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._heard: deque[Heard] = deque()
        self._told = False
        self._lock = threading.Lock()
        self._model: ChatModel | None = None
        self.unwanted = False
        """Whether nobody listens any more."""

    # in the thread ---------------------------------------------------------------------------------------------------

    def tell(self, what: Heard) -> None:
        """A piece of text, the end of the answer, or what went wrong."""
        self._heard.append(what)
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop was closed: the server has stopped
                self._loop.call_soon_threadsafe(self._news.set)

    @contextlib.contextmanager
    def using(self, model: ChatModel | None) -> Iterator[None]:
        """While this is open, `stop` breaks off what the model says."""
        self._hold(model)
        try:
            yield
        finally:
            self._hold(None)

    def _hold(self, model: ChatModel | None) -> None:
        with self._lock:
            self._model = model

    def made(self, events: Events) -> Done | None:
        """Tell of the text of an answer as it comes, and return its end; None when it was broken off before any text."""
        from assistant.answer import Done

        with contextlib.closing(events):
            try:
                for event in events:
                    said = events.throw(KeyboardInterrupt) if self.unwanted and not isinstance(event, Done) else event
                    if isinstance(said, Delta):
                        self.tell(said.text)
                    elif isinstance(said, Done):
                        return said
            except KeyboardInterrupt:  # our own
                return None
        raise AssertionError("an answer ends with Done")

    # on the loop -----------------------------------------------------------------------------------------------------

    async def hear(self) -> list[Heard]:
        """What has come since the last time; waits for it. What went wrong is the last that comes."""
        heard: list[Heard] = []
        while not heard:  # what a wake-up tells of may have been taken at the one before
            await self._news.wait()
            self._news.clear()
            self._told = False
            while self._heard:
                heard.append(self._heard.popleft())
        return heard

    async def whole(self) -> Finished:
        """The finished answer. Raises what went wrong; breaks it off when that is not waited for."""
        try:
            while not isinstance(last := (await self.hear())[-1], Finished):
                if isinstance(last, BaseException):
                    raise last
            return last
        finally:
            self.stop()

    def stop(self) -> None:
        """Break the answer off, if it has not ended; what has come of it is kept in the journal."""
        self.unwanted = True
        with self._lock:
            if self._model is not None:
                self._model.close()
