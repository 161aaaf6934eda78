"""Index generations: built beside the live one, checked, then swapped in by one atomic pointer.

    data/index/CURRENT            the name of the live generation
    data/index/<name>/            vectors, lexical/, manifest.json (written last)
    data/index/<name>.building/   what a killed build leaves; swept by the next one

Everything here can be made again from the library, without embedding anything.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from retrieval import lexical, vectors
from retrieval.chunk import body_text
from retrieval.embed import Embedder, Vectors
from retrieval.errors import IndexFailed, UserError
from retrieval.files import disk_errors, private_folder, sync_folder, write_private
from retrieval.library import Library

FORMAT = 2
CHECKSUM_LIMIT = 64_000_000
"""Bytes up to which opening verifies the checksums of the vectors too (about 60 ms); those of the rest it always does."""
CANARIES = 5
INCOMPLETE = -1


class Damaged(Exception):
    """A generation that cannot be read or does not hold what its manifest says."""


@dataclass(frozen=True)
class Manifest:
    """What a finished generation holds."""

    format: int
    name: str
    library: str
    """Identity of the library it was made from."""
    revision: int
    """The library's revision it shows."""
    model: str
    dimension: int
    kind: str
    chunks: int
    created: float
    """Seconds since the epoch."""
    files: dict[str, list[int]]
    """Relative path to [size in bytes, crc32]."""

    def shows(self, library: Library, model: str) -> bool:
        """Whether it holds all that the library does now, as this model embeds it."""
        return (self.library, self.revision, self.model) == (library.identity, library.revision, model)


@dataclass(frozen=True)
class Generation:
    """An opened generation, for reading."""

    manifest: Manifest
    vectors: vectors.VectorIndex
    lexical: lexical.LexicalIndex


def current_name(folder: Path) -> str | None:
    """Name of the live generation, None when there is none."""
    try:
        name = (folder / "CURRENT").read_text().strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, UnicodeDecodeError):
        return None
    # Not Path.is_dir: a name can be too long to ask for.
    return name if name and "/" not in name and os.path.isdir(folder / name) else None


