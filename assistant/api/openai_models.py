"""`GET /v1/models`: the three modes as models, whether or not each has something to answer with yet."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from assistant.api import errors
from assistant.api.depends import ServerOf
from assistant.api.openai_shapes import MODELS, faults
from assistant.api.pipelines import Pipelines
from assistant.api.state import Server
from assistant.modes import mode_named
from retrieval.errors import UserError

router = APIRouter(prefix="/v1/models", tags=["chat"])


class Behind(BaseModel):
    """What answers under the name of a model."""

    generator: str = Field(description="As provider:model; empty for nothing.")
    available: bool
    why: str = Field(description="Why it is not.")
    summary: str


class Model(BaseModel):
    """One of the models that can be named."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When the documents last changed; 0 when there are none.")
    owned_by: Literal["dyag"] = "dyag"
    dyag: Behind


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("", responses=faults())
async def models(server: ServerOf) -> Models:
    """The models that questions can be sent to."""
    return await server.answers.quick(lambda: Models(data=[_model(server, name) for name in MODELS]))


@router.get("/{model}", response_model=Model, responses=faults(404))
async def model(request: Request, server: ServerOf, model: str) -> Any:
    """One of them."""
    if model not in MODELS:
        return errors.answer(request, 404, f"There is no model {model}.", f"There are {', '.join(MODELS)}.", "model")
    return await server.answers.quick(lambda: _model(server, model))


def _model(server: Server, name: str) -> Model:
    library = server.app.home.library
    created = int(library.stat().st_mtime) if library.is_file() else 0
    return Model(id=name, created=created, dyag=_behind(server.answers.pipelines, MODELS[name]))


def _behind(pipelines: Pipelines, mode_name: str) -> Behind:
    mode = mode_named(mode_name)
    try:
        generator, why = pipelines.shown(mode), ""
    except UserError as error:
        generator, why = "", f"{error.message} {error.hint}"
    return Behind(generator=generator, available=not why, why=why, summary=mode.summary)
