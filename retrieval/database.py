"""One private SQLite file: opened, migrated, and its failures turned into errors a user can act on.

`synchronous=FULL` with a rollback journal: what was committed survives a kill and a power cut. The schema is a list of
functions, applied in order; `PRAGMA user_version` counts those applied.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from retrieval.errors import Busy, LibraryDamaged, NewerLibrary
from retrieval.files import disk_errors, no_access, no_space, private_folder

Migration = Callable[[sqlite3.Connection], None]
_Json = TypeVar("_Json", list[Any], dict[str, Any])


class Database:
    """One open connection, for any number of threads; a subclass says what the file is and how it came to be."""

    noun: ClassVar[str]
    """What messages call it: `library`."""
    migrations: ClassVar[Sequence[Migration]]
    how_to_make: ClassVar[str]
    how_to_mend: ClassVar[str]
    patience: ClassVar[float] = 30.0
    """Seconds to wait for another process's transaction."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file. Raises LibraryDamaged, NewerLibrary, NoAccess, NoSpace, Busy."""
        self.path = path
        self._lock = threading.RLock()
        if create:
            private_folder(path.parent)
            with disk_errors(path):
                if not path.exists():
                    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._guard():
            self._db = sqlite3.connect(path, timeout=self.patience, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA foreign_keys=ON")
            self._db.execute("PRAGMA journal_mode=DELETE")
            self._db.execute("PRAGMA synchronous=FULL")
            self._migrate(create)

    def _migrate(self, create: bool) -> None:
        version, known = self._version(), len(self.migrations)
        if version > known:
            raise NewerLibrary(
                f"The {self.noun} {self.path} was written by a newer dyag (schema {version}, this one knows {known}).",
                "Upgrade dyag, or point DYAG_HOME at another workspace.",
            )
        if not create and version == 0:
            raise LibraryDamaged(f"{self.path} is not a dyag {self.noun}.", self.how_to_make)
        for number, migration in enumerate(self.migrations[version:], version + 1):
            with self.transaction():
                if self._version() < number:  # readers migrate too, and another may have been first
                    migration(self._db)
                    self._db.execute(f"PRAGMA user_version={number}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """SQLite's own failures as errors a user can act on."""
        try:
            yield
        except sqlite3.OperationalError as error:
            text = str(error)
            if "full" in text or "disk I/O error" in text:
                raise no_space(self.path) from error
            if "locked" in text:
                message = f"The {self.noun} {self.path} is in use by another process."
                raise Busy(message, "Wait for it to finish and try again.") from error
            if "unable to open" in text or "readonly" in text:
                raise no_access(self.path, text) from error
            if "malformed" in text or "Could not decode" in text:
                raise self.damaged(error) from error
            raise
        except sqlite3.DatabaseError as error:
            if "malformed" in str(error) or "not a database" in str(error):
                raise self.damaged(error) from error
            raise

    def damaged(self, what: object) -> LibraryDamaged:
        """What to raise for a value that dyag cannot have written."""
        return LibraryDamaged(f"The {self.noun} {self.path} is damaged: {what}.", self.how_to_mend)

    def parsed(self, text: Any, kind: type[_Json]) -> _Json:
        """A stored value. Raises LibraryDamaged when it is no JSON of this kind."""
        try:
            value = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise self.damaged(error) from error
        if not isinstance(value, kind):
            raise self.damaged(f"a {kind.__name__} was expected, and {text[:80]!r} is stored")
        return value

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what happens inside, or nothing; other threads wait."""
        with self._lock, self._guard():
            try:
                # Within the try: a Ctrl-C that was waiting for another process's lock comes as soon as this returns.
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def query(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Every row at once; never the half of another thread's transaction."""
        with self._lock, self._guard():
            return self._db.execute(sql, values).fetchall()

    def iterate(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Row after row, for what is too large to hold at once; other threads do not wait."""
        with self._guard():
            # Not `yield from`, which would close a cursor that is dropped half read, after the database itself.
            for row in self._db.execute(sql, values):  # noqa: UP028
                yield row


def run_script(db: sqlite3.Connection, script: str) -> None:
    """Statements, one after the other, inside the open transaction (`executescript` would commit it)."""
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)
