"""Several files of rows as one: each row once, one answer to a question, test rows kept out of training files.

Two passes over the files, keeping eight bytes of each question and answer: which row stays, then the rows that do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from finetune.formats import digests
from finetune.formats.read import read_rows
from finetune.formats.row import Format, Kind, Row
from finetune.formats.splits import split_of
from finetune.formats.targets import SAME, Made, Target, written
from finetune.formats.write import save
from retrieval.errors import BadInput

Keep = Literal["first", "last"]
SHOWN = 20
"""Conflicts kept to be shown."""
_TEST = ("test", "test_seen")


class TestRows(BadInput):
    """Rows that a model is to be tested with, on their way to where it learns."""

    __test__ = False  # no test class, whatever its name says


@dataclass(frozen=True)
class Conflict:
    """One question that is answered in two ways."""

    question: str
    kept: str
    """Where the answer stands that stays: `corrections.jsonl:3`."""
    dropped: str


@dataclass
class Merge:
    """Files on their way into one; the counts grow as they are read."""

    paths: Sequence[Path]
    keep: Keep = "last"
    """Which answer to a question stays; `last`: of the file that is named last."""
    rows: int = 0
    duplicates: int = 0
    conflicts: int = 0
    shown: list[Conflict] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)
    """Rows that stay, by the file they are from."""
    _winners: dict[int, int] = field(default_factory=dict)
    """By question, the answer that stays."""
    _places: dict[int, int] = field(default_factory=dict)
    """By question, where the answer stands that stays: line and file in one number."""
    _formats: dict[Format, Kind] = field(default_factory=dict)
    _tests: set[Path] = field(default_factory=set)

    def save(self, output: Path, *, allow_test: bool = False) -> int:
        """Write the merged file; the rows written. Raises TestRows, BadRows, NotFound, BadInput, NoAccess, NoSpace."""
        for position, path in enumerate(self.paths):
            self._look(position, path)
        if not allow_test:
            self._refuse_tests(output)
        return save(output, self._made(self._target()))

    # the first pass --------------------------------------------------------------------------------------------------

    def _look(self, position: int, path: Path) -> None:
        """Note which answer to each question stays."""
        if split_of(path) in _TEST or _is_test_of_a_manifest(path):
            self._tests.add(path)
        for row in read_rows(path):
            self.rows += 1
            self._formats.setdefault(row.format, row.kind)
            if row.metadata.get("split") in _TEST:
                self._tests.add(path)
            self._decide(row, position)

    def _decide(self, row: Row, position: int) -> None:
        asked, answer, place = digests.prompt(row), digests.near(row), row.line * len(self.paths) + position
        if asked not in self._winners:
            self._winners[asked], self._places[asked] = answer, place
        elif self._winners[asked] == answer:
            self.duplicates += 1
        else:
            self.conflicts += 1
            before = self._places[asked]
            if self.keep == "last":
                self._winners[asked], self._places[asked] = answer, place
            self._show(row, *((place, before) if self.keep == "last" else (before, place)))

    def _show(self, row: Row, kept: int, dropped: int) -> None:
        if len(self.shown) < SHOWN:
            self.shown.append(Conflict(row.question, self._name(kept), self._name(dropped)))

    def _name(self, place: int) -> str:
        line, position = divmod(place, len(self.paths))
        return f"{self.paths[position].name}:{line}"

    def _refuse_tests(self, output: Path) -> None:
        others = [path for path in self.paths if path not in self._tests]
        if self._tests and (others or split_of(output) not in _TEST):
            named = ", ".join(str(path) for path in self.paths if path in self._tests)
            message = f"{named} holds test rows; in {output} a model would learn them, and its test would say nothing."
            raise TestRows(
                message,
                "Leave it out, merge test files alone into an X_test, or say that you mean it: --allow-test.",
            )

    def _target(self) -> Target:
        """The format of all files, else the one that all rows of their kind can be written in."""
        kinds = sorted(set(self._formats.values()))
        if len(kinds) > 1:
            of = ", ".join(f"{form} ({kind})" for form, kind in self._formats.items())
            raise BadInput(
                f"Rows of different kinds cannot be in one file: {of}.", "Convert them first: `dyag dataset convert`."
            )
        if len(self._formats) == 1:
            return SAME[next(iter(self._formats))]
        return {"sft": "messages", "dpo": "dpo", "kto": "kto", "text": "text"}[kinds[0]]  # type: ignore[return-value]

    # the second pass -------------------------------------------------------------------------------------------------

    def _made(self, target: Target) -> Iterator[Made]:
        for path in self.paths:
            self.written.setdefault(path.name, 0)
            for row in read_rows(path):
                asked = digests.prompt(row)
                if self._winners.get(asked) == digests.near(row):
                    del self._winners[asked]
                    self.written[path.name] += 1
                    yield from written(row.with_metadata(source=f"{path.name}:{row.line}"), target)


def _is_test_of_a_manifest(path: Path) -> bool:
    """Whether a manifest beside the file names its content (by SHA-256) as a test split, whatever it is called now."""
    manifests = sorted(path.parent.glob("*.manifest.json"))
    if not manifests or not path.is_file():
        return False
    with path.open("rb") as file:
        own = hashlib.file_digest(file, "sha256").hexdigest()
    return any(_names_test(_json(manifest), own, False) for manifest in manifests)


def _names_test(value: Any, own: str, in_test: bool) -> bool:
    """Whether the hash stands in a part of a manifest that is about a test split."""
    if isinstance(value, dict):
        about = in_test or value.get("split") in _TEST
        return any(_names_test(item, own, about or _is_test_name(key)) for key, item in value.items())
    if isinstance(value, list):
        return any(_names_test(item, own, in_test) for item in value)
    return in_test and value in (own, f"sha256:{own}")


def _is_test_name(key: str) -> bool:
    return split_of(Path(key)) in _TEST


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
