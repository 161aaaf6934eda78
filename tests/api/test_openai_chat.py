"""Chat as OpenAI's clients speak it: their own clients, and the shape of what they get."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from asking import GITEA, ask, scripted, served
from commands import indexed_sheets

REPLIES = (
    {"match": "sa licence", "text": "Gitea est sous licence MIT [chunk_{gitea}]."},
    {"match": "port écoute", "text": "Gitea écoute le port 3000 [chunk_{gitea}]. Rien d'autre [chunk_99999]."},
    {"match": "faire une sauvegarde", "text": "On fait une sauve", "fault": "reset"},
    {"match": "panne", "fault": "401"},
)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("chat"), cheap=True)


@pytest.fixture(scope="module")
def chunk(indexed: Path) -> int:
    """The chunk that says Gitea's port."""
    app = scripted(indexed)
    found = next(p.chunk_id for p in app.searcher.search("Gitea port").passages if "3000" in p.text)
    app.library.close()
    return found


@pytest.fixture(scope="module")
def url(indexed: Path, chunk: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = shutil.copytree(indexed, tmp_path_factory.mktemp("served") / "home")
    replies = [
        {**reply, **({"text": reply["text"].replace("{gitea}", str(chunk))} if "text" in reply else {})}
        for reply in REPLIES
    ]
    with served(scripted(home, *replies)) as (_, address):
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def post(url: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30)


def events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_an_answer_with_its_citations(client: openai.OpenAI, chunk: int) -> None:
    made = client.chat.completions.create(model="dyag-rag", messages=[{"role": "user", "content": GITEA}])
    message = made.choices[0].message
    assert message.content == f"Gitea écoute le port 3000 [chunk_{chunk}]. Rien d'autre."
    (cited,) = message.annotations or ()
    assert message.content[cited.url_citation.start_index : cited.url_citation.end_index] == f"[chunk_{chunk}]"
    assert (cited.url_citation.url, cited.url_citation.title) == (f"/api/sources/{chunk}", "Gitea")
    assert made.choices[0].finish_reason == "stop"
    assert made.usage
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens
    assert made.usage.prompt_tokens > 100 > made.usage.completion_tokens > 5


def test_a_citation_opens(url: str, chunk: int) -> None:
    body = post(url, **ask()).json()
    (cited,) = body["choices"][0]["message"]["annotations"]
    source = httpx.get(f"{url}{cited['url_citation']['url']}").json()
    assert (source["chunk_id"], "3000" in source["text"]) == (chunk, True)


def test_a_stream_says_the_same_as_the_whole(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="dyag-rag", messages=[{"role": "user", "content": GITEA}])
    text, last, usage = "", None, None
    with client.chat.completions.create(
        model="dyag-rag",
        messages=[{"role": "user", "content": GITEA}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                last = choice
    assert text == whole.choices[0].message.content
    assert last is not None
    assert last.finish_reason == "stop"
    said = [a.model_dump() for a in whole.choices[0].message.annotations or ()]
    assert last.delta.model_dump()["annotations"] == said != []
    assert usage == whole.usage


def test_the_events_of_a_stream(url: str) -> None:
    response = post(url, **ask(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks = events(response.text)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert all("usage" not in chunk for chunk in chunks)


def test_langchain_reads_it(url: str) -> None:
    langchain_openai = pytest.importorskip("langchain_openai")
    with httpx.Client() as http:
        model = langchain_openai.ChatOpenAI(
            model="dyag-rag", base_url=f"{url}/v1", api_key="none", max_retries=0, http_client=http
        )
        whole = model.invoke([("system", "Answer in verse."), ("user", GITEA)])
        pieces = list(model.stream(GITEA))
    assert whole.content.startswith("Gitea écoute le port 3000")
    assert "".join(str(piece.content) for piece in pieces) == whole.content
    assert whole.usage_metadata["total_tokens"] > 0


def test_a_followup_leans_on_the_messages_before_it(client: openai.OpenAI, chunk: int) -> None:
    first = client.chat.completions.create(model="dyag-rag", messages=[{"role": "user", "content": GITEA}])
    history: list[Any] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": GITEA},
        {"role": "assistant", "content": first.choices[0].message.content},
        {"role": "user", "content": "Et sa licence ?"},
    ]
    # Known again by the server, and not: another answer was given to the same question.
    strange = [*history[:2], {"role": "assistant", "content": f"Le 3000 [chunk_{chunk}]."}, history[3]]
    sessions = set()
    for messages in (history, strange):
        made = client.chat.completions.create(model="dyag-rag", messages=messages)
        about = made.model_dump()["dyag"]
        assert "Gitea" in about["searched"]
        assert "MIT" in (made.choices[0].message.content or "")
        sessions.add(about["session"])
    assert first.model_dump()["dyag"]["session"] in sessions
    assert len(sessions) == 2


def test_another_author_goes_on_with_no_session_of_others(url: str) -> None:
    first = post(url, **ask(user="ada")).json()
    messages = [*ask()["messages"], first["choices"][0]["message"], {"role": "user", "content": "Et sa licence ?"}]
    own = post(url, model="dyag-rag", messages=messages, user="ada").json()
    other = post(url, model="dyag-rag", messages=messages, user="grace").json()
    assert own["dyag"]["session"] == first["dyag"]["session"] != other["dyag"]["session"]


def test_parts_of_text_are_a_message(url: str) -> None:
    parts = [{"type": "text", "text": "Quel port "}, {"type": "text", "text": "écoute Gitea ?"}]
    response = post(url, messages=[{"role": "user", "content": parts}])
    assert "3000" in response.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"])
def test_a_body_is_json_whatever_its_type_says(url: str, kind: str) -> None:
    for path, body in (("chat/completions", ask()), ("embeddings", {"input": GITEA})):
        sent = httpx.post(f"{url}/v1/{path}", content=json.dumps(body), headers={"Content-Type": kind}, timeout=30)
        assert sent.status_code == 200, sent.text


@pytest.mark.parametrize(
    ("more", "status", "param"),
    [
        ({"model": "gpt-4o"}, 404, "model"),
        ({"model": "dyag-finetuned"}, 404, None),
        ({"n": 2}, 400, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, 400, "tools"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format"),
        ({"stop": ["1", "2", "3", "4", "5"]}, 400, "stop"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hello"}]}, 400, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "messages.0.content"),
        ({"messages": [{"role": "user", "content": " \n"}]}, 400, None),
        ({"messages": [{"role": "user", "content": "x" * 9000}]}, 400, None),
        ({"temperature": 3}, 400, "temperature"),
        ({"messages": [{"role": "user", "content": "Une panne ?"}]}, 502, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_done_is_said_in_openais_shape(
    url: str, more: dict[str, Any], status: int, param: str | None, stream: bool
) -> None:
    response = post(url, **{**ask(stream=stream), **more})
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["param"], bool(error["message"])) == (param, True)


def test_the_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": GITEA}])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="dyag-rag", messages=[{"role": "user", "content": ""}])


def test_an_answer_that_breaks_off_is_kept_and_marked(url: str) -> None:
    body = post(url, **ask("Comment faire une sauvegarde de Gitea ?")).json()
    assert body["choices"][0]["message"]["content"] == "On fait une sauve"
    assert body["dyag"]["partial"]


def test_a_length_and_a_stop_text(indexed: Path, tmp_path: Path) -> None:
    home = shutil.copytree(indexed, tmp_path / "home")
    long = {"match": ".", "text": "Un deux trois. Quatre cinq six. " * 20}
    with served(scripted(home, long)) as (_, address):
        cut = post(address, **ask(max_tokens=2)).json()["choices"][0]
        stopped = post(address, **ask(stop=["cinq", "six"])).json()["choices"][0]
    assert cut["finish_reason"] == "length"
    assert 0 < len(cut["message"]["content"]) <= 100
    assert (stopped["finish_reason"], stopped["message"]["content"]) == ("stop", "Un deux trois. Quatre")
