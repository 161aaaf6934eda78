"""The fine-tuning API: what it takes, what it begins, how that stands, what it made."""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_jobs import Trainings, trainings
from chatting import app_at
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.api.begun import ApiJobs
from assistant.api.finetune_models import base_named
from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from assistant.jobs.jobs import WAITING, QueueFull
from retrieval.errors import BadInput, Busy

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
URL = "http://127.0.0.1:5002"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    data = tmp_path / "home" / "data"
    data.mkdir(parents=True)
    (data / "frigo.csv").write_text('text\n"Fuite d\'eau sous le frigo"\n', encoding="utf-8")
    made = app_at(tmp_path / "home", io.StringIO())
    yield made
    made.jobs.close()
    made.journal.close()


@pytest.fixture
def api(app: App) -> FastAPI:
    return create(app, Options())


@pytest.fixture
def client(api: FastAPI) -> TestClient:
    return TestClient(api, base_url=URL)


@pytest.fixture
def jobs(app: App) -> Iterator[Trainings]:
    with trainings(app) as made:
        yield made


Start = Callable[..., Any]


@pytest.fixture
def start(client: TestClient, jobs: Trainings) -> Start:
    """Begin a training with these fields, and `key`."""

    def begin(key: str = "", **fields: Any) -> Any:
        body = {"model": "phi", "dataset_url": "data/frigo.csv", **fields}
        headers = FORM | ({"Idempotency-Key": key} if key else {})
        return client.post("/api/finetune/start", content=json.dumps(body), headers=headers)

    return begin


def status(client: TestClient, job_id: str) -> Any:
    found = client.get(f"/api/finetune/status/{job_id}")
    assert found.status_code == 200, found.text
    return found.json()


# begin ---------------------------------------------------------------------------------------------------------------


def test_info_names_what_can_be_asked_for(client: TestClient) -> None:
    found = client.get("/api/finetune/info").json()
    assert found["available"] is True
    assert found["supported_models"][:5] == ["phi", "phi2", "mistral", "neural", "gpt2"]
    assert "qwen2.5:0.5b" in found["supported_models"]
    assert found["supported_formats"][:2] == ["csv", "jsonl"]
    assert found["endpoints"]["start"] == "POST /api/finetune/start"
    assert found["endpoints"]["promote"] == "POST /api/finetune/promote"


def test_a_training_is_begun_as_the_guide_says(start: Start, client: TestClient, jobs: Trainings, app: App) -> None:
    answered = start()
    assert answered.status_code == 202
    begun = answered.json()
    assert re.fullmatch(r"ft_\d{8}_\d{6}_[a-z0-9]{6}", begun["job_id"])
    assert begun["status"] == "started"
    assert begun["message"] == "Fine-tuning lancé pour phi"
    config = {"model": "phi", "dataset": "data/frigo.csv", "epochs": 3, "batch_size": 4, "learning_rate": 2e-5}
    assert begun["config"] == config
    jobs.join()
    found = status(client, begun["job_id"])
    assert (found["status"], found["progress"], found["config"]) == ("completed", 1.0, config)
    assert re.fullmatch(r"models/phi-finetuned-\d{8}_\d{6}/", found["model_path"])
    assert (app.home.path / found["model_path"] / "manifest.json").is_file()
    assert found["result"] == {"state": "finished"}
    (words,) = jobs.begun
    given = dict(zip(words[1::2], words[2::2], strict=False))
    assert given["--dataset"] == str(app.home.data / "frigo.csv")
    assert (given["--base-model"], given["--epochs"], given["--batch-size"]) == ("phi", "3", "4")
    assert float(words[words.index("--learning-rate") + 1]) == 2e-5


def test_two_trainings_of_one_second_have_folders_of_their_own(
    start: Start, client: TestClient, jobs: Trainings
) -> None:
    ids = [start().json()["job_id"] for _ in range(4)]
    jobs.join()
    assert len({status(client, job)["model_path"] for job in ids}) == 4


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"epochs": 0}, "epochs"),
        ({"epochs": 21}, "epochs"),
        ({"epochs": "3"}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"batch_size": 17}, "batch_size"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": 1.5}, "learning_rate"),
        ({"dataset_url": None}, "dataset_url"),
        ({"model": 1}, "model"),
        ({"output": "/tmp/x"}, "output"),
    ],
)
def test_what_is_out_of_range_is_named(start: Start, jobs: Trainings, fields: dict[str, Any], where: str) -> None:
    answered = start(**fields)
    assert (answered.status_code, jobs.begun) == (422, [])
    assert answered.json()["error"].startswith(f"{where}: ")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"model": NaN}', b"model=phi", b"[" * 9999])
