"""The fine-tuning API: what there is to train, a training begun, how it stands, the models it made."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakValueDictionary

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from assistant.api import dataset_paths, errors, evaluations, fetch, jobs, runs
from assistant.api.asking import device_words, free_folder
from assistant.api.begun import ApiJobs, Ask, KeyReused, Stamp, digest_of
from assistant.api.bodies import Given, body_of, sends
from assistant.api.bodies import errors as may_fail
from assistant.api.depends import JobsOf, Key, Limit, Offset, ServerOf
from assistant.api.finetune_models import Models, base_named, list_models, supported
from assistant.api.job_view import JobResult, result_of
from assistant.api.state import Server
from assistant.jobs.jobs import QueueFull
from assistant.sanitize import without_passwords

if TYPE_CHECKING:
    from fastapi import FastAPI

    from assistant.journal.api_jobs import ApiJob

router = APIRouter(prefix="/api/finetune", tags=["fine-tuning"])
FORMATS = ["csv", "jsonl", "json"]
"""A dataset's; inside, every kind of row that `dyag dataset` reads."""
FETCHED = Path("data", "finetuning", "fetched")
FETCHES = 4
"""Datasets that are fetched at once."""
RETRY_SECONDS = 60


class Start(Given):
    """A training to begin."""

    model: str = Field(min_length=1, max_length=200, description="A base: see supported_models of /info.")
    dataset_url: str = Field(
        min_length=1,
        max_length=2000,
        description="A file in an allowed folder, or an https address of an allowed host.",
    )
    epochs: int = Field(3, ge=1, le=20, description="Passes over the rows.")
    batch_size: int = Field(4, ge=1, le=16, description="Rows of one step.")
    learning_rate: float | None = Field(2e-5, gt=0, le=1, description="null: what suits the base and the method.")


class Config(BaseModel):
    """A training as it was asked for."""

    model: str
    dataset: str
    epochs: int
    batch_size: int
    learning_rate: float | None


class Started(BaseModel):
    """A training that was begun; it waits for those before it."""

    status: Literal["started"]
    job_id: str
    message: str
    config: Config


class Info(BaseModel):
    """What can be asked for."""

    available: bool = Field(description="Whether a model can be trained here.")
    supported_models: list[str]
    supported_formats: list[str]
    endpoints: dict[str, str]
    parameters: dict[str, Any] = Field(description="JSON schema of what /start takes.")


@router.get("/info", responses=may_fail())
def info() -> Info:
    """What can be trained, from what, and where to ask for it."""
    from importlib.util import find_spec

    return Info(
        available=all(find_spec(name) for name in ("torch", "trl", "peft")),
        supported_models=supported(),
        supported_formats=FORMATS,
        endpoints=_endpoints(),
        parameters=Start.model_json_schema()["properties"],
    )


@router.post("/start", status_code=202, responses=may_fail(404, 413, 429), openapi_extra=sends(Start))
async def start(
    request: Request,
    server: ServerOf,
    begun: JobsOf,
    asked: Annotated[Start, Depends(body_of(Start))],
    response: Response,
    idempotency_key: Key = None,
) -> Started:
    """Begin a training in the background; it is done one after the other."""
    digest, stamp = digest_of("finetune", asked.model_dump()), Stamp.now()
    state = request.app.state
    same: asyncio.Lock = state.keys.setdefault(idempotency_key or stamp.id("finetune"), asyncio.Lock())
    async with same:  # what is sent twice with one key is fetched once
        dataset = await _fetched(request, server, begun, asked, idempotency_key, digest, stamp)
        async with state.starting:  # whoever waits takes no thread from those who ask
            job = await run_in_threadpool(_begin, server, begun, asked, idempotency_key, digest, stamp, dataset)
    response.headers["Location"] = f"/api/finetune/status/{job.id}"
    config = Config(**job.request)
    return Started(status="started", job_id=job.id, message=f"Fine-tuning lancé pour {config.model}", config=config)


