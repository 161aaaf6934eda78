"""`dyag chat`: ask in a loop; a line that begins with a slash is a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import command

if TYPE_CHECKING:
    from assistant.app import App


@command(
    examples=(
        "dyag chat",
        "dyag chat --mode hybrid",
        "printf 'Qui a créé Redis ?\\n' | dyag chat",
        "dyag chat --json < questions.txt",
    ),
    in_chat=False,
)
def chat(
    app: App,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last conversation.")] = False,
    session: Annotated[int | None, typer.Option("--session", help="Go on with this one; see `dyag sessions`.")] = None,
    finetuned_model: Annotated[
        str, typer.Option("--finetuned-model", metavar="PROVIDER:MODEL", help="Use hybrid mode with this model.")
    ] = "",
    mode: Annotated[
        Literal["rag", "finetuned", "hybrid"] | None, typer.Option("--mode", help="What answers; default answer.mode.")
    ] = None,
    as_json: bool = False,
) -> int:
    """Ask questions one after the other; /help lists the commands, Ctrl-D leaves.

    With standard input not a terminal it answers one question a line and exits: with 0 when at least one was answered,
    3 when none was and at least one was refused, 1 when every one failed, 130 when interrupted. Commands count only
    where there is no question. With --json each line gives one JSON object, as in `dyag ask --batch`.
    """
    from assistant.chat import Chat
    from assistant.commands.talk import latest_session, resumed
    from assistant.render import show

    if finetuned_model:
        own = finetuned_model.startswith("ft:")  # a model of OpenAI's fine-tuning, as its own name
        app.change("answer.finetuned_model", f"openai:{finetuned_model}" if own else finetuned_model)
    if mode or finetuned_model:
        app.change("answer.mode", mode or "hybrid")
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if resume or session is not None:
        app.conversation.resume(latest_session(app) if session is None else session)
        if interactive:
            show(resumed(app), app.screen)
    return Chat(app, interactive, as_json).run()
