"""The process of a job, as whoever begins it sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.jobs.environment import WORDS, environment
from assistant.jobs.files import JobFiles

RUNNER = (sys.executable, "-P", "-m", "assistant.jobs.runner")


@dataclass
class Process:
    """Detached: it outlives the process that starts it."""

    home: Path
    folder: Path
    """Its current folder."""
    words: Sequence[str]
    shown: Sequence[str]
    """The words as the journal keeps them."""
    queue: str
    settings: Mapping[str, str]

    def start(self, files: JobFiles, lock: int) -> None:
        """Start it. It inherits the lock, so that there is no moment at which nobody holds it. Raises OSError."""
        try:
            out, log = files.create()
            try:
                self._spawn([*RUNNER, "--home", str(self.home), "--lock", str(lock), str(files.number)], out, log, lock)
            finally:
                os.close(out)
                os.close(log)
        finally:
            os.close(lock)

    def _spawn(self, argv: list[str], out: int, log: int, lock: int) -> None:
        environ = {**environment(self.queue, self.words, self.settings, os.environ), "PYTHONIOENCODING": "utf-8"}
        if tuple(self.words) != tuple(self.shown):
            environ[WORDS] = json.dumps(list(self.words))
        # It splits off a process of its own and ends: nobody's child is left behind when whoever begins it goes on.
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            env=environ,
            cwd=self.folder,
            start_new_session=True,  # Ctrl-C in the terminal is not for it
            pass_fds=(lock,),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the process of a job does not start: {done.returncode}")
