"""Where a training runs: GPU or CPU, the number format it computes in, and how many threads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetune.bases.memory import free_memory
from finetune.train.config import TrainConfig
from retrieval.errors import BadInput

Precision = Literal["fp32", "bf16", "fp16"]
WIDE = 512
"""Width from which a CPU with bfloat16 instructions gains by them: 1.6–2.4 times at 896, 0.5–0.9 times at 256."""
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Device:
    """What a training runs on."""

    kind: Literal["cuda", "cpu"]
    title: str
    precision: Precision
    note: str = ""
    """What the user should know of the choice."""

    @property
    def free(self) -> int:
        """Bytes of memory to be had now."""
        return int(free_memory(self.kind))


def choose(config: TrainConfig, width: int) -> Device:
    """The device a configuration asks for, for a model of this width. Raises BadInput when there is none such."""
    import torch

    there = has_gpu(config)
    if config.device == "cpu" or not there:
        return Device("cpu", f"CPU, {_threads()} threads", _on_cpu(config, width))
    note = _first_gpu()
    return Device("cuda", torch.cuda.get_device_name(0), _on_gpu(config), note)


def has_gpu(config: TrainConfig) -> bool:
    """Whether torch finds a GPU. Raises BadInput when there is none and one is asked for."""
    import torch

    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        built = "" if torch.version.cuda else " (this build of torch has no CUDA)"
        hint = "Train on the CPU with --device cpu, or install torch for your CUDA and check `nvidia-smi`."
        raise BadInput(f"device is cuda, and torch finds no GPU{built}.", hint)
    return there


def _on_cpu(config: TrainConfig, width: int) -> Precision:
    import torch

    if config.precision == "fp16":
        raise BadInput("precision is fp16, which only a GPU trains in.", "Use --precision bf16 or fp32.")
    if config.precision != "auto":
        return config.precision
    can: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    fast = bool(can.get("avx512_bf16") or can.get("amx_bf16"))
    return "bf16" if fast and width >= WIDE and config.tuning != "full" else "fp32"


def _on_gpu(config: TrainConfig) -> Precision:
    import torch

    can = torch.cuda.is_bf16_supported(including_emulation=False)
    if config.precision == "bf16" and not can:
        raise BadInput("precision is bf16, which this GPU does not compute in.", "Use --precision fp16.")
    return config.precision if config.precision != "auto" else "bf16" if can else "fp16"


def _first_gpu() -> str:
    """Show this process one GPU: the trainers refuse several without a launcher. Must come before CUDA is first used."""
    import torch

    count = torch.cuda.device_count()
    if count < 2 or "LOCAL_RANK" in os.environ:
        return ""
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    os.environ["CUDA_VISIBLE_DEVICES"] = named
    return f"{count} GPUs are visible; this training uses GPU {named} alone."


def _threads() -> int:
    """Threads that torch computes with; no more than the share of processors that a container has."""
    import torch

    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return int(torch.get_num_threads())
    if quota != "max" and 0 < (share := max(1, int(quota) // int(period))) < torch.get_num_threads():
        torch.set_num_threads(share)
    return int(torch.get_num_threads())
