"""The promoted pointer: one step back after another, and whole whatever happens to who changes it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from runs import finished

from finetune.runs.promotion import NotPromoted, Promotions
from finetune.runs.store import Run, read_run
from retrieval.errors import BadInput, Busy, NoSpace

ROOT = Path(__file__).resolve().parents[2]
A, B, C = (f"20261104-00000{n}-000{n}" for n in (1, 2, 3))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def runs(models: Path) -> list[Run]:
    return [finished(models, run_id) for run_id in (A, B, C)]


def promoted(models: Path) -> str:
    current = Promotions(models).current()
    return current.id if current else ""


def promote(models: Path, run: Run, who: str = "ana", note: str = "") -> None:
    Promotions(models).promote(run, who, note, check=run.whole)


def test_promotions_are_piled_up_and_taken_off_one_by_one(models: Path, runs: list[Run]) -> None:
    assert promoted(models) == ""
    for run in runs:
        promote(models, run)
        assert promoted(models) == run.id
    for expected in (B, A, ""):
        Promotions(models).rollback("bob")
        assert promoted(models) == expected
    with pytest.raises(BadInput, match="No run is promoted"):
        Promotions(models).rollback("bob")


def test_a_note_on_the_promoted_run_is_kept_and_nothing_else_changes(models: Path, runs: list[Run]) -> None:
    promote(models, runs[0])
    promote(models, runs[1])
    since = Promotions(models).current()
    promote(models, runs[1])
    step = Promotions(models).promote(runs[1], "bob", "seen by the customer", check=runs[1].whole, forced=True)
    assert Promotions(models).current() == since
    assert (step.before, step.after, step.note) == (B, B, "seen by the customer")
    history = Promotions(models).history()
    assert [(one.who, one.after, one.note, one.forced) for one in history[2:]] == [
        ("bob", B, "seen by the customer", False)
    ]
    Promotions(models).rollback("ana")
    assert promoted(models) == A


def test_a_run_is_not_promoted_over_another_than_it_was_held_against(models: Path, runs: list[Run]) -> None:
    promote(models, runs[0])
    for over in ("", C):
        with pytest.raises(Busy, match=f"now it is {A}"):
            Promotions(models).promote(runs[1], "ana", check=runs[1].whole, over=over)
    assert promoted(models) == A
    Promotions(models).promote(runs[1], "ana", check=runs[1].whole, over=A)
    Promotions(models).promote(runs[1], "ana", check=runs[1].whole, over=A)  # somebody else did it meanwhile
    assert promoted(models) == B
    Promotions(models).rollback("ana")
    Promotions(models).rollback("ana")
    with pytest.raises(Busy, match="now it is none"):
        Promotions(models).promote(runs[1], "ana", check=runs[1].whole, over=A)


def test_the_history_tells_who_did_what(models: Path, runs: list[Run]) -> None:
    promote(models, runs[0], note="better")
    promote(models, runs[1])
    Promotions(models).rollback("bob", "worse")
    steps = Promotions(models).history()
    assert [(s.who, s.action, s.before, s.after, s.note, s.forced) for s in steps] == [
        ("ana", "promote", "", A, "better", False),
        ("ana", "promote", A, B, "", False),
        ("bob", "rollback", B, A, "worse", False),
    ]


def test_the_promoted_one_is_not_promoted_again(models: Path, runs: list[Run]) -> None:
    promote(models, runs[0])
    before = (models / "promoted.json").read_bytes()
    promote(models, runs[0])
    assert (models / "promoted.json").read_bytes() == before


def test_a_run_that_does_not_pass_its_check_changes_nothing(models: Path, runs: list[Run]) -> None:
    promote(models, runs[0])
    before = Promotions(models).path.read_bytes()
    (runs[1].folder.final / "adapter_model.safetensors").unlink()
    with pytest.raises(Exception, match="is missing"):
        promote(models, runs[1])
    assert Promotions(models).path.read_bytes() == before


def test_a_rollback_passes_over_runs_that_are_gone(models: Path, runs: list[Run]) -> None:
    for run in runs:
        promote(models, run)
    shutil.rmtree(runs[1].path)
    Promotions(models).rollback("bob")
    assert promoted(models) == A


def test_a_promoted_run_that_is_gone_is_said_with_the_way_back(models: Path, runs: list[Run]) -> None:
    promote(models, runs[0])
    shutil.rmtree(runs[0].path)
    current = Promotions(models).current()
    assert current
    with pytest.raises(NotPromoted) as error:
        current.run()
    assert "is gone" in error.value.message
    assert "dyag rollback" in error.value.hint


def test_a_run_that_was_trained_in_the_folder_of_the_promoted_one_does_not_answer(
    models: Path, runs: list[Run]
) -> None:
    promote(models, runs[0])
    promote(models, finished(models, B, models / "my-model"))
    shutil.rmtree(models / "my-model")
    finished(models, C, models / "my-model")
    current = Promotions(models).current()
    assert current
    with pytest.raises(
        NotPromoted, match=f"{B} is gone: .*my-model holds the run {C}, which was not promoted"
    ) as error:
        current.run()
    assert "dyag rollback" in error.value.hint
    assert "dyag promote" in error.value.hint
    promote(models, read_run(models / "my-model"))
    assert promoted(models) == C
    Promotions(models).rollback("bob")  # to the last one that is still there
    assert promoted(models) == A


def test_a_workspace_can_be_moved(models: Path, runs: list[Run], tmp_path: Path) -> None:
    promote(models, runs[0])
    models.rename(tmp_path / "moved")
    current = Promotions(tmp_path / "moved").current()
    assert current
    assert current.run().whole().id == A


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pile": [{}], "history": []}', '{"pile": [], "history": [{"x": 1}]}']
)
def test_a_damaged_pointer_is_an_error_and_not_no_promotion(models: Path, runs: list[Run], text: str) -> None:
    promote(models, runs[0])
    Promotions(models).path.write_text(text)
    with pytest.raises(NotPromoted, match="cannot be read"):
        Promotions(models).current()


def test_a_full_disk_leaves_the_one_before(models: Path, runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    promote(models, runs[0])
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(NoSpace):
        promote(models, runs[1])
    monkeypatch.undo()
    assert promoted(models) == A
    assert not list(models.glob("*.part"))


def test_promotions_at_the_same_time_all_count(models: Path, tmp_path: Path) -> None:
    runs = [finished(models, f"20261104-0000{n:02}-00{n:02}") for n in range(8)]
    threads = [threading.Thread(target=promote, args=(models, run)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    steps = Promotions(models).history()
    assert sorted(step.after for step in steps) == sorted(run.id for run in runs)
    assert [step.before for step in steps] == ["", *(step.after for step in steps[:-1])]


CHILD = """
import sys
from pathlib import Path
from finetune.runs.promotion import Promotions
from finetune.runs.store import read_run
pointer = Promotions(Path(sys.argv[1]))
runs = [read_run(Path(path)) for path in sys.argv[2:]]
while True:
    for run in runs:
        current = pointer.current()
        if current is None or current.id != run.id:
            pointer.promote(run, "child", check=lambda: None)
            print("promoted", flush=True)
    pointer.rollback("child")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_thirty_kills_leave_the_old_pointer_or_the_new_one(models: Path, runs: list[Run]) -> None:
    steps = 0
    for seed in range(30):
        words = [sys.executable, "-c", CHILD, str(models), *(str(run.path) for run in runs)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT)
        assert child.stdout
        chance = random.Random(seed)
        for _ in range(chance.randint(1, 3)):
            assert child.stdout.readline() == b"promoted\n"
        time.sleep(chance.uniform(0, 0.03))
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        child.stdout.close()
        history = Promotions(models).history()
        assert [step.before for step in history] == ["", *(step.after for step in history[:-1])][: len(history)]
        assert promoted(models) == (history[-1].after if history else "")
        assert len(history) >= steps
        steps = len(history)
    assert steps > 30
