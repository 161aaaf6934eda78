"""From the paths a user gives to the files under them, each real file once.

A `.dyagignore` in a folder holds patterns, one a line (`*.log`, `drafts`); files and folders below with such a name are
left out. Lines that begin with # are comments.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import NotFound

SKIPPED = frozenset({"node_modules", "__pycache__"})
IGNORE_FILE = ".dyagignore"

_Entry = tuple[str, str, tuple[str, ...]]
"""The path to show, the real path, and the patterns to leave out below it."""


@dataclass(frozen=True)
class Found:
    """A regular file; `mtime_ns` and `size` tell whether it changed since the last look."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Unreadable:
    """Something under the given paths that is no readable file or folder."""

    path: Path
    reason: str


def walk(paths: Sequence[Path], exclude: Sequence[Path] = ()) -> Iterator[Found | Unreadable]:
    """Yield the files under `paths` in name order; raise NotFound at once when a given path does not exist."""
    for path in paths:
        if not os.path.lexists(path):
            raise NotFound(f"There is no file or folder {path}.", _hint(path))
    starts: list[_Entry] = [(os.path.abspath(path), os.path.realpath(path), ()) for path in paths]
    return _descend(starts, seen={os.path.realpath(folder) for folder in exclude})


def _hint(path: Path) -> str:
    nearest = next((parent for parent in path.absolute().parents if parent.is_dir()), None)
    return f"Check the spelling; the nearest folder that exists is {nearest}."


def _descend(starts: list[_Entry], seen: set[str]) -> Iterator[Found | Unreadable]:
    """Walk with a stack, not by recursion: folders may nest deeper than Python's stack."""
    waiting = starts[::-1]
    while waiting:
        shown, real, ignored = waiting.pop()
        if real in seen:  # a loop of links, a second link to the same file, or an excluded folder
            continue
        seen.add(real)
        try:
            status = os.stat(shown)
            if stat.S_ISDIR(status.st_mode):
                waiting.extend(_children(shown, real, ignored))
                continue
        except OSError as error:
            yield Unreadable(Path(shown), _reason(shown, error))
            continue
        if stat.S_ISREG(status.st_mode):
            yield Found(Path(shown), status.st_size, status.st_mtime_ns)
        else:
            yield Unreadable(Path(shown), "not a regular file (a pipe, a socket or a device)")


def _children(shown: str, real: str, ignored: tuple[str, ...]) -> list[_Entry]:
    """The entries of a folder in reverse order; hidden and ignored ones are left out."""
    with os.scandir(shown) as entries:
        found = list(entries)
    if any(entry.name == IGNORE_FILE for entry in found):
        ignored += _patterns(os.path.join(shown, IGNORE_FILE))
    kept = [entry for entry in found if not entry.name.startswith(".") and entry.name not in SKIPPED]
    kept = [entry for entry in kept if not any(fnmatch.fnmatch(entry.name, pattern) for pattern in ignored)]
    kept.sort(key=lambda entry: entry.name, reverse=True)
    # Only links need the slow realpath: anything else lies where its folder really lies.
    return [
        (entry.path, os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(real, entry.name), ignored)
        for entry in kept
    ]


def _patterns(path: str) -> tuple[str, ...]:
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file]
    return tuple(line.rstrip("/") for line in lines if line and not line.startswith("#"))


def _reason(path: str, error: OSError) -> str:
    if os.path.islink(path) and not os.path.exists(path):
        return "a broken link"
    return f"cannot be read: {error.strerror or error}"
