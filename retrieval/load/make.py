"""Make documents whose parts are plain: JSON types, no NUL, no lone surrogate, within bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from retrieval.types import Document

_DEEPEST = 50
_LARGEST = 100_000  # values in one metadata; a YAML bomb has billions


class TooMuch(ValueError):
    """Data nested too deeply or far too large."""


def document(
    text: str, title: str = "", external_id: str = "", metadata: Mapping[str, Any] | None = None,
    *, fields_in_text: bool = False, atomic: bool = False,
) -> Document:  # fmt: skip
    """A Document with clean text; TooMuch when the metadata is a bomb."""
    fields = plain(metadata or {})
    return Document(
        clean(text), " ".join(clean(title).split()), clean(external_id).strip(), fields,
        fields_in_text=fields_in_text, atomic=atomic,
    )  # fmt: skip


def clean(text: str) -> str:
    """Without NULs and lone surrogates, which no database or tokenizer takes."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text


def plain(value: Any) -> Any:
    """`value` in JSON types, dates as ISO text; TooMuch when it is nested too deeply or too large."""
    return _plain(value, _DEEPEST, [_LARGEST])


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth < 0:
        raise TooMuch("nested too deeply")
    if left[0] < 0:
        raise TooMuch(f"more than {_LARGEST} values")
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None  # infinities and NaN are not JSON
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(item, depth - 1, left) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1, left) for item in value]
    return clean(str(value))


def field_lines(fields: Iterable[tuple[str, Any]]) -> str:
    """`Key : value` lines; nested data is flattened with dots, empty values are left out."""
    return "\n".join(line for key, value in fields for line in _lines(key, value))


def _lines(key: str, value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _lines(f"{key}.{name}" if key else str(name), item)
    elif isinstance(value, list) and any(isinstance(item, list | Mapping) for item in value):
        for number, item in enumerate(value, 1):
            yield from _lines(f"{key}.{number}" if key else str(number), item)
    elif shown := _shown(value):
        yield f"{key} : {shown}" if key else shown


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(filter(None, map(_shown, value)))
    return " ".join(str(value).split())


def readable(path: Path) -> str:
    """A title out of a file name: `mon-fichier_v2.md` is "mon fichier v2", `INV-001.pdf` keeps its hyphen."""
    stem = path.stem.replace("_", " ")
    return re.sub(r"(?<=[^\W\d_A-Z])-(?=[^\W\d_A-Z])", " ", stem).strip() or path.name
