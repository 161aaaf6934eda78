"""How long a training will take: operations counted from the model and the rows, divided by what this device does a second.

Counted as Kaplan et al. (2020) do: 2 operations a weight and token forward, the same for the gradients of what flows, and
again for those of the weights where all of them are trained.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from finetune.bases.memory import Shape
from finetune.train.config import TrainConfig
from finetune.train.device import Device

BENCH_SECONDS = 0.3
_TOKENS = {"cpu": 512, "cuda": 8192}
REACHED = (0.95, 0.35)
"""Part of the matrix product's speed that trainings reach, at best and at worst."""
PER_LAYER = {"cpu": (0.001, 0.003), "cuda": (0.0005, 0.002)}
"""Seconds that one layer costs a batch beside its products: calls, norms, the optimizer."""
START = {"cpu": (2.0, 12.0), "cuda": (5.0, 40.0)}
"""Seconds to load and to save."""


@dataclass(frozen=True)
class Work:
    """What is to be computed."""

    tokens: int
    """In all epochs, padding included."""
    learnt: int
    """Tokens that go through the head."""
    attended: int
    """Sum over tokens of how many positions each is compared with."""
    batches: int
    evaluated: int = 0
    """Tokens that are only read, in all evaluations."""


def operations(shape: Shape, config: TrainConfig, work: Work) -> float:
    """Floating point operations of a training."""
    body = 2.0 * shape.linear
    head = 2.0 * shape.vocabulary * shape.width
    forward = body * work.tokens + head * work.learnt + 4.0 * shape.width * shape.layers * work.attended
    passes = 3.0 if config.tuning == "full" else 2.0
    passes += 1.0 if config.gradient_checkpointing else 0.0
    passes += 1.0 if config.method != "sft" else 0.0  # what the model said before it was trained
    return forward * passes + (body + head) * work.evaluated


def estimate(shape: Shape, config: TrainConfig, work: Work, rate: float) -> tuple[float, float]:
    """Seconds at best and at worst, on a device that does `rate` operations a second."""
    total = operations(shape, config, work)
    low, high = (
        total / (rate * reached) + work.batches * shape.layers * layer + start
        for reached, layer, start in zip(REACHED, PER_LAYER[config.device], START[config.device], strict=True)
    )
    return low, high


def measure(device: Device, width: int) -> float:
    """Operations a second of matrix products of the size the model computes."""
    import torch

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[device.precision]
    tokens, wide = _TOKENS[device.kind], 4 * width
    left = torch.ones(tokens, width, dtype=dtype, device=device.kind)
    right = torch.ones(wide, width, dtype=dtype, device=device.kind)

    def product() -> None:
        torch.nn.functional.linear(left, right)

    def finished() -> float:
        if device.kind == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    product()
    started, count = finished(), 0
    while finished() - started < BENCH_SECONDS:
        product()
        count += 1
    return 2.0 * tokens * width * wide * count / (finished() - started)
