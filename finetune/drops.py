"""Why examples were dropped: every one is counted by its reason, a few are kept to be shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 3
"""Examples kept for each reason."""


@dataclass
class Drops:
    """Counts by reason, with the first examples of each."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, text: str) -> None:
        """Count one; `text` says what was dropped, for a person."""
        self.counts[reason] += 1
        kept = self.shown.setdefault(reason, [])
        if len(kept) < SHOWN:
            kept.append(text)

    def examples(self) -> dict[str, list[str]]:
        return {reason: self.shown[reason] for reason in sorted(self.shown)}
