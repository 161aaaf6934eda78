"""Chunks in the DYAG chunk format, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import ParseFailed
from retrieval.files import disk_errors

if TYPE_CHECKING:
    from assistant.app import App


def chunk_records(
    app: App, source: Path, failures: list[tuple[str, str]], documents: set[tuple[str, int]]
) -> Iterator[dict[str, Any]]:
    """`{"id", "content", "metadata"}` of each chunk; what cannot be read is added to `failures`."""
    from retrieval.chunk import chunk
    from retrieval.load.loader import Limits, Loader, Problem
    from retrieval.load.walk import Unreadable, walk

    index = app.settings.index
    number = 0
    with Loader(Limits(index.parse_seconds, index.parse_memory_mb, index.max_file_mb)) as loader:
        for found in walk([source.absolute()]):
            if isinstance(found, Unreadable):
                failures.append((str(found.path), found.reason))
                continue
            try:
                for ordinal, item in enumerate(loader.load(found.path)):
                    if isinstance(item, Problem):
                        failures.append((str(found.path), item.reason))
                        continue
                    documents.add((str(found.path), ordinal))
                    for position, piece in enumerate(chunk(item, app.embedder)):
                        number += 1
                        extra = {"title": item.title, "document": str(found.path), "position": position}
                        if item.external_id:
                            extra["document_id"] = item.external_id
                        if piece.headings:
                            extra["headings"] = list(piece.headings)
                        whole = item.external_id if item.atomic and item.external_id else f"chunk_{number}"
                        yield {"id": whole, "content": piece.text, "metadata": {**item.metadata, **extra}}
            except ParseFailed as failure:
                failures.append((str(found.path), failure.reason))


def write_jsonl(path: Path, records: Iterator[dict[str, Any]]) -> int:
    """Write records beside `path`, then rename: the file is whole or not there. Returns how many."""
    part = path.with_name(path.name + ".part")
    count = 0
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("w", encoding="utf-8") as file:
                for record in records:
                    file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
                    count += 1
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return count
