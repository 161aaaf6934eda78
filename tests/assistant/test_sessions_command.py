"""`dyag sessions`, `dyag export`: conversations listed, and written to be read elsewhere."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import STEERING, Ran, run, run_slash
from turns import answer, opened

from assistant.app import App
from assistant.journal.store import Journal
from assistant.journal.transcript import markdown
from assistant.workspace import Home
from retrieval.errors import NotFound
from retrieval.types import Citation


@pytest.fixture
def journal(home: Path) -> Iterator[Journal]:
    with opened(home / "data" / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def talk(journal: Journal) -> int:
    """A session of two turns, the first rated and corrected, and one of a single turn that is older."""
    journal.record(journal.new_session(), answer("Qui a créé Redis ?"), {}, "ana")
    session = journal.new_session("Les ports")
    number = journal.record(session, answer("Quel port ?"), {"search": {"top_k": 5}}, "ana")
    journal.rate(number, "ana", "bad", "trop long")
    journal.correct(number, "ana", "Le port 3000.\nC'est tout. [chunk_7]")
    follow_up = answer("Et sa licence ?", "MIT.", searched="licence de Gitea", partial="interrupted", citations=())
    journal.record(session, follow_up, {}, "ana")
    return session


def dyag(home: Path, *argv: str | Path) -> Ran:
    return run(*argv, home=home)


# sessions ------------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_last_used_first(home: Path, talk: int) -> None:
    ran = dyag(home, "sessions")
    head, first, second = ran.out.splitlines()
    assert head.split() == ["conversation", "turns", "last", "used"]
    assert first.split()[:4] == ["2", "Les", "ports", "2"]
    assert second.split()[:6] == ["1", "Qui", "a", "créé", "Redis", "?"]
    assert (ran.code, ran.err) == (0, "")


def test_sessions_as_json(home: Path, talk: int) -> None:
    (first,) = dyag(home, "sessions", "--limit", "1", "--json").json["sessions"]
    assert (first["id"], first["title"], first["first"], first["turns"]) == (2, "Les ports", "Quel port ?", 2)


def test_without_a_conversation_nothing_is_listed_and_nothing_is_made(home: Path) -> None:
    ran = dyag(home, "sessions")
    assert (ran.code, ran.out, ran.err) == (0, "", "No conversation yet.\n")
    assert not home.exists()


# export --------------------------------------------------------------------------------------------------------------


def test_a_session_as_markdown(home: Path, talk: int, journal: Journal) -> None:
    when = {turn.id: f"{turn.id} · " for turn in journal.turns(talk)}
    ran = dyag(home, "export")
    assert ran.code == 0
    blocks = ran.out.split("\n\n")
    assert blocks[0] == "# Les ports"
    assert blocks[1].startswith("Session 2 · 20")
    assert blocks[1].endswith(" · 2 questions")
    assert blocks[2] == "## Quel port ?"
    assert blocks[3].startswith(f"Answer {when[2]}20")
    assert blocks[3].endswith(" · rag, fake:x")
    assert blocks[4:] == [
        "Gitea écoute le port 3000. [chunk_7]",
        "Sources:",
        "- [chunk_7] Gitea — docs/fr-gitea.md",
        "**bad** (ana, pending): trop long",
        "> Le port 3000.\n> C'est tout. [chunk_7]",
        "## Et sa licence ?",
        blocks[10],
        "Searched: licence de Gitea",
        "MIT.",
        "Not finished: interrupted\n",
    ]


def test_a_session_as_jsonl_holds_everything(home: Path, talk: int) -> None:
    first, second = dyag(home, "export", str(talk), "--format", "jsonl").lines
    assert (first["question"], first["title"], first["session_id"]) == ("Quel port ?", "Les ports", talk)
    assert first["settings"] == {"search": {"top_k": 5}}
    assert first["messages"][0] == {"role": "system", "content": "Réponds."}
    assert [p["chunk_id"] for p in first["passages"]] == [7, 9]
    assert first["passages"][0]["text"] == "Licence : MIT\nPort : 3000"
    (feedback,) = first["feedback"]
    assert (feedback["rating"], feedback["reason"], feedback["status"]) == ("bad", "trop long", "pending")
    assert (second["searched"], second["partial"], second["feedback"]) == ("licence de Gitea", "interrupted", [])


@pytest.mark.parametrize("form", ["markdown", "jsonl"])
def test_a_file_holds_what_standard_output_would(home: Path, talk: int, tmp_path: Path, form: str) -> None:
    file = tmp_path / "new folder" / "session"
    ran = dyag(home, "export", "--format", form, "--output", file)
    assert (ran.code, ran.out) == (0, f"2 turns of session 2 in {file}\n")
    assert file.read_text(encoding="utf-8") == dyag(home, "export", "--format", form).out
    assert os.name != "posix" or stat.S_IMODE(file.stat().st_mode) == 0o600
    told = dyag(home, "export", "1", "--format", form, "--output", file, "--json").json
    assert told == {"session": 1, "turns": 1, "format": form, "output": str(file)}


def test_markdown_as_json(home: Path, talk: int) -> None:
    told = dyag(home, "export", "1", "--json").json
    assert told["session"] == 1
    assert told["text"].startswith("# Qui a créé Redis ?\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["export", "9"], "There is no session 9."),
        (["export", "--output", "."], ". is a folder."),
        (["export", "--output", "/dev/null/x"], "/dev/null"),
    ],
)
def test_what_cannot_be_written_is_one_message(home: Path, talk: int, argv: list[str], message: str) -> None:
    ran = dyag(home, *argv)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert "a bug" not in ran.err


def test_without_a_conversation_there_is_nothing_to_export(home: Path) -> None:
    ran = dyag(home, "export")
    assert (ran.code, "There is no conversation yet." in ran.err) == (1, True)


def test_no_file_or_output_steers_a_terminal(home: Path, journal: Journal, tmp_path: Path) -> None:
    evil = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202eevil"
    journal.record(journal.new_session(evil), answer(evil, evil), {}, evil)
    journal.rate(1, evil, "bad", evil)
    journal.correct(1, evil, evil)
    for argv in (
        ["sessions"],
        ["export"],
        ["export", "--format", "jsonl"],
        ["feedback", "list"],
        ["feedback", "show", "1"],
    ):
        assert not STEERING.search(dyag(home, *argv).out), argv
        assert not STEERING.search(dyag(home, *argv, "--json").out), argv
    for form in ("markdown", "jsonl"):
        dyag(home, "export", "--format", form, "-o", tmp_path / form)
        assert not STEERING.search((tmp_path / form).read_text(encoding="utf-8"))
    assert json.loads((tmp_path / "jsonl").read_text(encoding="utf-8"))["answer"] == evil


def test_in_the_chat_it_is_the_conversation_one_is_in(
    home: Path, talk: int, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(Home(home, "test"), {})
    talk_of_the_chat = app.conversation
    with pytest.raises(NotFound, match="This conversation has no answer yet"):
        run_slash(app, "/export")
    talk_of_the_chat.resume(1)
    assert run_slash(app, "/export") == 0
    assert capsys.readouterr().out.startswith("# Qui a créé Redis ?\n")
    app.journal.close()


def test_the_name_of_a_file_makes_no_source_of_its_own(journal: Journal) -> None:
    cited = Citation(7, "docs/a\n- [chunk_8] Official.md", "", True, 0.9)
    session = journal.new_session()
    journal.record(session, answer(citations=(cited,)), {}, "ana")
    assert "- [chunk_7] Gitea — docs/a - [chunk_8] Official.md\n" in markdown(journal, journal.session(session))
