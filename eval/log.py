"""`log.jsonl`: one line for each case that was answered, on the disk before it counts. An evaluation goes on from there.

{"key": "9f86d0…", "response": {"text": "Port 3000 [chunk_7].", "seconds": 1.2, …}}
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.types import Case, Response
from retrieval.files import disk_errors

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def case_key(case: Case, identity: str = "") -> str:
    """What an answer is kept under: all that decides it. Another gold answer asks nothing again."""
    decides = [identity, case.id, case.question, case.language, [(m.role, m.content) for m in case.messages]]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


@dataclass(frozen=True)
class AnswerLog:
    """The log of one evaluation."""

    path: Path

    def append(self, key: str, response: Response) -> None:
        """Add one line and wait until it is on the disk. Raises NoSpace, NoAccess; ValueError for NaN."""
        line = json.dumps({"key": key, "response": asdict(response)}, ensure_ascii=False, allow_nan=False)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with disk_errors(self.path), open(os.open(self.path, flags, 0o600), "ab") as file:
            file.write(line.encode("utf-8", "replace") + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> tuple[dict[str, Response], int]:
        """The answers by key, and the number of lines that cannot be read. Raises NoAccess."""
        if not self.path.exists():
            return {}, 0
        with disk_errors(self.path):
            lines = [line for line in self.path.read_bytes().split(b"\n") if line.strip()]
        shape = _shape()
        found = [pair for line in lines if (pair := _pair(line, shape))]
        return dict(found), len(lines) - len(found)

    def mend(self, tell: Callable[[str], None]) -> dict[str, Response]:
        """The answers by key; what a kill left of a last line is cut off, and told. Raises NoSpace, NoAccess."""
        known, unread = self.read()
        if unread:
            tell(f"{self.path}: {unread} torn line{'s were' if unread > 1 else ' was'} left out; asked again.")
            with disk_errors(self.path), self.path.open("rb+") as file:
                data = file.read()
                file.truncate(data.rfind(b"\n") + 1)
        return known


def _pair(line: bytes, shape: TypeAdapter[Response]) -> tuple[str, Response] | None:
    """None for a line that was torn."""
    from pydantic import ValidationError

    try:
        found: Mapping[str, Any] = json.loads(line)
        return str(found["key"]), shape.validate_python(found["response"])
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError):
        return None


def _shape() -> TypeAdapter[Response]:
    from pydantic import TypeAdapter

    return TypeAdapter(Response)