@router.get("/status/{job_id}", responses=may_fail(404))
def status(begun: JobsOf, job_id: str) -> JobResult:
    """How a job stands: a training, or one of the others."""
    return result_of(begun, begun.find(job_id))


@router.get("/models", responses=may_fail())
def models(server: ServerOf, limit: Limit = 100, offset: Offset = 0) -> Models:
    """The models that were trained, the newest first."""
    return list_models(server.app, limit, offset)


def install(api: FastAPI, server: Server) -> None:
    """Serve these routes, and answer a full queue and a key used twice."""
    api.state.jobs = ApiJobs(server.app)
    api.state.starting, api.state.fetching = asyncio.Lock(), asyncio.Semaphore(FETCHES)
    api.state.keys = WeakValueDictionary[str, asyncio.Lock]()

    @api.exception_handler(QueueFull)
    async def full(request: Request, error: QueueFull) -> JSONResponse:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return errors.answer(request, 429, error.message, error.hint, **headers)

    @api.exception_handler(KeyReused)
    async def reused(request: Request, error: KeyReused) -> JSONResponse:
        return errors.answer(request, 422, error.message, error.hint)

    for part in PARTS:
        api.include_router(part)


async def _fetched(
    request: Request, server: Server, begun: ApiJobs, asked: Start, key: str | None, digest: str, stamp: Stamp
) -> Path | None:
    """The dataset at an address; a slow host delays nobody else. None for a file, or a job that was begun before."""
    if asked.dataset_url.partition(":")[0].casefold() not in ("http", "https"):
        return None

    def fetched() -> Path | None:
        if begun.known(key, digest):
            return None
        base_named(asked.model, server.app.home.path)
        begun.app.jobs.check_queue("training")  # before anything is fetched
        folder = server.app.home.path / FETCHED / stamp.id("finetune")
        try:
            return fetch.download(asked.dataset_url, folder, server.options)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    async with request.app.state.fetching:
        return await run_in_threadpool(fetched)


def _begin(
    server: Server, begun: ApiJobs, asked: Start, key: str | None, digest: str, stamp: Stamp, fetched: Path | None
) -> ApiJob:
    """What was fetched is kept only if this begins a job. Raises BadInput, NotFound, QueueFull, KeyReused."""
    job = None
    try:
        job = begun.known(key, digest) or begun.begin(_ask(server, begun, asked, key, digest, stamp, fetched), stamp)
        return job
    finally:
        if fetched and (job is None or job.id != stamp.id("finetune")):
            shutil.rmtree(fetched.parent, ignore_errors=True)


def _ask(
    server: Server, begun: ApiJobs, asked: Start, key: str | None, digest: str, stamp: Stamp, fetched: Path | None
) -> Ask:
    """Raises BadInput, NotFound."""
    model = base_named(asked.model, server.app.home.path)
    dataset = fetched or dataset_paths.resolve(asked.dataset_url, server.options, server.app.home)
    output = free_folder(begun, model, stamp)
    words = [*_words(asked, model, dataset), "--output", str(server.app.home.path / output), "--json"]
    return Ask("finetune", tuple(words), _told(asked), output, key, digest)


def _words(asked: Start, model: str, dataset: Path) -> list[str]:
    words = ["train", "--dataset", str(dataset), "--base-model", model, "--epochs", str(asked.epochs)]
    words += ["--batch-size", str(asked.batch_size), *device_words()]
    return [*words, *(["--learning-rate", repr(asked.learning_rate)] if asked.learning_rate else [])]


def _told(asked: Start) -> dict[str, Any]:
    told = asked.model_dump()
    return {"model": told["model"], "dataset": without_passwords(told.pop("dataset_url")), **told}


PARTS = (router, jobs.router, evaluations.router, runs.router)
"""All that is below /api/finetune."""


def _endpoints() -> dict[str, str]:
    """Every route of the API, by its name: `POST /api/finetune/start`."""
    routes = [route for part in PARTS for route in part.routes if isinstance(route, APIRoute)]
    return {route.name: f"{min(route.methods or ())} {route.path}" for route in routes}
