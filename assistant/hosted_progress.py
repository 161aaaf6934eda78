"""Progress of a training at a service: it goes on there when the waiting is stopped."""

from __future__ import annotations

import time

from assistant.progress import TrainProgress
from assistant.screen import Screen


class HostedProgress(TrainProgress):
    """Follows a hosted training; asked to stop, it stops to wait."""

    stopping = "The waiting stops; the training goes on at the service."
    kept = "what was sent is kept"

    def __init__(self, screen: Screen, resume: str) -> None:
        super().__init__(screen)
        self.resume = resume

    def rest(self, seconds: float) -> None:
        """Wait between two attempts. Raises KeyboardInterrupt when asked to stop, here or before."""
        end = time.monotonic() + seconds
        while True:
            if self.stopped():
                raise KeyboardInterrupt
            if (left := end - time.monotonic()) <= 0:
                return
            time.sleep(min(left, 0.2))
