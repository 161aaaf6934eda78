"""Every example of the fine-tuning guide, as it stands there, against a live server.

Only the server's address is another, and what has no network is fetched from the workspace. PowerShell, where it is not
installed, and a loop that no shell reads are replayed by what they mean.
"""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_jobs import Trainings, trainings
from chatting import app_at
from live import live

from assistant.api import fetch
from assistant.api.options import Options
from assistant.api.server import create

GUIDE = Path(__file__).resolve().parents[3] / "shared" / "guides" / "frigo-finetune-api.md"
pytestmark = pytest.mark.skipif(not GUIDE.is_file(), reason="the guide is not here")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
HERE = ("http://localhost:5002", "https://frigo-gpt.onrender.com")
HOSTS = ("example.com", "s3.amazonaws.com")
KNOWN_JOB = "ft_20240115_103045_abc123"
FILES = ("frigo_training", "test_frigo", "frigo_complet", "test")


def blocks(language: str) -> list[str]:
    text = GUIDE.read_text(encoding="utf-8") if GUIDE.is_file() else ""
    return [body for name, body in BLOCK.findall(text) if name == language]


CALLS = [body for body in blocks("bash") if "curl" in body and "for model in" not in body]
LOOPS = [body for body in blocks("bash") if "for model in" in body]


class Guided:
    """The live server that the examples speak to."""

    def __init__(self, url: str, jobs: Trainings, home: Path) -> None:
        self.url, self.jobs, self.home = url, jobs, home

    def here(self, text: str) -> str:
        """An example with this server's address."""
        for address in HERE:
            text = text.replace(address, self.url)
        return text

    def get(self, path: str) -> Any:
        found = httpx.get(f"{self.url}/api/finetune/{path}", timeout=60)
        assert found.status_code == 200, found.text
        return found.json()

    def begun(self) -> list[dict[str, Any]]:
        """The trainings that were begun, the first one first, once they have ended."""
        self.jobs.join()
        return self.get("jobs")["jobs"][::-1]  # type: ignore[no-any-return]


@pytest.fixture
def guided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guided]:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    for name in FILES:
        (home / "data" / f"{name}.csv").write_text(blocks("csv")[0], encoding="utf-8")
        (home / "data" / f"{name}.jsonl").write_text(blocks("jsonl")[0], encoding="utf-8")
    options = Options(url_hosts=HOSTS)

    def fetched(url: str, folder: Path, given: Options) -> Path:
        """What the network would have brought, for an address that is allowed."""
        place = fetch.place_of(url, given)
        folder.mkdir(parents=True)
        return Path(shutil.copy(home / "data" / "frigo_training.csv", folder / Path(place.target).name))

    monkeypatch.setattr(fetch, "download", fetched)
    app = app_at(home, io.StringIO())
    with trainings(app) as jobs, live(create(app, options)) as url:
        yield Guided(url, jobs, home)
    app.jobs.close()
    app.journal.close()


def asked_in(text: str) -> dict[str, Any]:
    """The JSON that a curl example sends."""
    found = re.search(r"-d '(\{.*?\})'", text, re.DOTALL)
    return dict(json.loads(found[1])) if found else {}


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="no curl")
@pytest.mark.parametrize(
    "example", CALLS, ids=[f"{i}-{asked_in(body).get('model', 'get')}" for i, body in enumerate(CALLS)]
)
def test_a_curl_example(guided: Guided, example: str) -> None:
    command = guided.here(example).partition("# Réponse")[0]  # below it stands what is answered
    if KNOWN_JOB in command:
        begun = httpx.post(f"{guided.url}/api/finetune/start", json={"model": "phi", "dataset_url": "data/test.csv"})
        guided.jobs.join()
        command = command.replace(KNOWN_JOB, begun.json()["job_id"])
    done = subprocess.run(
        ["bash", "-ec", command.replace("curl ", "curl -sS ")], capture_output=True, check=True, timeout=60
    )
    answered, asked = json.loads(done.stdout), asked_in(example)
    if asked:
        (job,) = guided.begun()
        assert answered["status"] == "started"
        assert (job["job_id"], job["status"]) == (answered["job_id"], "completed")
        usual = {"epochs": 3, "batch_size": 4, "learning_rate": 2e-5}
        assert answered["config"] == usual | {k: v for k, v in asked.items() if k != "dataset_url"} | {
            "dataset": asked["dataset_url"]
        }
    shown = example.partition("# Réponse")[2]
    documented = set(re.findall(r'^  "(\w+)":', shown[shown.find("\n") :], re.MULTILINE))
    assert documented <= set(answered)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_dataset_that_the_guide_writes_is_one_that_is_read(guided: Guided) -> None:
    (example,) = (body for body in blocks("bash") if "cat > data/frigo_training.csv" in body)
    subprocess.run(["bash", "-ec", example], cwd=guided.home, capture_output=True, check=True, timeout=60)
    body = {"model": "gpt2", "dataset_url": "data/frigo_training.csv", "epochs": 1, "batch_size": 1}
    assert httpx.post(f"{guided.url}/api/finetune/start", json=body).status_code == 202


