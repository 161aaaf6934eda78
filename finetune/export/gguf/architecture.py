"""What GGUF says of a model's shape, from its configuration, and what GGUF cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.bases.files import read_json
from retrieval.errors import BadInput

NAMES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Phi3ForCausalLM": "phi3",
    "PhiForCausalLM": "phi2",
    "GPT2LMHeadModel": "gpt2",
}
"""llama.cpp's name of each architecture that is written."""
_ACTIVATIONS = {
    "llama": ("silu",), "qwen2": ("silu",), "phi3": ("silu",),
    "phi2": ("gelu_new", "gelu_pytorch_tanh"), "gpt2": ("gelu_new", "gelu_pytorch_tanh"),
}  # fmt: skip
_ROTATIONS = {
    "llama": ("default", "linear", "yarn", "llama3"),
    "qwen2": ("default", "linear", "yarn"),
    "phi3": ("default", "longrope"),
    "phi2": ("default",),
}
_OF_YARN = ("rope_type", "rope_theta", "factor", "original_max_position_embeddings", "partial_rotary_factor")
Value = int | float | str


def architecture_of(folder: Path, name: str) -> str:
    """llama.cpp's name for the model in a folder. Raises BadInput for an architecture that is not written, ModelMissing."""
    said = read_json(folder / "config.json", name).get("architectures") or ["no architecture"]
    found = str(said[0]) if isinstance(said, list) else str(said)
    if found not in NAMES:
        hint = f"These are: {', '.join(NAMES)}. `dyag merge-lora` writes safetensors of any other."
        raise BadInput(f"{name} is a {found}, which is not written as GGUF.", hint)
    return NAMES[found]


def parameters(config: Any, architecture: str) -> dict[str, Value]:
    """The model's shape by GGUF's keys, without the architecture before them. Raises BadInput for what GGUF cannot say."""
    _check(config, architecture)
    found: dict[str, Value] = {
        "vocab_size": config.vocab_size,
        "context_length": _context(config, architecture),
        "embedding_length": config.hidden_size,
        "block_count": config.num_hidden_layers,
        "attention.head_count": config.num_attention_heads,
    }
    if architecture == "gpt2":
        inner = config.n_inner or 4 * config.hidden_size
        return found | {"feed_forward_length": inner, "attention.layer_norm_epsilon": config.layer_norm_epsilon}
    epsilon = (
        {"attention.layer_norm_epsilon": config.layer_norm_eps}
        if architecture == "phi2"
        else {"attention.layer_norm_rms_epsilon": config.rms_norm_eps}
    )
    window = {"attention.sliding_window": config.sliding_window or 0} if architecture == "phi3" else {}
    heads = config.num_key_value_heads or config.num_attention_heads
    inner = {"feed_forward_length": config.intermediate_size, "attention.head_count_kv": heads}
    return found | inner | epsilon | window | _rotation(config)


def head_size(config: Any) -> int:
    """Dimensions of one attention head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def rotation_factors(config: Any, architecture: str) -> dict[str, list[float]]:
    """Tensors by which llama.cpp divides the frequencies of the positions; none for most models."""
    rope = {} if architecture == "gpt2" else rope_of(config)
    if rope.get("rope_type") == "llama3":
        return {"rope_freqs.weight": _llama3(rope, head_size(config))}
    if rope.get("rope_type") == "longrope":
        names = {"rope_factors_long.weight": "long_factor", "rope_factors_short.weight": "short_factor"}
        return {name: list(map(float, rope[key])) for name, key in names.items()}
    return {}


def rope_of(config: Any) -> Mapping[str, Any]:
    """How positions are turned, as transformers 5 writes it."""
    return config.rope_parameters or {}


def _rotation(config: Any) -> dict[str, Value]:
    rope, size = rope_of(config), head_size(config)
    turned = int(size * float(rope.get("partial_rotary_factor") or 1.0))
    found: dict[str, Value] = {
        "rope.dimension_count": turned,
        "rope.freq_base": float(rope["rope_theta"]),
        "attention.key_length": size,
        "attention.value_length": size,
    }
    kind = rope.get("rope_type", "default")
    if kind in ("linear", "yarn"):
        found |= {"rope.scaling.type": kind, "rope.scaling.factor": float(rope["factor"])}
    if kind in ("yarn", "longrope"):
        found["rope.scaling.original_context_length"] = _trained_context(config)
    if kind == "longrope":
        found["rope.scaling.attn_factor"] = _long_attention(config)
    return found


def _trained_context(config: Any) -> int:
    said = rope_of(config).get("original_max_position_embeddings")
    return int(said or getattr(config, "original_max_position_embeddings", 0) or config.max_position_embeddings)


def _long_attention(config: Any) -> float:
    """LongRoPE's factor of the attention (Ding et al. 2024)."""
    if said := rope_of(config).get("attention_factor"):
        return float(said)
    trained = _trained_context(config)
    longer = config.max_position_embeddings / trained
    return 1.0 if longer <= 1 else math.sqrt(1 + math.log(longer) / math.log(trained))


def _llama3(rope: Mapping[str, Any], size: int) -> list[float]:
    """Llama 3.1's scaling: waves longer than it was trained on are stretched, short ones kept, those between mixed."""
    factor, low, high = (float(rope[key]) for key in ("factor", "low_freq_factor", "high_freq_factor"))
    trained = float(rope["original_max_position_embeddings"])
    made = []
    for number in range(0, size, 2):
        wave = 2 * math.pi * float(rope["rope_theta"]) ** (number / size)
        share = min(max((trained / wave - low) / (high - low), 0.0), 1.0)
        made.append(1 / ((1 - share) / factor + share))
    return made


def _context(config: Any, architecture: str) -> int:
    """Tokens it reads. llama.cpp gives these architectures no sliding window: as far as the window, both are the same."""
    whole = int(config.max_position_embeddings)
    window = getattr(config, "sliding_window", None)
    if architecture == "phi3" or not window or not getattr(config, "use_sliding_window", True):
        return whole
    return min(whole, int(window))


def _check(config: Any, architecture: str) -> None:
    """Raises BadInput for what llama.cpp computes otherwise."""
    act = config.activation_function if architecture == "gpt2" else config.hidden_act
    if act not in _ACTIVATIONS[architecture]:
        raise _unsaid(f"its activation {act}")
    rope = {} if architecture == "gpt2" else rope_of(config)
    kind = rope.get("rope_type", "default")
    if rope and kind not in _ROTATIONS[architecture]:
        raise _unsaid(f"its position scaling {kind}")
    if kind == "yarn" and (strange := sorted(set(rope) - set(_OF_YARN))):
        raise _unsaid(f"{strange[0]} of its yarn scaling")
    for name, usual in (
        ("qk_layernorm", False),
        ("scale_attn_weights", True),
        ("scale_attn_by_inverse_layer_idx", False),
    ):
        if getattr(config, name, usual) != usual:
            raise _unsaid(f"its {name}")


def _unsaid(what: str) -> BadInput:
    return BadInput(f"GGUF has no way to say {what}.", "`dyag merge-lora` writes it as safetensors.")
