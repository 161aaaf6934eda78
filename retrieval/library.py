"""The library: documents, chunks, facts and an embedding cache in one SQLite file, the truth behind every index.

Ids are never reused; what disappears is tombstoned (`deleted_at`), so an old citation still opens. Every change that an
index would show raises `revision`, which is how a stale index is known.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.database import Database
from retrieval.embed import Vectors
from retrieval.migrations import MIGRATIONS
from retrieval.text import fold
from retrieval.types import Chunk, Fact

_BATCH = 500
"""Values per SQL statement, well under SQLite's limit on variables."""
LIVE = "c.deleted_at IS NULL"
CHUNK_COLUMNS = "c.id, c.document_id, c.position, d.title, c.headings, c.text, c.deleted_at"


@dataclass(frozen=True)
class Origin:
    """Where a chunk comes from."""

    document_id: int
    path: str
    """Relative to the workspace when the file lies inside."""
    external_id: str
    title: str
    metadata: Mapping[str, Any]


class Library(Database):
    """One open connection. Writers must hold the workspace's lock; readers need nothing."""

    noun = "library"
    migrations = MIGRATIONS
    how_to_make = "Run `dyag index PATH` to make one."
    how_to_mend = "Move it away and run `dyag index PATH` on your documents again, or restore a backup of it."

    def __init__(self, path: Path, *, create: bool = False) -> None:
        super().__init__(path, create=create)
        self._db.create_function("fold", 1, lambda v: fold(str(v)), deterministic=True)

    # meta ------------------------------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        rows = self.query("SELECT value FROM meta WHERE key=?", (key,))
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str) -> None:
        self.query("INSERT INTO meta VALUES (?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value", (key, value))

    @property
    def revision(self) -> int:
        found = self.meta("revision") or "0"
        if not found.isdecimal():
            raise self.damaged(f"its revision is {found!r}")
        return int(found)

    @property
    def identity(self) -> str:
        """Random digits that tell this library from any other at the same path: their revisions may agree."""
        return self.meta("identity") or ""

    def bump(self) -> None:
        """Say that what an index would show has changed; call inside the transaction that changes it."""
        self.set_meta("revision", str(self.revision + 1))

    # chunks ----------------------------------------------------------------------------------------------------------

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """Chunks by id, deleted ones too; unknown ids are missing from the result."""
        found: dict[int, Chunk] = {}
        for part in batches(list(ids)):
            sql = f"SELECT {CHUNK_COLUMNS} FROM chunks c JOIN documents d ON d.id=c.document_id WHERE c.id IN ({marks(part)})"
            found.update((row[0], self._chunk(row)) for row in self.query(sql, part))
        return found

    def document_chunks(self, document_id: int) -> list[Chunk]:
        """The live chunks of a document, in order."""
        sql = f"""SELECT {CHUNK_COLUMNS} FROM chunks c JOIN documents d ON d.id=c.document_id
                  WHERE c.document_id=? AND {LIVE} ORDER BY c.position"""
        return [self._chunk(row) for row in self.query(sql, (document_id,))]

    def embedded_chunks(self, model: str) -> Iterator[Chunk]:
        """Every live chunk that this model has embedded, by id."""
        sql = f"""SELECT {CHUNK_COLUMNS} FROM chunks c JOIN documents d ON d.id=c.document_id
                  JOIN embeddings e ON e.hash=c.hash AND e.model=? WHERE {LIVE} ORDER BY c.id"""
        for row in self.iterate(sql, (model,)):
            yield self._chunk(row)

    def _chunk(self, row: Sequence[Any]) -> Chunk:
        headings = tuple(map(str, self.parsed(row[4], list)))
        return Chunk(row[0], row[1], row[2], row[3], headings, row[5], row[6] is not None)

    def shared_titles(self, titles: Iterable[str]) -> set[str]:
        """Those of these titles that more than one live document has."""
        wanted = list(set(titles))
        sql = f"""SELECT title FROM documents WHERE deleted_at IS NULL AND title IN ({marks(wanted)})
                  GROUP BY title HAVING COUNT(*) > 1"""
        return {row[0] for row in self.query(sql, wanted)}

    def count_documents(self) -> int:
        return int(self.query("SELECT COUNT(*) FROM documents WHERE deleted_at IS NULL")[0][0])

    def count_chunks(self, model: str | None = None) -> int:
        """Live chunks; with a model, those that it has embedded."""
        embedded = "" if model is None else "JOIN embeddings e ON e.hash=c.hash AND e.model=?"
        sql = f"SELECT COUNT(*) FROM chunks c {embedded} WHERE {LIVE}"
        return int(self.query(sql, () if model is None else (model,))[0][0])

    def origins(self, document_ids: Iterable[int]) -> dict[int, Origin]:
        """File, external id and metadata of documents."""
        found: dict[int, Origin] = {}
        for part in batches(list(set(document_ids))):
            sql = f"""SELECT d.id, f.path, d.external_id, d.title, d.metadata FROM documents d
                      JOIN files f ON f.id=d.file_id WHERE d.id IN ({marks(part)})"""
            for row in self.query(sql, part):
                found[row[0]] = Origin(row[0], self._shown(row[1]), row[2], row[3], self.parsed(row[4], dict))
        return found

    def _shown(self, path: str) -> str:
        """A file's path, relative to the workspace when it lies inside."""
        return path.removeprefix(f"{self.path.parent.parent}{os.sep}")

    def chunk_by_external_id(self, external_id: str) -> int | None:
        """Id of the first live chunk of the document with this external id."""
        sql = f"""SELECT c.id FROM chunks c JOIN documents d ON d.id=c.document_id
                  WHERE d.external_id=? AND {LIVE} ORDER BY c.position LIMIT 1"""
        rows = self.query(sql, (external_id,))
        return rows[0][0] if rows else None

    def chunks_where(self, filters: Mapping[str, str]) -> list[int]:
        """Ids of live chunks whose document metadata has every key with the value (or it among a list's values).

        Case and accents do not matter.
        """
        clause = """AND EXISTS (SELECT 1 FROM json_each(d.metadata) k WHERE fold(k.key)=? AND (
                      (k.type NOT IN ('array','object') AND fold(CASE k.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
                         ELSE k.value END)=?)
                      OR (k.type='array' AND EXISTS (SELECT 1 FROM json_each(k.value) v WHERE fold(v.value)=?))))"""
        values = [v for key, value in filters.items() for v in (fold(key), fold(value), fold(value))]
        sql = f"""SELECT c.id FROM chunks c JOIN documents d ON d.id=c.document_id
                  WHERE {LIVE} {clause * len(filters)} ORDER BY c.id"""
        return [row[0] for row in self.query(sql, values)]

    def metadata_keys(self) -> list[str]:
        """Every metadata key of live documents, for messages about filters."""
        sql = "SELECT DISTINCT k.key FROM documents d, json_each(d.metadata) k WHERE d.deleted_at IS NULL ORDER BY 1"
        return [row[0] for row in self.query(sql)]

    # facts -----------------------------------------------------------------------------------------------------------

    def facts_of(self, document_ids: Sequence[int]) -> list[Fact]:
        """Facts that live chunks of these documents state, in the order of their text."""
        return self._facts(f"d.id IN ({marks(document_ids)})", document_ids)

    def fact_keys(self) -> list[tuple[str, int]]:
        """Distinct keys with the number of documents that state them."""
        sql = f"""SELECT a.key, COUNT(DISTINCT c.document_id) FROM facts a JOIN chunks c ON c.id=a.chunk_id
                  WHERE {LIVE} GROUP BY a.key"""
        return self.query(sql)

    def facts_with_keys(self, keys: Sequence[str]) -> list[Fact]:
        """Every live fact under one of these keys."""
        return [fact for part in batches(list(keys)) for fact in self._facts(f"a.key IN ({marks(part)})", part)]

    def _facts(self, where: str, values: Sequence[Any]) -> list[Fact]:
        sql = f"""SELECT a.chunk_id, d.id, d.title, a.key, a.value FROM facts a JOIN chunks c ON c.id=a.chunk_id
                  JOIN documents d ON d.id=c.document_id WHERE {LIVE} AND {where} ORDER BY c.document_id, c.position, a.rowid"""
        return [Fact(*row) for row in self.query(sql, values)]

    # embeddings ------------------------------------------------------------------------------------------------------

    def models(self) -> list[str]:
        """Names of the models that have embedded live chunks."""
        sql = f"SELECT DISTINCT e.model FROM chunks c JOIN embeddings e ON e.hash=c.hash WHERE {LIVE} ORDER BY 1"
        return [row[0] for row in self.query(sql)]

    def missing_embeddings(self, model: str) -> list[tuple[str, int]]:
        """(hash, a chunk id) of live chunk texts that this model has not embedded, one row a hash."""
        sql = f"""SELECT c.hash, MIN(c.id) FROM chunks c WHERE {LIVE} AND NOT EXISTS
                  (SELECT 1 FROM embeddings e WHERE e.hash=c.hash AND e.model=?) GROUP BY c.hash ORDER BY 2"""
        return self.query(sql, (model,))

    def store_embeddings(self, model: str, vectors: Sequence[tuple[str, Vectors]]) -> None:
        """Keep a vector for each of these text hashes."""
        rows = [(h, model, v.astype("<f4").tobytes()) for h, v in vectors]
        with self.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO embeddings(hash, model, vector) VALUES (?,?,?)", rows)

    def embeddings(self, model: str) -> Iterator[tuple[int, Vectors]]:
        """(chunk id, vector) of every live chunk that has one, by chunk id."""
        sql = f"""SELECT c.id, e.vector FROM chunks c JOIN embeddings e ON e.hash=c.hash AND e.model=?
                  WHERE {LIVE} ORDER BY c.id"""
        for chunk_id, blob in self.iterate(sql, (model,)):
            if len(blob) % 4:
                raise self.damaged(f"the vector of chunk_{chunk_id} has {len(blob)} bytes")
            yield chunk_id, np.frombuffer(blob, "<f4")

    def forget_stale_embeddings(self, keep_days: float = 30.0) -> None:
        """Drop cached vectors no live chunk has used for a while, so the cache cannot grow without end."""
        limit = time.time() - keep_days * 86400
        self.query(
            """DELETE FROM embeddings WHERE created_at < ? AND NOT EXISTS
               (SELECT 1 FROM chunks c WHERE c.hash=embeddings.hash AND c.deleted_at IS NULL)""",
            (limit,),
        )


def marks(values: Sequence[Any]) -> str:
    """`?,?,?` for an IN clause."""
    return ",".join("?" * len(values))


def batches(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
