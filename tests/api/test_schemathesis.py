"""Whatever is sent to a live server, it answers as its OpenAPI document says, and never with a 5xx of its own making."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
import schemathesis
from api_jobs import trainings
from commands import CHEAP, indexed_sheets
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from live import live
from runs import finished
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from assistant.workspace import Home

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
ROWS = '{"text": "Le port de Gitea est le 3000."}\n' * 20
QUESTION = [{"role": "user", "content": "Quel port écoute Gitea ?"}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A workspace where there is something of everything: chunks, an answer, a run, a dataset."""
    home = indexed_sheets(tmp_path_factory.mktemp("fuzzed"), cheap=True)
    (home / "data" / "rows.jsonl").write_text(ROWS, encoding="utf-8")
    app = App(Home(home, "test"), dict([CHEAP[1].split("=", 1)]))
    finished(app.home.models, RUN)
    api = create(app, Options())
    api.state.server.warming.begin()
    api.state.server.warming.stop(60)
    with trainings(app), live(api) as found:
        begun = {"model": "mini", "dataset_url": "data/rows.jsonl"}
        assert httpx.post(f"{found}/api/finetune/start", json=begun, timeout=60).status_code == 202
        yield found


RUN = "20261104-153012-a1f3"
KNOWN: dict[str, Any] = {
    "run": RUN, "runs": [RUN, "base"], "id": "1", "interaction": 1, "messages": QUESTION, "dataset_url": "data/rows.jsonl",
}  # fmt: skip
"""Values that lead further than any that can be guessed."""
MODELS = {"/v1/embeddings": "dyag-embeddings", "/api/finetune/start": "mini"}
"""Where `model` is not one that answers."""


def known(case: Any) -> dict[str, Any]:
    """What the routes of a case have heard of; the only job is the one that the server began with."""
    jobs = httpx.get(f"{case.operation.base_url.rstrip('/')}/api/finetune/jobs").json()["jobs"]
    return {**KNOWN, "model": MODELS.get(case.path, "dyag-rag"), "job_id": jobs[-1]["job_id"]}


def try_one(case: Any, statuses: Counter[int]) -> None:
    """Send a case; half of them, by what is in them, with values that exist."""
    if len(repr((case.path_parameters, case.body))) % 2:
        values = known(case)
        for given in (case.path_parameters, case.body):
            if isinstance(given, dict):
                given.update({name: value for name, value in values.items() if name in given})
    response = case.call(timeout=60)
    statuses[response.status_code] += 1
    case.validate_response(response, checks=CHECKS)


def try_all(document: Any, each: int, round: int) -> tuple[Counter[int], list[str]]:
    """`each` valid and as many invalid cases of every operation; the statuses, and what was wrong."""
    statuses, wrong = Counter[int](), []
    for found in document.get_all_operations():
        for mode in GenerationMode:

            @seed(round)
            @settings(max_examples=each, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=found.ok().as_strategy(mode))
            def check(case: Any) -> None:
                try_one(case, statuses)

            try:
                check()
            except Unsatisfiable:
                pass  # nothing that is invalid can be sent there
            except (Failure, FailureGroup) as error:
                wrong.append(f"{found.ok().label}: {error}")
    return statuses, wrong


def test_a_few_cases_of_each_route(url: str) -> None:
    statuses, wrong = try_all(schemathesis.openapi.from_url(f"{url}/openapi.json"), 2, 0)
    assert wrong == []
    assert statuses[200] > 10
    assert statuses[422] > 10


@pytest.mark.slow
def test_twenty_thousand_cases(url: str) -> None:
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")
    statuses = Counter[int]()
    for round in count():
        some, wrong = try_all(document, 200, round)
        statuses += some
        assert wrong == []
        if statuses.total() >= 20_000:
            break
    assert [status for status in statuses if status >= 500] == []
