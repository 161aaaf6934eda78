"""What is forgotten is gone: from the journal, and from every byte under data/."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from commands import Ran, run
from turns import answer, opened

from assistant.commands.sessions import midnight
from assistant.journal import store as journal_module
from assistant.journal.store import Journal
from assistant.journal.values import Forgotten
from retrieval.errors import NoSpace
from retrieval.types import Message


@pytest.fixture
def path(home: Path) -> Path:
    return home / "data" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with opened(path) as made:
        yield made


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Whatever is kept next happens on this day, at noon."""

    def set_clock(day: str) -> None:
        moment = datetime.fromisoformat(f"{day}T12:00").timestamp()
        monkeypatch.setattr(journal_module, "time", SimpleNamespace(time=lambda: moment))

    return set_clock


def secret(name: str, kind: str) -> str:
    return f"{name}-{kind}-zz"


KINDS = ("question", "answer", "searched", "reason", "correction", "note", "typed", "title", "author", "setting")


def talk(journal: Journal, name: str, session: int | None = None) -> int:
    """A turn that is rated, corrected and reviewed; every text of it names it. Returns its session."""
    session = session or journal.new_session(secret(name, "title"))
    journal.add_line(session, f" {secret(name, 'question')} ")
    journal.add_line(session, f"/typed {secret(name, 'typed')}")
    said = answer(secret(name, "question"), secret(name, "answer") * 50, searched=secret(name, "searched"))
    number = journal.record(session, said, {"a": secret(name, "setting")}, secret(name, "author"))
    journal.rate(number, secret(name, "author"), "bad", secret(name, "reason"))
    journal.correct(number, secret(name, "author"), secret(name, "correction"))
    journal.review(number, secret(name, "author"), "approved", "bob", secret(name, "note"))
    return session


def found(path: Path, name: str) -> list[str]:
    """What of a turn can still be read in any file of the workspace's data."""
    data = b"".join(file.read_bytes() for file in path.parent.rglob("*") if file.is_file())
    return [kind for kind in KINDS if secret(name, kind).encode() in data]


def test_nothing_of_a_forgotten_session_is_left_in_any_file(journal: Journal, path: Path) -> None:
    for name in ("before", "gone", "after"):
        talk(journal, name)
    gone = journal.sessions()[1].id
    assert found(path, "gone") == list(KINDS)
    assert journal.forget([gone]) == Forgotten(1, 1, 1, 2)
    assert found(path, "gone") == []
    assert found(path, "before") == found(path, "after") == list(KINDS)
    assert [s.first for s in journal.sessions()] == ["after-question-zz", "before-question-zz"]


def test_nothing_is_left_when_all_is_forgotten_nor_of_what_was_changed_before(journal: Journal, path: Path) -> None:
    for number in range(30):
        talk(journal, f"t{number}")
    turn = journal.turns(1)[0]
    journal.rate(turn.id, turn.author, "bad", "a longer reason that came instead" * 20)
    assert journal.forget() == Forgotten(30, 30, 30, 60)
    assert [kind for number in range(30) for kind in found(path, f"t{number}")] == []
    assert b"came instead" not in path.read_bytes()
    one = Journal(path.with_name("one.sqlite3"))
    talk(one, "t0")
    one.forget()
    assert path.stat().st_size == one.path.stat().st_size  # nothing stays but the tables


def test_the_text_is_gone_even_where_the_file_cannot_be_made_smaller(journal: Journal, path: Path) -> None:
    talk(journal, "gone")
    file = journal._open()
    assert file is not None
    query = file.query

    def full(sql: str, *values: Any) -> list[Any]:
        if sql == "VACUUM":
            raise NoSpace("No space left.", "Free some.")
        return query(sql, *values)

    with (
        mock.patch.object(file, "query", full),
        pytest.raises(NoSpace, match=r"All that was deleted, but the journal is as large as before\. No space left\."),
    ):
        journal.forget()
    assert found(path, "gone") == []
    assert journal.sessions() == []


def test_what_was_typed_elsewhere_to_rate_it_goes_too(journal: Journal, path: Path) -> None:
    first, second = talk(journal, "gone"), journal.new_session()
    number = journal.turns(first)[0].id
    for line in (f"/bad {number} gone-reason-zz", "/fix gone-correction-zz ", "/bad another reason"):
        journal.add_line(second, line)
    journal.forget([first])
    assert journal.lines() == ["/bad another reason"]
    assert found(path, "gone") == []


def test_by_date_turns_go_and_those_after_them_quote_them_no_more(
    journal: Journal, path: Path, at: Callable[[str], None]
) -> None:
    at("2026-01-30")
    session = talk(journal, "old")
    at("2026-01-31")
    sent = (Message("user", secret("old", "question")), Message("user", secret("new", "question")))
    said = answer(secret("new", "question"), searched=secret("old", "searched"), messages=sent)
    number = journal.record(session, said, {}, "ana")
    limit = midnight("2026-01-31", "--before")
    assert journal.would_forget(before=limit) == journal.forget(before=limit) == Forgotten(0, 1, 1, 2)
    (kept,) = journal.turns(session)
    assert (kept.id, kept.question, kept.messages, kept.searched) == (number, "new-question-zz", (), "")
    assert kept.passages == said.passages
    assert found(path, "old") == ["title"]
    assert journal.session(session).created == kept.created


