"""Nearest vectors (the only module that imports chromadb).

`exact` is a memory-mapped matrix: it opens in a millisecond, never misses a neighbour and answers 100,000 chunks in tens
of milliseconds. `chroma` is an HNSW collection for libraries too large for that; importing it alone takes as long as a
whole cold answer, which is why it is not the default (figures in docs/architecture.md). Both are built once, from the
library's embeddings, and then only read: a Chroma folder that is never written again cannot lose vectors.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.embed import Vectors
from retrieval.files import probe

EXACT_LIMIT = 300_000
"""Chunks up to which `auto` searches exactly (a 460 MB matrix)."""
_BATCH = 4096
_FLOAT = "<f4"


class VectorIndex(Protocol):
    """Unit vectors by chunk id."""

    def __len__(self) -> int: ...

    def search(self, query: Vectors, limit: int, allowed: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The nearest chunks as (chunk id, cosine), best first; `allowed` restricts to these ids."""
        ...

    def similarities(self, query: Vectors, ids: Sequence[int]) -> dict[int, float]:
        """Cosine of each of these chunks."""
        ...

    def vector(self, chunk_id: int) -> Vectors | None:
        """The stored vector of a chunk, for checking."""
        ...


def choose(setting: str, count: int) -> str:
    """The kind of index for so many chunks: `auto` is exact while that fits comfortably in memory."""
    if setting == "auto":
        return "exact" if count <= EXACT_LIMIT else "chroma"
    return setting


def build(kind: str, folder: Path, vectors: Iterable[tuple[int, Vectors]], count: int, dimension: int) -> None:
    """Write `count` (chunk id, vector) pairs, ordered by id, into the empty `folder`."""
    (_build_chroma if kind == "chroma" else _build_exact)(folder, vectors, count, dimension)


def open_index(kind: str, folder: Path, dimension: int) -> VectorIndex:
    return ChromaIndex(folder) if kind == "chroma" else ExactIndex(folder, dimension)


def is_bulk(relative: str) -> bool:
    """Whether a file of the index grows with the vectors, so that reading it whole to open it would take long."""
    return relative == "vectors.npy" or relative.startswith("chroma/")


def _build_exact(folder: Path, vectors: Iterable[tuple[int, Vectors]], count: int, dimension: int) -> None:
    ids = np.zeros(count, np.int64)
    # Written as a file, not mapped: on a full disk a write raises, where touching a mapped page kills the process.
    with (folder / "vectors.npy").open("wb", buffering=1 << 20) as file:
        file.write(_header(count, dimension))
        for row, (chunk_id, vector) in enumerate(vectors):
            ids[row] = chunk_id
            file.write(vector.astype(_FLOAT, copy=False).tobytes())
    with (folder / "ids.npy").open("wb") as file:
        np.save(file, ids)


def _header(count: int, dimension: int) -> bytes:
    """What an .npy file of so many rows begins with."""
    made = io.BytesIO()
    fields = {"descr": _FLOAT, "fortran_order": False, "shape": (count, dimension)}
    np.lib.format.write_array_header_1_0(made, fields)
    return made.getvalue()


def _mapped(path: Path, count: int, dimension: int) -> npt.NDArray[np.float32]:
    """The matrix, read as it was written and not as its header says: one wrong bit there makes other numbers of it."""
    header = _header(count, dimension)
    with path.open("rb") as file:
        if file.read(len(header)) != header:
            raise ValueError(f"{path.name} does not hold {count} vectors of {dimension} dimensions")
    if not count:
        return np.zeros((0, dimension), np.float32)
    return np.memmap(path, _FLOAT, "r", len(header), (count, dimension))


class ExactIndex:
    """Every cosine, by one matrix product over a memory-mapped file."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._ids: npt.NDArray[np.int64] = np.load(folder / "ids.npy")
        self._matrix = _mapped(folder / "vectors.npy", len(self._ids), dimension)

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, query: Vectors, limit: int, allowed: Sequence[int] | None = None) -> list[tuple[int, float]]:
        rows = None if allowed is None else self._rows(allowed)
        scores = (self._matrix if rows is None else self._matrix[rows]) @ query
        if not len(scores):
            return []
        top = np.argpartition(-scores, min(limit, len(scores)) - 1)[:limit]
        ids = self._ids[top] if rows is None else self._ids[rows[top]]
        pairs = [(int(i), float(s)) for i, s in zip(ids, scores[top], strict=True)]
        return sorted(pairs, key=lambda p: (-p[1], p[0]))

    def similarities(self, query: Vectors, ids: Sequence[int]) -> dict[int, float]:
        rows = self._rows(ids)
        scores = self._matrix[rows] @ query
        return {int(self._ids[r]): float(s) for r, s in zip(rows, scores, strict=True)}

    def vector(self, chunk_id: int) -> Vectors | None:
        rows = self._rows([chunk_id])
        return np.asarray(self._matrix[rows[0]]) if len(rows) else None

    def _rows(self, ids: Sequence[int]) -> npt.NDArray[np.intp]:
        """Rows of those ids that are indexed (`_ids` is sorted)."""
        wanted = np.asarray(sorted(set(ids)), np.int64)
        rows = np.searchsorted(self._ids, wanted)
        inside = rows < len(self._ids)
        rows, wanted = rows[inside], wanted[inside]
        return np.asarray(rows[self._ids[rows] == wanted], np.intp)


def _collection(folder: Path, create: bool) -> Any:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(folder / "chroma"), settings=Settings(anonymized_telemetry=False))
    if create:
        return client.create_collection("chunks", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
    return client.get_collection("chunks", embedding_function=None)


def _build_chroma(folder: Path, vectors: Iterable[tuple[int, Vectors]], count: int, dimension: int) -> None:
    from chromadb.errors import ChromaError

    try:
        collection = _collection(folder, create=True)
        pairs = iter(vectors)
        while part := list(itertools.islice(pairs, _BATCH)):
            collection.add(ids=[str(i) for i, _ in part], embeddings=np.stack([v for _, v in part]))
    except ChromaError:  # a full disk has many names here
        probe(folder)
        raise


class ChromaIndex:
    """A Chroma collection on disk, opened for reading."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "chroma" / "chroma.sqlite3").is_file():
            raise ValueError("no Chroma database")  # opening one would create it
        self._collection = _collection(folder, create=False)
        self._count = int(self._collection.count())

    def __len__(self) -> int:
        return self._count

    def search(self, query: Vectors, limit: int, allowed: Sequence[int] | None = None) -> list[tuple[int, float]]:
        if allowed is not None:
            found = sorted(self.similarities(query, allowed).items(), key=lambda p: (-p[1], p[0]))
            return found[:limit]
        if not self._count:
            return []
        result = self._collection.query(
            query_embeddings=[query], n_results=min(limit, self._count), include=["distances"]
        )
        return [(int(i), 1.0 - float(d)) for i, d in zip(result["ids"][0], result["distances"][0], strict=True)]

    def similarities(self, query: Vectors, ids: Sequence[int]) -> dict[int, float]:
        found: dict[int, float] = {}
        for start in range(0, len(ids), _BATCH):
            part = [str(i) for i in ids[start : start + _BATCH]]
            got = self._collection.get(ids=part, include=["embeddings"])
            found.update((int(i), float(np.dot(v, query))) for i, v in zip(got["ids"], got["embeddings"], strict=True))
        return found

    def vector(self, chunk_id: int) -> Vectors | None:
        got = self._collection.get(ids=[str(chunk_id)], include=["embeddings"])
        return np.asarray(got["embeddings"][0], np.float32) if len(got["ids"]) else None
