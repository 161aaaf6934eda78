"""The folder of one run, laid out so that a kill at any instant loses nothing that was whole before.

request.json       what was asked for; written first
dataset.jsonl      the rows as trained; validation.jsonl
checkpoint-20/     with complete.json in it, written last: without it, or with another hash, it is never loaded
log.jsonl          one line for each step that was logged
curve.png
final/             the adapter or the whole model, and its tokenizer; written as final.part/
manifest.json      what it became; written last of all: without it the folder holds no run
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.runs.digests import TornRun, digests, fault, keeping, names, sync_tree
from finetune.runs.log import RunLog
from finetune.runs.manifest import MANIFEST, Manifest, read_manifest
from retrieval.errors import BadInput, Busy
from retrieval.files import private_folder, sync_folder, write_private

COMPLETE = "complete.json"
LOCK = ".lock"
CLAIM_SECONDS = 2.0
"""Longest a training waits for its folder: who asks whether it is running holds it for an instant."""
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")


@dataclass(frozen=True)
class LastCheckpoint:
    """Where a training can go on."""

    path: Path | None
    """The newest checkpoint that is whole; None when there is none."""
    step: int = 0
    passed_over: tuple[str, ...] = ()
    """Newer ones that are torn, each with what is wrong with it."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk."""

    path: Path

    @property
    def request(self) -> Path:
        return self.path / "request.json"

    @property
    def dataset(self) -> Path:
        return self.path / "dataset.jsonl"

    @property
    def validation(self) -> Path:
        return self.path / "validation.jsonl"

    @property
    def log(self) -> RunLog:
        return RunLog(self.path / "log.jsonl")

    @property
    def curve(self) -> Path:
        return self.path / "curve.png"

    @property
    def final(self) -> Path:
        return self.path / "final"

    @property
    def manifest_path(self) -> Path:
        return self.path / MANIFEST

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder, which is made if need be, while a training writes in it. Raises Busy, NoAccess, NoSpace."""
        import filelock

        private_folder(self.path)
        lock = filelock.FileLock(self.path / LOCK, timeout=CLAIM_SECONDS, mode=0o600)
        try:
            with keeping(self.path):
                lock.acquire()
        except filelock.Timeout:
            hint = "Wait for it to end, or name another folder with --output."
            raise Busy(f"A training is running in {self.path}.", hint) from None
        except FileNotFoundError:
            raise Busy(f"{self.path} was deleted just now.", "Give the command again.") from None
        try:
            yield
        finally:
            lock.release()

    @property
    def running(self) -> bool:
        """Whether a training holds the folder."""
        import filelock

        try:
            if not (self.path / LOCK).exists():
                return False
            with filelock.FileLock(self.path / LOCK, timeout=0, mode=0o600):
                return False
        except filelock.Timeout:
            return True
        except PermissionError:  # somebody else's
            return False

    def begin(self, request: Mapping[str, Any]) -> None:
        """Write what was asked for into the folder, which is claimed. Raises BadInput when something is in it already."""
        if others := sorted(path.name for path in self.path.iterdir() if path.name != LOCK):
            what = "a run" if self.request.name in others or MANIFEST in others else f"{others[0]} and maybe more"
            hint = "Name another folder with --output, go on with it with --resume, or remove it: dyag runs delete."
            raise BadInput(f"{self.path} is in use: it holds {what}.", hint)
        with keeping(self.path):
            self.path.chmod(0o700)
            text = json.dumps(request, ensure_ascii=False, indent=1, allow_nan=False)
            # A path may hold bytes that are no text; json reads them back like this.
            write_private(self.request, f"{text}\n".encode("utf-8", "surrogatepass"))

    def read_request(self) -> dict[str, Any]:
        """What was asked for. Raises TornRun."""
        return _json(self.request)

    def checkpoints(self) -> list[Path]:
        """Every checkpoint, whole or not, by its step."""
        if not self.path.is_dir():
            return []
        found = [path for path in self.path.iterdir() if _CHECKPOINT.fullmatch(path.name) and path.is_dir()]
        return sorted(found, key=step_of)

    def seal(self, checkpoint: Path) -> None:
        """Declare a checkpoint whole, once it is safe on the disk. Raises NoSpace, NoAccess."""
        with keeping(checkpoint):
            (checkpoint / COMPLETE).unlink(missing_ok=True)
            sync_tree(checkpoint)
            found = json.dumps({"step": step_of(checkpoint), "files": digests(checkpoint)}, indent=1)
            write_private(checkpoint / COMPLETE, f"{found}\n".encode())
            sync_folder(self.path)

    def last_complete_checkpoint(self) -> LastCheckpoint:
        """The newest checkpoint that is as it was sealed; the torn ones after it are told, and never loaded."""
        passed_over: list[str] = []
        for checkpoint in reversed(self.checkpoints()):
            if not (why := checkpoint_fault(checkpoint)):
                return LastCheckpoint(checkpoint, step_of(checkpoint), tuple(passed_over))
            passed_over.append(f"{checkpoint.name}: {why}")
        return LastCheckpoint(None, 0, tuple(passed_over))

    def drop_after(self, step: int) -> None:
        """Remove checkpoints after a step, the torn ones: what is left in them must not be sealed with a new one."""
        with keeping(self.path):
            for path in [path for path in self.checkpoints() if step_of(path) > step]:
                (path / COMPLETE).unlink(missing_ok=True)
                shutil.rmtree(path)

    @contextmanager
    def publishing(self) -> Iterator[Path]:
        """A folder to save the model in, which becomes `final` when all of it is safe. Raises NoSpace, NoAccess."""
        part = self.path / "final.part"
        with keeping(self.path):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(mode=0o700)
            yield part
            sync_tree(part)
            if self.final.exists():  # of a training that was killed before its manifest
                shutil.rmtree(self.final)
            part.rename(self.final)
            sync_folder(self.path)

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest, with the hashes of what the run became. Raises NoSpace, NoAccess."""
        kept = (self.request, self.dataset, self.validation, self.log.path, self.curve)
        paths = [path.name for path in kept if path.is_file()]
        paths += [f"{self.final.name}/{name}" for name in names(self.final)]
        with keeping(self.path):
            whole = manifest.of_files(self.path, paths)
            write_private(self.manifest_path, whole.to_json())
        return whole

    def keep_verdict(self, verdict: Mapping[str, Any]) -> None:
        """Write what the gate says of the run into its manifest. Raises TornRun, NewerRun, NotFound, NoSpace, NoAccess."""
        with keeping(self.path):
            write_private(self.manifest_path, dataclasses.replace(self.manifest(), verdict=verdict).to_json())

    def manifest(self) -> Manifest:
        """Raises TornRun, NewerRun, NotFound."""
        return read_manifest(self.manifest_path)

    def verify(self) -> Manifest:
        """The manifest, once every file it names was found as it was written. Raises TornRun, NewerRun, NotFound."""
        found = self.manifest()
        if why := fault(self.path, found.artifacts):
            raise torn(self.path, why)
        return found


