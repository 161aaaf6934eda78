"""Jobs that do at once, or as long as they are told to, what a training does: without a process."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from runs import finished

from assistant.app import App
from assistant.jobs.events import EventLog
from assistant.jobs.files import JobFiles
from assistant.jobs.process import Process


@dataclass
class Trainings:
    """Every job begun while it is patched in; `go` lets those end that wait."""

    app: App
    waits: bool = False
    error: str = ""
    exit_code: int = 0
    result: Mapping[str, Any] = field(default_factory=lambda: {"state": "finished"})
    begun: list[tuple[str, ...]] = field(default_factory=list)
    environ: list[Mapping[str, str]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    locks: dict[int, int] = field(default_factory=dict)

    def start(self, process: Process, files: JobFiles, lock: int) -> None:
        """In the place of `Process.start`, in the transaction that keeps the job."""
        for handle in files.create():
            os.close(handle)
        self.begun.append(tuple(process.words))
        self.locks[files.number] = lock
        self.threads.append(threading.Thread(target=self._run, args=(files, tuple(process.words))))
        self.threads[-1].start()

    def kill(self, number: int) -> None:
        """As if the process of a job had been killed."""
        os.close(self.locks.pop(number))

    def _run(self, files: JobFiles, words: Sequence[str]) -> None:
        rows = self.app.jobs.rows
        if not rows.change(files.number, ("queued",), state="running", started=time.time()):
            return  # waits for the transaction; there is no such job when it failed
        log = EventLog(files.events)
        log.write("started", text=" ".join(words))
        log.write("stage", text="Training", total=4)
        log.write("progress", text="Training", done=1, total=4, left=3.0, figures={"loss": 2.5})
        files.log.write_text("Training begins.\n", encoding="utf-8")
        if self.waits:
            assert self.go.wait(60)
        if files.number in self.locks:
            self._end(files, words, log)
        log.close()

    def _end(self, files: JobFiles, words: Sequence[str], log: EventLog) -> None:
        failed = bool(self.error or self.exit_code)
        if words[0] == "train" and not failed:
            output = Path(words[words.index("--output") + 1])
            finished(self.app.home.models, f"20261104-153012-{files.number:04x}", output)
        files.out.write_text("" if self.error else json.dumps(self.result), encoding="utf-8")
        log.write("ended", state="failed" if failed else "done", exit_code=self.exit_code, text=self.error)
        end = {"state": "failed" if failed else "done", "error": self.error, "exit_code": self.exit_code}
        self.app.jobs.rows.change(files.number, ("running",), ended=time.time(), **end)
        os.close(self.locks.pop(files.number))

    def join(self) -> None:
        """Wait until all have ended."""
        self.go.set()
        for thread in self.threads:
            thread.join(60)


@contextmanager
def trainings(app: App) -> Iterator[Trainings]:
    """Every job of this app is such a one."""
    made = Trainings(app)
    with mock.patch.object(Process, "start", lambda process, files, lock: made.start(process, files, lock)):
        try:
            yield made
        finally:
            made.join()
            for lock in made.locks.values():
                os.close(lock)
