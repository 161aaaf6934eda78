"""`/healthz`: the process lives. `/readyz`: it can answer a question, else what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from assistant.api.state import Server, server_of
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """That the server runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether questions can be answered, part by part; a part is `ok` or says in a few words what it lacks."""

    status: Literal["ready", "not ready"]
    index: str
    journal: str
    model: str


@router.get("/healthz")
async def healthz() -> Health:
    """The server runs; nothing else is looked at."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Something is missing."}})
def readyz(server: Annotated[Server, Depends(server_of)], response: Response) -> Readiness:
    """Whether questions can be answered, and what is missing. Public, so it names no path."""
    parts = {"index": _index(server.app), "journal": _journal(server.app), "model": _model(server)}
    ready = all(said == "ok" for said in parts.values()) and not server.stopping.is_set()
    response.status_code = 200 if ready else 503
    return Readiness(status="ready" if ready else "not ready", **parts)


def _index(app: App) -> str:
    from retrieval.generation import Damaged, current_name, read_manifest

    name = current_name(app.home.index)
    if name is None:
        return "nothing is indexed"
    try:
        read_manifest(app.home.index, name)
    except Damaged:
        return "damaged"
    return "ok"


def _journal(app: App) -> str:
    try:
        app.journal.read("SELECT 1")
    except UserError:
        return "cannot be read"
    return "ok"


def _model(server: Server) -> str:
    state = server.warming.state()
    return "ok" if state == "ready" else state
