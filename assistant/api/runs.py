"""What becomes of a trained model: shown, promoted through the gate, taken back; and trained again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from assistant.api.asking import Begun, Cases, Detail, Most, RunName, begin, file_of, run_id
from assistant.api.bodies import Given, body_of, errors, sends, utc
from assistant.api.depends import JobsOf, Key, Limit, Offset, ServerOf
from assistant.api.state import Server
from retrieval.errors import BadInput

router = APIRouter(prefix="/api/finetune", tags=["models"])
Note = Annotated[str, Field(max_length=500, description="Why; kept in the history.")]


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


@router.post("/promote", status_code=202, responses=errors(404, 413, 429), openapi_extra=sends(Promote))
async def promote(
    request: Request,
    server: ServerOf,
    asked: Annotated[Promote, Depends(body_of(Promote))],
    response: Response,
    key: Key = None,
) -> Begun:
    """Let a run answer if the gate finds it better than the one before, in the background; its status may be `refused`."""
    return await begin(request, response, "promote", asked, key, lambda: _promote_words(server, asked))


@router.post("/retrain", status_code=202, responses=errors(404, 413, 429), openapi_extra=sends(Retrain))
async def retrain(
    request: Request,
    server: ServerOf,
    asked: Annotated[Retrain, Depends(body_of(Retrain))],
    response: Response,
    key: Key = None,
) -> Begun:
    """Train on approved corrections, from the promoted run, and promote what comes of it only through the gate."""
    return await begin(request, response, "retrain", asked, key, lambda: _retrain_words(server, asked))


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


@router.get("/runs/{run}", responses=errors(404))
def run(server: ServerOf, run: str) -> Detail:
    """All that is known of a run: what it was made from, its losses, the gate's verdict. Every file of it is checked."""
    from assistant.commands.runs import show
    from assistant.render import plain

    view = show(server.app, run_id(server, run))
    return Detail(id=view.run.id, detail=plain(view))


def _promote_words(server: Server, asked: Promote) -> list[str]:
    note = _line(asked.note)
    if asked.force and not note:
        raise BadInput("force promotes a run that showed nothing.", "Say why in note: it is kept in the history.")
    words = ["promote", run_id(server, asked.run), f"--note={note}", "--limit", str(asked.limit)]
    words += ["--cases", file_of(server, asked.cases)] if asked.cases else []
    return [*words, *(["--force"] if asked.force else [])]


def _retrain_words(server: Server, asked: Retrain) -> list[str]:
    words = ["--epochs", str(asked.epochs)]
    return [*words, *(["--cases", file_of(server, asked.cases)] if asked.cases else [])]


def _line(note: str) -> str:
    """A note as one line of text."""
    from assistant.sanitize import clean

    return clean(note, newlines=False).strip()


def _step(step: Any) -> Step:
    fields = set(Step.model_fields) - {"when"}
    return Step(when=utc(step.when), **{name: getattr(step, name) for name in fields})
