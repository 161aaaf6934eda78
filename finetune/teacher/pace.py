"""When the service asks to wait, every worker waits, and not for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from retrieval.errors import GeneratorFailed

PATIENCE = 600.0
"""Longest, in seconds, that a run waits without a single reply in between."""
FIRST_WAIT = 1.0
"""Seconds, where the service does not say how long; doubled each time, up to LONGEST_WAIT."""
LONGEST_WAIT = 60.0


class Limited(Exception):
    """The service asks to wait: `seconds`, or None when it does not say how long. `fault` is for the user."""

    def __init__(self, seconds: float | None, fault: GeneratorFailed) -> None:
        super().__init__(fault.message)
        self.seconds = seconds
        self.fault = fault


class Pace:
    """Shared by the workers of one teacher."""

    def __init__(self, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._clock = patience, clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._since: float | None = None
        """When the first limit came after the last reply."""
        self._waits = 0

    def wait(self, stopped: threading.Event) -> None:
        """Return when a question may be asked, or when `stopped` is set."""
        while (left := self._until - self._clock()) > 0 and not stopped.wait(left):
            pass

    def limited(self, limit: Limited) -> None:
        """Let all workers wait. Raises the fault of the limit when that would be longer than there is patience for."""
        with self._lock:
            now = self._clock()
            self._since = now if self._since is None else self._since
            if self._until <= now:  # several workers hear of one limit
                self._waits += 1
            own = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._waits - 1, 10))
            until = now + (own if limit.seconds is None else limit.seconds)
            if until - self._since > self._patience:
                raise limit.fault
            self._until = max(self._until, until)

    def answered(self) -> None:
        """A reply came: the service works again."""
        with self._lock:
            self._since, self._waits = None, 0
