"""Which run answers in the modes finetuned and hybrid: `promoted.json`, replaced whole, with its history inside.

A promotion is put on top of the one before; a rollback takes it off again, and again, down to none at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from finetune.bases.files import is_folder
from finetune.runs.digests import keeping
from finetune.runs.store import Run, read_run
from retrieval.errors import BadInput, Busy, UserError
from retrieval.files import private_folder, write_private

POINTER = "promoted.json"
VERSION = 1
LOCK_SECONDS = 10.0
Check = Callable[[], object]
"""Raises a UserError for a run that cannot answer here: its files are torn, its base is missing or another."""


class NotPromoted(UserError):
    """The pointer cannot be read, or the run it names is gone."""


@dataclass(frozen=True)
class Promoted:
    """A run on the pile of those that were promoted."""

    id: str
    path: Path
    since: str
    """When it was promoted, as ISO 8601."""

    def run(self) -> Run:
        """Raises NotPromoted when its folder is gone, or holds another run by now."""
        hint = "`dyag rollback` goes back to the run before; `dyag promote RUN` takes another."
        if not is_folder(self.path):
            raise NotPromoted(f"The promoted run {self.id} is gone: there is no folder {self.path}.", hint)
        found = read_run(self.path)
        if found.id != self.id:
            message = (
                f"The promoted run {self.id} is gone: {self.path} holds the run {found.id}, which was not promoted."
            )
            raise NotPromoted(message, hint)
        return found

    @property
    def gone(self) -> bool:
        """Whether its folder is gone, or holds another run."""
        try:
            self.run()
        except NotPromoted:
            return True
        return False


@dataclass(frozen=True)
class Step:
    """One promotion or rollback."""

    when: str
    who: str
    action: Literal["promote", "rollback"]
    before: str
    """The run that answered; empty for none."""
    after: str
    note: str = ""
    forced: bool = False
    """Whether it was promoted although something spoke against it."""
    task: str = ""
    """What it was promoted for; empty for the modes finetuned and hybrid."""


@dataclass(frozen=True)
class Promotions:
    """The pointer of a models folder."""

    models: Path

    @property
    def path(self) -> Path:
        return self.models / POINTER

    def current(self) -> Promoted | None:
        """What is promoted; None for nothing. Reads one small file. Raises NotPromoted when it is damaged."""
        pile, _ = self._read()
        return pile[-1] if pile else None

    def history(self) -> list[Step]:
        """Every promotion and rollback, the first one first. Raises NotPromoted."""
        return self._read()[1]

    def promote(
        self, run: Run, who: str, note: str = "", *, check: Check, forced: bool = False, over: str | None = None
    ) -> Step:
        """Let a run answer, when `check` does not object. Raises what it does.

        The promoted one stays; of it only a note is kept. The step says since when it is promoted. `over` is the run it was
        held against (empty: none was promoted), which must still be the promoted one: else Busy is raised.
        """
        check()
        with self._changing():
            pile, history = self._read()
            if pile and pile[-1].id == run.id:
                if note:
                    self._write(pile, [*history, Step(_now(), who, "promote", run.id, run.id, note)])
                return Step(pile[-1].since, who, "promote", run.id, run.id, note)
            if over is not None and over != _id(pile):
                held, now = over or "its base", _id(pile) or "none"
                message = (
                    f"What is promoted has changed meanwhile: {run.id} was held against {held}, and now it is {now}."
                )
                raise Busy(message, "Promote again: what was measured is not asked again.")
            step = Step(_now(), who, "promote", _id(pile), run.id, note, forced)
            self._write([*pile, Promoted(run.id, run.path, step.when)], [*history, step])
        return step

    def keep_task(self, task: str, before: str, after: str, who: str, note: str = "", *, forced: bool = False) -> Step:
        """Add to the history that a task was given another model; the pile of the promoted stays. Raises NotPromoted."""
        with self._changing():
            pile, history = self._read()
            step = Step(_now(), who, "promote", before, after, note, forced, task)
            self._write(pile, [*history, step])
        return step

    def rollback(self, who: str, note: str = "") -> Step:
        """Go back to what answered before; runs that are gone since are passed over. Raises BadInput when none is promoted."""
        with self._changing():
            pile, history = self._read()
            if not pile:
                raise BadInput(
                    "No run is promoted: there is nothing to go back from.", "Promote one: dyag promote RUN."
                )
            before = _id(pile)
            pile = pile[:-1]
            while pile and pile[-1].gone:
                pile = pile[:-1]
            step = Step(_now(), who, "rollback", before, _id(pile), note)
            self._write(pile, [*history, step])
        return step

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time. Raises Busy, NoAccess, NoSpace."""
        import filelock

        private_folder(self.models)
        try:
            with keeping(self.models), filelock.FileLock(self.models / f".{POINTER}.lock", LOCK_SECONDS, mode=0o600):
                yield
        except filelock.Timeout:
            raise Busy("Another dyag is promoting a run.", "Try again in a moment.") from None

    def _read(self) -> tuple[list[Promoted], list[Step]]:
        if not self.path.is_file():
            return [], []
        try:
            data = json.loads(self.path.read_bytes())
            return [self._promoted(p) for p in data["pile"]], [Step(**step) for step in data["history"]]
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            hint = "Restore it from a copy, or move it away and promote a run again: dyag promote RUN."
            raise NotPromoted(f"{self.path}, which names the promoted run, cannot be read.", hint) from error

    def _promoted(self, data: Mapping[str, Any]) -> Promoted:
        """A path within the models folder is kept relative to it, so that a workspace can be moved."""
        return Promoted(str(data["id"]), self.models / str(data["path"]), str(data["since"]))

    def _write(self, pile: list[Promoted], history: list[Step]) -> None:
        piled = [{"id": p.id, "path": self._shortened(p.path), "since": p.since} for p in pile]
        data = {"version": VERSION, "pile": piled, "history": [asdict(step) for step in history]}
        write_private(self.path, f"{json.dumps(data, ensure_ascii=False, indent=1)}\n".encode("utf-8", "replace"))

    def _shortened(self, path: Path) -> str:
        inside = path.is_relative_to(self.models)
        return path.relative_to(self.models).as_posix() if inside else str(path.absolute())


def _id(pile: list[Promoted]) -> str:
    return pile[-1].id if pile else ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
