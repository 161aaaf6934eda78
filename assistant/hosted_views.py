"""What `dyag finetune` shows of a hosted training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostedResult:
    """A training at a service: begun, waited for, or at its end."""

    run: str
    job: str
    status: str
    """As the service tells it."""
    model: str
    """What it became, `ft:…`; empty while there is none."""
    base: str
    provider: str
    url: str
    folder: Path
    trained_tokens: int | None
    seconds: float | None
    """At the service; None before the end."""
    metrics: Mapping[str, float | None]
    losses: tuple[tuple[float, float], ...]
    """(step, training loss), for the chart."""
    eval_losses: tuple[tuple[float, float], ...]
    resume: str
    """The command that waits for it; empty at the end."""
    interrupted: bool = False
    """Whether the waiting was stopped."""
    again: bool = False
    """Whether it was trained before, and nothing was sent."""

    @property
    def exit_code(self) -> int:
        return 130 if self.interrupted else 0


@dataclass(frozen=True)
class HostedPlan:
    """What would be sent, and what it would cost; nothing was."""

    url: str
    base: str
    rows: int
    trained_tokens: int
    dollars: float | None
    """None where nobody says what the model costs."""
    lines: tuple[str, ...]
    """The same in words, with what is odd about the rows."""


@dataclass(frozen=True)
class HostedRow:
    """One job of a service."""

    id: str
    status: str
    base: str
    model: str
    """What it became; empty for nothing."""
    created: str
    """As ISO 8601."""
    tokens: int | None
    error: str
    run: str
    """That was begun here; empty for none."""


@dataclass(frozen=True)
class HostedJobs:
    """Every job of a service, the newest first."""

    url: str
    jobs: tuple[HostedRow, ...]


@dataclass(frozen=True)
class HostedStatus:
    """One job as it stands."""

    url: str
    job: HostedRow
    events: tuple[str, ...]
    """What the service said last."""
    hint: str
    """What to do about one that failed."""

    @property
    def exit_code(self) -> int:
        return 1 if self.hint else 0


@dataclass(frozen=True)
class TunedRow:
    """One model that was trained at a service."""

    name: str
    base: str
    job: str
    """Empty where the service lists the model and not its job."""
    run: str
    promoted: bool


@dataclass(frozen=True)
class TunedModels:
    """The models that were trained at a service."""

    url: str
    models: tuple[TunedRow, ...]
