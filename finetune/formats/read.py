"""Training files as users have them, one row at a time: JSON lines, a JSON list, CSV; the format is told by the content."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from finetune.formats.array import Item, items
from finetune.formats.lines import lines, opened
from finetune.formats.parse import parse
from finetune.formats.problems import Fault, Problem
from finetune.formats.repair import repaired
from finetune.formats.row import Row
from finetune.formats.table import cells, header_of
from retrieval.errors import BadInput

EMPTY = Fault("the file is empty", "", "Write rows into it, one JSON object a line.")
SPREAD = Fault(
    "an object over several lines",
    "",
    "In JSONL a whole object stands on one line (`jq -c . FILE` writes it so); or put [ and ] around the objects and commas between.",
)
REPAIRED = Fault(
    "quotes not escaped",
    "read as it was meant",
    "It is not valid JSON: `dyag dataset convert FILE --to alpaca --output F` writes it right.",
    "warning",
)
Unit = Literal["line", "item"]
_STRANGE = (
    "A training file is JSONL (one object a line), a JSON list, or CSV with a `text` column or a pair of columns."
)
_START = 1 << 16
_HEAD = 20
"""Lines looked at to tell what a file is."""


class BadRows(BadInput):
    """A training file with something wrong in it."""


def read(path: Path) -> Iterator[Row | Problem]:
    """Every row and every problem of a file, in order. Raises NotFound, BadInput."""
    if numbered(path) == "item":
        for item in items(path):
            yield from [item] if isinstance(item, Problem) else _from_json(item)
        return
    said = (line for line in lines(path) if line.text.strip() or line.fault)
    head = list(islice(said, _HEAD))
    if not head:
        yield Problem(0, EMPTY)
    elif head[0].text.strip() == "{":
        yield Problem(head[0].number, SPREAD)
    elif not head[0].text.lstrip().startswith("{") and header_of(head[0].text)[0]:
        yield from _table(path)
    elif any(line.fault or _like_json(line.text) for line in head):
        for line in chain(head, said):
            text = line.text.strip()
            yield from (
                [Problem(line.number, line.fault)] if line.fault else _from_json(Item(line.number, line.number, text))
            )
    else:
        yield Problem(head[0].number, Fault("no training rows", head[0].text[:40], _STRANGE))


def numbered(path: Path) -> Unit:
    """What the rows of a file are numbered by: its lines, or the items of its list. Raises NotFound, BadInput."""
    with opened(path) as file:
        start = file.read(_START).removeprefix(codecs.BOM_UTF8).lstrip()
    return "item" if start.startswith(b"[") else "line"


def good_rows(path: Path, bad: Callable[[Problem], None]) -> Iterator[Row]:
    """The rows of a file that can be read; `bad` hears of the errors. Raises NotFound, BadInput."""
    for found in read(path):
        if isinstance(found, Row):
            yield found
        elif found.fault.severity == "error":
            bad(found)


def read_rows(path: Path, warn: Callable[[Problem], None] = lambda problem: None) -> Iterator[Row]:
    """The rows of a file that must be right; `warn` hears what can be lived with.

    Raises BadRows at the first error, NotFound, BadInput.
    """
    count = 0
    for found in read(path):
        if isinstance(found, Row):
            count += 1
            yield found
        elif found.fault.severity == "error":
            place = f", {numbered(path)} {found.line}" if found.line else ""
            message = f"{path}{place}: {found.fault}."
            raise BadRows(message, f"{found.fault.fix} `dyag dataset validate {path}` lists every error.".lstrip())
        else:
            warn(found)
    if not count:
        raise BadRows(f"{path} holds no rows.", EMPTY.fix)


def _table(path: Path) -> Iterator[Row | Problem]:
    """The rows of a CSV file; blank lines count, they may stand within a cell."""
    found = lines(path)
    header = next(line for line in found if line.text.strip())
    for row in cells(header, found):
        yield from [row] if isinstance(row, Problem) else _from_value(row.value, row.line)


def _from_json(item: Item) -> Iterator[Row | Problem]:
    value = _value(item.text, item.line if item.line != item.number else 0)
    if isinstance(value, Fault):
        if (meant := repaired(item.text)) is None:
            yield Problem(item.number, value)
            return
        yield Problem(item.number, REPAIRED)
        value = meant
    yield from _from_value(value, item.number)


def _from_value(value: Any, number: int) -> Iterator[Row | Problem]:
    row = parse(value, number)
    yield from [row] if isinstance(row, Row) else (Problem(number, fault) for fault in row)


def _value(text: str, line: int = 0) -> Any:
    """The JSON of a text, or what is wrong with it; `line` is where it begins, when that is worth saying."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, " if line else ""
        return Fault("not valid JSON", f"{error.msg}, {where}column {error.colno}", _json_fix(text))
    except (RecursionError, ValueError) as error:  # nested too deeply, a number of thousands of digits
        return Fault("not valid JSON", str(error)[:80], "A row holds texts and lists of messages: simplify it.")


def _json_fix(text: str) -> str:
    if text.endswith("},"):
        return "In JSONL no comma follows a row: take it away."
    if text.endswith(("{", "[", ",")):
        return SPREAD.fix
    if re.match(r"\{\s*'", text):
        return "JSON wants double quotes around names and texts: write rows with `json.dumps`."
    return "Correct it there; `json.dumps(row, ensure_ascii=False)` writes rows right."


def _like_json(text: str) -> bool:
    """Whether a line is, or was to be, a JSON object, or a value of another kind that is no header either."""
    return text.lstrip().startswith("{") or not isinstance(_value(text), Fault)
