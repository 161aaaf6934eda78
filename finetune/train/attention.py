"""Attention over rows that lie end to end, each row by itself: no mask, and no work on pairs of tokens of different rows.

A mask over the whole batch gives the same numbers (tests/finetune/test_train_rows.py) for more work: rows of equal length,
n at a time, cost n times the attention.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

NAME = "rows"
EXACT = (
    "LlamaForCausalLM",
    "Qwen2ForCausalLM",
    "Qwen3ForCausalLM",
    "MistralForCausalLM",
    "Phi3ForCausalLM",
    "PhiForCausalLM",
    "GPT2LMHeadModel",
)
"""Architectures in which nothing but attention mixes tokens: laid end to end, their rows are the same as apart."""


def use_rows(model: Any) -> None:
    """Have a transformers model attend within rows; every call must then say where they begin (`cu_seq_lens_q`).

    trl's collator says so for what it lays end to end.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
    # A name that transformers has no mask for gets none.
    model.set_attn_implementation(NAME)


def attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **named: Any) -> tuple[Any, None]:
    """Outputs (1, tokens, heads, size) of queries, keys and values (1, heads, tokens, size)."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    bounds = _bounds(named.pop("cu_seq_lens_q"))
    window = named.get("sliding_window")
    parts = []
    for start, end in pairwise(bounds):
        q, k, v = (part[:, :, start:end] for part in (query, key, value))
        mask = _band(end - start, window, query.device) if window and end - start > window else None
        parts.append(sdpa_attention_forward(module, q, k, v, mask, **named)[0])
    return torch.cat(parts, dim=1), None


def _bounds(given: Any) -> list[int]:
    """Where the rows begin and end: the same tensor in every layer, read from the device once."""
    if not hasattr(given, "bounds"):
        given.bounds = given.tolist()
    return list(given.bounds)


def _band(length: int, window: int, device: Any) -> Any:
    """What a token of a row sees that is longer than the window: itself and the `window - 1` before it."""
    import torch

    at = torch.arange(length, device=device)
    behind = at[:, None] - at[None, :]
    return ((behind >= 0) & (behind < window))[None, None]
