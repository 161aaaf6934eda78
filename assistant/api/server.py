"""The one place where the API is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from assistant import __version__
from assistant.api import errors
from assistant.api.state import Server

if TYPE_CHECKING:
    from assistant.api.options import Options
    from assistant.app import App


def create(app: App, options: Options) -> FastAPI:
    """The ASGI application of a workspace. Nothing is loaded before its lifespan begins."""
    from assistant.api.answers import Answers

    api = FastAPI(title="dyag", version=__version__, summary="A team's own documents, asked, rated and learnt from.")
    api.state.server = Server(app, options, Answers(app, options))
    errors.install(api, app)
    return api
