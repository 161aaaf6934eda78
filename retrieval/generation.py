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
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from retrieval import lexical, vectors
from retrieval.chunk import body_text
from retrieval.embed import Embedder
from retrieval.files import disk_errors, private_folder, sync_folder, write_private
from retrieval.library import Library

FORMAT = 1
CHECKSUM_LIMIT = 64_000_000
"""Bytes up to which opening verifies checksums as well as sizes (about 60 ms)."""
CANARIES = 5
INCOMPLETE = -1


class Damaged(Exception):
    """A generation that cannot be read or does not hold what its manifest says."""


@dataclass(frozen=True)
class Manifest:
    """What a finished generation holds."""

    format: int
    name: str
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
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None
    return name if name and "/" not in name and (folder / name).is_dir() else None


def read_manifest(folder: Path, name: str) -> Manifest:
    """Raises Damaged when the manifest is missing or malformed."""
    try:
        manifest = Manifest(**json.loads((folder / name / "manifest.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(f"no readable manifest: {error}") from error
    if manifest.format != FORMAT:
        raise Damaged(f"format {manifest.format}, not {FORMAT}")
    return manifest


def open_generation(folder: Path, name: str) -> Generation:
    """Open and check a generation. Raises Damaged when anything in it is not as its manifest says."""
    manifest = read_manifest(folder, name)
    _check_files(folder / name, manifest)
    try:
        generation = _open(folder / name, manifest)
    except (OSError, ValueError, EOFError) as error:
        raise Damaged(str(error)) from error
    if not len(generation.vectors) == len(generation.lexical) == manifest.chunks:
        raise Damaged("vectors, lexical index and manifest disagree on the number of chunks")
    return generation


def _open(folder: Path, manifest: Manifest) -> Generation:
    return Generation(manifest, vectors.open_index(manifest.kind, folder), lexical.LexicalIndex(folder / "lexical"))


def _check_files(folder: Path, manifest: Manifest) -> None:
    deep = sum(size for size, _ in manifest.files.values()) <= CHECKSUM_LIMIT
    for relative, (size, checksum) in manifest.files.items():
        path = folder / relative
        try:
            same = path.stat().st_size == size and (not deep or _crc32(path) == checksum)
        except OSError as error:
            raise Damaged(f"{relative}: {error.strerror}") from error
        if not same:
            raise Damaged(f"{relative} is not what was written")


def verify(folder: Path, name: str) -> None:
    """Check every byte of a generation, whatever its size. Raises Damaged."""
    for relative, (_, checksum) in read_manifest(folder, name).files.items():
        if _crc32(folder / name / relative) != checksum:
            raise Damaged(f"{relative} is not what was written")
    open_generation(folder, name)


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def build(
    folder: Path, library: Library, embedder: Embedder, setting: str, progress: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Build, check and swap in a generation of the library as it is now. The caller holds the writer's lock."""
    private_folder(folder)
    sweep(folder)
    with disk_errors(folder):
        # An interrupted sync leaves chunks without vectors: what can be searched is, and the next sync builds again.
        complete = library.count_chunks() == library.count_chunks(embedder.name)
        revision = library.revision if complete else INCOMPLETE
        name = f"{library.revision:08d}-{time.time_ns() // 1_000_000:x}"
        work = private_folder(folder / f"{name}.building")
        progress("writing the index")
        manifest = _write(work, name, revision, library, embedder, setting)
        progress("checking the index")
        _canaries(_open(work, manifest), library, embedder.name)
        _sync_files(work)
        write_private(work / "manifest.json", json.dumps(asdict(manifest), indent=1).encode())
        os.replace(work, folder / name)
        sync_folder(folder)
        write_private(folder / "CURRENT", name.encode())
    return manifest


def _write(work: Path, name: str, revision: int, library: Library, embedder: Embedder, setting: str) -> Manifest:
    count = library.count_chunks(embedder.name)
    kind = vectors.choose(setting, count)
    vectors.build(kind, work, library.embeddings(embedder.name), count, embedder.dimension)
    entries = (
        lexical.Entry(chunk.id, chunk.title, body_text(chunk.headings, chunk.text))
        for chunk in library.embedded_chunks(embedder.name)
    )
    lexical.build(private_folder(work / "lexical"), entries)
    return Manifest(FORMAT, name, revision, embedder.name, embedder.dimension, kind, count, time.time(), _listing(work))


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
        vector = np.frombuffer(blob, "<f4")
        best = generation.vectors.search(vector, 1)
        same = generation.vectors.similarities(vector, [chunk_id]).get(chunk_id, -1.0)
        if not best or same < 0.999 or best[0][1] < 0.999:
            raise Damaged(f"canary chunk_{chunk_id} is not found by its own vector")
        text = library.chunks([chunk_id])[chunk_id].text[:300]
        if lexical.analyze(text, "fr") and not generation.lexical.search(text, "fr", 1, allowed=[chunk_id]):
            raise Damaged(f"canary chunk_{chunk_id} is not found by its own words")


def sweep(folder: Path) -> None:
    """Delete what is neither live nor the pointer: older generations and what killed builds left."""
    live = current_name(folder)
    for path in folder.iterdir():
        if path.name not in (live, "CURRENT"):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
