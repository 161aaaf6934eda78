"""How much is done at once, and how much may wait for it."""

from __future__ import annotations

import asyncio
import math
import time

from starlette.exceptions import HTTPException

LONGEST_RETRY = 60
"""Seconds that Retry-After says at most."""


class Gate:
    """So many places, and so many that may wait for one, in order. Lives on one event loop."""

    def __init__(self, places: int, waiting: int) -> None:
        self._places, self._most = places, waiting
        self._free = asyncio.Semaphore(places)
        self.waiting = 0
        self.taken = 0
        self._seconds = 1.0
        """How long a place is held, lately."""

    async def enter(self) -> float:
        """Take a place, when there is one; returns when that was. Raises 429 when too many wait already."""
        if self._free.locked() and self.waiting >= self._most:
            raise HTTPException(429, "Too many questions at once. Try again later.", {"Retry-After": self._retry()})
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        self.taken += 1
        return time.monotonic()

    def leave(self, since: float) -> None:
        """Give the place back that was taken then."""
        self.taken -= 1
        self._seconds += 0.1 * (time.monotonic() - since - self._seconds)
        self._free.release()

    def _retry(self) -> str:
        """Seconds until about half of those who wait have had their turn."""
        seconds = self._seconds * (1 + self.waiting / 2) / self._places
        return str(max(1, min(LONGEST_RETRY, math.ceil(seconds))))
