"""What the two sides of the pipe share: the limits, a problem, and what a parser is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import ParseFailed

MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one file may cost before it is given up."""

    seconds: float = 60
    """Without a sign of life from the parser (a record, a page)."""
    memory_mb: int = 3072
    """Address space of the parsing process; its libraries take about 350 MB of it."""
    file_mb: int = 100
    """Size of a file read whole; record files (JSONL, CSV) are streamed and may be larger."""
    line_mb: int = 1

    @property
    def frame_bytes(self) -> int:
        """The most one document may weigh on the pipe: a whole file, with room for escapes and metadata."""
        return (2 * self.file_mb + 16) * MB


@dataclass(frozen=True)
class Problem:
    """One part of a file is bad; the rest of it is fine."""

    reason: str
    line: int | None = None


@dataclass(frozen=True)
class Source:
    """What a parser is given: the file, the limits, and `alive` to call when a long parse makes progress."""

    path: Path
    limits: Limits
    alive: Callable[[], None] = lambda: None

    def check_size(self) -> None:
        """Refuse a file too large to be read whole."""
        size = self.path.stat().st_size
        if size > self.limits.file_mb * MB:
            limit = f"{self.limits.file_mb} MB (setting `index.max_file_mb`)"
            raise ParseFailed(f"{size / MB:.1f} MB, more than the limit of {limit}")

    def read(self) -> bytes:
        """The whole file, within the size limit."""
        self.check_size()
        return self.path.read_bytes()
