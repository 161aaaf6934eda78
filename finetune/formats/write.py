"""Rows written to a file: whole or not at all, private, as JSON lines, a JSON list or a table."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from finetune.formats.targets import Made
from retrieval.errors import BadInput
from retrieval.files import disk_errors

_BREAKS = {0x85: r"\u0085", 0x2028: r"\u2028", 0x2029: r"\u2029"}


def save(path: Path, rows: Iterable[Made]) -> int:
    """Write rows beside `path`, then rename: the file is whole or not there. Returns how many.

    The suffix says how: `.json` a list, `.csv` a table, any other one object a line. Raises BadInput, NoAccess, NoSpace.
    """
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file in it with --output.")
    count = 0
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _part_of(path) as file:
            for text in _texts(path.suffix.lower(), rows):
                file.write(text)
                count += 1
    return count


def _texts(suffix: str, rows: Iterable[Made]) -> Iterator[str]:
    """One text for each row; what stands around them goes with the first and the last."""
    if suffix == ".csv":
        yield from _table(rows)
    elif suffix == ".json":
        yield from _list(rows)
    else:
        yield from (_json(row) + "\n" for row in rows)


def _json(row: Made) -> str:
    """On one line, also to readers that break lines at more than newlines."""
    return json.dumps(row, ensure_ascii=False).translate(_BREAKS)


def _list(rows: Iterable[Made]) -> Iterator[str]:
    before, waiting = "[\n", None
    for row in rows:
        if waiting is not None:
            yield f"{before}{waiting}"
            before = ",\n"
        waiting = _json(row)
    if waiting is not None:
        yield f"{before}{waiting}\n]\n"


def _table(rows: Iterable[Made]) -> Iterator[str]:
    """Columns are the keys of the first row that hold texts; metadata finds no place in a table."""
    columns: Sequence[str] = ()
    for row in rows:
        if bad := [key for key, value in row.items() if key != "metadata" and not isinstance(value, str | bool)]:
            message = f"CSV holds texts only, and `{bad[0]}` is none."
            raise BadInput(message, "Write --output with .jsonl, or convert --to prompt-completion, alpaca or text.")
        names = [key for key in row if key != "metadata"]
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
        if not columns:
            columns = names
            writer.writerow(columns)
        if set(names) - set(columns):
            raise BadInput("Rows have different keys, which a table cannot hold.", "Write --output with .jsonl.")
        writer.writerow([row.get(name, "") for name in columns])
        yield buffer.getvalue()


@contextmanager
def _part_of(path: Path) -> Iterator[IO[str]]:
    """A file beside `path` that takes its place once all is written; private, since it holds what was said."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            "w",
            encoding="utf-8",
            errors="backslashreplace",
            newline="",
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
