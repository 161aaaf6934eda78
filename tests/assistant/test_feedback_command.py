"""`dyag feedback …`: listed, shown, reviewed, counted and exported."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from commands import Ran, run
from turns import answer, opened

from assistant.cli import main
from assistant.journal.store import Journal

HELD_OUT = "La licence de PostgreSQL ?"


@pytest.fixture
def journal(home: Path) -> Iterator[Journal]:
    """Three answers, none to a question that is held out: one good, one corrected, one bad with a reason."""
    with opened(home / "data" / "journal.sqlite3") as made:
        session = made.new_session()
        for number in (1, 2, 3):
            made.record(session, answer(f"Page {number} ?", f"Réponse {number}. [chunk_7]"), {}, "ana")
        made.rate(1, "ana", "good")
        made.correct(2, "ana", "Le port 3000. [chunk_7]")
        made.rate(3, "bob", "bad", "faux")
        yield made


def dyag(home: Path, *argv: str | Path) -> Ran:
    return run("feedback", *argv, home=home)


def states(journal: Journal) -> dict[int, str]:
    return {f.interaction_id: f.status for f in journal.feedback()}


# list and show -------------------------------------------------------------------------------------------------------


def test_feedback_is_listed_last_changed_first(home: Path, journal: Journal) -> None:
    ran = dyag(home, "list")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["answer", "rating", "author", "status", "question"],
        ["3", "bad", "bob", "pending", "Page", "3", "?"],
        ["2", "corrected", "ana", "pending", "Page", "2", "?"],
        ["1", "good", "ana", "pending", "Page", "1", "?"],
    ]


@pytest.mark.parametrize(
    ("argv", "numbers"),
    [
        (["--rating", "bad"], [3]),
        (["--author", "ana"], [2, 1]),
        (["--status", "approved"], []),
        (["--author", "ana", "--limit", "1"], [2]),
    ],
)
def test_the_list_is_filtered(home: Path, journal: Journal, argv: list[str], numbers: list[int]) -> None:
    found = dyag(home, "list", *argv, "--json").json["feedback"]
    assert [f["feedback"]["interaction_id"] for f in found] == numbers
    assert dyag(home, "list", *argv).code == 0


def test_an_answer_is_shown_with_what_everyone_says(home: Path, journal: Journal) -> None:
    journal.rate(2, "bob", "bad", "trop long")
    journal.review(2, "bob", "rejected", "eva", "pas si long")
    ran = dyag(home, "show", "2")
    for part in ("Page 2 ?", "Réponse 2. [chunk_7]", "docs/fr-gitea.md", "ana: corrected", "Le port 3000. [chunk_7]",
                 "bob: bad", "trop long", "rejected by eva: pas si long"):  # fmt: skip
        assert part in ran.out
    told = dyag(home, "show", "2", "--json").json
    assert told["interaction"]["question"] == "Page 2 ?"
    assert [f["author"] for f in told["feedback"]] == ["bob", "ana"]


def test_an_unknown_answer_is_an_error(home: Path, journal: Journal) -> None:
    for argv in (["show", "9"], ["review", "9", "--approve"]):
        ran = dyag(home, *argv)
        assert (ran.code, "There is no answer 9 in the journal." in ran.err) == (1, True)


# review --------------------------------------------------------------------------------------------------------------


def test_one_answer_is_approved_with_a_note(home: Path, journal: Journal) -> None:
    ran = dyag(home, "review", "2", "--approve", "--note", " vérifié ")
    assert (ran.code, ran.out) == (0, "1 approved, 0 rejected, 2 waiting for review.\n")
    (found,) = journal.feedback(status="approved")
    assert (found.interaction_id, found.note, found.reviewer != "") == (2, "vérifié", True)
    assert dyag(home, "review", "2", "--reject", "--json").json == {"approved": 0, "rejected": 1, "waiting": 2}
    assert states(journal) == {1: "pending", 2: "rejected", 3: "pending"}


def test_all_that_waits_is_decided_at_once(home: Path, journal: Journal) -> None:
    dyag(home, "review", "1", "--reject")
    ran = dyag(home, "review", "--all-pending", "--author", "ana", "--approve", "--json")
    assert ran.json == {"approved": 1, "rejected": 0, "waiting": 1}
    assert states(journal) == {1: "rejected", 2: "approved", 3: "pending"}


def test_the_reviewer_is_the_configured_author(home: Path, journal: Journal) -> None:
    run("--set", "feedback.author=eva", "feedback", "review", "1", "--approve", home=home)
    assert journal.feedback(status="approved")[0].reviewer == "eva"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "Nobody can be asked here."),
        (["1"], "Nobody can be asked here."),
        (["--approve"], "Name either an answer or --all-pending."),
        (["1", "--all-pending", "--approve"], "Name either an answer or --all-pending."),
        (["1", "--approve", "--reject"], "--approve and --reject do not go together."),
        (["1", "--author", "eva", "--approve"], "There is no such feedback on answer 1."),
    ],
)
def test_a_review_that_cannot_be_understood_decides_nothing(
    home: Path, journal: Journal, argv: list[str], message: str
) -> None:
    ran = dyag(home, "review", *argv)
    assert (ran.code in (1, 2), message in ran.err) == (True, True)
    assert set(states(journal).values()) == {"pending"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """A review at a terminal at which these lines are typed."""

    def review(lines: str, *argv: str) -> Ran:
        with mock.patch.object(sys, "stdin", Terminal(lines)):
            code = main(["--home", str(home), "feedback", "review", *argv])
        return Ran(code, *capsys.readouterr())

    return review


def test_at_a_terminal_each_is_shown_and_asked_about(typed: Callable[..., Ran], journal: Journal) -> None:
    ran = typed("a\nmaybe\nr trop vague\ns\n")
    assert ran.code == 0
    for part in ("1/3  Page 3 ?", "Réponse 3.", "bob: bad", "faux", "3/3  Page 1 ?", "Le port 3000. [chunk_7]"):
        assert part in ran.err
    assert ran.err.count("[a]pprove, [r]eject") == 4
    assert ran.out == "1 approved, 1 rejected, 1 waiting for review.\n"
    assert states(journal) == {3: "approved", 2: "rejected", 1: "pending"}
    assert journal.feedback(status="rejected")[0].note == "trop vague"


@pytest.mark.parametrize("end", ["q\n", ""])
def test_what_was_decided_before_quitting_is_kept(typed: Callable[..., Ran], journal: Journal, end: str) -> None:
    assert typed("A\n" + end).out == "1 approved, 0 rejected, 2 waiting for review.\n"
    assert states(journal) == {3: "approved", 2: "pending", 1: "pending"}


def test_one_answer_is_asked_about_whatever_its_state(typed: Callable[..., Ran], journal: Journal) -> None:
    journal.review(1, "ana", "approved", "bob")
    assert json.loads(typed("r\n", "1", "--json").out)["rejected"] == 1
    assert states(journal)[1] == "rejected"


def test_what_its_author_changes_during_the_review_is_not_decided(
    typed: Callable[..., Ran], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Terminal):
        def readline(self, *limit: int) -> str:  # type: ignore[override]
            journal.rate(1, "ana", "bad", "finalement non")
            return super().readline(*limit)

    monkeypatch.setattr(sys.modules[__name__], "Terminal", Slow)
    ran = typed("a\n", "1")
    assert "ana has changed the feedback on answer 1 meanwhile; it was not reviewed." in ran.err
    assert ran.out.startswith("0 approved")
    assert states(journal)[1] == "pending"


# stats and export ----------------------------------------------------------------------------------------------------


def test_statistics_say_what_an_export_would_give_and_why_not_more(home: Path, journal: Journal) -> None:
    dyag(home, "review", "2", "--approve")
    lines = [" ".join(line.split()) for line in dyag(home, "stats").out.splitlines()]
    assert lines[0] == "feedback 3"
    assert "author ana 2" in lines
    assert lines[-6:] == [
        "sft rows 1", "not reviewed yet 2", "dpo rows 1", "not reviewed yet 2", "kto rows 2", "not reviewed yet 2",
    ]  # fmt: skip
    told = dyag(home, "stats", "--json").json
    assert told["exports"]["sft"] == {"rows": 1, "left_out": {"not reviewed yet": 2}}


def test_statistics_of_nothing(home: Path) -> None:
    assert dyag(home, "stats", "--json").json["total"] == 0
    assert not home.exists()


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("sft", ["prompt", "completion"]),
        ("dpo", ["prompt", "chosen", "rejected"]),
        ("kto", ["prompt", "completion", "label"]),
    ],
)
def test_rows_are_written_for_trl(home: Path, journal: Journal, tmp_path: Path, form: str, names: list[str]) -> None:
    dyag(home, "review", "--all-pending", "--approve")
    file = tmp_path / "rows.jsonl"
    ran = dyag(home, "export", "--format", form, "--output", file)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (ran.code, ran.out) == (0, f"{len(rows)} {form} row{'s' * (len(rows) > 1)} in {file}\n")
    assert os.name != "posix" or stat.S_IMODE(file.stat().st_mode) == 0o600
    for row in rows:
        assert list(row) == [*names, "id", "author", "language", "documents"]
        for name in set(names) - {"label"}:
            assert all(m.keys() == {"role", "content"} and m["content"] for m in row[name])
    assert dyag(home, "export", "--format", form).lines == rows


def test_nothing_to_export_is_exit_code_3_and_writes_no_file(home: Path, journal: Journal, tmp_path: Path) -> None:
    ran = dyag(home, "export", "--output", tmp_path / "rows.jsonl")
    assert (ran.code, ran.out) == (3, "")
    assert "There is nothing to export; no file was written." in ran.err
    assert "left out: 3, not reviewed yet" in ran.err
    assert not (tmp_path / "rows.jsonl").exists()
    assert dyag(home, "export", "--json").json["rows"] == 0


def test_what_is_kept_for_the_regression_tests_is_counted_and_not_exported(home: Path, journal: Journal) -> None:
    number = journal.record(1, answer(HELD_OUT, "Le 3000. [chunk_7]"), {}, "ana")
    journal.correct(number, "ana", "Gitea écoute sur le port 3000. [chunk_7]")
    dyag(home, "review", str(number), "--approve")
    for form in ("sft", "dpo", "kto"):
        told = dyag(home, "export", "--format", form, "--json").json
        assert (told["rows"], told["left_out"]["kept for the regression tests"]) == (0, 1)
        assert dyag(home, "stats", "--json").json["exports"][form]["left_out"] == told["left_out"]


def test_the_author_share_is_a_setting(home: Path, journal: Journal) -> None:
    journal.correct(3, "bob", "Autre réponse.")
    journal.rate(2, "ana", "good")
    dyag(home, "review", "--all-pending", "--approve")
    assert [row["author"] for row in dyag(home, "export").lines] == ["ana", "bob"]
    rows = run("--set", "feedback.author_share=0.7", "feedback", "export", home=home).lines
    assert [row["author"] for row in rows] == ["ana", "ana", "bob"]


def test_the_prompt_of_an_answer_without_a_model_is_the_one_that_is_configured(home: Path, journal: Journal) -> None:
    (home / "mine.md").write_text("Mon rôle.\n---\n{documents}\nDIS : {question}", encoding="utf-8")
    number = journal.record(1, answer("Quoi ?", messages=()), {}, "ana")
    journal.rate(number, "ana", "good")
    dyag(home, "review", str(number), "--approve")
    (row,) = run("--set", "prompts.answer_fr=mine.md", "feedback", "export", home=home).lines
    assert row["prompt"][0] == {"role": "system", "content": "Mon rôle."}
    assert row["prompt"][1]["content"].endswith("DIS : Quoi ?")


def test_in_the_chat_too(home: Path, journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    from commands import run_slash

    from assistant.app import App
    from assistant.workspace import Home

    app = App(Home(home, "test"), {})
    assert run_slash(app, "/feedback list --rating bad") == 0
    assert "Page 3 ?" in capsys.readouterr().out
    assert run_slash(app, "/feedback export") == 3
    app.journal.close()
