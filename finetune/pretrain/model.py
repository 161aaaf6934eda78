"""The model: a plain Llama of a few million parameters, whose first layers begin as circuits that copy.

A model of this size finds copying late, if at all: it needs one head that looks at the token before and, above it, one that
looks for the token that followed the same token earlier (induction heads, Olsson et al. 2022). Both are simple enough to be
written down, so the first layers start with them (in the spirit of mimetic initialisation, Trockman and Kolter 2023).
Training is free to change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONSTANT = 0.08
"""Value of dimension 0 in every embedding: what a head that only looks at positions asks with. All logits have it alike."""


@dataclass(frozen=True)
class Shape:
    """How large the model is."""

    layers: int = 4
    width: int = 256
    heads: int = 4
    inner: int = 704
    vocabulary: int = 4096
    context: int = 2048
    theta: float = 1_000_000.0
    """Base of the rotary positions: large, so that half of a head's dimensions hardly turn and can compare content from afar."""


def build(shape: Shape, seed: int, tokens: dict[str, int], *, circuits: bool = True) -> Any:
    """A LlamaForCausalLM with random weights, and copying circuits in its first layers. `tokens`: ids of begin, end and pad."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.width, intermediate_size=shape.inner, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.heads, max_position_embeddings=shape.context,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta}, tie_word_embeddings=True, rms_norm_eps=1e-5,
        bos_token_id=tokens["begin"], eos_token_id=tokens["end"], pad_token_id=tokens["pad"],
    )  # fmt: skip
    model: Any = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.mul_((2 * shape.layers) ** -0.5)
        model.model.embed_tokens.weight[:, 0] = CONSTANT
        if circuits:
            _write_circuits(model, shape, torch.Generator().manual_seed(seed))
    return model


def _write_circuits(model: Any, shape: Shape, generator: Any) -> None:
    """Layer 0: heads that look one and two tokens back. Layers 1 and 2: a head that looks for what followed."""
    import torch

    size = shape.width // shape.heads
    same = _orthonormal(size, shape.width, generator)
    places = [_orthonormal(size, shape.width, generator) for _ in range(2)]
    first, *above = (layer.self_attn for layer in model.model.layers[:3])
    for head, back in enumerate((1, 2)):
        rows = slice(head * size, (head + 1) * size)
        _look_back(first, rows, size, shape.theta, back)
        first.v_proj.weight[rows] = same
        first.o_proj.weight[:, rows] = 0.06 * places[head].T
    for attention in above:
        copied = _orthonormal(shape.width, shape.width, generator)
        for head in range(2):
            rows = slice(head * size, (head + 1) * size)
            _look_for(attention, rows, size, same, places, head)
            attention.v_proj.weight[rows] = copied[rows]
            attention.o_proj.weight[:, rows] = 0.2 * copied[rows].T
    assert torch.isfinite(first.q_proj.weight).all()


def _orthonormal(rows: int, columns: int, generator: Any) -> Any:
    """Orthonormal rows that do not see dimension 0, which is alike in all tokens."""
    import torch

    made = torch.zeros(rows, columns)
    free = min(rows, columns - 1)
    made[:free, 1:] = torch.linalg.qr(torch.randn(columns - 1, free, generator=generator))[0].T
    return made


def _look_back(attention: Any, rows: slice, size: int, theta: float, back: int) -> None:
    """Queries and keys that only know their positions: the product is largest `back` tokens before."""
    import torch

    half = size // 2
    turns = theta ** (-torch.arange(half) / half)
    used = (turns > 0.05).float()
    strength = 1.5
    query, key = attention.q_proj.weight[rows], attention.k_proj.weight[rows]
    query.zero_()
    key.zero_()
    query[:half, 0] = strength * used
    key[:half, 0] = strength * used * torch.cos(back * turns)
    key[half:, 0] = strength * used * torch.sin(back * turns)


def _look_for(attention: Any, rows: slice, size: int, same: Any, places: list[Any], head: int) -> None:
    """A query that is this token (and the one before it), a key that is the token before (and the one before that).

    Only the dimensions that hardly turn compare content.
    """
    half = size // 2
    slow = [i for i in range(half) if i >= half // 2]
    dimensions = [*slow, *(half + i for i in slow)]
    query, key = attention.q_proj.weight[rows], attention.k_proj.weight[rows]
    query.zero_()
    key.zero_()
    strength = 2.0
    for at, dimension in enumerate(dimensions):
        source = (at + head * len(dimensions)) % size
        if at % 3:
            query[dimension], key[dimension] = strength * same[source], strength * places[0][source]
        else:
            query[dimension], key[dimension] = strength * places[0][source], strength * places[1][source]
