"""In which order an epoch takes its rows: drawn from the seed and the epoch alone, so that a resumed one goes on the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MEGA = 50
"""Steps whose rows are sorted by length together, as transformers' LengthGroupedSampler does."""


@dataclass
class Order:
    """A sampler for torch's DataLoader; `set_epoch` is called by accelerate before each epoch."""

    lengths: np.ndarray[Any, Any]
    batch: int
    """Rows of a step."""
    micro: int
    """Rows in memory at a time."""
    seed: int
    grouped: bool
    """Whether rows of a length go together, because they are padded to the longest of them."""
    epoch: int = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        import numpy as np

        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.lengths))
        steps = self._grouped(order) if self.grouped else self._steps(order)
        for step in _heaviest_first(steps, self.lengths, self.batch):
            yield from map(int, self._dealt(step))

    def _steps(self, order: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        return [order[i : i + self.batch] for i in range(0, len(order), self.batch)]

    def _grouped(self, order: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        """Steps of rows of about one length; a short last step stays the last."""
        import numpy as np

        size = MEGA * self.batch
        blocks = [order[i : i + size] for i in range(0, len(order), size)]
        steps = self._steps(
            np.concatenate([block[np.argsort(-self.lengths[block], kind="stable")] for block in blocks])
        )
        whole = [step for step in steps if len(step) == self.batch]
        drawn = np.random.default_rng((self.seed, self.epoch, 1)).permutation(len(whole))
        return [*(whole[i] for i in drawn), *(step for step in steps if len(step) < self.batch)]

    def _dealt(self, step: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The rows of a step so that what is in memory at a time is of about one size."""
        import numpy as np

        if len(step) < self.batch or self.micro == self.batch:
            return step
        ordered = step[np.argsort(-self.lengths[step], kind="stable")]
        if self.grouped:
            return ordered
        parts = ordered.reshape(self.micro, -1)
        parts[1::2] = parts[1::2, ::-1].copy()  # there and back, as cards are dealt fairly
        return parts.T.reshape(-1)


def _heaviest_first(steps: list[Any], lengths: Any, batch: int) -> list[Any]:
    """The whole step with most tokens goes first: what does not fit into memory is known at once, not after hours."""
    sums = [int(lengths[step].sum()) if len(step) == batch else -1 for step in steps]
    heaviest = max(range(len(steps)), key=sums.__getitem__)
    return [steps[heaviest], *steps[:heaviest], *steps[heaviest + 1 :]]
