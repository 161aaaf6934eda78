"""A model that a service trained, put to use: chat, modes, evaluation, comparison, gate; and its training as a job."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatting import app_at, converse
from commands import CHEAP, CHEAP_ENVIRON, Ran, indexed_sheets, run
from fake_finetuning import KEY, FakeFinetuning
from runs import manifest
from trial_job import ended

import finetune.hosted.wait as wait
from assistant.app import App
from assistant.commands.train import HOSTED, at_once, queue_of
from assistant.jobs.environment import environment
from finetune.runs.manifest import HostedModel
from finetune.runs.store import Runs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="jobs")
SECRETS = {"GITHUB_TOKEN": "t", "ANTHROPIC_API_KEY": "a", "AWS_SECRET_ACCESS_KEY": "s", "WANDB_API_KEY": "w"}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeFinetuning]:
    with pytest.MonkeyPatch.context() as patch, FakeFinetuning() as made:
        patch.setattr(wait, "POLL", 0.01)
        patch.setattr("finetune.hosted.run.draw", lambda *given: None)
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("OPENAI_BASE_URL", made.url)
        yield made


@pytest.fixture(autouse=True)
def unhurried(server: FakeFinetuning) -> None:
    server.plan = ("queued", "succeeded")


def rows(path: Path, start: int = 0) -> Path:
    lines = (
        [
            {"role": "user", "content": f"Quel port écoute le service {n} ?"},
            {"role": "assistant", "content": f"Le service {n} écoute le port {3000 + n}."},
        ]
        for n in range(start, start + 12)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"messages": line}) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, server: FakeFinetuning) -> Path:
    home = indexed_sheets(tmp_path_factory.mktemp("hosted"), cheap=True)
    server.plan = ("queued", "succeeded")
    words = (
        "--provider",
        "openai",
        "--train",
        rows(home / "data" / "finetuning" / "dataset_train.jsonl"),
        "--wait",
        "--yes",
    )
    assert run("finetune", *words, home=home, cheap=True).code == 0
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def dyag(home: Path, *argv: str, stdin: str = "") -> Ran:
    return run(*argv, home=home, stdin=stdin, cheap=True)


def tuned(home: Path) -> tuple[str, str]:
    """The run and the model."""
    (found,) = Runs(home / "models").all()
    hosted = found.whole().hosted
    assert hosted is not None
    return found.id, hosted.model


def cases(path: Path, count: int = 8) -> Path:
    lines = (
        {"id": f"c{n}", "question": f"Which port has tool {n}?", "expected_answer": "3000", "group": f"d{n}"}
        for n in range(count)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def promoted(home: Path) -> str:
    run_id, _ = tuned(home)
    assert dyag(home, "promote", run_id, "--force", "--note", "a test").code == 0
    return run_id


# put to use ----------------------------------------------------------------------------------------------------------


def test_the_chat_of_the_guide_is_hybrid_mode(home: Path, server: FakeFinetuning) -> None:
    server.prompts.clear()
    ran = dyag(home, "chat", "--finetuned-model", tuned(home)[1], stdin="Quel port écoute Gitea ?\n")
    assert (ran.code, "Le port 3000" in ran.out) == (0, True)
    assert "Gitea" in json.dumps(server.prompts[-1], ensure_ascii=False)
    assert "chunk_" in json.dumps(server.prompts[-1])


@pytest.mark.parametrize(("mode", "given"), [("hybrid", True), ("finetuned", False)])
def test_a_promoted_one_answers_in_both_modes(home: Path, server: FakeFinetuning, mode: str, given: bool) -> None:
    run_id = promoted(home)
    server.prompts.clear()
    told = dyag(home, "ask", "Quel port écoute Gitea ?", "--mode", mode, "--json").json
    assert "3000" in told["answer"]
    assert ("chunk_" in json.dumps(server.prompts[-1])) == given
    assert re.search(rf"\* +{run_id}", dyag(home, "runs").out)
    assert f"{run_id}, every byte checked" in dyag(home, "doctor").out
    assert dyag(home, "rollback").code == 0
    assert dyag(home, "ask", "Quel port écoute Gitea ?", "--mode", mode).code == 1


def test_it_is_asked_alone(home: Path) -> None:
    for name in (tuned(home)[0], "latest"):
        assert "3000" in dyag(home, "query-finetuned", "Quel port ?", "--model", name).out


def test_it_is_evaluated_under_each_of_its_names_and_priced(home: Path, tmp_path: Path) -> None:
    run_id, model = tuned(home)
    file = cases(tmp_path / "cases.jsonl")
    for name in (run_id, f"run:{run_id}", model, f"openai:{model}"):
        output = tmp_path / "results.json"
        ran = dyag(home, "eval", str(file), "--mode", "finetuned", "--model", name, "--output", str(output))
        assert ran.code == 0, ran.err
        assert json.loads(output.read_text())["metrics"]["success_rate"] == 100.0
    assert "$" in dyag(home, "eval", "show", "latest").out


def test_two_models_are_compared(home: Path, tmp_path: Path) -> None:
    file, model = cases(tmp_path / "cases.jsonl"), tuned(home)[1]
    words = ("--model1", model, "--model2", "openai:gpt-4o-mini-2024-07-18", "--test", str(file))
    ran = dyag(home, "compare-models", *words)
    assert ran.code == 0, ran.err


def test_the_gate_asks_the_base_at_the_service(home: Path, server: FakeFinetuning, tmp_path: Path) -> None:
    """Where both say the same, nothing is promoted."""
    ran = dyag(home, "promote", tuned(home)[0], "--cases", str(cases(tmp_path / "cases.jsonl", 12)))
    assert ran.code == 3, ran.err
    assert "gpt-4o-mini-2024-07-18, as it came" in ran.err


@pytest.mark.parametrize(
    "words", [("merge-lora", "latest", "--output", "x"), ("train", "--from-run", "latest", "--force-cpu")]
)
def test_what_needs_weights_says_that_there_are_none(home: Path, words: tuple[str, ...]) -> None:
    ran = dyag(home, *words)
    assert (ran.code, "there are none here" in ran.err) == (1, True), ran.err


def test_a_manifest_alone_sends_no_key_to_another_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(home)
    with FakeFinetuning() as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        ran = dyag(home, "ask", "Quel port ?", "--mode", "finetuned")
        assert (ran.code, "model.base_url=" in ran.err, other.asked) == (1, True, [])
        resumed = dyag(home, "train", "--resume", "--output", str(Runs(home / "models").all()[0].path))
        assert (resumed.code, other.asked) == (0, [])  # it has ended: nobody is asked


def test_a_manifest_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    from finetune.runs.manifest import read_manifest

    made = manifest("a", tuning="hosted", hosted=HostedModel("openai", "https://x/v1", "ft:a", "ftjob-1"))
    (tmp_path / "manifest.json").write_bytes(made.to_json())
    assert read_manifest(tmp_path / "manifest.json") == made
    assert made.hosted is not None
    assert made.hosted.generator == "openai:ft:a@https://x/v1"


def test_it_is_pushed_with_a_card_that_says_where_its_weights_are(home: Path, tmp_path: Path) -> None:
    from finetune.export.storage import push

    (found,) = Runs(home / "models").all()
    push(found.path, f"file://{tmp_path}/store")
    card = (tmp_path / "store" / found.path.name / "README.md").read_text()
    assert f"asked\nfor by the name {tuned(home)[1]}" in card
    assert 'base_model: "gpt-4o-mini-2024-07-18"' in card


# as a job ------------------------------------------------------------------------------------------------------------


def test_a_job_is_given_the_key_of_its_service_and_no_other() -> None:
    given = {
        **SECRETS,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": "https://u:p@host/v1",
        "PATH": "/bin",
        "HF_TOKEN": "h",
    }
    found = environment("hosted", ["train"], {"model.api_key": "sk-1"}, given)
    assert set(found) == {"OPENAI_API_KEY", "OPENAI_BASE_URL", "PATH", "DYAG_MODEL__API_KEY"}


def test_queues_and_what_is_done_at_once() -> None:
    off = dict.fromkeys(HOSTED, "") | {"provider": None, "wait": False, "list_jobs": False, "list_models": False}
    assert (queue_of(off), at_once(off)) == ("training", False)
    assert queue_of(off | {"provider": "openai"}) == queue_of(off | {"status": "x", "wait": True}) == "hosted"
    for asked in ({"list_jobs": True}, {"list_models": True}, {"cancel": "x"}, {"status": "x"}):
        assert at_once(off | asked)
    assert not at_once(off | {"status": "x", "wait": True})


def test_a_list_in_the_chat_is_no_job(home: Path) -> None:
    said = converse(home, "/train --list", index__embedder=CHEAP[1].partition("=")[2])
    assert "ftjob-" in said
    assert "has begun" not in said


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    for name, value in {**CHEAP_ENVIRON, **SECRETS, "PYTHONPATH": os.pathsep.join(sys.path)}.items():
        monkeypatch.setenv(name, value)
    made = app_at(home, io.StringIO())
    yield made
    for job in made.jobs.open():
        os.killpg(job.pid, signal.SIGKILL)
        ended(made, job.number)


class _Yes(io.StringIO):
    def isatty(self) -> bool:
        return True


def until(condition: object, what: str) -> None:
    end = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_from_the_chat_it_is_a_job_that_survives_a_kill(
    app: App, home: Path, server: FakeFinetuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.plan = ("running",) * 100_000
    before = len(server.created)
    file = rows(home / "data" / "finetuning" / "more_train.jsonl", start=50)
    monkeypatch.setattr(sys, "stdin", _Yes("y\n"))
    said = converse(home, f"/train --provider openai --train {file} --suffix v9", app=app)
    assert "cost: about $" in said
    assert "Job 1 has begun" in said
    until(lambda: len(server.created) > before, "no job was begun at the service")
    job = server.created[-1]
    until(lambda: any(event["data"] for event in job.events), "it is not looked at")
    until(lambda: app.jobs.job(1).resume[-2:-1] == ("--output",), "the job does not tell what takes it up")
    row = app.jobs.job(1)
    assert (row.queue, row.words[-2:], row.run != "") == ("hosted", ("--yes", "--wait"), True)
    assert not any(KEY in word for word in (*row.words, *row.resume, row.line))
    told = Path(f"/proc/{row.pid}/environ")
    if told.exists():
        given = told.read_bytes()
        assert not any(f"{name}=".encode() in given for name in SECRETS)
    os.killpg(row.pid, signal.SIGKILL)
    assert ended(app, 1).state == "killed"
    job.plan = ["running", "succeeded"]
    taken = app.jobs.resume(1)
    assert ended(app, taken.number).state == "done", app.jobs.files(taken).log.read_text()
    assert len(server.created) == before + 1
    assert Runs(home / "models").find(row.run).whole().hosted is not None
    assert job.tuned in app.jobs.files(taken).result
    events = app.jobs.files(taken).events.read_text()
    assert '"figures": {"loss"' in events
    assert KEY not in "".join(p.read_text("utf-8", "replace") for p in home.rglob("*") if p.is_file())


def test_a_job_that_is_cancelled_stops_to_wait_and_can_go_on(app: App, home: Path, server: FakeFinetuning) -> None:
    server.plan = ("queued",) * 100_000
    before = len(server.created)
    file = rows(home / "data" / "finetuning" / "more_train.jsonl", start=80)
    number = app.jobs.start("train", ["train", "--provider", "openai", "--train", str(file), "--wait", "--yes"]).number
    until(lambda: len(server.created) > before, "no job was begun at the service")
    until(lambda: app.jobs.job(number).resume[-2:-1] == ("--output",), "it does not tell what takes it up")
    app.jobs.cancel(number)
    assert ended(app, number).state == "cancelled"
    assert server.created[-1].status == "queued"  # there it goes on
    server.created[-1].plan = ["succeeded"]
    assert ended(app, app.jobs.resume(number).number).state == "done"
    assert len(server.created) == before + 1
