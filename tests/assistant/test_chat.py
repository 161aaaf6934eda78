"""The chat when its input is no terminal: one question a line in, the whole transcript out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import STEERING, Ran, indexed_sheets, run
from workspace import write

from assistant.answer import Answerer
from assistant.command import chat_commands

NEVER = ("--set", "answer.refuse_below=0")
ALWAYS = ("--set", "answer.refuse_below=1")
PORT = "Quel port écoute Gitea ?"
PORT_SHOWN = f"› {PORT}\nGitea — Port : 3000 [chunk_3]\n\n[chunk_3] Gitea  docs/fr-gitea.md\n\n"
WHO_SHOWN = "› Who created NATS?\nNATS — creator: Derek Collison [chunk_1]\n\n[chunk_1] NATS  docs/en-nats.md\n\n"
LONG = "port " * 2000
FUEL = "Quel est le prix de l'essence à Lisbonne ?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("chat"))


def chat(home: Path, stdin: str | bytes, *options: str) -> Ran:
    return run(*options, "chat", home=home, stdin=stdin)


def test_each_line_is_a_question_and_the_transcript_is_the_same_every_time(home: Path) -> None:
    refused = run("ask", FUEL, home=home)
    assert refused.code == 3
    lines = f"{PORT}\n{FUEL}\nWho created NATS?\n"
    shown = f"{PORT_SHOWN}› {FUEL}\n{refused.out}\n{WHO_SHOWN}"
    assert chat(home, lines) == chat(home, lines) == (0, shown, "")


def test_a_process_of_its_own_shows_the_same(home: Path, process) -> None:
    assert process("chat", home=home, stdin=f"{PORT}\nWho created NATS?\n") == (0, PORT_SHOWN + WHO_SHOWN, "")


def test_an_answer_is_the_one_of_ask(home: Path) -> None:
    question = "Comment sauvegarder Gitea ?"
    answer = run(*NEVER, "ask", question, home=home).out
    assert "gitea dump" in answer
    assert chat(home, question, *NEVER).out == f"› {question}\n{answer}\n"


def test_empty_lines_are_passed_over(home: Path) -> None:
    assert chat(home, f"\n\n   \n{PORT}\n\t\r\n\nWho created NATS?\n\n") == (0, PORT_SHOWN + WHO_SHOWN, "")


@pytest.mark.parametrize("stdin", ["", "\n", "  \n\n"])
def test_no_question_is_no_output(home: Path, stdin: str) -> None:
    assert chat(home, stdin) == (0, "", "")


def test_the_last_line_needs_no_end(home: Path) -> None:
    assert chat(home, f"  {PORT}  ") == (0, PORT_SHOWN, "")


@pytest.mark.parametrize("word", ["/quit", "/exit", "/q"])
def test_quit_leaves_what_follows_unread(home: Path, word: str) -> None:
    assert chat(home, f"{PORT}\n{word}\nWho created NATS?\n") == (0, PORT_SHOWN, "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("port " * 2000, "dyag: The question is 9,999 characters long"),
        ("/nope", "dyag: There is no command /nope."),
        ("/source 9999", "dyag: There is no chunk 9999."),
        ("/search port --top-k 0", "dyag: Invalid value for '--top-k'"),
        ("/search port --filter team", "dyag: --filter team: not of the form key=value."),
        ("/index /no/such/folder", "dyag: There is no file or folder /no/such/folder."),
    ],
)
def test_an_error_is_said_and_the_session_goes_on(home: Path, line: str, message: str) -> None:
    ran = chat(home, f"{PORT}\n{line}\nWho created NATS?\n")
    assert (ran.code, len(ran.err.splitlines())) == (0, 2)
    assert ran.err.startswith(message)
    asked = "" if line.startswith("/") else f"› {line.strip()}\n"
    assert ran.out == f"{PORT_SHOWN}{asked}{WHO_SHOWN}"


def test_slash_commands_are_the_commands(home: Path) -> None:
    assert chat(home, "/source 3\n").out == run("source", "3", home=home).out
    assert (
        chat(home, "/search forge logicielle --top-k 1\n").out
        == run("search", "forge logicielle", "--top-k", "1", home=home).out
    )
    answer = json.loads(chat(home, f"/ask {PORT} --json\n").out)
    assert (answer["question"], answer["refused"]) == (PORT, False)


def test_help_lists_every_command_but_the_chat(home: Path) -> None:
    ran = chat(home, "/help\n")
    assert (ran.code, ran.err) == (0, "")
    names = {line.split("  ")[0].partition(" [")[0].partition(" <")[0] for line in ran.out.splitlines()}
    assert names >= {"/search", "/ask", "/source", "/index", "/status", "/chunk", "/config", "/doctor", "/quit", "/fix"}
    assert names == {f"/{found.name}" for found in chat_commands().values()}
    assert "/chat" not in names
    assert chat(home, "/?\n") == ran


def test_the_chat_is_no_command_of_itself(home: Path) -> None:
    ran = chat(home, f"/chat\n{PORT}\n/quit\nWho created NATS?\n")
    assert ran.err.startswith("dyag: There is no command /chat.\nKnown: /ask, /bad, ")
    assert ran.out == PORT_SHOWN


def test_with_json_each_answer_is_an_object_a_line(home: Path) -> None:
    ran = run("chat", "--json", home=home, stdin=f"{PORT}\nWho created NATS?\n")
    assert [line["question"] for line in ran.lines] == [PORT, "Who created NATS?"]
    assert (ran.code, ran.err) == (0, "")


def test_with_json_it_prints_what_ask_prints_for_a_batch(home: Path) -> None:
    lines = f"{PORT}\n\n{'port ' * 2000}\n{FUEL}\n"
    spoken = run("chat", "--json", home=home, stdin=lines)
    batch = run("ask", "--batch", "-", home=home, stdin=lines)
    same = {"seconds": 0, "interaction": 0}  # a chat keeps its turns, a batch does not
    assert [{**line, **same} for line in spoken.lines] == [{**line, **same} for line in batch.lines]
    first, wrong, last = (line.get("interaction") for line in spoken.lines)
    assert (wrong, last - first) == (None, 1)
    assert (spoken.lines[1]["line"], spoken.err) == (3, "")


def test_with_json_everything_is_json(home: Path) -> None:
    ran = run("chat", "--json", home=home, stdin="/source 3\n/nope\n/help\n")
    source, unknown, known = ran.lines
    assert (source["chunk_id"], ran.err) == (3, "")
    assert (unknown["question"], unknown["error"]) == ("/nope", "There is no command /nope.")
    assert "/ask" in known["commands"]


@pytest.mark.parametrize(
    ("lines", "settings", "code"),
    [
        (f"{LONG}\n", NEVER, 1),
        (f"{LONG}\n{LONG}\n/status\n", NEVER, 1),
        (f"{LONG}\n{FUEL}\n", ALWAYS, 3),
        (f"{FUEL}\n/nope\n", ALWAYS, 3),
        (f"{LONG}\n{PORT}\n", NEVER, 0),
        ("/nope\n", NEVER, 1),
        (f"/ask {FUEL}\n", ALWAYS, 3),
        ("/nope\n/status\n", NEVER, 0),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_exit_code_is_that_of_the_best_answer(
    home: Path, lines: str, settings: tuple[str, ...], code: int, options: tuple[str, ...]
) -> None:
    assert run(*settings, "chat", *options, home=home, stdin=lines).code == code


def test_ctrl_c_during_an_answer_ends_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Answerer, question: str, *args: Any, **options: Any) -> Iterator[Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Answerer, "answer", interrupted)
    ran = chat(home, f"{PORT}\n{PORT}\n")
    assert ran == (130, f"› {PORT}\n", "dyag: interrupted\n")


def test_without_an_index_each_question_is_told_the_command(tmp_path: Path) -> None:
    ran = chat(tmp_path, f"{PORT}\n\nWho created NATS?\n")
    message = (
        f"dyag: Nothing has been indexed in {tmp_path} yet.\n"
        "Run `dyag index PATH` on your documents, or name another workspace with --home.\n"
    )
    assert ran == (1, f"› {PORT}\n› Who created NATS?\n", message * 2)
    assert list(tmp_path.iterdir()) == []


def test_documents_indexed_during_the_chat_are_found_in_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs" / "fr-gitea.md", "# Gitea\n\nUne forge.\n\nPort : 3000\n").parent
    ran = chat(tmp_path, f"{PORT}\n/index {folder}\n{PORT}\n")
    assert (ran.code, "dyag: Nothing has been indexed" in ran.err) == (0, True)
    assert ran.out.endswith(f"› {PORT}\nGitea — Port : 3000 [chunk_1]\n\n[chunk_1] Gitea  docs/fr-gitea.md\n\n")


def test_bytes_that_steer_a_terminal_or_are_no_text_do_no_harm(home: Path) -> None:
    ran = chat(home, b"Who created NATS \x1b]52;c;aGk=\x07\x9b31m \xe2\x80\xae\xff?\n", *NEVER)
    assert (ran.code, ran.err) == (0, "")
    assert STEERING.search(ran.out) is None
    assert ran.out.startswith("› Who created NATS ")
