"""HTTP/1.1 as this server speaks it: uvicorn's, for clients that neither dawdle nor send heads without end.

For `uvicorn.Config(http=Patient)`. h11, which is always there, holds a head to 64 kB; httptools, which uvicorn takes where
it is installed, holds it to nothing. Neither minds how long a head takes to come.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""Longest that the head of a request may take to come, from the first byte (of a new connection: from its beginning)."""


class Patient(H11Protocol):
    """Ends a connection whose request does not come to the end of its head (as Slowloris does with many)."""

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._slow = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waits = self.conn.their_state is h11.IDLE
        if not waits:
            self._arrived()
        elif self._slow is None:
            self._slow = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def _arrived(self) -> None:
        """Wait for no head any more."""
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None
