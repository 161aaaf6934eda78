"""A session to read again elsewhere: as Markdown, or as one object a turn with everything the journal holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assistant.journal.values import Feedback, Interaction, Session

if TYPE_CHECKING:
    from assistant.journal.store import Journal


def records(journal: Journal, session: Session) -> Iterator[Mapping[str, Any]]:
    """Every turn with its feedback, oldest first."""
    for turn in journal.turns(session.id):
        said = journal.feedback(interaction_id=turn.id)
        yield {**dataclasses.asdict(turn), "title": session.title, "feedback": [dataclasses.asdict(f) for f in said]}


def markdown(journal: Journal, session: Session) -> str:
    """The whole session."""
    count = f"{session.turns} question{'s' * (session.turns > 1)}"
    parts = [f"# {_line(session.name)}", f"Session {session.id} · {when(session.created)} · {count}"]
    for turn in journal.turns(session.id):
        parts += _turn(turn, journal.feedback(interaction_id=turn.id))
    return "\n\n".join(parts) + "\n"


def _turn(turn: Interaction, feedback: Sequence[Feedback]) -> Iterator[str]:
    yield f"## {_line(turn.question)}"
    yield f"Answer {turn.id} · {when(turn.created)} · {turn.mode}, {turn.generator}"
    if turn.searched:
        yield f"Searched: {_line(turn.searched)}"
    yield turn.answer.strip()
    if turn.partial:
        yield f"Not finished: {_line(turn.partial)}"
    if turn.citations:
        yield "\n".join(["Sources:", "", *_sources(turn)])
    for said in feedback:
        yield _opinion(said)


def _sources(turn: Interaction) -> Iterator[str]:
    titles = {p.chunk_id: p.title for p in turn.passages}
    for c in turn.citations:
        doubt = "" if c.supported else " (weak support)"
        yield f"- [chunk_{c.chunk_id}] {_line(titles.get(c.chunk_id, ''))} — {_line(c.document)}{doubt}"


def _opinion(said: Feedback) -> str:
    words = f"**{said.rating or 'corrected'}** ({said.author}, {said.status})"
    lines = [f"{words}: {_line(said.reason)}" if said.reason else words]
    if said.correction:
        lines += ["", *(f"> {line}".rstrip() for line in said.correction.splitlines())]
    return "\n".join(lines)


def when(moment: float) -> str:
    """A time as people here write it: `2026-11-21 14:05`."""
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")


def _line(text: str) -> str:
    return " ".join(text.split())
