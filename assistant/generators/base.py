"""What a generator is given and what it yields."""

from __future__ import annotations

import collections.abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from retrieval.types import Fact, Language, Message, Passage

if TYPE_CHECKING:  # it loads numpy
    from retrieval.alignment import Alignment


class Knowledge(Protocol):
    """What the index knows beyond the passages; an extractive answer reads it, a language model does not."""

    def rarity(self, term: str, language: Language) -> float:
        """Inverse document frequency of an analysed term, 0 and up."""
        ...

    def facts_of(self, document_ids: Sequence[int]) -> list[Fact]:
        """Facts these documents state, in order."""
        ...

    def fact_keys(self) -> list[tuple[str, int]]:
        """Every key of the library, with the number of documents that state it."""
        ...

    def facts_with_keys(self, keys: Sequence[str]) -> list[Fact]:
        """Every fact of the library under these keys."""
        ...

    def opening(self, document_id: int) -> list[tuple[int, str]]:
        """(chunk id, text) of the chunks a document begins with."""
        ...

    def align(self, question: str, texts: Sequence[str]) -> list[Alignment]:
        """How well each part of each text answers to each token of the question."""
        ...


@dataclass(frozen=True)
class Turn:
    """An earlier question of the conversation and its answer."""

    question: str
    answer: str
    searched: str = ""
    """The question as one of its own, when it was a follow-up."""
    titles: tuple[str, ...] = ()
    """Titles of the documents that were cited, in order of the citations."""
    refused: bool = False
    """Whether it was refused: a later question does not lean on it."""


@dataclass(frozen=True)
class Request:
    """One question with the passages retrieved for it."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    max_words: int = 60
    named: tuple[int, ...] = ()
    """Documents that the question names by a title of their own: the answer is looked for there."""
    said: str = ""
    """The question as it was typed, when `question` is a rewritten follow-up."""
    history: tuple[Turn, ...] = ()
    """Earlier turns of the conversation, oldest first."""


@dataclass(frozen=True)
class Delta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class Evidence:
    """Chunks outside the passages that the answer rests on; they join the context before the text is checked."""

    chunk_ids: tuple[int, ...]


@dataclass(frozen=True)
class Sent:
    """What a model is sent, told before its answer begins."""

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    """Those that are in the messages."""
    dropped: str = ""
    """What did not fit, in words: "2 passages and 1 earlier turn"; empty when all did."""


@dataclass(frozen=True)
class Cut:
    """The answer was broken off here; what came before is kept."""

    reason: str
    hint: str = ""


Event = Delta | Evidence | Sent | Cut
Events = collections.abc.Generator[Event, None, None]


class Generator(Protocol):
    """Turns a request into text that cites `[chunk_N]`."""

    name: str
    takes_time: bool
    """Whether its first word takes so long that the refusal is decided meanwhile."""
    reason: str
    """Why `auto` chose it; empty when it was named."""

    def generate(self, request: Request) -> Events: ...

    def warm(self) -> None:
        """Load or reach what the first answer needs. Raises GeneratorFailed, ModelMissing."""
        ...


@dataclass(frozen=True)
class Options:
    """How a model answers."""

    temperature: float = 0.0
    max_tokens: int = 512
    timeout: float = 120.0
    """Seconds for one answer, every retry included."""
    seed: int | None = None
    stop: tuple[str, ...] = ()
    """Texts that end the answer; none of them is shown."""


class ChatModel(Protocol):
    """A language model behind one provider; knows nothing of documents."""

    name: str
    """As it is configured: `openai:gpt-4o-mini`."""

    def context(self) -> int:
        """Tokens it reads, prompt and answer together. Raises GeneratorFailed."""
        ...

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of these messages by its own tokenizer, or the nearest there is. Raises GeneratorFailed."""
        ...

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        """The answer as it comes; one attempt, no retries. Raises GeneratorFailed."""
        ...

    def close(self) -> None:
        """Break off a stream that another thread is reading, and free what it holds."""
        ...

    def twin(self) -> Self:
        """The same model for another answer at the same time: what is loaded is shared, what `close` breaks off is not."""
        ...
