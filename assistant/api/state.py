"""What the routes of one server share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fastapi import Request

from assistant.api.options import Options
from assistant.api.warming import Warming

if TYPE_CHECKING:
    from assistant.api.answers import Answers
    from assistant.app import App


@dataclass
class Server:
    """The workspace as it is served. `app` is used by many threads: what it hands out must bear that."""

    app: App
    options: Options
    answers: Answers
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the server is told to stop: a stream that would never end by itself ends then."""

    @cached_property
    def warming(self) -> Warming:
        """What the first question needs, being loaded."""
        return Warming(self.answers.warm)


def server_of(request: Request) -> Server:
    """For `Annotated[Server, Depends(server_of)]`."""
    found: Server = request.app.state.server
    return found
