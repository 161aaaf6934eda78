"""The journal keeps every turn and every opinion exactly, under numbers that are never used again."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turns import CANTEEN, GITEA, answer, opened

from assistant.journal import store as journal_module
from assistant.journal.migrations import MIGRATIONS
from assistant.journal.store import Journal
from retrieval.errors import BadInput, LibraryDamaged, NewerLibrary, NotFound
from retrieval.types import Answer, Message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with opened(path) as made:
        yield made


def turn(journal: Journal, question: str = "Quel port ?", session: int | None = None) -> int:
    return journal.record(session or journal.new_session(), answer(question), {}, "ana")


# turns ---------------------------------------------------------------------------------------------------------------


def test_a_turn_is_kept_with_everything_it_rests_on(journal: Journal, path: Path) -> None:
    said = answer(
        searched="port de Gitea", dropped="1 passage", partial="interrupted", unknown_citations=2, language="en"
    )
    session = journal.new_session()
    number = journal.record(session, said, {"search": {"top_k": 5}, "model": {"temperature": 0.2}}, "ana")
    with opened(path) as again:
        kept = again.interaction(number)
    for field in dataclasses.fields(Answer):
        assert getattr(kept, field.name) == getattr(said, field.name), field.name
    assert (kept.session_id, kept.author) == (session, "ana")
    assert kept.settings == {"search": {"top_k": 5}, "model": {"temperature": 0.2}}


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_kept(
    tmp_path_factory: pytest.TempPathFactory, question: str, text: str, contents: list[str]
) -> None:
    said = answer(
        question,
        text,
        passages=tuple(dataclasses.replace(GITEA, text=content) for content in contents),
        messages=tuple(Message("user", content) for content in contents),
    )
    with opened(tmp_path_factory.mktemp("any") / "journal.sqlite3") as journal:
        kept = journal.interaction(journal.record(journal.new_session(), said, {}, "ana"))
    assert (kept.question, kept.answer, kept.passages, kept.messages) == (question, text, said.passages, said.messages)


def test_a_text_from_a_terminal_in_another_encoding_is_kept_but_for_its_broken_characters(journal: Journal) -> None:
    session = journal.new_session()
    journal.add_line(session, "pr\udce9sent")
    number = journal.record(session, answer("pr\udce9sent", "\udce9"), {}, "ana")
    journal.rate(number, "ana", "bad", "\udce9t\udce9")
    assert journal.interaction(number).question == "pr?sent"
    assert journal.lines() == ["pr?sent"]


def test_a_password_in_an_address_is_not_written(journal: Journal, path: Path) -> None:
    given = {"model": {"base_url": "http://me:hunter2@host/v1"}, "answer": {"generator": "openai:m@https://hunter2@h/"}}
    number = journal.record(journal.new_session(), answer(), given, "ana")
    assert journal.interaction(number).settings == {
        "model": {"base_url": "http://***@host/v1"},
        "answer": {"generator": "openai:m@https://***@h/"},
    }
    assert b"hunter2" not in path.read_bytes()


def test_the_last_turns_of_a_session(journal: Journal) -> None:
    session = journal.new_session()
    numbers = [turn(journal, f"question {i}", session) for i in range(5)]
    turn(journal)
    assert [t.id for t in journal.turns(session, 2)] == numbers[-2:]
    assert [t.id for t in journal.turns(session, 9)] == [t.id for t in journal.turns(session)] == numbers


def test_turns_that_another_process_has_forgotten(journal: Journal, path: Path) -> None:
    kept, gone = turn(journal), turn(journal)
    with opened(path) as other:
        other.forget([journal.interaction(gone).session_id])
    assert journal.there([gone, kept, 99]) == {kept}
    assert journal.there([]) == set()


@pytest.mark.parametrize("name", ["api_key", "hub_token", "client_secret", "password"])
def test_a_secret_among_the_settings_is_not_written(journal: Journal, path: Path, name: str) -> None:
    settings = {"model": {name: "sk-4242", "max_tokens": 5}, name: "sk-4242"}
    number = journal.record(journal.new_session(), answer(), settings, "ana")
    assert journal.interaction(number).settings == {"model": {"max_tokens": 5}}
    assert b"sk-4242" not in path.read_bytes()


def test_a_thousand_turns_stay_small(journal: Journal, path: Path) -> None:
    """A model is sent the passages, which are kept once more for themselves: together hardly larger than either."""
    texts = [" ".join(f"mot{number * word % 997}" for word in range(150)) for number in range(1, 11)]
    passages = tuple(dataclasses.replace(CANTEEN, chunk_id=i, text=text) for i, text in enumerate(texts))
    messages = (Message("system", "Réponds."), Message("user", "\n".join(texts)))
    session = journal.new_session()
    for _ in range(50):
        journal.record(session, answer(passages=passages, messages=messages), {}, "ana")
    plain = 2 * sum(map(len, texts))
    assert path.stat().st_size / 50 < plain / 2


# sessions ------------------------------------------------------------------------------------------------------------


def test_opening_and_reading_creates_nothing(journal: Journal, path: Path) -> None:
    assert journal.sessions() == journal.feedback() == journal.lines() == journal.turns(1) == []
    assert journal.latest_session() is None
    assert journal.forget() == journal.would_forget()
    with pytest.raises(NotFound, match="There is no answer 1"):
        journal.interaction(1)
    with pytest.raises(NotFound, match="There is no session 1"):
        journal.session(1)
    assert not path.parent.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_what_is_written_is_private(journal: Journal, path: Path) -> None:
    turn(journal)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_session_without_a_turn_leaves_only_its_number_taken(journal: Journal) -> None:
    empty = journal.new_session()
    used = journal.new_session()
    turn(journal, session=used)
    assert [s.id for s in journal.sessions()] == [used]
    assert used == empty + 1
    with pytest.raises(NotFound):
        journal.session(empty)


def test_sessions_come_last_used_first_with_their_first_question(journal: Journal) -> None:
    one, two = journal.new_session(), journal.new_session("Les ports")
    turn(journal, "Quel port ?", one)
    turn(journal, "Et Redis ?", two)
    turn(journal, "Et Gitea ?", one)
    first, second = journal.sessions()
    assert (first.id, first.name, first.turns) == (one, "Quel port ?", 2)
    assert (second.id, second.name, second.turns, second.first) == (two, "Les ports", 1, "Et Redis ?")
    assert journal.latest_session() == journal.session(one) == first
    assert journal.sessions(1) == [first]
    assert [t.question for t in journal.turns(one)] == ["Quel port ?", "Et Gitea ?"]
    assert first.created <= first.updated


def test_a_title_is_given_before_the_first_turn_or_later_and_taken_away(journal: Journal) -> None:
    session = journal.new_session()
    journal.rename(session, " Ports ")
    turn(journal, session=session)
    assert journal.session(session).title == "Ports"
    journal.rename(session, "")
    assert journal.session(session).name == "Quel port ?"
    with pytest.raises(NotFound):
        journal.rename(session + 1, "Ports")


def test_lines_come_latest_first(journal: Journal) -> None:
    for text in ("un", "deux", "trois"):
        journal.add_line(1, text)
    assert journal.lines() == ["trois", "deux", "un"]
    assert journal.lines(2) == ["trois", "deux"]


def test_numbers_are_never_used_again(journal: Journal) -> None:
    session = journal.new_session()
    number = turn(journal, session=session)
    journal.forget()
    assert journal.new_session() > session
    assert turn(journal) > number
    with pytest.raises(NotFound):
        journal.rate(number, "ana", "good")


def test_a_conversation_goes_on_though_it_was_forgotten_meanwhile(journal: Journal, path: Path) -> None:
    session = journal.new_session()
    turn(journal, session=session)
    with opened(path) as other:
        other.forget([session])
    turn(journal, "Encore ?", session)
    assert [t.question for t in journal.turns(session)] == ["Encore ?"]


# feedback ------------------------------------------------------------------------------------------------------------


def test_a_rating_and_a_correction_of_one_author_are_one_piece_of_feedback(journal: Journal) -> None:
    number = turn(journal)
    journal.rate(number, "ana", "bad", " trop vague ")
    journal.correct(number, "ana", "Le port 3000. [chunk_7]\n")
    (kept,) = journal.feedback()
    assert (kept.rating, kept.reason, kept.correction, kept.status) == (
        "bad", "trop vague", "Le port 3000. [chunk_7]", "pending",
    )  # fmt: skip
    assert journal.rate(number, "ana", "good").reason == ""
    assert [(f.rating, f.correction) for f in journal.feedback()] == [("good", "Le port 3000. [chunk_7]")]


def test_each_author_has_an_opinion_of_their_own(journal: Journal) -> None:
    number = turn(journal)
    journal.rate(number, "ana", "good")
    journal.rate(number, "bob", "bad")
    assert {f.author: f.rating for f in journal.feedback(interaction_id=number)} == {"ana": "good", "bob": "bad"}
    assert [f.author for f in journal.feedback(rating="bad")] == ["bob"]
    assert [f.rating for f in journal.feedback(author="ana")] == ["good"]
    assert len(journal.feedback(limit=1)) == 1


@pytest.mark.parametrize("change", ["rating", "reason", "correction"])
def test_what_its_author_changes_goes_back_to_review(journal: Journal, change: str) -> None:
    number = turn(journal)
    journal.rate(number, "ana", "good", "net")
    journal.review(number, "ana", "approved", "bob", "oui")
    assert journal.rate(number, "ana", "good", "net").status == "approved"
    if change == "correction":
        after = journal.correct(number, "ana", "Le port 3000.")
    else:
        after = journal.rate(number, "ana", "bad" if change == "rating" else "good", "faux")
    assert (after.status, after.reviewer, after.note) == ("pending", "", "")
    assert journal.feedback(status="approved") == []


def test_a_review_of_what_has_changed_meanwhile_is_refused(journal: Journal) -> None:
    number = turn(journal)
    seen = journal.rate(number, "ana", "good")
    journal.correct(number, "ana", "Autre chose.")
    with pytest.raises(BadInput, match="has changed the feedback on answer 1"):
        journal.review(number, "ana", "approved", "bob", seen=seen.updated)
    assert journal.feedback()[0].status == "pending"


def test_feedback_on_what_is_not_there_is_refused(journal: Journal) -> None:
    with pytest.raises(NotFound, match="There is no answer 5"):
        journal.rate(5, "ana", "good")
    number = turn(journal)
    with pytest.raises(NotFound, match="bob has not rated answer"):
        journal.review(number, "bob", "approved", "ana")
    with pytest.raises(BadInput, match="empty"):
        journal.correct(number, "ana", " \n")
    assert journal.feedback() == []


# the file ------------------------------------------------------------------------------------------------------------


def test_a_thread_may_write_beside_another(journal: Journal) -> None:
    session = journal.new_session()

    def write(name: str) -> None:
        for _ in range(10):
            journal.rate(turn(journal, name, session), name, "good")

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ui", "job")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(f.author for f in journal.feedback()) == ["job"] * 10 + ["ui"] * 10
    assert journal.session(session).turns == 20


def test_a_journal_of_an_older_schema_keeps_its_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as old:
        number = turn(old)
        old.rate(number, "ana", "good")

    def stars(db: sqlite3.Connection) -> None:
        db.execute("ALTER TABLE feedback ADD COLUMN stars INTEGER NOT NULL DEFAULT 0")

    monkeypatch.setattr(journal_module._File, "migrations", [*MIGRATIONS, stars])
    with opened(path) as new:
        assert new.interaction(number).question == "Quel port ?"
        assert [f.rating for f in new.feedback()] == ["good"]
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    db.close()


def test_a_file_that_was_only_just_begun_becomes_a_journal(journal: Journal, path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert journal.sessions() == []
    assert turn(journal) == 1


def test_a_newer_journal_is_refused_and_left_alone(path: Path) -> None:
    with opened(path) as made:
        turn(made)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    before = path.read_bytes()
    with opened(path) as journal:
        with pytest.raises(NewerLibrary, match=r"The journal .*journal\.sqlite3 was written by a newer dyag"):
            journal.sessions()
        with pytest.raises(NewerLibrary, match=r"^The session was not kept\."):
            journal.new_session()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE interactions SET passages=x'00'",
        "UPDATE interactions SET messages=x'789c0300'",
        "UPDATE interactions SET citations='[1]'",
        "UPDATE interactions SET citations='[{\"chunk\": 1}]'",
        "UPDATE interactions SET settings='[]'",
    ],
)
def test_a_value_that_dyag_cannot_have_written_is_damage(journal: Journal, path: Path, change: str) -> None:
    number = turn(journal)
    with sqlite3.connect(path) as db:
        db.execute(change)
    db.close()
    with pytest.raises(LibraryDamaged, match=r"The journal .*journal\.sqlite3 is damaged") as error:
        journal.interaction(number)
    assert "backup" in error.value.hint
