"""Many at once: threads, clients that go away, overload, a sync meanwhile, another model promoted meanwhile."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from asking import GITEA, SETTINGS, ask, scripted, served
from commands import indexed_sheets, run
from runs import trained_home
from workspace import write

from assistant.api.pipelines import VARIABLE
from assistant.app import App
from assistant.workspace import Home

PATH = "/v1/chat/completions"
LONG = {"match": "port écoute", "text": "Un mot et puis un autre. " * 400, "delay": 0.03}
"""Some 100 s of text."""
SHORT = {"match": "licence", "text": "MIT, dit la fiche.", "delay": 0.02}
LIMIT = 60.0


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("answers"), cheap=True)


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(indexed, tmp_path / "home")


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def answering() -> list[str]:
    """Threads that read a model."""
    return [thread.name for thread in threading.enumerate() if thread.name == "answer"]


def sent(url: str, body: dict[str, Any]) -> socket.socket:
    """A connection on which a question was asked."""
    host, port = urlsplit(url).netloc.split(":")
    data = json.dumps(body).encode()
    made = socket.create_connection((host, int(port)), timeout=LIMIT)
    made.sendall(
        f"POST {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    return made


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_ends_its_answer_and_no_other(home: Path, stream: bool) -> None:
    app = scripted(home, LONG, SHORT)
    with served(app) as (_, url), ThreadPoolExecutor(1) as beside:
        leaving = sent(url, ask(stream=stream))
        if stream:
            until(lambda: b"mot" in leaving.recv(65536))
        until(lambda: len(answering()) == 1)
        staying = beside.submit(httpx.post, f"{url}{PATH}", json=ask("Quelle est la licence de Gitea ?"), timeout=LIMIT)
        leaving.close()
        assert staying.result().json()["choices"][0]["message"]["content"] == "MIT, dit la fiche."
        until(lambda: not answering())
        kept = app.journal.sessions()
        if stream:
            until(lambda: len(app.journal.sessions()) == 2)
            kept = app.journal.sessions()
            (broken,) = [turn for s in kept for turn in app.journal.turns(s.id) if turn.question == GITEA]
            assert broken.partial
            assert broken.answer.startswith("Un mot")


def test_beyond_those_who_may_wait_everyone_is_told_when_to_come_back(home: Path) -> None:
    with served(scripted(home, LONG, SHORT), max_answers=2, max_waiting=1) as (api, url):
        there = [sent(url, ask(stream=True)) for _ in range(2)]
        until(lambda: all(b"mot" in one.recv(65536) for one in there))
        waiting = sent(url, ask("Quelle est la licence de Gitea ?", stream=True))
        gate = api.state.server.answers.pipelines._of[False].gate
        until(lambda: bool(gate.waiting == 1))
        refused = httpx.post(f"{url}{PATH}", json=ask(), timeout=LIMIT)
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert int(refused.headers["retry-after"]) >= 1
        for one in there:
            one.close()
        said = b""
        while b"[DONE]" not in said:
            piece = waiting.recv(65536)
            assert piece
            said += piece
        waiting.close()
        assert httpx.post(f"{url}{PATH}", json=ask("La licence de Gitea ?"), timeout=LIMIT).status_code == 200
        until(lambda: bool(gate.taken == 0))


def test_many_threads_while_syncs_change_the_documents(home: Path) -> None:
    """Every answer rests on one state of the documents, and after a sync nobody sees the one before."""
    app = App(Home(home, "test"), {**SETTINGS, "answer.generator": "extractive"})
    with served(app) as (_, url), httpx.Client(base_url=url, timeout=LIMIT) as http:
        stop = threading.Event()
        problems: list[object] = []

        def asks(question: str) -> int:
            made = 0
            while not stop.is_set():
                answer = http.post(PATH, json=ask(question))
                found = http.post("/api/search", json={"query": question})
                if (answer.status_code, found.status_code) != (200, 200):
                    problems.append((answer.text, found.text))
                made += 1
            return made

        with ThreadPoolExecutor(6) as threads:
            asked = [threads.submit(asks, q) for q in (GITEA, "Who made NATS?", "Quelle licence a Redis ?") * 2]
            try:
                for port in (3001, 3002, 3003):
                    write(home / "docs" / "fr-gitea.md", f"# Gitea\n\nGitea est une forge.\n\nPort : {port}\n")
                    assert run("index", home / "docs", home=home, cheap=True).code == 0
                    answer = http.post(PATH, json=ask()).json()
                    assert f"{port}" in answer["choices"][0]["message"]["content"]
            finally:
                stop.set()
            made = sum(one.result() for one in asked)
        assert not problems
        turns = [turn for s in app.journal.sessions() for turn in app.journal.turns(s.id)]
        assert len(turns) == made + 3


@pytest.fixture(scope="module")
def trained(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    copied = shutil.copytree(indexed, tmp_path_factory.mktemp("trained") / "home")
    yield trained_home(copied, ids=("20261104-153012-a1f3", "20261105-153013-b2f4"), context=2048)
    torch.set_num_threads(before)


def generator(url: str, model: str = "dyag-hybrid") -> str:
    body = httpx.post(f"{url}{PATH}", json=ask(model=model, max_tokens=4), timeout=LIMIT).json()
    assert "dyag" in body, body
    return str(body["dyag"]["generator"])


def test_what_is_promoted_answers_at_once_and_the_newest_before(trained: Path, tmp_path: Path) -> None:
    home = shutil.copytree(trained, tmp_path / "home")
    with served(scripted(home)) as (_, url):
        assert generator(url) == "run:20261105-153013-b2f4"
        run("promote", "20261104-153012-a1f3", "--force", "--note", "a test", home=home, cheap=True)
        assert generator(url) == generator(url, "dyag-finetuned") == "run:20261104-153012-a1f3"
        shown = httpx.get(f"{url}/v1/models/dyag-hybrid").json()["dyag"]
        assert (shown["available"], shown["generator"]) == (True, "run:20261104-153012-a1f3")
        run("rollback", home=home, cheap=True)
        assert generator(url) == "run:20261105-153013-b2f4"
        assert generator(url, "dyag-rag") == "fake:"


def test_the_variable_wins_over_what_is_promoted(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = shutil.copytree(trained, tmp_path / "home")
    run("promote", "20261105-153013-b2f4", "--force", "--note", "a test", home=home, cheap=True)
    monkeypatch.setenv(VARIABLE, "models/runs/20261104-153012-a1f3/")
    with served(scripted(home)) as (_, url):
        assert generator(url) == "run:20261104-153012-a1f3"


def test_a_model_in_this_process_answers_one_at_a_time(trained: Path, tmp_path: Path) -> None:
    home = shutil.copytree(trained, tmp_path / "home")
    with served(scripted(home)) as (api, url), ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: generator(url), range(4))) == {"run:20261105-153013-b2f4"}
        assert api.state.server.answers.pipelines._of[True].gate._places == 1


def test_a_server_that_stops_breaks_off_what_is_in_the_making(home: Path) -> None:
    app = scripted(home, LONG)
    with served(app) as (api, url):
        reading = sent(url, ask(stream=True))
        until(lambda: b"mot" in reading.recv(65536))
        api.state.server.answers.close()
        until(lambda: not answering())
        said = b""
        while b"[DONE]" not in said:
            piece = reading.recv(65536)
            assert piece
            said += piece
        reading.close()
    assert b'"partial":"interrupted"' in said or b"broken off" in said
