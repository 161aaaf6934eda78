"""What a journal keeps: sessions, interactions and feedback, as values that know nothing of where they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.types import Citation, Language, Message, Passage

Rating = Literal["good", "bad", ""]
Status = Literal["pending", "approved", "rejected"]


@dataclass(frozen=True)
class Session:
    """One conversation. Times are seconds since the epoch."""

    id: int
    title: str
    """Empty until someone gives it one."""
    created: float
    updated: float
    turns: int
    first: str
    """Its first question."""

    @property
    def name(self) -> str:
        """The title, else the first question."""
        return self.title or self.first


@dataclass(frozen=True)
class Interaction:
    """A question with its answer, and all that is needed to make it again."""

    id: int
    session_id: int
    question: str
    searched: str
    """The question as it was searched for, when it was a follow-up."""
    language: Language
    mode: str
    generator: str
    generation: str
    """The index generation that was searched."""
    settings: Mapping[str, Any]
    messages: tuple[Message, ...]
    """Exactly what a model was sent; empty when none was."""
    passages: tuple[Passage, ...]
    citations: tuple[Citation, ...]
    unknown_citations: int
    answer: str
    refused: bool
    partial: str
    """Why the answer was broken off; empty for a whole one."""
    dropped: str
    """What did not fit into the model's context, in words."""
    confidence: float
    seconds: float
    author: str
    """Who asked."""
    created: float


@dataclass(frozen=True)
class Feedback:
    """What one author thinks of one answer, and what a reviewer thinks of that."""

    interaction_id: int
    author: str
    rating: Rating
    """Empty for a correction alone."""
    reason: str
    correction: str
    status: Status
    """Back to pending at every change by its author."""
    reviewer: str
    note: str
    """The reviewer's."""
    created: float
    updated: float


@dataclass(frozen=True)
class Forgotten:
    """How much was, or would be, forgotten."""

    sessions: int
    """Sessions that are gone as a whole; of others only some turns."""
    turns: int
    ratings: int
    lines: int
    """Lines typed at the prompt."""
