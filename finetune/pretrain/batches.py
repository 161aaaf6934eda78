"""Batches of rows of about one length, so that little is padding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from finetune.pretrain.curriculum import drill, row, stage
from finetune.pretrain.encode import GIVEN, Coder, Encoded


def buffer(coder: Coder, seed: int, number: int, progress: float, tokens: int, count: int) -> list[list[Encoded]]:
    """The batches that `count` rows make, each of at most `tokens` with its padding; the same for the same numbers."""
    rng = random.Random(f"{seed}:{number}")
    at = stage(progress)
    rows: list[Encoded] = []
    while len(rows) < count:
        drilled = rng.random() < at.drills
        made = coder.drilled(*drill(rng, rng.choice(("fr", "en")))) if drilled else coder.encoded(row(rng, at))
        if len(made.ids) <= at.longest:
            rows.append(made)
    rows.sort(key=lambda encoded: len(encoded.ids))
    batches: list[list[Encoded]] = [[]]
    for encoded in rows:
        if batches[-1] and padded(len(encoded.ids)) * (len(batches[-1]) + 1) > tokens:
            batches.append([])
        batches[-1].append(encoded)
    if len(batches[-1]) * padded(len(batches[-1][-1].ids)) < tokens / 2 and len(batches) > 1:
        batches.pop()  # a batch of a few rows would weigh as much as a whole one
    rng.shuffle(batches)
    return batches


def padded(length: int) -> int:
    return -(-length // 32) * 32


def tensors(batch: Sequence[Encoded], pad: int) -> tuple[Any, Any, Any]:
    """Tokens and kinds of a batch, (rows, length) each; padding is at the end and given. Points, (n, 4): row, look, at, found."""
    import torch

    length = padded(max(len(e.ids) for e in batch))
    ids = torch.tensor([e.ids + [pad] * (length - len(e.ids)) for e in batch])
    kinds = torch.tensor([e.kinds + [GIVEN] * (length - len(e.kinds)) for e in batch])
    points = [(i, p.look, p.at, p.found) for i, e in enumerate(batch) for p in e.points]
    return ids, kinds, torch.tensor(points, dtype=torch.long).reshape(-1, 4)
