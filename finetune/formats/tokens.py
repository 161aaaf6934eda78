"""Tokens of a dataset as its base model counts them, and what training on it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune.formats.checks import FileReport
from finetune.formats.splits import split_of
from finetune.prices import Price
from retrieval.errors import ModelMissing

PER_MESSAGE = 4
"""Tokens that a chat template puts around a message."""


@dataclass(frozen=True)
class Cost:
    """What one model's maker asks for training on some files."""

    model: str
    price: float
    """Dollars for a million tokens."""
    as_of: str
    """The day the price is of."""
    tokens: int
    """Of all rows that are trained on, in all epochs."""
    dollars: float


def tokenizer_count(name: str) -> Callable[[str], int]:
    """The tokens of a message by the tokenizer of a model: a folder, or org/name in the cache. Raises ModelMissing."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:120]
        hint = "Name a folder with its tokenizer, or fetch it with `hf download`; without --base-model tokens are estimated."
        raise ModelMissing(f"The tokenizer of {name} cannot be loaded here: {reason}", hint) from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False)) + PER_MESSAGE


def costs(reports: Iterable[FileReport], prices: Mapping[str, Price], epochs: int) -> tuple[Cost, ...]:
    """Training costs by model, the cheapest first; validation and test files are not trained on."""
    tokens = epochs * sum(report.tokens for report in reports if trained_on(report.path))
    made = [
        Cost(model, price.training, price.as_of, tokens, tokens / 1e6 * price.training)
        for model, price in prices.items()
        if price.training is not None
    ]
    return tuple(sorted(made, key=lambda cost: (cost.price, cost.model)))


def trained_on(path: Path) -> bool:
    """Whether a file is one to train on, by its name."""
    return split_of(path) in ("train", None)
