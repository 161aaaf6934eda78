"""`dyag ask`: an answer with its citations, as text and as JSON, and every way it can end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import CHEAP, STEERING, Ran, indexed_sheets, run
from workspace import write

from assistant import cli

ASKED = ["question", "answer", "refused", "citations", "passages", "mode", "generator", "seconds"]
CITATION = ["chunk_id", "document", "external_id", "supported"]
PASSAGE = ["chunk_id", "document", "external_id", "title", "text", "score", "dense", "lexical"]
NEVER = ("--set", "answer.refuse_below=0")
ALWAYS = ("--set", "answer.refuse_below=1")
PORT = "Quel port écoute Gitea ?"
EVIL = (
    "# Evil \x1b]52;c;aGVsbG8=\x07 sheet\n\nThe \u202eevil\u202c sheet is \x9b31mred\x9b0m, \x1b]0;title\x07 loud\x07 "
    "and \u2066long\u2069.\n\nColour : \x1b[31mred\x1b[0m\u200b\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ask")
    write(home / "docs" / "ev\x1b[31mil.md", EVIL)
    return indexed_sheets(home)


def ask(home: Path, *argv: str, stdin: str | bytes = "", options: tuple[str, ...] = ()) -> Ran:
    return run(*options, "ask", *argv, home=home, stdin=stdin)


def cited(answer: Any) -> set[str]:
    return {Path(citation["document"]).name for citation in answer["citations"]}


def test_an_answer_is_printed_with_what_it_cites(home: Path) -> None:
    ran = ask(home, PORT)
    assert (ran.code, ran.err) == (0, "")
    answer, sources = ran.out.rstrip("\n").split("\n\n")
    match = re.fullmatch(r"Gitea — Port : 3000 \[(chunk_\d+)\]", answer)
    assert match
    assert sources == f"[{match[1]}] Gitea  docs/fr-gitea.md"


def test_json_has_the_answer_its_citations_and_its_passages(home: Path) -> None:
    ran = ask(home, PORT, "--json")
    answer = ran.json
    assert (ran.code, ran.err) == (0, "")
    # `id` is that of a question in a batch.
    assert list(answer) == [*ASKED, "confidence", "id", "searched", "dropped", "partial", "interaction"]
    assert (answer["question"], answer["refused"]) == (PORT, False)
    assert (answer["mode"], answer["generator"]) == ("rag", "extractive")
    assert answer["seconds"] > 0
    assert all(list(citation) == CITATION for citation in answer["citations"])
    assert all(list(passage) == PASSAGE for passage in answer["passages"])
    assert "3000" in answer["answer"]
    assert [(c["document"], c["supported"]) for c in answer["citations"]] == [("docs/fr-gitea.md", True)]
    tags = {int(number) for number in re.findall(r"\[chunk_(\d+)\]", answer["answer"])}
    assert tags == {c["chunk_id"] for c in answer["citations"]}
    assert tags <= {p["chunk_id"] for p in answer["passages"]}


@pytest.mark.parametrize(
    ("question", "gold", "document", "external_id"),
    [
        ("Who created NATS?", "Derek Collison", "en-nats.md", ""),
        ("Which port does Squid use?", "3128", "en-squid.md", ""),
        ("Quel est le créateur de Redis ?", "Salvatore Sanfilippo", "fr-redis.md", ""),
        ("À quelle heure ouvre la cantine du siège ?", "midi", "rows.jsonl", "faq-7"),
        ("When does the car park of the north building close?", "ten", "rows.jsonl", "d9"),
    ],
)
def test_the_answer_cites_the_document_that_holds_it(
    home: Path, question: str, gold: str, document: str, external_id: str
) -> None:
    ran = ask(home, question, "--json", options=NEVER)
    assert (ran.code, gold in ran.json["answer"]) == (0, True)
    first = ran.json["citations"][0]
    assert (Path(first["document"]).name, first["external_id"]) == (document, external_id)


@pytest.mark.parametrize(
    "question", [PORT, "Who created NATS?", "Comment sauvegarder Gitea ?", "history of Squid", "Quelles licences ?"]
)
def test_nothing_is_said_without_a_citation(home: Path, question: str) -> None:
    answer = ask(home, question, "--json", options=NEVER).json["answer"]
    stated = [line for line in answer.splitlines() if line and not line.endswith(":")]
    assert stated
    assert [line for line in stated if not re.fullmatch(r"(?:[^\[\]]+ \[chunk_\d+\] ?)+", line)] == []


def test_a_dash_reads_the_question_from_standard_input(home: Path) -> None:
    ran = ask(home, "-", "--json", stdin=f"  {PORT}\n\n")
    assert (ran.json["question"], cited(ran.json)) == (PORT, {"fr-gitea.md"})


def test_what_is_not_in_the_documents_is_refused_with_exit_code_3(home: Path) -> None:
    ran = ask(home, "Quel est le prix de l'essence à Lisbonne ?")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.startswith("Je ne trouve pas la réponse dans les documents. Les plus proches : ")
    assert len(re.findall(r"\[chunk_\d+\]", ran.out)) == 3
    assert len(ran.out.splitlines()) == 1


def test_a_refusal_claims_nothing(home: Path) -> None:
    ran = ask(home, "What is the price of fuel in Lisbon?", "--json")
    assert (ran.code, ran.json["refused"], ran.json["citations"]) == (3, True, [])
    assert ran.json["answer"].startswith("I can't find the answer in the documents. The nearest are: ")
    assert len(ran.json["passages"]) == 7


def test_the_threshold_of_the_refusal_is_a_setting(home: Path) -> None:
    assert ask(home, PORT, options=ALWAYS).code == 3
    assert ask(home, PORT, options=NEVER).code == 0


def test_the_language_can_be_chosen(home: Path) -> None:
    assert ask(home, "port Gitea", "--language", "fr", options=ALWAYS).out.startswith("Je ne trouve")
    assert ask(home, "port Gitea", "--language", "en", options=ALWAYS).out.startswith("I can't find")
    setting = ("--set", "answer.language=en")
    assert ask(home, "Le port ?", options=(*ALWAYS, *setting)).out.startswith("I can't find")
    assert ask(home, "What port?", "--language", "fr", options=(*ALWAYS, *setting)).out.startswith("Je ne trouve")


def test_a_filter_leaves_the_other_documents_out(home: Path) -> None:
    ran = ask(home, "port", "--filter", "team=messaging", "--json", options=NEVER)
    assert {Path(p["document"]).name for p in ran.json["passages"]} == {"en-nats.md"}
    nothing = ask(home, "port", "--filter", "team=nobody", "--language", "en")
    assert nothing == (3, "I find nothing about this in the documents.\n", "")


def test_a_filter_that_is_wrong_is_said_and_nothing_is_answered(home: Path) -> None:
    for text in ("team", "colour=red"):
        ran = ask(home, PORT, "--filter", text)
        assert (ran.code != 0, ran.out, ran.err.startswith("dyag: ")) == (True, "", True)


def test_top_k_limits_the_passages(home: Path) -> None:
    assert len(ask(home, "licence", "--top-k", "2", "--json", options=ALWAYS).json["passages"]) == 2
    assert ask(home, "licence", "--top-k", "0").code == 2


@pytest.mark.parametrize("question", ["", " \n "])
def test_an_empty_question_is_an_error(home: Path, question: str) -> None:
    for ran in (ask(home, question), ask(home, "-", stdin=question)):
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("dyag: The question is empty.\n")


def test_a_question_of_100_kb_is_an_error_that_gives_the_limit(home: Path) -> None:
    long = "port " * 20_000
    for ran in (ask(home, long), ask(home, "-", stdin=long)):
        assert (ran.code, ran.out) == (1, "")
        message, hint = ran.err.splitlines()
        assert message == "dyag: The question is 99,999 characters long; at most 8,000 are searched."
        assert "dyag index FILE" in hint


def test_without_an_index_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    for options in ((), ("--json",)):
        ran = ask(tmp_path, PORT, *options)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == (
            f"dyag: Nothing has been indexed in {tmp_path} yet.\n"
            "Run `dyag index PATH` on your documents, or name another workspace with --home.\n"
        )
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_another_embedder_is_not_searched(home: Path) -> None:
    ran = ask(home, PORT, options=CHEAP)
    assert (ran.code, ran.out) == (1, "")
    message, hint = ran.err.splitlines()
    assert "all-MiniLM-L6-v2" in message
    assert "langchain:words:HashEmbeddings is configured" in message
    assert "Run `dyag index`" in hint


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_control_characters_of_documents_and_questions_never_come_out(home: Path, options: tuple[str, ...]) -> None:
    question = "What colour is the evil \x1b]52;c;aGVsbG8=\x07 \x9b31m\u202esheet?"
    for command in ("ask", "search"):
        ran = run(*NEVER, command, question, *options, home=home)
        assert ran.code == 0
        assert STEERING.search(ran.out + ran.err) is None
        assert "aGVsbG8" in ran.out if options else "aGVsbG8" not in ran.out
        assert "red" in ran.out


def test_ctrl_c_while_the_command_line_is_read_ends_with_130(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(text: str) -> tuple[str, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_override", interrupted)
    assert ask(home, PORT, options=NEVER) == (130, "", "dyag: interrupted\n")


def test_ctrl_c_ends_with_130_and_one_line(home: Path) -> None:
    command = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home), "ask", "--batch", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{PORT}\n".encode())
        process.stdin.flush()
        assert b"3000" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"dyag: interrupted\n")
