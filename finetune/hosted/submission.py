"""What was sent to a service, on the disk before and after each step, so that a kill at any instant sends nothing twice.

submission.json lies in the run folder:

    {"provider": "openai", "url": "https://…/v1", "key": "…", "sending": "train",
     "files": {"train": {"sha256": "…", "name": "dyag-….jsonl", "id": "file-…"}}, "job": "", "status": ""}

`sending` is written before a file or the job is sent, and its id after. What was being sent when the process ended is
looked for at the service: a file by its name, which holds its hash, a job by the run's id in its metadata.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from finetune.hosted.asked import HostedConfig
from finetune.hosted.files import shown_size
from finetune.hosted.service import HostedFailed, HostedFile, HostedJob, NewJob, Service
from finetune.runs.digests import digest, keeping
from finetune.runs.folder import RunFolder, torn
from retrieval.errors import NotFound
from retrieval.files import write_private

SUBMISSION = "submission.json"
LABEL = "dyag_run"
"""Key of a job's metadata under which the run stands."""
SETTLE = 10.0
"""Seconds in which a service may still finish what it was being sent when we ended, or lost it."""
LOOK = 1.0
"""Seconds between two looks for it."""
ATTEMPTS = 6
FIRST_WAIT = 1.0
"""Seconds before the second attempt, doubled for each further one."""
_PATHS = {"train": "dataset", "validation": "validation"}
T = TypeVar("T")
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Sent:
    """One file."""

    sha256: str
    name: str
    bytes: int
    id: str = ""
    """At the service; empty while it is not there."""


@dataclass(frozen=True)
class Submission:
    """How far a training is on its way to a service."""

    provider: str
    url: str
    """Without credentials."""
    key: str
    """The same for a training that is asked for twice."""
    files: dict[str, Sent] = field(default_factory=dict)
    """`train`, and perhaps `validation`."""
    sending: str = ""
    """What is being sent: a file, or `job`."""
    job: str = ""
    status: str = ""
    """Of the job, as it was seen last."""

    def with_file(self, kind: str, file_id: str) -> Submission:
        """The same, once a file is there."""
        return replace(self, files={**self.files, kind: replace(self.files[kind], id=file_id)}, sending="")


def read_submission(folder: RunFolder) -> Submission | None:
    """None for a run that was trained here. Raises TornRun."""
    path = folder.path / SUBMISSION
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        files = {str(kind): Sent(**sent) for kind, sent in data.pop("files").items()}
        return Submission(**data, files=files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise torn(folder.path, f"{SUBMISSION} cannot be read") from error


def keep(folder: RunFolder, now: Submission) -> Submission:
    """Write it. Raises NoSpace, NoAccess."""
    with keeping(folder.path):
        write_private(folder.path / SUBMISSION, f"{json.dumps(asdict(now), indent=1)}\n".encode())
    return now


@dataclass
class Submitting:
    """Brings one run to a service, from wherever it stands. Only one process does so: the folder is claimed."""

    folder: RunFolder
    run: str
    config: HostedConfig
    service: Service
    say: Callable[[str], None] = lambda text: None
    sleep: Sleep = time.sleep

    def run_to_job(self) -> Submission:
        """Send what is not there yet. Raises HostedFailed, TornRun, NoSpace, NoAccess."""
        now = read_submission(self.folder)
        if now is None:
            raise NotFound(
                f"{self.folder.path} holds no hosted training.", "Begin one: dyag finetune --provider openai."
            )
        for kind in now.files:
            if not now.files[kind].id and not now.job:
                now = self._file(now, kind)
        return now if now.job else self._job(now)

    def _file(self, now: Submission, kind: str) -> Submission:
        sent, path = now.files[kind], self.folder.path / f"{_PATHS[kind]}.jsonl"
        if digest(path) != sent.sha256:
            raise torn(self.folder.path, f"{path.name} has changed")

        def found() -> HostedFile | None:
            return next((f for f in self.service.files() if _is(f, sent)), None)

        def send() -> HostedFile:
            self.say(f"Sending {path.name}, {shown_size(sent.bytes)}")
            return self.service.send(path, sent.name)

        before = now.sending == kind
        now = keep(self.folder, replace(now, sending=kind))
        file = self._once(found, send, unsure=before, always=True)
        return keep(self.folder, now.with_file(kind, file.id))

    def _job(self, now: Submission) -> Submission:
        asked = NewJob(
            self.config.base_model,
            now.files["train"].id,
            now.files["validation"].id if "validation" in now.files else "",
            self.config.api_method(),
            self.config.suffix,
            self.config.seed,
            {LABEL: self.run},
        )

        def found() -> HostedJob | None:
            return next((job for job in self.service.jobs() if _is_ours(job, asked)), None)

        def send() -> HostedJob:
            return self.service.create(asked)

        before = now.sending == "job"
        now = keep(self.folder, replace(now, sending="job"))
        job = self._once(found, send, unsure=before, always=False)
        return keep(self.folder, replace(now, job=job.id, status=job.status, sending=""))

    def _once(self, found: Callable[[], T | None], send: Callable[[], T], *, unsure: bool, always: bool) -> T:
        """What is there already, else what is sent; a fault that passes is waited out. Raises HostedFailed.

        `always`: look for it also where nothing says that it was being sent.
        """
        for attempt in range(ATTEMPTS):
            try:
                there = self._settled(found) if unsure else found() if always else None
                if there is not None:
                    return there
                self.sleep(0.0)  # may be asked to stop
                try:
                    return send()
                except HostedFailed as fault:
                    unsure = fault.unsure
                    raise
            except HostedFailed as fault:
                if not fault.passing or attempt + 1 == ATTEMPTS:
                    raise
                wait = FIRST_WAIT * 2**attempt if fault.wait is None else fault.wait
                self.say(f"{fault.message} Again in {wait:.0f} s.")
                self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _settled(self, found: Callable[[], T | None]) -> T | None:
        """What was being sent when that broke off: the service may take a while to show it."""
        end = time.monotonic() + SETTLE
        while (there := found()) is None and time.monotonic() < end:
            self.sleep(LOOK)
        return there


def _is(file: HostedFile, sent: Sent) -> bool:
    """Its name holds its hash; some services do not tell its size."""
    return file.name == sent.name and file.bytes in (sent.bytes, 0) and file.status not in ("error", "deleted")


def _is_ours(job: HostedJob, asked: NewJob) -> bool:
    """By the run's id; where a service keeps no metadata, by files that only we have sent for this model, and that it works on."""
    if job.metadata:
        return job.metadata.get(LABEL) == asked.metadata[LABEL]
    same = (job.training_file, job.validation_file, job.model) == (
        asked.training_file,
        asked.validation_file,
        asked.model,
    )
    return same and not job.over
