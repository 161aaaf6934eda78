"""Files that are hashed and safe on the disk, and checked before anything is read from them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from retrieval.errors import NoSpace, UserError
from retrieval.files import disk_errors, sync_folder

Digests = Mapping[str, str]
"""sha256 of each file, by its path within the folder, written with `/`."""


class TornRun(UserError):
    """Files of a run, or of a checkpoint, are not as they were written."""


def digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder, in order of their names."""
    return {name: digest(folder / name) for name in names(folder)}


def names(folder: Path) -> list[str]:
    """Every file below a folder, as the keys of `Digests`."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def fault(folder: Path, expected: Digests) -> str:
    """The first file that is not as it was written, and what it is with it; empty when all are."""
    for name, known in expected.items():
        path = folder / name
        if not _is_inside(name) or path.is_symlink():
            return f"{name} is no file of its own"
        if not path.is_file():
            return f"{name} is missing"
        if digest(path) != known:
            return f"{name} has changed"
    return ""


def sync_tree(folder: Path) -> None:
    """Make every file and folder below survive a power cut."""
    for name in names(folder):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        sync_folder(inner)
    sync_folder(folder)


@contextmanager
def keeping(where: Path) -> Iterator[None]:
    """A full or a closed disk as one message. Raises NoSpace, NoAccess."""
    try:
        with disk_errors(where):
            yield
    except NoSpace as error:
        hint = (
            "Free some disk space; a training that it broke off goes on from its last whole checkpoint with --resume."
        )
        raise NoSpace(error.message, hint) from error


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    return not (os.path.isabs(name) or ".." in parts or "\\" in name)
