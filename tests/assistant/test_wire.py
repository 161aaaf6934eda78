"""The connections of one HTTP client."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from assistant.generators.models.wire import Wire


def test_threads_that_ask_at_once_share_one_client() -> None:
    wire, together, made = Wire(), threading.Barrier(4), list[object]()

    def make() -> object:
        time.sleep(0.05)  # long enough for the others to ask too
        made.append(object())
        return made[-1]

    def ask(_: int) -> object:
        together.wait(15)
        return wire.made(make)

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(ask, range(4)))
    assert len(made) == 1
    assert set(given) == {wire.client}
