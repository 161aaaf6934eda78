"""`dyag search`: passages and their scores, filters, and a closed reader."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import CHEAP_ENVIRON, Ran, indexed_sheets, run

PASSAGE = ["chunk_id", "document", "external_id", "title", "text", "score", "dense", "lexical"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("search"), cheap=True)


def search(home: Path, *argv: str | Path, stdin: str | bytes = "") -> Ran:
    return run("search", *argv, home=home, stdin=stdin, cheap=True)


def documents(ran: Ran) -> set[str]:
    return {Path(passage["document"]).name for passage in ran.json["passages"]}


def test_json_has_the_query_and_each_passage_with_its_scores(home: Path) -> None:
    ran = search(home, "forge logicielle", "--json")
    assert (ran.code, ran.err) == (0, "")
    # `id` is that of a question in a batch.
    assert list(ran.json) == ["query", "passages", "id"]
    assert (ran.json["query"], len(ran.json["passages"])) == ("forge logicielle", 6)
    assert all(list(passage) == PASSAGE for passage in ran.json["passages"])
    best = ran.json["passages"][0]
    assert (best["document"], best["title"], best["external_id"]) == ("docs/fr-gitea.md", "Gitea", "")
    assert best["text"].startswith("# Gitea\n\nGitea est une forge")
    scores = [passage["score"] for passage in ran.json["passages"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert best["lexical"] > 0


def test_the_printed_passages_are_numbered_with_scores_and_source(home: Path) -> None:
    ran = search(home, "cantine", "--top-k", "2")
    assert (ran.code, ran.err) == (0, "")
    first, second = ran.out.rstrip().split("\n\n")
    heading, source, text = first.splitlines()
    assert heading.startswith("1. Cantine  [chunk_")
    assert " dense " in heading
    assert " lexical " in heading
    assert source == "   docs/rows.jsonl  (faq-7)"
    assert text == "   La cantine du siège ouvre à midi et ferme à quatorze heures."
    assert second.startswith("2. ")


def test_the_external_id_is_the_one_of_the_record(home: Path) -> None:
    found = {p["external_id"]: p["title"] for p in search(home, "car park cantine", "--json").json["passages"]}
    assert {id: title for id, title in found.items() if id} == {"faq-7": "Cantine", "d9": "Car park"}


def test_a_dash_reads_standard_input(home: Path) -> None:
    ran = search(home, "-", "--json", stdin="forge\nlogicielle\n")
    assert ran.json["query"] == "forge logicielle"
    assert documents(ran) >= {"fr-gitea.md"}


@pytest.mark.parametrize("count", [1, 3])
def test_top_k_is_how_many(home: Path, count: int) -> None:
    assert len(search(home, "licence", "--top-k", str(count), "--json").json["passages"]) == count
    assert len(search(home, "licence", "-k", str(count), "--json").json["passages"]) == count


@pytest.mark.parametrize("count", ["0", "201", "many", "-1", "1.5"])
def test_top_k_out_of_range_is_a_usage_error(home: Path, count: str) -> None:
    ran = search(home, "licence", "--top-k", count)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("dyag: Invalid value for '--top-k'")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["team=messaging"], {"en-nats.md"}),
        (["TEAM=Siege"], {"rows.jsonl"}),
        (["creator=Derek Collison", "team=messaging"], {"en-nats.md"}),
        (["language=fr"], {"fr-gitea.md", "fr-redis.md", "rows.jsonl"}),
    ],
)
def test_a_filter_keeps_the_documents_whose_metadata_says_so(
    home: Path, filters: list[str], expected: set[str]
) -> None:
    options = [word for text in filters for word in ("--filter", text)]
    assert documents(search(home, "port", *options, "--json")) == expected


def test_a_filter_that_no_document_meets_finds_nothing(home: Path) -> None:
    for filters in (["team=nobody"], ["team=messaging", "team=siège", "creator=nobody"]):
        ran = search(home, "port", *(word for text in filters for word in ("-f", text)))
        assert ran == (3, "", "Nothing matches.\n")
    assert search(home, "port", "-f", "team=nobody", "--json").json["passages"] == []


def test_an_unknown_key_is_an_error_that_lists_the_keys(home: Path) -> None:
    ran = search(home, "port", "--filter", "colour=red")
    assert (ran.code, ran.out) == (1, "")
    message, hint = ran.err.splitlines()
    assert message == "dyag: No document has a `colour` in its metadata."
    assert {"client_port", "creator", "team"} <= set(hint.removesuffix(".").split(": ")[1].split(", "))


@pytest.mark.parametrize("text", ["team", "=messaging", " ="])
def test_a_filter_of_another_form_is_named_with_an_example(home: Path, text: str) -> None:
    ran = search(home, "port", "--filter", text)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"dyag: --filter {text}: not of the form key=value.\nFor instance --filter language=fr.\n"


def test_an_unknown_language_is_a_usage_error(home: Path) -> None:
    ran = search(home, "port", "--language", "de")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "dyag: Invalid value for '--language': 'de' is not one of 'auto', 'fr', 'en'.\nSee `dyag search --help`.\n"
    )


def test_the_language_chooses_the_analysis(home: Path) -> None:
    # "closing" has the stem of "closes" in English only.
    lexical = {}
    for language in ("fr", "en"):
        passages = search(home, "closing", "--language", language, "--json").json["passages"]
        lexical[language] = next(p["lexical"] for p in passages if p["external_id"] == "d9")
    assert lexical["en"] > 0
    assert lexical["fr"] == 0


@pytest.mark.parametrize("question", ["", "   ", "\n\t"])
def test_an_empty_question_is_an_error_that_shows_one(home: Path, question: str) -> None:
    for ran in (search(home, question), search(home, "-", stdin=question)):
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("dyag: The question is empty.\nAsk something: dyag ask ")


def test_a_reader_that_leaves_early_is_no_error(home: Path, tmp_path: Path) -> None:
    """`dyag search --batch … | head -1`: each result is more than the pipe can take in time."""
    questions = tmp_path / "questions.txt"
    questions.write_text("licence\n" * 500)
    command = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home), "search", "--batch", str(questions)]
    with subprocess.Popen(
        command, env={**os.environ, **CHEAP_ENVIRON}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"query": "licence"')
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 0)
