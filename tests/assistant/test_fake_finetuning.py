"""The fake fine-tuning service, asked by the real client: what it refuses is what the real one refuses."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from fake_finetuning import BASES, KEY, FakeFinetuning

ROW = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]}
PAIR = {
    "input": {"messages": ROW["messages"][:1]},
    "preferred_output": [{"role": "assistant", "content": "a"}],
    "non_preferred_output": [{"role": "assistant", "content": "b"}],
}


@pytest.fixture
def server() -> Iterator[FakeFinetuning]:
    with FakeFinetuning() as made:
        yield made


@pytest.fixture
def client(server: FakeFinetuning) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=server.url, max_retries=0) as made:
        yield made


def send(client: openai.OpenAI, *rows: Any, name: str = "a.jsonl", purpose: Any = "fine-tune") -> str:
    data = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    return client.files.create(file=(name, io.BytesIO(data), "application/jsonl"), purpose=purpose).id


def test_a_file_lies_there_as_it_was_sent(client: openai.OpenAI, server: FakeFinetuning) -> None:
    file = send(client, ROW, {**ROW, "x": "é\u2028"})
    (listed,) = client.files.list(purpose="fine-tune").data
    assert (listed.id, listed.bytes) == (file, len(server.files[file].data))
    assert server.files[file].rows[1]["x"] == "é\u2028"


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        ((ROW,), {"name": "a.txt"}),
        ((ROW,), {"purpose": "batch"}),
        (([1],), {}),
        ((), {}),
        ((ROW,) * 20, {"largest": 100}),
    ],
)
def test_files_that_are_refused(client: openai.OpenAI, server: FakeFinetuning, rows: Any, more: dict[str, Any]) -> None:
    server.largest = more.pop("largest", server.largest)
    with pytest.raises(openai.APIStatusError):
        send(client, *rows, **more)
    assert server.sent == []


@pytest.mark.parametrize(
    "body",
    [
        {"model": "gpt-4o-mini"},
        {"training_file": "file-none"},
        {"validation_file": "file-none"},
        {"suffix": "x" * 65},
        {"suffix": "é"},
        {"seed": -1},
        {"metadata": {str(n): "" for n in range(17)}},
        {"metadata": {"a": "x" * 513}},
        {"method": {"type": "magic"}},
        {"method": {"type": "dpo", "supervised": {}}},
        *(
            {"method": {"type": "supervised", "supervised": {"hyperparameters": given}}}
            for given in (
                {"n_epochs": 0},
                {"n_epochs": 51},
                {"n_epochs": 1.5},
                {"batch_size": 257},
                {"beta": 0.1},
                {"odd": 1},
            )
        ),
        {"extra_body": {"odd": 1}},
    ],
    ids=str,
)
def test_jobs_that_are_refused(client: openai.OpenAI, server: FakeFinetuning, body: dict[str, Any]) -> None:
    given = {"model": BASES[0], "training_file": send(client, *[ROW] * 10), **body}
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.create(**given)
    assert server.created == []


@pytest.mark.parametrize(
    ("rows", "method", "status"),
    [
        ([ROW] * 10, "supervised", "succeeded"),
        ([PAIR] * 10, "dpo", "succeeded"),
        ([ROW] * 9, "supervised", "failed"),
        ([PAIR] * 10, "supervised", "failed"),
        ([ROW] * 10, "dpo", "failed"),
        ([{**ROW, "metadata": {}}] * 10, "supervised", "failed"),
        ([{"messages": ROW["messages"][:1]}] * 10, "supervised", "failed"),
        ([{"messages": [{"role": "bot", "content": "x"}]}] * 10, "supervised", "failed"),
        ([{"messages": [{"role": "assistant", "content": ""}]}] * 10, "supervised", "failed"),
    ],
)
def test_rows_are_looked_at_when_the_job_is_validated(
    client: openai.OpenAI, rows: Any, method: str, status: str
) -> None:
    job = client.fine_tuning.jobs.create(
        model=BASES[0],
        training_file=send(client, *rows),
        method={"type": method, method: {}},  # type: ignore[arg-type, misc]
    )
    seen = [client.fine_tuning.jobs.retrieve(job.id) for _ in range(6)]
    assert (seen[-1].status, bool(seen[-1].fine_tuned_model), bool(seen[-1].error and seen[-1].error.code)) == (
        status,
        status == "succeeded",
        status == "failed",
    )


def test_a_wrong_key_is_refused(server: FakeFinetuning) -> None:
    with (
        openai.OpenAI(api_key="sk-other", base_url=server.url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()
    assert server.asked == []
