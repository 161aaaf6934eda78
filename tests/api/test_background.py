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
from turns import answer

from assistant.api import background
from assistant.api.background import Keeper
from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App

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
    names = json.loads((app.home.path / found["model_path"] / "manifest.json").read_bytes())["artifacts"]
    stored = Path(found["stored"])
    assert all((stored / name).is_file() for name in (*names, "manifest.json"))


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
