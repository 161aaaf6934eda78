"""What a server tells of itself: health, metrics, and a log that keeps what it must not."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CHEAP, indexed_sheets
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from assistant.api import access_log
from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from assistant.workspace import Home

TOKEN = "a-token-of-the-tests"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
SETTINGS = dict([CHEAP[1].split("=", 1)])


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("operations"), cheap=True)


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Path:
    shutil.copytree(indexed, tmp_path / "home")
    return tmp_path / "home"


def served(home: Path) -> FastAPI:
    api = create(App(Home(home, "test"), SETTINGS), Options(token=TOKEN))

    @api.get("/test/bug")
    def bug() -> None:
        raise RuntimeError("a secret of the code")

    @api.get("/test/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter(["data: 1\n\n", "data: 2\n\n"]), media_type="text/event-stream")

    return api


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(served(home), base_url="http://127.0.0.1:5002", raise_server_exceptions=False) as made:
        yield made


def ready(client: TestClient) -> None:
    client.app.state.server.warming._thread.join(60)  # type: ignore[attr-defined]


def metric(client: TestClient, name: str) -> float:
    """The value of one line, by its name and labels."""
    lines = client.get("/metrics", headers=ADMIN).text.splitlines()
    found = [line for line in lines if line.startswith(f"{name} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_health_is_public_and_looks_at_nothing(client: TestClient, home: Path) -> None:
    shutil.rmtree(home / "data")
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_once_the_first_question_can_be_answered(client: TestClient) -> None:
    ready(client)
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "index": "ok", "journal": "ok", "model": "ok"},
    )


def test_not_ready_says_what_is_missing_and_names_no_path(home: Path) -> None:
    shutil.rmtree(home / "data")
    (home / "data").mkdir()
    (home / "data" / "journal.sqlite3").write_bytes(b"no database" * 1000)
    with TestClient(served(home), base_url="http://127.0.0.1:5002") as client:
        ready(client)
        response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"status": "not ready", "index": "nothing is indexed", "journal": "cannot be read", "model": "failed"},
    )


def test_ready_without_a_restart_once_what_was_missing_is_there(home: Path, indexed: Path) -> None:
    shutil.rmtree(home / "data")
    with TestClient(served(home), base_url="http://127.0.0.1:5002") as client:
        ready(client)
        assert client.get("/readyz").status_code == 503
        ready(client)  # that look at it has tried again, in vain
        shutil.copytree(indexed / "data", home / "data")
        client.get("/readyz")
        ready(client)
        assert client.get("/readyz").status_code == 200


def test_not_ready_when_told_to_stop(client: TestClient) -> None:
    ready(client)
    client.app.state.server.stopping.set()  # type: ignore[attr-defined]
    assert client.get("/readyz").json()["status"] == "not ready"


def test_metrics_count_requests_by_declared_route(client: TestClient) -> None:
    for path in ("/healthz", "/healthz", "/no/such/1", "/no/such/2"):
        client.get(path, headers=ADMIN)
    assert metric(client, 'dyag_requests_total{method="GET",route="/healthz",status="200"}') == 2
    assert metric(client, 'dyag_requests_total{method="GET",route="unmatched",status="404"}') == 2
    assert metric(client, 'dyag_request_seconds_count{method="GET",route="/healthz"}') == 2
    assert metric(client, "dyag_requests_open") == 1  # the one that asks


def test_metrics_count_what_the_guard_refuses(client: TestClient) -> None:
    client.get("/metrics")
    client.get("/healthz", headers={"Host": "evil.example"})
    assert metric(client, 'dyag_refused_total{reason="no_token"}') == 1
    assert metric(client, 'dyag_refused_total{reason="unknown_host"}') == 1


def test_metrics_time_the_first_bytes_of_a_stream(client: TestClient) -> None:
    assert client.get("/test/stream", headers=ADMIN).text.endswith("data: 2\n\n")
    assert metric(client, 'dyag_stream_first_seconds_count{route="/test/stream"}') == 1
    assert metric(client, "dyag_streams_open") == 0


def test_metrics_of_the_workspace(client: TestClient, home: Path) -> None:
    assert metric(client, "dyag_index_chunks") > 5
    assert 0 <= metric(client, "dyag_index_age_seconds") < 3600
    with client.app.state.server.app.journal.writing("") as db:  # type: ignore[attr-defined]
        db.execute("INSERT INTO jobs(words, line, folder, settings, queue, state, created, author, chat, resume) "
                   "VALUES ('[]', '', '', '{}', '', 'failed', 1, '', '', '[]')")  # fmt: skip
    assert metric(client, 'dyag_jobs{state="failed"}') == 1
    assert metric(client, 'dyag_jobs{state="running"}') == 0


def test_metrics_go_on_where_the_workspace_is_damaged(client: TestClient, home: Path) -> None:
    (home / "data" / "index" / "CURRENT").unlink()
    assert metric(client, 'dyag_up{part="index"}') == 0
    assert metric(client, 'dyag_up{part="jobs"}') == 1


def test_two_servers_count_apart(client: TestClient, home: Path) -> None:
    client.get("/healthz")
    with TestClient(served(home), base_url="http://127.0.0.1:5002") as other:
        assert metric(other, 'dyag_requests_total{method="GET",route="/healthz",status="200"}') == 0


# the log -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    handler = access_log.begin("json", Options(token=TOKEN))
    written = io.StringIO()
    handler.setStream(written)
    yield written
    access_log.end(handler)


def requests(log: io.StringIO) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "request"]


def test_the_log_has_a_line_for_each_request(log: io.StringIO, client: TestClient) -> None:
    response = client.get("/test/stream", headers={**ADMIN, "X-Request-Id": "abc-1"})
    (line,) = requests(log)
    assert response.headers["x-request-id"] == line["id"] == "abc-1"
    assert (line["method"], line["route"], line["status"], line["bytes"]) == ("GET", "/test/stream", 200, 18)
    assert (line["level"], "first_ms" in line, "broken_off" in line) == ("info", True, False)
    assert str(line["time"]).endswith("Z")


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", "a;b", '{"id":1}'])
def test_a_request_id_that_could_forge_a_line_is_replaced(client: TestClient, given: str) -> None:
    made = client.get("/healthz", headers={"X-Request-Id": given.encode()}).headers["x-request-id"]
    assert (len(made), made.isalnum()) == (32, True)


def test_neither_query_nor_body_nor_token_is_logged(log: io.StringIO, client: TestClient) -> None:
    client.post(f"/nowhere/{TOKEN}?q=salary&api_key=sk-1", json={"question": "salary"}, headers=ADMIN)
    text = log.getvalue()
    assert "/nowhere/" in text
    assert [word for word in ("salary", "sk-1", TOKEN, "Bearer") if word in text] == []


def test_probes_are_not_logged(log: io.StringIO, client: TestClient) -> None:
    client.get("/healthz")
    assert requests(log) == []


def test_a_bug_is_logged_with_its_id_and_told_to_nobody(log: io.StringIO, client: TestClient, home: Path) -> None:
    response = client.get("/test/bug", headers={**ADMIN, "X-Request-Id": "abc-2"})
    (line,) = requests(log)
    assert (response.status_code, "secret" in response.text) == (500, False)
    assert (line["status"], line["error"], line["level"]) == (500, "RuntimeError", "error")
    assert (response.headers["x-request-id"], response.headers["x-content-type-options"]) == ("abc-2", "nosniff")
    assert "a secret of the code" in (home / "data" / "dyag.log").read_text(encoding="utf-8")


def test_a_line_of_text_steers_no_terminal() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\x1b]52;c;x\x07\nb", None, None)
    line = access_log._Lines("text", Options()).format(record)
    assert "\x1b" not in line
    assert "\n" not in line
