"""How many tokens a model reads, prompt and answer together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = 2048
"""Taken for a model that does not say."""
NO_LIMIT = 10**7
"""Tokens from which a tokenizer's longest input means that it has none."""


def context_of(config: Mapping[str, Any], tokenizer: Any) -> int:
    """The lesser of what a model's configuration and its tokenizer say."""
    text = config.get("text_config") or config
    longest = text.get("max_position_embeddings") or text.get("n_positions") or NO_LIMIT
    known = min(int(longest), int(tokenizer.model_max_length))
    return known if known < NO_LIMIT else UNKNOWN
