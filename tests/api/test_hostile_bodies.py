"""Bodies that break parsers, sent to every route that takes one: refused or answered, never a bug."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from asgi import LOCAL, asked
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from assistant.jobs.jobs import Jobs, QueueFull
from assistant.workspace import Home

DEEP = 20_000
BODIES = [
    b"", b" ", b"null", b"true", b"1", b'""', b"[]", b"{}", b"{", b"}", b"{}{}", b"{'a': 1}", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}",
    b"\x00", b"{\x00}", b"NaN", b'{"epochs": NaN}', b'{"epochs": Infinity}', b'{"learning_rate": 1e999}', b'{"epochs": 1e400}',
    b'{"epochs": ' + b"9" * 10_000 + b"}", b'{"epochs": -0.0}', b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP,
    b'{"messages":' + b"[" * DEEP + b"]" * DEEP + b"}", b'{"tools":' + b"[" * 500 + b"]" * 500 + b"}", b'"' + b"a" * 100_000,
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n", b"model=phi&dataset_url=x",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    b"!!python/object/apply:os.system ['id']", b"\x80\x04\x95", b"\x1f\x8b\x08\x00",
]  # fmt: skip
BROKEN = [r'"\ud800"', r'"\udfff\ud800"', r'"Qui ? \ud800"', r'["\ud800"]', r'{"\ud800": 1}']
"""Half of a character, which no encoding of text can write."""
VALUES = [
    r'"\u0000"', r'"a\u0000b"', '""', '" "', r'"\u202e"', r'"\u001b]52;c;eA==\u0007"', '"../../etc/passwd"',
    '"\U0001f9ea\U000e0001"', "null", "true", "[]", "{}", "-1", "0", "1e308", "9223372036854775808", "-9223372036854775809", "0.5",
    "[null]", '{"a": {"b": []}}', '"' + "a" * 5_000 + '"', '"--force"', '"-x"', '"$(id)"', '"%s%n{0}{}"', '"latest"', '"promoted"',
    '"\'; DROP TABLE jobs; --"', '{"__proto__": {}, "__class__": 1}',
]  # fmt: skip
KINDS = [
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"text/plain",
    b"multipart/form-data; boundary=x",
    b"",
    b"\xff",
]

MEANT = {
    "/v1/chat/completions": {"model": '"dyag-rag"', "messages": '[{"role": "user", "content": "Qui?"}]'},
    "/v1/embeddings": {"input": '"Qui?"', "model": '"dyag-embeddings"'},
    "/api/search": {"query": '"Qui?"'},
    "/api/feedback": {"interaction": "1", "rating": '"good"'},
    "/api/finetune/start": {"model": '"gpt2"', "dataset_url": '"data/nowhere.csv"'},
    "/api/finetune/evaluate": {"cases": '"data/nowhere.csv"'},
    "/api/finetune/promote": {"run": '"nowhere"'},
    "/api/finetune/compare": {"evaluations": '["latest", "latest"]'},
    "/api/finetune/retrain": {"cases": '"data/nowhere.csv"'},
}
"""Bodies of which one field at a time is replaced; none begins a job."""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """The application of a workspace without documents, whose queue of jobs is full: none is begun."""

    def full(*_: object, **__: object) -> None:
        raise QueueFull("The queue is full.", "Wait.")

    monkeypatch.setattr(Jobs, "start", full)
    app = App(Home(tmp_path, "a test"), {"answer.generator": "extractive"})
    made = create(app, Options())
    yield made
    made.state.server.answers.close()
    app.journal.close()


def posts(api: FastAPI) -> list[tuple[str, dict[str, Any]]]:
    """Every path that is posted to, and the properties of its body."""
    found = []
    document = api.openapi()
    for route in iter_route_contexts(api.routes):
        if "POST" in (route.methods or ()):
            path = str(route.path)
            body = document["paths"][path]["post"].get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = body.get("schema", {})
            schema = document["components"]["schemas"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
            found.append((path.replace("{job_id}", "1"), schema.get("properties", {})))
    assert len(found) > 5
    return found


def faults(api: FastAPI, sent: Iterator[tuple[str, bytes, bytes]]) -> list[str]:
    """Each (path, content type, body) that was answered by a bug, or began a job; a workspace without documents answers 503."""

    async def answered() -> list[str]:
        found = []
        for path, kind, body in sent:
            status = (await asked(api, "POST", path, [LOCAL, (b"content-type", kind)], [body])).status
            if status == 202 or not (200 <= status < 500 or status == 503):
                found.append(f"{path} {kind!r} {body[:100]!r}: {status}")
        return found

    # One event loop, as a server has: the routes' locks belong to theirs.
    return asyncio.run(answered())


def test_no_body_breaks_a_route(api: FastAPI) -> None:
    assert not faults(api, ((path, kind, body) for path, _ in posts(api) for body in BODIES for kind in KINDS[:2]))


def test_no_kind_of_body_breaks_a_route(api: FastAPI) -> None:
    assert not faults(api, ((path, kind, b'{"model": "x"}') for path, _ in posts(api) for kind in KINDS))


@pytest.mark.slow
def test_no_value_of_a_field_breaks_a_route(api: FastAPI) -> None:
    assert not faults(api, one_replaced(api, VALUES))


def test_half_a_character_breaks_no_route(api: FastAPI) -> None:
    assert not faults(api, one_replaced(api, BROKEN))


def one_replaced(api: FastAPI, values: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """For every route a body that means something, with each of its fields replaced by each of the values."""
    for path, fields in posts(api):
        for field, value in product(fields, values):
            given = {**MEANT.get(path, {}), field: value}
            said = ", ".join(f'"{name}": {text}' for name, text in given.items())
            yield path, KINDS[0], f"{{{said}}}".encode()
