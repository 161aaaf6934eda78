"""A sync's progress as one bar a stage."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from assistant.screen import Screen


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
