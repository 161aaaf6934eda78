"""The process that is a job: `python -P -m assistant.jobs.runner --home H --lock FD NUMBER`.

It waits for its turn, runs the command in itself, and says in the journal how that ended.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.jobs.alive import identity
from assistant.jobs.events import EventLog
from assistant.jobs.stop import asked_to_stop, interrupt
from assistant.workspace import Home, log_traceback
from retrieval.errors import Busy, UserError

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.journal.jobs import Job, State

INTERRUPTED = 130
_TURN = 0.5
"""Seconds between two looks at who is ahead."""
_PATIENCE = 20
"""Times that a busy journal is tried again, each after half a minute: the end of a job is worth waiting for."""


@dataclass(frozen=True)
class End:
    """How a command ended."""

    state: State
    exit_code: int
    error: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job; its exit code is the command's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("number", type=int)
    args = parser.parse_args(argv)
    if os.fork():  # whoever waits for this process need not wait for the job
        os._exit(0)
    os.setsid()  # to lead a group, which ends with it
    os.set_inheritable(args.lock, False)  # only this process is the job
    from assistant.app import App  # not before: somebody waits at a prompt until there is a process
    from assistant.jobs.environment import WORDS

    words = json.loads(os.environ.pop(WORDS, "null"))

    app = App(Home(args.home, "job"), {})
    app.jobs.own = args.number
    with asked_to_stop(interrupt):
        return _job(app, args.number, words)


def _job(app: App, number: int, words: Sequence[str] | None) -> int:
    rows = app.jobs.rows
    # This waits for whoever began the job to keep its row; then there is one, or the start has failed.
    if not rows.change(number, ("queued",), pid=os.getpid(), identity=identity(os.getpid())):
        return 1
    job = rows.job(number)
    app.screen.events = EventLog(app.jobs.files(job).events)
    end = _run(app, job, words or job.words)
    for each in (signal.SIGTERM, signal.SIGINT):  # it is over: nothing is left to be stopped
        signal.signal(each, signal.SIG_IGN)
    app.screen.events.write("ended", state=end.state, exit_code=end.exit_code, text=end.error)
    _keep(app, number, end)
    return end.exit_code


def _run(app: App, job: Job, words: Sequence[str]) -> End:
    """The edge where a job's errors become its state."""
    try:
        _wait(app, job)
        code = _command(app, words)
        app.screen.flush()
    except KeyboardInterrupt:
        return End("cancelled", INTERRUPTED)
    except UserError as error:
        app.screen.error(error.message, error.hint)
        return End("failed", 1, f"{error.message} {error.hint}".strip())
    except Exception as error:  # noqa: BLE001  (the edge: a bug is logged with its traceback)
        return End("failed", 1, _bug(app, error))
    if code == INTERRUPTED:  # it was asked to stop, and has saved what it had
        return End("cancelled", code)
    return End("failed" if code else "done", code)


def _wait(app: App, job: Job) -> None:
    """Until no job of the queue is ahead; the order is that of their numbers."""
    while app.jobs.ahead(job):
        time.sleep(_TURN)
    if not app.jobs.rows.change(job.number, ("queued",), state="running", started=time.time()):
        raise KeyboardInterrupt  # it was cancelled meanwhile
    assert app.screen.events
    app.screen.events.write("started", text=job.line)


def _command(app: App, words: Sequence[str]) -> int:
    from assistant.command import parse_words
    from assistant.render import show

    call = parse_words(words)
    return show(call.run(app), app.screen, as_json=call.as_json) if call else 0


def _bug(app: App, error: Exception) -> str:
    app.screen.note(traceback.format_exc())
    what = f"a bug: {' '.join(f'{type(error).__name__}: {error}'.split())}"
    try:
        log_traceback(app.home)
    except (OSError, UserError):  # the log of the job has it too
        return what
    return f"{what}; the traceback is in {app.home.log}"


def _keep(app: App, number: int, end: End) -> None:
    """Write how it ended; where that is not possible, the event log says it to whoever looks."""
    for left in reversed(range(_PATIENCE)):
        try:
            app.jobs.rows.change(number, state=end.state, exit_code=end.exit_code, error=end.error, ended=time.time())
            return
        except Busy:
            if not left:
                raise


if __name__ == "__main__":
    sys.exit(main())
