"""A workspace on disk, with the steps most tests take in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from words import WordEmbedder

from retrieval import generation
from retrieval.library import Library
from retrieval.load.loader import Loader
from retrieval.search import Searcher
from retrieval.sync import Sync, SyncReport, writer_lock

LONG_AGO = 1_600_000_000


def write(path: Path, text: str | bytes, *, settled: bool = True) -> Path:
    """Write a file; `settled` makes it an old one, whose time alone tells that it has not changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    if settled:
        settle(path, LONG_AGO + time.monotonic_ns() % 10**9 / 1e9)
    return path


def settle(path: Path, when: float = LONG_AGO) -> None:
    os.utime(path, (when, when))


@dataclass
class Workspace:
    """`docs` holds the files, `data` what dyag makes of them."""

    path: Path
    loader: Loader
    embedder: WordEmbedder

    @property
    def docs(self) -> Path:
        return self.path / "docs"

    @property
    def database(self) -> Path:
        return self.path / "data" / "library.sqlite3"

    @property
    def index(self) -> Path:
        return self.path / "data" / "index"

    def write(self, name: str, text: str | bytes, *, settled: bool = True) -> Path:
        return write(self.docs / name, text, settled=settled)

    @contextmanager
    def library(self, *, create: bool = True) -> Iterator[Library]:
        library = Library(self.database, create=create)
        try:
            yield library
        finally:
            library.close()

    def sync(self, *paths: Path, rebuild: bool = False, **options: Any) -> SyncReport:
        """Sync `docs` (or these paths) as `dyag index` does."""
        with self.sync_known(**options) as sync:
            return sync.run(paths or (self.docs,), rebuild=rebuild)

    @contextmanager
    def sync_known(self, **options: Any) -> Iterator[Sync]:
        with writer_lock(self.path / "data" / "index.lock"), self.library() as library:
            yield Sync(library, self.index, self.embedder, self.loader, **options)

    @contextmanager
    def searcher(self) -> Iterator[Searcher]:
        with self.library(create=False) as library:
            yield Searcher(library, self.index, self.embedder, lambda damage: self.repair(library, damage))

    def repair(self, library: Library, damage: str) -> None:
        self.repaired = [*getattr(self, "repaired", []), damage]
        generation.build(self.index, library, self.embedder, "auto")

    def found(self, question: str, **options: Any) -> list[str]:
        """Names of the files whose passages a search finds, best first, once each."""
        with self.searcher() as searcher:
            passages = searcher.search(question, **options).passages
        return list(dict.fromkeys(Path(p.document).name for p in passages))

    def texts(self) -> dict[int, str]:
        """Text of every live chunk by id."""
        with self.library() as library:
            return dict(library.query("SELECT id, text FROM chunks WHERE deleted_at IS NULL ORDER BY id"))

    def shown(self) -> set[str]:
        """Every chunk the live index shows, as title and text: what a user can find."""
        name = generation.current_name(self.index)
        assert name is not None
        live = generation.open_generation(self.index, name)
        with self.library() as library:
            chunks = library.query("SELECT c.id, d.title, c.headings, c.text, f.path FROM chunks c "
                                   "JOIN documents d ON d.id=c.document_id JOIN files f ON f.id=d.file_id "
                                   "WHERE c.deleted_at IS NULL")  # fmt: skip
        assert len(live.vectors) == len(live.lexical) == len(chunks)
        assert all(live.vectors.vector(row[0]) is not None for row in chunks)
        return {f"{Path(path).name}|{title}|{headings}|{text}" for _, title, headings, text, path in chunks}
