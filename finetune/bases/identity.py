"""What tells one set of weights from another: an adapter is refused on any base but its own.

The same wherever the folder lies, however the weights are divided into files, and whichever version of a library saved
them. A training changes nearly every number, so a sample of each tensor is enough; one changed number may be missed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from finetune.bases.files import read_json, weights
from retrieval.errors import ModelMissing

BLOCK = 4096
BLOCKS = 16
"""A tensor of up to 64 KiB is read whole; of a larger one as much, in blocks spread over it."""
LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format."""
PASSING = ("_name_or_path", "transformers_version", "torch_dtype", "dtype")
"""What a configuration says of how it was saved; the number format is in the weights."""


def identity(folder: Path) -> str:
    """A sha256, in hexadecimal, of a model's configuration and of samples of its weights. Raises ModelMissing."""
    name = folder.name
    config = read_json(folder / "config.json", name)
    digest = hashlib.sha256(_canonical({key: value for key, value in config.items() if key not in PASSING}))
    for tensor in tensors(folder):
        digest.update(_canonical([tensor.key, tensor.dtype, tensor.shape]))
        for piece in tensor.samples():
            digest.update(piece)
    return digest.hexdigest()


class Tensor(NamedTuple):
    """Where a tensor's bytes lie."""

    key: str
    dtype: str
    shape: list[int]
    file: Path
    first: int
    size: int

    def samples(self) -> Iterator[bytes]:
        """The whole of a small one, blocks of a large one."""
        whole = self.size <= BLOCK * BLOCKS
        places = [0] if whole else [i * (self.size - BLOCK) // (BLOCKS - 1) for i in range(BLOCKS)]
        with self.file.open("rb") as opened:
            for place in places:
                opened.seek(self.first + place)
                yield opened.read(self.size if whole else BLOCK)


def tensors(folder: Path) -> list[Tensor]:
    """The tensors of a model by name; only the heads of its files are read. Raises ModelMissing."""
    found = (tensor for file in weights(folder, folder.name) for tensor in _listed(file, folder.name))
    return sorted(found, key=lambda tensor: tensor.key)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _listed(file: Path, name: str) -> Iterator[Tensor]:
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(length) if length <= LARGEST_HEADER else b"")
        for key, said in header.items():
            if key != "__metadata__":
                first, last = map(int, said["data_offsets"])
                yield Tensor(key, said["dtype"], said["shape"], file, 8 + length + first, last - first)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{name}: {file} is no safetensors file that can be read."
        raise ModelMissing(message, "Fetch or export the model again.") from error
