"""An interrupted training: whether it can go on as it is asked for now, and what is left of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.runs.folder import RunFolder
from finetune.train.config import TrainConfig
from finetune.train.ground import Folders, Ground, ground
from finetune.train.preflight import Places, Report, Sources, check_first, prepare, sources_of
from finetune.train.progress import Progress, Silent
from finetune.train.request import Request, check_same, request_of
from retrieval.errors import BadInput


@dataclass(frozen=True)
class Reopened:
    """A run that can go on."""

    folder: RunFolder
    request: Request
    base: Ground
    sources: Sources


def reopened(config: TrainConfig, folders: Folders) -> Reopened:
    """The run in the configuration's output. Raises BadInput, NotFound, ModelMissing, TornRun."""
    if config.output is None:
        raise BadInput("Nothing says which run to resume.", "Name its folder with --output.")
    folder = RunFolder(config.output)
    request = request_of(folder)
    if folder.manifest_path.exists():
        hint = f"Train it further in another folder with --from-run {request.id}."
        raise BadInput(f"The run {request.id} in {folder.path} is finished.", hint)
    check_same(request, config)
    base = ground(config, folders)
    if base.found.identity != request.identity:
        hint = "Put the base back as it was, or train anew with another --output."
        raise BadInput(f"The weights of {base.found.name} have changed since the run {request.id} began.", hint)
    return Reopened(folder, request, base, _kept(folder, config))


def remaining(config: TrainConfig, folders: Folders, progress: Progress | None = None) -> Report:
    """What `preflight` says, of a training that goes on; changes nothing. Raises as it does, and Busy, TornRun."""
    check_first(config)
    run = reopened(config, folders)
    with run.folder.claimed(), tempfile.TemporaryDirectory(prefix="dyag-") as scratch:
        places = Places(Path(scratch), run.folder.path)
        report = prepare(config, run.base, run.sources, places, progress or Silent()).report
        done = run.folder.last_complete_checkpoint().step
    low, high = (seconds * (1 - done / report.steps) for seconds in report.seconds)
    return replace(report, run=run.request.id, done=done, seconds=(low, high))


def _kept(folder: RunFolder, config: TrainConfig) -> Sources:
    """The rows as the run keeps them; those it was asked for, when it was killed before it kept any."""
    if not folder.dataset.is_file():
        return sources_of(config)
    return Sources(folder.dataset, folder.validation if folder.validation.is_file() else None)
