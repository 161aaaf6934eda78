"""Models, embeddings, search, sources and feedback over HTTP."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from asking import GITEA, ask, scripted, served
from commands import indexed_sheets, run

from assistant.app import App
from retrieval.embed import unit


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    indexed = indexed_sheets(tmp_path_factory.mktemp("indexed"), cheap=True)
    return scripted(shutil.copytree(indexed, tmp_path_factory.mktemp("served") / "home"))


@pytest.fixture(scope="module")
def url(app: App) -> Iterator[str]:
    with served(app) as (_, address):
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def interaction(url: str) -> int:
    return int(httpx.post(f"{url}/v1/chat/completions", json=ask(), timeout=30).json()["dyag"]["interaction"])


def test_the_models_are_the_modes(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["dyag-rag", "dyag-finetuned", "dyag-hybrid"]
    one = client.models.retrieve("dyag-rag").model_dump()
    assert (one["object"], one["dyag"]["generator"], one["dyag"]["available"]) == ("model", "fake:", True)
    untrained = client.models.retrieve("dyag-hybrid").model_dump()["dyag"]
    assert (untrained["available"], "dyag train" in untrained["why"]) == (False, True)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_texts_become_the_vectors_of_the_index(client: openai.OpenAI, url: str, app: App) -> None:
    texts = ["Quel port écoute Gitea ?", "NATS"]
    expected = app.embedder.embed(texts)
    made = client.embeddings.create(model="dyag-embeddings", input=texts)  # asks for base64
    numbers = client.embeddings.create(model="dyag-embeddings", input=texts, encoding_format="float")
    for found in (made, numbers):
        assert np.allclose([row.embedding for row in found.data], expected, atol=1e-6)
        assert [row.index for row in found.data] == [0, 1]
    raw = httpx.post(f"{url}/v1/embeddings", json={"input": texts[1], "encoding_format": "base64"}).json()
    assert np.allclose(np.frombuffer(base64.b64decode(raw["data"][0]["embedding"]), "<f4"), expected[1])
    assert raw["usage"] == {"prompt_tokens": 1, "total_tokens": 1}
    assert np.allclose(unit(expected), expected, atol=1e-5)


def test_langchain_embeds(url: str, app: App) -> None:
    langchain_openai = pytest.importorskip("langchain_openai")
    with httpx.Client() as http:
        made = langchain_openai.OpenAIEmbeddings(
            model="dyag-embeddings",
            base_url=f"{url}/v1",
            api_key="none",
            check_embedding_ctx_length=False,
            http_client=http,
        )
        assert np.allclose(made.embed_query("NATS"), app.embedder.embed(["NATS"])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": []}, 400),
        ({"input": [1, 2]}, 400),
        ({"input": ["a", " "]}, 400),
        ({"input": "a", "model": "text-embedding-3-small"}, 404),
        ({"input": "a", "dimensions": 12}, 400),
        ({"input": "mot " * 300}, 400),
        ({"input": ["a"] * 2049}, 400),
        ({"input": {"a": 1}}, 400),
        ({}, 400),
    ],
)
def test_what_cannot_be_embedded_is_said(url: str, body: Any, status: int) -> None:
    response = httpx.post(f"{url}/v1/embeddings", json=body, timeout=30)
    assert (response.status_code, bool(response.json()["error"]["message"])) == (status, True)


def test_a_search_finds_what_the_command_finds(url: str, app: App) -> None:
    body = httpx.post(f"{url}/api/search", json={"query": GITEA, "top_k": 3}, timeout=30).json()
    said = run("search", GITEA, "--top-k", "3", "--json", home=app.home.path, cheap=True).json
    assert body["query"] == GITEA
    assert [p["chunk_id"] for p in body["passages"]] == [p["chunk_id"] for p in said["passages"]]
    assert body["passages"][0]["title"] == "Gitea"


def test_a_search_among_some_documents(url: str) -> None:
    body = httpx.post(f"{url}/api/search", json={"query": "port", "filters": {"team": "messaging"}}).json()
    assert {p["title"] for p in body["passages"]} == {"NATS"}
    refused = httpx.post(f"{url}/api/search", json={"query": "port", "filters": {"colour": "red"}})
    assert (refused.status_code, "colour" in refused.json()["error"]) == (400, True)


def test_curl_sends_json_as_a_form(url: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response = httpx.post(f"{url}/api/search", content=json.dumps({"query": GITEA}), headers=form)
    assert response.json()["passages"][0]["title"] == "Gitea"


def test_a_source_by_each_of_its_names(url: str) -> None:
    found = httpx.post(f"{url}/api/search", json={"query": "cantine du siège"}).json()["passages"][0]
    for name in (found["chunk_id"], f"chunk_{found['chunk_id']}", "faq-7"):
        source = httpx.get(f"{url}/api/sources/{name}").json()
        assert (source["external_id"], source["metadata"]["team"]) == ("faq-7", "siège")
    missing = httpx.get(f"{url}/api/sources/999999")
    assert (missing.status_code, set(missing.json())) == (404, {"error", "hint"})


def test_what_people_think_is_in_the_journal_of_the_chat(url: str, app: App) -> None:
    number = interaction(url)
    said = {"interaction": number, "rating": "bad", "reason": "too short", "user": "ada"}
    first = httpx.post(f"{url}/api/feedback", json=said).json()
    assert (first["rating"], first["status"], first["created"][-1]) == ("bad", "pending", "Z")
    corrected = httpx.post(
        f"{url}/api/feedback", json={"interaction": number, "correction": " Le port 3000. ", "user": "ada"}
    ).json()
    assert (corrected["rating"], corrected["reason"], corrected["correction"]) == ("bad", "too short", "Le port 3000.")
    (kept,) = app.journal.feedback(interaction_id=number)
    assert (kept.author, kept.rating, kept.correction) == ("ada", "bad", "Le port 3000.")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"interaction": 999_999, "rating": "good"}, 404),
        ({"interaction": 1}, 422),
        ({"interaction": 1, "correction": " "}, 422),
        ({"interaction": 1, "rating": "great"}, 422),
        ({"interaction": "1", "rating": "good"}, 422),
        ({"interaction": 10**30, "rating": "good"}, 422),
    ],
)
def test_an_opinion_that_is_none(url: str, body: Any, status: int) -> None:
    response = httpx.post(f"{url}/api/feedback", json=body)
    assert (response.status_code, set(response.json())) == (status, {"error", "hint"})


def test_halves_of_characters_break_nothing(url: str) -> None:
    """JSON can escape what no text in UTF-8 holds."""
    json_ = {"Content-Type": "application/json"}
    for path, body in (
        ("/v1/embeddings", rb'{"input": "Gitea \ud800"}'),
        ("/v1/chat/completions", rb'{"messages": [{"role": "user", "content": "Quel port \ud800 \u0000 Gitea ?"}]}'),
    ):
        assert httpx.post(f"{url}{path}", content=body, headers=json_, timeout=30).status_code == 200
