"""What the routes of one server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from assistant.api.options import Options

if TYPE_CHECKING:
    from assistant.api.answers import Answers
    from assistant.app import App


@dataclass
class Server:
    """The workspace as it is served. `app` is used by many threads: what it hands out must bear that."""

    app: App
    options: Options
    answers: Answers


def server_of(request: Request) -> Server:
    """For `Annotated[Server, Depends(server_of)]`."""
    found: Server = request.app.state.server
    return found
