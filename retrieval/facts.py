"""`Key : value` statements of a text: lines, front-matter fields and table rows.

Incubateur : dinum            -> ("Incubateur", "dinum")
- **License**: MIT            -> ("License", "MIT")
| Port web par défaut | 3000 |-> ("Port web par défaut", "3000")        two columns
| 9090 | TCP | interface web |-> ("Port", "9090 — Protocole : TCP …")   more columns, one fact a row
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_KEY = 60
MAX_VALUE = 600

# A key is short, starts with a letter and holds no sentence punctuation; the colon is followed by a space or the end,
# so that URLs, times and code (`key:value`) are not taken for facts.
_LINE = re.compile(
    r"^\s{0,8}(?:[-*+•]\s+)?(?:\*\*|__)?([^\W\d_][^:|.!?;\n]{0,59}?)(?:\*\*|__)?\s?:(?:\*\*|__)?(?:\s+(.+))?$"
)
# The bounds keep a run of brackets from costing its square.
_LINK = re.compile(r"\[([^\]]{0,300})\]\([^)]{0,1000}\)")
_BULLET = re.compile(r"^\s*[-*+•]\s+(.+)$")
# Nothing is given back (`++`), so that a line of spaces costs its length and not its square.
_RULE = re.compile(r"^\s*+\|?\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)*+\|?\s*+$")


def facts(text: str) -> Iterator[tuple[str, str]]:
    """Every (key, value) the text states, in order."""
    lines = text.split("\n")
    i = 0
    fenced = False
    while i < len(lines):
        line = lines[i]
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if fenced or len(line) > MAX_KEY + MAX_VALUE + 40:
            i += 1
        elif is_row(line) and i + 1 < len(lines) and _RULE.match(lines[i + 1]):
            end = i + 2
            while end < len(lines) and is_row(lines[end]):
                end += 1
            yield from _table(lines[i:end])
            i = end
        else:
            i += yield from _line(lines, i)


def _line(lines: list[str], i: int) -> Any:
    """The fact on line `i`, if any; returns how many lines it took (a bare key takes the bullets below it)."""
    match = _LINE.match(lines[i])
    if not match:
        return 1
    key, value = clean_markup(match[1]), match[2]
    if value:
        if len(key.split()) <= 7:
            yield key, clean_markup(value)[:MAX_VALUE]
        return 1
    items: list[str] = []
    end = i + 1
    while end < len(lines) and (bullet := _BULLET.match(lines[end])) and len(items) < 50:
        items.append(clean_markup(bullet[1]))
        end += 1
    if items and len(key.split()) <= 7 and len(", ".join(items)) <= MAX_VALUE:
        yield key, ", ".join(items)
        return end - i
    return 1


def is_row(line: str) -> bool:
    """Whether a line looks like a row of a Markdown table."""
    return line.count("|") >= 2 and line.lstrip().startswith("|")


def is_rule(line: str) -> bool:
    """Whether a line is the dashes under a Markdown table's header."""
    return bool(_RULE.match(line)) and "-" in line


def cells(row: str) -> list[str]:
    """Cells of a Markdown table row, without their markup."""
    return [clean_markup(c) for c in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _table(rows: list[str]) -> Iterator[tuple[str, str]]:
    header = cells(rows[0])
    for row in rows[2:]:
        values = cells(row)
        if len(values) == 2 and values[0] and values[1]:
            yield values[0][:MAX_KEY], values[1][:MAX_VALUE]
        elif len(values) > 2 and values[0]:
            rest = [f"{h} : {v}" if h else v for h, v in zip(header[1:], values[1:], strict=False) if v]
            yield values[0][:MAX_KEY], " ; ".join(rest)[:MAX_VALUE]


def clean_markup(text: str) -> str:
    """Text of a cell or line without emphasis, code ticks and link targets."""
    text = _LINK.sub(r"\1", text)
    return re.sub(r"\*\*|__|`", "", text).strip()


def field_lines(metadata: Mapping[str, Any]) -> str:
    """Front matter as `key : value` lines, one a field, nested values on their field's line."""
    lines = []
    for key, value in metadata.items():
        shown = _flat(value)
        if shown:
            lines.append(f"{key} : {shown}")
    return "\n".join(lines)


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in ((k, _flat(v)) for k, v in value.items()) if v)
    if isinstance(value, list | tuple):
        # A list of records reads "a (b, c) ; d (e)", a list of scalars "a, b, c".
        if any(isinstance(v, Mapping) for v in value):
            return " ; ".join(filter(None, map(_flat, value)))
        return ", ".join(filter(None, map(_flat, value)))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split())
