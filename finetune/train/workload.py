"""What an epoch computes: its items in the order they are taken, and how much of it only fills up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from finetune.train.config import TrainConfig
from finetune.train.order import Order
from finetune.train.rows import Rows
from finetune.train.speed import Work

if TYPE_CHECKING:
    import numpy as np

LOOKED = 100_000
"""Rows whose order is looked at for what comes together: all of a small dataset's epochs, one of a large one's."""


def items(rows: Rows, config: TrainConfig) -> tuple[Any, np.ndarray[Any, Any]]:
    """What the trainer takes one by one, with the tokens of each: rows, or packs of rows (bfd)."""
    import numpy as np

    if config.packing != "bfd":
        return rows.dataset(), rows.lengths
    from trl import pack_dataset

    packed = pack_dataset(rows.dataset(), config.max_length, "bfd")
    return packed, np.array([sum(lengths) for lengths in packed["seq_lengths"]], np.int64)


def order(lengths: np.ndarray[Any, Any], config: TrainConfig) -> Order:
    """The order of a training."""
    micro = config.micro_batch or config.batch_size
    return Order(lengths, config.batch_size, micro, config.seed, grouped=config.packing == "none")


def work(
    rows: Rows, lengths: np.ndarray[Any, Any], config: TrainConfig, steps: int, held: Rows | None
) -> tuple[float, Work]:
    """Share of padding, and what the whole training computes."""
    import numpy as np

    micro = config.micro_batch or config.batch_size
    taken = lengths[np.fromiter(order(lengths, config), np.int64, len(lengths))]
    starts = np.arange(0, len(taken), micro)
    if config.packing == "none":
        longest = np.maximum.reduceat(taken, starts)
        counts = np.diff([*starts, len(taken)])
        computed, attended = int((longest * counts).sum()), int((longest**2 * counts).sum())
    else:
        computed, attended = int(taken.sum()), int((rows.lengths**2).sum()) // 2
    sides = 2 if config.method == "dpo" else 1
    epochs = steps * config.batch_size / len(taken)
    evaluated = len(held) and held.tokens * steps // (config.eval_steps or steps) if held else 0
    padding = 1.0 - int(taken.sum()) / computed
    return padding, Work(
        tokens=int(sides * computed * epochs),
        learnt=int(rows.learnt * epochs),
        attended=int(sides * attended * epochs),
        batches=int(len(starts) * epochs),
        evaluated=sides * evaluated,
    )


def heaviest(lengths: np.ndarray[Any, Any], config: TrainConfig, micro: int) -> tuple[int, int]:
    """The most that is in memory at a time in the first epochs: (sequences, tokens of each)."""
    import numpy as np

    taking = order(lengths, config.but(micro_batch=micro))
    starts = np.arange(0, len(lengths), micro)
    sides = 2 if config.method == "dpo" else 1
    most = 0
    for epoch in range(min(math.ceil(config.epochs), 1 + LOOKED // len(lengths))):
        taking.set_epoch(epoch)
        taken = lengths[np.fromiter(taking, np.int64, len(lengths))]
        together = np.maximum if config.packing == "none" else np.add
        most = max(most, int(together.reduceat(taken, starts).max()))
    return (sides * min(micro, len(lengths)), most) if config.packing == "none" else (1, most)
