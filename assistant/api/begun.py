"""Jobs as clients know them: begun once for an idempotency key, and found by a name that outlives the server."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assistant.journal.api_jobs import ApiJob, ApiJobRows, Taken
from retrieval.errors import BadInput, NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.journal.jobs import Job

PREFIXES = {"finetune": "ft", "evaluate": "ev", "promote": "pr", "retrain": "rt"}
"""What the ids of each kind begin with."""
KINDS = {"train": "finetune", "finetune": "finetune", "eval": "evaluate", "promote": "promote", "retrain": "retrain"}
"""By the command, of jobs that were begun elsewhere."""
_CHAT = re.compile(r"job_([1-9]\d{0,8})")


class KeyReused(BadInput):
    """An idempotency key came with another request than the first time."""


@dataclass(frozen=True)
class Stamp:
    """When a job was asked for, and what tells it from others of the same second: what its id and folder are made of."""

    when: str
    tail: str

    @classmethod
    def now(cls) -> Stamp:
        return cls(f"{datetime.now(UTC):%Y%m%d_%H%M%S}", secrets.token_hex(3))

    def id(self, kind: str) -> str:
        """`ft_20261104_143012_a1b2c3`"""
        return f"{PREFIXES[kind]}_{self.when}_{self.tail}"


@dataclass(frozen=True)
class Ask:
    """What a client asks for."""

    kind: str
    words: tuple[str, ...]
    """The command line of the job."""
    told: Mapping[str, Any]
    """The request, as it is kept and told."""
    output: str = ""
    key: str | None = None
    digest: str = ""


def digest_of(kind: str, body: Mapping[str, Any]) -> str:
    """sha256 of what a client sent, whatever the order of its fields."""
    return hashlib.sha256(json.dumps([kind, dict(body)], sort_keys=True).encode()).hexdigest()


class ApiJobs:
    """The jobs of a workspace, begun over HTTP or not. Any number of threads may use it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.rows = ApiJobRows(app.journal)
        self._starting = threading.Lock()

    def known(self, key: str | None, digest: str) -> ApiJob | None:
        """The job that was begun with this key. Raises KeyReused when that was for something else."""
        found = self.rows.of_key(key) if key is not None else None
        return _same(found, digest) if found else None

    def begin(self, ask: Ask, stamp: Stamp) -> ApiJob:
        """Begin a job, or find that its key has begun one before. Raises QueueFull, KeyReused, NoSpace, NoAccess."""
        job = ApiJob(stamp.id(ask.kind), 0, ask.kind, ask.told, ask.output, ask.key, ask.digest)
        with self._starting:  # the queue is counted, then joined
            if known := self.known(ask.key, ask.digest):
                return known
            try:
                self.app.jobs.start(" ".join(ask.words), ask.words, self.rows.adding(job))
            except Taken as taken:  # by another process, meanwhile
                return _same(taken.job, ask.digest)
        return self.find(job.id)

    def resume(self, job_id: str) -> ApiJob:
        """Take up a job that was killed, was cancelled or failed; its id stays. Raises NotFound, BadInput, QueueFull."""
        job = self.find(job_id)
        with self._starting:
            begun = self.app.jobs.resume(job.number, self.rows.moving(job.id) if job.digest else None)
        return self.find(job_id) if job.digest else self.found([begun])[0]

    def find(self, job_id: str) -> ApiJob:
        """By its id; `job_12` is job 12 of the chat or a terminal. Raises NotFound."""
        if found := self.rows.find(job_id):
            return found
        if number := _CHAT.fullmatch(job_id):
            return self.found([self.app.jobs.job(int(number[1]))])[0]
        raise NotFound(f"There is no job {job_id[:60]}.", "GET /api/finetune/jobs lists them.")

    def found(self, jobs: Sequence[Job]) -> list[ApiJob]:
        """Each of these jobs as clients know it."""
        known = self.rows.of_numbers(job.number for job in jobs)
        return [known.get(job.number) or _elsewhere(job) for job in jobs]


def _same(job: ApiJob, digest: str) -> ApiJob:
    if job.digest != digest:
        message = f"This Idempotency-Key began {job.id}, which was asked for otherwise."
        raise KeyReused(message, "Send the same request, or another key.")
    return job


def _elsewhere(job: Job) -> ApiJob:
    """One that was begun in the chat or a terminal."""
    kind = KINDS.get(job.words[0], job.words[0]) if job.words else ""
    return ApiJob(f"job_{job.number}", job.number, kind, {"command": job.line}, created=job.created)
