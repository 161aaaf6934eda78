"""kill -9, a full disk, a folder that may not be written: what was acknowledged is kept, what is lost is said."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from turns import answer, opened

from retrieval.errors import Busy, NoAccess, NoSpace

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
posix = pytest.mark.skipif(os.name != "posix", reason="limits and signals of POSIX")


# kill -9 -------------------------------------------------------------------------------------------------------------


class Ledger:
    """What the children said is kept, against what the file holds."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.chance = path, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self._hot = path.with_name(f"{path.name}-journal")
        """There while a transaction is being written; left behind by a kill, it undoes it."""
        self._kept: dict[int, dict[int, dict[str, str]]] = {}
        """Session, answer, and its column with the value it was given."""
        self._doubtful: set[int] = set()
        """Sessions that were being forgotten when the child was killed."""

    def attack(self) -> None:
        """Let a child rate, and kill it at some moment after its first correction: what it imports is in by then."""
        command = [sys.executable, "-P", str(SUPPORT / "rating_child.py"), str(self.path)]
        paths = os.pathsep.join([str(ROOT), str(SUPPORT)])
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}) as child:
            assert child.stdout is not None
            lines = [next(child.stdout) for _ in range(4)]
            time.sleep(self.chance.uniform(0, 0.05))
            if self.chance.random() < 0.5:
                self._await_transaction()
            child.kill()
            lines += child.stdout.readlines()
        assert child.returncode == -signal.SIGKILL
        self.counts["kills"] += 1
        self.counts["in a transaction"] += self._hot.exists()
        for line in lines:
            if line.endswith(b"\n"):  # one that was cut short acknowledged nothing
                self._note(*line.decode().split())

    def _await_transaction(self) -> None:
        """So that kills fall there often: most of a child's time is spent between two transactions."""
        deadline = time.monotonic() + 0.1
        while not self._hot.exists() and time.monotonic() < deadline:
            pass

    def _note(self, what: str, *numbers: str) -> None:
        self.counts[what] += 1
        first = int(numbers[0])
        if what == "session":
            self._session = first
            self._kept[first] = {}
        elif what == "forgetting":
            self._doubtful.add(first)
        elif what == "forgot":
            self._doubtful.discard(first)
            self._kept[first] = {}
        else:
            told = {
                "turn": {"question": f"question {first}", "answer": f"answer {first} " * 40},
                "rated": {"rating": "bad", "reason": f"reason {first}"},
                "fixed": {"correction": (f"correction {first} " * 40).strip()},
            }
            self._kept[self._session].setdefault(int(numbers[1]), {}).update(told[what])

    def check(self) -> None:
        """Everything that was acknowledged is there, what was forgotten is not, and the file is whole."""
        sql = """SELECT i.id, i.session_id, i.question, i.answer, f.rating, f.reason, f.correction
                 FROM interactions i LEFT JOIN feedback f ON f.interaction_id=i.id"""
        with closing(sqlite3.connect(self.path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
            rows = {row[0]: row for row in db.execute(sql)}
        for session, turns in list(self._kept.items()):
            there = {i for i, row in rows.items() if row[1] == session}
            if session in self._doubtful:
                assert there == turns.keys() or not there, "half of a session was forgotten"
                turns = self._kept[session] = turns if there else {}
                self._doubtful.discard(session)
            assert len(there - turns.keys()) <= 1, "more than the turn that was being written"
            for number, told in turns.items():
                assert number in rows, f"answer {number} was acknowledged and is lost"
                held = dict(
                    zip(("question", "answer", "rating", "reason", "correction"), rows[number][2:], strict=True)
                )
                assert {name: held[name] for name in told} == told


@posix
@pytest.mark.parametrize("kills", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_killed_while_rating_nothing_acknowledged_is_lost(tmp_path: Path, kills: int) -> None:
    ledger = Ledger(tmp_path / "data" / "journal.sqlite3", seed=kills)
    for _ in range(kills):
        ledger.attack()
        ledger.check()
    print(dict(ledger.counts))
    assert ledger.counts["turn"] > kills
    assert ledger.counts["in a transaction"] > kills / 10


# a full disk ---------------------------------------------------------------------------------------------------------

WRITE = """
import resource, sys
from pathlib import Path
from turns import answer
from assistant.journal.store import Journal
from retrieval.errors import UserError
journal = Journal(Path(sys.argv[1]))
journal.sessions()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
for what in (
    lambda: journal.rate(1, "ana", "bad", "too old"),
    lambda: journal.correct(1, "ana", "The right answer."),
    lambda: journal.record(1, answer("lost?", "x" * 100_000), {}, "ana"),
    lambda: journal.add_line(1, "lost?"),
):
    try:
        print("acknowledged", what())
    except UserError as error:
        print(type(error).__name__, error.message, "|", error.hint)
"""


def written(path: Path, limit: int) -> list[str]:
    """How each write of a process ends that may write no file beyond a size."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", WRITE, str(path), str(limit)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with one rated answer."""
    path = tmp_path / "data" / "journal.sqlite3"
    with opened(path) as journal:
        journal.record(journal.new_session(), answer(), {}, "ana")
        journal.rate(1, "ana", "good")
    return path


@posix
@pytest.mark.parametrize("limit", [0, 500, 3000])
def test_on_a_full_disk_every_write_is_said_to_be_lost_and_the_journal_stays(path: Path, limit: int) -> None:
    lines = written(path, limit)
    names = ("The rating", "The correction", "This turn", "The line")
    assert [line.split(" was not kept. ")[0] for line in lines] == [f"NoSpace {name}" for name in names]
    assert all(f"No space left to write under {path}" in line and "Free some disk space" in line for line in lines)
    with opened(path) as journal:
        assert [(f.rating, f.reason, f.correction) for f in journal.feedback()] == [("good", "", "")]
        assert (len(journal.turns(1)), journal.lines()) == (1, [])
        assert journal.rate(1, "ana", "bad").rating == "bad"


@pytest.fixture
def mounted(path: Path) -> Iterator[Callable[..., None]]:
    """Mounts the data folder, its content copied, with these options."""

    def mount(options: str) -> None:
        shutil.copytree(path.parent, path.parent.with_name("copy"))
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path.parent)]
        if os.getuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("mounting needs root")
        done.append(path.parent)
        shutil.copytree(path.parent.with_name("copy"), path.parent, dirs_exist_ok=True)

    done: list[Path] = []
    yield mount
    for folder in done:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts of Linux")
def test_on_a_disk_that_is_really_full_a_turn_is_said_to_be_lost(path: Path, mounted: Callable[..., None]) -> None:
    mounted("size=100k")
    with opened(path) as journal:
        with pytest.raises(NoSpace, match=r"^This turn was not kept\. No space left"):
            journal.record(1, answer(text="x" * 200_000), {}, "ana")
        assert len(journal.turns(1)) == 1
        assert journal.rate(1, "ana", "bad").rating == "bad"


# a folder that may not be written ------------------------------------------------------------------------------------


def assert_read_only(path: Path) -> None:
    with opened(path) as journal:
        assert [f.rating for f in journal.feedback()] == ["good"]
        for write, what in (
            (lambda: journal.rate(1, "ana", "bad"), "The rating"),
            (lambda: journal.correct(1, "ana", "Autre chose."), "The correction"),
            (lambda: journal.record(1, answer(), {}, "ana"), "This turn"),
        ):
            with pytest.raises(NoAccess, match=rf"^{what} was not kept\. .*journal\.sqlite3 cannot be used") as error:
                write()
            assert error.value.hint
        assert [f.rating for f in journal.feedback()] == ["good"]


@pytest.mark.skipif(sys.platform != "linux", reason="mounts of Linux")
def test_on_a_read_only_disk_a_rating_is_said_to_be_lost(path: Path, mounted: Callable[..., None]) -> None:
    mounted("size=1m")
    subprocess.run(["mount", "-o", "remount,ro", str(path.parent)], check=True)
    assert_read_only(path)


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root writes everywhere")
def test_in_a_folder_that_may_not_be_written_a_rating_is_said_to_be_lost(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        assert_read_only(path)
    finally:
        path.parent.chmod(0o700)


def test_a_journal_that_another_process_holds_is_said_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.journal.store._File.patience", 0.05)
    with opened(path) as journal, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Busy, match=r"^The rating was not kept\. The journal .*journal\.sqlite3 is in use"):
            journal.rate(1, "ana", "bad")
        other.execute("ROLLBACK")
        assert journal.rate(1, "ana", "bad").rating == "bad"


def test_what_cannot_be_forgotten_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.journal.store._File.patience", 0.05)
    with opened(path) as journal, closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert journal.latest_session() is not None
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match=r"^Nothing was forgotten\. The journal"):
            journal.forget()
        assert len(journal.turns(1)) == 1


def test_a_journal_taken_away_under_an_open_chat_is_said(path: Path) -> None:
    with opened(path) as journal:
        assert journal.latest_session() is not None
        path.unlink()
        with pytest.raises(NoAccess, match=r"^The rating was not kept\."):
            journal.rate(1, "ana", "bad")


@posix
def test_a_ctrl_c_while_another_process_writes_leaves_no_transaction_open(path: Path) -> None:
    with (
        opened(path) as journal,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        session = journal.new_session()
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        threading.Timer(0.5, other.execute, ("COMMIT",)).start()
        with pytest.raises(KeyboardInterrupt):
            journal.record(session, answer(), {}, "ana")
        assert journal.record(session, answer(), {}, "ana")
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
