"""How good the answers are, over HTTP: measured, listed, shown, compared."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from assistant.api.asking import Begun, Detail, Most, RunName, begin, file_of, run_id
from assistant.api.bodies import Given, body_of, errors, sends, utc
from assistant.api.depends import Key, Limit, Offset, ServerOf
from assistant.api.state import Server
from retrieval.errors import BadInput, NotFound

router = APIRouter(prefix="/api/finetune", tags=["evaluations"])
_EVALUATION = re.compile(r"eval_\d{8}_\d{6}_[0-9a-f]{4}|latest")


class Evaluate(Given):
    """An evaluation to make."""

    cases: str = Field(min_length=1, max_length=2000, description="A file of cases in an allowed folder, or general.")
    mode: Literal["rag", "finetuned", "hybrid"] = "rag"
    run: RunName | None = Field(None, description="The trained model; null: what the mode is set to.")
    limit: Most = 0
    fresh: bool = Field(False, description="Ask every case anew, also those answered before.")


class Compare(Given):
    """Evaluations of the same cases; the first is the baseline."""

    evaluations: list[str] = Field(min_length=2, max_length=8, description="Ids; latest.")


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


class Comparison(BaseModel):
    """Who is better in what, and whether that is more than chance."""

    advice: dict[str, Any]
    comparison: dict[str, Any]
    differs: dict[str, list[str]]


@router.post("/evaluate", status_code=202, responses=errors(404, 413, 429), openapi_extra=sends(Evaluate))
async def evaluate(
    request: Request,
    server: ServerOf,
    asked: Annotated[Evaluate, Depends(body_of(Evaluate))],
    response: Response,
    key: Key = None,
) -> Begun:
    """Measure how good the answers are, in the background."""
    return await begin(request, response, "evaluate", asked, key, lambda: _evaluate_words(server, asked))


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


def _evaluate_words(server: Server, asked: Evaluate) -> list[str]:
    cases = asked.cases if asked.cases == "general" else file_of(server, asked.cases)
    words = ["eval", cases, "--mode", asked.mode, "--limit", str(asked.limit)]
    if asked.run is None:
        return [*words, *(["--fresh"] if asked.fresh else [])]
    if asked.mode == "rag":
        raise BadInput("The mode rag asks no trained model.", "Choose the mode finetuned or hybrid, or leave run out.")
    model = f"run:{run_id(server, asked.run)}"
    return [*words, "--model", model, *(["--fresh"] if asked.fresh else [])]


def _evaluation_id(text: str) -> str:
    if not _EVALUATION.fullmatch(text):
        raise NotFound(f"There is no evaluation {text[:60]!r}.", "GET /api/finetune/evaluations lists them.")
    return text
