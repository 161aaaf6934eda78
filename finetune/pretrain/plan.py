"""How long and how to pre-train."""

from __future__ import annotations

from dataclasses import dataclass, field

from finetune.pretrain.model import Shape


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int = 1
    hours: float = 0.0
    steps: int = 0
    """One of both; progress is the share of it that is done."""
    tokens: int = 5120
    """A batch's, padding counted."""
    rows: int = 256
    """Rows that are made at a time, sorted by length and cut into batches."""
    muon: float = 0.02
    """Learning rate of the matrices."""
    adam: float = 0.004
    """Learning rate of embeddings and norms."""
    warm: int = 25
    """Steps in which the learning rates rise."""
    decay_from: float = 0.6
    """Share of the run after which they fall."""
    save_every: float = 240.0
    """Seconds."""
    workers: int = 2
    """Threads; each computes the gradient of a part of every batch on one core."""
    circuits: bool = True
    """Whether the first layers begin as circuits that copy."""
    shape: Shape = field(default_factory=Shape)

    def progress(self, step: int, seconds: float) -> float:
        """Share of the training that is done."""
        return step / self.steps if self.steps else seconds / (3600 * self.hours)

    def rate(self, step: int, progress: float) -> float:
        """Share of the full learning rate: up, level, then down to nothing in a line."""
        up = min(1.0, (step + 1) / self.warm)
        down = (1 - progress) / (1 - self.decay_from)
        return up * max(0.0, min(1.0, down))
