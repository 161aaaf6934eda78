"""Many questions from a file: one JSON object a line, whatever becomes of the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.command import BadUsage
from retrieval.errors import BadInput, BadQuestion, NotFound

if TYPE_CHECKING:
    from assistant.commands.ask import AskResult, SearchResult


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


def batch_lines(name: str, question: str, one: Callable[[str, str], AskResult | SearchResult]) -> Iterator[BatchLine]:
    """Answer every question of a file; a line that cannot be used is reported in its place and the rest goes on."""
    if question:
        raise BadUsage("Give either a question or --batch, not both.", "dyag ask --batch FILE")
    number = 0
    for number, line in _lines_of(name):
        yield BatchLine(_line_result(number, line, one))
    if not number:
        raise BadInput(f"{_shown(name)} holds no question.", "Give one question a line, or JSONL with `text`.")


def _line_result(
    number: int, line: str, one: Callable[[str, str], AskResult | SearchResult]
) -> AskResult | SearchResult | BatchFailure:
    own_id, text = "", line
    try:
        record = _record(line)
        own_id = str(next((record[k] for k in ("_id", "id") if record.get(k) is not None), ""))
        text = _question_of(record)
        return one(text, own_id)
    except BadQuestion as error:
        return BatchFailure(text[:200], error.message, error.hint, number, own_id)


def _lines_of(name: str) -> Iterator[tuple[int, str]]:
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
