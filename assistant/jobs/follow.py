"""A job's progress, shown as it goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from assistant.command import slashed
from assistant.jobs.events import Event, read_events
from assistant.jobs.view import JobView, view

if TYPE_CHECKING:
    from assistant.app import App

_TICK = 0.5
"""Seconds between two looks."""
_LINE = 10.0
"""Seconds between two lines of progress where there is no terminal."""


def follow(app: App, number: int, *, as_json: bool) -> int:
    """Show a job until it ends, then how, and what it printed; returns its exit code. Raises NotFound.

    Ctrl-C ends the showing, and not the job.
    """
    try:
        return _events(app, number) if as_json else _bar(app, number)
    except KeyboardInterrupt:
        note = f"Job {number} goes on; `dyag jobs cancel {number}` stops it."
        app.screen.note(slashed(note) if app.conversation.numbered else note)
        return 0


def _events(app: App, number: int) -> int:
    """Its event log, one JSON object an event."""
    from assistant.render import plain

    offset = 0
    while True:
        job = app.jobs.job(number)
        events, offset = read_events(app.jobs.files(job).events, offset)
        for event in events:
            app.screen.json(plain(event))
        app.screen.flush()
        if job.over:
            return _code(view(job, app.jobs.files(job)))
        time.sleep(_TICK)


def _bar(app: App, number: int) -> int:
    offset, said = 0, float("-inf")
    while True:
        job = app.jobs.job(number)
        files = app.jobs.files(job)
        events, offset = read_events(files.events, offset)
        _notes(app, events)
        shown = view(job, files)
        if job.over:
            app.screen.note(f"Job {number} ({job.line}): {shown.ending}")
            app.screen.laid_out(files.result)
            return _code(shown)
        if app.screen.redraws:
            app.screen.draw_bar(f"job {number}: {shown.summary}")
        elif time.monotonic() - said >= _LINE:
            said = time.monotonic()
            app.screen.note(f"job {number}: {shown.summary}")
        time.sleep(_TICK)


def _notes(app: App, events: list[Event]) -> None:
    for event in events:
        if event.event == "note":
            app.screen.note(event.text)


def _code(job: JobView) -> int:
    """That of the command; 1 for a job that was killed."""
    return 1 if job.exit_code is None else job.exit_code
