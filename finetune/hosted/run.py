"""A hosted training as a run: its folder begun once, found again by what was asked for, finished with a manifest."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.hosted.asked import HostedConfig
from finetune.hosted.files import Part, Prepared
from finetune.hosted.service import HostedJob
from finetune.hosted.submission import SUBMISSION, Sent, Submission, keep, read_submission
from finetune.runs.digests import TornRun, digest, keeping, sync_tree
from finetune.runs.folder import RunFolder, torn
from finetune.runs.manifest import HostedModel, Manifest, RunBase, RunData
from finetune.runs.store import Run, Runs
from finetune.train.curve import draw
from retrieval.errors import BadInput, Busy
from retrieval.files import private_folder

LOST = ("failed", "cancelled")
"""Statuses after which the same may be asked for anew."""
LOCK_SECONDS = 30.0


@dataclass(frozen=True)
class HostedRequest:
    """What a run was asked for; `request.json`."""

    id: str
    created: str
    config: HostedConfig
    key: str
    data: Mapping[str, RunData]
    """`train`, and perhaps `validation`."""


@contextmanager
def beginning(models: Path) -> Iterator[None]:
    """One process at a time looks whether a training was asked for already, and begins it. Raises Busy, NoAccess."""
    import filelock

    private_folder(models)
    try:
        with keeping(models), filelock.FileLock(models / ".hosted.lock", LOCK_SECONDS, mode=0o600):
            yield
    except filelock.Timeout:
        raise Busy("Another dyag is beginning a hosted training.", "Try again in a moment.") from None


def earlier(models: Path, key: str) -> Run | None:
    """The newest run that was asked for the same, unless it failed or was cancelled there."""
    for run in Runs(models).all():
        if _key(run.request) == key and run.state != "torn":
            sent = read_submission(run.folder)
            if sent is None or sent.status not in LOST:
                return run
    return None


def submission_of(run: Run) -> Submission | None:
    """How far a run is at its service; None for one that was trained here, and where that cannot be read."""
    try:
        return read_submission(run.folder)
    except TornRun:
        return None


def begin(models: Path, prepared: Prepared, provider: str, url: str, output: Path | None) -> RunFolder:
    """A new run's folder, with the files that are to be sent. Raises BadInput when it is in use, Busy, NoSpace, NoAccess."""
    store = Runs(models)
    run_id = store.new_id()
    folder = store.place(run_id, output)
    with folder.claimed():
        folder.begin(_request(run_id, prepared, provider, url))
        fill(folder, prepared, provider, url)
    return folder


def fill(folder: RunFolder, prepared: Prepared, provider: str, url: str) -> None:
    """Put the files into a run's folder, and note last of all that nothing was sent. Raises NoSpace, NoAccess."""
    places = {"train": folder.dataset, "validation": folder.validation}
    with keeping(folder.path):
        for kind, part in prepared.parts.items():
            shutil.copyfile(part.path, places[kind])
            places[kind].chmod(0o600)
        sync_tree(folder.path)
    files = {kind: Sent(part.sha256, part.name, part.bytes) for kind, part in prepared.parts.items()}
    keep(folder, Submission(provider, url, prepared.key(url), files))


def request_of(folder: RunFolder) -> HostedRequest:
    """Raises TornRun for a request that is not whole, BadInput for one of another kind."""
    found = folder.read_request()
    if "hosted" not in found:
        raise BadInput(f"{folder.path} holds no hosted training.", "`dyag runs` lists what there is.")
    try:
        own = found["hosted"]
        data = {str(kind): RunData(**part) for kind, part in own["data"].items()}
        return HostedRequest(
            str(found["id"]), str(found["created"]), HostedConfig.of(found["config"]), str(own["key"]), data
        )
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise torn(folder.path, f"{folder.request.name} is not what a training writes") from error


def is_hosted(folder: RunFolder) -> bool:
    """Whether a folder holds a hosted run, whatever became of it."""
    return (folder.path / SUBMISSION).is_file() or (folder.request.is_file() and "hosted" in folder.read_request())


def note(folder: RunFolder, job: HostedJob) -> None:
    """Keep what the service says of the job. Raises TornRun, NoSpace, NoAccess."""
    if (now := read_submission(folder)) is not None and now.status != job.status:
        keep(folder, replace(now, status=job.status))


def finish(folder: RunFolder, job: HostedJob) -> Manifest:
    """Write the manifest of a training that succeeded. Raises TornRun, NoSpace, NoAccess."""
    asked, sent = request_of(folder), read_submission(folder)
    if sent is None:
        raise torn(folder.path, f"{SUBMISSION} is missing")
    logged = folder.log.read()
    if logged.entries:
        draw(logged, f"{folder.path.name}: {asked.config.method} of {asked.config.base_model}", folder.curve)
    seconds = max(0.0, (job.finished or job.created) - job.created)
    base = RunBase(asked.config.base_model, sent.url, "", _identity(sent, job), "hosted")
    return folder.finish(
        Manifest(
            id=asked.id,
            created=asked.created,
            seconds=seconds,
            method=asked.config.method,
            tuning="hosted",
            base=base,
            config={**asked.config.values(), "name": job.tuned},
            dataset=asked.data["train"],
            validation=asked.data.get("validation"),
            seeds={"seed": asked.config.seed},
            versions={"python": platform.python_version(), "openai": version("openai")},
            device="a service",
            metrics=figures(folder, job, asked.config, seconds),
            hosted=HostedModel(sent.provider, sent.url, job.tuned, job.id),
        )
    )


def figures(folder: RunFolder, job: HostedJob, config: HostedConfig, seconds: float) -> dict[str, float | None]:
    """The metrics of the run: mean of the training losses, as of a training here; the rest as they were at the end."""
    logged = folder.log.read()
    losses = logged.series("loss")
    found: dict[str, float | None] = {"epochs": float(config.epochs), "train_runtime": seconds}
    if losses:
        found["train_loss"] = sum(value for _, value in losses) / len(losses)
        found["steps"] = max(step for step, _ in losses)
    for name in ("eval_loss", "mean_token_accuracy", "preference_accuracy"):
        if series := logged.series(name):
            found[name] = series[-1][1]
    if job.tokens is not None:
        found["num_tokens"] = float(job.tokens)
    return found


def _request(run_id: str, prepared: Prepared, provider: str, url: str) -> dict[str, Any]:
    """`config` as lists of runs read it; the rest under `hosted`."""
    data = {kind: asdict(_data(prepared, kind, part)) for kind, part in prepared.parts.items()}
    return {
        "id": run_id,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "config": prepared.config.values(),
        "hosted": {"key": prepared.key(url), "provider": provider, "url": url, "data": data},
    }


def _data(prepared: Prepared, kind: str, part: Part) -> RunData:
    """As it was named, where it was named."""
    named = prepared.config.dataset if kind == "train" else prepared.config.validation or part.source
    return RunData(str(named), digest(part.source), part.rows, part.tokens)


def _key(request: Mapping[str, Any]) -> str:
    own = request.get("hosted")
    return str(own.get("key") or "") if isinstance(own, dict) else ""


def _identity(sent: Submission, job: HostedJob) -> str:
    """The weights cannot be looked at: the base is known by its name and its service."""
    return sha256(f"{sent.provider} {sent.url} {job.model}".encode()).hexdigest()
