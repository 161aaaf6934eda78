"""The loss on plain texts that no training saw: a model that forgets its languages finds them less likely.

`eval/general/held_out.jsonl` holds short paragraphs of our own, half French and half English:

    {"id": "fr-01", "lang": "fr", "text": "Le boulanger se lève avant le jour…"}
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import get_args

from retrieval.errors import BadInput
from retrieval.types import Language

FILE = Path(__file__).parent / "general" / "held_out.jsonl"
Loss = Callable[[str], float]
"""Mean cross-entropy of a text's tokens, in nats."""


@dataclass(frozen=True)
class HeldOut:
    """A text to be found likely."""

    id: str
    lang: Language
    text: str


@dataclass(frozen=True)
class LossChange:
    """The mean loss per token over texts, before and after; lower is better."""

    count: int
    before: float
    after: float
    interval: tuple[float, float]
    """Of the change, 95%, texts drawn with replacement."""
    languages: dict[Language, tuple[float, float]]
    """(before, after) by language."""
    sentence: str


def held_out_texts() -> tuple[HeldOut, ...]:
    """The texts that are shipped."""
    return tuple(HeldOut(**json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines())


def held_out_loss(texts: Sequence[HeldOut], loss: Loss) -> tuple[float, ...]:
    """The loss of each text, in order. Raises BadInput for none, and where the model gives no finite number."""
    if not texts:
        raise BadInput("There are no held-out texts.", "Give one or more.")
    losses = tuple(loss(held.text) for held in texts)
    for held, value in zip(texts, losses, strict=True):
        if not math.isfinite(value):
            message = f"The loss of the held-out text {held.id} is {value}."
            raise BadInput(message, "The model's weights are damaged or its number format is too narrow.")
    return losses


def loss_change(texts: Sequence[HeldOut], before: Sequence[float], after: Sequence[float]) -> LossChange:
    """Compare the losses of the same texts by two models of one tokenizer."""
    from eval.statistics import bootstrap

    low, high = bootstrap([a - b for b, a in zip(before, after, strict=True)], [held.id for held in texts])
    first, second = fmean(before), fmean(after)
    languages = {lang: _of(lang, texts, before, after) for lang in get_args(Language) if _has(lang, texts)}
    return LossChange(len(texts), first, second, (low, high), languages, _sentence(first, second, low, high))


def _has(lang: Language, texts: Sequence[HeldOut]) -> bool:
    return any(held.lang == lang for held in texts)


def _of(lang: Language, texts: Sequence[HeldOut], *losses: Sequence[float]) -> tuple[float, float]:
    before, after = (fmean(x for held, x in zip(texts, one, strict=True) if held.lang == lang) for one in losses)
    return before, after


def _sentence(before: float, after: float, low: float, high: float) -> str:
    said = "rose" if low > 0 else "fell" if high < 0 else "did not change beyond chance"
    change = f"from {before:.3f} to {after:.3f} nats per token"
    return f"The loss on held-out texts {said}: {change} (change {after - before:+.3f}, 95% from {low:+.3f} to {high:+.3f})."
