"""A file of rows with what a person decided: rejected rows gone, edits made, every other row as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from finetune.formats.array import items
from finetune.formats.lines import lines
from finetune.formats.parse import parse
from finetune.formats.problems import Problem
from finetune.formats.read import numbered, read_rows
from finetune.formats.repair import repaired
from finetune.formats.row import Row
from finetune.formats.table import cells, header_of
from finetune.formats.targets import SAME, Made, written
from finetune.formats.write import save
from finetune.review import Decision, Decisions, edited, hash_of
from retrieval.errors import BadInput
from retrieval.files import disk_errors


@dataclass(frozen=True)
class Applied:
    """What was written."""

    output: Path
    rows: int
    """Rows in it."""
    removed: int
    changed: int
    original: Path | None
    """Where the file lies as it was; None when it was not replaced."""


def apply(file: Path, decisions: Decisions, output: Path | None) -> Applied:
    """Write the reviewed file, whole or not at all; without `output` in place of the file, which is kept beside it.

    Raises BadInput for a file with an error in it or with no row left, NoAccess, NoSpace.
    """
    found = {row.line: (row, decisions.of(row)) for row in read_rows(file)}
    removed = sum(made is not None and made.decision == "rejected" for _, made in found.values())
    changed = sum(_changes(row, made) for row, made in found.values())
    if removed == len(found):
        raise BadInput(f"Every row of {file} is rejected; nothing was written.", "Such a file is better made again.")
    target = output or file
    original = _keep(file) if removed + changed and target.resolve() == file.resolve() else None
    return Applied(target, save(target, _objects(file, found)), removed, changed, original)


def _changes(row: Row, made: Decision | None) -> bool:
    return made is not None and made.decision == "edited" and made.hash == hash_of(row)


def _keep(file: Path) -> Path:
    """A copy beside the file, under a name that is free: `X_train.before-review.jsonl`."""
    names = (f"{file.stem}.before-review{'' if n == 1 else f'-{n}'}{file.suffix}" for n in count(1))
    copy = next(path for name in names if not (path := file.with_name(name)).exists())
    with disk_errors(copy):
        part = copy.with_name(f"{copy.name}.part")
        shutil.copy2(file, part)
        part.rename(copy)
    return copy


def _objects(file: Path, found: Mapping[int, tuple[Row, Decision | None]]) -> Iterator[Made]:
    for place, value in _values(file):
        if place not in found:
            raise BadInput(f"{file} was changed while it was read; nothing was written.", "Run the command again.")
        row, made = found[place]
        if _changes(row, made) and made is not None:
            yield with_edits(value, row, edited(row, made.edits or {}))
        elif made is None or made.decision != "rejected":
            yield value


def _values(file: Path) -> Iterator[tuple[int, Made]]:
    """The objects of a file without errors, and their places."""
    if numbered(file) == "item":
        for item in items(file):
            if not isinstance(item, Problem):
                yield item.number, _json(item.text)
        return
    said = (line for line in lines(file) if line.text.strip())
    first = next(said)
    if first.text.lstrip().startswith("{"):
        yield first.number, _json(first.text)
        yield from ((line.number, _json(line.text)) for line in said)
        return
    columns = [name for name in header_of(first.text)[0] if name]
    every = lines(file)
    for row in cells(next(line for line in every if line.text.strip()), every):
        if not isinstance(row, Problem):
            yield row.line, {name: row.value.get(name, "") for name in columns}


def _json(text: str) -> Made:
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = repaired(text)
    return dict(value)


def with_edits(value: Made, old: Row, new: Row) -> Made:
    """The object of a row with other texts: in its own keys where they stand as such, else as the format is written."""
    changes = {before: after for before, after in zip(old.texts(), new.texts(), strict=True) if before != after}
    made = {key: part if key == "metadata" else _replaced(part, changes) for key, part in deepcopy(value).items()}
    if isinstance(made.get("metadata"), dict):
        known = {key: new.metadata[key] for key in ("answers", "edited") if key in new.metadata}
        made["metadata"] = {**made["metadata"], **known}
    read = parse(made, new.line)
    if isinstance(read, Row) and hash_of(read) == hash_of(new):
        return made
    return next(written(new, SAME[new.format]), made)


def _replaced(part: Any, changes: Mapping[str, str]) -> Any:
    """Every text that is one of these, wherever it stands, as it is to be."""
    if isinstance(part, str):
        return changes.get(part, part)
    if isinstance(part, list):
        return [_replaced(item, changes) for item in part]
    return {key: _replaced(item, changes) for key, item in part.items()} if isinstance(part, dict) else part
