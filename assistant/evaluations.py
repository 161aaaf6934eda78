"""The evaluations of a workspace: a folder each, its identity written first, its results last.

data/evaluations/eval_20261104_153012_a1f3/
    identity.json   what is measured
    log.jsonl       the answers so far
    results.json    everything, once every case was asked; report.md and report.html show it to people
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eval.types import Evaluation, Identity
from retrieval.errors import BadInput, NotFound
from retrieval.files import disk_errors, private_folder, write_private

if TYPE_CHECKING:
    from filelock import BaseFileLock

_IDENTITY = "identity.json"
_LIST = "`dyag eval list` shows what there is."


@dataclass(frozen=True)
class Kept:
    """An evaluation as its folder tells it."""

    folder: Path
    identity: Identity

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    @property
    def results(self) -> Path:
        return self.folder / "results.json"

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    @property
    def done(self) -> bool:
        return self.results.is_file()

    @property
    def running(self) -> bool:
        """Whether a process works on it now."""
        import filelock

        lock = self._lock()
        try:
            with lock.acquire(timeout=0):
                return False
        except filelock.Timeout:
            return True

    @property
    def goes_on_with(self) -> str:
        """The command line that goes on with it, when it was stopped."""
        return self.identity.made_for or self.identity.command

    def read(self) -> Evaluation:
        """Raises NotFound for one that is not finished, and what `read_evaluation` does."""
        from eval.store import read_evaluation

        if not self.done:
            hint = "Wait for it." if self.running else f"Go on with it: {self.goes_on_with}"
            raise NotFound(f"The evaluation {self.identity.id} is not finished.", hint)
        return read_evaluation(self.results)

    def success(self) -> float | None:
        """Share of right answers; None where there are no results, or nothing in them was scored."""
        try:
            found = json.loads(self.results.read_bytes())["summary"]["metrics"]["success"]["value"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return float(found) if isinstance(found, int | float) else None

    def write(self, evaluation: Evaluation) -> None:
        """Its results and its reports. Raises NoSpace, NoAccess."""
        from eval.report import html, markdown
        from eval.store import write_evaluation

        with disk_errors(self.folder):
            write_private(self.folder / "report.md", markdown(evaluation).encode("utf-8", "replace"))
            write_private(self.page, html(evaluation).encode("utf-8", "replace"))
        write_evaluation(evaluation, self.results)

    def _lock(self) -> BaseFileLock:
        import filelock

        return filelock.FileLock(self.folder / ".lock", mode=0o600)


@dataclass(frozen=True)
class Evaluations:
    """Those of one folder."""

    folder: Path

    def all(self) -> list[Kept]:
        """Every evaluation, the newest first."""
        found = [_kept(path) for path in self.folder.glob(f"eval_*/{_IDENTITY}")]
        return sorted((one for one in found if one), key=lambda one: one.identity.created, reverse=True)

    def find(self, text: str) -> Kept:
        """By its id, the beginning of it, its end, or `latest`. Raises NotFound, BadInput when several are meant."""
        kept = self.all()
        if text == "latest":
            found = [one for one in kept if one.done][:1]
        else:
            found = [
                one for one in kept if text and (one.identity.id.startswith(text) or one.identity.id.endswith(text))
            ]
        if not found:
            raise NotFound(f"There is no evaluation `{text}`.", _LIST)
        if len(found) > 1 and found[0].identity.id != text:
            ids = ", ".join(one.identity.id for one in found[:4])
            raise BadInput(f"{len(found)} evaluations are called `{text}`.", f"Write the id of one: {ids}.")
        return found[0]

    def delete(self, kept: Kept) -> None:
        """With everything in its folder. Raises BadInput for one that is running, NoAccess."""
        import filelock

        try:
            with kept._lock().acquire(timeout=0), disk_errors(kept.folder):
                (kept.folder / _IDENTITY).unlink()  # first: whatever is left is no evaluation
                shutil.rmtree(kept.folder)
        except filelock.Timeout:
            raise BadInput(f"The evaluation {kept.identity.id} is running.", "Stop it first, or wait.") from None

    @contextmanager
    def working(self, identity: Identity, key: str, *, resume: bool) -> Iterator[Kept]:
        """The folder to work in, held: that of an unfinished evaluation of the same, else a new one.

        `key` tells what is the same. Raises NoSpace, NoAccess.
        """
        import filelock

        for kept in self._unfinished(identity, key) if resume else ():
            try:
                with kept._lock().acquire(timeout=0):
                    yield kept
                    return
            except filelock.Timeout:
                continue  # another process is at it
        kept = self._new(identity)
        with kept._lock().acquire(timeout=0):
            yield kept

    def _unfinished(self, identity: Identity, key: str) -> Iterator[Kept]:
        from assistant.identity import answer_key

        for kept in self.all():
            same = kept.identity.cases_sha256 == identity.cases_sha256 and answer_key(kept.identity) == key
            if same and not kept.done:
                yield kept

    def _new(self, identity: Identity) -> Kept:
        now = datetime.now().astimezone()
        made = replace(
            identity,
            id=f"eval_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(2)}",
            created=now.isoformat(timespec="seconds"),
        )
        kept = Kept(self.folder / made.id, made)
        private_folder(kept.folder)
        with disk_errors(kept.folder):
            text = json.dumps(asdict(made), ensure_ascii=False, indent=1)
            write_private(kept.folder / _IDENTITY, f"{text}\n".encode("utf-8", "replace"))
        return kept


def _kept(path: Path) -> Kept | None:
    """None for one whose identity cannot be read: it has no answers then."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return Kept(path.parent, TypeAdapter(Identity).validate_python(json.loads(path.read_bytes())))
    except (OSError, ValueError, RecursionError, ValidationError):
        return None
