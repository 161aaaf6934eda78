"""`/jobs` and `/cancel`: long commands that run beside the chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import command
from assistant.commands.talk import Said
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App


@dataclass(frozen=True)
class JobRow:
    """One job of this chat."""

    number: int
    line: str
    state: str
    running: bool


@dataclass(frozen=True)
class JobsResult:
    """The jobs of this chat, in the order they were begun."""

    jobs: tuple[JobRow, ...]


@command(on_cli=False)
def jobs(app: App) -> JobsResult:
    """List the long commands that this chat has begun, such as /index, and how far they are."""
    return JobsResult(tuple(JobRow(job.number, job.line, job.state, job.running) for job in app.jobs.started))


@command(on_cli=False, examples=("/cancel", "/cancel 2"))
def cancel(
    app: App, job: Annotated[int | None, typer.Argument(help="Its number; default: the only one.")] = None
) -> Said:
    """Stop a job; what it has done so far is kept."""
    running = app.jobs.running
    if job is None and len(running) != 1:
        raise BadInput(f"{len(running) or 'No'} jobs are running.", "/cancel NUMBER; /jobs lists them.")
    stopped = app.jobs.cancel(running[0].number if job is None else job)
    return Said(f"Job {stopped.number} ({stopped.line}) is told to stop.")
