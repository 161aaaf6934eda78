"""The journal: every turn of every conversation, what was typed, and what people think of the answers.

A method that writes returns after the commit, never before. Opening creates nothing: the file comes with the first write.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from assistant.journal import forgetting
from assistant.journal.migrations import MIGRATIONS
from assistant.journal.rows import COLUMNS, interaction_of, row_of, storable
from assistant.journal.values import Feedback, Forgotten, Interaction, Session, Status
from retrieval.database import Database
from retrieval.errors import BadInput, Busy, LibraryDamaged, NewerLibrary, NoAccess, NoSpace, NotFound
from retrieval.types import Answer

_FEEDBACK = ", ".join(field.name for field in dataclasses.fields(Feedback))
_SESSIONS = """
SELECT s.id, s.title, s.created, s.updated, COUNT(*),
       (SELECT question FROM interactions WHERE session_id=s.id ORDER BY id LIMIT 1)
FROM sessions s JOIN interactions i ON i.session_id=s.id
"""
_LOST = (Busy, LibraryDamaged, NewerLibrary, NoAccess, NoSpace)


class _File(Database):
    noun = "journal"
    migrations = MIGRATIONS
    how_to_make = "Move it away; dyag begins a new one."
    how_to_mend = "Restore a backup of it, or move it away: dyag begins a new one, without what this one holds."

    def __init__(self, path: Path, *, create: bool = False, patience: float | None = None) -> None:
        if patience is not None:
            self.patience = patience  # type: ignore[misc]
        super().__init__(path, create=create)
        self._db.execute("PRAGMA secure_delete=ON")


class Journal:
    """The conversations of a workspace. Several processes, and several threads of one, may write.

    Every method raises Busy, LibraryDamaged, NewerLibrary, NoAccess or NoSpace when the file cannot be used; one that
    writes says then what is lost.
    """

    def __init__(self, path: Path, patience: float | None = None) -> None:
        """`patience`: seconds to wait for another process's transaction, where they are not the usual ones."""
        self.path = path
        self._patience = patience
        self._file: _File | None = None
        self._opening = threading.Lock()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    # sessions --------------------------------------------------------------------------------------------------------

    def new_session(self, title: str = "") -> int:
        """The id of a new session. Without a title nothing else is kept of it before its first turn."""
        with self.writing("The session was not kept.") as db:
            made = _new_session(db, time.time(), title)
            if not title:
                db.execute("DELETE FROM sessions WHERE id=?", (made,))  # the id stays taken
        return made

    def sessions(self, limit: int | None = None) -> list[Session]:
        """The sessions that have turns, the last used first."""
        rows = self.read(f"{_SESSIONS} GROUP BY s.id ORDER BY s.updated DESC, s.id DESC LIMIT ?", (_limit(limit),))
        return [Session(*row) for row in rows]

    def session(self, session_id: int) -> Session:
        """Raises NotFound, also when the session has no turn yet."""
        rows = self.read(f"{_SESSIONS} WHERE s.id=? GROUP BY s.id", (session_id,))
        if not rows:
            raise NotFound(f"There is no session {session_id}.", "`dyag sessions` lists them.")
        return Session(*rows[0])

    def latest_session(self) -> Session | None:
        """The one used last."""
        return next(iter(self.sessions(1)), None)

    def rename(self, session_id: int, title: str) -> None:
        """Give a session a title, or take it away. Raises NotFound."""
        with self.writing("The title was not kept.") as db:
            taken = db.execute("SELECT seq FROM sqlite_sequence WHERE name='sessions'").fetchone()
            if not taken or not 0 < session_id <= taken[0]:
                raise NotFound(f"There is no session {session_id}.", "`dyag sessions` lists them.")
            _ensure_session(db, session_id, time.time())
            db.execute("UPDATE sessions SET title=? WHERE id=?", (storable(title.strip()), session_id))

    def add_line(self, session_id: int, text: str) -> None:
        """Keep what was typed at the prompt."""
        with self.writing("The line was not kept.") as db:
            db.execute(
                "INSERT INTO lines(session_id, text, created) VALUES (?,?,?)",
                (session_id, storable(text), time.time()),
            )

    def lines(self, limit: int | None = None) -> list[str]:
        """What was typed, in any session, the latest first."""
        return [row[0] for row in self.read("SELECT text FROM lines ORDER BY id DESC LIMIT ?", (_limit(limit),))]

    # interactions ----------------------------------------------------------------------------------------------------

    def record(self, session_id: int, answer: Answer, settings: Mapping[str, Any], author: str) -> int:
        """Keep a turn and return its id. Settings that are secret are left out."""
        return self.record_in(session_id, answer, settings, author)[1]

    def record_in(
        self, session_id: int | None, answer: Answer, settings: Mapping[str, Any], author: str
    ) -> tuple[int, int]:
        """Keep a turn of a session, or of a new one: (its session, its id)."""
        now = time.time()
        row = row_of(session_id or 0, answer, settings, author, now)  # made before anyone else has to wait for it
        with self.writing("This turn was not kept.") as db:
            session = session_id if session_id is not None else _new_session(db, now)
            _ensure_session(db, session, now)
            row["session_id"] = session
            marks = ",".join("?" * len(row))
            found = db.execute(f"INSERT INTO interactions({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
            db.execute("UPDATE sessions SET updated=? WHERE id=?", (now, session))
        assert found.lastrowid is not None
        return session, found.lastrowid

    def interaction(self, interaction_id: int) -> Interaction:
        """Raises NotFound."""
        found = self._interactions("id=?", interaction_id)
        if not found:
            raise _no_answer(interaction_id)
        return found[0]

    def turns(self, session_id: int, last: int | None = None) -> list[Interaction]:
        """The turns of a session, oldest first, or the `last` of them; none for a session that has none."""
        found = self._interactions("session_id=? ORDER BY id DESC LIMIT ?", session_id, _limit(last))
        return found[::-1]

    def there(self, interaction_ids: Sequence[int]) -> set[int]:
        """Those of these turns that are in the journal; another process may have forgotten some."""
        sql = "SELECT id FROM interactions WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self.read(sql, (json.dumps(list(interaction_ids)),))}

    def _interactions(self, where: str, *values: int) -> list[Interaction]:
        if (file := self._open()) is None:
            return []
        return [
            interaction_of(row, file) for row in file.query(f"SELECT {COLUMNS} FROM interactions WHERE {where}", values)
        ]

    # feedback --------------------------------------------------------------------------------------------------------

    def rate(self, interaction_id: int, author: str, rating: Literal["good", "bad"], reason: str = "") -> Feedback:
        """Keep an author's rating of an answer, in place of an earlier one. Raises NotFound."""
        return self._say(
            interaction_id, author, "The rating was not kept.", {"rating": rating, "reason": storable(reason.strip())}
        )

    def correct(self, interaction_id: int, author: str, correction: str) -> Feedback:
        """Keep what the answer should have been, by this author. Raises NotFound, BadInput for an empty one."""
        if not correction.strip():
            raise BadInput("The correction is empty; nothing was kept.", "Write what the answer should have been.")
        return self._say(
            interaction_id, author, "The correction was not kept.", {"correction": storable(correction.strip())}
        )

    def _say(self, interaction_id: int, author: str, loss: str, said: Mapping[str, str]) -> Feedback:
        with self.writing(loss) as db:
            if not db.execute("SELECT 1 FROM interactions WHERE id=?", (interaction_id,)).fetchone():
                raise _no_answer(interaction_id)
            before = _one(db, interaction_id, author)
            if before is None or any(getattr(before, name) != value for name, value in said.items()):
                now = time.time()
                given = {"interaction_id": interaction_id, "author": author, **said, "created": now, "updated": now}
                changed = ", ".join(f"{name}=excluded.{name}" for name in (*said, "updated"))
                db.execute(
                    f"""INSERT INTO feedback({", ".join(given)}) VALUES ({",".join("?" * len(given))})
                        ON CONFLICT DO UPDATE SET {changed}, status='pending', reviewer='', note=''""",
                    tuple(given.values()),
                )
            after = _one(db, interaction_id, author)
        assert after is not None
        return after

    def feedback(
        self,
        *,
        interaction_id: int | None = None,
        status: Status | None = None,
        rating: str | None = None,
        author: str | None = None,
        limit: int | None = None,
    ) -> list[Feedback]:
        """Feedback that is all of what is given, the last changed first."""
        given = {"interaction_id": interaction_id, "status": status, "rating": rating, "author": author}
        wanted = {name: value for name, value in given.items() if value is not None}
        where = " AND ".join(["1", *(f"{name}=?" for name in wanted)])
        sql = (
            f"SELECT {_FEEDBACK} FROM feedback WHERE {where} ORDER BY updated DESC, interaction_id DESC, author LIMIT ?"
        )
        return [Feedback(*row) for row in self.read(sql, (*wanted.values(), _limit(limit)))]

    def review(
        self,
        interaction_id: int,
        author: str,
        status: Status,
        reviewer: str,
        note: str = "",
        *,
        seen: float | None = None,
    ) -> Feedback:
        """Approve or reject an author's feedback. `seen`: its `updated` when the reviewer read it.

        Raises NotFound, BadInput when the author has changed it since.
        """
        with self.writing("The review was not kept.") as db:
            before = _one(db, interaction_id, author)
            if before is None:
                raise NotFound(
                    f"{author} has not rated answer {interaction_id}.", "`dyag feedback list` shows who has."
                )
            if seen is not None and before.updated != seen:
                raise BadInput(
                    f"{author} has changed the feedback on answer {interaction_id} meanwhile; it was not reviewed.",
                    f"Read it again: dyag feedback show {interaction_id}",
                )
            db.execute(
                "UPDATE feedback SET status=?, reviewer=?, note=? WHERE interaction_id=? AND author=?",
                (status, reviewer, note.strip(), interaction_id, author),
            )
        return dataclasses.replace(before, status=status, reviewer=reviewer, note=note.strip())

    # forgetting ------------------------------------------------------------------------------------------------------

    def would_forget(
        self, session_ids: Sequence[int] | None = None, before: float | None = None, after: float | None = None
    ) -> Forgotten:
        """What `forget` would delete."""
        file = self._open()
        return forgetting.count(file, forgetting.reach(session_ids, before, after)) if file else Forgotten(0, 0, 0, 0)

    def forget(
        self, session_ids: Sequence[int] | None = None, before: float | None = None, after: float | None = None
    ) -> Forgotten:
        """Delete turns with all that hangs on them, and leave no byte of them in the file.

        Those of these sessions, from `after` on and earlier than `before`; without any of the three, all. Later turns of
        the same sessions stay without the messages sent and the rewritten question, which may quote what goes.
        """
        if (file := self._open()) is None:
            return Forgotten(0, 0, 0, 0)
        with self.writing("Nothing was forgotten."):
            gone = forgetting.delete(file, forgetting.reach(session_ids, before, after))
        try:
            file.query("VACUUM")
        except _LOST as error:
            message = f"All that was deleted, but the journal is as large as before. {error.message}"
            raise type(error)(message, error.hint) from error
        return gone

    def check(self) -> str:
        """SQLite's verdict on the file: `ok`, or what is wrong."""
        return str(next(iter(self.read("PRAGMA quick_check")), ("ok",))[0])

    # the file --------------------------------------------------------------------------------------------------------

    def _open(self, *, create: bool = False) -> _File | None:
        """The open file; None when there is none and none is to be made."""
        with self._opening:
            if self._file is None and (create or self.path.exists()):
                # Also for reading: whoever made the file may have been killed before its first table.
                self._file = _File(self.path, create=True, patience=self._patience)
            return self._file

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query; none when there is no file."""
        file = self._open()
        return file.query(sql, values) if file else []

    @contextmanager
    def writing(self, loss: str) -> Iterator[sqlite3.Connection]:
        """A transaction; when it fails, the message says what is lost."""
        try:
            file = self._open(create=True)
            assert file is not None
            with file.transaction() as db:
                yield db
        except _LOST as error:
            raise type(error)(f"{loss} {error.message}", error.hint) from error


def _new_session(db: sqlite3.Connection, now: float, title: str = "") -> int:
    found = db.execute("INSERT INTO sessions(title, created, updated) VALUES (?,?,?)", (title, now, now))
    assert found.lastrowid is not None
    return found.lastrowid


def _ensure_session(db: sqlite3.Connection, session_id: int, now: float) -> None:
    """A session's row comes with its first turn, or its title; again, when it was forgotten while it went on."""
    db.execute("INSERT OR IGNORE INTO sessions(id, created, updated) VALUES (?,?,?)", (session_id, now, now))


def _one(db: sqlite3.Connection, interaction_id: int, author: str) -> Feedback | None:
    sql = f"SELECT {_FEEDBACK} FROM feedback WHERE interaction_id=? AND author=?"
    row = db.execute(sql, (interaction_id, author)).fetchone()
    return Feedback(*row) if row else None


def _no_answer(interaction_id: int) -> NotFound:
    return NotFound(
        f"There is no answer {interaction_id} in the journal.", "`dyag export` numbers the answers of a conversation."
    )


def _limit(limit: int | None) -> int:
    return -1 if limit is None else limit
