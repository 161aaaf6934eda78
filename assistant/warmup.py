"""What the first question needs, loaded behind the prompt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from assistant.terminal.markdown import warm_up
from assistant.workspace import log_traceback
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App


class WarmUp:
    """Loads the parts of an app in another thread. A failure is not told here: the first question meets it again."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._thread: threading.Thread | None = None

    def begin(self, done: Callable[[], None]) -> None:
        """Start loading; `done` is called at its end, from the other thread."""
        self._thread = threading.Thread(target=self._load, args=(done,), name="warm-up", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Wait for the end of it: no part may be made twice at once."""
        if self._thread is not None:
            if self.running:
                self._app.screen.waiting("loading …")
            self._thread.join()
            self._thread = None

    def _load(self, done: Callable[[], None]) -> None:
        try:
            self._app.settings  # noqa: B018  (what the bar shows)
            done()
            warm_up()
            self._app.answerer.warm()
        except UserError:
            pass
        except Exception:  # noqa: BLE001  (a bug in a thread: to the log, not across the prompt)
            log_traceback(self._app.home)
        finally:
            done()
