"""An example: a question and the answer to learn, with what the answer rests on.

In a file it is one JSON object a line, the messages as every trainer reads them and all else under `metadata`:

{"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "Qui héberge GIDAF ?"},
              {"role": "assistant", "content": "GIDAF est hébergé par SI-RAPP [chunk_383]."}],
 "metadata": {"id": "0f3a…", "split": "train", "type": "who", "lang": "fr", "answerable": true, "answers": ["SI-RAPP"],
              "gold": ["chunk_383"], "quote": "Hébergeur : SI-RAPP", "documents": ["apps.md"], "method": "rule-based",
              "form": "field.concept.host.0"}}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from retrieval.types import Language, Message

Method = Literal["rule-based", "llm-based", "augmented", "feedback"]
Split = Literal["train", "val", "test", "test_seen"]
Type = Literal[
    "which", "who", "when", "where", "how-many", "items", "list", "yes-no", "comparison", "definition", "procedure",
    "section", "refusal",
]  # fmt: skip
TYPES: tuple[Type, ...] = Type.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Asked:
    """A question with its answer as one statement gives them, before a chunk is cited."""

    question: str
    answer: str
    """A full sentence, without citations."""
    type: Type
    form: str
    """Which turn of phrase made it: `prose.founded-in`, `field.which.2`."""
    answers: tuple[str, ...] = ()
    """The values that the answer states, word for word as in the text."""
    quote: str = ""
    """The words of the chunk that prove it."""
    fact: str = ""
    """What is asked, whatever the words: two questions about one field of one document have one fact."""


@dataclass(frozen=True)
class Example:
    """A question and its answer; knows nothing of prompts, splits and files."""

    question: str
    answer: str
    """Cites `[chunk_N]`; of a refusal, the refusal."""
    type: Type
    language: Language
    gold: tuple[int, ...]
    """Chunks that prove the answer, by number; of a refusal, chunks near to it."""
    documents: tuple[str, ...]
    method: Method
    form: str = ""
    answers: tuple[str, ...] = ()
    quote: str = ""
    fact: str = ""

    @property
    def answerable(self) -> bool:
        return self.type != "refusal"

    @cached_property
    def id(self) -> str:
        """The same for the same example, on any machine."""
        said = json.dumps([self.question, self.answer, self.gold, self.method], ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def row(messages: Sequence[Message], example: Example, **more: Any) -> dict[str, Any]:
    """The row of a file: what a model is sent and what it is to answer, then what is known of it."""
    said = [*messages, Message("assistant", example.answer)]
    metadata: Mapping[str, Any] = {
        "id": example.id,
        **more,
        "type": example.type,
        "lang": example.language,
        "answerable": example.answerable,
        "answers": list(example.answers),
        "gold": [f"chunk_{number}" for number in example.gold],
        **({"quote": example.quote} if example.quote else {}),
        "documents": list(example.documents),
        "method": example.method,
        "form": example.form,
    }
    return {"messages": [{"role": m.role, "content": m.content} for m in said], "metadata": metadata}
