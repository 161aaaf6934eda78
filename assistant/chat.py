"""The chat loop: read a line, run a command or answer a question, go on whatever happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assistant.command import commands, run_slash
from assistant.commands.ask import ask_view
from assistant.screen import bold, dim
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App

PROMPT = "› "
NOT_HERE = ("chat",)


def run(app: App) -> None:
    """Chat until the input ends or /quit."""
    interactive = sys.stdin.isatty()
    if interactive:
        _welcome(app)
    for line in _lines(interactive):
        text = line.strip()
        if text in ("/quit", "/exit", "/q"):
            break
        if text:
            _turn(app, text, interactive)


def _welcome(app: App) -> None:
    chunks = app.library.count_chunks()
    app.screen.out(bold("dyag"), dim(f"  {chunks} chunks indexed · /help for commands · Ctrl-D to leave"))


def _lines(interactive: bool) -> Iterator[str]:
    if not interactive:
        yield from (raw.decode("utf-8", "replace") for raw in sys.stdin.buffer)
        return
    import readline  # noqa: F401  (gives input() line editing and history)

    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()


def _turn(app: App, text: str, interactive: bool) -> None:
    try:
        if text in ("/help", "/?"):
            _help(app)
        elif text.startswith("/"):
            run_slash(app, text)
        else:
            if not interactive:
                app.screen.out(bold(f"{PROMPT}{text}"))
            _answer(app, text)
    except UserError as error:
        app.screen.error(error.message, error.hint)
    except KeyboardInterrupt:
        app.screen.note("interrupted")
    app.screen.flush()


def _answer(app: App, question: str) -> None:
    from assistant.answer import Done
    from assistant.render import render

    for event in app.answerer.answer(question, app.settings.search.top_k, language=app.language()):
        if isinstance(event, Done):
            render(ask_view(event.answer), app.screen)
            app.screen.out()


def _help(app: App) -> None:
    rows = [(f"/{name}", c.summary) for name, c in commands().items() if name not in NOT_HERE and name == c.name]
    app.screen.table(("command", ""), [*rows, ("/quit", "Leave the chat.")])