def read_manifest(folder: Path, name: str) -> Manifest:
    """Raises Damaged when the manifest is missing or malformed."""
    try:
        data = json.loads((folder / name / "manifest.json").read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"no readable manifest: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Damaged(f"the manifest is not of format {FORMAT}")
    if not _is_manifest(data) or data["name"] != name:
        raise Damaged("a field of the manifest is not what was written")
    return Manifest(**data)


def _is_manifest(data: dict[str, Any]) -> bool:
    """Whether every field is there, no other, and each of its type."""
    kinds = {"library": str, "name": str, "model": str, "kind": str, "created": float, "files": dict}
    types = {field.name: kinds.get(field.name, int) for field in fields(Manifest)}
    if {key: type(value) for key, value in data.items()} != types:
        return False
    return all(type(f) is list and [type(n) for n in f] == [int, int] for f in data["files"].values())


def open_generation(folder: Path, name: str) -> Generation:
    """Open and check a generation. Raises Damaged when anything in it is not as its manifest says."""
    manifest = read_manifest(folder, name)
    _check_files(folder / name, manifest, sum(size for size, _ in manifest.files.values()) <= CHECKSUM_LIMIT)
    try:
        generation = _open(folder / name, manifest)
    except BaseException as error:
        if not is_damage(error):
            raise
        raise Damaged(f"it cannot be opened: {error}") from error
    if not len(generation.vectors) == len(generation.lexical) == manifest.chunks:
        raise Damaged("vectors, lexical index and manifest disagree on the number of chunks")
    return generation


def _open(folder: Path, manifest: Manifest) -> Generation:
    found = vectors.open_index(manifest.kind, folder, manifest.dimension)
    return Generation(manifest, found, lexical.LexicalIndex(folder / "lexical"))


def is_damage(error: BaseException) -> bool:
    """Whether reading damaged files may raise this: nearly anything, and tantivy's panics, which are no `Exception`."""
    if isinstance(error, UserError | ImportError | MemoryError):
        return False
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _check_files(folder: Path, manifest: Manifest, bulk: bool) -> None:
    """Sizes and checksums; those of the vectors only when `bulk`, since they can take seconds to read."""
    for relative, (size, checksum) in manifest.files.items():
        path = folder / relative
        deep = bulk or not vectors.is_bulk(relative)
        try:
            same = path.stat().st_size == size and (not deep or _crc32(path) == checksum)
        except (OSError, ValueError) as error:
            raise Damaged(f"{relative}: {error}") from error
        if not same:
            raise Damaged(f"{relative} is not what was written")


def verify(folder: Path, name: str) -> None:
    """Check every byte of a generation, whatever its size. Raises Damaged."""
    _check_files(folder / name, read_manifest(folder, name), bulk=True)
    open_generation(folder, name)


def check_library(manifest: Manifest, library: Library) -> None:
    """Raise Damaged when it shows another library, or a later state of this one (a backup was restored)."""
    if manifest.library != library.identity:
        raise Damaged("it was made from another library")
    if manifest.revision > library.revision:
        raise Damaged("it was made from a later state of the library")


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def build(
    folder: Path, library: Library, embedder: Embedder, setting: str, progress: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Build, check and swap in a generation of the library as it is now. The caller holds the writer's lock.

    Raises IndexFailed when it does not pass its check, NoSpace; the live generation then goes on answering.
    """
    with disk_errors(folder):
        if folder.is_file():
            folder.unlink()  # nothing but generations belongs here
        sweep(private_folder(folder))
        name = f"{library.revision:08d}-{time.time_ns() // 1_000_000:x}"
        with _workplace(folder / f"{name}.building") as work:
            manifest = _made(work, name, library, embedder, setting, progress)
            os.replace(work, folder / name)
        sync_folder(folder)
        write_private(folder / "CURRENT", name.encode())
    return manifest


@contextmanager
def _workplace(work: Path) -> Iterator[Path]:
    """A folder to build in; what fails leaves nothing behind."""
    try:
        yield private_folder(work)
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        if isinstance(error, Damaged):
            raise IndexFailed(
                f"The new index did not pass its check: {error}.",
                "What was indexed before goes on answering. Run `dyag doctor`, then `dyag index --rebuild`.",
            ) from error
        raise


def _made(
    work: Path, name: str, library: Library, embedder: Embedder, setting: str, progress: Callable[[str], None]
) -> Manifest:
    """A whole generation in `work`, checked and on the disk."""
    # An interrupted sync leaves chunks without vectors: what can be searched is, and the next sync builds again.
    complete = library.count_chunks() == library.count_chunks(embedder.name)
    progress("writing the index")
    manifest = _write(work, name, library.revision if complete else INCOMPLETE, library, embedder, setting)
    progress("checking the index")
    _canaries(_open(work, manifest), library, embedder.name)
    _sync_files(work)
    write_private(work / "manifest.json", json.dumps(asdict(manifest), indent=1).encode())
    return manifest


def _write(work: Path, name: str, revision: int, library: Library, embedder: Embedder, setting: str) -> Manifest:
    count, model = library.count_chunks(embedder.name), embedder.name
    kind = vectors.choose(setting, count)
    vectors.build(kind, work, _embeddings(library, embedder, count), count, embedder.dimension)
    entries = (
        lexical.Entry(chunk.id, chunk.title, body_text(chunk.headings, chunk.text))
        for chunk in library.embedded_chunks(model)
    )
    lexical.build(private_folder(work / "lexical"), entries)
    made_from = (library.identity, revision, model)
    return Manifest(FORMAT, name, *made_from, embedder.dimension, kind, count, time.time(), _listing(work))


def _embeddings(library: Library, embedder: Embedder, count: int) -> Iterator[tuple[int, Vectors]]:
    """What the library holds for each chunk. Raises Damaged unless these are `count` vectors of the embedder's size."""
    left = count
    for chunk_id, vector in library.embeddings(embedder.name):
        if vector.shape != (embedder.dimension,):
            raise Damaged(f"the vector of chunk_{chunk_id} has {vector.size} dimensions, not {embedder.dimension}")
        left -= 1
        if left >= 0:
            yield chunk_id, vector
    if left:
        raise Damaged(f"the library counts {count} vectors and holds {count - left}")


def _listing(work: Path) -> dict[str, list[int]]:
    found = {}
    for path in sorted(p for p in work.rglob("*") if p.is_file()):
        path.chmod(0o600)
        # Locks come and go, and Chroma's database is touched by every reader.
        if path.suffix != ".lock" and path.name != "chroma.sqlite3":
            found[str(path.relative_to(work))] = [path.stat().st_size, _crc32(path)]
    return found


def _sync_files(work: Path) -> None:
    """Everything on disk before the pointer names it."""
    for path in work.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _canaries(generation: Generation, library: Library, model: str) -> None:
    """Ask the new index for chunks it must know: each one's own vector and own words have to find it."""
    if not len(generation.vectors) == len(generation.lexical) == generation.manifest.chunks:
        raise Damaged("the new index does not hold every chunk")
    sql = """SELECT c.id, e.vector FROM chunks c JOIN embeddings e ON e.hash=c.hash AND e.model=?
             WHERE c.deleted_at IS NULL ORDER BY c.id * 2654435761 % 4294967296 LIMIT ?"""
    for chunk_id, blob in library.query(sql, (model, CANARIES)):
        if not _finds(generation, chunk_id, np.frombuffer(blob, "<f4")):
            raise Damaged(f"canary chunk_{chunk_id} is not found by its own vector")
        text = library.chunks([chunk_id])[chunk_id].text[:300]
        if lexical.analyze(text, "fr") and not generation.lexical.search(text, "fr", 1, allowed=[chunk_id]):
            raise Damaged(f"canary chunk_{chunk_id} is not found by its own words")


def _finds(generation: Generation, chunk_id: int, vector: Vectors) -> bool:
    """Whether a chunk's own vector is stored, and a search with it finds what it should."""
    found = generation.vectors.search(vector, 1)
    same = generation.vectors.similarities(vector, [chunk_id]).get(chunk_id, -1.0)
    if not found or same < 0.999:
        return False
    best, score = found[0]
    if generation.manifest.kind == "exact":
        return score >= 0.999
    # HNSW may miss the nearest, but what it returns has to be stored and as near as it says.
    return abs(generation.vectors.similarities(vector, [best]).get(best, -1.0) - score) < 0.01


def sweep(folder: Path) -> None:
    """Delete what is neither live nor the pointer: older generations and what killed builds left."""
    live = current_name(folder)
    for path in folder.iterdir():
        if path.name not in (live, "CURRENT") or (path.name == "CURRENT" and path.is_dir()):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
