"""A GGUF file read back: the model in transformers, in float32, and the tokenizer as llama.cpp cuts.

Only what the file says is used, so that what it does not say is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from finetune.export.gguf.tensors import Layout
from finetune.export.gguf.tokenizer import tokenizer_of

_CLASSES = {"llama": "Llama", "qwen2": "Qwen2", "phi3": "Phi3", "phi2": "Phi", "gpt2": "GPT2"}
_ROTARY = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "max_position_embeddings": "context_length",
}
_GPT2 = {
    "n_embd": "embedding_length",
    "n_inner": "feed_forward_length",
    "n_layer": "block_count",
    "n_head": "attention.head_count",
    "n_positions": "context_length",
    "layer_norm_epsilon": "attention.layer_norm_epsilon",
}


@dataclass(frozen=True)
class Gguf:
    """An opened file."""

    path: Path

    @cached_property
    def values(self) -> dict[str, Any]:
        """Everything but the weights, by its key."""
        return {key: field.contents() for key, field in self._reader.fields.items()}

    @property
    def architecture(self) -> str:
        return str(self.values["general.architecture"])

    @property
    def shape(self) -> dict[str, Any]:
        """The model's shape, by keys without the architecture."""
        before = f"{self.architecture}."
        return {key.removeprefix(before): value for key, value in self.values.items() if key.startswith(before)}

    def tokenizer(self) -> Any:
        """A tokenizer of the library `tokenizers` that cuts as llama.cpp does."""
        return tokenizer_of(self.values)

    def model(self) -> Any:
        """The model in transformers. Raises KeyError for a weight that is missing."""
        import transformers

        found = _CLASSES[self.architecture]
        config = getattr(transformers, f"{found}Config")(**self._config())
        made = getattr(transformers, f"{found}{'LMHeadModel' if found == 'GPT2' else 'ForCausalLM'}")(config)
        layout = Layout.of(self.architecture, self.shape)
        made.load_state_dict({key: self._weight(key, layout) for key in made.state_dict()})
        self._stretch(made)
        return made.float().eval()

    @cached_property
    def _reader(self) -> Any:
        import gguf

        return gguf.GGUFReader(self.path)

    @cached_property
    def _weights(self) -> Mapping[str, Any]:
        return {tensor.name: tensor for tensor in self._reader.tensors}

    def _weight(self, key: str, layout: Layout) -> Any:
        import numpy as np
        import torch

        name = layout.name(key)
        assert name is not None
        if name == "output.weight" and name not in self._weights:  # tied
            name = "token_embd.weight"
        return torch.from_numpy(np.ascontiguousarray(layout.loaded(name, self._numbers(name))))

    def _numbers(self, name: str) -> Any:
        import gguf
        import numpy as np

        tensor = self._weights[name]
        return np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)

    def _config(self) -> dict[str, Any]:
        shape, names = self.shape, self._weights
        common = {
            "vocab_size": shape["vocab_size"], "tie_word_embeddings": "output.weight" not in names,
            "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
        }  # fmt: skip
        if self.architecture == "gpt2":
            return common | {name: shape[key] for name, key in _GPT2.items()}
        common |= {name: shape[key] for name, key in _ROTARY.items()} | {"rope_parameters": self._rope()}
        if self.architecture == "phi2":
            return common | {"layer_norm_eps": shape["attention.layer_norm_epsilon"]}
        common["rms_norm_eps"] = shape["attention.layer_norm_rms_epsilon"]
        if self.architecture == "phi3":
            trained = shape.get("rope.scaling.original_context_length", shape["context_length"])
            window = shape["attention.sliding_window"] or None
            return common | {"sliding_window": window, "original_max_position_embeddings": trained}
        biases = {"attention_bias": "blk.0.attn_q.bias" in names, "mlp_bias": "blk.0.ffn_up.bias" in names}
        return common | {"head_dim": shape["attention.key_length"], **biases}

    def _rope(self) -> dict[str, Any]:
        shape = self.shape
        kind = "longrope" if "rope_factors_long.weight" in self._weights else shape.get("rope.scaling.type", "default")
        found = {
            "rope_type": kind,
            "rope_theta": shape["rope.freq_base"],
            "partial_rotary_factor": shape["rope.dimension_count"] / shape["attention.key_length"],
        }
        if kind in ("linear", "yarn"):
            found["factor"] = shape["rope.scaling.factor"]
        if kind in ("yarn", "longrope"):
            found["original_max_position_embeddings"] = shape["rope.scaling.original_context_length"]
        if kind == "longrope":
            for name in ("long", "short"):
                found[f"{name}_factor"] = self._numbers(f"rope_factors_{name}.weight").tolist()
            found["attention_factor"] = shape["rope.scaling.attn_factor"]
        return found

    def _stretch(self, model: Any) -> None:
        """Divide the frequencies of the positions by the factors that are listed, as llama.cpp does."""
        import torch

        if "rope_freqs.weight" in self._weights:
            rotary = model.model.rotary_emb
            rotary.inv_freq = rotary.inv_freq / torch.from_numpy(self._numbers("rope_freqs.weight"))
