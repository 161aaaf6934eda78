"""Asked to stop: the first SIGTERM or Ctrl-C is a request, the second ends the process at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def asked_to_stop(then: Callable[[], None], last: Callable[[], None] | None = None) -> Iterator[None]:
    """Within it, call this at the first request, and `last` at the second, before the process ends.

    Outside the main thread, which alone hears signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, heard_again if last else signal.SIG_DFL)
        then()

    def heard_again(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        if last:
            last()
        signal.raise_signal(number)

    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt() -> None:
    """What a command does that has no better way to stop: it is interrupted where it is."""
    raise KeyboardInterrupt
