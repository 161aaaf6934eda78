"""JSON: DYAG chunks, BEIR corpora, any records with a text, and any other data as `Key : value` lines.

{"id": "chunk_383", "content": "GIDAF est hébergé par…", "metadata": {"title": "GIDAF"}}     kept whole
{"_id": "42", "title": "Aix", "text": "Aix est une commune…"}                               a document
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from retrieval.errors import ParseFailed
from retrieval.load.encoding import decode
from retrieval.load.lines import Line, lines
from retrieval.load.make import TooMuch, document, field_lines, plain, readable
from retrieval.load.text import field_title
from retrieval.load.values import Problem, Source
from retrieval.types import Document

TEXT_KEYS = ("text", "content", "body")
_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class BadRecord(ValueError):
    """A record that cannot become a document."""


def json_lines(source: Source) -> Iterator[Document | Problem]:
    """Each line is a record; a bad one is a problem and the next are read."""
    for line in lines(source):
        if line.text.strip() or line.too_long:
            yield _read_line(line, source)


def _read_line(line: Line, source: Source) -> Document | Problem:
    try:
        if line.too_long:
            raise BadRecord(f"{line.too_long} long (the limit is {source.limits.line_mb} MB)")
        return record(_parse(line.text.strip()))
    except (BadRecord, TooMuch) as error:
        return Problem(f"line {line.number}: {error}", line.number)


def json_file(source: Source) -> Iterator[Document | Problem]:
    """An array gives a document for each item, an object of `chunks` likewise, any other object is one document."""
    try:
        value = _parse(decode(source.read()))
        if isinstance(value, dict) and isinstance(value.get("chunks"), list):
            value = value["chunks"]
        if isinstance(value, dict):
            yield _fields(value, readable(source.path))
            return
    except (BadRecord, TooMuch) as error:
        raise ParseFailed(str(error)) from error
    if not isinstance(value, list):
        raise ParseFailed(f"{_name(value)}, not an object or a list")
    for number, item in enumerate(value, 1):
        try:
            yield _item(item)
        except (BadRecord, TooMuch) as error:
            yield Problem(f"item {number}: {error}")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise BadRecord(f"not valid JSON ({error.msg}, {where})") from error
    except RecursionError as error:
        raise BadRecord("nested too deeply") from error
    except ValueError as error:  # a number of more than 4,300 digits
        raise BadRecord(f"not valid JSON ({error})") from error


def _item(value: Any) -> Document:
    """An item of an array: a record when it has a text, else its fields."""
    if isinstance(value, dict) and not any(isinstance(value.get(key), str) for key in TEXT_KEYS):
        return _fields(value)
    return record(value)


def _fields(value: dict[str, Any], title: str = "") -> Document:
    fields = plain(value)
    body = field_lines(fields.items())
    if not body:
        raise BadRecord("no text in it")
    named = field_title(fields) or title or body.partition("\n")[0].partition(" : ")[2]
    return document(body, named[:200], _id(fields))


def record(value: Any) -> Document:
    """The document a JSON object stands for; BadRecord says why it stands for none."""
    if not isinstance(value, dict):
        raise BadRecord(f"{_name(value)}, not an object")
    text, metadata = _text(value), value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    chunk = "_id" not in value and _id(value) != ""
    title = _title(value) or _title(metadata)
    return document(text, title, _id(value), metadata, atomic=chunk)


def _text(value: dict[str, Any]) -> str:
    key = next((key for key in TEXT_KEYS if isinstance(value.get(key), str)), None)
    key = key or next((key for key in TEXT_KEYS if key in value), None)
    if key is None:
        what = "a training row (`messages`): " if "messages" in value else ""
        raise BadRecord(f"{what}no `text` or `content`")
    if not isinstance(value[key], str):
        raise BadRecord(f"`{key}` is {_name(value[key])}, not a string")
    if not value[key].strip():
        raise BadRecord(f"`{key}` is empty")
    return str(value[key])


def _title(fields: dict[str, Any]) -> str:
    title = field_title(fields) or fields.get("source_title")
    return title if isinstance(title, str) else ""


def _id(value: dict[str, Any]) -> str:
    found = value.get("_id", value.get("id"))
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _name(value: Any) -> str:
    return _NAMES.get(type(value), "a number")
