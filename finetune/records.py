"""Ready-made chunks read back into the documents, or the things, that they were cut from, and what those are called.

{"metadata": {"source": "apps.md", "app_name": "GIDAF"}}         by the name that the metadata give
{"metadata": {"source": "apps.md", "title": "GIDAF"}}            by title, where chunks of other titles state the same fields
{"metadata": {"source": "guide.md", "title": "Ports"}}           one document, guide, whose chunks have titles of their own
{"content": "# GIDAF\\n\\nHébergeur : …", "metadata": {…}}         by what the text calls its thing
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice
from pathlib import PurePosixPath
from typing import Any

from finetune.generate.keys import keys_of
from finetune.sheets import is_part, name_in, share
from retrieval.text import fold
from retrieval.types import Chunk

PARENT_KEYS = ("document_id", "doc_id", "document", "parent_id", "source_id", "source", "file", "filename", "url")
"""Metadata that names the document a ready-made chunk was cut from."""
NAME_KEYS = (
    "app_name", "application_name", "application", "app", "nom_application", "product_name", "nom", "name", "entity_name",
)  # fmt: skip
"""Metadata that names the thing a ready-made chunk is about."""
TITLE_KEYS = ("document_title", "doc_title", "source_title")
LARGEST = 200
"""Chunks of one document; a file whose records all have one title is not one document."""

_APART = re.compile(r"\s+[-–—>|/]\s+")


@dataclass(frozen=True)
class Record:
    """One document as the library holds it: a file, or a record of a file."""

    id: int
    path: str
    external_id: str
    title: str
    metadata: Mapping[str, Any]
    language: str
    chunks: tuple[Chunk, ...]
    is_alone: bool = True
    """Whether its file holds no other."""

    @cached_property
    def text(self) -> str:
        return "\n\n".join(chunk.text for chunk in self.chunks)

    @cached_property
    def name(self) -> str:
        """What it is about, by its metadata."""
        found = (self.metadata.get(key) for key in NAME_KEYS)
        return next((value.strip() for value in found if isinstance(value, str) and value.strip()), "")

    @cached_property
    def called(self) -> str:
        """What it is about, by its metadata, its title or its text; "" where those only name a part of something."""
        title = self.title
        while is_part((parts := _APART.split(title))[-1]) and len(parts) > 1:
            title = title[: -len(parts[-1])].rstrip(" -–—>|/")
        return self.name or (title if title and not is_part(title) else name_in(self.text))

    @cached_property
    def parent(self) -> str:
        """The document that a ready-made chunk was cut from; `wikipedia` as a source is none."""
        for key in PARENT_KEYS:
            value = self.metadata.get(key)
            if isinstance(value, str) and value and (key != "source" or not self.title or re.search(r"[./\\#]", value)):
                return value
        return ""

    @property
    def is_chunk(self) -> bool:
        return bool(self.external_id)


@dataclass(frozen=True)
class Run:
    """Records that follow each other and are one document."""

    title: str
    records: tuple[Record, ...]

    @property
    def path(self) -> str:
        return self.records[0].path


def runs(records: Iterable[Record]) -> Iterator[Run]:
    """The documents that records are, in their order."""
    for (_, parent, is_chunk), group in groupby(
        records, key=lambda r: (r.path, r.parent if r.is_chunk else "", r.is_chunk)
    ):
        if not is_chunk:
            yield from (Run(record.title, (record,)) for record in group)
        elif parent:
            yield from _of_parent(group, parent)
        else:
            yield from _by_name(group, "")


def _of_parent(records: Iterator[Record], parent: str) -> Iterator[Run]:
    """Chunks of one document: it may describe several things, which its beginning tells."""
    first = list(islice(records, LARGEST))
    every = chain(first, records)
    yield from _by_name(every, parent) if _hold_things(first) else _in_one(every, parent)


def _hold_things(records: Sequence[Record]) -> bool:
    """Whether chunks of one document are about several things: they name them, or state the same fields under several names."""
    if any(record.name for record in records):
        return True
    texts: dict[str, str] = {}
    name = ""
    for record in records:
        name = fold(record.called) or name
        texts[name] = f"{texts.get(name, '')}\n{record.text}"
    return len(texts) > 1 and share([keys_of(text) for text in texts.values()])


def _by_name(records: Iterable[Record], parent: str) -> Iterator[Run]:
    """A run for each name; a chunk without one goes on with the thing before, where both are of one document."""
    run: list[Record] = []
    name = ""
    for record in records:
        called = record.called
        goes_on = _continues(called, name) if called else bool(parent)
        if run and not (goes_on and len(run) < LARGEST):
            yield Run(name or _stem(parent), tuple(run))
            run = []
        name = name if run else called
        run.append(record)
    if run:
        yield Run(name or _stem(parent), tuple(run))


def _in_one(records: Iterable[Record], parent: str) -> Iterator[Run]:
    iterator = iter(records)
    while run := tuple(islice(iterator, LARGEST)):
        yield Run(_title(run, parent), run)


def _title(run: Sequence[Record], parent: str) -> str:
    """What the document of these chunks is called: as they say, as the first is, as its file."""
    said = (record.metadata.get(key) for record in run[:1] for key in TITLE_KEYS)
    titles = [value for value in said if isinstance(value, str) and value]
    return next(iter(titles), run[0].called or _stem(parent))


def _continues(called: str, name: str) -> bool:
    """Whether a name is that of the thing before, or of a part of it: `Redis, ports` after `Redis`."""
    one, other = fold(called), fold(name)
    return one == other or (bool(other) and re.match(rf"{re.escape(other)}\s*[,:>|/–—-]", one) is not None)


def _stem(parent: str) -> str:
    """A file's name as a title: `fiches/guide_installation.md` is `guide installation`."""
    return " ".join(PurePosixPath(parent.replace("\\", "/")).stem.replace("_", " ").split())
