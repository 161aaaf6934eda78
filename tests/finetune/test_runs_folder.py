"""A run folder: sealed checkpoints, a model published whole, a log; and what a kill or a full disk leaves of them."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import begun, files, finished, manifest

from finetune.runs.digests import TornRun
from finetune.runs.folder import COMPLETE, LOCK, RunFolder, checkpoint_fault
from finetune.runs.log import RunLog
from finetune.runs.store import read_run
from retrieval.errors import BadInput, Busy, NoSpace, NotFound

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return begun(tmp_path / "models", "20261104-153012-a1f3")


def checkpoint(folder: RunFolder, step: int, *, sealed: bool = True) -> Path:
    path = folder.path / f"checkpoint-{step}"
    (path / "inner").mkdir(parents=True)
    for name in ("adapter_model.safetensors", "optimizer.pt", "inner/state.json"):
        (path / name).write_text(f"{name} of {step}")
    if sealed:
        folder.seal(path)
    return path


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, BaseException], None]]:
    """Let the n-th call that makes something lasting fail."""
    left = [0]

    def failing(real: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise error
            return real(*args, **options)

        return call

    real = {name: getattr(os, name) for name in ("fsync", "replace", "rename", "mkdir", "open")}

    def at(number: int, error: BaseException) -> None:
        left[0] = number
        for name, call in real.items():
            monkeypatch.setattr(os, name, failing(call, error))

    yield at
    monkeypatch.undo()


def every_crash(
    crash: Callable[[int, BaseException], None], work: Callable[[], object], error: BaseException
) -> Iterator[bool]:
    """Do the work with the first call failing, then the second and so on, until it comes to its end."""
    for number in range(1, 200):
        crash(number, error)
        try:
            work()
        except (Killed, NoSpace):
            crash(0, error)
            yield False
            continue
        crash(0, error)
        yield True
        return
    pytest.fail("the work never came to its end")


# begin and claim -----------------------------------------------------------------------------------------------------


def test_a_run_begins_with_what_was_asked_for_in_a_private_folder(folder: RunFolder) -> None:
    assert folder.read_request()["id"] == "20261104-153012-a1f3"
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.request.stat().st_mode) == 0o600


@pytest.mark.parametrize("holds", ["request.json", "notes.txt"])
def test_a_folder_in_use_is_refused_and_stays_as_it_is(tmp_path: Path, holds: str) -> None:
    folder = RunFolder(tmp_path / "mine")
    folder.path.mkdir()
    (folder.path / holds).write_text("{}")
    with folder.claimed(), pytest.raises(BadInput, match="is in use"):
        folder.begin({"id": "x"})
    assert files(folder.path) == {LOCK: b"", holds: b"{}"} or files(folder.path) == {holds: b"{}"}


def test_one_training_at_a_time_works_in_a_folder(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.runs.folder.CLAIM_SECONDS", 0.05)
    assert not folder.running
    with folder.claimed():
        assert folder.running
        with pytest.raises(Busy), RunFolder(folder.path).claimed():
            pass
    assert not folder.running


def test_a_folder_whose_training_was_killed_is_free(folder: RunFolder) -> None:
    code = "import sys, time; from finetune.runs.folder import RunFolder; from pathlib import Path\n" \
           "with RunFolder(Path(sys.argv[1])).claimed(): print('in', flush=True); time.sleep(60)"  # fmt: skip
    child = subprocess.Popen([sys.executable, "-c", code, str(folder.path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout
    try:
        assert child.stdout.readline() == b"in\n"
        assert read_run(folder.path).state == "running"
    finally:
        child.kill()
        child.wait(60)
        child.stdout.close()
    assert read_run(folder.path).state == "interrupted"
    with folder.claimed():
        pass


# checkpoints ---------------------------------------------------------------------------------------------------------


def test_the_newest_whole_checkpoint_is_found_by_its_number(folder: RunFolder) -> None:
    assert folder.last_complete_checkpoint().path is None
    for step in (9, 10, 200):
        checkpoint(folder, step)
    (folder.path / "checkpoint-x").mkdir()
    found = folder.last_complete_checkpoint()
    assert (found.path, found.step, found.passed_over) == (folder.path / "checkpoint-200", 200, ())
    assert [path.name for path in folder.checkpoints()] == ["checkpoint-9", "checkpoint-10", "checkpoint-200"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "not written to its end": lambda at: (at / COMPLETE).unlink(),
    f"{COMPLETE} cannot be read": lambda at: _cut(at / COMPLETE),
    "optimizer.pt has changed": lambda at: _cut(at / "optimizer.pt"),
    "inner/state.json is missing": lambda at: (at / "inner" / "state.json").unlink(),
    "rng_state.pth was not in it when it was sealed": lambda at: (at / "rng_state.pth").write_bytes(b"\x80"),
    "adapter_model.safetensors is no file of its own": lambda at: (
        (at / "adapter_model.safetensors").rename(at.parent / "away"),
        (at / "adapter_model.safetensors").symlink_to(at.parent / "away"),
    ),
}


@pytest.mark.parametrize("why", DAMAGE)
def test_a_torn_checkpoint_is_passed_over_and_told(folder: RunFolder, why: str) -> None:
    whole, torn = checkpoint(folder, 10), checkpoint(folder, 20)
    DAMAGE[why](torn)
    found = folder.last_complete_checkpoint()
    assert (found.path, found.step) == (whole, 10)
    assert found.passed_over == (f"checkpoint-20: {checkpoint_fault(torn)}",)
    assert why in found.passed_over[0]


def test_a_seal_names_no_file_outside_of_its_checkpoint(folder: RunFolder) -> None:
    path = checkpoint(folder, 10)
    sealed = json.loads((path / COMPLETE).read_text())
    sealed["files"] = {"../request.json": "0" * 64, **sealed["files"]}
    (path / COMPLETE).write_text(json.dumps(sealed))
    assert checkpoint_fault(path) == "../request.json is no file of its own"


@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_seal_that_is_broken_off_anywhere_leaves_the_checkpoint_before(
    folder: RunFolder, crash: Callable[[int, BaseException], None], error: BaseException
) -> None:
    checkpoint(folder, 10)
    new = checkpoint(folder, 20, sealed=False)
    ends = []
    for done in every_crash(crash, lambda: folder.seal(new), error):
        found = folder.last_complete_checkpoint()
        # A seal may be whole though the call that made its name last was broken off.
        assert found.step in ((20,) if done else (10, 20))
        assert not checkpoint_fault(found.path or new)
        ends.append(found.step)
        (new / COMPLETE).unlink(missing_ok=True)
        for part in new.glob("*.part"):
            part.unlink()
    assert len(ends) > 5
    assert set(ends) == {10, 20}


# what is published ---------------------------------------------------------------------------------------------------


def test_a_model_that_could_not_be_saved_is_not_published(folder: RunFolder) -> None:
    def half() -> None:
        with folder.publishing() as part:
            (part / "model.safetensors").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NoSpace):
        half()
    assert not folder.final.exists()
    with folder.publishing() as part:
        assert list(part.iterdir()) == []
        (part / "model.safetensors").write_bytes(b"whole")
    assert files(folder.final) == {"model.safetensors": b"whole"}


def test_a_model_replaces_that_of_a_training_that_was_killed_before_its_manifest(folder: RunFolder) -> None:
    for text in (b"old", b"new"):
        with folder.publishing() as part:
            (part / "model.safetensors").write_bytes(text)
    assert files(folder.final) == {"model.safetensors": b"new"}


@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_run_that_is_broken_off_anywhere_at_its_end_is_interrupted_or_done(
    tmp_path: Path, crash: Callable[[int, BaseException], None], error: BaseException
) -> None:
    folder = begun(tmp_path / "models", "a")

    def end() -> None:
        with folder.publishing() as part:
            (part / "model.safetensors").write_bytes(b"whole")
        folder.finish(manifest("a"))

    states = []
    for done in every_crash(crash, end, error):
        run = read_run(folder.path)
        states.append(run.state)
        assert run.state in (("done",) if done else ("interrupted", "done"))
        if run.state == "done":
            assert run.whole().artifacts.keys() == {"request.json", "final/model.safetensors"}
        folder.manifest_path.unlink(missing_ok=True)
    assert len(states) > 8
    assert states[0] == "interrupted"


def test_the_manifest_proves_every_file(tmp_path: Path) -> None:
    run = finished(tmp_path / "models", "a")
    assert run.whole().artifacts.keys() == {
        "request.json", "dataset.jsonl", "log.jsonl", "final/adapter_model.safetensors"
    }  # fmt: skip
    (run.folder.final / "adapter_model.safetensors").write_bytes(b"Weights")
    assert read_run(run.path).state == "done"  # a list looks at sizes
    with pytest.raises(TornRun, match=r"final/adapter_model\.safetensors has changed"):
        run.whole()
    (run.folder.final / "adapter_model.safetensors").write_bytes(b"w")
    assert read_run(run.path).state == "torn"


def test_a_run_that_is_not_finished_has_no_manifest(folder: RunFolder) -> None:
    with pytest.raises(NotFound):
        folder.manifest()
    with pytest.raises(NotFound, match="interrupted"):
        read_run(folder.path).whole()


# the log -------------------------------------------------------------------------------------------------------------


def test_a_log_keeps_what_was_appended(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    assert log.read().entries == ()
    log.append({"step": 1, "loss": 2.5})
    log.append({"step": 2, "loss": float("nan")})
    log.append({"step": 2, "eval_loss": 2.25})
    read = log.read()
    assert (read.torn, read.entries[1]) == (0, {"step": 2, "loss": None})
    assert (read.series("loss"), read.series("eval_loss")) == ([(1.0, 2.5)], [(2.0, 2.25)])


def test_a_last_line_that_was_broken_off_is_told_and_left_out(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    for step in (1, 2, 3):
        log.append({"step": step})
    _cut(log.path)
    assert (log.read().torn, [e["step"] for e in log.read().entries]) == (1, [1, 2])
    log.rewind(1)
    log.append({"step": 2})
    assert (log.read().torn, [e["step"] for e in log.read().entries]) == (0, [1, 2])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_log_with_torn_lines_at_worst(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_bytes(data)
    read = RunLog(path).read()
    assert all(isinstance(entry, dict) for entry in read.entries)
    read.series("loss")
    assert len(read.entries) + read.torn <= data.count(b"\n") + 1
    shutil.rmtree(path.parent)


# kills ---------------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from finetune.runs.folder import RunFolder
folder = RunFolder(Path(sys.argv[1]))
step = folder.last_complete_checkpoint().step
with folder.claimed():
    while True:
        step += 1
        path = folder.path / f"checkpoint-{step}"
        if path.exists():
            import shutil
            shutil.rmtree(path)
        path.mkdir()
        for name in ("adapter_model.safetensors", "optimizer.pt"):
            (path / name).write_bytes(f"{name} {step} ".encode() * 20_000)
        folder.seal(path)
        folder.log.append({"step": step})
        print("sealed", flush=True)
        for old in folder.checkpoints()[:-3]:
            import shutil
            shutil.rmtree(old)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_forty_kills_while_checkpoints_are_written_lose_none_that_was_sealed(folder: RunFolder) -> None:
    reached, passed_over = 0, 0
    for seed in range(40):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder.path)], stdout=subprocess.PIPE, cwd=ROOT)
        assert child.stdout
        chance = random.Random(seed)
        for _ in range(chance.randint(1, 3)):
            assert child.stdout.readline() == b"sealed\n"
        time.sleep(chance.uniform(0, 0.05))
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        child.stdout.close()
        found = folder.last_complete_checkpoint()
        passed_over += len(found.passed_over)
        logged = [entry["step"] for entry in folder.log.read().entries]
        assert found.step >= max([reached, *logged])  # what was logged was sealed before
        reached = found.step
        if found.path:
            for name in ("adapter_model.safetensors", "optimizer.pt"):
                assert (found.path / name).read_bytes() == f"{name} {reached} ".encode() * 20_000
    assert reached > 40
    assert passed_over > 3  # the kills did hit writes
