"""`dyag sessions`, `dyag export`, `dyag forget`: the conversations in the journal."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import BadUsage, Completes, command
from assistant.journal.values import Forgotten, Session
from retrieval.errors import NotFound

if TYPE_CHECKING:
    from assistant.app import App

OUTPUT = typer.Option("--output", "-o", help="Where to write; - for standard output.")


@dataclass(frozen=True)
class SessionsResult:
    """The conversations, the last used first."""

    sessions: tuple[Session, ...]


@dataclass(frozen=True)
class Transcript:
    """A session as text, for standard output."""

    session: int
    text: str


@dataclass(frozen=True)
class ExportedSession:
    """A session that was written to a file."""

    session: int
    turns: int
    format: str
    output: Path


@dataclass(frozen=True)
class ForgetResult:
    """What is gone from the journal."""

    forgotten: Forgotten
    declined: bool = False
    """Whether the user was asked and said no."""


@command(examples=("dyag sessions", "dyag sessions --limit 5 --json"))
def sessions(
    app: App, limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 20
) -> SessionsResult:
    """List the conversations: number, title or first question, turns, when it was last used."""
    return SessionsResult(tuple(app.journal.sessions(limit)))


@command(examples=("dyag export", "dyag export 3 --output session.md", "dyag export 3 --format jsonl -o session.jsonl"))
def export(
    app: App,
    session: Annotated[
        int | None, typer.Argument(help="Its number; none: the current one, else the latest."), Completes("session")
    ] = None,
    format: Annotated[Literal["markdown", "jsonl"], typer.Option(help="To read, or with everything.")] = "markdown",
    output: Annotated[Path, OUTPUT] = Path("-"),
) -> Transcript | ExportedSession | None:
    """Write a conversation to a file: questions, answers, sources and ratings.

    As jsonl, one object a turn with everything the journal holds: passages, scores, messages, settings, feedback.
    """
    from assistant.journal.transcript import markdown, records
    from assistant.output import save_rows, save_text

    found = _chosen(app, session)
    if format == "jsonl" and str(output) == "-":
        for record in records(app.journal, found):
            app.screen.json(record)
        return None
    if str(output) == "-":
        return Transcript(found.id, markdown(app.journal, found))
    if format == "jsonl":
        save_rows(output, list(records(app.journal, found)))
    else:
        save_text(output, markdown(app.journal, found))
    return ExportedSession(found.id, found.turns, format, output)


@command(
    in_chat=False,
    examples=(
        "dyag forget --session 3 --session 4",
        "dyag forget --before 2026-01-31",
        "dyag forget --after 2026-06-01 --before 2026-09-01 --yes",
        "dyag forget --all",
    ),
)
def forget(
    app: App,
    session: Annotated[
        list[int] | None,
        typer.Option("--session", metavar="NUMBER", help="This conversation; repeatable."),
        Completes("session"),
    ] = None,
    before: Annotated[
        str, typer.Option(metavar="DAY", help="What was said before this day, as YYYY-MM-DD; the day itself stays.")
    ] = "",
    after: Annotated[
        str, typer.Option(metavar="DAY", help="What was said after this day, as YYYY-MM-DD; the day itself stays.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every conversation.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> ForgetResult:
    """Delete conversations from the journal for good: questions, answers, ratings, corrections and what was typed.

    Several options together take what all of them name. Turns that stay in a conversation lose the messages that were
    sent to the model and the rewritten question, which may quote what goes. The file is rewritten, so that nothing of
    the text stays in it. data/finetuning/corrections.jsonl and regression.jsonl lose it too; datasets and files that
    were exported before are not touched.
    """
    if everything == bool(session or before or after):
        raise BadUsage("Say what to forget: --session, --before, --after, or --all alone.", "See `dyag forget --help`.")
    for number in session or ():
        app.journal.session(number)
    end, first = midnight(before, "--before"), midnight(after, "--after", days=1)
    if first is not None and end is not None and first >= end:
        raise BadUsage(f"No day is after {after} and before {before}.", "The earlier day goes with --after.")
    found = app.journal.would_forget(session, end, first)
    if found.turns + found.lines == 0:
        return ForgetResult(found)
    if not (yes or _confirmed(app, found)):
        return ForgetResult(Forgotten(0, 0, 0, 0), declined=True)
    gone = app.journal.forget(session, end, first)
    from assistant.feedback.corrections import refresh

    refresh(app)
    return ForgetResult(gone)


def _chosen(app: App, number: int | None) -> Session:
    """The session of this number, else the chat's own, else the latest. Raises NotFound."""
    talk = vars(app).get("conversation")  # only a chat has one
    if number is None and talk is not None:
        if not talk.exchanges or talk.session is None:
            raise NotFound("This conversation has no answer yet.", "/sessions lists the earlier ones.")
        number = talk.session
    found = app.journal.latest_session() if number is None else app.journal.session(number)
    if found is None:
        raise NotFound("There is no conversation yet.", "Ask something: dyag chat")
    return found


def midnight(day: str, option: str, days: int = 0) -> float | None:
    """The local midnight at which a day, or one some days later, begins; None for no day. Raises BadUsage."""
    if not day:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            raise ValueError("not YYYY-MM-DD")
        begins = date.fromisoformat(day) + timedelta(days)
        return datetime(begins.year, begins.month, begins.day).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise BadUsage(f"{option} {day} is not a day.", f"Write it as YYYY-MM-DD: {option} 2026-01-31") from error


def _confirmed(app: App, found: Forgotten) -> bool:
    """Whether the user, shown what will go, says yes. Raises BadUsage where nobody can be asked."""
    if not sys.stdin.isatty():
        raise BadUsage("Nobody can be asked here whether to delete that.", "Add --yes to delete without being asked.")
    app.screen.note(f"This deletes {amount(found)}, for good. Delete? [y/N]")
    return sys.stdin.readline().strip().casefold() in ("y", "yes", "o", "oui")


def amount(found: Forgotten) -> str:
    """`2 sessions, 7 turns, 1 rating, 9 lines of history`; sessions of which turns stay are not counted."""
    names = (("session", found.sessions), ("turn", found.turns), ("rating", found.ratings), ("typed line", found.lines))
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in names)
