"""The parent's end of a parsing process: start it, talk to it, kill it when it is late, say why it died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from retrieval.load import frames
from retrieval.load.values import MB, Limits

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0


class Died(Exception):
    """The process is gone or cannot be trusted any more; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Child:
    """One parsing process. Not thread-safe: one file at a time."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        self._late = False
        self._deadline: float | None = None
        self._over = threading.Event()
        # Its own session: Ctrl-C in the terminal goes to us alone, and we decide when the child ends.
        self._process = subprocess.Popen(
            [*command, json.dumps(asdict(limits))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 16,
            start_new_session=True, env=_environment(),
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, cast(BinaryIO, self._process.stdout)
        # A thread, because waiting on a pipe with a timeout is not portable to Windows.
        self._watchdog = threading.Thread(target=self._watch, daemon=True, name="parser watchdog")
        self._watchdog.start()
        self._greet()

    def _greet(self) -> None:
        """Wait until it has started; a child that cannot start is a bug here, not a bad document."""
        try:
            self.read(_START_SECONDS)
        except Died as error:
            self.close()
            raise RuntimeError(f"the document parser does not start: {error.reason}") from error

    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: dict[str, Any]) -> None:
        """Send a request."""
        try:
            self._requests.write(frames.encode(message))
            self._requests.flush()
        except OSError as error:
            raise Died(self._cause()) from error

    def read(self, seconds: float | None = None) -> dict[str, Any]:
        """The next message; Died when none comes in time or what comes is no message."""
        # Only while we wait: a caller that is slow to take documents must not cost the child its life.
        self._deadline = time.monotonic() + (self._limits.seconds if seconds is None else seconds)
        try:
            message = frames.read(self._replies, self._limits.frame_bytes)
        except frames.FrameTooLarge as error:
            raise Died(f"holds more than {self._limits.frame_bytes // MB} MB of text in one piece") from error
        except frames.BadFrame as error:
            raise Died(self._cause() if self._ends() else "the parser sent something unreadable") from error
        finally:
            self._deadline = None
        if message is None:
            raise Died(self._cause())
        return message

    def close(self) -> None:
        """End the process at once and release its pipes."""
        self._over.set()
        self._process.kill()
        self._process.wait()
        self._watchdog.join()
        for pipe in (self._requests, self._replies):
            try:
                pipe.close()
            except OSError:  # an unsent request: nobody is left to read it
                pass

    def _watch(self) -> None:
        tick = min(0.5, self._limits.seconds / 10)
        while not self._over.wait(tick):
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._late = True
                self._process.kill()
                return

    def _ends(self) -> bool:
        """Whether the process is ending by itself (it is given a second to)."""
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _cause(self) -> str:
        if self._late:
            return f"took longer than {self._limits.seconds:g} s"
        if not self._ends():
            return "the parser closed its output"
        code = self._process.returncode
        if code >= 0:
            return f"the parser stopped (exit code {code})"
        if -code == getattr(signal, "SIGKILL", 9):
            return "the parser was killed (signal 9): is this machine out of memory?"
        return f"the parser crashed (signal {-code})"


def _environment() -> dict[str, str]:
    """Ours, with the way to our packages (`-P` hides the working directory) and few threads and arenas: both
    reserve address space, which is limited."""
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [str(_ROOT), *filter(os.path.isabs, inherited)]  # a relative one is the working directory again
    few = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    return {**os.environ, **few, "PYTHONPATH": os.pathsep.join(path)}
