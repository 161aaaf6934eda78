"""One file's documents into the library: what is unchanged keeps its ids, what is gone is tombstoned."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from retrieval import chunk as chunking
from retrieval.embed import Embedder
from retrieval.facts import facts
from retrieval.library import Library, batches, marks
from retrieval.text import detect_language
from retrieval.types import Document


@dataclass
class FileWriter:
    """Writes the documents of one file; the caller holds a transaction around each call."""

    library: Library
    embedder: Embedder
    file_id: int
    recipe: str
    """How documents are read and cut; another recipe cuts them again."""
    changed: bool = False
    """Whether anything an index shows was written."""
    duplicates: Counter[str] = field(default_factory=Counter)
    """External ids seen more than once, with how often again."""
    _seen: set[str] = field(default_factory=set)
    _known: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sql = "SELECT key, id, hash FROM documents WHERE file_id=? AND deleted_at IS NULL"
        self._known = {row[0]: (row[1], row[2]) for row in self.library.query(sql, (self.file_id,))}

    def write(self, document: Document) -> None:
        """Insert or update one document; only chunks whose text changed get new ids."""
        key = self._key(document)
        digest = _digest(document, self.recipe)
        known = self._known.get(key)
        if known and known[1] == digest:
            return
        self.changed = True
        pieces = chunking.chunk(document, self.embedder)
        document_id = self._row(known[0] if known else None, key, digest, document)
        self._chunks(document_id, document.title, pieces)

    def finish(self) -> None:
        """Tombstone the documents this file no longer holds."""
        gone = [known[0] for key, known in self._known.items() if key not in self._seen]
        if gone:
            self.changed = True
            remove_documents(self.library, gone)

    def _key(self, document: Document) -> str:
        """The document's name within its file; a repeated external id is kept under a name of its own."""
        base = document.external_id or f"#{len(self._seen) + 1}"
        key = base
        if base in self._seen:
            self.duplicates[base] += 1
            key = f"{base}#{self.duplicates[base] + 1}"
        self._seen.add(key)
        return key

    def _row(self, document_id: int | None, key: str, digest: str, document: Document) -> int:
        metadata = dict(document.metadata)
        language = detect_language(document.text, default="en")
        metadata.setdefault("language", language)
        values = (document.external_id, document.title, json.dumps(metadata, ensure_ascii=False), language, digest)
        if document_id is not None:
            self.library.query(
                "UPDATE documents SET external_id=?, title=?, metadata=?, language=?, hash=? WHERE id=?",
                (*values, document_id),
            )
            return document_id
        self.library.query(
            "INSERT INTO documents(external_id, title, metadata, language, hash, file_id, key) VALUES (?,?,?,?,?,?,?)",
            (*values, self.file_id, key),
        )
        return int(self.library.query("SELECT last_insert_rowid()")[0][0])

    def _chunks(self, document_id: int, title: str, pieces: list[chunking.Piece]) -> None:
        old: dict[str, list[int]] = {}
        sql = "SELECT hash, id FROM chunks WHERE document_id=? AND deleted_at IS NULL ORDER BY position"
        for digest, chunk_id in self.library.query(sql, (document_id,)):
            old.setdefault(digest, []).append(chunk_id)
        for position, piece in enumerate(pieces):
            digest = chunking.text_hash(title, piece.headings, piece.text)
            if old.get(digest):
                self.library.query("UPDATE chunks SET position=? WHERE id=?", (position, old[digest].pop(0)))
            else:
                self._insert(document_id, position, piece, digest)
        tombstone(self.library, [i for ids in old.values() for i in ids])

    def _insert(self, document_id: int, position: int, piece: chunking.Piece, digest: str) -> None:
        self.library.query(
            "INSERT INTO chunks(document_id, position, headings, text, hash) VALUES (?,?,?,?,?)",
            (document_id, position, json.dumps(piece.headings, ensure_ascii=False), piece.text, digest),
        )
        chunk_id = self.library.query("SELECT last_insert_rowid()")[0][0]
        for key, value in facts(piece.text):
            self.library.query("INSERT INTO facts VALUES (?,?,?)", (chunk_id, key, value))


def _digest(document: Document, recipe: str) -> str:
    fields = [document.title, document.text, dict(document.metadata), document.fields_in_text, document.atomic]
    return hashlib.sha256(json.dumps([*fields, recipe], sort_keys=True, default=str).encode()).hexdigest()


def remove_documents(library: Library, ids: Iterable[int]) -> None:
    """Tombstone documents and their chunks."""
    now = time.time()
    for part in batches(list(ids)):
        library.query(f"UPDATE documents SET deleted_at=? WHERE id IN ({marks(part)})", (now, *part))
        library.query(
            f"UPDATE chunks SET deleted_at=? WHERE deleted_at IS NULL AND document_id IN ({marks(part)})", (now, *part)
        )


def tombstone(library: Library, chunk_ids: list[int]) -> None:
    for part in batches(chunk_ids):
        library.query(f"UPDATE chunks SET deleted_at=? WHERE id IN ({marks(part)})", (time.time(), *part))
