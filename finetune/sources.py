"""What a dataset is made from: documents with their chunks, as numbered as answers cite them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from retrieval.types import Language


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

    @cached_property
    def text(self) -> str:
        return "\n\n".join(chunk.text for chunk in self.chunks)


class Source(Protocol):
    """Documents that can be walked again and again, one at a time."""

    def documents(self) -> Iterator[SourceDocument]:
        """Every document, always in the same order."""
        ...

    def count(self) -> int:
        """How many documents there are."""
        ...
