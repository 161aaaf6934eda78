"""JSON and JSON Lines, read so that one broken line loses nothing but itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from eval.read_rows import BadRow
from retrieval.errors import BadInput

FORMATS = (
    "Cases are JSON Lines or a JSON array with `question` and `expected_answer` (or `messages`), a SQuAD 2 file, "
    "or a folder with queries.jsonl and qrels/*.tsv."
)


def read_bytes(path: Path) -> bytes:
    """A text file as it is. Raises BadInput when it cannot be opened, is empty, or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", FORMATS) from error
    if not data.strip():
        raise BadInput(f"{path} is empty.", FORMATS)
    if b"\0" in data:
        raise BadInput(f"{path} is not a text file in UTF-8.", FORMATS)
    return data


def lines_of(data: bytes) -> Iterator[tuple[int, str | BadRow]]:
    """The lines that are not blank, with their numbers from 1; BadRow for one that is not UTF-8."""
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            if text := line.decode().strip():
                yield number, text
        except UnicodeDecodeError:
            yield number, BadRow("it is not UTF-8")


def rows_of_lines(data: bytes) -> Iterator[tuple[str, object]]:
    """Where each line stands, with its value, or the BadRow that says why it has none."""
    for number, line in lines_of(data):
        yield f"line {number}", line if isinstance(line, BadRow) else parsed(line)


def rows_of_array(rows: Iterable[object]) -> Iterator[tuple[str, object]]:
    """Where each item of an array stands, with its value."""
    for number, row in enumerate(rows, 1):
        yield f"item {number}", row


def parsed(text: str) -> object:
    """The value of a JSON text, NaN and infinities as null, or the BadRow that says why it has none."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text else ""  # of a single line, the caller knows the number
        return BadRow(f"not JSON ({error.msg}, {line}column {error.colno})")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets thousands deep
        return BadRow(f"it cannot be read as JSON ({error})")
