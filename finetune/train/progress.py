"""How a training tells what it does, and learns that it is to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Progress(Protocol):
    """Where a training reports to."""

    def stage(self, name: str) -> None:
        """What begins now."""

    def step(self, done: int, total: int, **figures: float) -> None:
        """Steps done of all, with loss, learning rate and others where they are known."""

    def note(self, text: str) -> None:
        """A remark for whoever watches."""

    def stopped(self) -> bool:
        """Whether to save a checkpoint and end; asked after each step."""
        ...


class Silent:
    """Nobody watches."""

    def stage(self, name: str) -> None: ...

    def step(self, done: int, total: int, **figures: float) -> None: ...

    def note(self, text: str) -> None: ...

    def stopped(self) -> bool:
        return False


class Stop:
    """Whether to end: the watcher says so, or the process was asked to terminate."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._signalled = False

    def __call__(self) -> bool:
        return self._signalled or self._progress.stopped()

    @contextmanager
    def on_signal(self) -> Iterator[None]:
        """Take SIGTERM for a wish to stop where nobody listens to it yet; in the main thread, which alone can."""
        heard = signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        if heard or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._heard)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _heard(self, number: int, frame: Any) -> None:
        self._signalled = True
