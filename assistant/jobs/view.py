"""How far a job is: its row and its event log as one value."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.jobs.events import latest
from assistant.screen import duration

if TYPE_CHECKING:
    from assistant.jobs.files import JobFiles
    from assistant.journal.jobs import Job, State


@dataclass(frozen=True)
class JobView:
    """One job as it stands."""

    number: int
    line: str
    state: State
    stage: str
    """What it does, or did last."""
    done: int | None
    total: int | None
    figures: Mapping[str, float | None]
    """Such as the loss, the last one told."""
    left: float | None
    """Seconds until the end of the stage, as the job estimates them."""
    created: float
    started: float | None
    ended: float | None
    seconds: float
    """It has run so long."""
    exit_code: int | None
    error: str
    note: str
    """What it said last."""
    stopping: bool
    """Whether it was asked to stop, and has not ended yet."""
    run: str
    author: str
    queue: str

    @property
    def share(self) -> float | None:
        """Of the stage, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total and self.done is not None else None

    @property
    def percent(self) -> str:
        """`42%`, or nothing."""
        return "" if self.share is None else f"{int(100 * self.share)}%"

    @property
    def summary(self) -> str:
        """`train 42% loss 1.31 · 2 min 05 s left`: for the bar below the prompt."""
        name = self.line.partition(" ")[0]
        if self.state == "queued" or self.stopping:
            return f"{name} {'stops' if self.stopping else 'waits'}"
        parts = [name, self.percent or self.stage, f"loss {loss:.3g}" if (loss := self.figures.get("loss")) else ""]
        left = f" · {duration(self.left)} left" if self.left is not None and self.state == "running" else ""
        return " ".join(filter(None, parts)) + left

    @property
    def ending(self) -> str:
        """`failed: the disk is full`; for one that has not ended, its state."""
        if self.state in ("queued", "running"):
            return "stopping" if self.stopping else self.state
        return f"{self.state}: {self.error}" if self.error else self.state


def view(job: Job, files: JobFiles) -> JobView:
    """The job with what its event log tells."""
    events = latest(files.events)
    stage, progress, note = events.get("stage"), events.get("progress"), events.get("note")
    if stage and progress and progress.text != stage.text:
        progress = None  # of the stage before
    return JobView(
        number=job.number,
        line=job.line,
        state=job.state,
        stage=next((event.text for event in (stage, progress) if event), ""),
        done=progress.done if progress else None,
        total=progress.total if progress else None,
        figures=progress.figures if progress else {},
        left=_left(progress.left, progress.time) if progress else None,
        created=job.created,
        started=job.started,
        ended=job.ended,
        seconds=_seconds(job),
        exit_code=job.exit_code,
        error=job.error,
        note=note.text if note else "",
        stopping=job.stopping and not job.over,
        run=job.run,
        author=job.author,
        queue=job.queue,
    )


def _left(left: float | None, told: float) -> float | None:
    """What is left now of what was left then, whatever was done to the clock since."""
    return None if left is None else left - min(max(time.time() - told, 0.0), left)


def _seconds(job: Job) -> float:
    """Never negative: a clock may have been set back."""
    end = job.ended if job.over else time.time()
    return max(0.0, (end or 0.0) - job.started) if job.started is not None else 0.0
