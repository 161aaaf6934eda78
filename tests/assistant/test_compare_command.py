"""`dyag compare`, `dyag compare-models`, `/compare`: which evaluation is better, told and written."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import Ran, run, run_slash
from evaluated import cases, evaluation, mixed, right, wrong

from assistant.app import App
from assistant.screen import Screen, width_of
from assistant.terminal.complete import complete
from assistant.workspace import Home
from eval.store import write_evaluation
from eval.types import Case, Evaluation

STATED = {
    "success_rate": 85.5,
    "exact_match_rate": 42.3,
    "avg_time_seconds": 2.15,
    "avg_tokens": 487,
    "total_tokens": 48700,
}
ASKED = cases(32, 8)
BASE, TUNED_ONE = evaluation("base", mixed(3), ASKED), evaluation("tuned", mixed(31), ASKED, mode="finetuned")
RAG, TUNED = "eval_20261104_101500_base", "eval_20261104_101500_tuned"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with two evaluations, and the same as files beside it."""
    for made in (BASE, TUNED_ONE):
        kept(tmp_path, made)
        write_evaluation(made, tmp_path / f"{made.identity.mode}.json")
    return tmp_path


def kept(home: Path, made: Evaluation) -> None:
    folder = home / "data" / "evaluations" / made.identity.id
    folder.mkdir(parents=True)
    write_evaluation(made, folder / "results.json")
    identity = json.loads((folder / "results.json").read_text("utf-8"))["identity"]
    (folder / "identity.json").write_text(json.dumps(identity), "utf-8")


def dyag(home: Path, *argv: str | Path) -> Ran:
    return run("compare", *argv, home=home)


def result(ran: Ran) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_the_verdict_comes_first_and_lines_fit_80_columns(home: Path) -> None:
    ran = dyag(home, home / "rag.json", home / "finetuned.json")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "Use finetuned."
    table = lines[next(i for i, line in enumerate(lines) if line.endswith("better") and "95% interval" in line) :]
    rows = table[: table.index("")]
    assert len(rows) > 20
    assert max(map(width_of, rows)) <= 80
    assert [line.split()[-1] for line in rows if line.startswith("success ")] == ["B"]
    assert any(line.startswith("Newly broken (") for line in lines)
    assert "model: A fake:base, B fake:tuned" in ran.out


def test_where_a_side_is_better_has_no_sign_that_the_table_contradicts(home: Path) -> None:
    asked = cases(48, 48)
    kept(home, evaluation("all", right, asked))
    kept(home, evaluation("english", lambda i, case: (right if case.language == "en" else wrong)(i, case), asked))
    ran = dyag(home, "all", "english", "--output", home / "c")
    assert "A is better on language fr: by 100.0 points, n 24" in ran.out
    for name in ("c.md", "c.html"):
        assert "is better on language fr: success by 100.0 points, n = 24." in (home / name).read_text("utf-8")


@pytest.mark.parametrize("names", [(RAG, TUNED), ("eval_20261104_101500_b", "tuned"), (RAG, "latest")])
def test_an_evaluation_is_found_by_its_id(home: Path, names: tuple[str, str]) -> None:
    (home / "data/evaluations" / TUNED / "identity.json").write_text(
        (home / "data/evaluations" / TUNED / "identity.json").read_text("utf-8").replace("T10:15", "T10:16"), "utf-8"
    )
    found = result(dyag(home, *names, "--json"))
    assert [side["id"] for side in found["comparison"]["sides"]] == [RAG, TUNED]
    assert found["command"] == f"dyag compare {RAG} {TUNED}"


def test_a_folder_and_a_file_can_be_compared(home: Path) -> None:
    found = result(dyag(home, home / "data" / "evaluations" / RAG, home / "finetuned.json", "--json"))
    assert found["advice"]["choice"] == "finetuned"
    assert found["written"] == []


def test_json_has_every_figure_and_answer(home: Path) -> None:
    found = result(dyag(home, RAG, TUNED, "--json"))["comparison"]
    (row,) = (row for row in found["pairs"][0]["metrics"] if row["metric"] == "success")
    assert row["winner"] == "finetuned"
    assert row["p_adjusted"] < 0.05
    assert row["low"] <= row["difference"] <= row["high"]
    assert len(found["answers"]) == 32


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ((), ("c.json", "c.md", "c.html")),
        (("--format", "both"), ("c.json", "c.md")),
        (("--format", "html"), ("c.html",)),
        (("--format", "markdown"), ("c.md",)),
    ],
)
def test_reports_are_written_under_one_name(home: Path, given: tuple[str, ...], written: tuple[str, ...]) -> None:
    ran = dyag(home, RAG, TUNED, "--output", home / "new" / "c", *given)
    assert ran.code == 0
    assert sorted(path.name for path in (home / "new").iterdir()) == sorted(written)
    for path in (home / "new").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert RAG in path.read_text("utf-8")
        assert path.name in ran.out


