"""The connections of one HTTP client, so that another thread can break off what it reads.

Closing a socket does not wake a thread that waits on it; shutting it down does. httpx tells of every connection it makes
through the `trace` extension of a request.

What comes is counted after it was unpacked: a server that never ends a line, or sends a few bytes that unpack to many,
would otherwise fill the memory within the time of one answer.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

CONNECT_SECONDS = 10.0
LARGEST = 32_000_000
"""Bytes of one response; an answer takes some 300 for each of its tokens."""
# Steps that a client whose wire was cut does not begin; it may still close what is open.
_BEGINNINGS = ("connect_tcp.started", "send_request_headers.started", "receive_response_headers.started")


@functools.cache
def trusted(library: Literal["httpx", "httpx2"]) -> ssl.SSLContext:
    """The library's certificate authorities, read once: that takes longer than all else in a client."""
    made: ssl.SSLContext = importlib.import_module(library).create_ssl_context()
    return made


class TooLarge(ValueError):
    """A response is longer than LARGEST."""


class Wire:
    """Knows the sockets of a client whose `event_hooks` are `wire.hooks`; works for httpx and httpx2."""

    def __init__(self) -> None:
        self.client: Any = None
        """The client, once there is one; it goes with its wire."""
        self.headers: Mapping[str, str] = {}
        """Of the latest response."""
        self.seconds: float | None = None
        """Longest wait for the next bytes; None leaves it to the client."""
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._cut = False
        self._readers = 0
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def made(self, make: Callable[[], Any]) -> Any:
        """The client, made by the first of the threads that ask: a second one would be left open."""
        with self._making:
            if self.client is None:
                self.client = make()
        return self.client

    @property
    def hooks(self) -> dict[str, list[Callable[[Any], None]]]:
        return {"request": [self._asking], "response": [self._heard]}

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Whatever uses the client does so within this: the last to leave closes it once it was cut."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
            self._close_unread()

    def cut(self) -> None:
        """End every read and write at once; the client is of no more use."""
        self._cut = True
        for open_socket in list(self._sockets):
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown, which drops its TLS state under the thread that reads.
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
        self._close_unread()

    def _close_unread(self) -> None:
        # Closed under a thread that is about to wait on it, a socket's number may already be another's: that thread
        # then waits for what comes there.
        with self._lock:
            unread = self._cut and not self._readers
        if unread and self.client is not None:
            self.client.close()

    def _asking(self, request: Any) -> None:
        request.extensions["trace"] = self._trace
        if self.seconds is not None:
            waits = dict.fromkeys(("read", "write", "pool"), self.seconds)
            request.extensions["timeout"] = {**waits, "connect": min(self.seconds, CONNECT_SECONDS)}

    def _heard(self, response: Any) -> None:
        self.headers = response.headers
        # Everything that reads a body reads it through this method.
        response.iter_bytes = functools.partial(_counted, response.iter_bytes)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets.add(info["return_value"].get_extra_info("socket"))
        if self._cut and event.endswith(_BEGINNINGS):
            raise ConnectionAbortedError("broken off")


def _counted(pieces: Callable[..., Iterator[bytes]], *given: Any, **named: Any) -> Iterator[bytes]:
    size = 0
    for piece in pieces(*given, **named):
        size += len(piece)
        if size > LARGEST:
            raise TooLarge(f"more than {LARGEST} bytes")
        yield piece
