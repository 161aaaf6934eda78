"""`dyag gen-dataset` with a teacher, from feedback, and in the chat, where a model is agreed to before a job begins."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from chatting import app_at, converse
from commands import CHEAP, Ran, cheap_sheets
from fake_provider import KEY
from fake_teacher import FakeTeacher
from turns import answer, opened

from assistant.feedback.heldout import content_words, held_out
from assistant.jobs.jobs import Jobs
from assistant.journal.jobs import Job
from retrieval.types import Message, Passage

Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[FakeTeacher]:
    with FakeTeacher() as running:
        yield running


@pytest.fixture
def alphas(tmp_path: Path) -> Path:
    folder = tmp_path / "alphas"
    folder.mkdir()
    for n in range(1, 41):
        text = f"# Alpha{n}\n\nAlpha{n} listens on port {1000 + n}. It was written in {1900 + n} for the Beta team of room {n}.\n"
        (folder / f"alpha{n:02}.md").write_text(text)
    return folder


def rows(folder: Path, split: str) -> list[dict[str, Any]]:
    path = folder / f"x_{split}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# a teacher -------------------------------------------------------------------------------------------------------------


def teach(dyag: Run, home: Path, server: FakeTeacher, docs: Path, folder: Path, *more: str) -> Ran:
    teacher = f"openai:m@{server.url}/v1"
    argv = (
        "gen-dataset",
        docs,
        "--method",
        "llm-based",
        "--teacher",
        teacher,
        "--count",
        "20",
        "-o",
        folder / "x.jsonl",
        "--yes",
    )
    return dyag(*CHEAP, *argv, *more, home=home)


def test_a_teachers_rows_are_checked_split_and_counted(
    dyag: Run, tmp_path: Path, server: FakeTeacher, alphas: Path
) -> None:
    ran = teach(dyag, tmp_path, server, alphas, tmp_path / "out")
    assert ran.code == 0, ran.err
    assert "about" in ran.err
    assert KEY not in ran.err + ran.out
    found = {split: rows(tmp_path / "out", split) for split in ("train", "val", "test")}
    assert {split: len(found[split]) for split in found} == {"train": 16, "val": 2, "test": 2}
    documents = {s: {d for r in found[s] for d in r["metadata"]["documents"]} for s in found}
    assert not documents["train"] & (documents["val"] | documents["test"])
    for row in (row for split in found.values() for row in split):
        assert row["metadata"]["method"] == "llm-based"
        if row["metadata"]["answerable"]:
            assert f"[{row['metadata']['gold'][0]}]" in row["messages"][-1]["content"]


def test_again_and_with_other_workers_it_costs_nothing_and_gives_the_same_bytes(
    dyag: Run, tmp_path: Path, server: FakeTeacher, alphas: Path
) -> None:
    assert teach(dyag, tmp_path, server, alphas, tmp_path / "a", "--workers", "1").code == 0
    paid = len(server.prompts)
    assert paid == len(set(server.prompts))
    assert teach(dyag, tmp_path, server, alphas, tmp_path / "b", "--workers", "8").code == 0
    assert len(server.prompts) == paid
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_paraphrases_of_a_teacher_that_writes_none_leave_those_by_rules(
    dyag: Run, tmp_path: Path, server: FakeTeacher
) -> None:
    sheets = cheap_sheets(tmp_path / "sheets")
    argv = (
        "--method",
        "augmented",
        "--teacher",
        f"openai:m@{server.url}/v1",
        "--yes",
        "--count",
        "50",
        "-o",
        tmp_path / "out" / "x.jsonl",
    )
    ran = dyag(*CHEAP, "gen-dataset", sheets, *argv, home=tmp_path)
    assert ran.code == 0, ran.err
    found = rows(tmp_path / "out", "train")
    assert len(found) == 40
    assert {row["metadata"]["method"] for row in found} == {"rule-based", "augmented"}
    assert "not a list of questions" in json.dumps(
        json.loads((tmp_path / "out" / "x.manifest.json").read_text())["drops"]
    )


def test_without_a_terminal_a_paid_model_needs_yes(dyag: Run, tmp_path: Path, alphas: Path) -> None:
    argv = ("--method", "llm-based", "--teacher", "openai:gpt-4o-mini", "-o", tmp_path / "x.jsonl")
    ran = dyag(*CHEAP, "gen-dataset", alphas, *argv, home=tmp_path)
    assert ran.code == 2
    assert "cost: about $" in ran.err
    assert "Add --yes" in ran.err
    assert not list(tmp_path.glob("x*"))


# feedback --------------------------------------------------------------------------------------------------------------

TOOLS = [f"Outil{n}" for n in range(60)]


@pytest.fixture
def corrected(tmp_path: Path) -> Path:
    """A workspace with an approved correction for each of sixty questions, each about a document of its own."""
    with opened(tmp_path / "data" / "journal.sqlite3") as journal:
        for n, tool in enumerate(TOOLS):
            chunk = 100 + n
            found = Passage(
                chunk, f"docs/{tool}.md", "", tool, (), f"L'équipe {n} maintient {tool}.", 0.9, 0.7, 8.0, chunk
            )
            asked = f"Qui maintient {tool} ?"
            sent = (Message("system", "Réponds."), Message("user", f"chunk_{chunk} {found.text}\n\n{asked}"))
            said = answer(
                asked, f"On ne le sait pas pour {tool} [chunk_{chunk}].", passages=(found,), citations=(), messages=sent
            )
            number = journal.record(journal.new_session(), said, {}, "ana")
            journal.rate(number, "ana", "good" if n % 3 else "bad")
            journal.correct(number, "ana", f"L'équipe {n} maintient {tool} [chunk_{chunk}].")
            journal.review(number, "ana", "approved", "bob")
    return tmp_path


def questions(found: Sequence[dict[str, Any]]) -> set[str]:
    said = [row.get("messages") or row["prompt"] for row in found]
    return {next(tool for tool in TOOLS if f"{tool} ?" in messages[-1 if "prompt" in row else -2]["content"])
            for row, messages in zip(found, said, strict=True)}  # fmt: skip


@pytest.mark.parametrize(("form", "keys"), [
    ("sft", {"messages"}), ("dpo", {"prompt", "chosen", "rejected"}), ("kto", {"prompt", "completion", "label"}),
])  # fmt: skip
def test_feedback_becomes_files_without_what_tests(dyag: Run, corrected: Path, form: str, keys: set[str]) -> None:
    ran = dyag("gen-dataset", "--from", "feedback", "--as", form, "-o", corrected / "x.jsonl", home=corrected)
    assert ran.code == 0, ran.err
    found = [row for split in ("train", "val", "test") for row in rows(corrected, split)]
    assert all(set(row) == {*keys, "metadata"} for row in found)
    kept = {tool for tool in TOOLS if held_out(content_words(f"Qui maintient {tool} ?"))}
    assert kept, "some of sixty are held out"
    assert questions(found) == set(TOOLS) - kept
    cases = [json.loads(line) for line in (corrected / "data/finetuning/regression.jsonl").read_text().splitlines()]
    assert {case["question"] for case in cases} == {f"Qui maintient {tool} ?" for tool in kept}
    assert f"{len(kept)} in" in ran.out


def test_rows_about_one_document_stay_together(dyag: Run, corrected: Path) -> None:
    dyag("gen-dataset", "--from", "feedback", "-o", corrected / "x.jsonl", home=corrected)
    splits = [{d for row in rows(corrected, s) for d in row["metadata"]["documents"]} for s in ("train", "val", "test")]
    assert splits[0]
    assert not splits[0] & (splits[1] | splits[2])


def test_no_feedback_is_one_clear_error(dyag: Run, tmp_path: Path) -> None:
    ran = dyag("gen-dataset", "--from", "feedback", home=tmp_path)
    assert ran.code == 1
    assert "/good" in ran.err


def test_documents_do_not_train_on_what_a_correction_tests(dyag: Run, corrected: Path) -> None:
    folder = corrected / "docs"
    folder.mkdir()
    for n, tool in enumerate(TOOLS):
        (folder / f"{tool}.md").write_text(
            f"# {tool}\n\nMainteneur : Equipe{n}\n\nLicence : L{n}\n\nCet outil est pour les agents de la salle {n}.\n"
        )
    argv = ("--count", "500", "--types", "who", "-o", corrected / "y.jsonl")
    ran = dyag(*CHEAP, "gen-dataset", folder, *argv, home=corrected)
    assert ran.code == 0
    asked = {
        json.loads(line)["messages"][1]["content"] for line in (corrected / "y_train.jsonl").read_text().splitlines()
    }
    kept = {tool for tool in TOOLS if held_out(content_words(f"Qui maintient {tool} ?"))}
    assert not {f"Qui maintient {tool} ?" for tool in kept} & asked
    manifest = json.loads((corrected / "y.manifest.json").read_text())
    assert manifest["drops"]["it asks what a regression test asks"] >= 1


# the chat --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The command lines of jobs that would have begun."""
    lines: list[Sequence[str]] = []

    def start(jobs: Jobs, line: str, words: Sequence[str]) -> Job:
        lines.append(words)
        return Job(len(lines), tuple(words), line, ".", {}, "", "done", 0.0)

    monkeypatch.setattr(Jobs, "start", start)
    return lines


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def types(text: str) -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys.stdin, "readline", lambda: text, raising=False)

    return types


def chat(home: Path, line: str) -> str:
    import io

    return converse(home, line, app=app_at(home, io.StringIO(), index__embedder="langchain:words:HashEmbeddings"))


def test_rules_need_no_question(tmp_path: Path, alphas: Path, begun: list[Sequence[str]]) -> None:
    assert "Job 1 has begun" in chat(tmp_path, f"/gen-dataset {alphas} --count 10")
    assert list(begun[0]) == ["gen-dataset", str(alphas), "--count", "10"]


@pytest.mark.parametrize(("said", "agreed"), [("y\n", True), ("oui\n", True), ("n\n", False), ("", False)])
def test_a_model_is_agreed_to_before_the_job_begins(
    tmp_path: Path, alphas: Path, begun: list[Sequence[str]], typed: Callable[[str], None], said: str, agreed: bool
) -> None:
    typed(said)
    shown = chat(tmp_path, f"/gen-dataset {alphas} --method llm-based --teacher openai:gpt-4o-mini --count 10")
    assert "cost: about $" in shown
    assert bool(begun) == agreed
    if agreed:
        assert begun[0][-1] == "--yes"
    else:
        assert "nothing was written" in shown