def test_an_ending_says_the_format_and_a_folder_takes_the_files(home: Path) -> None:
    dyag(home, RAG, TUNED, "--output", home / "only.html")
    (home / "folder").mkdir()
    dyag(home, RAG, TUNED, "--output", home / "folder", "--format", "both")
    assert [path.name for path in home.glob("only.*")] == ["only.html"]
    assert sorted(path.name for path in (home / "folder").iterdir()) == ["comparison.json", "comparison.md"]


def test_a_name_with_a_dot_is_kept(home: Path) -> None:
    dyag(home, RAG, TUNED, "--output", home / "v1.5", "--format", "json")
    assert (home / "v1.5.json").is_file()


def test_the_written_json_holds_the_identities(home: Path) -> None:
    dyag(home, RAG, TUNED, "--output", home / "c", "--format", "json")
    held = json.loads((home / "c.json").read_text("utf-8"))
    assert [one["cases_sha256"] for one in held["identities"]] == ["c" * 64] * 2
    assert held["differs"]["mode"] == ["rag", "finetuned"]
    assert held["command"].startswith(f"dyag compare {RAG} {TUNED} --output")


# the guides' commands ------------------------------------------------------------------------------------------------


def test_the_guides_command_writes_json_and_markdown(home: Path) -> None:
    for name, rate in (("results_rag", 85.5), ("results_ft", 80.0)):
        (home / f"{name}.json").write_text(json.dumps({"metrics": STATED | {"success_rate": rate}, "results": []}))
    ran = run(
        "compare-models", "--rag-results", home / "results_rag.json", "--finetuned-results", home / "results_ft.json",
        "--output", home / "evaluation" / "comparison", "--format", "both", home=home,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in (home / "evaluation").iterdir()) == ["comparison.json", "comparison.md"]
    text = (home / "evaluation" / "comparison.md").read_text("utf-8")
    assert "| success_rate | 85.5% | 80.0% | −5.5 pts |" in text
    assert ran.out.splitlines()[0] == "The figures decide for none of them."
    assert "figures only" in ran.out + text


def test_results_of_our_own_are_compared_with_all_tests(home: Path) -> None:
    argv = ("--rag-results", home / "rag.json", "--finetuned-results", home / "finetuned.json", "--json")
    assert result(run("compare-models", *argv, home=home))["advice"]["choice"] == "finetuned"


