"""Replies that were paid for, in one private file: the same question is never paid for twice.

The file holds texts of the documents, as everything under `data/` does.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from retrieval.database import Database, Migration, run_script
from retrieval.types import Message

MOST = 100_000
"""Replies that are kept; the oldest go when the file is opened, some 200 MB then."""


@dataclass(frozen=True)
class Failed:
    """A question without a reply; `reason` says why, for the count of what was dropped."""

    reason: str


def _first_schema(db: sqlite3.Connection) -> None:
    run_script(db, "CREATE TABLE replies (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, reply TEXT, failed TEXT)")


class Replies(Database):
    """Replies by the hash of what was asked. Made with `create=True`; raises what every database does."""

    noun = "file of the teacher's replies"
    migrations: ClassVar[Sequence[Migration]] = (_first_schema,)
    how_to_make = "Move it away; dyag begins a new one."
    how_to_mend = "Move it away: what was asked before is then asked, and paid for, again."

    def __init__(self, path: Path, *, create: bool = True, most: int = MOST) -> None:
        super().__init__(path, create=create)
        with self.transaction() as db:
            db.execute("DELETE FROM replies WHERE id <= (SELECT MAX(id) FROM replies) - ?", (most,))

    def get(self, key: str) -> str | Failed | None:
        """The reply to what has this key, None when it was never asked. Raises LibraryDamaged."""
        rows = self.query("SELECT reply, failed FROM replies WHERE key=?", (key,))
        if not rows:
            return None
        reply, failed = rows[0]
        if not isinstance(reply if failed is None else failed, str):
            raise self.damaged(f"the reply {key[:12]} is no text")
        return str(reply) if failed is None else Failed(str(failed))

    def keep(self, key: str, reply: str | Failed) -> None:
        """Returns after the commit."""
        values = (key, None, reply.reason) if isinstance(reply, Failed) else (key, _storable(reply), None)
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO replies(key, reply, failed) VALUES (?,?,?)", values)


def key_of(model: str, options: Mapping[str, object], messages: Sequence[Message]) -> str:
    """sha256 of everything that decides a reply."""
    said = json.dumps([model, dict(options), [[m.role, m.content] for m in messages]], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _storable(text: str) -> str:
    """The text without lone surrogates, which SQLite refuses."""
    return text.encode("utf-8", "replace").decode("utf-8")
