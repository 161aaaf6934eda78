"""`log.jsonl`: one line for each step that was logged, appended as the training goes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.runs.digests import keeping
from retrieval.files import write_private

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Logged:
    """What a log holds."""

    entries: tuple[Entry, ...]
    torn: int = 0
    """Lines that could not be read: the last one, where a kill broke it off."""

    def series(self, name: str) -> list[tuple[float, float]]:
        """(step, value) of every entry that has this figure."""
        having = (entry for entry in self.entries if _is_number(entry.get("step")) and _is_number(entry.get(name)))
        return [(float(entry["step"]), float(entry[name])) for entry in having]


@dataclass(frozen=True)
class RunLog:
    """The log of one run."""

    path: Path

    def append(self, entry: Entry) -> None:
        """Add one line; a figure that is no number becomes null. Raises NoSpace, NoAccess."""
        line = _line(entry)
        with keeping(self.path), open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(line)

    def read(self) -> Logged:
        """Every whole line; nothing where there is no log."""
        if not self.path.is_file():
            return Logged(())
        found = [_entry(line) for line in self.path.read_bytes().split(b"\n") if line.strip()]
        entries = tuple(entry for entry in found if entry is not None)
        return Logged(entries, len(found) - len(entries))

    def rewind(self, step: int) -> None:
        """Forget what was logged after a step, and lines that are torn: a training goes on from there."""
        kept = [entry for entry in self.read().entries if _is_number(entry.get("step")) and entry["step"] <= step]
        with keeping(self.path):
            write_private(self.path, b"".join(map(_line, kept)))


def _line(entry: Entry) -> bytes:
    sound = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in entry.items()}
    return json.dumps(sound, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n"


def _entry(line: bytes) -> Entry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