def test_two_models_are_evaluated_on_the_same_cases_and_compared(home: Path) -> None:
    rows = [{"id": f"q{i}", "messages": _messages(i)} for i in range(12)]
    (home / "test.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    for name, port in (("one", "3001"), ("two", "30")):
        (home / f"{name}.jsonl").write_text(json.dumps({"match": "port", "text": f"Port {port}."}), "utf-8")
    argv = ("--model1", "fake:one.jsonl", "--model2", "fake:two.jsonl", "--test", home / "test.jsonl", "--json")
    found = result(run("compare-models", *argv, home=home, cheap=True))
    (row,) = (row for row in found["comparison"]["pairs"][0]["metrics"] if row["metric"] == "success")
    assert (row["before"], row["after"]) == (1 / 12, 0)
    assert found["comparison"]["n"] == 12
    made = sorted(path.name for path in (home / "data" / "evaluations").glob("eval_*") if path.name not in (RAG, TUNED))
    assert sorted(side["id"] for side in found["comparison"]["sides"]) == made
    assert " compare eval_" in found["command"]


def _messages(i: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Which port is {i}?"}, {"role": "assistant", "content": f"Port {3000 + i}."}]


# bad input -----------------------------------------------------------------------------------------------------------


def fails(ran: Ran, *said: str, code: int = 1) -> None:
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert "a bug" not in ran.err
    for part in said:
        assert part in ran.err


def test_one_evaluation_is_not_enough(home: Path) -> None:
    fails(dyag(home, RAG), "only one evaluation", "dyag compare A B")


def test_an_evaluation_and_itself_are_refused(home: Path) -> None:
    fails(dyag(home, "latest", "latest"), "compared with itself", "dyag eval list")


def test_what_only_one_side_has_is_no_row_and_no_difference(home: Path) -> None:
    (home / "theirs.json").write_text(json.dumps({"metrics": STATED, "results": []}))
    out = dyag(home, home / "rag.json", home / "theirs.json").out
    assert "success_rate" in out
    assert "search.top_k" not in out
    unsearched = replace(TUNED_ONE, scored=tuple(
        replace(one, scores={k: None if k.startswith(("recall@", "mrr", "ndcg")) else v for k, v in one.scores.items()})
        for one in TUNED_ONE.scored
    ))  # fmt: skip
    write_evaluation(unsearched, home / "unsearched.json")
    ran = dyag(home, home / "rag.json", home / "unsearched.json")
    assert "Only rag searched: recall@1," in ran.out
    assert not [line for line in ran.out.splitlines() if line.startswith(("recall@", "mrr@", "ndcg@"))]
    assert "latency, mean ↓" in ran.out


def test_none_at_all_is_a_wrong_usage(home: Path) -> None:
    fails(dyag(home), code=2)


def test_other_cases_are_refused_and_nothing_is_written(home: Path) -> None:
    other = evaluation("other", right, cases(12))
    write_evaluation(replace(other, identity=replace(other.identity, cases_sha256="e" * 64)), home / "other.json")
    fails(dyag(home, RAG, home / "other.json", "--output", home / "c"), "different cases")
    assert not list(home.glob("c.*"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no whole JSON file"),
        ('{"metrics": {"success_rate": 8', "no whole JSON file"),
        ("[1, 2]", "no JSON object"),
        ('{"question": "?"}', "neither `identity` nor `metrics`"),
        ('{"metrics": {"success_rate": NaN}}', "NaN"),
    ],
)
def test_a_file_that_is_no_evaluation_is_named(home: Path, text: str, said: str) -> None:
    (home / "bad.json").write_text(text, "utf-8")
    fails(dyag(home, RAG, home / "bad.json"), "bad.json", said)


def test_a_score_that_is_no_number_is_refused(home: Path) -> None:
    path = home / "rag.json"
    path.write_text(path.read_text("utf-8").replace('"success": 1.0', '"success": NaN', 1), "utf-8")
    fails(dyag(home, path, TUNED), "rag.json", "NaN")


@pytest.mark.parametrize("name", ["nowhere.json", "no/such", "eval_2020"])
def test_what_is_missing_is_named(home: Path, name: str) -> None:
    fails(dyag(home, RAG, name), name)


def test_a_format_without_a_file_is_refused(home: Path) -> None:
    fails(dyag(home, RAG, TUNED, "--format", "html"), "--output")


@pytest.mark.parametrize("output", ["/proc/dyag/c", "/proc/c", "x" * 300])
def test_where_nothing_can_be_written_is_told(home: Path, output: str) -> None:
    fails(dyag(home, RAG, TUNED, "--output", output), output, "cannot be")


def test_compare_models_says_what_it_needs(home: Path) -> None:
    for argv in ((), ("--rag-results", "a.json"), ("--model1", "a", "--model2", "b"), ("--test", "c.jsonl")):
        fails(run("compare-models", *argv, home=home), "--rag-results FILE --finetuned-results FILE", code=2)
    same = ("--model1", "a", "--model2", "a", "--test", home / "rag.json")
    fails(run("compare-models", *same, home=home), "both a")


def test_too_few_documents_decide_nothing(home: Path) -> None:
    asked: list[Case] = cases(20, 5)
    for name, say in (("few1", mixed(2)), ("few2", right)):
        write_evaluation(evaluation(name, say, asked), home / f"{name}.json")
    ran = dyag(home, home / "few1.json", home / "few2.json")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "The figures decide for none of them."
    assert "5 documents" in ran.out


def test_hostile_text_does_not_reach_the_terminal(home: Path) -> None:
    asked = [replace(case, question=f"\x1b]52;c;eA==\x07{case.question}") for case in ASKED]
    for name, n in (("h1", 3), ("h2", 11)):
        write_evaluation(evaluation(name, mixed(n), asked), home / f"{name}.json")
    ran = dyag(home, home / "h1.json", home / "h2.json")
    assert "Which port does service" in ran.out
    assert "\x1b" not in ran.out


# the chat ------------------------------------------------------------------------------------------------------------


def test_the_chat_has_the_same_command_beside_compare_modes(home: Path) -> None:
    out = io.StringIO()
    app = App(Home(home, "test"), {}, Screen(out, io.StringIO()))
    assert run_slash(app, f"/compare {RAG} {TUNED}") == 0
    assert out.getvalue().startswith("Use finetuned.\n")
    assert {c.shown for c in complete(app, "/compare").candidates} >= {"/compare", "/compare-models", "/compare-modes"}


def test_evaluations_are_completed_at_every_place(home: Path) -> None:
    app = App(Home(home, "test"), {})
    for line in ("/compare ", f"/compare {RAG} "):
        found = {c.text: c.help for c in complete(app, line).candidates}
        assert found["latest"] == "the newest one"
        assert found[TUNED] == "finetuned fake:tuned, 32 cases of questions.jsonl"
