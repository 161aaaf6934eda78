"""A chat at a terminal, its lines scripted and all that it shows kept as one transcript."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from assistant.app import App
from assistant.chat import Chat
from assistant.screen import Screen
from assistant.workspace import Home

Line = str | Callable[[], str]
"""What is typed; a function is called when its turn comes."""
TOOK = re.compile(r" · \d+(?:\.\d)? s$", re.MULTILINE)


class Scripted:
    """A prompt that types by itself, and shows what it types."""

    def __init__(self, lines: Sequence[Line], out: io.StringIO) -> None:
        self._lines, self._out = iter(lines), out
        self.interruptions = 0

    def ask(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            raise EOFError from None
        text = line() if callable(line) else line
        self._out.write(f"› {text}\n")
        return text

    def when_drawn(self, begin: Callable[[], None]) -> None:
        begin()

    def refresh(self) -> None: ...

    def interrupted(self) -> None:
        self.interruptions += 1


def app_at(home: Path, out: io.StringIO, **settings: str) -> App:
    """An app whose messages and results go to one transcript."""
    overrides = {name.replace("__", "."): value for name, value in settings.items()}
    return App(Home(home, "test"), overrides, Screen(out, out, {}))


def converse(home: Path, *lines: Line, app: App | None = None, **settings: str) -> str:
    """The transcript of a chat at a terminal; how long answers took is left out."""
    out = io.StringIO()
    if app is None:
        app = app_at(home, out, **settings)
    else:
        app.screen = Screen(out, out, {})
    chat = Chat(app, interactive=True, terminal=Scripted(lines, out))  # type: ignore[arg-type]
    assert chat.run() == 0
    return TOOK.sub("", out.getvalue())
