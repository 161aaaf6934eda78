"""One training from its first check to its manifest: it can be stopped or killed at any instant, and resumed."""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from finetune.bases.files import path_of
from finetune.bases.load import Wanted, load
from finetune.runs.digests import digest
from finetune.runs.folder import RunFolder
from finetune.runs.store import Runs
from finetune.train.attention import use_rows
from finetune.train.callbacks import TrainingFailed, watching
from finetune.train.config import TrainConfig
from finetune.train.finish import close, figures, publish
from finetune.train.fit import lower, smaller
from finetune.train.ground import Folders, Ground, ground
from finetune.train.preflight import Places, Prepared, Report, Sources, check_first, prepare, sources_of
from finetune.train.progress import Progress, Silent, Stop
from finetune.train.request import Request
from finetune.train.resume import reopened
from finetune.train.trainers import Job, had_ended, quietly, trainer_of
from retrieval.files import disk_errors, private_folder

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
Began = Callable[[str, Path | None], None]
"""Told the id and the folder of a run; both empty when it could not begin after all, and its folder is gone."""
_ROWS = "rows"
"""The folder of the rendered rows; it goes when the run is finished."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    state: Literal["finished", "interrupted"]
    run: str
    folder: Path
    final: Path | None
    """The model; None as long as the run is not finished."""
    report: Report
    seconds: float
    metrics: dict[str, float]
    events: tuple[str, ...]


def train(
    config: TrainConfig, folders: Folders, progress: Progress | None = None, began: Began = lambda run, folder: None
) -> Outcome:
    """Train, or go on with a training that was interrupted. One in a process: the libraries change themselves.

    `began` is told as soon as there is a folder to resume.

    Raises BadInput, BadRows, NotFound, ModelMissing, Busy, TornRun, NoSpace, NoAccess, TrainingFailed.
    """
    hears: Progress = progress or Silent()
    stop = Stop(hears)
    if config.output:
        config = config.but(output=path_of(str(config.output), Path.cwd()))
    check_first(config)
    with quietly(), stop.on_signal():
        if config.resume:
            return _resume(config, folders, hears, stop, began)
        return _begin(config, folders, hears, stop, began)


def _begin(config: TrainConfig, folders: Folders, progress: Progress, stop: Stop, began: Began) -> Outcome:
    sources, base = sources_of(config), ground(config, folders)
    runs = Runs(folders.models)
    run_id = runs.new_id()
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    if base.parent:  # `latest` may be another one when the run is resumed
        known = base.parent.path.is_relative_to(folders.models)
        config = config.but(from_run=base.parent.id if known else str(base.parent.path))
    with disk_errors(sources.train):
        request = Request(run_id, now, config, digest(sources.train), base.found.identity)
    folder = runs.place(run_id, config.output)
    new = not folder.path.exists()
    with folder.claimed():
        folder.begin(request.to_json())
        began(run_id, folder.path)
        try:
            prepared = _prepared(config, base, sources, folder, progress)
        except BaseException:
            _remove(folder.path, new)
            began("", None)
            raise
        return _train(prepared, folder, request, progress, stop)


def _resume(config: TrainConfig, folders: Folders, progress: Progress, stop: Stop, began: Began) -> Outcome:
    run = reopened(config, folders)
    with run.folder.claimed():
        began(run.request.id, run.folder.path)
        prepared = _prepared(config, run.base, run.sources, run.folder, progress)
        return _train(prepared, run.folder, run.request, progress, stop)


def _prepared(config: TrainConfig, base: Ground, sources: Sources, folder: RunFolder, progress: Progress) -> Prepared:
    """The preflight of a run, its rows kept in its folder."""
    scratch = private_folder(folder.path / _ROWS)
    prepared = prepare(config, base, sources, Places(scratch, folder.path), progress)
    # The training rows come last: where they are, all of it is.
    for name, place in (("validation.jsonl", folder.validation), ("dataset.jsonl", folder.dataset)):
        if (scratch / name).is_file():
            (scratch / name).replace(place)
    held = prepared.report.validation
    if held and config.validation is None and not config.resume:
        progress.note(f"Validation: {held}, which lies beside the training file.")
    for warning in prepared.report.warnings:
        progress.note(warning)
    return prepared


def _remove(path: Path, new: bool) -> None:
    """A run that could not begin leaves nothing of its own; its folder was empty, or is `new`."""
    for made in path.iterdir():
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    if new:
        path.rmdir()


def _train(prepared: Prepared, folder: RunFolder, request: Request, progress: Progress, stop: Stop) -> Outcome:
    """Attempt after attempt, each with fewer rows in memory, until one does not run out of it."""
    started = time.monotonic() - _seconds(folder)
    events: tuple[str, ...] = ()
    job = Job(prepared, prepared.config, folder)
    if stop():
        return Outcome("interrupted", request.id, folder.path, None, prepared.report, 0.0, {}, ())
    while (ended := _attempt(job, progress, stop)) is None:
        less = smaller(job.config, request.config.gradient_checkpointing)
        if less is None:
            raise _does_not_fit(job)
        events += (_halved(job.config, less),)
        progress.note(events[-1])
        job = replace(job, config=less)
        _free()
    seconds = time.monotonic() - started
    report = replace(prepared.report, config=job.config)
    if ended.stopped:
        metrics = figures(job, ended.seconds, ended.epochs)
        return Outcome("interrupted", request.id, folder.path, None, report, seconds, metrics, events)
    if ended.kept:
        events += (ended.kept,)
        progress.note(ended.kept)
    progress.stage("Saving")
    publish(job, ended.model)
    metrics = figures(job, ended.seconds, ended.epochs)
    close(job, request, seconds, metrics, events)
    shutil.rmtree(folder.path / _ROWS, ignore_errors=True)
    return Outcome("finished", request.id, folder.path, folder.final, report, seconds, metrics, events)


@dataclass(frozen=True)
class _Ended:
    model: Any
    stopped: bool
    kept: str
    """Which state the model is of, when it is not the last that was to come."""
    epochs: float
    seconds: float
    """Of the training loop."""


def _attempt(job: Job, progress: Progress, stop: Stop) -> _Ended | None:
    """Train from the last whole checkpoint, or from the start; None when the memory is full."""
    last = job.folder.last_complete_checkpoint()
    for torn in last.passed_over:
        progress.note(f"Not used: {torn}.")
    if last.path:
        progress.note(f"Going on from step {last.step}.")
    job.folder.drop_after(last.step)
    job.folder.log.rewind(last.step)
    try:
        return _loop(job, last.path, progress, stop)
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if not is_full(error):
            raise
    return None


def _loop(job: Job, checkpoint: Path | None, progress: Progress, stop: Stop) -> _Ended:
    progress.stage("Loading the base")
    model = _base(job)
    before = _seconds(job.folder)
    watch = watching(job.folder, progress, stop, before)
    trainer = trainer_of(job, model, [watch])
    progress.stage("Training")
    if checkpoint and had_ended(checkpoint):
        trainer.take_up(checkpoint)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = before + time.monotonic() - watch.started
    return _Ended(
        trainer.accelerator.unwrap_model(trainer.model),
        watch.stopped,
        _kept_state(trainer.state),
        float(trainer.state.epoch or 0),
        seconds,
    )


def _kept_state(state: Any) -> str:
    """Which state is the best on validation, unless it is the last of all steps."""
    best, last = (state.best_global_step if state.best_model_checkpoint else None), state.global_step
    if last < state.max_steps and best is not None:
        return f"Stopped at step {last:,} of {state.max_steps:,}: no better since step {best:,}; the model is that of step {best:,}."
    return f"The model is that of step {best:,}, the best on validation." if best not in (None, last) else ""


def _seconds(folder: RunFolder) -> float:
    """What earlier attempts took, as far as their work is kept."""
    return max((second for _, second in folder.log.read().series("seconds")), default=0.0)


def _base(job: Job) -> Any:
    """The base in memory; with the parent's adapter, which is trained further. Raises ModelMissing."""
    found, config = job.prepared.base.found, job.config
    dtype = "float32" if config.tuning == "full" else _DTYPES[config.precision]
    wanted = Wanted(str(found.folder), device=config.device, dtype=dtype, quantize=config.quantize)
    model = load(wanted, found.name).model
    if config.device == "cuda":
        # accelerate takes `cuda` for another device than `cuda:0`, and refuses to train 4-bit weights that lie elsewhere.
        model.hf_device_map = {"": int(os.environ.get("LOCAL_RANK", "0"))}
    if config.packing != "none":
        use_rows(model)
    if job.prepared.base.parent:
        import peft

        final = job.prepared.base.parent.path / "final"
        model = peft.PeftModel.from_pretrained(model, str(final), is_trainable=True, local_files_only=True)
    return model


def is_full(error: BaseException) -> bool:
    """Whether an error says that memory, not the disk, is full."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error)
    return "can't allocate memory" in said or "CUDA out of memory" in said or "CUBLAS_STATUS_ALLOC_FAILED" in said


def _halved(before: TrainConfig, after: TrainConfig) -> str:
    if before.micro_batch == after.micro_batch:
        return "The memory was full: activations are computed twice instead of kept."
    now = f"going on with {after.micro_batch}; a step keeps {after.batch_size} rows"
    return f"The memory was full with {before.micro_batch} rows at a time: {now}."


def _does_not_fit(job: Job) -> TrainingFailed:
    need = job.prepared.report.memory
    message = (
        f"The memory is full with {job.config.micro_batch} row at a time: about {need.needed / 1e9:.1f} GB were reckoned "
        f"with, {need.free / 1e9:.1f} GB were free at the start, and the longest row has {job.prepared.report.lengths.longest} tokens."
    )
    return TrainingFailed(message, lower(job.config))


def _free() -> None:
    """Give back what the failed attempt held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
