"""All runs of a workspace: found by any of their names, in the state they are in, deleted at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from runs import begun, finished

from finetune.runs.folder import RunFolder
from finetune.runs.promotion import Promotions
from finetune.runs.store import ELSEWHERE, Runs
from retrieval.errors import BadInput, Busy, NotFound

OLD, NEW = "20261103-090000-0001", "20261104-153012-a1f3"


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    models = tmp_path / "models"
    finished(models, OLD, created="2026-11-03T09:00:00+01:00")
    finished(models, NEW)
    return Runs(models)


def test_runs_are_listed_newest_first(runs: Runs) -> None:
    assert [(run.id, run.state) for run in runs.all()] == [(NEW, "done"), (OLD, "done")]
    assert Runs(runs.models / "none").all() == []


def test_a_new_id_is_a_time_and_is_nobody_elses(runs: Runs) -> None:
    made = {runs.new_id() for _ in range(20)}
    assert all(len(run_id) == len(NEW) and run_id[:8].isdigit() for run_id in made)
    assert len(made) > 15


@pytest.mark.parametrize("text", [OLD, "20261103", f"models/runs/{OLD}", f"models/runs/{OLD}/final"])
def test_a_run_is_found_by_its_id_its_beginning_and_its_folder(runs: Runs, text: str) -> None:
    assert runs.find(text).id == OLD


def test_a_path_may_be_absolute_or_relative_to_where_one_is(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs.folder)
    for text in (f"./{OLD}", str(runs.folder / OLD), f"{OLD}/final/"):
        assert runs.find(text).id == OLD


def test_the_latest_is_the_newest_that_is_done(runs: Runs) -> None:
    begun(runs.models, "20261105-000000-0003", created="2026-11-05T00:00:00+01:00")
    assert runs.find("latest").id == NEW
    assert runs.find("latest", among=("interrupted",)).id == "20261105-000000-0003"


def test_the_promoted_one_is_found(runs: Runs) -> None:
    with pytest.raises(NotFound, match="No run is promoted"):
        runs.find("promoted")
    Promotions(runs.models).promote(runs.find(OLD), "ana", check=lambda: None)
    assert runs.find("promoted").id == OLD


def test_what_is_no_run_and_what_may_be_several_is_said(runs: Runs) -> None:
    for text in ("2025", "", "models", "nothing/here"):
        with pytest.raises((NotFound, BadInput)):
            runs.find(text)
    with pytest.raises(BadInput, match="2 runs begin with `202611`"):
        runs.find("202611")


def test_a_run_in_a_folder_of_its_own_is_found_by_its_name(runs: Runs, tmp_path: Path) -> None:
    finished(runs.models, "20261106-000000-0004", runs.models / "my-model")
    finished(runs.models, "20261106-000000-0005", tmp_path / "elsewhere" / "deep" / "mine")
    assert runs.find("my-model").id == "20261106-000000-0004"
    assert runs.find("mine").id == "20261106-000000-0005"
    assert (runs.models / ELSEWHERE).is_file()
    assert len(runs.all()) == 4
    shutil.rmtree(tmp_path / "elsewhere")
    assert len(runs.all()) == 3


def test_a_run_is_found_by_the_name_it_was_given(runs: Runs) -> None:
    finished(runs.models, "20261106-000000-0004", config={"name": "port-bot"})
    assert runs.find("port-bot").id == "20261106-000000-0004"
    begun(runs.models, "20261106-000000-0005", config={"name": "port-bot"})
    with pytest.raises(BadInput, match="2 runs are called `port-bot`") as error:
        runs.find("port-bot")
    assert "20261106-000000-0005" in error.value.hint
    assert runs.find("port-bot", among=("done",)).id == "20261106-000000-0004"


def test_a_damaged_list_of_places_hides_nothing_else(runs: Runs) -> None:
    (runs.models / ELSEWHERE).write_text('["/nowhere", 3, {')
    assert len(runs.all()) == 2


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_run_that_is_linked_is_listed_once(runs: Runs) -> None:
    (runs.models / "best").symlink_to(runs.folder / OLD)
    assert len(runs.all()) == 2


def test_a_folder_with_a_broken_request_or_manifest_is_listed_as_it_is(runs: Runs) -> None:
    (runs.folder / OLD / "manifest.json").write_text("{")
    broken = begun(runs.models, "20261105-000000-0003")
    broken.request.write_text("[")
    assert {run.id: run.state for run in runs.all()} == {
        NEW: "done", OLD: "torn", "20261105-000000-0003": "interrupted"
    }  # fmt: skip


def test_a_run_is_deleted_with_all_it_holds(runs: Runs, tmp_path: Path) -> None:
    elsewhere = finished(runs.models, "20261106-000000-0005", tmp_path / "mine")
    for run in (runs.find(OLD), elsewhere):
        runs.delete(run)
        assert not run.path.exists()
    assert [run.id for run in runs.all()] == [NEW]
    assert (runs.models / ELSEWHERE).read_text() == "[]\n"


def test_a_delete_that_is_killed_halfway_leaves_no_half_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path) -> None:
        next(path.iterdir()).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("finetune.runs.store.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        runs.delete(runs.find(OLD))
    assert [run.id for run in runs.all()] == [NEW]
    monkeypatch.undo()
    runs.delete(runs.find(NEW))
    assert list(runs.folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_run_that_is_linked_is_deleted_where_it_lies_with_the_links(runs: Runs, tmp_path: Path) -> None:
    big = tmp_path / "big"
    finished(runs.models, "20261106-000000-0004", big / "mine")
    foreign = big / ".deleted-photos"
    foreign.mkdir()
    for name in ("best", "also"):
        (runs.models / name).symlink_to(big / "mine")
    runs.delete(runs.find("models/best"))
    assert list(big.iterdir()) == [foreign]
    assert {path.name for path in runs.models.iterdir() if path.suffix != ".lock"} == {"runs", ELSEWHERE}
    assert len(runs.all()) == 2
    runs.delete(runs.find(OLD))


def test_a_run_that_is_resumed_while_it_is_deleted_stays(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = begun(runs.models, "20261105-000000-0003")
    run = runs.find("20261105")
    with folder.claimed():
        monkeypatch.setattr(RunFolder, "running", False)  # as it was an instant ago
        with pytest.raises(Busy):
            runs.delete(run)
    assert folder.request.is_file()


def test_the_folder_of_another_user_holds_no_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    (runs.models / "theirs").mkdir()
    see = os.stat

    def closed(path: Path, **how: bool) -> os.stat_result:
        if "theirs" in Path(path).parent.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return see(path, **how)

    monkeypatch.setattr(os, "stat", closed)
    assert [run.id for run in runs.all()] == [NEW, OLD]
    with pytest.raises(NotFound):
        runs.find("models/theirs")


@pytest.mark.parametrize("text", ["~nosuchuser/x", "a" * 300, "a\0b", "~/" + "a/" * 3000])
def test_a_name_that_no_folder_can_have_is_no_run(runs: Runs, text: str) -> None:
    with pytest.raises(NotFound, match="There is no run"):
        runs.find(text)


def test_an_interrupted_run_says_how_it_goes_on(runs: Runs) -> None:
    begun(runs.models, "20261105-000000-0003", runs.models / "my model")
    with pytest.raises(NotFound, match="is interrupted") as error:
        runs.find("20261105").whole()
    assert f"dyag train --resume --output '{runs.models / 'my model'}'" in error.value.hint


def test_a_run_that_is_running_is_not_deleted(runs: Runs) -> None:
    folder = begun(runs.models, "20261105-000000-0003")
    with folder.claimed():
        run = runs.find("20261105")
        assert run.state == "running"
        with pytest.raises(Busy, match="is running") as error:
            runs.delete(run)
        assert "Ctrl-C" in error.value.hint
    runs.delete(runs.find("20261105"))
