"""The one place where the API is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from assistant import __version__
from assistant.api import (
    embeddings,
    errors,
    feedback,
    finetune,
    health,
    lifespan,
    metrics,
    observe,
    openai_chat,
    openai_models,
    search,
)
from assistant.api.access_log import log_exchange
from assistant.api.guard import Guard
from assistant.api.state import Server

if TYPE_CHECKING:
    from assistant.api.options import Options
    from assistant.app import App


def create(app: App, options: Options) -> FastAPI:
    """The ASGI application of a workspace. Nothing is loaded before its lifespan begins."""
    from assistant.api.answers import Answers

    api = FastAPI(
        title="dyag",
        version=__version__,
        summary="A team's own documents, asked, rated and learnt from.",
        lifespan=lifespan.lifespan,
        docs_url=None,  # FastAPI's pages fetch their scripts from another host; /openapi.json needs none
        redoc_url=None,
    )
    api.state.server = Server(app, options, Answers(app, options))
    api.state.metrics = metrics.Metrics(app)
    errors.install(api)
    for part in (health, metrics, openai_chat, openai_models, embeddings, search, feedback):
        api.include_router(part.router)
    finetune.install(api, api.state.server)
    api.add_middleware(errors.Bugs, home=app.home)
    api.add_middleware(Guard, options=options)  # outside the router; only what records requests is further out
    # The outermost, so that refusals are seen too.
    api.add_middleware(observe.Observed, tell=[api.state.metrics.tell, log_exchange])
    return api
