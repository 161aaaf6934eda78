"""The slash-commands of a conversation: its session, its last answer, the generator and mode that answer."""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import Completes, chat_commands, command, slashed
from retrieval.errors import BadInput, GeneratorFailed, NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.commands.config import ConfigView

ANSWER = Annotated[int | None, typer.Argument(help="The answer's number; default: the last one."), Completes("answer")]


@dataclass(frozen=True)
class ChatHelp:
    """What can be typed after a slash, and what it does."""

    commands: dict[str, str]
    usage: dict[str, str]
    """Name to name and arguments."""


@dataclass(frozen=True)
class Said:
    """A short confirmation."""

    message: str


@dataclass(frozen=True)
class Choice:
    """One thing that can be chosen, such as a mode."""

    name: str
    about: str
    current: bool


@dataclass(frozen=True)
class Choices:
    """What can be chosen, and what is."""

    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class SourceRow:
    """A passage of an answer."""

    chunk_id: int
    title: str
    document: str
    score: float
    cited: bool
    supported: bool


@dataclass(frozen=True)
class SourcesResult:
    """The passages an answer rests on."""

    answer: int | None
    question: str
    sources: tuple[SourceRow, ...]


@dataclass(frozen=True)
class Resumed:
    """The conversation that goes on."""

    session: int
    turns: int
    name: str
    question: str
    """The last one."""
    answer: str


class Leave(Exception):
    """The chat is to end."""


@command("help", aliases=("?",), on_cli=False, examples=("/help", "/help search"))
def help_(
    app: App, name: Annotated[str, typer.Argument(help="A command."), Completes("command")] = ""
) -> ChatHelp | int:
    """List the commands, or show the help of one."""
    from assistant.command import parse_slash

    if name:
        with redirect_stdout(StringIO()) as said:
            parse_slash(f"/{name.removeprefix('/')} --help")
        app.screen.out(slashed(said.getvalue()), end="")
        return 0
    known = {name: found for name, found in chat_commands().items() if name == found.name}
    summaries = {f"/{name}": found.summary for name, found in known.items()}
    return ChatHelp(summaries, {f"/{name}": f"/{found.usage}" for name, found in known.items()})


@command("quit", aliases=("exit", "q"), on_cli=False)
def quit_(app: App) -> None:
    """Leave the chat; Ctrl-D does the same."""
    raise Leave


@command(on_cli=False)
def new(app: App, title: Annotated[str, typer.Argument(help="Its title; default: its first question.")] = "") -> Said:
    """Begin a new conversation; the one before stays in the journal."""
    app.conversation.new()
    if title:
        app.conversation.rename(title)
    return Said("A new conversation.")


@command(on_cli=False, examples=("/resume", "/resume 3"))
def resume(
    app: App,
    session: Annotated[
        int | None, typer.Argument(help="Its number; default: the last one."), Completes("session")
    ] = None,
) -> Resumed:
    """Go on with an earlier conversation; /sessions lists them."""
    number = session if session is not None else latest_session(app)
    app.conversation.resume(number)
    return resumed(app)


@command(on_cli=False, examples=("/title Ports of the mail servers",))
def title(app: App, title: Annotated[str, typer.Argument(help="The title.")]) -> Said:
    """Give this conversation a title."""
    if not title.strip():
        raise BadInput("The title is empty.", "/title Ports of the mail servers")
    app.conversation.rename(title.strip())
    return Said(f"Title: {title.strip()}")


@command(on_cli=False, examples=("/sources", "/sources 12"))
def sources(app: App, answer: ANSWER = None) -> SourcesResult:
    """List the passages an answer rests on, the cited ones marked; /source N opens one with its neighbours."""
    exchange = app.conversation.answer(answer)
    found = exchange.answer
    cited = {c.chunk_id: c.supported for c in found.citations}
    rows = (
        SourceRow(p.chunk_id, p.title, p.document, round(p.score, 3), p.chunk_id in cited, cited.get(p.chunk_id, False))
        for p in found.passages
    )
    return SourcesResult(exchange.number, found.question, tuple(rows))


@command(on_cli=False, examples=("/model", "/model ollama:qwen2.5:1.5b", "/model extractive"))
def model(
    app: App,
    name: Annotated[str, typer.Argument(help="provider:model; none shows which answers."), Completes("model")] = "",
) -> Said:
    """Show or switch the generator that answers, until the chat ends."""
    before = app.settings.answer
    setting = "answer.finetuned_model" if before.mode != "rag" else "answer.generator"
    if name:
        app.change(setting, name)
        _doubt(app)
    reason = f" ({app.generator.reason})" if app.generator.reason else ""
    return Said(f"{app.generator.name} answers{reason}.")


@command(on_cli=False, examples=("/mode", "/mode hybrid"))
def mode(
    app: App, name: Annotated[str, typer.Argument(help="rag, finetuned or hybrid."), Completes("mode")] = ""
) -> Choices:
    """Show or switch the mode, until the chat ends: search, fine-tuned model, or both."""
    from assistant.modes import MODES, mode_named

    if name:
        app.change("answer.mode", mode_named(name).name)
    current = app.settings.answer.mode
    return Choices(tuple(Choice(m.name, m.summary, m.name == current) for m in MODES.values()))


@command("set", on_cli=False, examples=("/set search.top_k 5", "/set model.temperature 0.7", "/set"))
def set_(
    app: App,
    key: Annotated[str, typer.Argument(help="A setting, such as search.top_k."), Completes("setting")] = "",
    value: Annotated[str, typer.Argument(help="Its new value; none shows the one it has."), Completes("value")] = "",
) -> ConfigView:
    """Show settings, or change one until the chat ends; dyag.toml keeps a change."""
    from assistant.commands.config import config

    if key and value:
        app.change(key, value)
    return config(app, key)


@command(on_cli=False)
def copy(app: App, answer: ANSWER = None) -> Said:
    """Copy an answer to the clipboard."""
    from assistant.terminal.clipboard import copy as copied

    return Said(copied(app.conversation.answer(answer).answer.answer, app.screen))


@command(on_cli=False)
def clear(app: App) -> None:
    """Clear the screen; the conversation goes on."""
    app.screen.clear()


def _doubt(app: App) -> None:
    """Say it, when the server of a model cannot be asked or does not list the model; some serve more than they list."""
    offers = getattr(getattr(app.generator, "model", None), "models", None)
    if offers is None:
        return
    app.screen.waiting(f"asking for {app.generator.name} …")
    try:
        offered = offers()
    except GeneratorFailed as fault:
        app.screen.error(fault.message, fault.hint)
        return
    own = app.generator.name.partition(":")[2].partition("@")[0]
    if offered and own not in offered:
        shown = ", ".join(offered[:8]) + (" …" if len(offered) > 8 else "")
        app.screen.note(f"The server does not list {own}; it lists {shown}.")


def latest_session(app: App) -> int:
    """Raises NotFound when the journal has none."""
    found = app.journal.latest_session()
    if found is None:
        raise NotFound("There is no conversation to resume.", "Ask something first.")
    return found.id


def resumed(app: App) -> Resumed:
    """Where the conversation stands."""
    assert app.conversation.session is not None
    found, last = app.journal.session(app.conversation.session), app.conversation.last.answer
    return Resumed(found.id, found.turns, found.name, last.question, last.answer)
