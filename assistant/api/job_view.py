"""How a job stands, as a client is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from assistant.api.begun import ApiJobs
from assistant.api.bodies import utc
from assistant.jobs.events import Event, latest
from assistant.jobs.view import JobView, view
from assistant.journal.api_jobs import ApiJob
from assistant.journal.jobs import Job
from assistant.sanitize import without_passwords

State = Literal["queued", "running", "completed", "refused", "failed", "cancelled", "interrupted"]
_STATES: dict[str, State] = {
    "queued": "queued",
    "running": "running",
    "done": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "killed": "interrupted",
}
_REFUSED = 3
"""Exit code of a promotion that the gate refused."""
_GATED = ("promote", "retrain")
_TRAINING = "Training"
"""The stage of a training in which its steps are."""
_ALMOST = 0.99
"""Progress of what has not ended: the model is still to be saved."""
_MODELS = ("finetune", "retrain")
MAX_RESULT = 4_000_000
"""Bytes of a result that is told."""


class JobStatus(BaseModel):
    """How a job stands."""

    job_id: str
    kind: str = Field(description="finetune, evaluate, promote, retrain, or the command that was given elsewhere.")
    status: State = Field(
        description="refused: the gate found no proof that it is better. interrupted: its process was killed; resume it."
    )
    progress: float = Field(ge=0, le=1)
    model_path: str | None = Field(description="The trained model, within the workspace; null until there is one.")
    stage: str
    config: dict[str, Any] = Field(description="What was asked for.")
    figures: dict[str, float | None] = Field(description="Such as the loss.")
    seconds: float = Field(description="It has run so long.")
    seconds_left: float | None
    error: str = Field(description="Why it failed and what to do; empty where it did not.")
    hint: str = Field(description="How to go on; empty where there is nothing to mend.")
    resume: str | None = Field(description="POST there to take it up again.")
    stored: str | None = Field(description="Where its model was copied to.")
    store_error: str | None = Field(description="Why its model was not copied.")
    author: str
    created: str
    started: str | None
    ended: str | None


class JobResult(JobStatus):
    """The same, with what it came to."""

    result: dict[str, Any] | None = Field(description="What it found or made, once it has ended.")


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobStatus]
    total: int


def result_of(jobs: ApiJobs, job: ApiJob) -> JobResult:
    """How a job stands, and what it came to. Raises NotFound when it was forgotten meanwhile."""
    row = jobs.app.jobs.job(job.number)
    told = status_of(jobs, job, row)
    return JobResult(**dict(told), result=_result(jobs, row) if row.over else None)


def status_of(jobs: ApiJobs, job: ApiJob, row: Job) -> JobStatus:
    """How a job stands."""
    files = jobs.app.jobs.files(row)
    seen = view(row, files)
    state = _STATES[row.state]
    if job.kind in _GATED and state == "failed" and row.exit_code == _REFUSED:
        state = "refused"
    taken_up = state in ("failed", "cancelled", "interrupted")
    failed = job.stored.startswith("!")
    return JobStatus(
        job_id=job.id,
        kind=job.kind,
        status=state,
        progress=1.0 if state in ("completed", "refused") else _progress(job, seen, latest(files.events)),
        model_path=_model_path(job, state),
        stage=seen.stage,
        config=dict(job.request),
        figures=dict(seen.figures),
        seconds=round(seen.seconds, 3),
        seconds_left=seen.left if state == "running" else None,
        error=_error(row, state),
        hint=_hint(job, state),
        resume=f"/api/finetune/resume/{job.id}" if taken_up else None,
        stored=job.stored if job.stored and not failed else None,
        store_error=job.stored[1:] if failed else None,
        author=row.author,
        created=utc(job.created or row.created),
        started=utc(row.started) if row.started else None,
        ended=utc(row.ended) if row.ended else None,
    )


def _progress(job: ApiJob, seen: JobView, events: Mapping[str, Event]) -> float:
    """Of a training, its share of the steps; of other work, that of the stage it is in."""
    if job.kind not in _MODELS:
        return min(seen.share or 0.0, _ALMOST)
    told = events.get("progress")
    if told is None or told.text != _TRAINING or not told.total:
        return 0.0
    return round(min(max((told.done or 0) / told.total, 0.0), _ALMOST), 4)


def _model_path(job: ApiJob, state: State) -> str | None:
    """With a slash at its end, as a folder."""
    return f"{job.output}/" if job.output and state in ("completed", "refused") else None


def _error(row: Job, state: State) -> str:
    if state == "interrupted":
        return "Its process was killed. What it had saved is kept: resume it."
    if state == "failed" and not row.error:
        return f"It ended with exit code {row.exit_code}; its log says more."
    return without_passwords(row.error)


def _hint(job: ApiJob, state: State) -> str:
    if state not in ("failed", "interrupted"):
        return ""
    base = (
        " A base that was brought here by hand lies in models/NAME, and is named so." if job.kind == "finetune" else ""
    )
    return f"Mend that, then POST /api/finetune/resume/{job.id}.{base}"


def _result(jobs: ApiJobs, row: Job) -> dict[str, Any] | None:
    """The JSON object that it printed; None for any other text."""
    path = jobs.app.jobs.files(row).out
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size <= MAX_RESULT else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
