"""How much memory a training of a base takes, part by part, and how much there is.

Counted from the model's shape for trl's SFTTrainer, whose head works in tiles and never holds all logits. The numbers of
kept activations were counted with hooks on saved tensors (Llama, Qwen2, Phi-3, Phi, GPT-2; torch 2.13, SDPA attention).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from pathlib import Path
from typing import Any, Literal

from finetune.bases.files import read_json
from finetune.bases.identity import tensors
from finetune.bases.registry import Base

Tuning = Literal["full", "lora", "qlora"]
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
NF4 = 0.5 + 0.5 / 32
"""Bytes of a weight in four bits, doubly quantised, with its scales."""
KEPT = {
    ("full", 4): (9, 4),
    ("lora", 4): (7, 4),
    ("full", 2): (11, 4),
    ("lora", 2): (15, 6),
}
"""Numbers kept per token and layer, in widths and in feed-forward widths, by tuning and bytes of a number.

LoRA on 16-bit weights keeps a 32-bit copy of what goes into each layer."""
TILE = (4096, 32768)
"""Tokens and vocabulary of one tile of logits."""
TILES = {"cpu": 5, "cuda": 1}
"""Tiles in memory at a time; on a CPU each step of the softmax makes one."""
HEAP = {"full": 1.2, "lora": 2.3}
"""What activations and logits really take on a CPU: the C library keeps freed blocks that fit nothing else. Peaks of
Llamas of 5M to 500M parameters were 0.9 to 1.4 times the estimate. With MALLOC_MMAP_THRESHOLD_=1000000 it is 1.0 (4.5 GB
instead of 7.5 for 500M), at a third more processor time."""
PROGRAM = {"cpu": 800_000_000, "cuda": 600_000_000}
"""Bytes that Python and its libraries take themselves, or the driver's context on the GPU."""
_OUTSIDE = ("embed", "lm_head", "wte", "wpe")
"""Matrices that are no linear layer within the model, by a part of their name."""


@dataclass(frozen=True)
class Shape:
    """What of a model decides its memory."""

    parameters: int
    linear: int
    """Weights of the linear layers but the head: what is quantised, and adapted by LoRA."""
    sides: int
    """Inputs and outputs of all those layers together; times the rank: the weights of a LoRA adapter."""
    layers: int
    width: int
    intermediate: int
    keys: int
    """Width of the keys, and of the values."""
    vocabulary: int

    @classmethod
    def of(cls, base: Base) -> Shape:
        """From the registry."""
        width, inner, keys = base.width, base.intermediate, base.width * base.kv_heads // base.heads
        parts = 3 if any("gate" in target for target in base.targets) else 2
        linear = 2 * width * (width + keys) + parts * width * inner
        sides = 4 * width + 2 * (width + keys) + parts * (width + inner)
        shape = (base.layers, width, inner, keys, base.vocabulary)
        return cls(base.parameters, base.layers * linear, base.layers * sides, *shape)

    @classmethod
    def read(cls, folder: Path) -> Shape:
        """From a model's files. Raises ModelMissing."""
        config = read_json(folder / "config.json", folder.name)
        config = config.get("text_config") or config
        found = [(tensor.key, tensor.shape) for tensor in tensors(folder)]
        linear = [shape for key, shape in found if len(shape) == 2 and not any(part in key for part in _OUTSIDE)]
        width = _number(config, "hidden_size", "n_embd", "d_model")
        heads = _number(config, "num_attention_heads", "n_head") or 1
        keys = (_number(config, "num_key_value_heads") or heads) * (_number(config, "head_dim") or width // heads)
        return cls(
            sum(prod(shape) for _, shape in found),
            sum(prod(shape) for shape in linear),
            sum(sum(shape) for shape in linear),
            _number(config, "num_hidden_layers", "n_layer"),
            width,
            _number(config, "intermediate_size", "n_inner") or 4 * width,
            keys,
            _number(config, "vocab_size"),
        )


@dataclass(frozen=True)
class Needed:
    """Bytes at the peak of a training step."""

    weights: int
    gradients: int
    optimizer: int
    """AdamW: two numbers for each trained weight."""
    activations: int
    logits: int
    program: int
    """Of Python and its libraries on a CPU, of the driver on a GPU."""

    @property
    def total(self) -> int:
        return sum(getattr(self, part.name) for part in fields(self))


def needed(
    shape: Shape,
    tuning: Tuning,
    *,
    batch: int,
    length: int,
    dtype: str = "float32",
    device: str = "cpu",
    checkpointing: bool = False,
    rank: int = 16,
) -> Needed:
    """Memory of a training on rows of `length` tokens, `batch` at a time; adapters are float32, or bfloat16 on NF4."""
    number = BYTES[dtype]
    trained = shape.parameters if tuning == "full" else rank * shape.sides
    stored = {"full": number, "lora": 4, "qlora": 2}[tuning]
    kept = NF4 * shape.linear if tuning == "qlora" else number * shape.linear
    weights = kept + number * (shape.parameters - shape.linear) + (0 if tuning == "full" else stored * trained)
    tokens = batch * length
    heap = HEAP["full" if tuning == "full" else "lora"] if device == "cpu" else 1.0
    return Needed(
        weights=int(weights),
        gradients=stored * trained,
        optimizer=2 * stored * trained,
        activations=int(heap * tokens * number * _kept(shape, tuning, number, checkpointing)),
        logits=int(heap * _logits(shape, tuning, tokens, device)),
        program=PROGRAM["cuda" if device == "cuda" else "cpu"],
    )


def free_memory(device: str) -> float:
    """Bytes of memory to be had."""
    if device == "cuda":
        import torch

        return float(torch.cuda.mem_get_info()[0])
    import psutil  # type: ignore[import-untyped]  # comes with accelerate

    return float(psutil.virtual_memory().available)


def _kept(shape: Shape, tuning: Tuning, number: int, checkpointing: bool) -> int:
    """Numbers per token: of every layer and the one being worked on; with checkpointing only what goes into each."""
    wide, inner = KEPT["full" if tuning == "full" else "lora", number]
    layer = wide * shape.width + inner * shape.intermediate + 2 * shape.keys
    return shape.layers * (shape.width if checkpointing else layer) + layer


def _logits(shape: Shape, tuning: Tuning, tokens: int, device: str) -> int:
    tile = min(tokens, TILE[0]) * min(shape.vocabulary, TILE[1]) * 4
    # The head's own gradient is summed in float32 before it is handed on.
    head = 4 * shape.vocabulary * shape.width if tuning == "full" else 0
    return tile * TILES["cuda" if device == "cuda" else "cpu"] + 4 * tokens * shape.width + head


def _number(config: dict[str, Any], *keys: str) -> int:
    """The first of these values that is a number; 0 for none."""
    return next((int(config[key]) for key in keys if isinstance(config.get(key), int)), 0)
