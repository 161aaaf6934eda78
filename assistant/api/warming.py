"""What the first question needs, loaded while the server already answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Literal

from assistant.api.access_log import LOGGER, say
from retrieval.errors import UserError

State = Literal["loading", "ready", "failed"]


class Warming:
    """Loads in a thread of its own; what could not be loaded is tried again when somebody asks how it stands."""

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._state: State = "loading"
        self._stopped = False

    def begin(self) -> None:
        """Load, unless that is going on, or the server ends."""
        with self._lock:
            if self._stopped or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
            self._thread.start()

    def state(self) -> State:
        """How it stands; one that has failed begins again."""
        found = self._state
        if found == "failed":
            self.begin()
        return found

    def stop(self, seconds: float) -> None:
        """Begin no more, and wait for what goes on."""
        with self._lock:
            self._stopped = True
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._load()
        except UserError as error:
            if self._state != "failed":  # said once
                say("not ready", logging.WARNING, reason=error.message, hint=error.hint)
            self._state = "failed"
        except Exception:  # noqa: BLE001  (a bug in a thread: to the log; the first question meets it again)
            LOGGER.exception("warming")
            self._state, self._stopped = "failed", True
        else:
            say("warm")
            self._state = "ready"
