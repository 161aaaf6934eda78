"""Where each weight goes in a GGUF file, and how it lies there: the same table read both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_TURNED = ("attn_qkv.weight", "attn_output.weight", "ffn_up.weight", "ffn_down.weight")
"""Of GPT-2, whose Conv1D layers keep (in, out) where others keep (out, in)."""
_NO_WEIGHTS = (".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq")
"""Masks and tables that older files hold."""


@dataclass(frozen=True)
class Layout:
    """The weights of one architecture."""

    architecture: str
    blocks: int
    heads: int
    kv_heads: int

    @classmethod
    def of(cls, architecture: str, values: Mapping[str, Any]) -> Layout:
        """From the model's shape by GGUF's keys."""
        heads = values["attention.head_count"]
        return cls(architecture, values["block_count"], heads, values.get("attention.head_count_kv", heads))

    def name(self, key: str) -> str | None:
        """GGUF's name for a weight of transformers; None for what is no weight. Raises KeyError for one without a name."""
        if key.endswith(_NO_WEIGHTS):
            return None
        found: str | None = self._map.get_name(key, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise KeyError(key)
        return found

    def stored(self, name: str, weight: Any) -> Any:
        """A weight as the file has it, by its name there; weight: a numpy array."""
        if heads := self._rotated(name):
            # llama.cpp turns neighbours in a head; transformers turns one half against the other.
            return weight.reshape(heads, 2, -1, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
        return weight.T if self._turned(name) else weight

    def shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of a weight as the file has it, from that in transformers; numpy's order."""
        return shape[::-1] if self._turned(name) else shape

    def loaded(self, name: str, weight: Any) -> Any:
        """The inverse: a weight of the file as transformers has it."""
        if heads := self._rotated(name):
            return weight.reshape(heads, -1, 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
        return weight.T if self._turned(name) else weight

    @cached_property
    def _map(self) -> Any:
        import gguf

        known = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
        return gguf.get_tensor_name_map(known[self.architecture], self.blocks)

    def _rotated(self, name: str) -> int:
        """How many heads a weight that makes queries or keys has, where it is reordered."""
        if self.architecture != "llama":
            return 0
        return {"attn_q": self.heads, "attn_k": self.kv_heads}.get(name.split(".")[-2], 0)

    def _turned(self, name: str) -> bool:
        return self.architecture == "gpt2" and name.endswith(_TURNED)
