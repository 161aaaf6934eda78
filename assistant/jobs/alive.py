"""Whether a process still lives: it holds a lock on a file as long as it does, and the system lets go of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def hold(path: Path) -> int | None:
    """Lock a file for as long as the returned descriptor, and every copy of it in a child, is open; None when it is held.

    Raises OSError.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _lock(handle):
        return handle
    os.close(handle)
    return None


def held(path: Path) -> bool | None:
    """Whether a process holds the file; None when there is no such file, or it cannot be looked at."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return not _lock(handle, shared=True)
    finally:
        os.close(handle)


def identity(pid: int) -> str:
    """What no other process with this pid has: the boot and the tick it began at. Empty where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name, which may hold anything, stands in brackets; the time is the 20th field after them.
        started = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return ""
    return f"{boot} {started}"


def is_same(pid: int, known: str) -> bool:
    """Whether the process with this pid is the one whose identity is known. False where the system does not say."""
    return bool(pid and known) and identity(pid) == known


def _lock(handle: int, *, shared: bool = False) -> bool:
    import fcntl  # not on Windows, where nothing of this is imported before a job begins

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
