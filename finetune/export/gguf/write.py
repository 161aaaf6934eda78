"""A model's folder as one GGUF file, one weight after the other: never more than one in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.bases.identity import Tensor, tensors
from finetune.export.gguf.architecture import parameters, rotation_factors
from finetune.export.gguf.kinds import Own
from finetune.export.gguf.tensors import Layout
from finetune.export.gguf.vocabulary import Vocabulary
from retrieval.errors import BadInput
from retrieval.files import probe

_ENDS = ("token_embd.weight", "output.weight")
"""Embedding and head, which four bits would harm most."""
_KEPT = ("position_embd.weight",)
"""Matrices that llama.cpp wants in f32."""
_LARGEST = 65504.0
"""In f16."""
_FILE_TYPES = {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7, "q4_0": 2}


@dataclass(frozen=True)
class _Entry:
    """One weight of the file."""

    name: str
    tensor: Tensor
    shape: tuple[int, ...]
    """As numpy has it; the file lists it the other way round."""
    type: Any


def write(
    file: Path,
    folder: Path,
    config: Any,
    architecture: str,
    vocab: Vocabulary,
    about: Mapping[str, str | int],
    kind: Own,
) -> None:
    """Write the safetensors model of a folder into `file`. Raises BadInput, ModelMissing, OSError."""
    import gguf

    values = parameters(config, architecture)
    layout = Layout.of(architecture, values)
    entries = list(_entries(folder, layout, bool(config.tie_word_embeddings), kind))
    factors = rotation_factors(config, architecture)
    writer = gguf.GGUFWriter(file, architecture)
    try:
        _add_values(writer, {**about, **{f"{architecture}.{key}": value for key, value in values.items()}})
        _add_type(writer, kind)
        _add_vocabulary(writer, vocab)
        _write_weights(writer, entries, factors, layout)
    except OSError as error:
        if error.errno is None:  # numpy does not say why it wrote less than it was given
            probe(file.parent)
        raise
    finally:
        writer.close()


def _entries(folder: Path, layout: Layout, tied: bool, kind: Own) -> Iterator[_Entry]:
    """Raises BadInput for a weight that has no place in a GGUF file."""
    for tensor in tensors(folder):
        if tied and tensor.key == "lm_head.weight":
            continue
        try:
            name = layout.name(tensor.key)
        except KeyError:
            message = f"The weight {tensor.key} has no place in a GGUF file of {layout.architecture}."
            raise BadInput(message, "`dyag merge-lora` writes the model as safetensors.") from None
        if name:
            shape = layout.shape(name, tuple(tensor.shape))
            yield _Entry(name, tensor, shape, _type(name, shape, kind))


def _type(name: str, shape: tuple[int, ...], kind: Own) -> Any:
    """As llama.cpp has it: vectors in f32, and in f16 what does not divide into blocks."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(shape) == 1 or name in _KEPT:
        return GGMLQuantizationType.F32
    wanted = GGMLQuantizationType["Q8_0" if kind == "q4_0" and name in _ENDS else kind.upper()]
    return wanted if shape[-1] % GGML_QUANT_SIZES[wanted][0] == 0 else GGMLQuantizationType.F16


def _write_weights(writer: Any, entries: list[_Entry], factors: Mapping[str, list[float]], layout: Layout) -> None:
    import gguf
    import numpy as np

    for entry in entries:
        block, size = gguf.GGML_QUANT_SIZES[entry.type]
        count = int(np.prod(entry.shape)) // block * size
        writer.add_tensor_info(entry.name, entry.shape, np.dtype(np.float32), count, raw_dtype=entry.type)
    for name, numbers in factors.items():
        writer.add_tensor_info(name, (len(numbers),), np.dtype(np.float32), 4 * len(numbers))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for entry in entries:
        stored = np.ascontiguousarray(layout.stored(entry.name, _numbers(entry.tensor)))
        writer.write_tensor_data(_encoded(stored, entry))
    for numbers in factors.values():
        writer.write_tensor_data(np.array(numbers, dtype=np.float32))


def _encoded(numbers: Any, entry: _Entry) -> Any:
    """Raises BadInput for a weight that f16 cannot hold."""
    import gguf
    import numpy as np

    if entry.type == gguf.GGMLQuantizationType.F16 and float(np.abs(numbers).max(initial=0)) > _LARGEST:
        raise BadInput(f"The weight {entry.tensor.key} is too large for f16.", "Use --quantize bf16 or f32.")
    return gguf.quants.quantize(numbers, entry.type)


def _numbers(tensor: Tensor) -> Any:
    """A weight as float32, by numpy; what is stored in bfloat16 only torch reads."""
    from safetensors import safe_open

    with safe_open(tensor.file, framework="pt") as file:
        return file.get_tensor(tensor.key).float().numpy()


def _add_values(writer: Any, values: Mapping[str, Any]) -> None:
    adders = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
    for key, value in values.items():
        adders[type(value)](key, value)


def _add_type(writer: Any, kind: Own) -> None:
    import gguf

    writer.add_file_type(_FILE_TYPES[kind])
    if kind.startswith("q"):
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_vocabulary(writer: Any, vocab: Vocabulary) -> None:
    writer.add_tokenizer_model(vocab.model)
    writer.add_tokenizer_pre(vocab.pre)
    writer.add_token_list(vocab.tokens)
    writer.add_token_types(vocab.types)
    if vocab.scores:
        writer.add_token_scores(vocab.scores)
    if vocab.merges:
        writer.add_token_merges(vocab.merges)
    for name, number in vocab.special.items():
        getattr(writer, f"add_{name}_token_id")(number)
    writer.add_array("tokenizer.ggml.eos_token_ids", list(vocab.ends))  # Ollama's key: the writer has no name for it
    writer.add_add_bos_token(vocab.add_bos)
    writer.add_add_eos_token(vocab.add_eos)
    if vocab.model != "gpt2":
        writer.add_add_space_prefix(vocab.add_space_prefix)
    writer.add_chat_template(vocab.template)
