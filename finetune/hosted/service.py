"""A fine-tuning service as the rest of this package sees it: its values, its faults, and what it is asked.

The client lies in assistant/hosted_service.py. Texts of a service come without keys; they may hold anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from retrieval.errors import UserError

PENDING = ("validating_files", "queued", "running", "pausing", "paused", "resuming", "cancelling")
"""Statuses of a job that goes on, or may."""
ENDED = ("succeeded", "failed", "cancelled")


class HostedFailed(UserError):
    """The service could not be asked, refused, or says that a job failed."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int = 0,
        passing: bool = False,
        unsure: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        """Of HTTP; 0 where none came."""
        self.passing = passing
        """Whether the same may work later."""
        self.unsure = unsure
        """Whether the service may have done what it was asked all the same."""
        self.wait = wait
        """Seconds it asks to wait; None when it does not say."""


@dataclass(frozen=True)
class HostedFile:
    """A file that lies at the service."""

    id: str
    name: str
    bytes: int
    status: str
    """uploaded, processed, error…"""


@dataclass(frozen=True)
class HostedJob:
    """A training at the service, as it tells it."""

    id: str
    status: str
    model: str
    """The base."""
    created: float
    """Seconds since 1970, by the clock of the service; finished too."""
    finished: float | None = None
    tuned: str = ""
    """The trained model, `ft:…`; empty while there is none."""
    training_file: str = ""
    validation_file: str = ""
    tokens: int | None = None
    """That were trained, and are paid for."""
    code: str = ""
    """Of the error."""
    error: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has ended: also with a status that nobody knows, where it says when."""
        return self.status in ENDED or (self.status not in PENDING and self.finished is not None)

    @property
    def succeeded(self) -> bool:
        return self.over and (self.status == "succeeded" or (self.status not in ENDED and bool(self.tuned)))


@dataclass(frozen=True)
class HostedEvent:
    """One line of what a service tells of a job."""

    id: str
    time: float
    level: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)
    """Figures of a step: step, total_steps, train_loss, valid_loss…"""


@dataclass(frozen=True)
class NewJob:
    """What a training is asked for with; the names are those of the API."""

    model: str
    training_file: str
    validation_file: str
    method: Mapping[str, Any]
    suffix: str
    seed: int
    metadata: Mapping[str, str]


class Service(Protocol):
    """One service. Every method makes one attempt and raises HostedFailed."""

    @property
    def provider(self) -> str: ...

    @property
    def url(self) -> str:
        """Without credentials."""

    def models(self) -> list[str]:
        """Names of the models it has."""

    def files(self) -> list[HostedFile]:
        """Those that were sent for fine-tuning."""

    def send(self, path: Path, name: str) -> HostedFile:
        """Send a file of rows under a name."""

    def create(self, asked: NewJob) -> HostedJob:
        """Begin a training."""

    def jobs(self) -> list[HostedJob]:
        """Every training, the newest first."""

    def job(self, job_id: str) -> HostedJob: ...

    def events(self, job_id: str, known: Sequence[str]) -> list[HostedEvent]:
        """Those that are not known yet, by their ids, the oldest first."""

    def cancel(self, job_id: str) -> HostedJob: ...
