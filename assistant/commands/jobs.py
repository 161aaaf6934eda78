"""`dyag jobs …` and `/cancel`: long commands that run beside the chat, and outlive it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import GROUPS, Completes, command
from assistant.commands.talk import Said
from assistant.screen import shortened
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.jobs.view import JobView
    from assistant.journal.jobs import Job

GROUPS["jobs"] = "Long commands that run beside the chat, and outlive it."
JOB = Annotated[int, typer.Argument(help="Its number."), Completes("job")]
_TICK = 0.5
"""Seconds between two looks at a job that is followed."""


@dataclass(frozen=True)
class JobsResult:
    """Jobs, in the order they were begun."""

    jobs: tuple[JobView, ...]
    earlier: int = 0
    """Those that are not listed."""


@dataclass(frozen=True)
class JobDetail:
    """One job with all that is kept of it."""

    job: JobView
    words: tuple[str, ...]
    """Its command line; passwords are replaced."""
    folder: Path
    """Where it was begun."""
    resume: tuple[str, ...]
    """The command line that takes it up again."""
    log: Path
    result: str
    """What it printed."""


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log."""

    text: str


@dataclass(frozen=True)
class JobSaid(Said):
    """What was done to a job."""

    job: JobView


@command("jobs list", aliases=("jobs",), examples=("dyag jobs", "dyag jobs list --json"))
def jobs(
    app: App, limit: Annotated[int, typer.Option("--limit", min=1, help="At most the last so many.")] = 20
) -> JobsResult:
    """List long commands that were begun in a chat, such as /index and /train, and how far they are.

    A job runs in a process of its own and goes on when the chat ends. One training runs at a time; five more may wait. The
    last 200 jobs are kept, for 90 days.
    """
    found = app.jobs.all()
    return JobsResult(tuple(_view(app, job) for job in found[-limit:]), max(0, len(found) - limit))


@command("jobs show", examples=("dyag jobs show 3", "dyag jobs show 3 --json"))
def show(app: App, job: JOB) -> JobDetail:
    """Show a job: its command line, how far it is or how it ended, its result."""
    found = app.jobs.job(job)
    files = app.jobs.files(found)
    return JobDetail(_view(app, found), found.words, Path(found.folder), found.resume, files.log, files.result)


@command("jobs logs", examples=("dyag jobs logs 3", "dyag jobs logs 3 --follow"))
def logs(
    app: App,
    job: JOB,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it ends, or Ctrl-C.")] = False,
) -> Iterator[LogLine]:
    """Print what a job has said: its messages and errors, not its result."""
    from assistant.jobs.files import lines_from

    found, offset = app.jobs.job(job), 0
    while True:
        over = found.over  # before the log is read: what came last is read too
        lines, offset = lines_from(app.jobs.files(found).log, offset, whole=not over)
        yield from map(LogLine, lines)
        if over or not follow:
            return
        time.sleep(_TICK)
        found = app.jobs.job(job)


@command("jobs cancel", examples=("dyag jobs cancel 3",))
def cancel_job(app: App, job: JOB) -> JobSaid:
    """Stop a job: a training saves a checkpoint first, one that waits is taken out. A second time: end it at once."""
    return _cancelled(app, job)


@command("jobs attach", examples=("dyag jobs attach 3",))
def attach(app: App, job: JOB, as_json: bool = False) -> int:
    """Follow a job's progress until it ends. Ctrl-C only looks away: the job goes on."""
    from assistant.jobs.follow import follow

    return follow(app, job, as_json=as_json)


@command("jobs resume", examples=("dyag jobs resume 3",))
def resume(app: App, job: JOB) -> JobSaid:
    """Take up a job that was killed, was cancelled or failed, as a new one; a training from its last checkpoint."""
    begun = app.jobs.resume(job)
    said = f"Job {begun.number} takes up job {job}; `dyag jobs attach {begun.number}` follows it."
    return JobSaid(said, _view(app, begun))


@command("jobs delete", examples=("dyag jobs delete 3",))
def delete(app: App, job: JOB) -> Said:
    """Forget a job that has ended, with its log and its result; what it made stays."""
    gone = app.jobs.delete(job)
    return Said(f"Job {gone.number} ({gone.line}) is forgotten.")


@command(on_cli=False, examples=("/cancel", "/cancel 2"))
def cancel(
    app: App,
    job: Annotated[int | None, typer.Argument(help="Its number; default: the only one."), Completes("job")] = None,
) -> JobSaid:
    """Stop a job; what it has done so far is kept."""
    if job is None:
        running = app.jobs.open()
        if len(running) != 1:
            raise BadInput(f"{len(running) or 'No'} jobs run or wait.", "/cancel NUMBER; /jobs lists them.")
        job = running[0].number
    return _cancelled(app, job)


def _cancelled(app: App, number: int) -> JobSaid:
    before = app.jobs.cancel(number)
    return JobSaid(_told(before), _view(app, app.jobs.job(number)))


def _told(job: Job) -> str:
    """What was done to a job that stood so."""
    name = f"Job {job.number} ({shortened(job.line)})"
    if job.state == "queued":
        return f"{name} waited and is cancelled."
    if job.stopping:
        return f"{name} was told to stop before, and is ended at once."
    saves = "; it saves a checkpoint first, and once more ends it at once" if job.queue == "training" else ""
    return f"{name} is told to stop{saves}."


def _view(app: App, job: Job) -> JobView:
    from assistant.jobs.view import view

    return view(job, app.jobs.files(job))
