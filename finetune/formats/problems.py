"""What is wrong with a file of training rows: collected by kind, a few places kept of each, the others counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]
SHOWN = 20
"""Places kept of one kind of problem."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, and how to mend it."""

    kind: str
    """The same for every row with this fault: `not valid JSON`."""
    detail: str = ""
    """What is particular to this row."""
    fix: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.kind} ({self.detail})" if self.detail else self.kind


@dataclass(frozen=True)
class Problem:
    """A fault in its place."""

    line: int
    """The line where the row begins, in a JSON list the position of the item; 0 for the whole file."""
    fault: Fault


@dataclass(frozen=True)
class Place:
    """Where a fault was found, and what is particular to it there."""

    line: int
    detail: str


@dataclass(frozen=True)
class Finding:
    """One kind of problem in one file."""

    severity: Severity
    kind: str
    fix: str
    count: int
    places: tuple[Place, ...]
    """The first of them."""


@dataclass
class Findings:
    """The problems of one file, by kind, in the order in which they were met."""

    _counts: dict[tuple[str, Severity], int] = field(default_factory=dict)
    _fixes: dict[tuple[str, Severity], str] = field(default_factory=dict)
    _places: dict[tuple[str, Severity], list[Place]] = field(default_factory=dict)

    def add(self, fault: Fault, line: int = 0) -> None:
        """Count one; the first fix that is named stands for all of its kind."""
        key = fault.kind, fault.severity
        self._counts[key] = self._counts.get(key, 0) + 1
        self._fixes[key] = self._fixes.get(key) or fault.fix
        places = self._places.setdefault(key, [])
        if len(places) < SHOWN:
            places.append(Place(line, fault.detail))

    def all(self, *, strict: bool = False) -> tuple[Finding, ...]:
        """Errors, then warnings; `strict` makes errors of these."""
        return tuple(sorted(self._found(strict), key=lambda found: found.severity))

    def _found(self, strict: bool) -> Iterator[Finding]:
        for (kind, severity), count in self._counts.items():
            places = tuple(self._places[kind, severity])
            yield Finding("error" if strict else severity, kind, self._fixes[kind, severity], count, places)
