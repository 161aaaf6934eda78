"""A streamed answer as the events of OpenAI's protocol."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from assistant.api import errors
from assistant.api.answering import Answering, Finished, Heard
from assistant.workspace import Home, log_traceback
from retrieval.errors import UserError

HEARTBEAT = 10.0
"""Seconds of silence after which a comment says that the answer is still being made: proxies end silent connections."""
DONE = b"data: [DONE]\n\n"
BEAT = b": still working\n\n"


@dataclass(frozen=True)
class Ending:
    """What the last events say."""

    delta: dict[str, Any]
    """The citations."""
    finish: str
    """Why it ended."""
    about: dict[str, Any]
    usage: dict[str, Any] | None
    """None when the client did not ask for it."""


@dataclass(frozen=True)
class Chunks:
    """The events of one answer; all but their text is written once."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}

    def event(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        """An event with one choice."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse({**self.head, "choices": [choice], **more})

    def texts(self) -> Callable[[str], bytes]:
        """What makes the event of a piece of text."""
        before, after = self.event({"content": "\0"}).split(json.dumps("\0").encode())

        def made(text: str) -> bytes:
            return before + json.dumps(text).encode() + after

        return made

    def ending(self, end: Ending) -> bytes:
        """The last events."""
        last = self.event(end.delta, end.finish, dyag=end.about)
        if end.usage is not None:
            last += sse({**self.head, "choices": [], "usage": end.usage})
        return last + DONE


def sse(data: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def begun(answering: Answering) -> list[Heard]:
    """The first that comes of an answer; nothing after a while of silence. Raises what went wrong before any text."""
    heard = await _next(answering)
    if heard and isinstance(heard[0], BaseException):
        raise heard[0]
    return heard


async def events(
    answering: Answering, heard: list[Heard], chunks: Chunks, ending: Callable[[Finished], Ending], home: Home
) -> AsyncIterator[bytes]:
    """The body of the response, from what was heard first. When nobody reads it, the answer is broken off."""
    text = chunks.texts()
    out = chunks.event({"role": "assistant", "content": ""})
    try:
        while True:
            said = "".join(what for what in heard if isinstance(what, str))
            out += text(said) if said else b""
            last = heard[-1] if heard else None
            if isinstance(last, Finished):
                yield out + chunks.ending(ending(last))
                return
            if isinstance(last, BaseException):
                yield out + _failed(last, home)
                return
            yield out or BEAT
            out, heard = b"", await _next(answering)
    finally:
        answering.stop()


async def _next(answering: Answering) -> list[Heard]:
    """What comes next; nothing when there is silence for a while."""
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await answering.hear()
    except TimeoutError:
        return []


def _failed(error: BaseException, home: Home) -> bytes:
    """The event of an error in the middle of an answer, which OpenAI's client raises."""
    if isinstance(error, UserError):
        return sse(errors.body("/v1/", errors.status_of(error), error.message, error.hint))
    try:
        raise error
    except Exception:  # noqa: BLE001  (a bug: to the log, as for any other route)
        log_traceback(home)
    return sse(errors.body("/v1/", 500, "A bug: the traceback is in the server's log."))
