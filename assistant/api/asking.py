"""What a client asks for, as the command line of a job; and such a job begun."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from assistant.api import dataset_paths, names
from assistant.api.begun import ApiJobs, Ask, Stamp, digest_of
from assistant.api.bodies import Given
from assistant.api.state import Server
from assistant.journal.api_jobs import ApiJob

RunName = Annotated[str, Field(min_length=1, max_length=120, description="A run's id or name; latest; promoted.")]
Cases = Annotated[str | None, Field(min_length=1, max_length=2000, description="A file of cases in an allowed folder.")]
Most = Annotated[int, Field(ge=0, le=1_000_000, description="Only the first cases; 0: all.")]
_NO_NAME = re.compile(r"[^A-Za-z0-9._]+")


class Begun(BaseModel):
    """A job that was begun."""

    status: Literal["started"]
    job_id: str
    message: str
    config: dict[str, Any]


class Detail(BaseModel):
    """All that is known of it."""

    id: str
    detail: dict[str, Any]


def free_folder(begun: ApiJobs, model: str, stamp: Stamp) -> str:
    """`models/phi-finetuned-20261104_143012`, or with more behind it when there is one already."""
    plain = f"models/{_NO_NAME.sub('-', model.removeprefix('models/'))}-finetuned-{stamp.when}"
    taken = begun.rows.of_output(plain) or (begun.app.home.path / plain).exists()
    return f"{plain}-{stamp.tail}" if taken else plain


def device_words() -> list[str]:
    """Who asks a server to train is not asked again whether its CPU will do."""
    from assistant.commands.models import machine

    return ["--force-cpu"] if machine().device == "cpu" else ["--device", "cuda"]


def retraining(
    begun: ApiJobs, told: Mapping[str, Any], more: Sequence[str], key: str | None, digest: str, stamp: Stamp
) -> Ask:
    """A retraining, its model in a folder that is named as those of the other trainings."""
    output = free_folder(begun, "feedback", stamp)
    cpu = ["--force-cpu"] if "--force-cpu" in device_words() else []
    words = ("retrain", "--output", str(begun.app.home.path / output), *cpu, *more, "--json")
    return Ask("retrain", words, told, output, key, digest)


async def begin(
    request: Request, response: Response, kind: str, asked: Given, key: str | None, words: Callable[[], list[str]]
) -> Begun:
    """Begin what these words say, or find what the key has begun; one after the other."""
    starting: asyncio.Lock = request.app.state.starting
    async with starting:
        job = await run_in_threadpool(_begin, request.app.state.jobs, kind, asked.model_dump(), key, words)
    response.headers["Location"] = f"/api/finetune/status/{job.id}"
    return Begun(status="started", job_id=job.id, message=f"Begun: {kind}.", config=dict(job.request))


def _begin(begun: ApiJobs, kind: str, told: dict[str, Any], key: str | None, words: Callable[[], list[str]]) -> ApiJob:
    digest, stamp = digest_of(kind, told), Stamp.now()
    if known := begun.known(key, digest):
        return known
    if kind == "retrain":
        return begun.begin(retraining(begun, told, words(), key, digest, stamp), stamp)
    return begun.begin(Ask(kind, (*words(), "--json"), told, key=key, digest=digest), stamp)


def file_of(server: Server, text: str) -> str:
    """The path of a file in an allowed folder. Raises BadPath, NotFound."""
    return str(dataset_paths.resolve(text, server.options, server.app.home))


def run_id(server: Server, text: str) -> str:
    """The id of the run that is meant, of those of the workspace. Raises NotFound, BadInput."""
    from finetune.runs.store import Runs

    return Runs(server.app.home.models).find(names.run_name(text)).id
