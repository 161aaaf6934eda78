"""`dyag serve` as a process: where it listens, what it refuses to begin with, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from commands import indexed_sheets, run
from served import ENVIRON, serving

SLOW = {"match": ".", "text": "Port 3000, says the sheet of Gitea.", "delay": 0.1}
"""About 1.5 s of text."""
QUESTION = {"model": "dyag-rag", "stream": True, "messages": [{"role": "user", "content": "Quel port écoute Gitea ?"}]}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("serve"), cheap=True)


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Path:
    shutil.copytree(indexed, tmp_path / "home")
    return tmp_path / "home"


def get(url: str, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    try:
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_it_says_where_it_listens_answers_and_ends_on_a_signal(home: Path) -> None:
    with serving(home) as server:
        assert get(server.url, "/healthz") == (200, {"status": "ok"})
        assert server.stop() == 0
    assert [line["event"] for line in server.log if line["event"] != "warm"] == ["stopping", "stopped"]
    assert not listens(server.url)


def test_a_port_that_is_taken_is_one_clear_error(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), home=home, cheap=True)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"dyag: 127.0.0.1:{port} is in use by another program.\nStop it, or serve elsewhere: --port 5003.\n"
    )


def test_an_address_that_is_not_ours_is_one_clear_error(home: Path) -> None:
    done = run("serve", "--host", "192.0.2.1", "--port", "0", "--token", "t" * 40, home=home, cheap=True)
    assert (done.code, done.err.count("\n"), "192.0.2.1" in done.err) == (1, 2, True)


def test_another_address_than_this_machine_needs_a_token(home: Path) -> None:
    done = run("serve", "--host", "0.0.0.0", "--port", "0", home=home, cheap=True)
    assert (done.code, "token" in done.err) == (1, True)


def test_a_token_of_the_environment_is_asked_for_and_never_logged(home: Path) -> None:
    token = "a-token-that-nobody-may-read"
    with serving(home, "--log-format", "json", environ={**ENVIRON, "DYAG_TOKEN": token}) as server:
        assert get(server.url, "/metrics")[0] == 401
        assert get(server.url, f"/nowhere/{token}")[0] == 401
        server.stop()
    assert token not in server.logged.read_text(encoding="utf-8")
    assert [line["status"] for line in server.log if line["event"] == "request"] == [401, 401]


def test_the_chat_goes_on_beside_the_server(home: Path) -> None:
    with serving(home) as server:
        done = run("ask", "Quel port écoute Gitea ?", home=home, cheap=True)
        assert (done.code, "3000" in done.out) == (0, True)
        assert get(server.url, "/healthz")[0] == 200


def listens(url: str) -> bool:
    try:
        return get(url, "/healthz")[0] == 200
    except ConnectionError:
        return False


@contextmanager
def asked(url: str) -> Iterator[http.client.HTTPResponse]:
    """A stream of which some text has come."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    with closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(QUESTION), {"Content-Type": "application/json"})
        with connection.getresponse() as response:
            assert response.status == 200
            assert b"data: " in response.readline()
            yield response


@pytest.fixture
def slow(home: Path) -> dict[str, str]:
    (home / "script.jsonl").write_text(json.dumps(SLOW), encoding="utf-8")
    return {
        **ENVIRON,
        "DYAG_ANSWER__GENERATOR": f"fake:{home / 'script.jsonl'}",
        "DYAG_ANSWER__REFUSE_BELOW": "0",
    }


def test_an_answer_under_way_ends_before_the_server_does(home: Path, slow: dict[str, str]) -> None:
    with serving(home, environ=slow) as server, asked(server.url) as response:
        server.process.send_signal(signal.SIGTERM)
        rest = response.read()
        assert server.process.wait(60) == 0
    assert rest.rstrip().endswith(b"data: [DONE]")


def test_a_second_ctrl_c_does_not_wait_for_answers(home: Path, slow: dict[str, str]) -> None:
    (home / "script.jsonl").write_text(json.dumps({**SLOW, "text": "P" * 900}), encoding="utf-8")
    with serving(home, environ=slow) as server, asked(server.url):
        server.process.send_signal(signal.SIGINT)
        while listens(server.url):
            time.sleep(0.01)
        assert server.stop(signal.SIGINT) == 0
    assert os.path.exists(home / "data" / "library.sqlite3")
