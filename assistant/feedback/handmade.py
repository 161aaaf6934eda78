"""Files that dyag writes again and again and that a person may edit: what is theirs stays.

dyag knows its own lines by their id, `a3f19c0d2b77-5e1d9a0c44f2`: what the line is about, then its content. A line
without such an id was added by a person; one whose content is another than its id says was edited. Both are kept as they
are, an edited line in place of the one that would be written now, also when there is none any more. All other lines are
replaced; one that was deleted comes back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.sanitize import escape_json
from retrieval.errors import BadInput
from retrieval.files import disk_errors, private_folder, write_private

_ID = re.compile(r"([0-9a-f]{12})-([0-9a-f]{12})")


@dataclass(frozen=True)
class Line:
    """One line of such a file."""

    text: str
    row: Mapping[str, Any]
    """Empty where the line is no JSON object."""
    about: str
    """What a line of ours is about; empty for a line that a person added."""
    edited: bool


@dataclass(frozen=True)
class Saved:
    """A file that was brought up to date."""

    path: Path
    rows: int
    by_hand: int
    """Lines of these that a person added or edited."""
    orphans: int
    """Edited lines whose feedback is gone: forgotten, or no longer approved."""


def with_id(row: Mapping[str, Any], *about: object) -> dict[str, Any]:
    """The row with its id in front, in `metadata` where it has that; `about`: what stays when its content changes."""
    made = f"{_digest(about)}-{_digest(row)}"
    if "metadata" in row:
        return {**row, "metadata": {"id": made, **row["metadata"]}}
    return {"id": made, **row}


def read(path: Path) -> list[Line]:
    """The lines that are there; none for a missing file. Raises BadInput, NoAccess."""
    with disk_errors(path):
        if not path.exists():
            return []
        data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8; it was left as it is."
        raise BadInput(message, "Save it as UTF-8, or move it away: dyag writes it anew.") from error
    # Not splitlines(): a string may hold a character that it takes for the end of a line.
    return [_line(line) for line in (raw.strip("\r") for raw in text.split("\n")) if line.strip()]


def by_hand(lines: Iterable[Line]) -> list[Line]:
    """Those that a person added or edited."""
    return [line for line in lines if line.edited or not line.about]


def save(path: Path, fresh: Sequence[Mapping[str, Any]], lines: Sequence[Line]) -> Saved:
    """Bring a file that held `lines` up to date; it is made when there is something to hold. Raises NoAccess, NoSpace."""
    untouched = {line.about for line in lines if line.about and not line.edited}
    # An edited copy beside its original is one more line.
    edited = {line.about: line for line in lines if line.edited and line.about not in untouched}
    texts = [edited[about].text if (about := _about(row)) in edited else _text(row) for row in fresh]
    now = {_about(row) for row in fresh}
    rest = [line for line in by_hand(lines) if line is not edited.get(line.about) or line.about not in now]
    texts += [line.text for line in rest]
    if lines or texts:
        _write(path, "".join(f"{text}\n" for text in texts))
    orphans = sum(line.edited and line.about not in now for line in rest)
    return Saved(path, len(texts), len(by_hand(lines)), orphans)


def _write(path: Path, text: str) -> None:
    with disk_errors(path):
        private_folder(path.parent)
        write_private(path, text.encode())


def _line(text: str) -> Line:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        row = {}
    row = row if isinstance(row, dict) else {}
    own = _ID.fullmatch(_id(row))
    return Line(text, row, own[1] if own else "", bool(own and own[2] != _digest(_bare(row))))


def _id(row: Mapping[str, Any]) -> str:
    holder = row.get("metadata", row)
    found = holder.get("id") if isinstance(holder, Mapping) else None
    return found if isinstance(found, str) else ""


def _about(row: Mapping[str, Any]) -> str:
    return _id(row).partition("-")[0]


def _bare(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the id."""
    if "metadata" in row:
        return {**row, "metadata": {name: value for name, value in row["metadata"].items() if name != "id"}}
    return {name: value for name, value in row.items() if name != "id"}


def _text(row: Mapping[str, Any]) -> str:
    return escape_json(json.dumps(row, ensure_ascii=False))


def _digest(value: object) -> str:
    said = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def questions(lines: Iterable[Line]) -> Iterator[tuple[str, list[str]]]:
    """The question and the documents of each line that has them: its `question`, else what the user says last."""
    for line in lines:
        metadata = line.row.get("metadata")
        holder = metadata if isinstance(metadata, Mapping) else line.row
        documents = holder.get("documents")
        if question := _question(line.row):
            yield question, [d for d in documents if isinstance(d, str)] if isinstance(documents, list) else []


def _question(row: Mapping[str, Any]) -> str:
    messages = row.get("messages")
    said = [m for m in messages if isinstance(m, Mapping)] if isinstance(messages, list) else []
    users = [m.get("content") for m in said if m.get("role") == "user"]
    found = row.get("question") or next(iter(users[::-1]), "")
    return found if isinstance(found, str) else ""
