"""What a dataset is made from: documents with their chunks, numbered as answers cite them.

A file of ready-made chunks (DYAG chunks, passages of a corpus) is read back into documents (`records.py`), and a document that
describes several things under headings is one document for each (`sheets.py`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from finetune.records import Record, Run, runs
from finetune.sheets import sheets
from retrieval.library import Library
from retrieval.types import Language, Passage

NAMELESS = frozenset(
    "readme index introduction untitled home accueil notes document documentation sommaire contents overview faq page todo "
    "changelog license licence presentation divers misc".split()
)
"""Titles by which nobody can ask for a document."""


@dataclass(frozen=True)
class SourceChunk:
    """A chunk under the number that answers cite."""

    number: int
    text: str
    headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceDocument:
    """A document with the text of its chunks, in order."""

    id: int
    key: str
    """Its file, and its name in it where a file holds several: `apps.jsonl#chunk_383`."""
    title: str
    language: Language
    chunks: tuple[SourceChunk, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[int, ...] = ()
    """Documents of the library that are this one: itself, or the ready-made chunks that were cut from it. None for a part of one:
    the other parts may be in another split."""
    is_whole: bool = True
    """False for what is left of a document around the things it describes: what it lacks, they may state."""

    @cached_property
    def text(self) -> str:
        return "\n\n".join(chunk.text for chunk in self.chunks)

    @property
    def has_name(self) -> bool:
        """Whether its title tells it from other documents."""
        plain = " ".join(re.findall(r"[^\W\d_]+", self.title.casefold()))
        return bool(plain) and plain not in NAMELESS and len(self.title) <= 120


class Source:
    """The documents of a library, walked as often as needed, one at a time.

    `given`: whether chunks that came with a number (`chunk_383`) keep it, the others being counted around them; an index
    cites by the library's own numbers. `roots`: folders that paths are shown relative to.
    """

    def __init__(self, library: Library, *, given: bool = False, roots: Sequence[Path] = ()) -> None:
        self.library = library
        self._roots = tuple(f"{root}{os.sep}" for root in roots)
        self._numbers = self._numbered() if given else {}
        self._ids = {number: own for own, number in self._numbers.items()}

    def documents(self) -> Iterator[SourceDocument]:
        """Every document that has text, always in the same order."""
        numbers = count(1)
        keys: set[str] = set()
        path = ""
        for run in runs(self._records()):
            if run.path != path:
                path, keys = run.path, set()
            for document in self._documents(run):
                key = next(key for key in _counted(document.key) if key not in keys)
                keys.add(key)
                yield replace(document, id=next(numbers), key=key)

    def count(self) -> int:
        """How many documents the library counts; ready-made chunks count one by one."""
        return self.library.count_documents()

    def passages(self, numbers: Iterable[int]) -> dict[int, Passage]:
        """Chunks by number, as a search would give them."""
        own = {self._ids.get(n, n): n for n in numbers}
        chunks = self.library.chunks(own)
        origins = self.library.origins(c.document_id for c in chunks.values())
        return {
            own[i]: Passage(
                own[i], self.shown(origins[c.document_id].path), origins[c.document_id].external_id, c.title, c.headings,
                c.text, 0.0, 0.0, 0.0, c.document_id,
            )
            for i, c in chunks.items()
        }  # fmt: skip

    def number(self, chunk_id: int) -> int:
        """The number that answers cite for a chunk of the library."""
        return self._numbers.get(chunk_id, chunk_id)

    def _records(self) -> Iterator[Record]:
        sql = """SELECT d.id, f.path, d.external_id, d.title, d.metadata, d.language, f.id FROM documents d
                 JOIN files f ON f.id=d.file_id WHERE d.deleted_at IS NULL ORDER BY d.id"""
        several = "SELECT file_id FROM documents WHERE deleted_at IS NULL GROUP BY 1 HAVING COUNT(*) > 1"
        many = {file for (file,) in self.library.query(several)}
        for row in self.library.iterate(sql, ()):
            chunks = tuple(self.library.document_chunks(row[0]))
            if chunks:
                path = self.shown(row[1])
                yield Record(
                    row[0], path, row[2], row[3], json.loads(row[4]), row[5], chunks, is_alone=row[6] not in many
                )

    def shown(self, path: str) -> str:
        """A path relative to the root, or the workspace, that it lies in."""
        home = f"{self.library.path.parent.parent}{os.sep}"
        path = path if os.path.isabs(path) else f"{home}{path}"
        root = next((r for r in (*self._roots, home) if path.startswith(r)), "")
        return path.removeprefix(root).replace(os.sep, "/")

    def _documents(self, run: Run) -> Iterator[SourceDocument]:
        """The document that these records are, or the things that it describes."""
        first = run.records[0]
        chunks = [SourceChunk(self.number(c.id), c.text, c.headings) for record in run.records for c in record.chunks]
        name = first.external_id or ("" if first.is_alone else run.title)
        key = f"{first.path}#{name}" if name else first.path
        language: Language = "fr" if first.language == "fr" else "en"
        parts = sheets([chunk.text for chunk in chunks], run.title)
        if not parts:
            ids = tuple(record.id for record in run.records)
            yield SourceDocument(0, key, run.title, language, tuple(chunks), first.metadata, ids)
        for part in parts:
            own = tuple(replace(chunks[piece.chunk], text=piece.text) for piece in part.pieces)
            if part.title:
                yield SourceDocument(0, f"{key}#{part.title}", part.title, language, own)
            else:
                yield SourceDocument(0, key, run.title, language, own, first.metadata, is_whole=False)

    def _numbered(self) -> dict[int, int]:
        """Number by chunk id: given ones are kept where no two chunks have the same."""
        sql = """SELECT c.id, d.external_id FROM chunks c JOIN documents d ON d.id=c.document_id
                 WHERE c.deleted_at IS NULL AND c.position=0 AND d.external_id GLOB 'chunk_[0-9]*' ORDER BY c.id"""
        given: dict[int, int] = {}
        for chunk_id, name in self.library.query(sql):
            if re.fullmatch(r"chunk_\d{1,15}", name):
                given.setdefault(int(name.removeprefix("chunk_")), chunk_id)
        numbers = {chunk_id: number for number, chunk_id in given.items()}
        free = (number for number in count(1) if number not in given)
        for (chunk_id,) in self.library.query("SELECT id FROM chunks WHERE deleted_at IS NULL ORDER BY id"):
            if chunk_id not in numbers:
                numbers[chunk_id] = next(free)
        return numbers


def _counted(key: str) -> Iterator[str]:
    """The key, then `key 2`, `key 3`…"""
    yield key
    yield from (f"{key} {n}" for n in count(2))
