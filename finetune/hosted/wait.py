"""A job at a service followed to its end: its statuses, its events, the figures of its steps in the run's log."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from finetune.hosted.service import ENDED, PENDING, HostedEvent, HostedFailed, HostedJob, Service
from finetune.runs.log import RunLog

POLL, LONGEST_POLL = 2.0, 20.0
"""Seconds between two looks, at first and after a while."""
SLOWER = 1.2
PATIENCE = 3600.0
"""Seconds that a service may not answer before the waiting ends; the job there goes on."""
_FIGURES = {
    "train_loss": "loss",
    "full_valid_loss": "eval_loss",
    "valid_loss": "eval_loss",
    "train_mean_token_accuracy": "mean_token_accuracy",
    "valid_mean_token_accuracy": "eval_mean_token_accuracy",
    "train_accuracy": "preference_accuracy",
}
"""Figures of the service, and what the log of a run calls them; of two for one name, the first."""
_STEP = re.compile(r"Step (\d+)(?:/(\d+))?: (.*)")
_LOSS = re.compile(r"(training|validation) loss=(\d+(?:\.\d+)?)")


class Watcher(Protocol):
    """Who is told how it goes."""

    def stage(self, name: str) -> None: ...

    def step(self, done: int, total: int | None, **figures: float) -> None: ...

    def note(self, text: str) -> None: ...

    def stopped(self) -> bool: ...


@dataclass
class Waiting:
    """One job that is waited for."""

    service: Service
    job_id: str
    watcher: Watcher
    log: RunLog | None = None
    """Of the run, where there is one; it is written anew from all events."""
    seen: Callable[[HostedJob], None] = lambda job: None
    """Told of each new status."""
    sleep: Callable[[float], None] = time.sleep
    _known: list[str] = field(default_factory=list)
    _status: str = ""
    _step: int = 0

    def run(self) -> HostedJob:
        """The job, once it has ended; as it stands, when the watcher asks to stop. Raises HostedFailed, NoSpace, NoAccess."""
        if self.log is not None:
            self.log.rewind(-1)
        wait, heard, job = POLL, time.monotonic(), None
        while True:
            try:
                job = self._look()
                heard = time.monotonic()
                if job.over or self.watcher.stopped():
                    return job
            except HostedFailed as fault:
                away = fault.passing or (fault.status == 0 and self._status != "")
                if not away or time.monotonic() - heard > PATIENCE:
                    raise
                self._lost(fault)
                wait = max(wait, min(fault.wait or 0.0, PATIENCE))
            if self._rested(wait):
                return job or self.service.job(self.job_id)
            wait = min(wait * SLOWER, LONGEST_POLL)

    def _look(self) -> HostedJob:
        """The job before its events: of one that has ended, all of them have come then."""
        job = self.service.job(self.job_id)
        if job.status != self._status:
            self._status = job.status
            self.seen(job)
            self.watcher.stage(_STAGES.get(job.status, f"the service says: {job.status}"))
            if job.status not in (*PENDING, *ENDED):
                self.watcher.note(f"{job.status} is a status that dyag does not know: it waits for the end.")
        for event in self._events():
            self._known.append(event.id)
            self._tell(event)
        return job

    def _events(self) -> list[HostedEvent]:
        try:
            return self.service.events(self.job_id, self._known)
        except HostedFailed as fault:
            if fault.status in (404, 405, 501):  # a service without events
                return []
            raise

    def _tell(self, event: HostedEvent) -> None:
        figures = figures_of(event)
        step = int(figures.pop("step", 0))
        total = int(figures.pop("total_steps", 0)) or None
        if step <= 0:
            self.watcher.note(event.message)
            return
        if self.log is not None and figures:
            self.log.append({"step": step, **figures})
        self._step = max(self._step, step)
        self.watcher.step(self._step, total, **figures)

    def _lost(self, fault: HostedFailed) -> None:
        if self._status != "lost":
            self._status = "lost"
            self.watcher.note(f"{fault.message} The job there goes on; it is asked again and again.")

    def _rested(self, seconds: float) -> bool:
        """Whether the watcher asked to stop meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.watcher.stopped():
                return True
            self.sleep(min(left, 0.2))
        return self.watcher.stopped()


_STAGES = {
    "validating_files": "The service checks the files",
    "queued": "Waiting in the queue of the service",
    "running": "Training at the service",
    "paused": "Paused at the service, until somebody resumes it there",
    "succeeded": "Trained",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


def figures_of(event: HostedEvent) -> dict[str, float]:
    """step, total_steps and what the log has names for: from the event's data, else from `Step 3/90: training loss=0.5`."""
    found = {name: n for name in ("step", "total_steps") if (n := _number(event.data, name)) is not None}
    for theirs, ours in _FIGURES.items():
        if ours not in found and (number := _number(event.data, theirs)) is not None:
            found[ours] = number
    said = _STEP.match(event.message)
    if not found and said:
        found = {"step": float(said[1]), **({"total_steps": float(said[2])} if said[2] else {})}
        found |= {"loss" if kind == "training" else "eval_loss": float(text) for kind, text in _LOSS.findall(said[3])}
    return found


def _number(data: Mapping[str, Any], name: str) -> float | None:
    value = data.get(name)
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**12
    return float(value) if good and math.isfinite(value) else None  # type: ignore[arg-type]
