"""The shared vocabulary: values that know nothing of where they are stored.

A *document* is what a file holds (one file may hold many); a *chunk* is the part of a document that is searched and
cited; a *passage* is a chunk retrieved for a query; a *citation* points from an answer to a chunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["fr", "en"]
INTERRUPTED = "interrupted"
"""Why an answer is partial, when the user broke it off."""


@dataclass(frozen=True)
class Document:
    """What a parser makes of a file, or of one record of it."""

    text: str
    """Markdown or plain text, without front matter."""
    title: str = ""
    external_id: str = ""
    """The id its own file gives it (`_id` of BEIR, `id` of DYAG chunks); empty when it gives none."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Front matter or record fields, as data (JSON types only)."""
    fields_in_text: bool = False
    """Whether `metadata` should also be searchable as `Key : value` lines (front matter is; record metadata is not)."""
    atomic: bool = False
    """A ready-made chunk (DYAG chunk format): kept whole whatever its length."""


@dataclass(frozen=True)
class Chunk:
    """A searchable part of a document. `id` is never reused, so an old citation still opens."""

    id: int
    document_id: int
    position: int
    title: str
    headings: tuple[str, ...]
    text: str
    deleted: bool = False

    @property
    def name(self) -> str:
        return f"chunk_{self.id}"


@dataclass(frozen=True)
class Passage:
    """A chunk retrieved for a query, with the scores that put it there."""

    chunk_id: int
    document: str
    """Path of the file, relative to the workspace when it lies inside."""
    external_id: str
    title: str
    headings: tuple[str, ...]
    text: str
    score: float
    """Fused score, 0 to 1 within one query; 0 for a passage added for context."""
    dense: float
    """Cosine of the embeddings, -1 to 1."""
    lexical: float
    """BM25, 0 and up; 0 when no query term occurs."""
    document_id: int = 0


@dataclass(frozen=True)
class Fact:
    """One `key : value` that a chunk states: a line, a front-matter field or a table row."""

    chunk_id: int
    document_id: int
    title: str
    key: str
    value: str


@dataclass(frozen=True)
class Citation:
    """A checked pointer from an answer to a chunk."""

    chunk_id: int
    document: str
    external_id: str
    supported: bool
    support: float
    """Share of the citing sentences' numbers, names and words found in the chunk, 0 to 1."""


@dataclass(frozen=True)
class Message:
    """One message to a chat model, or of one."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Answer:
    """What the assistant says, with what it rests on."""

    question: str
    answer: str
    refused: bool
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    mode: str
    generator: str
    seconds: float
    confidence: float = 0.0
    """Calibrated chance that the documents hold the answer, 0 to 1."""
    language: Language = "fr"
    unknown_citations: int = 0
    """Ids the generator cited that were not in its context; they are struck from the text."""
    searched: str = ""
    """What was searched for beside the question: a follow-up as a question of its own. Empty for the question as it is."""
    messages: tuple[Message, ...] = ()
    """Exactly what a model was sent; empty when none was."""
    dropped: str = ""
    """What did not fit into the model's context, in words."""
    partial: str = ""
    """Why the answer was broken off; empty for a whole one."""
    generation: str = ""
    """The index generation that was searched."""
