"""What becomes of a trained model: measured, compared, promoted through the gate, taken back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from assistant.api import dataset_paths, names
from assistant.api.asking import retraining
from assistant.api.begun import ApiJobs, Ask, Stamp, digest_of
from assistant.api.bodies import Given, body_of, errors, sends, utc
from assistant.api.depends import JobsOf, Key, Limit, Offset, ServerOf
from assistant.api.state import Server
from assistant.journal.api_jobs import ApiJob
from retrieval.errors import BadInput, NotFound

router = APIRouter(prefix="/api/finetune", tags=["models"])
_EVALUATION = re.compile(r"eval_\d{8}_\d{6}_[0-9a-f]{4}|latest")
RunName = Annotated[str, Field(min_length=1, max_length=120, description="A run's id or name; latest; promoted.")]
Cases = Annotated[str | None, Field(min_length=1, max_length=2000, description="A file of cases in an allowed folder.")]
Most = Annotated[int, Field(ge=0, le=1_000_000, description="Only the first cases; 0: all.")]
Note = Annotated[str, Field(max_length=500, description="Why; kept in the history.")]


class Evaluate(Given):
    """An evaluation to make."""

    cases: str = Field(min_length=1, max_length=2000, description="A file of cases in an allowed folder, or general.")
    mode: Literal["rag", "finetuned", "hybrid"] = "rag"
    run: RunName | None = Field(None, description="The trained model; null: what the mode is set to.")
    limit: Most = 0
    fresh: bool = Field(False, description="Ask every case anew, also those answered before.")


class Promote(Given):
    """A run that is to answer in the modes finetuned and hybrid."""

    run: RunName
    cases: Cases = None
    limit: Most = 0
    note: Note = ""
    force: bool = Field(False, description="Without the gate; `note` says why.")


class Retrain(Given):
    """A retraining from approved corrections, promoted only if the gate finds it better."""

    cases: Cases = None
    epochs: int = Field(3, ge=1, le=20)


class Rollback(Given):
    """Back to what answered before."""

    note: Note = ""


class Compare(Given):
    """Evaluations of the same cases; the first is the baseline."""

    evaluations: list[str] = Field(min_length=2, max_length=8, description="Ids; latest.")


class Begun(BaseModel):
    """A job that was begun."""

    status: Literal["started"]
    job_id: str
    message: str
    config: dict[str, Any]


class Evaluation(BaseModel):
    """One evaluation in the list."""

    id: str
    created: str
    mode: str
    model: str
    cases: str
    count: int
    state: Literal["done", "running", "stopped"]
    success: float | None = Field(description="Share of right answers; null where nothing was scored.")


class EvaluationList(BaseModel):
    """Evaluations, the newest first."""

    evaluations: list[Evaluation]
    total: int


class Detail(BaseModel):
    """All that is known of it."""

    id: str
    detail: dict[str, Any]


class Comparison(BaseModel):
    """Who is better in what, and whether that is more than chance."""

    advice: dict[str, Any]
    comparison: dict[str, Any]
    differs: dict[str, list[str]]


class Step(BaseModel):
    """One promotion or rollback."""

    when: str
    who: str
    action: Literal["promote", "rollback"]
    before: str = Field(description="The run that answered; empty for none.")
    after: str
    note: str
    forced: bool


class Promotions(BaseModel):
    """Which run answers in the modes finetuned and hybrid, and how that came."""

    current: str | None
    history: list[Step] = Field(description="The newest first.")
    total: int


@router.post("/evaluate", status_code=202, responses=errors(404, 413, 429), openapi_extra=sends(Evaluate))
async def evaluate(
    request: Request,
    server: ServerOf,
    asked: Annotated[Evaluate, Depends(body_of(Evaluate))],
    response: Response,
    key: Key = None,
) -> Begun:
    """Measure how good the answers are, in the background."""
    return await _begun(request, response, "evaluate", asked, key, lambda: _evaluate_words(server, asked))


@router.post("/promote", status_code=202, responses=errors(404, 413, 429), openapi_extra=sends(Promote))
async def promote(
    request: Request,
    server: ServerOf,
    asked: Annotated[Promote, Depends(body_of(Promote))],
    response: Response,
    key: Key = None,
) -> Begun:
    """Let a run answer if the gate finds it better than the one before, in the background; its status may be `refused`."""
    return await _begun(request, response, "promote", asked, key, lambda: _promote_words(server, asked))


@router.post("/retrain", status_code=202, responses=errors(404, 413, 429), openapi_extra=sends(Retrain))
async def retrain(
    request: Request,
    server: ServerOf,
    asked: Annotated[Retrain, Depends(body_of(Retrain))],
    response: Response,
    key: Key = None,
) -> Begun:
    """Train on approved corrections, from the promoted run, and promote what comes of it only through the gate."""
    return await _begun(request, response, "retrain", asked, key, lambda: _retrain_words(server, asked))


@router.post("/rollback", responses=errors(413), openapi_extra=sends(Rollback))
def rollback(begun: JobsOf, server: ServerOf, asked: Annotated[Rollback, Depends(body_of(Rollback))]) -> Step:
    """Go back to the run that answered before the last promotion; from the first one, to none."""
    return _step(server.app.promotions.rollback(begun.app.conversation.author, _line(asked.note)))


@router.get("/promotions", responses=errors())
def promotions(server: ServerOf, limit: Limit = 20, offset: Offset = 0) -> Promotions:
    """Which run answers, and every promotion and rollback."""
    current, history = server.app.promotions.current(), server.app.promotions.history()[::-1]
    shown = [_step(step) for step in history[offset : offset + limit]]
    return Promotions(current=current.id if current else None, history=shown, total=len(history))


@router.get("/evaluations", responses=errors())
def evaluations(server: ServerOf, limit: Limit = 20, offset: Offset = 0) -> EvaluationList:
    """What was measured, the newest first."""
    from assistant.evaluated import listed
    from assistant.evaluating import evaluations as kept

    every = kept(server.app).all()
    rows = [listed(one) for one in every[offset : offset + limit]]
    fields = set(Evaluation.model_fields) - {"created"}
    told = [Evaluation(created=utc(row.created), **{name: getattr(row, name) for name in fields}) for row in rows]
    return EvaluationList(evaluations=told, total=len(every))


@router.get("/evaluations/{evaluation}", responses=errors(404))
def evaluation(server: ServerOf, evaluation: str) -> Detail:
    """Every metric of an evaluation with its interval, and every answer."""
    from assistant.evaluated import result_of
    from assistant.evaluating import evaluations as kept
    from assistant.render import plain

    found = kept(server.app).find(_evaluation_id(evaluation))
    result = result_of(found, found.read(), verbose=True)
    return Detail(id=result.id, detail=plain(result))


@router.get("/runs/{run}", responses=errors(404))
def run(server: ServerOf, run: str) -> Detail:
    """All that is known of a run: what it was made from, its losses, the gate's verdict. Every file of it is checked."""
    from assistant.commands.runs import show
    from assistant.render import plain

    view = show(server.app, _run_id(server, run))
    return Detail(id=view.run.id, detail=plain(view))


