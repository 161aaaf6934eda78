"""Answers for many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.api.options import Options
    from assistant.app import App


class Answers:
    """The pipelines of a workspace's three modes, for any number of threads."""

    def __init__(self, app: App, options: Options) -> None:
        self.app, self.options = app, options
