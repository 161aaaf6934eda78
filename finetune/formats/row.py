"""A training row, whatever the format it came in: the one value that checks, conversion and statistics are built on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from finetune.formats.contexts import without_documents
from retrieval.text import detect_language
from retrieval.types import Language, Message

Format = Literal[
    "messages", "prompt-completion", "question-answer", "alpaca", "sharegpt", "text", "dpo", "kto", "openai-dpo"
]
Kind = Literal["sft", "dpo", "kto", "text"]


@dataclass(frozen=True)
class Row:
    """What a model is sent and what it is to learn from it."""

    line: int
    """Where it begins in its file, from 1; in a JSON list, which item it is."""
    format: Format
    prompt: tuple[Message, ...] = ()
    """System message (perhaps) and turns, a user's last; empty for a bare text."""
    completion: str = ""
    """The answer; of a bare text, the text."""
    chosen: str = ""
    rejected: str = ""
    label: bool | None = None
    """Of a rated answer, whether it is a good one."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What can be trained with it."""
        if self.format == "text":
            return "text"
        if self.rejected:
            return "dpo"
        return "sft" if self.label is None else "kto"

    @property
    def system(self) -> str:
        """The system message; empty when there is none."""
        return self.prompt[0].content if self.prompt and self.prompt[0].role == "system" else ""

    @cached_property
    def question(self) -> str:
        """What the user asks, without the documents that stand with it; empty for a bare text."""
        return without_documents(self.prompt[-1].content) if self.prompt else ""

    @property
    def answer(self) -> str:
        """What is to be learnt: the completion, or the better answer of a pair."""
        return self.chosen or self.completion

    @property
    def language(self) -> Language | str:
        """As the row says, else as its text reads."""
        said = self.metadata.get("lang") or self.metadata.get("language")
        return str(said) if said else detect_language(self.question or self.answer)

    @property
    def answerable(self) -> bool:
        """Whether the row says nothing else."""
        return self.metadata.get("answerable") is not False

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents the row rests on, where it names them."""
        return self._named("documents")

    @property
    def gold(self) -> tuple[str, ...]:
        """The chunks that prove the answer (`chunk_383`), where the row names them."""
        return self._named("gold")

    @property
    def origins(self) -> tuple[str, ...]:
        """What no split may part: documents, and the group of near-duplicates they are in."""
        group = self.metadata.get("group")
        return (*self.documents, *([f"group {group}"] if group is not None else []))

    def _named(self, key: str) -> tuple[str, ...]:
        said = self.metadata.get(key)
        return tuple(str(name) for name in said) if isinstance(said, list) else ()

    def texts(self) -> tuple[str, ...]:
        """Everything a model reads of it: the prompt once, then each answer."""
        answers = (self.chosen, self.rejected) if self.kind == "dpo" else (self.completion,)
        return (*(message.content for message in self.prompt), *answers)

    def with_metadata(self, **more: Any) -> Row:
        """The same row, knowing more; what it knows already stays."""
        return replace(self, metadata={**more, **self.metadata})
