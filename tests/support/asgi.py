"""One request to an ASGI application, byte for byte as it is given; what came back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message

LOCAL = (b"host", b"localhost:5002")


class Answered(NamedTuple):
    """A response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return dict(self.headers).get(name.encode(), b"").decode()


def ask(*request: Any, **named: Any) -> Answered:
    """`asked`, in an event loop of its own."""
    return asyncio.run(asked(*request, **named))


async def asked(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Sequence[tuple[bytes, bytes]] = (LOCAL,),
    body: Sequence[bytes] = (b"",),
    query: bytes = b"",
) -> Answered:
    """Send a request whose body comes in these pieces."""
    pieces = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    pieces[-1]["more_body"] = False
    sent: list[Message] = []

    async def receive() -> Message:
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": ""}
    scope |= {"method": method, "path": path, "raw_path": path.encode(), "query_string": query}
    scope |= {"headers": list(headers), "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 5002)}
    with suppress(Exception):  # Starlette raises a bug again once it has answered with a 500
        await app(scope, receive, send)
    assert sent, f"{method} {path} was not answered"
    start = next(m for m in sent if m["type"] == "http.response.start")
    data = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return Answered(start["status"], list(start["headers"]), data)
