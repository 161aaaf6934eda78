"""`dyag search`, `dyag ask`, `dyag source`: questions, and the chunks behind the answers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.batch import BatchLine, batch_lines
from assistant.command import BadUsage, Completes, command
from retrieval.errors import BadInput, NotFound
from retrieval.types import INTERRUPTED

if TYPE_CHECKING:
    from assistant.answer import Events
    from assistant.app import App
    from retrieval.types import Answer, Passage

TOP_K = typer.Option("--top-k", "-k", min=1, max=200, help="How many passages; default: search.top_k.")
FILTER = typer.Option("--filter", "-f", help="Only documents whose metadata says so, as key=value; repeatable.")
LANGUAGE = typer.Option("--language", help="The question's language; default: detected.")
MODE = typer.Option("--mode", help="What answers, this time; default answer.mode.")
BATCH = typer.Option("--batch", help="Questions, one a line or JSONL with `text` or `question`; - for standard input.")


@dataclass(frozen=True)
class PassageView:
    """A passage as users see it."""

    chunk_id: int
    document: str
    external_id: str
    title: str
    text: str
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True)
class SearchResult:
    """The passages found for a question."""

    query: str
    passages: tuple[PassageView, ...]
    id: str = ""
    """The question's own id in a batch."""

    @property
    def exit_code(self) -> int:
        return 0 if self.passages else 3


@dataclass(frozen=True)
class CitationView:
    """A cited chunk and whether it supports what cites it."""

    chunk_id: int
    document: str
    external_id: str
    supported: bool


@dataclass(frozen=True)
class AskResult:
    """An answer with its citations and the passages it rests on."""

    question: str
    answer: str
    refused: bool
    citations: tuple[CitationView, ...]
    passages: tuple[PassageView, ...]
    mode: str
    generator: str
    seconds: float
    confidence: float
    id: str = ""
    """The question's own id in a batch."""
    searched: str = ""
    """A follow-up, as the question of its own that was searched for."""
    dropped: str = ""
    """What did not fit into the model's context."""
    partial: str = ""
    """Why the answer was broken off."""
    interaction: int | None = None
    """Its number in the journal."""

    @property
    def exit_code(self) -> int:
        if self.partial:
            return 130 if self.partial == INTERRUPTED else 1
        return 3 if self.refused else 0


@dataclass(frozen=True)
class SourceResult:
    """A chunk, where it is from, and its neighbours in the document."""

    chunk_id: int
    document: str
    external_id: str
    title: str
    headings: tuple[str, ...]
    position: int
    text: str
    deleted: bool
    """No longer in its document; kept because answers may cite it."""
    metadata: Mapping[str, Any]
    before: str
    after: str
    before_id: int | None
    after_id: int | None


@command(
    examples=(
        'dyag search "port de PostgreSQL"',
        "dyag search licence --filter language=fr --top-k 3",
        "dyag search --batch questions.txt --json",
    )
)
def search(
    app: App,
    query: Annotated[str, typer.Argument(help="What to look for; - reads standard input.")] = "",
    top_k: Annotated[int | None, TOP_K] = None,
    filter: Annotated[list[str] | None, FILTER] = None,
    language: Annotated[Literal["auto", "fr", "en"] | None, LANGUAGE] = None,
    batch: Annotated[str, BATCH] = "",
) -> SearchResult | Iterator[BatchLine]:
    """Show the passages found for a question, with their dense, lexical and fused scores.

    Exit code 3 says that nothing was found. With --batch, one JSON object a line, with --json or without. A line that
    cannot be used gives one with `error`, `hint` and its number as `line`; the others are searched, and the exit code
    is 1.
    """
    filters = parse_filters(filter)

    def one(text: str, own_id: str = "") -> SearchResult:
        found = app.searcher.search(
            text, top_k or app.settings.search.top_k, language=app.language(language), filters=filters
        )
        return SearchResult(found.question, tuple(map(passage_view, found.passages)), own_id)

    if batch:
        return batch_lines(batch, query, one)
    return one(_given(query))


