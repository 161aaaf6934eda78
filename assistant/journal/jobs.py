"""Jobs as rows of the journal: what was begun, by whom, how it stands and how it ended."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from assistant.journal.rows import storable
from assistant.journal.store import Journal
from retrieval.errors import LibraryDamaged, NotFound

State = Literal["queued", "running", "done", "failed", "cancelled", "killed"]
OPEN: tuple[State, ...] = ("queued", "running")
"""States of a job that has not ended."""
Also = Callable[[sqlite3.Connection, int], None]
"""What is written in the same transaction as a new job, given its number."""


@dataclass(frozen=True)
class Job:
    """A command that runs, or has run, in a process of its own."""

    number: int
    words: tuple[str, ...]
    """Its command line, as `dyag WORDS`; passwords are replaced."""
    line: str
    """As it was typed, without the slash."""
    folder: str
    """The current folder, which relative paths are of."""
    settings: Mapping[str, str]
    """Those changed in the chat that began it; no secrets."""
    queue: str
    """Jobs of one queue run one after the other; empty: beside all others."""
    state: State
    created: float
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    error: str = ""
    resume: tuple[str, ...] = ()
    """The command line that takes it up again."""
    run: str = ""
    """The model run it makes, once it is known."""
    pid: int = 0
    """Of its process; 0 before that one has begun."""
    identity: str = ""
    """What tells its process from a later one with the same pid; see assistant/jobs/alive.py."""
    author: str = ""
    chat: str = ""
    """The chat that began it, which tells of its end."""
    stopping: bool = False
    """Whether it was asked to stop."""
    told: bool = False
    """Whether a chat has told of its end."""

    @property
    def over(self) -> bool:
        return self.state not in OPEN


_FIELDS = tuple(field.name for field in dataclasses.fields(Job))
_COLUMNS = ", ".join("id" if name == "number" else name for name in _FIELDS)
_AS_JSON = {"words": tuple, "resume": tuple, "settings": dict}


class JobRows:
    """The jobs of a workspace. Every method raises what the journal's do when the file cannot be used."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        return self._where("1")

    def open(self) -> list[Job]:
        """Those that wait or run, the oldest first."""
        return self._where("state IN ('queued', 'running')")

    def current(self) -> list[Job]:
        """Those that wait or run, or whose end no chat has told of."""
        return self._where("state IN ('queued', 'running') OR NOT told")

    def find(self, number: int) -> Job | None:
        """None when there is none."""
        return next(iter(self._where("id=?", number)), None)

    def job(self, number: int) -> Job:
        """Raises NotFound."""
        found = self.find(number)
        if found is None:
            raise NotFound(f"There is no job {number}.", "`dyag jobs` lists them.")
        return found

    @contextmanager
    def adding(self, job: Job, also: Also | None = None) -> Iterator[Iterator[int]]:
        """Keep a new job under the number taken last from those given; one whose start fails inside leaves no trace."""
        row = _row({name: getattr(job, name) for name in _FIELDS if name != "number"})
        with self._journal.writing("The job was not begun.") as db:
            yield _inserted(db, row, also)

    def change(self, number: int, only: Sequence[State] = (), **fields: Any) -> bool:
        """Change a job, if it is in one of these states; whether it was."""
        row = _row(fields)
        where = f" AND state IN ({','.join('?' * len(only))})" if only else ""
        with self._journal.writing("The state of a job was not kept.") as db:
            sql = f"UPDATE jobs SET {', '.join(f'{name}=?' for name in row)} WHERE id=?{where}"
            return db.execute(sql, (*row.values(), number, *only)).rowcount == 1

    def tell(self, number: int) -> bool:
        """Mark its end as told; False when another chat was first."""
        with self._journal.writing("") as db:
            return db.execute("UPDATE jobs SET told=1 WHERE id=? AND NOT told", (number,)).rowcount == 1

    def delete(self, numbers: Sequence[int]) -> None:
        """Those that have ended."""
        with self._journal.writing("The jobs were not deleted.") as db:
            wanted = json.dumps(list(numbers))
            db.execute(
                "DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND state NOT IN ('queued', 'running')",
                (wanted,),
            )

    def _where(self, where: str, *values: Any) -> list[Job]:
        rows = self._journal.read(f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY id", values)
        return [self._job(row) for row in rows]

    def _job(self, row: Sequence[Any]) -> Job:
        values = dict(zip(_FIELDS, row, strict=True))
        try:
            values |= {name: kind(json.loads(values[name])) for name, kind in _AS_JSON.items()}
        except (ValueError, TypeError, RecursionError) as error:
            message = f"The journal {self._journal.path} is damaged: {error} in job {values['number']}."
            raise LibraryDamaged(message, "Restore a backup of it, or move it away.") from error
        return Job(**values | {"stopping": bool(values["stopping"]), "told": bool(values["told"])})


def _inserted(db: sqlite3.Connection, row: Mapping[str, Any], also: Also | None) -> Iterator[int]:
    """Numbers of the row; each takes the place of the one before."""
    marks = ",".join("?" * len(row))
    while True:
        made = db.execute(f"INSERT INTO jobs({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        assert made.lastrowid is not None
        if also:
            also(db, made.lastrowid)
        yield made.lastrowid
        db.execute("DELETE FROM jobs WHERE id=?", (made.lastrowid,))


def _row(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the table holds them."""
    lists = {name: json.dumps(value) for name, value in fields.items() if name in _AS_JSON}  # a tuple is a list there
    return {name: storable(value) for name, value in {**fields, **lists}.items()}
