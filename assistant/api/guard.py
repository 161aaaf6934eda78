"""What every request passes before anything else sees it: where it comes from, who sends it, how large it is.

It is outside the router, so that it also holds for paths that do not exist, for WebSockets, and for whatever is added
later. What is refused is answered here and reaches nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api import tokens
from assistant.api.browser import Headers, host_fault, is_loopback, origin_fault
from assistant.api.errors import body as error_body
from assistant.api.options import Options

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32_000
"""Of all header names and values together."""
MOST_TARGET = 8_000
"""Bytes of path and query."""
BODY_SECONDS = 60.0
"""Longest the body of a request may take to come."""
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: int
    message: str
    hint: str = ""
    header: tuple[bytes, bytes] | None = None


class Guard:
    """Pure ASGI middleware, the outermost of those that can act on a request."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self.app, self.options = app, options
        self._open = not options.token and is_loopback(options.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await _refuse(scope, receive, send, refusal)
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self.app(scope, _Body(receive, self.options.max_body), _Guarded(send))

    def _refusal(self, scope: Scope) -> Refusal | None:
        """The first reason to refuse a request."""
        if refusal := _too_much(scope):
            return refusal
        headers: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for name, value in scope["headers"]:
            headers[name.lower()].append(value)
        if fault := host_fault(headers, self.options):
            return Refusal(421, fault, "Start it with --allow-host NAME to let it answer to a name.")
        if fault := origin_fault(headers, self.options):
            return Refusal(403, fault, "Use a page of this server, or a program that is no browser.")
        return self._unknown(scope["path"], headers) or self._too_long(headers)

    def _unknown(self, path: str, headers: Headers) -> Refusal | None:
        """Who may not use a path."""
        wanted = tokens.scope_of(path)
        if self._open or wanted == "public":
            return None
        token = tokens.bearer(headers.get(b"authorization", ()))
        scopes = tokens.scopes(token, self.options)
        if wanted in scopes:
            return None
        if scopes != {"public"}:
            challenge = (b"www-authenticate", b'Bearer realm="dyag", error="insufficient_scope", scope="admin"')
            return Refusal(
                403, "This token admits to asking and rating only.", "Send the administrator's token.", challenge
            )
        challenge = (b"www-authenticate", b'Bearer realm="dyag"' + (b', error="invalid_token"' if token else b""))
        message = "The token is not right." if token else "A token is needed."
        return Refusal(401, message, "Send it as `Authorization: Bearer TOKEN`.", challenge)

    def _too_long(self, headers: Headers) -> Refusal | None:
        """A body that says itself that it is too large, or says two lengths; others are counted as they come."""
        said = headers.get(b"content-length", ())
        if said and b"transfer-encoding" in headers:  # a proxy in front may have believed the other
            return Refusal(400, "The request says two lengths.", "Send a Content-Length or chunks.")
        if not all(value.isdigit() and value.isascii() for value in said) or len(set(said)) > 1:
            return Refusal(400, "The Content-Length is no number.")
        if any(len(value) > 18 or int(value) > self.options.max_body for value in said):
            return Refusal(413, *_too_large(self.options.max_body))
        return None


class _Body:
    """`receive` that counts a request's body, and waits for it no longer than BODY_SECONDS in all."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left, self._most, self._over = receive, most, most, False
        self._until: float | None = None

    async def __call__(self) -> Message:
        if self._over:  # what comes now is that the client went away, whenever that is
            return await self._receive()
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "The body took too long to come.", {"connection": "close"}) from None
        self._left -= len(message.get("body", b""))
        self._over = not message.get("more_body", False)
        if self._left < 0:
            raise HTTPException(413, " ".join(_too_large(self._most)), {"connection": "close"})
        return message


class _Guarded:
    """`send` that adds to every response what keeps other sites' pages from reading, framing or guessing it."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", ())}
            added = [(name, value) for name, value in _ALWAYS if name not in there]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)


def _too_much(scope: Scope) -> Refusal | None:
    """A head of a request that is larger than any client's."""
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES:
        return Refusal(431, "The request has too many headers, or too long ones.")
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_TARGET:
        return Refusal(414, "The address of the request is too long.")
    return None


def _too_large(most: int) -> tuple[str, str]:
    return "The body is too large.", f"At most {most:,} bytes are taken."


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer with the refusal, without reading the body: the connection ends with it."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    data = json.dumps(error_body(scope["path"], refusal.status, refusal.message, refusal.hint)).encode()
    length = str(len(data)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length), (b"connection", b"close"), *_ALWAYS]
    headers += [refusal.header] if refusal.header else []
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
