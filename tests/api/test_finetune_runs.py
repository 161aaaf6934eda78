"""What becomes of a trained model over HTTP: measured, compared, promoted through the gate, taken back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_jobs import Trainings, trainings
from chatting import app_at
from evaluated import cases, evaluation, mixed, right
from fastapi.testclient import TestClient
from runs import finished

from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from eval.store import write_evaluation
from eval.types import Evaluation
from finetune.runs.promotion import Promotions
from finetune.runs.store import Runs

A, B = "20261104-153012-a1f3", "20261104-153013-b2f4"
FIRST, SECOND = "eval_20261104_101500_a1f3", "eval_20261104_101600_b2f4"
URL = "http://127.0.0.1:5002"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "cases.jsonl").write_text('{"question": "Quel port ?", "answers": ["3000"]}\n', encoding="utf-8")
    for run in (A, B):
        finished(home / "models", run)
    made = app_at(home, io.StringIO())
    yield made
    made.jobs.close()
    made.journal.close()


@pytest.fixture
def client(app: App) -> TestClient:
    return TestClient(create(app, Options()), base_url=URL)


@pytest.fixture
def jobs(app: App) -> Iterator[Trainings]:
    with trainings(app) as made:
        yield made


def post(client: TestClient, path: str, **body: Any) -> Any:
    """As `curl -d` sends it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.post(f"/api/finetune/{path}", content=json.dumps(body), headers=headers)


def keep(app: App, found: Evaluation, name: str) -> None:
    """An evaluation among those of the workspace."""
    import dataclasses

    identity = dataclasses.replace(found.identity, id=name, created=f"2026-11-04T10:{name[16:18]}:00+01:00")
    folder = app.home.data / "evaluations" / name
    folder.mkdir(parents=True)
    (folder / "identity.json").write_text(json.dumps(dataclasses.asdict(identity)), encoding="utf-8")
    write_evaluation(dataclasses.replace(found, identity=identity), folder / "results.json")


# measure -------------------------------------------------------------------------------------------------------------


def test_an_evaluation_is_begun(client: TestClient, jobs: Trainings, app: App) -> None:
    jobs.result = {"id": FIRST}
    answered = post(client, "evaluate", cases="data/cases.jsonl", mode="hybrid", run="latest", limit=5, fresh=True)
    assert answered.status_code == 202
    assert answered.json()["job_id"].startswith("ev_")
    jobs.join()
    (words,) = jobs.begun
    path = str(app.home.data / "cases.jsonl")
    latest = Runs(app.home.models).find("latest").id
    assert words == ("eval", path, "--mode", "hybrid", "--limit", "5", "--model", f"run:{latest}", "--fresh", "--json")
    found = client.get(f"/api/finetune/status/{answered.json()['job_id']}").json()
    assert (found["status"], found["kind"], found["result"]) == ("completed", "evaluate", {"id": FIRST})
    assert found["model_path"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("evaluate", {"cases": "/etc/passwd"}),
        ("evaluate", {"cases": "data/none.jsonl"}),
        ("evaluate", {"cases": "data/cases.jsonl", "mode": "rag", "run": A}),
        ("evaluate", {"cases": "data/cases.jsonl", "mode": "hybrid", "run": "../../x"}),
        ("evaluate", {"cases": "data/cases.jsonl", "mode": "all"}),
        ("evaluate", {"cases": "data/cases.jsonl", "judge": "openai:m@http://169.254.169.254"}),
        ("evaluate", {}),
        ("promote", {"run": "none"}),
        ("promote", {"run": "/etc"}),
        ("promote", {"run": "--force"}),
        ("promote", {"run": A, "force": True}),
        ("promote", {"run": A, "cases": "data/../../x"}),
        ("retrain", {"cases": "~/x"}),
        ("retrain", {"epochs": 21}),
        ("compare", {"evaluations": ["latest"]}),
        ("compare", {"evaluations": ["latest", "/etc/passwd"]}),
        ("compare", {"evaluations": ["results.json", "x"]}),
        ("rollback", {"note": 1}),
        ("rollback", {}),
    ],
)
def test_what_cannot_be_asked_for_begins_nothing(client: TestClient, jobs: Trainings, path: str, body: Any) -> None:
    answered = post(client, path, **body)
    assert answered.status_code in (400, 404, 422), answered.text
    assert answered.json()["error"]
    assert jobs.begun == []


