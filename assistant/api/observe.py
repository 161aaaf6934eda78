"""What passed between a client and the server: one `Exchange` for each request, told when its response has ended.

The outermost layer: what the guard refuses is seen too. Neither a body nor a query string is looked at.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "x-request-id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

current_request: ContextVar[str] = ContextVar("current_request", default="")
"""The id of the request that is being answered; empty outside of one."""


@dataclass
class Exchange:
    """One request and its response."""

    id: str
    method: str
    """OTHER for what is no method that a route can have."""
    path: str
    client: str
    """IP address; empty where the server does not know."""
    start: float = field(default_factory=time.perf_counter)
    route: str = "unmatched"
    """The path as it was declared, such as `/api/sources/{id}`: there are few of them."""
    status: int = 0
    bytes: int = 0
    streamed: bool = False
    """Whether it is an event stream."""
    whole: bool = False
    """Whether all of the response was handed over; a client may go away before."""
    error: str = ""
    """The type of what no route has handled."""
    first: float | None = None
    """Seconds until the first bytes of the body."""
    seconds: float = 0.0


What = Literal["started", "streams", "ended"]
"""A request has come, its response turns out to be an event stream, all is over."""
Tell = Callable[[What, Exchange], None]


class Observed:
    """ASGI middleware that tells of every exchange."""

    def __init__(self, app: ASGIApp, tell: Sequence[Tell]) -> None:
        self._app, self._told = app, tell

    def _tell(self, what: What, seen: Exchange) -> None:
        for tell in self._told:
            tell(what, seen)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _exchange(scope)
        token = current_request.set(seen.id)
        self._tell("started", seen)
        try:
            await self._app(scope, receive, self._watching(seen, send))
        except Exception as error:
            seen.status, seen.error = seen.status or 500, type(error).__name__
            raise
        finally:
            seen.seconds = time.perf_counter() - seen.start
            seen.route = getattr(scope.get("route"), "path", seen.route)
            self._tell("ended", seen)
            current_request.reset(token)

    def _watching(self, seen: Exchange, send: Send) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = seen.id
                if headers.get("content-type", "").startswith("text/event-stream"):
                    seen.streamed = True
                    self._tell("streams", seen)
            elif message["type"] == "http.response.body":
                body = message.get("body", b"")
                if body and seen.first is None:
                    seen.first = time.perf_counter() - seen.start
                seen.bytes += len(body)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                seen.whole = True

        return watched


def _exchange(scope: Scope) -> Exchange:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    name = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    return Exchange(name, method, scope["path"], (scope.get("client") or ("",))[0])
