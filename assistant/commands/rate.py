"""The slash-commands that rate an answer: good, bad, and what it should have been."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import Completes, command
from assistant.commands.talk import ANSWER, Said
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from retrieval.types import Answer

_NOTE = re.compile(r"\A\s*<!--.*?-->\s*", re.DOTALL)


@dataclass(frozen=True)
class Rated:
    """A rating or correction that is in the journal."""

    answer: int
    rating: Literal["good", "bad", ""]
    reason: str
    correction: str
    unknown: tuple[int, ...] = ()
    """Chunks the correction cites that were not among the answer's passages."""


@command(on_cli=False, examples=("/good", "/good 12"))
def good(app: App, answer: ANSWER = None) -> Rated:
    """Rate an answer as good; after a review it may train."""
    talk = app.conversation
    kept = app.journal.rate(talk.rated(answer), talk.author, "good")
    return Rated(kept.interaction_id, "good", "", kept.correction)


@command(on_cli=False, examples=("/bad", "/bad the port is wrong", "/bad 12 the port is wrong"))
def bad(
    app: App,
    reason: Annotated[
        str, typer.Argument(help="What is wrong; an answer's number may come first."), Completes("answer")
    ] = "",
) -> Rated:
    """Rate an answer as bad, and say why; /fix says what it should have been."""
    number, reason = numbered(app, reason)
    talk = app.conversation
    number = talk.rated(number)
    before = app.journal.feedback(interaction_id=number, author=talk.author, rating="bad")
    reason = reason or next((feedback.reason for feedback in before), "")  # a bare /bad takes back no reason
    kept = app.journal.rate(number, talk.author, "bad", reason)
    return Rated(kept.interaction_id, "bad", kept.reason, kept.correction)


@command(on_cli=False, examples=("/fix", "/fix 12", "/fix PostgreSQL listens on port 5432 [chunk_271]."))
def fix(
    app: App,
    text: Annotated[str, typer.Argument(help="The right answer; none opens the editor."), Completes("answer")] = "",
) -> Rated | Said:
    """Correct an answer: opens it in your editor, or takes the text; the correction may train after a review."""
    number, text = numbered(app, text)
    talk = app.conversation
    number = talk.rated(number)
    found = talk.answer(number).answer
    correction = with_own_ids(text or _edited(found), found)
    if not correction or correction == found.answer:
        return Said("Nothing was changed; no correction is kept.")
    kept = app.journal.correct(number, talk.author, correction)
    return Rated(number, kept.rating, kept.reason, kept.correction, unknown_ids(correction, found))


def numbered(app: App, text: str) -> tuple[int | None, str]:
    """`12 the port is wrong` as 12 and the rest, where this conversation has an answer 12."""
    first, _, rest = text.strip().partition(" ")
    if first.isdecimal() and len(first) < 19 and (not rest or app.conversation.has(int(first))):
        return int(first), rest.strip()
    return None, text.strip()


def with_own_ids(text: str, answer: Answer) -> str:
    """The text with passages cited by the id of their own file (`chunk_383`) cited as the library numbers them."""
    known = {p.chunk_id for p in answer.passages}
    given = {p.external_id: p.chunk_id for p in answer.passages if p.external_id}

    def cited(match: re.Match[str]) -> str:
        own = given.get(f"chunk_{match[1]}")
        return match[0] if own is None or int(match[1]) in known else f"[chunk_{own}]"

    return re.sub(r"\[chunk_(\d{1,18})\]", cited, text)


def unknown_ids(text: str, answer: Answer) -> tuple[int, ...]:
    """Chunks a text cites that the answer's passages do not hold."""
    known = {p.chunk_id for p in answer.passages}
    return tuple(sorted({int(i) for i in re.findall(r"\[chunk_(\d{1,18})\]", text)} - known))


def _edited(answer: Answer) -> str:
    """The answer as the user's editor leaves it; empty when unchanged."""
    if not sys.stdin.isatty():
        raise BadInput("There is no terminal to open an editor in.", "Write it on the line: /fix The right answer.")
    from assistant.terminal.editor import edit

    question = answer.question.replace("-->", "→")
    note = f"<!-- {question}\n     Correct the answer below, keep or mend its [chunk_N], save and quit. -->\n\n"
    edited = edit(f"{note}{answer.answer}\n")
    return _NOTE.sub("", edited).strip() if edited is not None else ""