@router.post("/compare", responses=errors(404, 413), openapi_extra=sends(Compare))
def compare(server: ServerOf, asked: Annotated[Compare, Depends(body_of(Compare))]) -> Comparison:
    """Compare evaluations of the same cases."""
    from assistant.comparing import compared
    from assistant.evaluating import evaluations as kept
    from assistant.render import plain

    found = [kept(server.app).find(_evaluation_id(text)).read() for text in asked.evaluations]
    words = ["compare", *(one.identity.id for one in found)]
    result = plain(compared(server.app, found, words, None, None))
    return Comparison(**{name: result[name] for name in Comparison.model_fields})


async def _begun(
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


def _evaluate_words(server: Server, asked: Evaluate) -> list[str]:
    cases = asked.cases if asked.cases == "general" else _file(server, asked.cases)
    words = ["eval", cases, "--mode", asked.mode, "--limit", str(asked.limit)]
    if asked.run is None:
        return [*words, *(["--fresh"] if asked.fresh else [])]
    if asked.mode == "rag":
        raise BadInput("The mode rag asks no trained model.", "Choose the mode finetuned or hybrid, or leave run out.")
    model = f"run:{_run_id(server, asked.run)}"
    return [*words, "--model", model, *(["--fresh"] if asked.fresh else [])]


def _promote_words(server: Server, asked: Promote) -> list[str]:
    note = _line(asked.note)
    if asked.force and not note:
        raise BadInput("force promotes a run that showed nothing.", "Say why in note: it is kept in the history.")
    words = ["promote", _run_id(server, asked.run), f"--note={note}", "--limit", str(asked.limit)]
    words += ["--cases", _file(server, asked.cases)] if asked.cases else []
    return [*words, *(["--force"] if asked.force else [])]


def _retrain_words(server: Server, asked: Retrain) -> list[str]:
    words = ["--epochs", str(asked.epochs)]
    return [*words, *(["--cases", _file(server, asked.cases)] if asked.cases else [])]


def _file(server: Server, text: str) -> str:
    return str(dataset_paths.resolve(text, server.options, server.app.home))


def _run_id(server: Server, text: str) -> str:
    """The id of the run that is meant, of those of the workspace. Raises NotFound, BadInput."""
    from finetune.runs.store import Runs

    return Runs(server.app.home.models).find(names.run_name(text)).id


def _evaluation_id(text: str) -> str:
    if not _EVALUATION.fullmatch(text):
        raise NotFound(f"There is no evaluation {text[:60]!r}.", "GET /api/finetune/evaluations lists them.")
    return text


def _line(note: str) -> str:
    """A note as one line of text."""
    from assistant.sanitize import clean

    return clean(note, newlines=False).strip()


def _step(step: Any) -> Step:
    fields = set(Step.model_fields) - {"when"}
    return Step(when=utc(step.when), **{name: getattr(step, name) for name in fields})