@command(
    examples=(
        'dyag ask "Quelle est la licence de Gitea ?"',
        "echo 'Who created NATS?' | dyag ask -",
        'dyag ask --mode hybrid "Quel port écoute PostgreSQL ?"',
        "dyag ask --batch questions.jsonl --json > answers.jsonl",
    )
)
def ask(
    app: App,
    question: Annotated[str, typer.Argument(help="The question; - reads standard input.")] = "",
    top_k: Annotated[int | None, TOP_K] = None,
    filter: Annotated[list[str] | None, FILTER] = None,
    language: Annotated[Literal["auto", "fr", "en"] | None, LANGUAGE] = None,
    mode: Annotated[Literal["rag", "finetuned", "hybrid"] | None, MODE] = None,
    batch: Annotated[str, BATCH] = "",
    as_json: bool = False,
) -> AskResult | Iterator[BatchLine] | int:
    """Answer a question from the indexed documents, with checked citations.

    Exit code 3 says that no answer was found. With --batch, one JSON object a line, with --json or without. A line that
    cannot be used gives one with `error`, `hint` and its number as `line`; the others are answered, and the exit code
    is 1. Without such a line it is 0 when at least one question was answered.
    """
    from assistant.present import finished, present

    filters = parse_filters(filter)
    answerer = app.answerer_in(mode) if mode else app.answerer

    def events(text: str) -> Events:
        return answerer.answer(
            text, top_k or app.settings.search.top_k, language=app.language(language), filters=filters
        )

    if batch:
        return batch_lines(batch, question, lambda text, own_id: ask_view(finished(events(text)), own_id))
    if as_json:
        return ask_view(finished(events(_given(question))))
    return ask_view(present(events(_given(question)), app.screen)).exit_code


@command(examples=("dyag source 383", "dyag source chunk_383"))
def source(
    app: App,
    chunk: Annotated[
        str, typer.Argument(help="A chunk id (383, chunk_383), or a document's own id."), Completes("chunk")
    ],
) -> SourceResult:
    """Show a cited chunk: its text, where it is from, and what stands around it."""
    if not chunk.strip():
        raise BadInput("The chunk id is empty.", "Chunk ids are shown by `dyag search` and in every answer.")
    library = app.library
    match = re.fullmatch(r"\[?(?:chunk[_ ]?)?(\d{1,18})\]?", chunk.strip(), re.IGNORECASE)
    found = library.chunks([int(match[1])]) if match else {}
    if not found:
        own = library.chunk_by_external_id(chunk.strip())
        own = own or (library.chunk_by_external_id(f"chunk_{match[1]}") if match else None)
        found = library.chunks([own]) if own else {}
    if not found:
        raise NotFound(f"There is no chunk {chunk}.", "Chunk ids are shown by `dyag search` and in every answer.")
    (this,) = found.values()
    origin = library.origins([this.document_id])[this.document_id]
    row = library.document_chunks(this.document_id)
    before = next((c for c in reversed(row) if c.position < this.position), None)
    after = next((c for c in row if c.position > this.position), None)
    return SourceResult(
        this.id,
        origin.path,
        origin.external_id,
        this.title,
        this.headings,
        this.position,
        this.text,
        this.deleted,
        origin.metadata,
        before.text if before else "",
        after.text if after else "",
        before.id if before else None,
        after.id if after else None,
    )


def passage_view(passage: Passage) -> PassageView:
    names = ("chunk_id", "document", "external_id", "title", "text", "score", "dense", "lexical")
    return PassageView(**{name: getattr(passage, name) for name in names})


def ask_view(answer: Answer, own_id: str = "", interaction: int | None = None) -> AskResult:
    return AskResult(
        answer.question,
        answer.answer,
        answer.refused,
        tuple(CitationView(c.chunk_id, c.document, c.external_id, c.supported) for c in answer.citations),
        tuple(map(passage_view, answer.passages)),
        answer.mode,
        answer.generator,
        answer.seconds,
        answer.confidence,
        own_id,
        answer.searched,
        answer.dropped,
        answer.partial,
        interaction,
    )


def parse_filters(given: list[str] | None) -> dict[str, str]:
    """`key=value` pairs. Raises BadUsage for anything else."""
    pairs = {}
    for text in given or []:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise BadUsage(f"--filter {text}: not of the form key=value.", "For instance --filter language=fr.")
        pairs[key.strip()] = value.strip()
    return pairs


def _given(question: str) -> str:
    if question != "-":
        return question
    return sys.stdin.buffer.read(1_000_000).decode("utf-8", "replace")
