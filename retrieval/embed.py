"""Embedders: texts to unit vectors.

The default is all-MiniLM-L6-v2 (Wang et al. 2020, sentence-transformers), exported once to ONNX with per-channel int8
weights and run by onnxruntime. Any sentence-transformers model or LangChain `Embeddings` can be named instead:

    minilm                                   the packaged default
    sentence-transformers:NAME_OR_FOLDER     a model on disk or on the hub
    langchain:package.module:Class           any LangChain Embeddings, made without arguments
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.errors import BadSetting, ModelMissing

Vectors = npt.NDArray[np.float32]
BATCH = 8
"""Texts per forward pass; larger batches are slower on a CPU (padding, cache), see docs/experiments.md."""


class Embedder(Protocol):
    """Turns texts into unit vectors. `name` identifies the weights: vectors of two names never mix."""

    name: str
    dimension: int
    window: int
    """Tokens the model reads; the rest of a longer text would be ignored."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the model's special tokens."""
        ...

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 by onnxruntime: 384 dimensions, a window of 256 tokens. For any number of threads."""

    dimension = 384
    window = 256

    def __init__(self, cache: Path, threads: int = 0) -> None:
        from retrieval.minilm import FORMAT, packaged_model

        self.name = f"all-MiniLM-L6-v2/{FORMAT}"
        self._cache, self._threads = cache, threads or os.cpu_count() or 1
        self._model = packaged_model()
        self._tokenizer: Any = None
        self._whole: Any = None
        self._session: Any = None
        self._loading = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dimension), np.float32)
        if not texts:
            return out
        encoded = self._load_tokenizer().encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda i: -len(encoded[i].ids))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            hidden, mask = self._forward([encoded[i].ids for i in rows])
            out[rows] = unit((hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))
        return out

    def token_states(self, texts: Sequence[str]) -> list[tuple[Vectors, tuple[tuple[int, int], ...]]]:
        """For each text, the unit states of its tokens, shape (tokens, dimension), and their character spans.

        A text longer than the window is read in pieces of one window; special tokens are left out.
        """
        tokenizer, size = self._load_whole(), self.window - 2
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        first, last = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        pieces = [(i, at) for i, e in enumerate(encoded) for at in range(0, len(e.ids), size)]
        states: list[list[Vectors]] = [[] for _ in texts]
        for start in range(0, len(pieces), BATCH):
            batch = pieces[start : start + BATCH]
            ids = [[first, *encoded[i].ids[at : at + size], last] for i, at in batch]
            hidden, _ = self._forward(ids)
            for (i, _), row, read in zip(batch, hidden, ids, strict=True):
                states[i].append(unit(row[1 : len(read) - 1]))
        none = np.zeros((0, self.dimension), np.float32)
        return [(np.vstack([none, *s]), tuple(e.offsets)) for s, e in zip(states, encoded, strict=True)]

    def _forward(self, ids: list[list[int]]) -> tuple[Vectors, npt.NDArray[np.int64]]:
        """Hidden states of one batch of token ids, shape (batch, width, dimension), and the mask of what is no padding."""
        width = max(map(len, ids))
        tokens = np.zeros((len(ids), width), np.int64)
        mask = np.zeros((len(ids), width), np.int64)
        for row, sequence in enumerate(ids):
            tokens[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        return self._load_session().run(None, inputs)[0], mask

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(e.ids) for e in self._load_whole().encode_batch(list(texts), add_special_tokens=False)]

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        offsets: list[tuple[int, int]] = self._load_whole().encode(text, add_special_tokens=False).offsets
        return offsets

    def _load_tokenizer(self) -> Any:
        with self._loading:
            if self._tokenizer is None:
                tokenizer = self._read_tokenizer()
                tokenizer.enable_truncation(self.window)
                self._tokenizer = tokenizer
            return self._tokenizer

    def _load_whole(self) -> Any:
        """The tokenizer without truncation, for measuring."""
        with self._loading:
            if self._whole is None:
                self._whole = self._read_tokenizer()
            return self._whole

    def _read_tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._model / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _load_session(self) -> Any:
        with self._loading:
            if self._session is None:
                self._session = self._opened()
            return self._session

    def _opened(self) -> Any:
        from retrieval.minilm import exported

        path = exported(self._model, self._cache)
        try:
            return _open_onnx(path, self._threads)
        except ModelMissing:  # damaged on the disk: made again, once
            path.unlink(missing_ok=True)
            return _open_onnx(exported(self._model, self._cache), self._threads)


def _open_onnx(path: Path, threads: int) -> Any:
    """The exported model, ready to run. Raises ModelMissing when the file cannot be loaded."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # Threads that spin between calls slow a single query down by half; indexing is as fast without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime"):  # its errors share no base class
            raise
        raise ModelMissing(
            f"The exported embedding model {path} cannot be loaded: {_first_line(error)}",
            "Reinstall onnxruntime and onnx with `make install`, or set index.embedder to another model.",
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or folder; one thread at a time, for its tokenizer bears no more."""

    def __init__(self, model: str) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(model, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise ModelMissing(
                f"The embedding model `{model}` cannot be loaded: {_first_line(error)}",
                "Give a folder that holds the model, connect to the hub once, or set index.embedder to minilm.",
            ) from error
        self.name = f"sentence-transformers:{model}"
        # Renamed in sentence-transformers 6, where the old name warns.
        renamed = getattr(self._model, "get_embedding_dimension", None)
        self.dimension = int((renamed or self._model.get_sentence_embedding_dimension)() or 0)
        self.window = int(self._model.max_seq_length or 512)
        self._using = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._using:
            found = self._model.encode(list(texts), batch_size=BATCH, show_progress_bar=False)
        return unit(np.asarray(found, np.float32))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._using:
            encoded = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        with self._using:
            encoded = self._model.tokenizer(
                text, add_special_tokens=False, truncation=False, verbose=False, return_offsets_mapping=True
            )
        return [(int(a), int(b)) for a, b in encoded["offset_mapping"]]


class LangChainEmbedder:
    """Any LangChain `Embeddings`; its tokenizer is unknown, so tokens are counted as words and signs."""

    window = 256

    def __init__(self, embeddings: Any, name: str) -> None:
        self._embeddings, self.name = embeddings, f"langchain:{name}"
        self.dimension = len(embeddings.embed_query("dimension"))

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return unit(np.asarray(self._embeddings.embed_documents(list(texts)), np.float32))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self.token_offsets(text)) for text in texts]

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        import re

        # Four letters a token, the usual rate of subword tokenizers on French and English.
        return [m.span() for m in re.finditer(r"\w{1,4}|[^\w\s]", text)]


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Rows scaled to length 1; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def load_embedder(setting: str, cache: Path, threads: int = 0) -> Embedder:
    """The embedder a setting names. Raises BadSetting for an unknown form, ModelMissing when it cannot be loaded."""
    kind, _, rest = setting.partition(":")
    if setting == "minilm":
        return MiniLM(cache, threads)
    if kind == "sentence-transformers" and rest:
        return SentenceTransformerEmbedder(rest)
    if kind == "langchain" and ":" in rest:
        return _load_langchain(rest)
    raise BadSetting(
        f"index.embedder is `{setting}`, which names no embedder.",
        "Use minilm, sentence-transformers:NAME_OR_FOLDER or langchain:package.module:Class.",
    )


def _load_langchain(target: str) -> Embedder:
    """Raises BadSetting for anything that is no class of embeddings which can be made without arguments."""
    module, _, name = target.rpartition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise _bad_target(target, "is not of the form package.module:Class")
    try:
        made = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError) as error:
        raise _bad_target(target, f"cannot be imported: {error}") from error
    except (TypeError, ValueError) as error:
        raise _bad_target(target, f"cannot be made without arguments: {_first_line(error)}") from error
    if not (hasattr(made, "embed_documents") and hasattr(made, "embed_query")):
        raise _bad_target(target, "is no LangChain Embeddings: it lacks embed_documents or embed_query")
    return LangChainEmbedder(made, target)


def _bad_target(target: str, fault: str) -> BadSetting:
    return BadSetting(
        f"index.embedder: `{target}` {fault}.", "Name a LangChain Embeddings class as langchain:package.module:Class."
    )
