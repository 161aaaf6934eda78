"""Trainings that are stopped or killed go on where they were, and end as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import trl
from training import Watcher, port_rows, run_training, tiny_base, weights_of, write

from finetune.runs.digests import TornRun
from finetune.runs.folder import RunFolder, step_of
from finetune.runs.store import read_run
from finetune.train.config import TrainConfig
from finetune.train.request import resumed
from finetune.train.resume import remaining
from finetune.train.run import Folders, Outcome, train
from retrieval.errors import BadInput, NoSpace, NotFound

CHILD = Path(__file__).resolve().parents[1] / "support" / "training_child.py"
LIMIT = 120


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    tiny_base(made / "base")
    write(made / "ports_train.jsonl", port_rows(18))
    write(made / "ports_val.jsonl", port_rows(4, 20))
    return made


def options(home: Path, name: str, **more: Any) -> dict[str, Any]:
    return {
        "dataset": str(home / "ports_train.jsonl"), "base_model": "base", "output": str(home / name), "epochs": 3,
        "batch_size": 4, "lora_dropout": 0.1, "save_steps": 4, "eval_steps": 4, "early_stopping": 0, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(home: Path) -> Outcome:
    """The training as it goes when nothing happens."""
    return run_training(home, **options(home, "whole"))


def go_on(home: Path, name: str, watcher: Watcher | None = None) -> Outcome:
    torch.set_num_threads(1)
    return train(resumed(home / name), Folders(home, home / "models"), watcher)


def same(one: Path, other: Path) -> bool:
    """Whether two runs ended in the same weights, bit for bit, and logged the same losses."""
    first, second = weights_of(one / "final"), weights_of(other / "final")
    losses = [
        [(e["step"], e.get("loss"), e.get("eval_loss")) for e in RunFolder(p).log.read().entries] for p in (one, other)
    ]
    return (
        first.keys() == second.keys()
        and all(torch.equal(first[k], second[k]) for k in first)
        and losses[0] == losses[1]
    )


def child(home: Path, name: str, *places: str, **more: Any) -> subprocess.Popen[str]:
    file = home / f"{name}.json"
    file.write_text(json.dumps(options(home, name, **more)), encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(CHILD.parents[2])}
    argv = [sys.executable, str(CHILD), str(home), str(file), *places]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def killed(home: Path, name: str, *places: str) -> list[RunFolder]:
    """The folders of trainings that were killed, one at each place."""
    with child(home, name, *places) as process:
        out, err = process.communicate(timeout=LIMIT + 20 * len(places))
    assert process.returncode == 0, out + err
    return [RunFolder(home / f"{name}-{number}") for number in range(len(places))]


@pytest.mark.parametrize("at", [1, 7, 14])
def test_a_stopped_training_ends_as_an_uninterrupted_one(home: Path, whole: Outcome, at: int) -> None:
    stopped = run_training(home, Watcher(stop_at=at), **options(home, f"stopped-{at}"))
    assert (stopped.state, stopped.final) == ("interrupted", None)
    assert RunFolder(stopped.folder).last_complete_checkpoint().step == at
    watcher = Watcher()
    ended = go_on(home, f"stopped-{at}", watcher)
    assert f"Going on from step {at}." in watcher.notes
    assert ended.run == stopped.run
    assert same(ended.folder, whole.folder)
    assert ended.metrics["train_loss"] == whole.metrics["train_loss"]


def test_a_training_that_is_stopped_twice_ends_the_same(home: Path, whole: Outcome) -> None:
    run_training(home, Watcher(stop_at=3), **options(home, "twice"))
    assert go_on(home, "twice", Watcher(stop_at=9)).state == "interrupted"
    assert same(go_on(home, "twice").folder, whole.folder)


def check_killed(home: Path, folder: RunFolder, whole: Outcome) -> None:
    """It is not taken for finished, nothing torn is used, and it ends as if it had not been killed."""
    assert not folder.manifest_path.exists()
    last = folder.last_complete_checkpoint()
    torn = [path for path in folder.checkpoints() if last.path is None or step_of(path) > last.step]
    assert len(last.passed_over) == len(torn)
    watcher = Watcher()
    assert same(go_on(home, folder.path.name, watcher).folder, whole.folder)
    assert (f"Going on from step {last.step}." in watcher.notes) == bool(last.path)


def test_trainings_killed_at_a_step_or_in_a_checkpoint_end_the_same(home: Path, whole: Outcome) -> None:
    at_step, in_checkpoint = killed(home, "killed", "step:6", "save:2,2")
    assert "checkpoint-8" in in_checkpoint.last_complete_checkpoint().passed_over[0]
    for folder in (at_step, in_checkpoint):
        assert folder.last_complete_checkpoint().step == 4
        check_killed(home, folder, whole)


@pytest.mark.slow
def test_fifty_trainings_killed_anywhere_end_the_same(home: Path, whole: Outcome) -> None:
    rng = random.Random(5)
    steps = [f"step:{rng.randint(1, 15)}" for _ in range(25)]
    saves = [f"save:{rng.randint(1, 4)},{rng.randint(1, 3)}" for _ in range(25)]
    for folder in killed(home, "fifty", *steps, *saves):
        check_killed(home, folder, whole)


def test_sigterm_saves_a_checkpoint_and_ends(home: Path) -> None:
    with child(home, "term", "never", epochs=2000, save_steps=5000) as process:
        assert process.stdout
        while int(process.stdout.readline()) < 3:
            pass
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    assert out.split()[-1] == "interrupted"
    assert RunFolder(home / "term").last_complete_checkpoint().step >= 3


def test_a_torn_checkpoint_is_passed_over_and_told(home: Path) -> None:
    run_training(home, Watcher(stop_at=6), **options(home, "torn", max_steps=8))
    torn = home / "torn" / "checkpoint-6" / "adapter_model.safetensors"
    torn.write_bytes(torn.read_bytes()[:-4] + b"\0\0\0\1")
    watcher = Watcher()
    assert go_on(home, "torn", watcher).state == "finished"
    assert any("checkpoint-6" in note and "has changed" in note for note in watcher.notes)
    assert "Going on from step 4." in watcher.notes


def test_what_a_torn_checkpoint_holds_is_not_sealed_with_the_next(home: Path) -> None:
    run_training(home, Watcher(stop_at=4), **options(home, "part", max_steps=8))
    half = home / "part" / "checkpoint-4" / "optimizer.pt.part"
    half.write_bytes(b"half")
    watcher = Watcher(stop_at=5)
    assert go_on(home, "part", watcher).state == "interrupted"
    assert (half.parent / "complete.json").exists()
    assert not half.exists()
    assert any("checkpoint-4" in note and half.name in note for note in watcher.notes)


def test_a_wish_to_stop_is_heard_before_the_first_step(home: Path) -> None:
    stopped = run_training(home, Watcher(stop_at=0), **options(home, "zero", max_steps=2))
    assert stopped.state == "interrupted"
    assert stopped.metrics == {}
    assert go_on(home, "zero").state == "finished"


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Validation losses by step, in place of those that are measured."""
    losses: dict[int, float] = {}
    measured = trl.SFTTrainer.evaluation_loop

    def told(self: Any, *given: Any, **named: Any) -> Any:
        found = measured(self, *given, **named)
        self._loss_sum, self._loss_tokens = losses[self.state.global_step], 1
        return found

    monkeypatch.setattr(trl.SFTTrainer, "evaluation_loop", told)
    return losses


