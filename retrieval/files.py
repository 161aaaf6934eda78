"""Files of the workspace: private, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieval.errors import NoAccess, NoSpace

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


def private_folder(path: Path) -> Path:
    """Make a folder (and its missing parents) readable by its owner only. Raises NoAccess, NoSpace."""
    with disk_errors(path):
        missing = [p for p in (path, *path.parents) if not p.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` atomically: a crash leaves the old content or the new, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make a rename in this folder survive a power cut (no-op where folders cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn a full or a closed disk into one message that says where and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise no_space(where) from error
        if error.errno in _CLOSED:
            raise no_access(Path(error.filename or where), error.strerror or str(error)) from error
        raise


def probe(folder: Path) -> None:
    """Raise the OSError that a library may have kept to itself: is there still room for a megabyte?"""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(1 << 20))


def no_space(where: Path) -> NoSpace:
    return NoSpace(
        f"No space left to write under {where}.",
        "Free some disk space and run the command again: what was indexed before still answers.",
    )


def no_access(where: Path, reason: str) -> NoAccess:
    return NoAccess(
        f"{where} cannot be used: {reason}.",
        "Mend its permissions or move what lies there away, or name other folders (--home for the workspace, DYAG_CACHE).",
    )