def test_evaluations_are_listed_shown_and_compared(client: TestClient, app: App) -> None:
    many = cases(48, 12)
    keep(app, evaluation("base", mixed(2), many), FIRST)
    keep(app, evaluation("run", right, many), SECOND)
    found = client.get("/api/finetune/evaluations").json()
    assert ([one["id"] for one in found["evaluations"]], found["total"]) == ([SECOND, FIRST], 2)
    assert found["evaluations"][0]["success"] == 1.0
    assert found["evaluations"][0]["created"] == "2026-11-04T09:16:00Z"
    page = client.get("/api/finetune/evaluations", params={"limit": 1, "offset": 1}).json()
    assert ([one["id"] for one in page["evaluations"]], page["total"]) == ([FIRST], 2)
    detail = client.get(f"/api/finetune/evaluations/{FIRST}").json()["detail"]
    assert (detail["count"], len(detail["answers"])) == (48, 48)
    compared = post(client, "compare", evaluations=[FIRST, SECOND])
    assert compared.status_code == 200, compared.text
    assert {"advice", "comparison", "differs"} == set(compared.json())
    for strange in ("..%2f..%2fx", "eval_1", "%00"):
        assert client.get(f"/api/finetune/evaluations/{strange}").status_code == 404


# promote -------------------------------------------------------------------------------------------------------------


def test_a_promotion_that_the_gate_refuses_is_told(client: TestClient, jobs: Trainings) -> None:
    jobs.exit_code, jobs.result = 3, {"refused": A}
    job_id = post(client, "promote", run=A, note="-x\nbetter\x1b[31m").json()["job_id"]
    jobs.join()
    assert jobs.begun == [("promote", A, "--note=-x better", "--limit", "0", "--json")]
    found = client.get(f"/api/finetune/status/{job_id}").json()
    assert (found["status"], found["result"], found["resume"]) == ("refused", {"refused": A}, None)


def test_a_promotion_is_forced_with_a_reason_only(client: TestClient, jobs: Trainings) -> None:
    assert post(client, "promote", run=A, force=True, note="the customer waits").status_code == 202
    jobs.join()
    assert "--force" in jobs.begun[0]


def test_a_rollback_goes_back_and_the_history_tells(client: TestClient, app: App) -> None:
    promotions = Promotions(app.home.models)
    for run in (A, B):
        promotions.promote(Runs(app.home.models).find(run), "ana", check=lambda: None)
    assert client.get("/api/finetune/promotions").json()["current"] == B
    assert {m["run"]: m["promoted"] for m in client.get("/api/finetune/models").json()["models"]} == {A: False, B: True}
    step = post(client, "rollback", note="slower").json()
    assert (step["before"], step["after"], step["note"], step["action"]) == (B, A, "slower", "rollback")
    found = client.get("/api/finetune/promotions", params={"limit": 1}).json()
    assert (found["current"], found["total"], [one["action"] for one in found["history"]]) == (A, 3, ["rollback"])
    assert post(client, "rollback").json()["after"] == ""
    assert post(client, "rollback").status_code == 400


def test_a_run_is_shown_with_all_that_is_known(client: TestClient) -> None:
    found = client.get(f"/api/finetune/runs/{A}").json()
    assert found["id"] == A
    assert found["detail"]["curve"]["loss"] == [[10.0, 2.5], [20.0, 1.1], [30.0, 0.4]]
    assert client.get("/api/finetune/runs/none").status_code == 404


def test_a_retraining_is_begun_with_its_own_folder(client: TestClient, jobs: Trainings) -> None:
    job_id = post(client, "retrain", epochs=2, cases="data/cases.jsonl").json()["job_id"]
    jobs.join()
    (words,) = jobs.begun
    assert words[0] == "retrain"
    assert words[words.index("--epochs") + 1] == "2"
    assert "/models/feedback-finetuned-" in words[words.index("--output") + 1]
    assert client.get(f"/api/finetune/status/{job_id}").json()["status"] == "completed"
