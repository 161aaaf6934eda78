"""The fields a document states, one value each or several, with the chunk and the line that say so.

incubator : dinum                    one value
techno : ruby on rails, css          several, when the front matter holds a list
stats : true                         a yes or no
phases : name construction, start 2024-05-14 ; name acceleration, start 2025-01-20      records
| Port | Protocole | Usage |         a table of more than two columns: its cells
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finetune.generate.keys import folded, is_field
from finetune.generate.values import is_date, is_number, is_plain
from finetune.sheets import bare
from finetune.sources import SourceChunk, SourceDocument
from retrieval.facts import cells, clean_markup, facts, is_row, is_rule
from retrieval.text import fold

Shape = Literal["text", "number", "date", "bool", "list", "records"]

LONGEST_VALUE = 240
"""Characters of a value that is an answer; a longer one is a text."""
MOST_VALUES = 12
LONGEST_ITEM = 40
"""Characters of a value among several; longer ones are parts of a sentence."""
LONGEST_SAID = 8
"""Words of a value whose key has an article; a longer one goes on with a sentence."""
_SENTENCE = re.compile(r"(?:le|la|les|un|une|des|the|an?)\s|l['’]", re.IGNORECASE)
_PERSON = re.compile(r"[A-ZÀ-Þ][a-zà-ÿ-]+(?: [A-ZÀ-Þ][a-zà-ÿ'-]+)+")
_HEADING = re.compile(r"#{2,6}\s+(\S.*)")


@dataclass(frozen=True)
class Field:
    """One field of a document."""

    key: str
    """As the document writes it."""
    values: tuple[str, ...]
    shape: Shape
    chunk: SourceChunk
    quote: str
    """The line of the chunk that states it, word for word."""
    records: tuple[Mapping[str, str], ...] = ()

    @property
    def folded(self) -> str:
        """The key as it is compared between documents."""
        return folded(self.key)

    @property
    def value(self) -> str:
        return ", ".join(self.values)


@dataclass(frozen=True)
class Cell:
    """One cell of a table with more than two columns: what `column` is for `row`."""

    row: str
    column: str
    value: str
    first: str
    """Header of the first column."""
    chunk: SourceChunk
    quote: str


def fields(document: SourceDocument) -> list[Field]:
    """The fields a person may ask about, each key once (a key with two values is not asked about)."""
    found: dict[str, Field] = {}
    twice: set[str] = set()
    for chunk in document.chunks:
        lines = [(line, clean_markup(line)) for line in chunk.text.split("\n") if ":" in line or "|" in line]
        for key, value in facts(chunk.text):
            field = _field(document, chunk, lines, key, value)
            if field is None:
                continue
            twice |= {field.folded} if field.folded in found and found[field.folded].values != field.values else set()
            found.setdefault(field.folded, field)
    return [field for name, field in found.items() if name not in twice]


def _field(
    document: SourceDocument, chunk: SourceChunk, lines: Sequence[tuple[str, str]], key: str, value: str
) -> Field | None:
    raw = document.metadata.get(key)
    if not is_field(folded(key)):
        return None
    quote = next((line.strip() for line, bare in lines if key in bare and value and value in bare), "")
    if _SENTENCE.match(key) and len(value.split()) > LONGEST_SAID:
        return None  # "Les équipes de soins : les professionnels peuvent échanger…"
    if _PERSON.fullmatch(key) and value[:1].islower() and len(value.split()) > 2:
        return None  # "Carla Ruiz: update the status page"
    # A list below its key, or a row of several cells, does not stand in one line; they are read elsewhere.
    if not quote or _is_of_a_part(chunk, quote) or len(value) > LONGEST_VALUE or fold(value) == fold(document.title):
        return None
    if isinstance(raw, list) and raw and all(isinstance(item, Mapping) for item in raw):
        return _records(key, raw, value, chunk, quote)
    if isinstance(raw, list) and all(isinstance(item, str | int | float) for item in raw):
        values = tuple(" ".join(str(item).split()) for item in raw if str(item).strip())
        usable = 0 < len(values) <= MOST_VALUES and all(is_plain(item) and item in quote for item in values)
        return Field(key, values, "list" if len(values) > 1 else "text", chunk, quote) if usable else None
    if isinstance(raw, Mapping) or not is_plain(value):
        return None
    items = listed(folded(key), value)
    return Field(key, items, "list" if len(items) > 1 else _shape(value), chunk, quote)


def _is_of_a_part(chunk: SourceChunk, quote: str) -> bool:
    """Whether a line stands under a heading as `Version 2.1` or `Réunion du 9 avril`: it is true of that and not of the whole."""
    before = chunk.text.partition(quote)[0].split("\n")
    over = [match[1] for line in before if (match := _HEADING.match(line))] or chunk.headings[1:][-1:]
    is_thing = bool(over) and before[0].lstrip("# ") == over[-1]
    return bool(over) and not is_thing and re.search(r"\d", bare(over[-1])) is not None


def listed(key: str, value: str) -> tuple[str, ...]:
    """The values of a key in the plural, `Technologies : PHP, MariaDB`; a value in one piece where that is not sure."""
    items = tuple(item.strip().rstrip(".") for item in re.split(r"\s*[,;]\s+", value))
    last = re.split(r"\s(?:et|and)\s", items[-1])
    plural = re.match(r"\w+(?:s|[ae]ux)\b", key) is not None and len(key.split()) < 4
    usable = 1 < len(items) <= MOST_VALUES and all(
        item and len(item) <= LONGEST_ITEM and is_plain(item) for item in items
    )
    return items if plural and usable and len(last) == 1 and len(set(items)) == len(items) else (value,)


def _shape(value: str) -> Shape:
    if value.lower() in ("true", "false"):
        return "bool"
    if is_date(value):
        return "date"
    return "number" if is_number(value) else "text"


def _records(key: str, raw: Sequence[Any], value: str, chunk: SourceChunk, quote: str) -> Field | None:
    """A list of records that each have a name and dates; others are data, not answers."""
    records = tuple({str(k): " ".join(str(v).split()) for k, v in item.items()} for item in raw)
    names = tuple(record.get("name", record.get("nom", "")) for record in records)
    flat = all(not isinstance(v, list | Mapping) for item in raw for v in item.values())
    if not flat or not all(names) or len(set(names)) != len(names) or len(names) > MOST_VALUES:
        return None
    return Field(key, names, "records", chunk, quote, records)


def table_cells(document: SourceDocument) -> Iterator[Cell]:
    """Cells of tables with more than two columns whose first column names the rows."""
    for chunk in document.chunks:
        lines = chunk.text.split("\n")
        for i, line in enumerate(lines[:-2]):
            if is_row(line) and is_rule(lines[i + 1]):
                yield from _cells(chunk, lines, i)


def _cells(chunk: SourceChunk, lines: Sequence[str], start: int) -> Iterator[Cell]:
    header = cells(lines[start])
    rows = []
    for line in lines[start + 2 :]:
        if not is_row(line):
            break
        rows.append((line.strip(), cells(line)))
    names = [row[0] for _, row in rows if row]
    if len(header) < 3 or not all(header) or len(set(names)) != len(names):
        return
    for quote, row in rows:
        for column, value in zip(header[1:], row[1:], strict=False):
            if row[0] and is_plain(row[0]) and is_plain(value) and len(value) <= LONGEST_VALUE and len(row[0]) <= 80:
                yield Cell(row[0], column, value, header[0], chunk, quote)
