"""What a server does by itself: models stored elsewhere, whole or not at all; a retraining when enough was corrected."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_jobs import Trainings, trainings
from chatting import app_at
from fastapi.testclient import TestClient
from runs import finished
from turns import answer

from assistant.api import background
from assistant.api import store as storing
from assistant.api.background import Keeper
from assistant.api.options import Options
from assistant.api.server import create
from assistant.api.store import NotStored, Stopped, store
from assistant.app import App
from finetune.runs.digests import TornRun
from retrieval.errors import NotFound

RUN = "20261104-153012-a1f3"
URL = "http://127.0.0.1:5002"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    data = tmp_path / "home" / "data"
    data.mkdir(parents=True)
    (data / "frigo.csv").write_text("text\nFuite sous le frigo\n", encoding="utf-8")
    made = app_at(tmp_path / "home", io.StringIO())
    yield made
    made.jobs.close()
    made.journal.close()


@pytest.fixture
def jobs(app: App) -> Iterator[Trainings]:
    with trainings(app) as made:
        yield made


def whole(run: Path, there: Path) -> bool:
    """Whether a copy has every file of the run's manifest as it is there."""
    names = [*json.loads((run / "manifest.json").read_text())["artifacts"], "manifest.json"]
    return all((there / name).read_bytes() == (run / name).read_bytes() for name in names)


# store ---------------------------------------------------------------------------------------------------------------


def test_a_run_is_copied_whole_with_its_manifest_last(tmp_path: Path) -> None:
    run = finished(tmp_path / "models", RUN).path
    url = (tmp_path / "bucket").as_uri()
    assert store(run, url) == f"{url}/{RUN}"
    there = tmp_path / "bucket" / RUN
    assert whole(run, there)
    assert not list(there.glob("*.part"))
    before = (there / "final" / "adapter_model.safetensors").stat().st_mtime_ns
    assert store(run, url) == f"{url}/{RUN}"
    assert (there / "final" / "adapter_model.safetensors").stat().st_mtime_ns == before


def test_a_copy_that_was_broken_off_is_none_and_is_made_again(tmp_path: Path) -> None:
    run, there = finished(tmp_path / "models", RUN).path, tmp_path / "bucket" / RUN
    asked = iter([False, False, False, True])
    with pytest.raises(Stopped):
        store(run, str(tmp_path / "bucket"), lambda: next(asked))
    assert not (there / "manifest.json").exists()
    store(run, str(tmp_path / "bucket"))
    assert whole(run, there)


def test_what_arrives_damaged_is_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(tmp_path / "models", RUN).path
    real = storing._copy

    def damaging(path: Path, system: Any, place: str, stopping: Any) -> None:
        real(path, system, place, stopping)
        system.pipe_file(place, b"x" * path.stat().st_size)

    monkeypatch.setattr(storing, "_copy", damaging)
    with pytest.raises(NotStored, match="is not what was sent"):
        store(run, str(tmp_path / "bucket"))
    assert not (tmp_path / "bucket" / RUN / "manifest.json").exists()


def test_another_model_is_not_overwritten(tmp_path: Path) -> None:
    store(finished(tmp_path / "models", RUN).path, str(tmp_path / "bucket"))
    other = finished(tmp_path / "others", RUN, seconds=1.0).path
    with pytest.raises(NotStored, match="another model"):
        store(other, str(tmp_path / "bucket"))


