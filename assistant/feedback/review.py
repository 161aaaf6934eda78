"""Feedback shown one piece after the other, and what the reviewer says to each."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from assistant.command import BadUsage
from assistant.journal.store import Journal
from assistant.journal.values import Feedback, Status
from assistant.screen import Screen, bold, dim
from retrieval.errors import BadInput

_KEYS: dict[str, Status] = {"a": "approved", "r": "rejected"}
_CHOICE = "[a]pprove, [r]eject, with a note if you like (r too vague), [s]kip, [q]uit?"


def ask_one_by_one(journal: Journal, screen: Screen, found: Sequence[Feedback], reviewer: str) -> Counter[str]:
    """Ask about each; what was decided is kept at once. Returns how many were `approved`, how many `rejected`.

    Raises BadUsage where nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise BadUsage("Nobody can be asked here.", "Add --approve or --reject, with a number or --all-pending.")
    done: Counter[str] = Counter()
    for number, said in enumerate(found, 1):
        _show(journal, screen, said, f"{number}/{len(found)}")
        key, note = _choice(screen)
        if key == "q":
            break
        if key in _KEYS:
            done[_KEYS[key]] += _keep(journal, screen, said, _KEYS[key], reviewer, note)
    return done


def _keep(journal: Journal, screen: Screen, said: Feedback, status: Status, reviewer: str, note: str) -> bool:
    """Whether it could be decided: its author may have changed it meanwhile."""
    try:
        journal.review(said.interaction_id, said.author, status, reviewer, note, seen=said.updated)
    except BadInput as error:
        screen.error(error.message, error.hint)
        return False
    return True


def _show(journal: Journal, screen: Screen, said: Feedback, place: str) -> None:
    turn = journal.interaction(said.interaction_id)
    screen.note()
    screen.note(bold(f"{place}  {turn.question}"), dim(f"  answer {turn.id}, {turn.mode}, {turn.generator}"))
    screen.note(turn.answer)
    screen.note(bold(f"{said.author}: {said.rating or 'corrected'}"), f"  {said.reason}")
    if said.correction:
        screen.note(said.correction)


def _choice(screen: Screen) -> tuple[str, str]:
    """A key and the note after it; the end of the input quits."""
    while True:
        screen.note(_CHOICE)
        line = sys.stdin.readline()
        key, _, note = line.strip().partition(" ")
        if not line or key.casefold() in ("a", "r", "s", "q"):
            return key.casefold() or "q", note
