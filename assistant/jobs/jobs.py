"""Jobs of a workspace: begin one, see how it stands, stop it, take it up again."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.command import commands, split_name
from assistant.jobs.alive import held, hold, is_same
from assistant.jobs.environment import HIDDEN, public_settings, public_words
from assistant.jobs.events import latest
from assistant.jobs.files import JobFiles
from assistant.jobs.process import Process
from assistant.journal.jobs import OPEN, Also, Job, JobRows
from assistant.journal.store import Journal
from retrieval.errors import BadInput, Busy, NotFound, UserError
from retrieval.files import disk_errors, private_folder

if TYPE_CHECKING:
    from assistant.app import App

WAITING = 5
"""Jobs that may wait in one queue."""
KEPT, KEPT_SECONDS = 200, 90 * 86400.0
"""Jobs that are kept, and how long."""
_GLANCE = 0.2
"""Seconds that a prompt waits for a journal which is being written."""


class QueueFull(Busy):
    """As many jobs wait in a queue as may."""


class Jobs:
    """The jobs of a workspace, whichever chat began them. Every method raises what the journal's do."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._chat_lock: int | None = None
        self.own: int | None = None
        """The job that this process is."""

    @cached_property
    def rows(self) -> JobRows:
        return JobRows(self._app.journal)

    @cached_property
    def _glanced(self) -> JobRows:
        """The same for the prompt, which nobody may wait for."""
        return JobRows(Journal(self._app.home.journal, patience=_GLANCE))

    @property
    def folder(self) -> Path:
        return self._app.home.data / "jobs"

    def files(self, job: Job) -> JobFiles:
        return JobFiles(self.folder, job.number)

    # begin -----------------------------------------------------------------------------------------------------------

    def start(self, line: str, words: Sequence[str], also: Also | None = None) -> Job:
        """Run `dyag WORDS` in a process of its own. Raises QueueFull, NoSpace, NoAccess.

        `also` writes in the transaction that keeps the job; when it raises, no job was begun.
        """
        return self._start(line, words, Path.cwd(), self._app.overrides, also)

    def resume(self, number: int, also: Also | None = None) -> Job:
        """Take up a job that was killed, was cancelled or failed, as a new one. Raises NotFound, BadInput."""
        job = self.job(number)
        if job.state not in ("killed", "cancelled", "failed"):
            raise BadInput(f"Job {number} is {job.state}: there is nothing to take up.", "`dyag jobs` lists them all.")
        if (other := self._taken_up(job)) is not None:
            message = f"Job {other.number} has taken up job {number} already: it is {other.state}."
            raise BadInput(message, f"`dyag jobs show {other.number}` tells more.")
        if any(HIDDEN in word for word in job.resume):
            message = f"The command line of job {number} held a password, which is not kept."
            raise BadInput(message, f"Begin it anew: {' '.join(job.resume)}")
        if not Path(job.folder).is_dir():
            raise NotFound(f"The folder {job.folder}, where job {number} was begun, is gone.", "Begin it anew.")
        line = job.line if job.resume == job.words else " ".join(job.resume)
        return self._start(line, job.resume, Path(job.folder), {**job.settings, **self._app.overrides}, also)

    def _taken_up(self, job: Job) -> Job | None:
        """The job that goes on with what this one left, or has ended it."""
        later = [other for other in self.all() if other.number > job.number]
        same = [o for o in later if o.words == job.resume or (job.run and o.run == job.run)]
        return next((other for other in same if other.state in ("queued", "running", "done")), None)

    def tell(self, *, run: str | None = None, resume: Sequence[str] | None = None) -> None:
        """What a command finds out about its own job: the model run it makes, the words that take it up again.

        Empty words are its own. Nothing happens where the command is no job.
        """
        if self.own is None:
            return
        told: dict[str, Any] = {} if run is None else {"run": run}
        told |= {} if resume is None else {"resume": public_words(resume) or self.job(self.own).words}
        if told:
            self.rows.change(self.own, **told)

    def _start(
        self, line: str, words: Sequence[str], folder: Path, settings: Mapping[str, str], also: Also | None
    ) -> Job:
        found = commands()[split_name(words, commands())[0]]
        shown, queue = public_words(words), found.queue_of(words)
        self.check_queue(queue)
        private_folder(self.folder)
        job = Job(
            number=0,
            words=shown,
            line=line if shown == tuple(words) else " ".join(shown),
            folder=str(folder),
            settings=public_settings(settings),
            queue=queue,
            state="queued",
            created=time.time(),
            resume=shown,  # until the command tells what takes up what it has begun
            author=self._app.conversation.author,
            chat=self._chat(),
        )
        self._tidy()
        process = Process(self._app.home.path, folder, words, shown, queue, settings)
        return self.job(self._begin(job, process, also))

    def _begin(self, job: Job, process: Process, also: Also | None) -> int:
        """Keep its row and start its process, or neither; returns its number."""
        with disk_errors(self.folder), self.rows.adding(job, also) as numbers:
            for number in numbers:
                files = JobFiles(self.folder, number)
                # One that is held is of a job that still runs, in a journal that was moved away.
                if (lock := hold(files.lock)) is not None:
                    process.start(files, lock)
                    break
        return number

    def ahead(self, job: Job) -> list[Job]:
        """Those of its queue that come before it."""
        return [other for other in self.open() if job.queue and other.queue == job.queue and other.number < job.number]

    def check_queue(self, queue: str) -> None:
        """Raises QueueFull when no other job may join this queue."""
        ahead = [job for job in self.open() if queue and job.queue == queue]
        if len(ahead) > WAITING:
            message = f"Job {ahead[0].number} runs, and {len(ahead) - 1} more wait for their turn; no other was begun."
            raise QueueFull(message, f"Wait, or take one out: dyag jobs cancel {ahead[-1].number}")

    def _chat(self) -> str:
        """Names the file that this process holds as long as it lives: it tells of the jobs that it began."""
        name = f"chat-{os.getpid()}-{id(self)}.lock"
        if self._chat_lock is None:
            with disk_errors(self.folder):
                self._chat_lock = hold(self.folder / name)
        return name

    def close(self) -> None:
        """The chat ends: its jobs go on, and another one tells of them."""
        if self._chat_lock is not None:
            os.close(self._chat_lock)
            self._chat_lock = None

    # look ------------------------------------------------------------------------------------------------------------

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        return [self._seen(job, self.rows) for job in self.rows.all()]

    def open(self) -> list[Job]:
        """Those that wait or run, the oldest first."""
        return [job for job in (self._seen(job, self.rows) for job in self.rows.open()) if not job.over]

    def job(self, number: int) -> Job:
        """Raises NotFound."""
        return self._seen(self.rows.job(number), self.rows)

    def glance(self) -> tuple[list[Job], list[Job]]:
        """For the prompt: those that wait or run, and those that have ended and are this chat's to tell of."""
        found = [self._seen(job, self._glanced) for job in self._glanced.current()]
        return [job for job in found if not job.over], [job for job in found if job.over and self._is_ours(job)]

    def told(self) -> list[Job]:
        """Those that have ended and are this chat's to tell of, which are then told."""
        return [job for job in self.glance()[1] if self._glanced.tell(job.number)]

    def _is_ours(self, job: Job) -> bool:
        """Whether this chat began it, or the one that did has ended."""
        return (self._chat_lock is not None and job.chat == self._chat()) or not held(self.folder / job.chat)

    def _seen(self, job: Job, rows: JobRows) -> Job:
        """The job as it is: one whose process is gone did not get to say so."""
        if job.over or self._lives(job):
            return job
        events = latest(self.files(job).events)
        end: dict[str, Any] = {"state": "cancelled" if job.stopping else "killed", "ended": time.time()}
        if (said := events.get("ended")) and said.state:  # it was killed before it could change its row
            end = {"state": said.state, "ended": said.time, "exit_code": said.exit_code, "error": said.text}
        elif events:
            end["ended"] = max(event.time for event in events.values())
        # Who may only read sees it all the same.
        with suppress(UserError):
            rows.change(job.number, OPEN, **end)
            return rows.find(job.number) or job
        return dataclasses.replace(job, **end)

    def _lives(self, job: Job) -> bool:
        locked = held(self.files(job).lock)
        # Without its lock, when somebody has cleared the folder, its process is known by when it began.
        return is_same(job.pid, job.identity) if locked is None else locked

    # end -------------------------------------------------------------------------------------------------------------

    def cancel(self, number: int) -> Job:
        """Ask a job to stop; what it has done so far is kept. One that was asked before is ended. Raises NotFound.

        Returns the job as it was before.
        """
        job = next((job for job in self.open() if job.number == number), None)
        if job is None:
            raise NotFound(f"No job {number} is running.", "`dyag jobs` lists them.")
        if self.rows.change(number, ("queued",), state="cancelled", ended=time.time()):
            self._signal(job, signal.SIGTERM)
        elif self.rows.change(number, ("running",), stopping=True):
            self._signal(self.rows.job(number), signal.SIGKILL if job.stopping else signal.SIGTERM)
        return job

    def delete(self, number: int) -> Job:
        """Forget a job that has ended, with its files. Raises NotFound, BadInput."""
        job = self.job(number)
        if not job.over:
            raise BadInput(f"Job {number} is {job.state}.", f"Stop it first: dyag jobs cancel {number}")
        self._delete([job])
        return job

    def _signal(self, job: Job, number: signal.Signals) -> None:
        """To the process of a job that lives; its helpers end with it."""
        # A number alone may be another process's by now.
        if job.pid and self._lives(job) and (not job.identity or is_same(job.pid, job.identity)):
            with suppress(ProcessLookupError):
                (os.killpg if number == signal.SIGKILL else os.kill)(job.pid, number)

    def _tidy(self) -> None:
        """Delete what nobody will look at any more."""
        jobs = self.rows.all()
        before = time.time() - KEPT_SECONDS
        old = [job for i, job in enumerate(jobs[::-1]) if job.over and (i >= KEPT or (job.ended or before) < before)]
        if old:
            self._delete(old)
        for path in self.folder.glob("chat-*.lock"):
            if held(path) is False and not any(job.chat == path.name for job in jobs if not job.told):
                path.unlink(missing_ok=True)

    def _delete(self, jobs: Sequence[Job]) -> None:
        self.rows.delete([job.number for job in jobs])
        with disk_errors(self.folder):
            for job in jobs:
                self.files(job).delete()
