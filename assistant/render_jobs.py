"""How jobs are shown to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.commands.jobs import JobDetail, JobsResult, LogLine
from assistant.journal.transcript import when
from assistant.render import render
from assistant.screen import SHOWN, Screen, Text, bold, duration

if TYPE_CHECKING:
    from assistant.jobs.view import JobView

_WIDTH = 10
"""Characters of a bar."""


@render.register
def _(result: JobsResult, screen: Screen) -> None:
    if not result.jobs:
        screen.note("No jobs.")
        return
    head = ("", "command", "state", "progress", "begun", "took", "left")
    screen.table(head, [_row(job) for job in result.jobs])
    for job in result.jobs:
        if job.error:
            screen.remark(f"{job.number}: {job.error}")
    if result.earlier:
        screen.note(f"{result.earlier} earlier; --limit shows more.")


@render.register
def _(result: JobDetail, screen: Screen) -> None:
    job = result.job
    rows: list[tuple[Text, str]] = [
        (bold("command"), f"dyag {' '.join(result.words)}"),
        (bold("state"), screen.as_typed(job.ending)),
        (bold("progress"), _progress(job)),
        (bold("said last"), screen.as_typed(job.note)),
        (bold("begun"), when(job.created) + (f" by {job.author}" if job.author else "")),
        (bold("took"), duration(job.seconds) if job.started else ""),
        (bold("run"), job.run),
        (bold("in"), str(result.folder)),
        (bold("log"), str(result.log)),
        (
            bold("again"),
            screen.as_typed(f"dyag jobs resume {job.number}") if job.state in ("killed", "cancelled", "failed") else "",
        ),
    ]
    screen.hanging([(name, text) for name, text in rows if text])
    if result.result:
        screen.out()
        screen.laid_out(result.result)


@render.register
def _(result: LogLine, screen: Screen) -> None:
    screen.laid_out(f"{result.text}\n")


def bar(job: JobView) -> str:
    """`[####......] 42%`, or nothing where nothing is counted."""
    if job.share is None:
        return ""
    full = int(job.share * _WIDTH)
    return f"[{'#' * full}{'.' * (_WIDTH - full)}] {job.percent}"


def _row(job: JobView) -> tuple[Text, ...]:
    progress = bar(job) if job.state in ("running", "killed", "cancelled") else ""
    if job.state == "running" and job.share is None:
        progress = job.stage or "starting"
    elif job.state == "running":
        progress = f"{progress} {job.done}/{job.total}"
    took = duration(job.seconds) if job.started else ""
    return (
        bold(str(job.number)),
        job.line,
        "stopping" if job.stopping else job.state,
        progress,
        when(job.created),
        took,
        _left(job),
    )


def _progress(job: JobView) -> str:
    """`Training, [####......] 42%, 84/200, loss 1.31, 2 min 05 s left`; nothing of a job that has come to its end."""
    if job.state == "done":
        return ""
    count = f"{job.done}/{job.total}" if job.total and job.done is not None else ""
    left = f"{_left(job)} left" if _left(job) else ""
    return ", ".join(filter(None, (job.stage, bar(job), count, *_figures(job), left)))


def _figures(job: JobView) -> list[str]:
    known = ((name.replace("_", " "), job.figures[name]) for name in SHOWN if name in job.figures)
    return [f"{name} {'nan' if value is None else f'{value:.4g}'}" for name, value in known]


def _left(job: JobView) -> str:
    return duration(job.left) if job.left is not None and job.state == "running" else ""
