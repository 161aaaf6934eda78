"""Chunks in the DYAG chunk format, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInput, ParseFailed
from retrieval.files import disk_errors
from retrieval.load.formats import LINES
from retrieval.load.loader import Limits, Loader, Problem
from retrieval.load.walk import Unreadable, walk
from retrieval.sync import Failure

if TYPE_CHECKING:
    from assistant.app import App
    from retrieval.types import Document

_WITH_IDS = LINES | {".json"}
"""Files whose records may be chunks already, with ids of their own."""


@dataclass
class Export:
    """The chunks of the documents under some paths; what cannot be read is added to `failures`."""

    app: App
    sources: tuple[Path, ...]
    exclude: tuple[Path, ...] = ()
    """Left out though they lie under a path: what is being written."""
    failures: list[Failure] = field(default_factory=list)
    documents: int = 0

    def records(self) -> Iterator[dict[str, Any]]:
        """`{"id", "content", "metadata"}` of each chunk."""
        index = self.app.settings.index
        limits = Limits(index.parse_seconds, index.parse_memory_mb, index.max_file_mb)
        with Loader(limits) as loader:
            paths = list(self._paths())
            given = _given_ids(loader, paths)
            # Who reads the rows cites by id: a counted one may not be that of a ready-made chunk, wherever it stands.
            free = (f"chunk_{number}" for number in count(1) if f"chunk_{number}" not in given)
            for path in paths:
                for document in self._documents(loader, path):
                    yield from self._rows(document, path, free)

    def _paths(self) -> Iterator[Path]:
        for found in walk([source.absolute() for source in self.sources], self.exclude):
            if isinstance(found, Unreadable):
                self.failures.append(Failure(str(found.path), found.reason))
            else:
                yield found.path

    def _documents(self, loader: Loader, path: Path) -> Iterator[Document]:
        try:
            for item in loader.load(path):
                if isinstance(item, Problem):
                    self.failures.append(Failure(str(path), item.reason, whole_file=False))
                else:
                    self.documents += 1
                    yield item
        except ParseFailed as failure:
            self.failures.append(Failure(str(path), failure.reason))

    def _rows(self, document: Document, path: Path, free: Iterator[str]) -> Iterator[dict[str, Any]]:
        from retrieval.chunk import chunk

        own = document.external_id
        for position, piece in enumerate(chunk(document, self.app.embedder)):
            extra: dict[str, Any] = {"title": document.title, "document": str(path), "position": position}
            if own:
                extra["document_id"] = own
            if piece.headings:
                extra["headings"] = list(piece.headings)
            chunk_id = own if own and document.atomic else next(free)
            yield {"id": chunk_id, "content": piece.text, "metadata": {**document.metadata, **extra}}


def _given_ids(loader: Loader, paths: list[Path]) -> set[str]:
    """The ids of ready-made chunks; what cannot be read is reported when the chunks are written."""
    given: set[str] = set()
    for path in paths:
        if path.suffix.lower() in _WITH_IDS:
            try:
                given.update(d.external_id for d in loader.load(path) if not isinstance(d, Problem) and d.atomic)
            except ParseFailed:
                continue
    return given


def write_jsonl(path: Path, records: Iterator[dict[str, Any]]) -> int:
    """Write records beside `path`, then rename: the file is whole or not there. Returns how many.

    Raises BadInput when no file can be made there, NoSpace.
    """
    part = part_of(path)
    _check_output(path, part)
    count = 0
    with disk_errors(path):
        try:
            with part.open("w", encoding="utf-8") as file:
                for record in records:
                    file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
                    count += 1
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return count


def part_of(path: Path) -> Path:
    """What a file is written to before it is renamed."""
    return path.with_name(f"{path.name}.part")


def _check_output(path: Path, part: Path) -> None:
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", f"Name a file in it: --output {path / 'chunks.jsonl'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        # A file in the place of the folder: "File exists" would not say which.
        reason = f"{path.parent} is a file" if isinstance(error, FileExistsError) else error.strerror
        raise BadInput(f"{path} cannot be written: {reason}.", "Name another file with --output.") from error
