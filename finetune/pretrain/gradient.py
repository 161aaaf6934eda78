"""The gradient of a batch, computed by several threads: each has a replica of the model over the same weights.

Threads within an operation wait for each other at every operation, and on a busy machine wait long; replicas do so once a
step.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from finetune.pretrain.encode import ID, ID_FIRST, NAME, NAME_FIRST, OPENING, REFUSAL, SAID, SHOWN, VALUE, VALUE_FIRST
from finetune.pretrain.pointer import Pointer

LEARNT_OF_SHOWN = 0.15
"""Share of the documents' own tokens whose prediction is learnt too."""
WEIGHT_OF_SHOWN = 0.3
WEIGHTS = {
    SAID: 0.6,
    VALUE: 1.0,
    ID: 1.0,
    REFUSAL: 0.6,
    VALUE_FIRST: 6.0,
    ID_FIRST: 6.0,
    NAME: 1.0,
    NAME_FIRST: 3.0,
    OPENING: 4.0,
}


class Workers:
    """Threads that share a model."""

    def __init__(self, model: Any, count: int) -> None:
        import torch

        torch.set_num_threads(1)
        self._replicas = [model, *(_replica(model) for _ in range(count - 1))]
        self._pointers = [Pointer(replica) for replica in self._replicas]
        self.pool = ThreadPoolExecutor(count)

    def gradient(self, ids: Any, kinds: Any, points: Any, seed: int) -> tuple[float, Any, Any]:
        """Leave the batch's gradient in the model. Returns the loss, which learnt tokens are right, and their kinds."""
        import torch

        weights = weights_of(kinds[:, 1:], torch.Generator().manual_seed(seed))
        done = list(self.pool.map(lambda i: self._part(i, ids, kinds, points, weights), range(len(self._replicas))))
        self._gather()
        return sum(d[0] for d in done), torch.cat([d[1] for d in done]), torch.cat([d[2] for d in done])

    def close(self) -> None:
        self.pool.shutdown()

    def _part(self, worker: int, ids: Any, kinds: Any, points: Any, weights: Any) -> tuple[float, Any, Any]:
        """The gradient of one worker's rows, in its replica."""
        import torch

        torch.set_num_threads(1)
        model, mine = self._replicas[worker], slice(worker, None, len(self._replicas))
        wanted = weights[mine] > 0
        targets = ids[mine, 1:][wanted]
        if not len(targets):
            return 0.0, targets > 0, targets
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = model.model(input_ids=ids[mine, :-1], use_cache=False).last_hidden_state
            logits = model.lm_head(states[wanted])
        losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
        own = points[points[:, 0] % len(self._replicas) == worker]
        looked = self._pointers[worker].loss(torch.cat([own[:, :1] // len(self._replicas), own[:, 1:]], 1))
        loss = ((losses * weights[mine][wanted]).sum() + looked) / weights.sum()
        loss.backward()
        return loss.item(), logits.detach().argmax(-1) == targets, kinds[mine, 1:][wanted]

    def _gather(self) -> None:
        """Add the replicas' gradients to the model's, always in the same order."""
        for own, other in self._pairs():
            if other.grad is not None:
                own.grad = other.grad if own.grad is None else own.grad.add_(other.grad)
                other.grad = None

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        first, *others = self._replicas
        for other in others:
            yield from zip(first.parameters(), other.parameters(), strict=True)


def weights_of(kinds: Any, drawn: Any) -> Any:
    """How much the prediction of each token counts, of the shape of `kinds`."""
    import torch

    weights = torch.zeros(kinds.shape)
    for kind, weight in WEIGHTS.items():
        weights[kinds == kind] = weight
    weights[(kinds == SHOWN) & (torch.rand(kinds.shape, generator=drawn) < LEARNT_OF_SHOWN)] = WEIGHT_OF_SHOWN
    return weights


def _replica(model: Any) -> Any:
    """A model with gradients of its own over the same weights."""
    made = copy.deepcopy(model)
    for own, shared in zip(made.parameters(), model.parameters(), strict=True):
        own.data = shared.data
    return made
