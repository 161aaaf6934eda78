"""A trained model copied to another place that fsspec reaches: every file checked there, the manifest last.

Without its manifest a copy is none, so a reader that waits for it never sees a part. What was copied before, whole, is
not copied again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finetune.runs.folder import RunFolder
from finetune.runs.manifest import MANIFEST
from retrieval.errors import UserError

BLOCK = 1 << 20


class NotStored(UserError):
    """A model could not be copied."""


class Stopped(Exception):
    """The server ends: the copy has no manifest yet, and is made again."""


def store(run: Path, url: str, stopping: Callable[[], bool] = lambda: False) -> str:
    """Copy a finished run below an fsspec URL and return where it lies: `s3://bucket/models/phi-finetuned-…`.

    Raises NotStored, TornRun, NotFound, Stopped, and whatever the file system of the URL does.
    """
    import fsspec  # type: ignore[import-untyped]

    from assistant.sanitize import without_passwords

    manifest = RunFolder(run).verify()
    system, root = fsspec.core.url_to_fs(url)
    place = f"{root.rstrip('/')}/{run.name}"
    said = f"{without_passwords(url).rstrip('/')}/{run.name}"
    own = (run / MANIFEST).read_bytes()
    if system.exists(f"{place}/{MANIFEST}"):
        if system.cat_file(f"{place}/{MANIFEST}") == own:
            return said
        raise NotStored(f"{said} holds another model.", "Move it away, or name another place with --store.")
    for name, known in manifest.artifacts.items():
        _copy(run / name, system, f"{place}/{name}", stopping)
        if _digest(system, f"{place}/{name}", stopping) != known:
            raise NotStored(f"{said}/{name} is not what was sent.", "It is tried again; look at that storage.")
    _replace(system, f"{place}/{MANIFEST}", own)
    return said


def _copy(path: Path, system: Any, place: str, stopping: Callable[[], bool]) -> None:
    system.makedirs(place.rpartition("/")[0], exist_ok=True)
    with path.open("rb") as file, system.open(place, "wb") as there:
        while block := file.read(BLOCK):
            _check(stopping)
            there.write(block)


def _digest(system: Any, place: str, stopping: Callable[[], bool]) -> str:
    """sha256 of what lies there now."""
    found = hashlib.sha256()
    with system.open(place, "rb") as file:
        while block := file.read(BLOCK):
            _check(stopping)
            found.update(block)
    return found.hexdigest()


def _replace(system: Any, place: str, data: bytes) -> None:
    """Whole or not at all, also where a file that is being written can be seen."""
    system.pipe_file(f"{place}.part", data)
    system.mv(f"{place}.part", place)


def _check(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise Stopped
