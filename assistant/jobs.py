"""Long commands of the chat, each in a process of its own: the conversation goes on, and they survive its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.screen import JOB
from assistant.settings import variable
from retrieval.errors import NotFound
from retrieval.files import disk_errors, private_folder

if TYPE_CHECKING:
    from assistant.app import App


@dataclass(frozen=True)
class Job:
    """A command that runs, or has run, beside the chat."""

    number: int
    line: str
    """As it was typed, without the slash."""
    process: subprocess.Popen[bytes]
    log: Path
    """What it says while it works; its result is beside it, as `.out`."""

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def state(self) -> str:
        """Its last message while it runs, then how it ended."""
        if self.running:
            return _last_line(self.log) or "begun"
        if self.process.returncode == -signal.SIGTERM:
            return "stopped"
        return "done" if not self.process.returncode else f"failed: {_error(self.log) or self.process.returncode}"

    @property
    def result(self) -> str:
        """What it printed."""
        return _text(self.log.with_suffix(".out"))


@dataclass
class Jobs:
    """The jobs of one chat."""

    app: App
    started: list[Job] = field(default_factory=list)
    _told: set[int] = field(default_factory=set)

    def start(self, line: str, words: Sequence[str]) -> Job:
        """Run `dyag WORDS` in a process of its own. Raises NoSpace, NoAccess."""
        folder = self.app.home.data / "jobs"
        private_folder(folder)
        number = len(self.started) + 1
        log = folder / f"{datetime.now():%Y%m%d_%H%M%S}_{os.getpid()}_{number}.log"
        argv = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(self.app.home.path), *words]
        # What was set in the chat goes by the environment: a command line is there for everybody to read.
        environ = {**os.environ, **{variable(name): value for name, value in self.app.overrides.items()}, JOB: "1"}
        with disk_errors(log), log.open("wb") as said, log.with_suffix(".out").open("wb") as printed:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=printed, stderr=said, env=environ, start_new_session=True
            )
        self.started.append(Job(number, line, process, log))
        return self.started[-1]

    @property
    def running(self) -> list[Job]:
        return [job for job in self.started if job.running]

    @property
    def untold(self) -> list[Job]:
        """Those that have ended since they were last told."""
        return [job for job in self.started if not job.running and job.number not in self._told]

    def told(self) -> list[Job]:
        """The same, which are then told."""
        found = self.untold
        self._told |= {job.number for job in found}
        return found

    def cancel(self, number: int) -> Job:
        """Ask a job to stop; what it has done so far is kept. Raises NotFound."""
        job = next((job for job in self.running if job.number == number), None)
        if job is None:
            raise NotFound(f"No job {number} is running.", "/jobs lists them.")
        job.process.terminate()
        return job


def _error(path: Path) -> str:
    """What a command that failed said last: its message and its hint."""
    lines = [line.split("\r")[-1].strip() for line in _text(path).split("\n")]
    start = max((i for i, line in enumerate(lines) if line.startswith("dyag: ")), default=len(lines))
    return " ".join(filter(None, lines[start:])).removeprefix("dyag: ")


def _last_line(path: Path) -> str:
    lines = _text(path).split("\n")
    return next((line.split("\r")[-1].strip() for line in reversed(lines) if line.strip()), "")


def _text(path: Path) -> str:
    """A job's file; nothing when somebody has cleared its folder: that is no reason to end the chat."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
