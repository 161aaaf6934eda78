"""`--batch` of `dyag ask` and `dyag search`: questions in, one JSON object a line out."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import CHEAP, CHEAP_ENVIRON, Ran, indexed_sheets, run

NEVER = ("--set", "answer.refuse_below=0")
ALWAYS = ("--set", "answer.refuse_below=1")
FAILURE = ["question", "error", "hint", "line", "id"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("batch"), cheap=True)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return tmp_path / "questions"


def batch(
    home: Path,
    text: str | bytes,
    file: Path,
    *options: str,
    command: str = "ask",
    settings: tuple[str, ...] = NEVER,
) -> Ran:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return run(*CHEAP, *settings, command, "--batch", file, *options, home=home)


def test_plain_lines_and_records_are_answered_in_order(home: Path, questions: Path) -> None:
    ran = batch(
        home,
        'Which port does Squid use?\n{"text": "Who created NATS?", "_id": "q-2"}\n{"question": "Le port de Gitea ?", "id": 3}\n',
        questions,
    )
    assert (ran.code, ran.err) == (0, "")
    assert [(line["id"], line["question"]) for line in ran.lines] == [
        ("", "Which port does Squid use?"), ("q-2", "Who created NATS?"), ("3", "Le port de Gitea ?"),
    ]  # fmt: skip
    assert all(line["answer"] and line["passages"] for line in ran.lines)


def test_each_result_is_one_json_object_a_line(home: Path, questions: Path) -> None:
    ran = batch(home, "licence ?\nport ?\n", questions)
    assert [list(line)[:3] for line in ran.lines] == [["question", "answer", "refused"]] * 2


@pytest.mark.parametrize("command", ["ask", "search"])
def test_json_changes_nothing_in_a_batch(home: Path, questions: Path, command: str) -> None:
    ran = batch(home, "licence ?\nport ?\n", questions, "--json", command=command)
    assert (ran.code, len(ran.lines)) == (0, 2)
    assert [list(line) for line in ran.lines] == [
        list(line) for line in batch(home, "licence ?\nport ?\n", questions, command=command).lines
    ]


def test_a_batch_of_searches(home: Path, questions: Path) -> None:
    ran = batch(home, 'licence\n{"text": "port", "id": "b"}\n', questions, "-k", "2", command="search")
    assert (ran.code, [list(line) for line in ran.lines]) == (0, [["query", "passages", "id"]] * 2)
    assert [(line["query"], line["id"], len(line["passages"])) for line in ran.lines] == [
        ("licence", "", 2), ("port", "b", 2),
    ]  # fmt: skip


def test_blank_lines_are_left_out(home: Path, questions: Path) -> None:
    ran = batch(home, "\n\nlicence ?\r\n   \n\t\nport ?", questions)
    assert [line["question"] for line in ran.lines] == ["licence ?", "port ?"]


def test_a_byte_order_mark_and_bytes_that_are_no_text_do_no_harm(home: Path, questions: Path) -> None:
    ran = batch(home, b'\xef\xbb\xbf{"text": "licence ?"}\nport \xff ?\n', questions)
    assert [line["question"] for line in ran.lines] == ["licence ?", "port \ufffd ?"]


def test_a_dash_reads_standard_input(home: Path) -> None:
    ran = run(*CHEAP, *NEVER, "ask", "--batch", "-", home=home, stdin="licence ?\nport ?\n")
    assert (ran.code, len(ran.lines)) == (0, 2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": ', "not valid JSON"),
        ("{text: 1}", "not valid JSON"),
        ("{" * 100_000, "not valid JSON"),
        ('{"answer": "no"}', "no `text` or `question`"),
        ('{"text": 5}', "no `text` or `question`"),
    ],
)
def test_a_bad_line_is_reported_in_its_place_with_its_number(
    home: Path, questions: Path, line: str, reason: str
) -> None:
    ran = batch(home, f"licence ?\n\n{line}\nport ?\n", questions)
    assert (ran.code, ran.err) == (1, "")
    first, failed, last = ran.lines
    assert (first["question"], last["question"]) == ("licence ?", "port ?")
    assert list(failed) == FAILURE
    assert (failed["question"], failed["line"], failed["id"]) == (line.strip()[:200], 3, "")
    assert reason in failed["error"]
    assert failed["hint"]


def test_a_record_without_a_question_keeps_its_id(home: Path, questions: Path) -> None:
    (failed,) = batch(home, '{"_id": 7, "answer": "no"}\n', questions).lines
    assert (failed["id"], failed["line"]) == ("7", 1)


def test_a_question_that_is_too_long_is_reported_in_its_place(home: Path, questions: Path) -> None:
    long = "port " * 2000
    ran = batch(home, f'licence ?\n{{"text": "{long}", "id": "long"}}\nport ?\n', questions)
    first, failed, last = ran.lines
    assert (ran.code, ran.err) == (1, "")
    assert (first["question"], last["question"]) == ("licence ?", "port ?")
    assert list(failed) == FAILURE
    assert (failed["id"], failed["line"], failed["question"]) == ("long", 2, long[:200])
    assert failed["error"].startswith("The question is 9,999 characters long")


def test_an_empty_question_of_a_record_is_reported_in_its_place(home: Path, questions: Path) -> None:
    ran = batch(home, '{"text": " ", "id": 1}\nport ?\n', questions)
    assert [line.get("error") for line in ran.lines] == ["The question is empty.", None]


def test_the_exit_code_is_1_after_a_failure_and_3_when_nothing_was_answered(home: Path, questions: Path) -> None:
    assert batch(home, "licence ?\nport ?\n", questions, settings=ALWAYS).code == 3
    assert batch(home, '{"text": " "}\n', questions).code == 1
    assert batch(home, '{"text": " "}\nlicence ?\n', questions).code == 1
    assert batch(home, '{"text": " "}\nlicence ?\n', questions, settings=ALWAYS).code == 1
    assert batch(home, "licence\nport\n", questions, "-f", "team=nobody", command="search").code == 3


@pytest.mark.parametrize("text", ["", "\n  \n\t\n", b"\xef\xbb\xbf\n"])
def test_a_batch_without_a_question_is_an_error(home: Path, questions: Path, text: str | bytes) -> None:
    ran = batch(home, text, questions)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"dyag: {questions} holds no question.\n")
    piped = run(*CHEAP, "ask", "--batch", "-", home=home, stdin=text)
    assert (piped.code, piped.err.startswith("dyag: Standard input holds no question.\n")) == (1, True)


def test_options_hold_for_every_question(home: Path, questions: Path) -> None:
    ran = batch(home, "licence\nport\n", questions, "--filter", "team=messaging")
    assert [{p["document"] for p in line["passages"]} for line in ran.lines] == [{"docs/en-nats.md"}] * 2
    wrong = batch(home, "licence\n", questions, "--filter", "colour=red")
    assert (wrong.code, wrong.out) == (1, "")


@pytest.mark.parametrize(("name", "reason"), [("nowhere", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_one_error(home: Path, tmp_path: Path, name: str, reason: str) -> None:
    ran = run(*CHEAP, "ask", "--batch", tmp_path / name, home=home)
    assert ran == (
        1, "", f"dyag: {tmp_path / name} cannot be read: {reason}.\nGive a file of questions, one a line.\n",
    )  # fmt: skip


def test_a_question_and_a_batch_are_one_too_many(home: Path, questions: Path) -> None:
    ran = batch(home, "licence ?\n", questions, "and a question")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("dyag: Give either a question or --batch, not both.\n")


def test_without_an_index_nothing_is_answered_and_the_command_is_named(tmp_path: Path, questions: Path) -> None:
    ran = batch(tmp_path / "new", "licence ?\nport ?\n", questions)
    assert (ran.code, ran.out) == (1, "")
    assert "Run `dyag index PATH`" in ran.err


def test_it_reads_a_pipe_in_a_process_of_its_own(home: Path, process) -> None:
    ran = process("search", "--batch", "-", home=home, stdin="licence\n\nport\n", **CHEAP_ENVIRON)
    assert (ran.code, ran.err, len(ran.out.splitlines())) == (0, "", 2)
