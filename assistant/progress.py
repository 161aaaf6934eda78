"""Progress of long work as one bar a stage: of a sync, of a training."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self

from assistant.jobs.stop import asked_to_stop
from assistant.sanitize import clean
from assistant.screen import Progress, Screen


class SyncProgress:
    """Follows the stages of a sync: reading, embedding, writing the index, checking it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._stage = ""
        self._done = 0
        self._total: int | None = None
        self._open: AbstractContextManager[Any] | None = None
        self._bar: Any = None

    def __enter__(self) -> SyncProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(kind, error, trace)

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if total == 0:
            return
        if stage != self._stage:
            self._close(None, None, None)
            self._stage, self._done, self._total = stage, 0, total
            self._open = self._screen.progress(total, stage)
            self._bar = self._open.__enter__()
        self._advance(done)
        if total is not None and done >= total:
            self._close(None, None, None)  # what is said next stands below it
            self._stage = ""

    def _advance(self, done: int) -> None:
        if done > self._done:
            self._bar.advance(done - self._done)
            self._done = done

    def _close(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            # A stage tells what it begins; one that was not broken off has come to its end.
            self._advance(0 if kind else self._total or 0)
            self._open.__exit__(kind, error, trace)
        self._open = None


class TrainProgress:
    """Follows a training, which asks between two steps whether to stop and saves what it has.

        with TrainProgress(app.screen) as progress:
            outcome = train(config, folders, progress)

    A second SIGTERM or Ctrl-C ends the process at once.
    """

    stopping = "Stopping: what was learnt is saved first. Asked again, it ends at once."
    kept = "what the last checkpoint holds is kept"

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._stage = ""
        self._bar: Progress | None = None
        self._open = ExitStack()
        self._listening = ExitStack()
        self._stopped = self._said = False
        self.resume = ""
        """The command that goes on with it, once there is a run."""

    def __enter__(self) -> Self:
        self._listening.enter_context(asked_to_stop(self._stop, self._end))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()
        self._open.close()

    def stage(self, name: str) -> None:
        """Something else is done now; it has a bar once it has a step."""
        self._open.close()
        self._stage, self._bar = name, None
        self._screen.waiting(f"{name} …")

    def step(self, done: int, total: int | None, **figures: float) -> None:
        """So much of the stage is done, of so much; of a training that goes on, what was done before counts too."""
        if self._bar is None:
            self._bar = self._open.enter_context(self._screen.progress(total, self._stage))
            self._bar.start_at(done)
        self._bar.total = total
        self._bar.advance(done - self._bar.done, **figures)

    def note(self, text: str) -> None:
        """Tell something beside the bar."""
        self._screen.note(text)

    def stopped(self) -> bool:
        """Whether to stop at the next step, and save."""
        if self._stopped and not self._said:  # not where the signal is heard, in the midst of a line perhaps
            self._said = True
            self._screen.note(self.stopping)
        return self._stopped

    def _stop(self) -> None:
        self._stopped = True

    def _end(self) -> None:
        kept = f"{self.kept}: {self.resume}" if self.resume else "nothing had begun"
        # Past the screen: the signal may have come in the midst of one of its lines.
        os.write(2, clean(f"\nEnded at once; {kept}\n").encode("utf-8", "replace"))
