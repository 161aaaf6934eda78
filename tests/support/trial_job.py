"""A command to run as a job, in its several ways to behave; as a script, the process of such a job."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from unittest import mock

import typer

from assistant.command import COMMANDS, command
from assistant.commands.talk import Said
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.journal.jobs import Job
    from assistant.progress import TrainProgress

ENDS = 60.0
"""Seconds after which a job that nobody ends does so by itself."""


@dataclass(frozen=True)
class TrialResult(Said):
    """How it ended."""

    exit_code: int = 0


How = Literal["quick", "steps", "deaf", "hang", "faulty", "bug"]


def _trial(app: App, how: How, folder: Path, resume: bool = False, api_key: str = "") -> TrialResult:
    """Behave so; `folder` holds the files it makes and waits for."""
    from assistant.progress import TrainProgress

    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    (folder / "words.json").write_text(json.dumps([how, api_key]))
    app.jobs.tell(run="20260101-000000-abcd", resume=["trial", how, str(folder), "--resume"])
    if how == "faulty":  # what it began is gone again
        app.jobs.tell(run="", resume=[])
        raise BadInput("The dataset is empty.", "Make another one.")
    if how == "bug":
        raise ValueError("a bad thing")
    if how == "deaf":
        (folder / "started").touch()
        time.sleep(ENDS)
    with TrainProgress(app.screen) as progress:
        progress.stage("training")
        progress.note("begins")
        if how == "hang":
            _hang(folder, progress)
        for step in _steps(how, folder):
            progress.step(step, 1000, loss=2.0 / step)
            (folder / "started").touch()
            if progress.stopped():
                (folder / "saved").touch()
                return TrialResult("saved", 130)
    return TrialResult("resumed" if resume else "finished")


def _hang(folder: Path, progress: TrainProgress) -> None:
    """In one step for long, with a file `asked` once it was asked to stop."""
    (folder / "started").touch()
    end = time.monotonic() + ENDS
    while time.monotonic() < end:
        time.sleep(0.02)
        if progress.stopped():
            (folder / "asked").touch()


def _steps(how: How, folder: Path) -> Iterator[int]:
    """Until there is a file `go`."""
    yield 1
    step, end = 1, time.monotonic() + (ENDS if how == "steps" else 0)
    while time.monotonic() < end and not (folder / "go").exists():
        time.sleep(0.02)
        step += 1
        yield step


@contextmanager
def declared() -> Iterator[None]:
    """The commands `trial`, whose jobs wait for each other, and `aside`, whose jobs do not."""

    def trial(
        app: App,
        how: Annotated[How, typer.Argument()],
        folder: Annotated[Path, typer.Argument()],
        resume: Annotated[bool, typer.Option("--resume")] = False,
        api_key: Annotated[str, typer.Option("--api-key")] = "",
    ) -> TrialResult:
        """A training."""
        return _trial(app, how, folder, resume, api_key)

    def aside(
        app: App, how: Annotated[How, typer.Argument()], folder: Annotated[Path, typer.Argument()]
    ) -> TrialResult:
        """No training."""
        return _trial(app, how, folder)

    import assistant.commands  # noqa: F401

    before = list(COMMANDS)
    command(background=True, queue="training")(trial)
    command(background=True)(aside)
    try:
        with mock.patch("assistant.jobs.process.RUNNER", (sys.executable, str(Path(__file__)))):
            yield
    finally:
        COMMANDS[:] = before


def ended(app: App, number: int) -> Job:
    """The job, once it has ended."""
    return reached(app, number, "done", "failed", "cancelled", "killed")


def reached(app: App, number: int, *states: str) -> Job:
    """The job, once it is in one of these states."""
    end = time.monotonic() + 60
    while (job := app.jobs.job(number)).state not in states:
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return job


def appeared(path: Path) -> None:
    """Wait for a file."""
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.02)


if __name__ == "__main__":
    from assistant.jobs.runner import main

    with declared():
        sys.exit(main())