def test_what_is_no_body_begins_nothing(client: TestClient, jobs: Trainings, body: bytes) -> None:
    answered = client.post("/api/finetune/start", content=body)
    assert (answered.status_code, jobs.begun) == (422, [])


@pytest.mark.parametrize(
    "model", ["phii", "org/name", "microsoft/phi-2", "../base", "models/../x", "/etc", "--resume", "a" * 200]
)
def test_a_base_that_is_not_known_is_refused(start: Start, jobs: Trainings, model: str) -> None:
    answered = start(model=model)
    assert (answered.status_code, jobs.begun) == (400, [])
    assert "phi2" in answered.json()["hint"] or "safetensors" in answered.json()["hint"]


def test_a_base_of_the_workspace_lies_in_its_models_folder(tmp_path: Path) -> None:
    base = tmp_path / "models" / "own"
    base.mkdir(parents=True)
    (base / "config.json").write_text("{}")
    assert base_named("models/own", tmp_path) == "models/own"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text("{}")
    (tmp_path / "models" / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("models/link", "models/none", "models/..", "models"):
        with pytest.raises(BadInput):
            base_named(name, tmp_path)


def test_a_dataset_lies_in_an_allowed_folder(start: Start, jobs: Trainings) -> None:
    for path in (
        "data/none.csv",
        "/etc/passwd",
        "data/../dyag.toml",
        "http://example.com/x.csv",
        "https://a.test/x.csv",
    ):
        assert start(dataset_url=path).status_code in (400, 404), path
    assert jobs.begun == []


def test_what_was_fetched_for_nothing_is_removed(
    app: App, jobs: Trainings, monkeypatch: pytest.MonkeyPatch, client: TestClient
) -> None:
    fetched: list[Path] = []

    def download(url: str, folder: Path, options: Options) -> Path:
        folder.mkdir(parents=True)
        fetched.append(folder / "x.csv")
        return fetched[-1]

    def full(*_: object) -> None:
        raise QueueFull("The queue is full.")

    monkeypatch.setattr("assistant.api.fetch.download", download)
    body = {"model": "phi", "dataset_url": "https://example.com/x.csv"}
    assert client.post("/api/finetune/start", json=body).status_code == 202
    assert ("--dataset", str(fetched[0])) in zip(jobs.begun[0], jobs.begun[0][1:], strict=False)
    monkeypatch.setattr(app.jobs, "start", full)
    assert client.post("/api/finetune/start", json=body).status_code == 429
    assert [path.parent.exists() for path in fetched] == [True, False]


def test_what_another_server_fetched_first_is_not_kept_twice(
    start: Start, jobs: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Path] = []

    def download(url: str, folder: Path, options: Options) -> Path:
        folder.mkdir(parents=True)
        fetched.append(folder / "x.csv")
        return fetched[-1]

    monkeypatch.setattr("assistant.api.fetch.download", download)
    monkeypatch.setattr(ApiJobs, "known", lambda *_: None)  # each looked just before
    url = "https://example.com/x.csv"
    first, second = (start(key="a", dataset_url=url).json()["job_id"] for _ in range(2))
    assert first == second
    assert [path.parent.exists() for path in fetched] == [True, False]


def test_what_could_not_be_fetched_leaves_nothing(app: App, jobs: Trainings) -> None:
    client = TestClient(create(app, Options(url_hosts=("nowhere.invalid",))), base_url=URL)
    body = {"model": "phi", "dataset_url": "https://nowhere.invalid/x.csv"}
    assert "resolver" in client.post("/api/finetune/start", json=body).json()["error"]
    assert not list((app.home.data / "finetuning" / "fetched").iterdir())


# once ----------------------------------------------------------------------------------------------------------------


def test_a_key_begins_one_job(start: Start, jobs: Trainings, client: TestClient) -> None:
    first, again = start(key="a"), start(key="a")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert start(key="b").json()["job_id"] != first.json()["job_id"]
    other = start(key="a", epochs=4)
    assert other.status_code == 422
    assert first.json()["job_id"] in other.json()["error"]
    evaluation = {"run": "latest"}
    jobs.join()
    answered = client.post("/api/finetune/promote", json=evaluation, headers={"Idempotency-Key": "a"})
    assert answered.status_code == 422
    assert len(jobs.begun) == 2


@pytest.mark.parametrize("key", ["é", "a b", "x" * 256])
def test_a_key_is_short_and_plain(client: TestClient, jobs: Trainings, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    answered = client.post(
        "/api/finetune/start", json={"model": "phi", "dataset_url": "data/frigo.csv"}, headers=headers
    )
    assert (answered.status_code, jobs.begun) == (422, [])


def test_two_hundred_starts_at_once_with_one_key_begin_one_job(api: FastAPI, jobs: Trainings) -> None:
    jobs.waits = True
    body = {"model": "gpt2", "dataset_url": "data/frigo.csv"}

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=URL, timeout=60) as client:
            one = client.post
            key = {"Idempotency-Key": "once"}
            return await asyncio.gather(*(one("/api/finetune/start", json=body, headers=key) for _ in range(200)))

    answered = asyncio.run(all_at_once())
    assert {one.status_code for one in answered} == {202}
    assert len({one.json()["job_id"] for one in answered}) == 1
    assert len(jobs.begun) == 1


def test_two_servers_on_one_workspace_share_keys(app: App, start: Start, jobs: Trainings) -> None:
    first = start(key="a").json()
    other = app_at(app.home.path, io.StringIO())
    client = TestClient(create(other, Options()), base_url=URL)
    body = {"model": "phi", "dataset_url": "data/frigo.csv"}
    again = client.post("/api/finetune/start", json=body, headers={"Idempotency-Key": "a"}).json()
    other.journal.close()
    assert again == first
    assert len(jobs.begun) == 1


def test_a_key_that_another_process_took_meanwhile_begins_nothing(
    start: Start, jobs: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(key="a").json()
    monkeypatch.setattr(ApiJobs, "known", lambda *_: None)  # it looked just before
    assert start(key="a").json() == first
    assert start(key="a", epochs=4).status_code == 422
    jobs.join()
    assert len(jobs.begun) == 1


# the queue -----------------------------------------------------------------------------------------------------------


def test_a_full_queue_says_when_to_come_back(start: Start, jobs: Trainings, client: TestClient) -> None:
    jobs.waits = True
    begun = [start() for _ in range(WAITING + 1)]
    assert {one.status_code for one in begun} == {202}
    full = start(key="later")
    assert full.status_code == 429
    assert int(full.headers["Retry-After"]) > 0
    assert "dyag jobs cancel" in full.json()["hint"]
    jobs.join()
    assert start(key="later").status_code == 202


# look ----------------------------------------------------------------------------------------------------------------


def test_a_training_that_runs_tells_how_far_it_is(start: Start, jobs: Trainings, client: TestClient, app: App) -> None:
    jobs.waits = True
    job_id = start().json()["job_id"]
    while (found := status(client, job_id))["progress"] == 0:
        assert found["status"] in ("queued", "running")
    assert (found["status"], found["progress"], found["model_path"]) == ("running", 0.25, None)
    assert (found["stage"], found["figures"], found["result"]) == ("Training", {"loss": 2.5}, None)
    assert client.get("/api/finetune/models").json() == {"models": [], "total": 0}


def test_a_training_that_failed_says_why_and_can_be_taken_up(start: Start, jobs: Trainings, client: TestClient) -> None:
    jobs.error = (
        "phi is not on this machine, and the Hub cannot be reached. Fetch it with `hf download microsoft/phi-2`."
    )
    jobs.exit_code = 1
    job_id = start(key="a").json()["job_id"]
    jobs.join()
    found = status(client, job_id)
    assert (found["status"], found["error"], found["model_path"]) == ("failed", jobs.error, None)
    assert "models/NAME" in found["hint"]
    jobs.error, jobs.exit_code = "", 0
    again = client.post(found["resume"])
    assert (again.status_code, again.json()["job_id"]) == (202, job_id)
    jobs.join()
    assert status(client, job_id)["status"] == "completed"
    assert start(key="a").json()["job_id"] == job_id
    assert client.post(f"/api/finetune/resume/{job_id}").status_code == 400


def test_a_killed_training_is_said_by_the_next_server_and_taken_up(app: App, start: Start, jobs: Trainings) -> None:
    jobs.waits = True
    job_id = start().json()["job_id"]
    jobs.kill(1)
    jobs.join()
    client = TestClient(create(app, Options()), base_url=URL)
    found = status(client, job_id)
    assert (found["status"], found["resume"]) == ("interrupted", f"/api/finetune/resume/{job_id}")
    jobs.waits = False
    assert client.post(found["resume"]).status_code == 202
    jobs.join()
    assert status(client, job_id)["status"] == "completed"
    assert client.get("/api/finetune/jobs").json()["total"] == 2


def test_a_job_is_cancelled(start: Start, jobs: Trainings, client: TestClient) -> None:
    jobs.waits = True
    first = start().json()["job_id"]
    answered = client.post(f"/api/finetune/cancel/{first}")
    assert answered.status_code == 200
    assert answered.json()["job"]["job_id"] == first
    jobs.join()
    again = client.post(f"/api/finetune/cancel/{first}")
    assert (again.status_code, first in again.json()["error"]) == (400, True)


def test_there_is_no_such_job(client: TestClient) -> None:
    for job_id in ("ft_20240115_103045_abc123", "job_1", "job_0", "job_99999999999", "'--", "é", "1"):
        for path in ("status", "logs", "events"):
            assert client.get(f"/api/finetune/{path}/{job_id}").status_code == 404, job_id
        for path in ("cancel", "resume"):
            assert client.post(f"/api/finetune/{path}/{job_id}").status_code == 404, job_id


def test_jobs_are_listed_the_newest_first(start: Start, jobs: Trainings, client: TestClient, app: App) -> None:
    ids = [start().json()["job_id"] for _ in range(3)]
    app.jobs.start("index docs", ["index", "docs"])
    jobs.join()
    found = client.get("/api/finetune/jobs").json()
    assert [job["job_id"] for job in found["jobs"]] == ["job_4", *ids[::-1]]
    assert (found["jobs"][0]["kind"], found["jobs"][0]["config"]) == ("index", {"command": "index docs"})
    page = client.get("/api/finetune/jobs", params={"limit": 1, "offset": 1}).json()
    assert ([job["job_id"] for job in page["jobs"]], page["total"]) == ([ids[2]], 4)
    assert status(client, "job_1")["job_id"] == ids[0]


def test_a_log_is_read_in_pieces(start: Start, jobs: Trainings, client: TestClient) -> None:
    job_id = start().json()["job_id"]
    jobs.join()
    found = client.get(f"/api/finetune/logs/{job_id}").json()
    assert (found["lines"], found["over"]) == (["Training begins."], True)
    rest = client.get(f"/api/finetune/logs/{job_id}", params={"offset": found["offset"]}).json()
    assert rest == {"lines": [], "offset": found["offset"], "over": True}


def events(text: str) -> list[tuple[str, str, Any]]:
    """(id, event, data) of each server-sent event."""
    found = []
    for block in filter(None, text.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((lines["id"], lines["event"], json.loads(lines["data"])))
    return found


def test_events_come_as_they_happen_and_none_is_lost(start: Start, jobs: Trainings, client: TestClient) -> None:
    job_id = start().json()["job_id"]
    jobs.join()
    answered = client.get(f"/api/finetune/events/{job_id}")
    assert answered.headers["content-type"].startswith("text/event-stream")
    every = events(answered.text)
    assert [name for _, name, _ in every] == ["started", "stage", "progress", "ended", "status"]
    assert every[-1][2]["status"] == "completed"
    assert every[2][2]["figures"] == {"loss": 2.5}
    for i, (place, _, _) in enumerate(every[:-1]):
        rest = client.get(f"/api/finetune/events/{job_id}", headers={"Last-Event-ID": place})
        assert events(rest.text) == every[i + 1 :]
    for strange in ("7-3", "x", "1-999999"):
        rest = client.get(f"/api/finetune/events/{job_id}", headers={"Last-Event-ID": strange})
        assert events(rest.text)[-1][1] == "status"


def test_a_silent_stream_says_that_it_lives_and_ends_with_the_server(
    start: Start, jobs: Trainings, client: TestClient, api: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.api.jobs.TICK", 0.01)
    monkeypatch.setattr("assistant.api.jobs.BEAT", 0.05)
    jobs.waits = True
    job_id = start().json()["job_id"]
    server = api.state.server
    threading.Timer(1, server.stopping.set).start()
    text = client.get(f"/api/finetune/events/{job_id}").text
    assert text.endswith(": still there\n\n")
    assert "event: status" not in text


def test_a_journal_that_cannot_be_read_ends_those_that_follow_a_job(
    start: Start, jobs: Trainings, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise Busy("The journal is being written.", "Try again.")

    monkeypatch.setattr("assistant.api.jobs.TICK", 0.01)
    jobs.waits = True
    job_id = start().json()["job_id"]
    threading.Timer(0.5, monkeypatch.setattr, [ApiJobs, "find", busy]).start()
    last = client.get(f"/api/finetune/events/{job_id}").text.rstrip().rpartition("\n\n")[2]
    assert "event: error\n" in last
    assert json.loads(last.rpartition("data: ")[2])["hint"] == "Try again."


def test_models_are_listed_as_the_guide_says(start: Start, jobs: Trainings, client: TestClient) -> None:
    for model in ("gpt2", "phi"):
        start(model=model)
        jobs.join()
    found = client.get("/api/finetune/models").json()
    assert found["total"] == 2
    assert [model["latest"] for model in found["models"]] == [True, False]
    for model in found["models"]:
        assert model["path"] == f"models/{model['name']}"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", model["created"])
        assert model["size_mb"] >= 0
    page = client.get("/api/finetune/models", params={"limit": 1, "offset": 1}).json()
    assert (page["models"], page["total"]) == (found["models"][1:], 2)
