"""A job's event log: one JSON object a line, appended as it works, read by whoever looks on.

    {"time": 1767225600.0, "event": "progress", "text": "training", "done": 40, "total": 100, "left": 65.0,
     "figures": {"loss": 1.31}}

Events: `started`, `stage` (text: its name), `progress`, `note`, `ended` (text: why it failed; its state in `state`).
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TAIL = 1 << 16
"""Bytes at the end of a log in which its last progress is looked for."""


@dataclass(frozen=True)
class Event:
    """One line of the log."""

    time: float
    event: str
    text: str = ""
    done: int | None = None
    total: int | None = None
    left: float | None = None
    """Seconds, as the job estimates them."""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    """Loss, tokens a second…; None for what is no finite number."""
    state: str = ""
    exit_code: int | None = None


class EventLog:
    """The writing end; one process has it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._torn = False

    def write(self, event: str, **fields: Any) -> None:
        """Append one event. A disk that is full loses it, and not the work that it tells of."""
        line = json.dumps(_finite({"time": time.time(), "event": event, **fields})).encode() + b"\n"
        line = b"\n" + line if self._torn else line
        self._torn = True
        with suppress(OSError):
            self._torn = os.write(self._handle, line) < len(line)

    def close(self) -> None:
        os.close(self._handle)


def read_events(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The events from a byte offset on, and where to go on reading; a line that is not whole yet is left for then."""
    found = list(events_from(path, offset))
    return [event for event, _ in found if event], found[-1][1] if found else offset


def events_from(path: Path, offset: int) -> Iterator[tuple[Event | None, int]]:
    """Every whole line from a byte offset on, and where the one after it begins; None for one that is no event."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return
    for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
        offset += len(line)
        yield _event(line), offset


def latest(path: Path) -> dict[str, Event]:
    """The last event of each kind near the end of the log."""
    try:
        size = path.stat().st_size
    except OSError:
        return {}
    events, _ = read_events(path, max(0, size - _TAIL))
    return {event.event: event for event in events}


def _event(line: bytes) -> Event | None:
    """None for a line that was torn when its writer was killed, and for one that we did not write."""
    try:
        value = json.loads(line)
        return Event(
            time=float(value["time"]),
            event=str(value["event"]),
            text=str(value.get("text") or ""),
            done=_number(value.get("done"), int),
            total=_number(value.get("total"), int),
            left=_number(value.get("left"), float),
            figures={str(name): _number(figure, float) for name, figure in (value.get("figures") or {}).items()},
            state=str(value.get("state") or ""),
            exit_code=_number(value.get("exit_code"), int),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _number(value: Any, kind: type[Any]) -> Any:
    return None if value is None else kind(value)


def _finite(value: Any) -> Any:
    """NaN and infinity, which JSON has not, as null."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
