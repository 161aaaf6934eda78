"""What every database of dyag has: a schema that grows, a private file, errors that name it, threads that wait."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval.database import Database, run_script
from retrieval.errors import Busy, LibraryDamaged, NewerLibrary, NoAccess


def first(db: sqlite3.Connection) -> None:
    run_script(db, "CREATE TABLE notes (text TEXT NOT NULL); CREATE INDEX notes_text ON notes(text)")


def second(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE notes ADD COLUMN colour TEXT NOT NULL DEFAULT 'white'")


def broken(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM notes")
    raise RuntimeError("a bug in a migration")


def kind(*functions: Callable[[sqlite3.Connection], None]) -> type[Database]:
    class Notes(Database):
        noun = "notebook"
        migrations = functions
        how_to_make = "Write a note."
        how_to_mend = "Restore a backup."
        patience = 0.05

    return Notes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "notes.sqlite3"


def made(path: Path, *functions: Callable[[sqlite3.Connection], None]) -> Database:
    database = kind(*(functions or (first,)))(path, create=True)
    with database.transaction() as db:
        db.execute("INSERT INTO notes(text) VALUES ('milk')")
    return database


def test_an_older_file_is_brought_up_to_date_with_its_rows(path: Path) -> None:
    made(path).close()
    for _ in range(2):
        newer = kind(first, second)(path)
        assert newer.query("SELECT text, colour FROM notes") == [("milk", "white")]
        assert newer.query("PRAGMA user_version") == [(2,)]
        newer.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    made(path).close()
    with pytest.raises(RuntimeError):
        kind(first, broken)(path)
    old = kind(first)(path)
    assert old.query("SELECT text FROM notes") == [("milk",)]
    old.close()


def test_a_newer_file_is_refused(path: Path) -> None:
    made(path, first, second).close()
    with pytest.raises(NewerLibrary) as error:
        kind(first)(path)
    assert error.value.message.startswith(f"The notebook {path} was written by a newer dyag")
    assert "Upgrade" in error.value.hint


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_the_file_and_its_folder_are_private(path: Path) -> None:
    made(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_lock_that_is_not_given_up_is_said_with_the_file(path: Path) -> None:
    one, two = made(path), kind(first)(path)
    with one.transaction(), pytest.raises(Busy) as error, two.transaction():
        pass
    assert str(path) in error.value.message
    assert one.query("SELECT text FROM notes") == two.query("SELECT text FROM notes")
    one.close()
    two.close()


@pytest.mark.parametrize("content", [b"a letter, and no database, " * 400, b"SQLite format 3\0" + bytes(4080) * 3])
def test_a_damaged_file_is_said_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LibraryDamaged) as error:
        kind(first)(path, create=True).query("SELECT * FROM notes")
    assert str(path) in error.value.message
    assert error.value.hint == "Restore a backup."
    assert path.read_bytes() == content


def test_an_empty_file_is_none_of_ours_for_reading(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with pytest.raises(LibraryDamaged, match="is not a dyag notebook") as error:
        kind(first)(path)
    assert error.value.hint == "Write a note."


def test_a_folder_in_its_place_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(NoAccess, match=r"notes\.sqlite3 cannot be used"):
        kind(first)(path, create=True)


def test_another_thread_waits_and_never_sees_half_of_a_transaction(path: Path) -> None:
    database = made(path)
    inside, seen = threading.Event(), []

    def look() -> None:
        inside.wait(10)
        seen.append(database.query("SELECT COUNT(*) FROM notes"))

    reader = threading.Thread(target=look)
    reader.start()
    with database.transaction() as db:
        db.execute("INSERT INTO notes(text) VALUES ('bread')")
        inside.set()
        reader.join(0.1)
        assert seen == []
        db.execute("INSERT INTO notes(text) VALUES ('eggs')")
    reader.join(10)
    assert seen == [[(3,)]]
    database.close()


def test_threads_that_write_lose_nothing(path: Path) -> None:
    database = made(path)

    def write(name: str) -> None:
        for number in range(20):
            with database.transaction() as db:
                db.execute("INSERT INTO notes(text) VALUES (?)", (f"{name}{number}",))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert database.query("SELECT COUNT(*) FROM notes") == [(61,)]
    database.close()
