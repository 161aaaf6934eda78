"""`dyag retrain`: what it learns from, what it goes on from, and that nothing is promoted without the gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Ran, run
from runs import finished, trained_home
from turns import answer, opened

from assistant import retraining
from assistant.app import App
from assistant.commands import promote as promoting
from assistant.commands import train as training
from assistant.commands.promote import PromoteResult
from assistant.commands.train import TrainResult
from assistant.journal.store import Journal
from assistant.workspace import Home
from finetune.bases.registry import MINI
from finetune.runs.promotion import Promotions
from finetune.runs.store import Runs
from retrieval.errors import BadInput

A = "20261104-153012-a1f3"
NEW = "20261105-101500-c3d4"
QUESTIONS = ("Quel port écoute Gitea ?", "Qui a créé Redis ?", "Who created NATS?", "Combien de pages ?")


def fix(journal: Journal, question: str, author: str = "ana", text: str = "On le lit là [chunk_7].") -> int:
    """An answer with an approved correction."""
    number = journal.record(journal.new_session(), answer(question), {}, author)
    journal.correct(number, author, text)
    journal.review(number, author, "approved", "bob")
    return number


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with opened(tmp_path / "data" / "journal.sqlite3") as journal:
        for question in QUESTIONS:
            fix(journal, question)
    return tmp_path


@pytest.fixture
def app(home: Path) -> Iterator[App]:
    made = App(Home(home, "test"), {})
    yield made
    made.journal.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was asked of the training and of the gate, in the place of both; `promote` refuses what it is told to."""
    told: list[dict[str, Any]] = []

    def train(app: App, **options: Any) -> TrainResult:
        told.append(options)
        run = finished(app.home.models, NEW, options["output"])
        return TrainResult(NEW, "finished", run.path, run.path / "final", 1.0, {}, (), (), (), (), "base")

    def promote(app: App, run: str, **options: Any) -> PromoteResult:
        told.append({"run": run, **options})
        return PromoteResult("", "", "", "ana", app.promotions.path, refused=run)

    monkeypatch.setattr(retraining, "_base", lambda app: MINI)  # that of these runs is none
    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(promoting, "promote", promote)
    return told


def retrain(home: Path, *argv: str) -> Ran:
    return run("retrain", "--force-cpu", *argv, home=home, cheap=True)


def test_it_trains_on_corrections_and_asks_the_gate(home: Path, asked: list[dict[str, Any]]) -> None:
    ran = retrain(home, "--epochs", "2", "--json")
    assert ran.code == 3
    trained, gated = asked
    rows = [json.loads(line) for line in trained["dataset"].read_text().splitlines()]
    assert {row["metadata"]["type"] for row in rows} == {"correction"}
    assert (trained["epochs"], trained["force_cpu"], trained["from_run"]) == (2.0, True, None)
    assert gated["run"] == NEW
    assert (ran.json["corrections"], ran.json["gate"]["refused"]) == (4, NEW)
    assert "feedback-finetuned-" in ran.json["training"]["folder"]


def test_it_goes_on_from_the_promoted_run(home: Path, asked: list[dict[str, Any]]) -> None:
    finished(home / "models", A)
    Promotions(home / "models").promote(Runs(home / "models").find(A), "ana", check=lambda: None)
    assert retrain(home).code == 3
    assert asked[0]["from_run"] == A


def test_corrections_that_are_kept_for_tests_judge_it(home: Path, asked: list[dict[str, Any]]) -> None:
    with opened(home / "data" / "journal.sqlite3") as journal:
        fix(journal, "La licence de PostgreSQL ?")
    retrain(home)
    assert asked[1]["cases"] == home / "data" / "finetuning" / "regression.jsonl"
    other = home / "cases.jsonl"
    retrain(home, "--cases", str(other), "--output", str(home / "models" / "other"))
    assert asked[3]["cases"] == other


def test_what_cannot_be_decided_is_said_and_not_promoted(
    home: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def undecided(*_: object, **__: object) -> PromoteResult:
        raise BadInput("The 2 cases are about 2 documents.", "Make more.")

    monkeypatch.setattr(promoting, "promote", undecided)
    ran = retrain(home)
    assert ran.code == 3
    assert f"{NEW} is not promoted" in ran.out
    assert "about 2 documents. Make more." in ran.err
    assert Promotions(home / "models").current() is None


def test_what_was_learnt_is_not_new_again(app: App, asked: list[dict[str, Any]], home: Path) -> None:
    assert len(retraining.fresh(app)) == 4
    retrain(home)
    assert retraining.fresh(app) == set()
    number = fix(app.journal, "Quel port écoute Moodle ?")
    assert {one[0] for one in retraining.fresh(app)} == {number}
    app.journal.correct(1, "ana", "Autrement [chunk_7].")
    assert len(retraining.fresh(app)) == 1  # it waits for review again
    app.journal.review(1, "ana", "approved", "bob")
    assert len(retraining.fresh(app)) == 2


def test_what_a_training_that_failed_did_not_learn_stays_new(
    app: App, asked: list[dict[str, Any]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(app: App, **options: Any) -> TrainResult:
        raise BadInput("The disk is full.")

    monkeypatch.setattr(training, "train", fails)
    assert retrain(home).code == 1
    assert len(retraining.fresh(app)) == 4


def test_a_list_of_what_was_learnt_that_is_torn_is_only_a_list(app: App) -> None:
    path = app.home.data / "finetuning" / retraining.LEARNT
    path.parent.mkdir(parents=True)
    for text in ("", "[[1", '{"a": 1}', "[1, 2]", '[["x", "y", "z"]]', "null"):
        path.write_text(text)
        assert len(retraining.fresh(app)) == 4


def test_without_feedback_nothing_is_trained(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    ran = retrain(tmp_path)
    assert (ran.code, asked) == (1, [])
    assert "no feedback" in ran.err


def test_corrections_that_cannot_be_trained_on_are_said_why_and_stay_new(
    tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    with opened(tmp_path / "data" / "journal.sqlite3") as journal:
        fix(journal, QUESTIONS[0], text=f"{'On le lit là. ' * 1000}[chunk_7]")
    ran = retrain(tmp_path)
    assert (ran.code, asked) == (1, [])
    assert "can be trained on: too long for the base model (1)" in ran.err
    app = App(Home(tmp_path, "test"), {})
    assert len(retraining.fresh(app)) == 1
    app.journal.close()


@pytest.mark.slow
def test_a_retraining_as_it_is(home: Path) -> None:
    base = trained_home(home, ids=(), context=2048) / "base"
    ran = run("--set", f"train.base_model={base}", "retrain", "--force-cpu", "--epochs", "1", "--json", home=home, cheap=True)  # fmt: skip
    assert ran.code == 3, ran
    assert ran.json["training"]["state"] == "finished"
    assert ran.json["undecided"]
    assert [run.state for run in Runs(home / "models").all()] == ["done"]
    assert Promotions(home / "models").current() is None