def step_of(checkpoint: Path) -> int:
    """20 of `checkpoint-20`."""
    return int(checkpoint.name.rpartition("-")[2])


def is_checkpoint(path: Path) -> bool:
    """Whether a folder is a checkpoint of a run of ours."""
    return _CHECKPOINT.fullmatch(path.name) is not None and (path.parent / "request.json").is_file()


def checkpoint_fault(checkpoint: Path) -> str:
    """What is wrong with a checkpoint; empty when it is whole, has what was sealed, and nothing beside it."""
    if not (checkpoint / COMPLETE).is_file():
        return "it was not written to its end"
    try:
        sealed = _json(checkpoint / COMPLETE).get("files")
    except TornRun:
        sealed = None
    if not isinstance(sealed, dict) or not sealed:
        return f"{COMPLETE} cannot be read"
    # What was not sealed could be read all the same: torch loads whatever optimizer.pt lies there.
    if strange := set(names(checkpoint)) - {*sealed, COMPLETE}:
        return f"{min(strange)} was not in it when it was sealed"
    return fault(checkpoint, {str(name): str(known) for name, known in sealed.items()})


def torn(path: Path, why: str) -> TornRun:
    hint = "Nothing of it is loaded. Restore the folder from a copy, or delete the run: dyag runs delete."
    return TornRun(f"The run in {path} is not as it was written: {why}.", hint)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise torn(path.parent, f"{path.name} cannot be read") from error
    if not isinstance(found, dict):
        raise torn(path.parent, f"{path.name} holds no JSON object")
    return found
