"""What measuring commands show: which command goes on, what was made for what, a verdict in lines, and what fits a terminal."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from chatting import app_at, converse
from commands import CHEAP, Ran, indexed_sheets, run
from evaluated import cases, evaluation, mixed, right
from runs import trained_home

from assistant.app import App
from assistant.command import slashed
from assistant.commands.evaluate import EvalList, EvalRow
from assistant.evaluating import evaluations
from assistant.journal.jobs import Job
from assistant.render import render
from assistant.screen import Screen
from eval.gate import verdict
from eval.types import Case, Identity, Response
from eval.verdict import Rules
from finetune.runs.store import Runs

A = "20261104-153012-a1f3"
SETTINGS = shlex.join(CHEAP)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal of 80 columns without styles; both streams are one transcript."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 24)))
    both = Terminal()
    return Screen(both, both, {"NO_COLOR": "1"})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_home(indexed_sheets(tmp_path_factory.mktemp("shown"), cheap=True), ids=(A,), context=2048)


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = shutil.copytree(made, tmp_path / "home")
    monkeypatch.chdir(home)
    rows = [{"id": f"q{n}", "question": f"Quel port écoute le service {n} ?", "answers": [f"N{n}"]} for n in range(8)]
    (home / "cases.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return home


def dyag(home: Path, *argv: str) -> Ran:
    return run(*argv, home=home, cheap=True)


def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after three cases."""

    def evaluate(
        cases: Sequence[Case], answer: Any, log: Path, workers: int, progress: Callable[..., None], *_: Any, **__: Any
    ) -> None:
        progress(0, len(cases))
        progress(3, len(cases))
        raise KeyboardInterrupt

    monkeypatch.setattr("eval.run.evaluate", evaluate)


# which command goes on ------------------------------------------------------------------------------------------------


def test_a_promotion_that_is_stopped_names_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(monkeypatch)
    ran = dyag(home, "promote", A, "--cases", "cases.jsonl", "--note", "as asked")
    assert ran.code == 130
    line = f"dyag {SETTINGS} promote {A} --cases cases.jsonl --note 'as asked'"
    assert f"Stopped after 3 of 8 cases; what was answered is kept. Go on with: {line}\n" in ran.err
    assert " eval " not in ran.err
    (row,) = dyag(home, "eval", "list", "--json").json["evaluations"]
    assert (row["made_for"], row["command"]) == (line, line)
    listed = dyag(home, "eval", "list").out
    assert f"it goes on with: {line}" in listed
    assert line in dyag(home, "eval", "show", row["id"]).err
    assert App(app_at(home, io.StringIO()).home, {}).on_its_way == ""


def test_comparing_two_models_that_is_stopped_names_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(monkeypatch)
    line = "compare-models --model1 fake: --model2 fake:x --test cases.jsonl --mode rag --limit 4"
    ran = dyag(home, *line.split())
    assert f"Go on with: dyag {SETTINGS} {line}\n" in ran.err
    ran = dyag(home, "eval", "cases.jsonl", "--model", "fake:", "--mode", "rag")
    assert f"Go on with: dyag {SETTINGS} eval cases.jsonl --mode rag --model fake:\n" in ran.err


def test_messages_in_the_chat_name_commands_with_a_slash(home: Path) -> None:
    said = converse(home, "/eval list")
    assert "`/eval CASES` does" in said
    assert "dyag eval" not in said


# the list and what is deleted from it ---------------------------------------------------------------------------------


def measured(home: Path, name: str, **more: str) -> str:
    """A finished evaluation in the workspace; returns its id."""
    store = evaluations(app_at(home, io.StringIO()))
    one = evaluation(name, right, cases(6, 6))
    with store.working(replace(one.identity, **more), name, resume=False) as kept:
        kept.write(replace(one, identity=kept.identity))
    return kept.identity.id


def test_the_list_tells_a_base_from_a_run_in_80_columns(screen: Screen) -> None:
    models = ("hf:/home/ana/documents/assistant/models/bases/mini", f"run:{A}", f"run:{A[:-4]}b2f4")
    ids = [f"eval_20261104_10150{n}_a1f3" for n in range(3)]
    rows = [
        EvalRow(id, "2026-11-04", "hybrid", model, "/data/cases/dataset_test.jsonl", 210, "done", 0.5, "dyag eval", made_for)
        for id, model, made_for in zip(ids, models, ("dyag --set model.seed=7 promote latest", "dyag promote latest", ""), strict=True)
    ]  # fmt: skip
    render(EvalList(tuple(rows)), screen)
    lines = screen.stdout.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 80
    assert [id in line for id, line in zip(ids, lines[1:], strict=True)] == [True] * 3
    shown = [line[27:] for line in lines[1:]]
    assert "mini" in shown[0]
    assert "-a1f3" in shown[1]
    assert "-b2f4" in shown[2]
    assert [line.rsplit("  ", 1)[-1] for line in shown] == ["promote", "promote", "50.0%"]


