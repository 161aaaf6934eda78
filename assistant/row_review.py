"""Rows of a dataset shown one after the other at a terminal, and what the reviewer says to each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assistant.command import BadUsage
from assistant.screen import Screen, bold, dim
from assistant.terminal.editor import EditorFailed, edit
from finetune.formats.contexts import documents_of
from finetune.formats.row import Row
from finetune.review import Decision, Decisions, edited, hash_of, parts_of, unknown_citations

_CHOICE = "[a]ccept, [e]dit, [r]eject (r too vague), [s]kip, [b]ack, [f]ull, [q]uit?"
_SHOWN = 280
"""Characters of a passage that are shown."""
_LONG = 1200
"""Characters of an answer that are shown."""
_MARK = "=== {} (leave this line as it is) ==="


@dataclass
class RowReview:
    """One sitting: rows in order, decisions kept as they are made."""

    screen: Screen
    decisions: Decisions
    reviewer: str

    def ask(self, rows: Sequence[Row]) -> None:
        """Ask about each that is not decided; ends at the end of the input. Raises BadUsage where nobody can be asked."""
        waiting = [number for number, row in enumerate(rows) if self.decisions.of(row) is None]
        if not waiting:
            return
        if not sys.stdin.isatty():
            raise BadUsage(
                "Nobody can be asked here.",
                "Run it at a terminal. `dyag dataset review FILE --apply` writes what is decided, and needs none.",
            )
        if len(waiting) < len(rows):
            self.screen.note(f"{len(rows) - len(waiting)} of {len(rows)} are decided already; the others follow.")
        order, at = waiting, 0
        while 0 <= at < len(order):
            step = self._one(rows[order[at]], f"{order[at] + 1}/{len(rows)}")
            if step == 0:
                return
            if at + step < 0:
                self._before(order, at)
            at = max(0, at + step)

    def _before(self, order: list[int], at: int) -> None:
        """Back from the first row that waited: to the one before it, decided in another sitting."""
        if order[at] > 0:
            order.insert(0, order[at] - 1)
        else:
            self.screen.note("This is the first row.")

    def _one(self, row: Row, place: str) -> int:
        """Show a row and ask until there is a decision: 1 goes on, -1 goes back, 0 ends."""
        self._show(row, place)
        while True:
            self.screen.note(_CHOICE)
            line = sys.stdin.readline()
            key, _, rest = line.strip().partition(" ")
            key = key.casefold()
            if not line or key in ("q", "quit"):
                return 0
            if key in ("s", "skip", "b", "back"):
                return 1 if key.startswith("s") else -1
            if key in ("f", "full"):
                self._show(row, place, full=True)
            elif key in ("a", "accept"):
                return self._keep(Decision(_name(row), hash_of(row), "accepted"))
            elif key in ("r", "reject"):
                return self._keep(Decision(_name(row), hash_of(row), "rejected", rest.strip() or self._reason()))
            elif key in ("e", "edit") and (made := self._edited(row)) is not None:
                return self._keep(made)

    def _reason(self) -> str:
        self.screen.note("Why? (Enter: no reason)")
        return sys.stdin.readline().strip()

    def _keep(self, made: Decision) -> int:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self.decisions.keep(Decision(**{**vars(made), "by": self.reviewer, "at": now}))
        return 1

    def _edited(self, row: Row) -> Decision | None:
        """What the editor leaves; None when that is no other row, which is said."""
        parts, before = parts_of(row), self.decisions.of(row)
        begun = {**parts, **(before.edits or {})} if before and before.hash == hash_of(row) else parts
        try:
            text = edit(_joined(begun))
        except EditorFailed as error:
            self.screen.error(error.message, error.hint)
            return None
        said = _split(text, parts) if text is not None else begun
        if said is None or not all(said.values()):
            self.screen.note("A line between the texts is gone, or a text is empty: nothing is changed. Edit it again.")
            return None
        changes = {name: part for name, part in said.items() if part != parts[name].strip()}
        if not changes:
            self.screen.note("Nothing is changed.")
            return None
        for tag in unknown_citations(row, said["answer"]):
            self.screen.note(f"The answer cites {tag}, which the row does not know.")
        new = edited(row, changes)
        for part in changes.values():
            self.screen.note(bold("edited: "), _short(part, _LONG))
        return Decision(_name(row), hash_of(row), "edited", edits=changes, becomes=hash_of(new))

    def _show(self, row: Row, place: str, *, full: bool = False) -> None:
        known = [str(row.metadata[key]) for key in ("type", "lang", "form") if row.metadata.get(key)]
        where = f"line {row.line}"
        self.screen.note()
        self.screen.note(bold(f"{place}  {_flat(row.question)}"), dim(f"  {', '.join([*known, where])}"))
        longest = 10**6 if full else _LONG
        self.screen.note(_short(row.answer, longest))
        if row.kind == "dpo":
            self.screen.note(dim("rejected: "), _short(row.rejected, longest))
        for name, said in _sources(row):
            self.screen.note(dim(f"{name}: "), said)
        for name, passage in _passages(row, full=full):
            self.screen.note(dim(f"{name}: "), passage if full else _flat(passage))
        if full:
            self.screen.note(dim("system: "), row.system or "none")
        if before := self.decisions.of(row):
            parts = [before.reason, *(before.edits or {}).values()]
            self.screen.note(bold(f"{before.decision} before"), *(f": {_flat(part)}" for part in parts if part))


def _sources(row: Row) -> Iterable[tuple[str, str]]:
    quote = row.metadata.get("quote")
    if isinstance(quote, str) and quote:
        yield "quote", _flat(quote)
    if row.gold or row.documents:
        yield "from", ", ".join([*row.gold, *row.documents])


def _passages(row: Row, *, full: bool) -> Iterable[tuple[str, str]]:
    """The passages in the prompt: those that the answer rests on first, the others by name only."""
    held = documents_of(row.prompt)
    for name, text in held:
        if full or not row.gold or name in row.gold:
            yield f"[{name}]", text if full else _short(text, _SHOWN)
    others = [name for name, _ in held if row.gold and name not in row.gold]
    if others and not full:
        yield "beside them", ", ".join(others)


def _name(row: Row) -> str:
    return str(row.metadata.get("id", ""))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest].rstrip()}…"


def _joined(parts: Mapping[str, str]) -> str:
    """The texts as they are put into the editor, a line with its name before each."""
    return "".join(f"{_MARK.format(name)}\n{text.strip()}\n\n" for name, text in parts.items())


def _split(text: str, parts: Mapping[str, str]) -> dict[str, str] | None:
    """The texts an editor leaves; None when a line between them is gone."""
    marks = [_MARK.format(name) for name in parts]
    lines = text.split("\n")
    places = [[at for at, line in enumerate(lines) if line.strip() == mark] for mark in marks]
    if any(len(found) != 1 for found in places) or sorted(places) != places:
        return None
    starts = [found[0] for found in places]
    ends = [*starts[1:], len(lines)]
    return {name: "\n".join(lines[a + 1 : b]).strip() for name, a, b in zip(parts, starts, ends, strict=True)}
