"""The files of a job, named after its number: what it says, what it prints, its events, and the lock it lives by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobFiles:
    """Of one job; any of them may be missing, when somebody has cleared the folder."""

    folder: Path
    number: int

    @property
    def log(self) -> Path:
        """Messages and errors."""
        return self.folder / f"{self.number}.log"

    @property
    def out(self) -> Path:
        """Its result."""
        return self.folder / f"{self.number}.out"

    @property
    def events(self) -> Path:
        return self.folder / f"{self.number}.jsonl"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.number}.lock"

    @property
    def result(self) -> str:
        """What it printed."""
        return text_of(self.out)

    def create(self) -> tuple[int, int]:
        """Empty files, private; descriptors of `out` and `log`. Raises OSError."""
        self.events.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        out = os.open(self.out, flags, 0o600)
        try:
            return out, os.open(self.log, flags, 0o600)
        except BaseException:
            os.close(out)
            raise

    def delete(self) -> None:
        """Raises OSError."""
        for path in (self.log, self.out, self.events, self.lock):
            path.unlink(missing_ok=True)


def text_of(path: Path) -> str:
    """A job's file; nothing when somebody has cleared its folder: that is no reason to end the chat."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def lines_from(path: Path, offset: int, *, whole: bool) -> tuple[list[str], int]:
    """The lines of a job's file from a byte offset on, and where to go on; `whole`: without one that has not ended."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    data = data[: data.rfind(b"\n") + 1] if whole else data
    return data.decode("utf-8", "replace").splitlines(), offset + len(data)
