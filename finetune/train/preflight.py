"""Everything that can be known of a training before a weight is loaded; what cannot work is refused here, with figures."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from finetune.formats.splits import find_dataset, held_out, split_of
from finetune.runs.folder import LOCK
from finetune.train.config import TrainConfig
from finetune.train.defaults import UNBALANCED, resolve, steps_of, with_loss, with_steps
from finetune.train.device import Device, choose, has_gpu
from finetune.train.fit import Need, fitted
from finetune.train.ground import Folders, Ground, ground
from finetune.train.progress import Progress, Silent
from finetune.train.render import Renderer
from finetune.train.rows import Rows, write_rows
from finetune.train.speed import estimate, measure
from finetune.train.workload import items, work
from retrieval.errors import BadInput, NoSpace, NotFound
from retrieval.types import Message

FEW = 50
"""Rows below which a training rarely gets further than the form."""
NF4_BLOCK = 64
KEPT = 3
"""Checkpoints on the disk at once: the best, the last, and the one being written."""
PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


@dataclass(frozen=True)
class Sources:
    """The files of rows."""

    train: Path
    validation: Path | None


@dataclass(frozen=True)
class Places:
    """Where a training writes."""

    scratch: Path
    """Rows that are rendered."""
    output: Path
    """The run."""


@dataclass(frozen=True)
class Spread:
    """Tokens of the rows."""

    median: int
    p95: int
    longest: int


@dataclass(frozen=True)
class Report:
    """What a training will be."""

    config: TrainConfig
    """Resolved: what was left open is chosen."""
    base: str
    parameters: int
    device: str
    device_name: str
    rows: int
    dropped: int
    truncated: int
    validation: Path | None
    validation_rows: int
    lengths: Spread
    tokens_per_epoch: int
    steps: int
    epochs: float
    padding: float
    """Share of the computed tokens that only fill up."""
    memory: Need
    disk: Need
    seconds: tuple[float, float]
    """At best and at worst."""
    labels: dict[str, int]
    """Good and bad answers, for KTO."""
    warnings: tuple[str, ...]
    run: str = ""
    """The one that it goes on with."""
    done: int = 0
    """Steps of it that are kept; `seconds` are those of the rest."""


@dataclass(frozen=True)
class Prepared:
    """A training that can begin."""

    report: Report
    base: Ground
    device: Device
    rows: Rows
    validation: Rows | None

    @property
    def config(self) -> TrainConfig:
        return self.report.config


def preflight(config: TrainConfig, folders: Folders, progress: Progress | None = None) -> Report:
    """What the training will be, or why it cannot be. Leaves nothing on the disk.

    Raises BadInput, BadRows, NotFound, ModelMissing, NoSpace.
    """
    check_first(config)
    with tempfile.TemporaryDirectory(prefix="dyag-") as scratch:
        hears = progress or Silent()
        sources, base = sources_of(config), ground(config, folders)
        places = Places(Path(scratch), config.output or folders.models)
        return prepare(config, base, sources, places, hears).report


def prepare(config: TrainConfig, base: Ground, sources: Sources, places: Places, progress: Progress) -> Prepared:
    """Check everything, and render the rows. Raises as `preflight` does."""
    progress.stage("Checking the dataset")
    device = choose(config, base.shape.width)
    if device.note:
        progress.note(device.note)
    asked, config = config.max_length or 0, resolve(config, base, device)
    _check_four_bits(config, base)
    renderer = Renderer(base.format, config.method, config.max_length or 0, config.overlength)
    _check_end(base)
    scratch = places.scratch
    rows = write_rows(sources.train, scratch / "train.arrow", scratch / "dataset.jsonl", renderer)
    held = None
    if sources.validation:
        held = write_rows(sources.validation, scratch / "validation.arrow", scratch / "validation.jsonl", renderer)
    report = _report(config.but(validation=sources.validation), base, device, rows, held, places.output)
    _check_disk(report, places.output)
    if asked > base.context:
        cut = f"{base.found.name} reads {base.context:,} tokens; a --max-length of {asked:,} is cut to that."
        report = replace(report, warnings=(cut, *report.warnings))
    return Prepared(report, base, device, rows, held)


def check_first(config: TrainConfig) -> None:
    """What needs neither base nor rows: the output, the packages, the GPU. Raises BadInput."""
    _check_output(config)
    _check_reporters(config)
    if config.device == "cuda":
        has_gpu(config)


def _check_output(config: TrainConfig) -> None:
    """Raises BadInput for an output folder in which something lies that is not a run to resume."""
    path = config.output
    try:
        if path is None or not path.exists():
            return
    except OSError as error:
        raise BadInput(f"{path} cannot be a folder: {error.strerror}.", "Name another with --output.") from error
    if not path.is_dir():
        raise BadInput(f"{path} is a file.", "Name a folder with --output.")
    if not config.resume and any(entry.name != LOCK for entry in path.iterdir()):
        message = f"{path} is in use: it holds files already."
        raise BadInput(message, "Name another folder with --output, or go on with an interrupted run with --resume.")


def _check_reporters(config: TrainConfig) -> None:
    for name in config.report_to:
        if name != "none" and find_spec(PACKAGES[name]) is None:
            raise BadInput(
                f"report_to is {name}, whose package is not installed.", f"Run `pip install {PACKAGES[name]}`."
            )


def _check_end(base: Ground) -> None:
    """Raises BadInput when answers would be taught to end with a token that no generation stops at.

    And GeneratorFailed for a template that cannot be filled.
    """
    base.format.text([Message("user", "?")])
    end, configured = base.format.end, base.config.get("eos_token_id")
    if end not in base.format.ends(configured):
        raise BadInput(
            f"{base.found.name}: its answers end with token {end}, at which it would not stop.",
            "Correct eos_token in its tokenizer's files.",
        )


def _check_four_bits(config: TrainConfig, base: Ground) -> None:
    """Raises BadInput for a model whose layers bitsandbytes cannot divide into blocks on a CPU."""
    if config.quantize == "4bit" and config.device == "cpu" and base.shape.width % NF4_BLOCK:
        message = f"quantize is 4bit, and {base.found.name} is {base.shape.width} wide: on a CPU that must be a multiple of {NF4_BLOCK}."
        raise BadInput(message, "Train it with --quantize none.")


def sources_of(config: TrainConfig) -> Sources:
    """The files a configuration means. Raises NotFound."""
    train = _dataset(config.dataset)
    return Sources(train, _validation(config, train))


def _dataset(path: Path) -> Path:
    try:
        found = find_dataset(path).path
        there = found.exists()
    except OSError:  # a name that is too long
        there = False
    if not there:
        raise NotFound(f"There is no dataset {path}.", "Make one with `dyag gen-dataset`, or check the path.")
    if not found.is_file():
        raise BadInput(f"{found} is no file of rows.", "Name one: a folder may hold several.")
    return found


def _validation(config: TrainConfig, source: Path) -> Path | None:
    """The file named, or the one that belongs to the training file."""
    if config.validation is not None:
        return _dataset(config.validation)
    return next((path for path in held_out(source) if split_of(path) == "val"), None)


def _report(config: TrainConfig, base: Ground, device: Device, rows: Rows, held: Rows | None, place: Path) -> Report:
    labels = _labels(config, rows)
    lengths = items(rows, config)[1]
    config, memory = fitted(with_loss(config, labels), base.shape, device, lengths)
    steps = steps_of(config, len(lengths))
    config = with_steps(config, steps, len(held) if held else 0)
    padding, todo = work(rows, lengths, config, steps, held)
    seconds = estimate(base.shape, config, todo, measure(device, base.shape.width))
    return Report(
        config, base.found.name, base.shape.parameters, device.kind, device.title, len(rows), rows.dropped, rows.truncated,
        config.validation, len(held) if held else 0, _spread(rows), rows.tokens, steps,
        steps * config.batch_size / max(1, len(lengths)) if config.max_steps else config.epochs,
        padding, memory, _disk(config, base, rows, place), seconds, labels, tuple(_warnings(config, device, rows, held, labels)),
    )  # fmt: skip


def _labels(config: TrainConfig, rows: Rows) -> dict[str, int]:
    """Raises BadInput for ratings of one kind: nothing tells them apart."""
    if config.method != "kto":
        return {}
    labels = {"good": rows.labels[True], "bad": rows.labels[False]}
    if not all(labels.values()):
        missing = "bad" if labels["good"] else "good"
        message = f"{rows.source} has {len(rows)} rated answers and none that is {missing}: KTO learns from both."
        raise BadInput(message, "Add some (`dyag gen-dataset --from feedback --as kto`), or train with --method sft.")
    return labels


def _spread(rows: Rows) -> Spread:
    import numpy as np

    median, p95 = (int(value) for value in np.percentile(rows.lengths, [50, 95], method="lower"))
    return Spread(median, p95, int(rows.lengths.max()))


def _disk(config: TrainConfig, base: Ground, rows: Rows, place: Path) -> Need:
    """Checkpoints with the optimizer's two moments, what is saved at the end, and the rows."""
    existing = next(path for path in (place.absolute(), *place.absolute().parents) if path.exists())
    whole = base.shape.parameters if config.tuning == "full" else base.shape.sides * (config.lora_rank or 0)
    optimizer = 2 if config.tuning == "qlora" and config.device == "cuda" else 8
    needed = KEPT * whole * (4 + optimizer) + 4 * whole + 9 * rows.tokens + rows.source.stat().st_size + (8 << 20)
    return Need(needed, shutil.disk_usage(existing).free)


