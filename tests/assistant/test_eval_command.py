"""`dyag eval` and its kin: what is measured, kept, shown again, and what happens when it is stopped or cannot begin."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import CHEAP_ENVIRON, STEERING, Ran, indexed_sheets, run
from fake_provider import CHAT, KEY, FakeProvider, sse, status
from runs import trained_home

from finetune.runs.promotion import Promotions
from finetune.runs.store import Runs

A = "20261104-153012-a1f3"
GUIDES = ["success_rate", "exact_match_rate", "avg_time_seconds", "avg_tokens", "total_tokens"]
CASES = [
    {"id": "q1", "question": "Quel port écoute Gitea ?", "expected_answer": "3000", "answers": ["3000"], "category": "port"},
    {"id": "q2", "question": "Quelle est la licence de Redis ?", "answers": ["AGPLv3"], "category": "licence"},
    {"id": "q3", "question": "What is the licence of Squid?", "answers": ["GPL v2"], "category": "licence", "lang": "en"},
    {"id": "q4", "question": "Qui a composé la Neuvième symphonie ?", "answerable": False, "category": "refusal"},
]  # fmt: skip


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = indexed_sheets(tmp_path_factory.mktemp("eval"), cheap=True)
    written(home / "cases.jsonl", *CASES)
    return home


@pytest.fixture
def home(sheets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = shutil.copytree(sheets, tmp_path / "home")
    monkeypatch.chdir(home)
    return home


def dyag(home: Path, *argv: str | Path, settings: tuple[str, ...] = ()) -> Ran:
    return run(*settings, *argv, home=home, cheap=True)


def evaluated(home: Path, *argv: str | Path) -> Any:
    ran = dyag(home, "eval", "cases.jsonl", *argv, "--json")
    assert ran.code == 0, ran
    return ran.json


def folder(home: Path, told: Any) -> Path:
    return home / "data" / "evaluations" / str(told["id"])


def test_a_mode_is_measured_and_everything_is_kept(home: Path) -> None:
    ran = dyag(
        home, "eval", "cases.jsonl", "--mode", "rag", "--model", "extractive", "--output", "out/results.json", "--json"
    )
    told = ran.json
    assert (ran.code, told["count"], told["failed"], told["model"]) == (0, 4, 0, "extractive")
    rows = {row["name"]: row for row in told["rows"]}
    assert rows["success"]["value"] == 1.0
    assert (rows["success"]["n"], rows["success"]["unscored"]) == (4, 0)
    assert rows["success"]["low"] < 1.0 == rows["success"]["high"]
    assert (rows["refusal_recall"]["n"], rows["refusal_recall"]["unscored"]) == (1, 3)
    assert list(told["metrics"]) == GUIDES
    assert {(one["by"], one["name"], one["n"]) for one in told["slices"]} >= {
        ("type", "licence", 2),
        ("language", "en", 1),
    }
    kept = folder(home, told)
    assert sorted(p.name for p in kept.iterdir() if p.name != ".lock") == [
        "identity.json", "log.jsonl", "report.html", "report.md", "results.json",
    ]  # fmt: skip
    results = json.loads((home / "out" / "results.json").read_bytes())
    assert results == json.loads((kept / "results.json").read_bytes())
    assert list(results["metrics"]) == GUIDES
    assert results["metrics"]["success_rate"] == 100.0
    first = results["results"][0]
    assert (first["id"], first["expected"], first["answer"]) == ("q1", "3000", first["answer"])
    assert "3000" in first["answer"]
    assert first["cited"][0]["names"][1].endswith("docs/fr-gitea.md")
    assert first["retrieved"][0][0].startswith("chunk_")
    assert first["sentences"] >= 1
    identity = results["identity"]
    assert identity["generation"]
    assert identity["settings"]["model.seed"] == 42
    assert identity["command"].endswith("eval cases.jsonl --mode rag --model extractive")


def test_it_is_shown_with_its_intervals_and_slices(home: Path) -> None:
    ran = dyag(home, "eval", "cases.jsonl", "--model", "extractive", "-v")
    assert ran.code == 0
    head, *_ = [line for line in ran.out.splitlines() if line.startswith("metric")]
    assert head.split() == ["metric", "value", "95%", "interval", "n", "unscored"]
    assert "type      licence" in ran.out
    assert "  expected  3000" in ran.out
    assert "  expected  (no answer: to be refused)" in ran.out
    assert ran.out.count("  question  ") == 4
    assert "4 documents only" in ran.out
    assert "report.html" in ran.out
    shown = dyag(home, "eval", "show", "latest", "-v")
    assert shown.out.splitlines()[:30] == ran.out.splitlines()[:30]


def test_what_was_measured_is_listed_and_its_report_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing was measured yet" in dyag(home, "eval", "list").err
    told = evaluated(home, "--model", "extractive")
    (row,) = dyag(home, "eval", "list", "--json").json["evaluations"]
    assert (row["id"], row["state"], row["success"], row["count"]) == (told["id"], "done", 1.0, 4)
    assert told["id"] in dyag(home, "eval", "list").out
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    ran = dyag(home, "eval", "open", told["id"][-4:])
    assert (ran.code, ran.out.strip()) == (0, str(folder(home, told) / "report.html"))
    assert opened == [(folder(home, told) / "report.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    ran = dyag(home, "eval", "open")
    assert "no browser" in ran.err
    assert ran.out.strip().endswith("report.html")
    for bad in ("nothing", ""):
        ran = dyag(home, "eval", "show", bad)
        assert (ran.code, "There is no evaluation" in ran.err) == (1, True)


def test_the_commands_of_the_guides(home: Path) -> None:
    evaluation = home / "evaluation"
    evaluation.mkdir()
    shutil.copy(home / "cases.jsonl", evaluation / "questions.jsonl")
    ran = dyag(home, "evaluate-rag", "evaluation/questions.jsonl", "--output", "evaluation/results_rag.json")
    assert ran.code == 0
    assert json.loads((evaluation / "results_rag.json").read_bytes())["identity"]["mode"] == "rag"


def test_answers_are_used_again_until_something_differs(home: Path) -> None:
    asked = evaluated(home, "--model", "fake:")
    again = evaluated(home, "--model", "fake:")
    assert (asked["reused"], again["reused"]) == (0, 4)
    assert again["id"] != asked["id"]
    assert again["rows"] == asked["rows"]
    assert evaluated(home, "--model", "fake:", "--limit", "2")["reused"] == 2
    assert evaluated(home, "--model", "fake:", "--fresh")["reused"] == 0
    assert evaluated(home, "--model", "fake:", "--seed", "7")["reused"] == 0
    ran = dyag(home, "eval", "cases.jsonl", "--model", "fake:", "--json", settings=("--set", "search.top_k=3"))
    assert ran.json["reused"] == 0
    written(home / "cases.jsonl", *({**case, "answers": ["x"], "category": "new"} for case in CASES[:3]))
    assert evaluated(home, "--model", "fake:")["reused"] == 3, "another right answer asks nothing again"


def test_cases_that_cannot_be_scored_are_counted_and_none_at_all_is_exit_code_3(home: Path) -> None:
    written(home / "some.jsonl", CASES[0], {"question": "Quel port écoute Redis ?"})
    ran = dyag(home, "eval", "some.jsonl", "--model", "extractive", "--json")
    success = next(row for row in ran.json["rows"] if row["name"] == "success")
    assert (ran.code, success["n"], success["unscored"]) == (0, 1, 1)
    written(home / "none.jsonl", {"question": "Quel port écoute Redis ?"})
    ran = dyag(home, "eval", "none.jsonl", "--model", "extractive")
    assert (ran.code, "No case could be scored" in ran.err) == (3, True)


def test_a_broken_line_is_told_and_the_others_are_measured(home: Path) -> None:
    with (home / "cases.jsonl").open("a") as file:
        file.write("{broken\n")
    ran = dyag(home, "eval", "cases.jsonl", "--model", "extractive")
    assert ran.code == 0
    assert "line 5" in ran.out
    assert "4 cases" in ran.out


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ((), 2, "Name the cases"),
        (("cases.jsonl", "--test", "cases.jsonl"), 2, "Name the cases"),
        (("missing.jsonl",), 1, "missing.jsonl"),
        (("empty.jsonl",), 1, "empty"),
        (("cases.jsonl", "--mode", "finetuned"), 1, "needs a promoted model"),
        (("cases.jsonl", "--promoted"), 1, "needs a promoted model"),
        (("cases.jsonl", "--promoted", "--model", "mini"), 2, "promoted model"),
        (("cases.jsonl", "--mode", "hybrid", "--model", "extractive"), 1, "no fine-tuned model"),
        (("cases.jsonl", "--model", "nothing-like-it"), 1, "nothing-like-it"),
        (("cases.jsonl", "--model", "run:nothing"), 1, "nothing"),
        (("cases.jsonl", "--mode", "worst"), 2, "worst"),
        (("cases.jsonl", "--output", "."), 1, "is a folder"),
        (("cases.jsonl", "--output", "cases.jsonl/results.json"), 1, "cannot be used"),
        (("cases.jsonl", "--output", "/proc/dyag/results.json"), 1, "cannot be"),
        (("cases.jsonl", "--output", "/proc/results.json"), 1, "cannot be"),
        (("cases.jsonl", "--output", f"{'x' * 300}.json"), 1, "cannot be"),
        (("cases.jsonl", "--model", "fake:", "--judge", "fake:"), 1, "cannot judge its own"),
        (("cases.jsonl", "--bert-score"), 1, "pip install bert-score"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is_asked(
    home: Path, argv: tuple[str, ...], code: int, said: str
) -> None:
    (home / "empty.jsonl").write_text("\n")
    ran = dyag(home, "eval", *argv)
    assert (ran.code, said in ran.err, ran.out) == (code, True, "")
    assert not (home / "data" / "evaluations").exists()


def test_a_workspace_without_an_index_is_told(tmp_path: Path) -> None:
    cases = written(tmp_path / "cases.jsonl", *CASES)
    ran = dyag(tmp_path / "empty", "eval", cases, "--model", "extractive")
    assert (ran.code, "Nothing has been indexed" in ran.err) == (1, True)


def test_nothing_in_a_case_or_an_answer_steers_the_terminal(home: Path) -> None:
    evil = "\x1b]52;c;aGVsbG8=\x07 \x9b31m \u202e Gitea"
    written(
        home / "evil.jsonl", {"id": f"i{evil}", "question": f"Port de {evil} ?", "answers": [evil], "category": evil}
    )
    ran = dyag(home, "eval", "evil.jsonl", "--model", "extractive", "-v")
    assert not STEERING.search(ran.out + ran.err)
    assert "Gitea" in ran.out


# a generator that fails -----------------------------------------------------------------------------------------------


def many(home: Path, count: int) -> Path:
    return written(
        home / "many.jsonl", *({"id": f"m{n}", "question": f"Gitea {n} ?", "answers": [f"N{n}."]} for n in range(count))
    )


def script(home: Path, count: int, **more: Any) -> str:
    written(home / "script.jsonl", *({"match": f"Gitea {n} \\?", "text": f"N{n}.", **more} for n in range(count)))
    return "fake:script.jsonl"


def test_a_generator_that_dies_at_case_37_goes_on_from_there(home: Path) -> None:
    many(home, 50)
    ran = dyag(home, "eval", "many.jsonl", "--model", script(home, 36), settings=("--set", "answer.refuse_below=0"))
    assert ran.code == 1
    assert "5 cases in a row got no answer" in ran.err
    assert "Stopped after 40 of 50 cases" in ran.err
    assert "Go on with: dyag " in ran.err
    (row,) = dyag(home, "eval", "list", "--json").json["evaluations"]
    assert row["state"] == "stopped"
    assert row["command"] in ran.err
    assert row["command"] in dyag(home, "eval", "list").out
    assert dyag(home, "eval", "show", row["id"]).code == 1
    script(home, 50)
    again = ("eval", "many.jsonl", "--model", "fake:script.jsonl", "--json")
    told = dyag(home, *again, settings=("--set", "answer.refuse_below=0")).json
    assert (told["id"], told["reused"], told["failed"]) == (row["id"], 36, 0)
    whole = dyag(home, *again, "--fresh", settings=("--set", "answer.refuse_below=0")).json
    assert answers(home, told) == answers(home, whole)
    assert [answer for answer, _ in answers(home, told)] == [f"N{n}." for n in range(50)]


def answers(home: Path, told: Any) -> list[Any]:
    """Each answer with its scores, but for what the clock decides."""
    found = json.loads((folder(home, told) / "results.json").read_bytes())["results"]
    timed = ("latency", "first_token")
    return [(one["answer"], {k: v for k, v in one["scores"].items() if k not in timed}) for one in found]


def test_where_nothing_was_answered_that_is_said(home: Path) -> None:
    many(home, 3)
    ran = dyag(home, "eval", "many.jsonl", "--model", script(home, 0), settings=("--set", "answer.refuse_below=0"))
    assert ran.code == 1  # a script without a line is refused
    script(home, 1)
    ran = dyag(home, "eval", "many.jsonl", "--model", "fake:script.jsonl", settings=("--set", "answer.refuse_below=0"))
    assert ran.code == 0
    written(home / "script.jsonl", {"match": "never", "text": "x"})
    ran = dyag(
        home,
        "eval",
        "many.jsonl",
        "--fresh",
        "--model",
        "fake:script.jsonl",
        settings=("--set", "answer.refuse_below=0"),
    )
    assert (ran.code, "No case got an answer" in ran.err) == (3, True)


def test_some_failures_are_counted_and_told(home: Path) -> None:
    many(home, 8)
    ran = dyag(home, "eval", "many.jsonl", "--model", script(home, 6), settings=("--set", "answer.refuse_below=0"))
    assert ran.code == 0
    assert "2 failed:  fake:script.jsonl: the script is used up." in ran.out


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_or_stopped_it_goes_on_and_ends_like_one_that_ran_through(home: Path) -> None:
    many(home, 30)
    name = script(home, 30, delay=0.05)
    command = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home), "--set", "answer.refuse_below=0"]
    command += ["eval", "many.jsonl", "--model", name]
    environ = {
        **os.environ,
        **CHEAP_ENVIRON,
        "PYTHONPATH": os.pathsep.join([CHEAP_ENVIRON["PYTHONPATH"], *sys.path[1:]]),
    }

    def begun(lines: int) -> subprocess.Popen[bytes]:
        """One that has answered so many cases."""
        child = subprocess.Popen(command, env=environ, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while kept(home) < lines:
            assert child.poll() is None, child.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return child

    child = begun(4)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"Go on with: dyag " in err
    assert 4 <= kept(home) < 30
    child = begun(kept(home) + 4)
    child.kill()
    child.communicate(timeout=60)
    before = kept(home)
    with next((home / "data" / "evaluations").glob("*/log.jsonl")).open("ab") as log:
        log.write(b'{"key": "torn')  # as a power cut leaves it
    done = subprocess.run([*command, "--json"], env=environ, cwd=home, capture_output=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    assert b"1 torn line" in done.stderr
    assert told["reused"] == before
    assert len(list((home / "data" / "evaluations").iterdir())) == 1
    whole = json.loads(
        subprocess.run(
            [*command, "--fresh", "--json"], env=environ, cwd=home, capture_output=True, timeout=120, check=True
        ).stdout
    )
    assert answers(home, told) == answers(home, whole)


def kept(home: Path) -> int:
    return sum(log.read_bytes().count(b"\n") for log in (home / "data" / "evaluations").glob("*/log.jsonl"))


# models ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_a_server_is_asked_by_several_and_its_tokens_and_price_are_counted(home: Path, key: None) -> None:
    (home / "data" / "prices.toml").write_text(
        'as_of = "2026-09-01"\n[models]\n"m" = { input = 1000.0, output = 2000.0 }\n'
    )
    with FakeProvider() as server:
        server.script(CHAT, sse("Gitea écoute ", "sur 3000 [chunk_1] [chunk_99999]."))
        told = evaluated(home, "--model", f"openai:m@{server.url}/v1", "--workers", "3")
        assert len(server.bodies(CHAT)) == 4
        assert {body["seed"] for body in server.bodies(CHAT)} == {42}
        assert {body["temperature"] for body in server.bodies(CHAT)} == {0.0}
    rows = {row["name"]: row["value"] for row in told["rows"]}
    assert rows["cost"] > 0
    assert rows["stop_rate"] == 1.0
    assert rows["phantom_ids"] >= 1
    (first, *_) = json.loads((folder(home, told) / "results.json").read_bytes())["results"]
    assert first["prompt_tokens"] > first["tokens"] > 0
    assert 0 < first["first_token_seconds"] <= first["seconds"]
    assert first["cost"] == pytest.approx((first["prompt_tokens"] * 1000 + first["tokens"] * 2000) / 1e6)


def test_a_server_that_is_gone_ends_it_with_its_own_error(home: Path, key: None) -> None:
    many(home, 9)
    with FakeProvider() as server:
        server.script(CHAT, sse("Un."), sse("Deux."), status(401))
        ran = dyag(
            home,
            "eval",
            "many.jsonl",
            "--model",
            f"openai:m@{server.url}/v1",
            "--workers",
            "1",
            settings=("--set", "answer.refuse_below=0"),
        )
    assert ran.code == 1
    assert "5 cases in a row got no answer" in ran.err
    assert kept(home) == 2


def test_a_case_with_its_own_documents_is_sent_as_it_is(home: Path) -> None:
    prompt = (
        'Réponds.\n<document id="chunk_12" title="Gitea &amp; co" path="a.md">\nGitea écoute sur le port 3999.\n</document>\n'
        "Quel port écoute Gitea ?"
    )
    row = {
        "question": "Quel port écoute Gitea ?",
        "answers": ["3999"],
        "messages": [{"role": "user", "content": prompt}],
    }
    written(home / "own.jsonl", row)
    told = dyag(home, "eval", "own.jsonl", "--model", "fake:", "--json").json
    (one,) = json.loads((folder(home, told) / "results.json").read_bytes())["results"]
    assert one["answer"] == "Gitea écoute sur le port 3999. [chunk_12]"
    assert one["cited"] == [{"names": ["chunk_12", "a.md"], "supported": True}]
    assert (one["retrieved"], one["phantom"], one["sentences"]) == ([], 0, 1)


def test_a_judge_is_asked_and_says_that_nobody_has_checked_it(home: Path) -> None:
    written(home / "judge.jsonl", {"match": "<answer>", "text": '{"right": true, "reason": "So it is."}'})
    told = evaluated(home, "--model", "extractive", "--judge", "fake:judge.jsonl")
    assert told["judge"]["calibrated"] is False
    judged = next(row for row in told["rows"] if row["name"] == "judge")
    assert (judged["value"], judged["n"]) == (1.0, 4)
    assert (
        json.loads((folder(home, told) / "results.json").read_bytes())["identity"]["settings"]["judge"]["labels"] == 0
    )
    ran = dyag(home, "eval", "show", told["id"])
    assert "The judge fake:judge.jsonl is uncalibrated: nobody has rated these answers." in ran.out


# trained models -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(sheets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    home = shutil.copytree(sheets, tmp_path_factory.mktemp("trained") / "home")
    yield trained_home(home, context=2048)
    torch.set_num_threads(before)


@pytest.fixture
def trained(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = shutil.copytree(made, tmp_path / "home")
    monkeypatch.chdir(home)
    return home


SHORT = ("--set", "model.max_tokens=8")


def test_a_run_is_measured_by_each_of_its_names_as_the_guide_types_it(trained: Path) -> None:
    final = f"models/runs/{A}/final"
    ran = dyag(
        trained, "evaluate-finetuned", "cases.jsonl", "--model", final, "--base-model", "base",
        "--output", "evaluation/results_ft.json", "--json", settings=SHORT,
    )  # fmt: skip
    told = ran.json
    assert (ran.code, told["mode"], told["model"], told["count"]) == (0, "finetuned", f"run:{A}", 4)
    results = json.loads((trained / "evaluation" / "results_ft.json").read_bytes())
    assert len(results["identity"]["model_sha256"]) == 64
    assert {"torch", "transformers", "peft"} <= results["identity"]["versions"].keys()
    assert list(results["metrics"]) == GUIDES
    one = results["results"][0]
    assert one["retrieved"] == []
    assert one["tokens"] > 0
    rows = {row["name"]: row["value"] for row in told["rows"]}
    assert rows["stop_rate"] < 1.0, "random weights do not end by themselves"
    again = dyag(
        trained, "evaluate-finetuned", "--test", "cases.jsonl", "--model", "latest", "--json", settings=SHORT
    ).json
    assert (again["model"], again["reused"]) == (f"run:{A}", 4)


def test_a_trained_model_needs_no_index(trained: Path) -> None:
    (trained / "data" / "library.sqlite3").unlink()
    ran = dyag(
        trained, "evaluate-finetuned", "cases.jsonl", "--model", f"run:{A}", "--limit", "2", "--json", settings=SHORT
    )
    assert (ran.code, ran.json["count"]) == (0, 2)


def test_the_promoted_model_is_asked_anew_and_compared_with_last_time(trained: Path) -> None:
    run_of_it = Runs(trained / "models").find(A)
    Promotions(trained / "models").promote(run_of_it, "me", check=lambda: None)
    first = dyag(trained, "eval", "cases.jsonl", "--promoted", settings=SHORT)
    assert first.code == 0
    assert "nothing to compare with yet" in first.out
    told = dyag(trained, "eval", "cases.jsonl", "--promoted", "--json", settings=SHORT).json
    assert (told["mode"], told["model"], told["reused"]) == ("hybrid", f"run:{A}", 0)
    assert [side["mode"] for side in told["drift"]["sides"]] == ["hybrid", "hybrid"]
    assert "since last time" in dyag(trained, "eval", "cases.jsonl", "--promoted", settings=SHORT).out