def test_earlier_turns_of_the_session_keep_what_was_sent(journal: Journal, at: Callable[[str], None]) -> None:
    at("2026-01-30")
    session = talk(journal, "old")
    at("2026-02-02")
    talk(journal, "new", session)
    journal.forget(after=midnight("2026-01-31", "--after", days=1))
    (kept,) = journal.turns(session)
    assert (kept.question, kept.searched, len(kept.messages)) == ("old-question-zz", "old-searched-zz", 2)
    assert journal.session(session).updated == kept.created


def test_a_question_typed_before_midnight_goes_with_its_turn_after_midnight(
    journal: Journal, at: Callable[[str], None]
) -> None:
    session = journal.new_session()
    at("2026-01-31")
    for line in ("Une autre ?", " Quel port ? "):
        journal.add_line(session, line)
    at("2026-02-01")
    journal.record(session, answer("Quel port ?"), {}, "ana")
    assert journal.forget(after=midnight("2026-01-31", "--after", days=1)) == Forgotten(1, 1, 0, 1)
    assert journal.lines() == ["Une autre ?"]


# the command ---------------------------------------------------------------------------------------------------------


def dyag(home: Path, *argv: str) -> Ran:
    return run("forget", *argv, home=home)


@pytest.fixture
def days(journal: Journal, at: Callable[[str], None]) -> Sequence[int]:
    """A session on each of three days."""
    made = []
    for day in ("2026-01-30", "2026-01-31", "2026-02-01"):
        at(day)
        made.append(talk(journal, day))
    return made


@pytest.mark.parametrize(
    ("argv", "left"),
    [
        (["--before", "2026-01-31"], ["2026-02-01", "2026-01-31"]),
        (["--after", "2026-01-31"], ["2026-01-31", "2026-01-30"]),
        (["--after", "2026-01-30", "--before", "2026-02-01"], ["2026-02-01", "2026-01-30"]),
        (["--session", "1", "--session", "3"], ["2026-01-31"]),
        (["--session", "1", "--before", "2026-01-01"], ["2026-02-01", "2026-01-31", "2026-01-30"]),
        (["--all"], []),
    ],
    ids=" ".join,
)
def test_the_day_that_is_named_stays(
    journal: Journal, home: Path, path: Path, days: object, argv: list[str], left: list[str]
) -> None:
    ran = dyag(home, *argv, "--yes", "--json")
    gone = 3 - len(left)
    assert ran.json["forgotten"] == {"sessions": gone, "turns": gone, "ratings": gone, "lines": 2 * gone}
    assert [s.title for s in journal.sessions()] == [f"{day}-title-zz" for day in left]
    assert all(found(path, day) == [] for day in {"2026-01-30", "2026-01-31", "2026-02-01"} - set(left))


def test_it_says_what_went(home: Path, days: object) -> None:
    ran = dyag(home, "--session", "1", "--yes")
    assert (ran.code, ran.out) == (0, "Forgotten: 1 session, 1 turn, 1 rating, 2 typed lines.\n")
    assert dyag(home, "--before", "2026-01-31", "--yes").out == "There was nothing to forget.\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "Say what to forget: --session, --before, --after, or --all alone."),
        (["--all", "--session", "1"], "Say what to forget"),
        (["--before", "2026-1-31"], "--before 2026-1-31 is not a day."),
        (["--before", "20260131"], "--before 20260131 is not a day."),
        (["--before", "2026-W05-6"], "is not a day."),
        (["--before", "2026-02-30"], "--before 2026-02-30 is not a day."),
        (["--before", "０２０２-01-01"], "is not a day."),
        (["--after", "9999-12-31"], "--after 9999-12-31 is not a day."),
        (["--after", "demain"], "--after demain is not a day."),
        (["--after", "2026-01-31", "--before", "2026-02-01"], "No day is after 2026-01-31 and before 2026-02-01."),
        (["--all"], "Nobody can be asked here whether to delete that."),
    ],
    ids=" ".join,
)
def test_what_cannot_be_understood_deletes_nothing(
    home: Path, journal: Journal, days: object, argv: list[str], message: str
) -> None:
    ran = dyag(home, *argv)
    assert ran.code == 2
    assert message in ran.err
    assert len(journal.sessions()) == 3


def test_without_a_terminal_the_hint_names_yes(home: Path, days: object) -> None:
    assert "Add --yes to delete without being asked." in dyag(home, "--all").err


def test_a_session_that_is_not_there_is_an_error_and_nothing_goes(home: Path, journal: Journal, days: object) -> None:
    ran = dyag(home, "--session", "1", "--session", "9", "--yes")
    assert (ran.code, "There is no session 9." in ran.err) == (1, True)
    assert len(journal.sessions()) == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "left"), [("y\n", 0), ("oui\n", 0), ("\n", 3), ("n\n", 3), ("", 3)])
def test_at_a_terminal_it_shows_what_will_go_and_asks(
    home: Path, journal: Journal, days: object, capsys: pytest.CaptureFixture[str], typed: str, left: int
) -> None:
    from assistant.cli import main

    with mock.patch.object(sys, "stdin", Terminal(typed)):
        assert main(["--home", str(home), "forget", "--all"]) == 0
    ran = capsys.readouterr()
    assert ran.err == "This deletes 3 sessions, 3 turns, 3 ratings, 6 typed lines, for good. Delete? [y/N]\n"
    assert ran.out == (
        "Nothing was deleted.\n" if left else "Forgotten: 3 sessions, 3 turns, 3 ratings, 6 typed lines.\n"
    )
    assert len(journal.sessions()) == left


def test_help_says_that_exported_files_stay(home: Path) -> None:
    assert "files that were exported before are not touched" in " ".join(dyag(home, "--help").out.split())