def test_the_best_state_is_saved_though_no_checkpoint_was_due(home: Path, judged: dict[int, float]) -> None:
    judged |= {1: 3.0, 2: 2.0, 3: 1.0, 4: 5.0}
    run_training(home, **options(home, "three", max_steps=4, eval_steps=1, save_steps=1))
    best = run_training(home, **options(home, "due", max_steps=4, eval_steps=1, save_steps=2))
    assert any("step 3, the best" in event for event in best.events)
    three, due = (weights_of(home / name / "final") for name in ("three", "due"))
    assert all(torch.equal(three[name], due[name]) for name in three)
    last = weights_of(home / "due" / "checkpoint-4")
    assert not all(torch.equal(last[name], due[name]) for name in due)


def test_a_training_that_had_ended_early_does_not_go_on(
    home: Path, judged: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged |= {1: 2.0, 2: 1.0, 3: 3.0, 4: 0.5}
    asked = {"max_steps": 4, "eval_steps": 1, "save_steps": 1, "early_stopping": 1}
    whole = run_training(home, **options(home, "early", **asked))

    def full(*given: Any) -> None:
        raise NoSpace("The disk is full.", "")

    with monkeypatch.context() as patched:
        patched.setattr("finetune.train.run.publish", full)
        with pytest.raises(NoSpace):
            run_training(home, **options(home, "late", **asked))
    late = go_on(home, "late")
    assert late.events == whole.events
    assert "Stopped at step 3" in late.events[0]
    assert same(home / "late", home / "early")


def test_a_best_checkpoint_that_has_changed_is_not_loaded(home: Path, judged: dict[int, float]) -> None:
    judged |= {1: 2.0, 2: 1.0, 3: 3.0, 4: 3.0}
    asked = {"max_steps": 4, "eval_steps": 1, "save_steps": 1}
    run_training(home, Watcher(stop_at=3), **options(home, "best", **asked))
    best = home / "best" / "checkpoint-2" / "adapter_model.safetensors"
    best.write_bytes(best.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(TornRun, match=r"adapter_model\.safetensors has changed"):
        go_on(home, "best")


def test_a_parent_is_the_one_it_was_when_the_run_began(home: Path) -> None:
    first = run_training(home, **options(home, "models/first", max_steps=1))
    run_training(
        home, Watcher(stop_at=1), **options(home, "models/child", from_run="latest", base_model="", max_steps=2)
    )
    run_training(home, **options(home, "models/second", max_steps=1))
    child = go_on(home, "models/child")
    assert read_run(child.folder).whole().parent == first.run


@pytest.mark.parametrize(
    ("change", "says"),
    [({"learning_rate": 1e-3}, "learning_rate was None, now 0.001"), ({"epochs": 4}, "epochs was 3.0, now 4.0")],
)
def test_a_run_does_not_go_on_otherwise_than_it_began(home: Path, change: dict[str, Any], says: str) -> None:
    if not (home / "other").exists():
        run_training(home, Watcher(stop_at=1), **options(home, "other"))
    with pytest.raises(BadInput, match=says):
        train(resumed(home / "other", **change), Folders(home, home / "models"))


def test_a_run_does_not_go_on_with_other_rows(home: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "d.jsonl", port_rows(8))
    run_training(home, Watcher(stop_at=1), **options(home, "rows", dataset=str(data)))
    write(data, port_rows(9))
    with pytest.raises(BadInput, match=r"d\.jsonl has changed"):
        go_on(home, "rows")
    data.unlink()
    assert go_on(home, "rows").state == "finished"  # the run has its rows


def test_a_full_disk_leaves_the_checkpoints_before_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Trainer

    whole = Trainer._save_optimizer_and_scheduler

    def full(self: Any, output: str) -> None:
        if self.state.global_step == 8:
            raise RuntimeError(
                "[enforce fail at inline_container.cc] . PytorchStreamWriter failed writing file data/0: file write failed"
            )
        whole(self, output)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_save_optimizer_and_scheduler", full)
        with pytest.raises(NoSpace, match="No space left") as failed:
            run_training(home, **options(home, "full"))
    assert "--resume" in failed.value.hint
    assert RunFolder(home / "full").last_complete_checkpoint().step == 4
    assert go_on(home, "full").state == "finished"


def test_nothing_to_resume_is_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no run to resume"):
        resumed(tmp_path)
    with pytest.raises(BadInput, match="which run"):
        train(TrainConfig(home / "ports_train.jsonl", "base", resume=True), Folders(home, home / "models"))


def test_a_look_at_what_is_left_changes_nothing(home: Path) -> None:
    stopped = run_training(home, Watcher(stop_at=6), **options(home, "looked", learning_rate=3e-4, batch_size=6))
    before = {path: path.stat().st_mtime_ns for path in stopped.folder.rglob("*") if path.is_file()}
    report = remaining(resumed(home / "looked"), Folders(home, home / "models"))
    assert (report.run, report.done, report.steps, report.rows, report.validation_rows) == (stopped.run, 6, 9, 18, 4)
    assert (report.config.learning_rate, report.config.batch_size) == (3e-4, 6)
    assert {path: path.stat().st_mtime_ns for path in before} == before