def test_a_run_that_is_not_whole_is_not_copied(tmp_path: Path) -> None:
    run = finished(tmp_path / "models", RUN).path
    (run / "final" / "adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(TornRun):
        store(run, str(tmp_path / "bucket"))
    with pytest.raises(NotFound):
        store(tmp_path / "none", str(tmp_path / "bucket"))
    assert not (tmp_path / "bucket").exists()


def begin(api: Any) -> str:
    body = {"model": "phi", "dataset_url": "data/frigo.csv"}
    answered = TestClient(api, base_url=URL).post("/api/finetune/start", json=body)
    assert answered.status_code == 202, answered.text
    return str(answered.json()["job_id"])


def look(api: Any) -> None:
    Keeper(api.state.server, api.state.jobs).look()


def told(api: Any, job_id: str) -> Any:
    return TestClient(api, base_url=URL).get(f"/api/finetune/status/{job_id}").json()


def test_a_trained_model_is_stored_and_that_is_told(app: App, jobs: Trainings, tmp_path: Path) -> None:
    api = create(app, Options(store=str(tmp_path / "bucket")))
    jobs.waits = True
    job_id = begin(api)
    look(api)
    assert told(api, job_id)["stored"] is None
    jobs.join()
    look(api)
    found = told(api, job_id)
    assert found["stored"] == str(tmp_path / "bucket" / found["model_path"].split("/")[1])
    assert whole(app.home.path / found["model_path"], Path(found["stored"]))


def test_a_store_that_fails_is_told_without_its_password_and_tried_again(app: App, jobs: Trainings) -> None:
    api = create(app, Options(store="nosuch://ana:secret@bucket/models"))
    job_id = begin(api)
    jobs.join()
    look(api)
    found = told(api, job_id)
    assert (found["stored"], found["status"]) == (None, "completed")
    assert found["store_error"]
    assert "secret" not in json.dumps(found)
    assert [job.id for job in api.state.jobs.rows.unstored()] == [job_id]


# retrain -------------------------------------------------------------------------------------------------------------


def correct(app: App, count: int) -> None:
    for i in range(count):
        number = app.journal.record(app.journal.new_session(), answer(f"Question {i} ?"), {}, "ana")
        app.journal.correct(number, "ana", f"Réponse {i} [chunk_7].")
        app.journal.review(number, "ana", "approved", "bob")


def test_enough_corrections_start_one_retraining(app: App, jobs: Trainings) -> None:
    api, other = (create(app, Options(retrain_after=3)) for _ in range(2))
    correct(app, 2)
    look(api)
    assert jobs.begun == []
    jobs.waits, jobs.exit_code = True, 3
    correct(app, 1)
    for each in (api, other, api):
        look(each)
    jobs.join()
    for each in (api, other):
        look(each)
    (words,) = jobs.begun
    assert words[0] == "retrain"
    (job,) = TestClient(api, base_url=URL).get("/api/finetune/jobs").json()["jobs"]
    assert (job["kind"], job["status"], job["config"]) == ("retrain", "refused", {"corrections": 3})
    assert job["model_path"].startswith("models/feedback-finetuned-")


def test_it_works_while_the_server_lives_and_ends_with_it(
    app: App, jobs: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "EVERY", 0.02)
    correct(app, 1)
    api = create(app, Options(retrain_after=1))
    begun = threading.Event()
    real = Trainings.start
    monkeypatch.setattr(Trainings, "start", lambda *given: (real(*given), begun.set()))
    with background.background(api.state.server, api.state.jobs):
        assert begun.wait(30)
    assert not any(thread.name == "background" for thread in threading.enumerate())
    assert len(jobs.begun) == 1


def test_a_bug_in_one_look_ends_no_other(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    again = threading.Event()

    def look(keeper: Keeper) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("a bug")
        again.set()

    monkeypatch.setattr(background, "EVERY", 0.02)
    monkeypatch.setattr(Keeper, "look", look)
    api = create(app, Options(retrain_after=1))
    with background.background(api.state.server, api.state.jobs):
        assert again.wait(30)


def test_a_storage_that_hangs_holds_up_no_end(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs, over = threading.Event(), threading.Event()

    def look(keeper: Keeper) -> None:
        hangs.set()
        over.wait(60)

    monkeypatch.setattr(background, "EVERY", 0.02)
    monkeypatch.setattr(background, "PATIENCE", 0.1)
    monkeypatch.setattr(Keeper, "look", look)
    api = create(app, Options(retrain_after=1))
    with background.background(api.state.server, api.state.jobs):
        assert hangs.wait(30)
    (thread,) = (one for one in threading.enumerate() if one.name == "background")
    assert thread.daemon
    over.set()
    thread.join(30)


def test_without_a_store_or_a_number_nothing_runs_beside_the_server(app: App) -> None:
    api = create(app, Options())
    with background.background(api.state.server, api.state.jobs):
        assert not any(thread.name == "background" for thread in threading.enumerate())
