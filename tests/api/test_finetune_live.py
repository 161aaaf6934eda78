"""Real trainings begun over HTTP: the server is killed while one runs, then the training; neither is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import serving
from training import NAMES, tiny_base

from assistant.app import App
from assistant.workspace import Home

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals")]
BODY = {"model": "models/tiny", "dataset_url": "data/ports.csv"}
LIMIT = 240.0
"""Seconds that a training of a few rows may take on a machine that is busy."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tiny_base(tmp_path / "models" / "tiny")
    (tmp_path / "data").mkdir()
    rows = "".join(f'"Le port de {name} est {3000 + i}"\n' for i, name in enumerate(NAMES * 10))
    (tmp_path / "data" / "ports.csv").write_text(f"text\n{rows}", encoding="utf-8")
    return tmp_path


def start(url: str, **fields: Any) -> str:
    body = {**BODY, **fields}
    answered = httpx.post(f"{url}/api/finetune/start", json=body, headers={"Idempotency-Key": "once"}, timeout=60)
    assert answered.status_code == 202, answered.text
    return str(answered.json()["job_id"])


async def at_once(url: str, count: int, body: dict[str, Any]) -> set[str]:
    """The jobs that so many identical starts began, all sent before the first is answered."""
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(timeout=120, limits=limits, headers={"Idempotency-Key": "once"}) as client:
        sent = (client.post(f"{url}/api/finetune/start", json=body) for _ in range(count))
        answered = await asyncio.gather(*sent)
    assert {one.status_code for one in answered} == {202}
    return {str(one.json()["job_id"]) for one in answered}


def status(url: str, job_id: str) -> Any:
    return httpx.get(f"{url}/api/finetune/status/{job_id}", timeout=60).json()


def reached(url: str, job_id: str, *states: str, progress: float = 0.0) -> Any:
    """How the job stands, once it is in one of these states, and as far."""
    end = time.monotonic() + LIMIT
    while (found := status(url, job_id))["status"] not in states or found["progress"] < progress:
        assert time.monotonic() < end, found
        assert found["status"] in ("queued", "running"), found
        time.sleep(0.1)
    return found


def kill(home: Path, number: int) -> None:
    """The process of a job, as the system does when memory is short."""
    app = App(Home(home, "test"), {})
    os.killpg(app.jobs.job(number).pid, signal.SIGKILL)
    app.journal.close()


def test_a_training_outlives_its_server_and_is_taken_up_when_it_is_killed_itself(home: Path) -> None:
    with serving(home) as server:
        job_id = start(server.url, epochs=20, batch_size=1)
        reached(server.url, job_id, "running", progress=0.01)
        server.process.kill()
        server.process.wait(30)
    with serving(home) as server:
        assert start(server.url, epochs=20, batch_size=1) == job_id
        found = reached(server.url, job_id, "running", progress=0.02)
        kill(home, 1)
        found = reached(server.url, job_id, "interrupted")
        assert httpx.post(f"{server.url}{found['resume']}", timeout=60).json()["job_id"] == job_id
        reached(server.url, job_id, "running", progress=0.01)
        httpx.post(f"{server.url}/api/finetune/cancel/{job_id}", timeout=60)
        found = reached(server.url, job_id, "cancelled")
        assert server.stop() == 0
    assert list((home / "models").glob("tiny-finetuned-*/checkpoint-*/complete.json"))


def test_200_starts_at_once_are_one_training_which_ends_as_a_model_that_is_listed_and_followed(home: Path) -> None:
    with serving(home, "--store", str(home / "bucket")) as server:
        (job_id,) = asyncio.run(at_once(server.url, 200, {**BODY, "epochs": 1}))
        told = httpx.get(f"{server.url}/api/finetune/events/{job_id}", timeout=LIMIT).text
        assert "event: progress" in told
        assert '"status":"completed"' in told.splitlines()[-2]
        found = status(server.url, job_id)
        assert httpx.get(f"{server.url}/api/finetune/jobs", timeout=60).json()["total"] == 1
        (model,) = httpx.get(f"{server.url}/api/finetune/models", timeout=60).json()["models"]
        assert (model["base_model"], f"{model['path']}/") == ("models/tiny", found["model_path"])
        end = time.monotonic() + 60
        while (found := status(server.url, job_id))["stored"] is None:
            assert time.monotonic() < end, found
            time.sleep(0.2)
        assert (Path(found["stored"]) / "manifest.json").is_file()
        assert server.stop() == 0
