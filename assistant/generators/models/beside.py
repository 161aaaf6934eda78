"""A question to a server asked in a thread of its own, so that nobody waits for it longer than they were told.

Looking up a host in a broken network takes half a minute, keeps to no timeout and feels no Ctrl-C.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from retrieval.errors import GeneratorFailed

T = TypeVar("T")
POLL = 0.1
"""Longest a wait goes without looking up: on Windows it does not feel Ctrl-C."""


def beside(ask: Callable[[], T], seconds: float, late: GeneratorFailed) -> T:
    """What `ask` returns. Raises what it raises, and `late` when it takes longer than `seconds`."""
    heard: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()
    threading.Thread(target=_told, args=(ask, heard), name="ask", daemon=True).start()
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            found = heard.get(timeout=min(POLL, left))
        except queue.Empty:
            continue
        if isinstance(found, BaseException):
            raise found
        return found[0]
    raise late


def _told(ask: Callable[[], T], heard: queue.SimpleQueue[tuple[T] | BaseException]) -> None:
    try:
        heard.put((ask(),))
    except BaseException as error:  # noqa: BLE001  (it is raised again in the thread that waits)
        heard.put(error)
