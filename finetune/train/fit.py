"""How many rows are in memory at a time, and whether activations are kept: what is fastest of what fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.bases.memory import Shape, needed
from finetune.train.config import TrainConfig
from finetune.train.device import Device
from finetune.train.workload import heaviest
from retrieval.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

SHARE = 0.9
"""Part of the free memory that a training may take."""
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class Need:
    """Bytes."""

    needed: int
    free: int


def fitted(
    config: TrainConfig, shape: Shape, device: Device, lengths: np.ndarray[Any, Any]
) -> tuple[TrainConfig, Need]:
    """The configuration with rows at a time and checkpointing chosen. Raises BadInput when nothing fits."""
    free = device.free
    for tried in _candidates(config, config.gradient_checkpointing):
        need = Need(memory(tried, shape, lengths), free)
        if need.needed <= SHARE * free:
            return tried, need
    message = (
        f"The training needs about {need.needed / 1e9:.1f} GB with {tried.micro_batch} row at a time, "
        f"and {free / 1e9:.1f} GB are free on {device.title}."
    )
    raise BadInput(message, lower(config))


def memory(config: TrainConfig, shape: Shape, lengths: np.ndarray[Any, Any]) -> int:
    """Bytes at the peak of a step of a configuration whose `micro_batch` is chosen."""
    batch, length = heaviest(lengths, config, config.micro_batch or config.batch_size)
    dtype = "float32" if config.tuning == "full" else _DTYPES[config.precision]
    found = needed(
        shape,
        config.tuning,
        batch=batch,
        length=length,
        dtype=dtype,
        device=config.device,
        checkpointing=bool(config.gradient_checkpointing),
        rank=config.lora_rank or 0,
    )
    copies = 4 * shape.parameters if config.method != "sft" and config.tuning == "full" else 0  # the reference model
    return found.total + copies


def smaller(config: TrainConfig, checkpointing: bool | None) -> TrainConfig | None:
    """The next configuration that takes less memory and learns the same; None when there is none.

    `checkpointing` is what was asked for: None lets it be turned on.
    """
    return next((tried for tried in _candidates(config, checkpointing) if tried != config), None)


def lower(config: TrainConfig) -> str:
    """What a user can do about memory."""
    ways = ["lower --max-length"]
    ways += ["train an adapter with --tuning lora"] if config.tuning == "full" else ["lower --lora-rank"]
    ways += ["--quantize 4bit"] if config.tuning == "lora" else []
    return f"Use a smaller base, {', '.join(ways)}, or end other programs."


def _candidates(config: TrainConfig, checkpointing: bool | None) -> Iterator[TrainConfig]:
    """From all rows of a step at a time down to one; then activations are computed twice instead of kept."""
    kept = bool(config.gradient_checkpointing)
    for size in _sizes(config):
        yield config.but(micro_batch=size, gradient_checkpointing=kept)
    if checkpointing is None and not kept:
        yield config.but(micro_batch=size, gradient_checkpointing=True)


def _sizes(config: TrainConfig) -> list[int]:
    """Rows at a time, each a divisor of the batch and at most half of the one before, down to the least."""
    least = 2 if config.loss == ("kto",) else 1  # it compares rows that are in memory together
    most = max(config.micro_batch or config.batch_size, least)
    divisors = [n for n in range(config.batch_size, least - 1, -1) if config.batch_size % n == 0]
    sizes = [n for n in divisors if n <= most] or divisors[-1:]
    taken = sizes[:1]
    for size in sizes[1:]:
        if size <= taken[-1] // 2 or size == sizes[-1]:
            taken.append(size)
    return taken