def _check_disk(report: Report, place: Path) -> None:
    """Raises NoSpace when the run would fill the disk."""
    if report.disk.needed > report.disk.free:
        message = f"The training writes about {report.disk.needed / 1e6:,.0f} MB to {place}, and {report.disk.free / 1e6:,.0f} MB are free."
        raise NoSpace(message, "Free some disk space, lower --lora-rank, or name another disk with --output.")


def _warnings(
    config: TrainConfig, device: Device, rows: Rows, held: Rows | None, labels: dict[str, int]
) -> Iterator[str]:
    yield from rows.warnings
    if len(rows) < FEW:
        yield f"{len(rows)} rows are few: below {FEW} a model rarely learns more than the form of its answers."
    if rows.dropped or rows.truncated:
        what = ", ".join(f"{n} {said}" for n, said in ((rows.dropped, "dropped"), (rows.truncated, "cut")) if n)
        yield f"{what} of {len(rows) + rows.dropped} rows: they are longer than {config.max_length} tokens."
    if held is None:
        yield "There is no validation file: nothing tells when the training begins to learn by heart."
    elif shared := len(rows.prompts & held.prompts):
        yield f"{shared} prompts of the validation file are in the training file too: its loss will flatter."
    if labels and max(labels.values()) > UNBALANCED * min(labels.values()):
        yield f"{labels['good']} good and {labels['bad']} bad answers: KTO learns best from about as many of each."
    if device.kind == "cpu":
        yield "No GPU is used: a CPU is 10 to 100 times slower."
