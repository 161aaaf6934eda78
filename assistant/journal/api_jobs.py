"""Jobs that were begun over HTTP: the name a client knows each by, what it asked for, and its idempotency key."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.journal.jobs import Also
from assistant.journal.store import Journal
from retrieval.errors import LibraryDamaged, NotFound

_COLUMNS = "id, job, kind, request, output, key, digest, stored, created"


@dataclass(frozen=True)
class ApiJob:
    """One such job."""

    id: str
    number: int
    """Of the job in the journal that works on it, or did last."""
    kind: str
    """finetune, evaluate, promote or retrain."""
    request: Mapping[str, Any]
    """What was asked for, as the client is told."""
    output: str = ""
    """The folder of the model that is made, within the workspace."""
    key: str | None = None
    """The idempotency key it was begun with."""
    digest: str = ""
    """Of the request that came with the key."""
    stored: str = ""
    """Where its model was copied to, or `!` and why that failed."""
    created: float = 0.0


class Taken(Exception):
    """A job has this idempotency key already."""

    def __init__(self, job: ApiJob) -> None:
        super().__init__(job.id)
        self.job = job


class ApiJobRows:
    """Those of a workspace. Every method raises what the journal's do when the file cannot be used."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def adding(self, job: ApiJob) -> Also:
        """What keeps it together with the job in the journal; it raises Taken when its key is taken."""

        def add(db: sqlite3.Connection, number: int) -> None:
            if job.key is not None and (rows := _where(db, "key=?", job.key)):
                raise Taken(_job(rows[0], self._journal))
            request = json.dumps(dict(job.request))
            values = (job.id, number, job.kind, request, job.output, job.key, job.digest, job.stored, time.time())
            db.execute(f"INSERT INTO api_jobs({_COLUMNS}) VALUES ({','.join('?' * len(values))})", values)

        return add

    def moving(self, job_id: str) -> Also:
        """What lets another job in the journal go on with it."""
        return lambda db, number: _check(db.execute("UPDATE api_jobs SET job=? WHERE id=?", (number, job_id)))

    def find(self, job_id: str) -> ApiJob | None:
        """None when there is none."""
        return next(iter(self._read("id=?", job_id)), None)

    def of_key(self, key: str) -> ApiJob | None:
        """The job that was begun with this idempotency key."""
        return next(iter(self._read("key=?", key)), None)

    def of_numbers(self, numbers: Iterable[int]) -> dict[int, ApiJob]:
        """Those of these jobs in the journal, by their number."""
        found = self._read("job IN (SELECT value FROM json_each(?))", json.dumps(list(numbers)))
        return {job.number: job for job in found}

    def of_output(self, output: str) -> ApiJob | None:
        """The job whose model lies, or is to lie, in this folder."""
        return next(iter(self._read("output=?", output)), None)

    def unstored(self) -> list[ApiJob]:
        """Those that made a model which is not copied yet."""
        done = "job IN (SELECT id FROM jobs WHERE state='done')"
        return self._read(f"output<>'' AND (stored='' OR stored LIKE '!%') AND {done}")

    def store(self, job_id: str, stored: str) -> None:
        """Keep where its model was copied to, or `!` and why it was not."""
        with self._journal.writing("Where a model was copied to was not kept.") as db:
            db.execute("UPDATE api_jobs SET stored=? WHERE id=?", (stored, job_id))

    def _read(self, where: str, *values: Any) -> list[ApiJob]:
        rows = self._journal.read(f"SELECT {_COLUMNS} FROM api_jobs WHERE {where} ORDER BY created", values)
        return [_job(row, self._journal) for row in rows]


def _where(db: sqlite3.Connection, where: str, *values: Any) -> list[Any]:
    return db.execute(f"SELECT {_COLUMNS} FROM api_jobs WHERE {where}", values).fetchall()


def _check(changed: sqlite3.Cursor) -> None:
    """Raises NotFound when the job was forgotten meanwhile."""
    if not changed.rowcount:
        raise NotFound("The job was deleted meanwhile.", "Begin it anew.")


def _job(row: Sequence[Any], journal: Journal) -> ApiJob:
    job_id, number, kind, request, output, key, digest, stored, created = row
    try:
        return ApiJob(job_id, number, kind, dict(json.loads(request)), output, key, digest, stored, created)
    except (ValueError, TypeError, RecursionError) as error:
        message = f"The journal {journal.path} is damaged: {error} in the job {job_id}."
        raise LibraryDamaged(message, "Restore a backup of it, or move it away.") from error
