"""A few heads are told where to look: at the value that answers, from there to the id and the title of its chunk.

Attention is learnt from what comes out of it, which says little while it looks anywhere. The material knows where each
answer stands, so the heads can be shown (supervised attention: Liu et al. 2016, "Neural Machine Translation with
Supervised Attention"). The model stays a plain Llama: only its loss has a part more.

An id stands before the title in a chunk's first line, so that nothing at the id tells what the chunk is about. Hence two
steps: where the value stands, a head has fetched the id; before the id is said, another looks at where the value stands.
"""

from __future__ import annotations

from typing import Any

from finetune.pretrain.looks import ABOUT, HOME_ID, HOME_TITLE, ID_LOOK, KEY, VALUE_LOOK, WHETHER

HEADS = {
    VALUE_LOOK: (-1, 0),
    ID_LOOK: (-1, 1),
    ABOUT: (-2, 3),
    HOME_TITLE: (1, 2),
    HOME_ID: (1, 3),
    KEY: (-2, 2),
    WHETHER: (-1, 2),
}
"""Layer and head of each look."""
WEIGHTS = {VALUE_LOOK: 3.0, ID_LOOK: 3.0, ABOUT: 1.0, HOME_TITLE: 1.0, HOME_ID: 1.0, KEY: 1.0, WHETHER: 3.0}
"""Of one look, against 1 for a token of an answer."""


class Pointer:
    """The loss of one model's looks. It keeps what its attentions were last given."""

    def __init__(self, model: Any) -> None:
        self._attentions = {layer: model.model.layers[layer].self_attn for layer, _ in HEADS.values()}
        self._given: dict[int, tuple[Any, Any, Any]] = {}
        for layer, attention in self._attentions.items():
            attention.register_forward_pre_hook(self._keeper(layer), with_kwargs=True)

    def _keeper(self, layer: int) -> Any:
        def keep(module: Any, positional: Any, named: dict[str, Any]) -> None:
            states = named["hidden_states"] if "hidden_states" in named else positional[0]
            self._given[layer] = (states, *named["position_embeddings"])

        return keep

    def loss(self, points: Any) -> Any:
        """Sum of the losses of the looks of the last forward pass. `points`: (n, 4), row, look, at, found."""
        import torch

        total = torch.zeros(())
        for look, (layer, head) in HEADS.items():
            own = points[points[:, 1] == look]
            if len(own):
                total = total + WEIGHTS[look] * self._missed(own, layer, head)
        self._given = {}
        return total

    def _missed(self, points: Any, layer: int, head: int) -> Any:
        import torch

        states, cos, sin = self._given[layer]
        attention = self._attentions[layer]
        row, at, found = points[:, 0], points[:, 2], points[:, 3]
        rows = slice(head * attention.head_dim, (head + 1) * attention.head_dim)
        queries = torch.nn.functional.linear(states[row, at].float(), attention.q_proj.weight[rows])
        keys = torch.nn.functional.linear(states.float(), attention.k_proj.weight[rows])
        queries, keys = _turned(queries, cos[0, at], sin[0, at]), _turned(keys, cos[0], sin[0])
        scores = torch.einsum("nd,ntd->nt", queries, keys[row]) / attention.head_dim**0.5
        later = torch.arange(scores.shape[1]) > at[:, None]
        return torch.nn.functional.cross_entropy(scores.masked_fill(later, -torch.inf), found, reduction="sum")


def _turned(states: Any, cos: Any, sin: Any) -> Any:
    """States with their rotary positions."""
    import torch

    half = states.shape[-1] // 2
    return states * cos + torch.cat([-states[..., half:], states[..., :half]], -1) * sin
