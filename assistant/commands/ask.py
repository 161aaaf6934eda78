"""`dyag search`, `dyag ask`, `dyag source`: questions, and the chunks behind the answers."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import BadUsage, command
from retrieval.errors import BadInput, BadQuestion, NotFound

if TYPE_CHECKING:
    from assistant.app import App

TOP_K = typer.Option("--top-k", "-k", min=1, max=200, help="How many passages; default: search.top_k.")
FILTER = typer.Option("--filter", "-f", help="Only documents whose metadata says so, as key=value; repeatable.")
LANGUAGE = typer.Option("--language", help="The question's language; default: detected.")
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

    @property
    def exit_code(self) -> int:
        return 3 if self.refused else 0


@dataclass(frozen=True)
class BatchFailure:
    """A line of a batch, or of a chat that is piped, that could not be answered."""

    question: str
    error: str
    hint: str
    line: int
    id: str = ""
    exit_code = 1


@dataclass(frozen=True)
class BatchLine:
    """One result of a batch: a JSON object a line, with or without --json."""

    result: AskResult | SearchResult | BatchFailure

    @property
    def exit_code(self) -> int:
        return self.result.exit_code


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
) -> SearchResult | Iterator[Any]:
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
        return _batch(batch, query, one)
    return one(_given(query))


@command(
    examples=(
        'dyag ask "Quelle est la licence de Gitea ?"',
        "echo 'Who created NATS?' | dyag ask -",
        "dyag ask --batch questions.jsonl --json > answers.jsonl",
    )
)
def ask(
    app: App,
    question: Annotated[str, typer.Argument(help="The question; - reads standard input.")] = "",
    top_k: Annotated[int | None, TOP_K] = None,
    filter: Annotated[list[str] | None, FILTER] = None,
    language: Annotated[Literal["auto", "fr", "en"] | None, LANGUAGE] = None,
    batch: Annotated[str, BATCH] = "",
) -> AskResult | Iterator[Any]:
    """Answer a question from the indexed documents, with checked citations.

    Exit code 3 says that no answer was found. With --batch, one JSON object a line, with --json or without. A line that
    cannot be used gives one with `error`, `hint` and its number as `line`; the others are answered, and the exit code
    is 1. Without such a line it is 0 when at least one question was answered.
    """
    filters = parse_filters(filter)

    def one(text: str, own_id: str = "") -> AskResult:
        from assistant.answer import Done

        events = app.answerer.answer(
            text, top_k or app.settings.search.top_k, language=app.language(language), filters=filters
        )
        return next(ask_view(event.answer, own_id) for event in events if isinstance(event, Done))

    if batch:
        return _batch(batch, question, one)
    return one(_given(question))


@command(examples=("dyag source 383", "dyag source chunk_383"))
def source(
    app: App, chunk: Annotated[str, typer.Argument(help="A chunk id (383, chunk_383), or a document's own id.")]
) -> SourceResult:
    """Show a cited chunk: its text, where it is from, and what stands around it."""
    if not chunk.strip():
        raise BadInput("The chunk id is empty.", "Chunk ids are shown by `dyag search` and in every answer.")
    library = app.library
    match = re.fullmatch(r"\[?(?:chunk[_ ]?)?(\d{1,18})\]?", chunk.strip(), re.IGNORECASE)
    found = library.chunks([int(match[1])]) if match else {}
    if not found:
        own = library.chunk_by_external_id(chunk.strip())
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


def passage_view(passage: Any) -> PassageView:
    names = ("chunk_id", "document", "external_id", "title", "text", "score", "dense", "lexical")
    return PassageView(**{name: getattr(passage, name) for name in names})


def ask_view(answer: Any, own_id: str = "") -> AskResult:
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


def _batch(name: str, question: str, one: Any) -> Iterator[BatchLine]:
    """Answer every question of a file; a line that cannot be used is reported in its place and the rest goes on."""
    if question:
        raise BadUsage("Give either a question or --batch, not both.", "dyag ask --batch FILE")
    number = 0
    for number, line in _batch_lines(name):
        yield BatchLine(_line_result(number, line, one))
    if not number:
        raise BadInput(f"{_shown(name)} holds no question.", "Give one question a line, or JSONL with `text`.")


def _line_result(number: int, line: str, one: Any) -> AskResult | SearchResult | BatchFailure:
    own_id, text = "", line
    try:
        record = _record(line)
        own_id = str(next((record[k] for k in ("_id", "id") if record.get(k) is not None), ""))
        text = _question_of(record)
        return one(text, own_id)  # type: ignore[no-any-return]
    except BadQuestion as error:
        return BatchFailure(text[:200], error.message, error.hint, number, own_id)


def _batch_lines(name: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their number."""
    try:
        file = sys.stdin.buffer if name == "-" else Path(name).expanduser().open("rb")
    except OSError as error:
        raise NotFound(f"{name} cannot be read: {error.strerror}.", "Give a file of questions, one a line.") from error
    with file:
        for number, raw in enumerate(file, 1):
            line = raw.decode("utf-8", "replace").removeprefix("\ufeff").strip()
            if line:
                yield number, line


def _shown(name: str) -> str:
    return "Standard input" if name == "-" else name


def _record(line: str) -> Mapping[str, Any]:
    """A JSON object as it is, a line of plain text as the `text` of one. Raises BadQuestion."""
    if not line.startswith("{"):
        return {"text": line}
    try:
        return json.loads(line)  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        raise BadQuestion(f"The line is not valid JSON ({error}).", "Mend that line and run it again.") from None


def _question_of(record: Mapping[str, Any]) -> str:
    text = next((record[k] for k in ("text", "question") if isinstance(record.get(k), str)), None)
    if text is None:
        raise BadQuestion("The line has no `text` or `question`.", "Each line needs one of the two, as a text.")
    return str(text)