def test_the_loop_over_models(guided: Guided) -> None:
    (example,) = LOOPS
    models = json.loads(re.search(r"models = (\[.*?\])", example)[1])  # type: ignore[index]
    command = guided.here(example[example.index("curl") :].partition("\n\n")[0])
    for model in models:
        subprocess.run(["bash", "-ec", f"model={model}\n{command}"], capture_output=True, check=True, timeout=60)
    assert [job["config"]["model"] for job in guided.begun()] == models


def test_the_python_example(guided: Guided) -> None:
    pytest.importorskip("requests")
    (example,) = (body for body in blocks("python") if "import requests" in body)
    path = guided.home / "example.py"
    path.write_text(guided.here(example), encoding="utf-8")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, timeout=60)
    (job,) = guided.begun()
    assert f"Fine-tuning lancé: {job['job_id']}" in done.stdout
    assert re.search(r"Status: \w+, Progress: \d", done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_javascript_example(guided: Guided) -> None:
    (example,) = blocks("javascript")
    quick = guided.here(example).replace("5000", "50")  # it asks for ever
    ends = "const log = console.log; console.log = (...a) => { log(...a); if (a[1] === 'completed') process.exit(0) }"
    script = f"{ends}\nsetTimeout(() => process.exit(3), 40000)\n{quick}"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False, timeout=60)
    (job,) = guided.begun()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Job ID: {job['job_id']}" in done.stdout
    assert "Modèles: [" in done.stdout


def test_the_powershell_example(guided: Guided) -> None:
    (example,) = blocks("powershell")
    if shutil.which("pwsh"):
        words = ["pwsh", "-NoProfile", "-Command", guided.here(example)]
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
        assert "Job ID: ft_" in done.stdout
        return
    # Invoke-WebRequest sends the hash as JSON in the body, and what comes back is read by its fields.
    table = re.search(r"@\{\n(.*?)\n\} \| ConvertTo-Json", example, re.DOTALL)
    assert table
    pairs = dict(line.strip().split(" = ", 1) for line in table[1].splitlines())
    body = json.dumps({name: json.loads(value) for name, value in pairs.items()}, indent=2)
    agent = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; fr-FR) WindowsPowerShell/5.1.19041"}
    headers = agent | {"Content-Type": re.search(r"'Content-Type' = '(.*?)'", example)[1]}  # type: ignore[index]
    begun = httpx.post(guided.here(re.search(r'-Uri "(.*?)"', example)[1]), content=body, headers=headers)  # type: ignore[index]
    guided.jobs.join()
    address = guided.here(re.findall(r'-Uri "(.*?)"', example)[1]).replace("$jobId", begun.json()["job_id"])
    found = httpx.get(address, headers=agent).json()
    assert (found["status"], found["progress"]) == ("completed", 1.0)


def test_the_newest_model_is_found_as_the_guide_finds_it(guided: Guided, monkeypatch: pytest.MonkeyPatch) -> None:
    httpx.post(f"{guided.url}/api/finetune/start", json={"model": "phi", "dataset_url": "data/test.csv"})
    (job,) = guided.begun()
    (example,) = (body for body in blocks("python") if "IA_MODEL_PATH" in body)
    path = guided.home / "app_ia.py"
    path.write_text(example, encoding="utf-8")
    monkeypatch.chdir(guided.home)
    monkeypatch.setenv("IA_MODEL_PATH", "")
    found = runpy.run_path(str(path))
    assert f"{found['model_path']}/" == job["model_path"]
    assert os.environ["IA_MODEL_PATH"].startswith("models/phi-finetuned-")
