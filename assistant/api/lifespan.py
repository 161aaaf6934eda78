"""What begins and what ends with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from assistant.api.access_log import say
from assistant.api.background import background

if TYPE_CHECKING:
    from fastapi import FastAPI

    from assistant.api.state import Server

_PATIENCE = 30.0
"""Seconds that loading, which cannot be broken off, is waited for at the end."""


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Load behind the first requests; at the end close what is open. Jobs are processes of their own and go on."""
    server: Server = api.state.server
    server.warming.begin()
    try:
        with background(server, api.state.jobs):
            yield
    finally:
        server.stopping.set()
        await asyncio.to_thread(_close, server)


def _close(server: Server) -> None:
    server.warming.stop(_PATIENCE)
    server.answers.close()
    server.app.jobs.close()
    server.app.journal.close()
    say("stopped")