def test_an_evaluation_is_deleted_unless_a_verdict_rests_on_it(home: Path) -> None:
    first, second, other = (measured(home, name) for name in ("a", "b", "c"))
    run_ = Runs(home / "models").find(A)
    told = verdict(evaluation("a", mixed(2), cases(480, 120)), evaluation("b", right, cases(480, 120)), Rules())
    run_.folder.keep_verdict(
        {**asdict(replace(told, before=first, after=second)), "cases": "x", "compared_with": "base", "forgetting": ""}
    )
    ran = dyag(home, "eval", "delete", other, "--json")
    assert (ran.code, ran.json["id"]) == (0, other)
    assert not (home / "data" / "evaluations" / other).exists()
    for id in (first, second):
        ran = dyag(home, "eval", "delete", id)
        assert (ran.code, f"The verdict on the run {A} rests on {id}" in ran.err) == (1, True)
        assert f"dyag eval delete {id} --force" in ran.err
    assert dyag(home, "eval", "delete", second[-4:], "--force").out.startswith(f"Deleted: {second}")
    assert [row["id"] for row in dyag(home, "eval", "list", "--json").json["evaluations"]] == [first]
    assert dyag(home, "eval", "delete", "nothing").code == 1
    assert dyag(home, "eval", "delete").code == 2
    assert "gate: passed" in dyag(home, "runs", "show", A).out


def test_an_evaluation_that_is_running_is_not_deleted(home: Path) -> None:
    store = evaluations(app_at(home, io.StringIO()))
    identity = Identity("", "", "rag", "extractive", "cases.jsonl", "0", 8)
    with store.working(identity, "key", resume=False) as kept:
        ran = dyag(home, "eval", "delete", kept.identity.id, "--force")
        assert (ran.code, "is running" in ran.err) == (1, True)
    assert dyag(home, "eval", "delete", kept.identity.id).code == 0


# a verdict, and the general suite -------------------------------------------------------------------------------------


def test_a_verdict_is_a_line_for_each_check(home: Path) -> None:
    told = verdict(evaluation("a", right, cases(480, 120)), evaluation("b", mixed(3), cases(480, 120)), Rules())
    kept = {**asdict(told), "cases": "data/test.jsonl", "compared_with": "base, as it came", "forgetting": ""}
    Runs(home / "models").find(A).folder.keep_verdict(kept)
    lines = dyag(home, "runs", "show", A).out.splitlines()
    begin = lines.index("gate: refused")
    assert lines[begin + 1] == "against base, as it came, on data/test.jsonl"
    assert lines[begin + 2].split()[:3] == ["check", "before", "after"]
    checks = {line.split()[0]: line for line in lines[begin + 3 : begin + 3 + len(told.checks)]}
    assert list(checks) == [check.metric for check in told.checks]
    assert re.search(r"100\.0% +\d+\.\d% +−\d+\.\d to −\d+\.\d pts +not ok$", checks["success"])
    assert re.search(r"\d s +\d.* s +\d+\.\d\d to \d+\.\d\d times +ok$", checks["latency"])
    failed = [check.reason for check in told.checks if not check.passed]
    assert failed
    assert all(reason in lines for reason in failed)


def test_the_general_suite_is_right_as_the_gate_counts_it(tmp_path: Path) -> None:
    from eval.forgetting import forgotten
    from eval.general import general_cases
    from eval.metrics import summary
    from eval.run import evaluate
    from eval.types import Evaluation

    def refuses(case: Case) -> Response:
        return Response("inconnu" if case.language == "fr" else "unknown", seconds=0.1)

    suite = general_cases()
    scored = evaluate(suite, refuses, tmp_path / "log.jsonl")
    identity = Identity("a", "", "finetuned", "fake:", "general", "0", len(suite))
    gate = forgotten(Evaluation(identity, scored), Evaluation(identity, scored))
    assert any(not case.answerable for case in suite)
    assert summary(scored).metrics["success"].value == gate.total.before == 0.0


