"""Jobs over HTTP: listed, followed as they go, read, cancelled, taken up again."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from assistant.api.begun import ApiJobs
from assistant.api.bodies import EVENTS, errors, utc
from assistant.api.depends import JobsOf, Limit, Offset, ServerOf
from assistant.api.job_view import JobList, JobResult, JobStatus, result_of, status_of
from assistant.api.state import Server
from assistant.jobs.events import events_from
from assistant.jobs.files import lines_from
from assistant.sanitize import without_passwords
from retrieval.errors import BadInput, UserError

router = APIRouter(prefix="/api/finetune", tags=["jobs"])
TICK = 0.5
"""Seconds between two looks at a job that is followed."""
BEAT = 15.0
"""Seconds after which a silent stream says that it is alive: proxies close what says nothing."""
_PLACE = re.compile(r"(\d{1,9})-(\d{1,15})")
_STREAM = {
    "description": (
        "The events of the job as they come: `started`, `stage`, `progress`, `note`, `ended`; at last `status`, which is "
        "what /status tells, or `error` when the job cannot be read. A client that comes back with Last-Event-ID misses "
        "none."
    ),
    "content": EVENTS,
}


class Log(BaseModel):
    """Lines of a job's log."""

    lines: list[str]
    offset: int = Field(description="Give it to read on from here.")
    over: bool = Field(description="Whether the job has ended, so that no more lines will come.")


class Cancelled(BaseModel):
    """What was done to a job."""

    message: str
    job: JobStatus


@router.get("/jobs", responses=errors())
def jobs(jobs: JobsOf, limit: Limit = 20, offset: Offset = 0) -> JobList:
    """The jobs of the workspace, the newest first, also those of the chat and of a terminal."""
    rows = jobs.app.jobs.all()[::-1]
    shown = rows[offset : offset + limit]
    pairs = zip(jobs.found(shown), shown, strict=True)
    return JobList(jobs=[status_of(jobs, job, row) for job, row in pairs], total=len(rows))


@router.post("/cancel/{job_id}", responses=errors(404))
def cancel(jobs: JobsOf, job_id: str) -> Cancelled:
    """Stop a job: a training saves a checkpoint first. A second time: end it at once."""
    job = jobs.find(job_id)
    if jobs.app.jobs.job(job.number).over:
        raise BadInput(f"{job.id} has ended: there is nothing to stop.", f"GET /api/finetune/status/{job.id} says how.")
    before = jobs.app.jobs.cancel(job.number)
    said = "It waited and is cancelled." if before.state == "queued" else "It is told to stop, and saves what it has."
    message = "It was told to stop before, and is ended at once." if before.stopping else said
    return Cancelled(message=message, job=status_of(jobs, job, jobs.app.jobs.job(job.number)))


@router.post("/resume/{job_id}", status_code=202, responses=errors(404, 429))
def resume(jobs: JobsOf, job_id: str) -> JobResult:
    """Take up a job that was killed, was cancelled or failed: a training from its last checkpoint. Its id stays."""
    return result_of(jobs, jobs.resume(job_id))


@router.get("/logs/{job_id}", responses=errors(404))
def logs(
    jobs: JobsOf, job_id: str, offset: Annotated[int, Query(ge=0, le=10**12, description="Bytes already read.")] = 0
) -> Log:
    """What a job has said: its messages and errors."""
    row = jobs.app.jobs.job(jobs.find(job_id).number)
    lines, after = lines_from(jobs.app.jobs.files(row).log, offset, whole=not row.over)
    return Log(lines=[without_passwords(line) for line in lines], offset=after, over=row.over)


@router.get("/events/{job_id}", responses={200: _STREAM, **errors(404)}, response_class=StreamingResponse)
def events(
    server: ServerOf,
    jobs: JobsOf,
    job_id: str,
    last: Annotated[str, Header(alias="Last-Event-ID", max_length=40, description="The id of the last event.")] = "",
) -> StreamingResponse:
    """Follow a job as server-sent events until it ends, or the server does: then come back."""
    jobs.find(job_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(server, jobs, job_id, last), media_type="text/event-stream", headers=headers)


async def _events(server: Server, jobs: ApiJobs, job_id: str, last: str) -> AsyncIterator[str]:
    """Until the job has ended; an event's id is the number of the job and where its log goes on."""
    found = _PLACE.fullmatch(last)
    place = (int(found[1]), int(found[2])) if found else (0, 0)
    said = time.monotonic()
    while not server.stopping.is_set():
        try:
            place, told, over = await run_in_threadpool(_look, jobs, job_id, place)
        except UserError as error:  # such as a journal that is busy: come back
            yield _sent("error", json.dumps({"error": error.message, "hint": error.hint}), f"{place[0]}-{place[1]}")
            return
        for text in told:
            yield text
        if over:
            return
        if told:
            said = time.monotonic()
        elif time.monotonic() - said > BEAT:
            yield ": still there\n\n"
            said = time.monotonic()
        await asyncio.sleep(TICK)


def _look(jobs: ApiJobs, job_id: str, place: tuple[int, int]) -> tuple[tuple[int, int], list[str], bool]:
    """Where to go on, the events since `place`, and whether the job has ended.

    From the start of the log when it is not that of the job which was being read: another has taken it up.
    """
    job = jobs.find(job_id)
    row = jobs.app.jobs.job(job.number)  # before its events are read: what came last is read too
    offset = place[1] if job.number == place[0] else 0
    told = []
    for event, after in events_from(jobs.app.jobs.files(row).events, offset):
        offset = after
        if event:
            told.append(_sent(event.event, json.dumps(_plain(asdict(event))), f"{job.number}-{after}"))
    if row.over:
        told.append(_sent("status", result_of(jobs, job).model_dump_json(), f"{job.number}-{offset}"))
    return (job.number, offset), told, row.over


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    """What is said, and when, as ISO 8601."""
    told = {name: value for name, value in event.items() if value not in (None, "", {})}
    return {**told, "time": utc(event["time"])}


def _sent(event: str, data: str, place: str) -> str:
    """One server-sent event. JSON has no line break in it."""
    return f"id: {place}\nevent: {event}\ndata: {data}\n\n"
