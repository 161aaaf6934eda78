"""Which of the compared to use, from the figures only."""

from __future__ import annotations

from dataclasses import dataclass

from eval.comparison import Comparison


@dataclass(frozen=True)
class Advice:
    """A recommendation with its reasons."""

    choice: str
    """Label of the side to use; empty where the data do not decide."""
    decided: bool
    reasons: tuple[str, ...]
    next: str = ""
    """What would settle it, or is worth trying."""


def advise(comparison: Comparison) -> Advice:
    """The side that the data speak for, if any."""
    raise NotImplementedError