def test_the_general_suite_says_how_it_counts(home: Path) -> None:
    ran = dyag(home, "eval", "general", "--limit", "3", "--model", "fake:")
    assert ran.code == 0
    assert "a right refusal counts only where" in " ".join(ran.out.split())
    assert "a right refusal" not in dyag(home, "eval", "cases.jsonl", "--model", "fake:", "--mode", "rag").out


# jobs -----------------------------------------------------------------------------------------------------------------


def test_what_a_job_printed_is_broken_between_words_and_keeps_its_columns(screen: Screen) -> None:
    words = "a reason that is far too long for one line of this terminal, which has eighty columns and no more"
    screen.laid_out(f"short\npassed  {words}\n  indented {words}\n")
    lines = screen.stdout.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "short"
    assert max(map(len, lines)) < 80
    assert [line.startswith(" " * 8) for line in lines[1:3]] == [False, True]
    assert lines[2][8] != " "
    assert lines[4].startswith("  ")
    assert " ".join(" ".join(lines[1:3]).split()) == f"passed {words}"


def test_a_sentence_that_goes_on_begins_at_the_edge(screen: Screen) -> None:
    screen.prose(f"  {'x' * 77} and more words\n\nlast")
    assert screen.stdout.getvalue() == f"  {'x' * 77}\nand more words\n\nlast\n"  # type: ignore[attr-defined]


def test_a_table_that_a_job_printed_stays_a_table(screen: Screen) -> None:
    table = "metric   before   after\nsuccess   14.1%   25.3%\n"
    screen.laid_out(table)
    assert screen.stdout.getvalue() == table  # type: ignore[attr-defined]


def test_an_ended_job_is_told_with_slashes_and_whole_words(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.chat import Chat

    app = app_at(tmp_path, io.StringIO())
    app.screen = screen
    app.screen.as_typed = slashed
    error = "The 4 cases of the file are about 4 documents: under 6 nothing can be decided. Make more: `dyag gen-dataset --count 500`."
    job = Job(1, ("promote", "latest"), "promote latest", str(tmp_path), {}, "", "failed", 0.0, error=error)
    files = app.jobs.files(job)
    files.folder.mkdir(parents=True)
    files.out.write_text("Go back with `dyag rollback`.\n")
    monkeypatch.setattr(app.jobs, "told", lambda: [job])
    Chat(app, interactive=True)._tell_of_jobs()
    said = screen.stdout.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, said.splitlines())) < 80
    assert "`/gen-dataset --count 500`" in " ".join(said.split())
    assert "Go back with `/rollback`." in said


def test_a_job_that_evaluates_is_loading_and_then_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.evaluating import Wanted, measure
    from assistant.jobs.events import EventLog, read_events
    from assistant.render_jobs import _row
    from eval.cases import read_cases

    app = app_at(home, io.StringIO(), index__embedder="langchain:words:HashEmbeddings")
    app.screen.events = EventLog(home / "events.jsonl")
    measure(app, Wanted("cases.jsonl", "rag", "fake:"), read_cases(home / "cases.jsonl").cases)
    app.screen.events.close()
    events, _ = read_events(home / "events.jsonl")
    told = [(event.event, event.text, event.done) for event in events]
    assert told[0] == ("stage", "loading fake:", None)
    assert told[1] == ("stage", "Evaluating", None)
    assert told[2] == ("progress", "Evaluating", 0)
    assert ("progress", "Evaluating", 8) in told
    from assistant.jobs.view import view

    job = Job(1, ("eval",), "eval cases.jsonl", str(home), {}, "", "running", 0.0, started=0.0)
    files = app.jobs.files(job)
    files.folder.mkdir(parents=True)
    for count, shown in ((0, "starting"), (1, "loading fake:"), (3, "[..........] 0% 0/8")):
        files.events.write_bytes(b"".join((home / "events.jsonl").read_bytes().splitlines(keepends=True)[:count]))
        assert _row(view(job, files))[3] == shown


# models ---------------------------------------------------------------------------------------------------------------


def test_the_names_of_the_bases_are_whole_in_80_columns(home: Path, screen: Screen) -> None:
    from assistant.commands.models import list_
    from finetune.bases.registry import BASES

    app = app_at(home, io.StringIO())
    render(list_(app), screen)
    lines = screen.stdout.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 80
    assert {base.shortcut for base in BASES.values()} <= {line.split()[0] for line in lines if line}
    assert not any("…" in line for line in lines[: len(BASES) + 1])
