"""What the teacher is told, from the `.md` files beside this one: a system message, a line `---`, a user message.

A text stands within `<text-HASH>` and `</text-HASH>`, which it cannot close: it does not know the hash of itself.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.sources import SourceChunk, SourceDocument
from finetune.teacher.kinds import ASKED
from retrieval.types import Language, Message

_FOLDER = Path(__file__).parent
_PLACEHOLDER = re.compile(r"\{(types|title|fence|text|count|error|refusal|passages|question)\}")


@dataclass(frozen=True)
class Reading:
    """A chunk to read, in its document."""

    document: SourceDocument
    chunk: SourceChunk

    @property
    def language(self) -> Language:
        return self.document.language

    @property
    def text(self) -> str:
        """The chunk as a model reads it, its title and headings first."""
        return readable(self.document.title, self.chunk)


def readable(title: str, chunk: SourceChunk) -> str:
    """A chunk's title, headings and text."""
    head = " › ".join(dict.fromkeys(filter(None, (title, *chunk.headings))))
    return f"{head}\n{chunk.text}" if head else chunk.text


def asking(reading: Reading, count: int) -> tuple[Message, ...]:
    """The request for `count` questions about a chunk."""
    title = " › ".join(dict.fromkeys(filter(None, (reading.document.title, *reading.chunk.headings))))
    values = {"types": ", ".join(ASKED), "title": " ".join(title.split()), "count": str(count)}
    text = reading.chunk.text
    return _messages("questions", reading.language, {**values, "text": text, "fence": fence(text)})


def correcting(sent: Sequence[Message], reply: str, error: str, language: Language) -> tuple[Message, ...]:
    """The same request again, with the reply that could not be read and why."""
    said = _filled(_text(f"correction.{language}.md").strip(), {"error": error})
    return (*sent, Message("assistant", reply), Message("user", said))


def answering(question: str, passages: Sequence[str], refusal: str, language: Language) -> tuple[Message, ...]:
    """The request for an answer from passages alone."""
    fenced = "\n".join(f"<{fence(text)}>\n{text}\n</{fence(text)}>" for text in passages)
    return _messages("answer", language, {"passages": fenced, "question": question, "refusal": refusal})


def fence(text: str) -> str:
    """The name of the tag around a text."""
    return "text-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def _messages(name: str, language: Language, values: Mapping[str, str]) -> tuple[Message, ...]:
    system, user = _text(f"{name}.{language}.md").split("\n---\n", 1)
    return Message("system", _filled(system.strip(), values)), Message("user", _filled(user.strip(), values))


@functools.cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced once: a text that holds `{question}` stays as it is."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
