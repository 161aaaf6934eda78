"""A model server that means harm, or is out of its mind: no memory is filled, nobody waits, nothing goes to another host."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from unittest.mock import Mock

import pytest
from fake_provider import CHAT, KEY, OLLAMA_CHAT, FakeProvider, Reply, Talk, delta, part, refused_port, status

from assistant.generators.base import ChatModel, Cut, Options
from assistant.generators.models import openai_model, wire
from assistant.generators.models.faults import Malformed, Rejected, Unreachable
from assistant.generators.models.ollama_model import OllamaModel
from assistant.generators.models.openai_model import OpenAIModel
from assistant.generators.models.server_text import quoted
from assistant.generators.models.steady import steady
from retrieval.errors import BadSetting
from retrieval.types import Message

ASKED = (Message("user", "Quel port ?"),)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


@pytest.fixture
def ollama() -> Iterator[FakeProvider]:
    with FakeProvider(authorization="") as made:
        yield made


def openai(server: FakeProvider) -> OpenAIModel:
    return OpenAIModel("openai:m", "m", f"{server.url}/v1", KEY, 4096)


def ask(model: ChatModel, seconds: float = 20) -> list[str | Cut]:
    try:
        return list(steady(model, ASKED, Options(max_tokens=10, timeout=seconds)))
    finally:
        model.close()


def for_ever(piece: bytes, kind: str = "text/event-stream", **headers: str) -> Reply:
    """This piece again and again, as long as somebody reads."""

    def reply(talk: Talk) -> None:
        talk.head(200, kind, {name.replace("_", "-"): value for name, value in headers.items()})
        while not talk.server.over.is_set():
            talk.chunk(piece)
        talk.close_connection = True

    return reply


def test_a_line_that_never_ends_is_not_waited_for(server: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST", 500_000)
    server.script(CHAT, for_ever(b"x" * 50_000))
    with pytest.raises(Malformed, match="sent more than"):
        ask(openai(server))


def test_a_few_bytes_that_unpack_to_many_fill_no_memory(server: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST", 500_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(b" " * 20_000_000) + packer.flush()
    assert len(bomb) < 100_000
    server.script(CHAT, for_ever(bomb, Content_Encoding="gzip"))
    with pytest.raises(Malformed, match="sent more than"):
        ask(openai(server))


def test_an_answer_without_end_is_cut_at_the_length_that_was_asked_for(
    server: FakeProvider, ollama: FakeProvider
) -> None:
    server.script(CHAT, for_ever(delta("encore et encore ")))
    ollama.script(OLLAMA_CHAT, for_ever(part("encore et encore "), "application/x-ndjson"))
    for model in (openai(server), OllamaModel("ollama:m", "m", ollama.url, 4096)):
        *pieces, cut = ask(model)
        assert isinstance(cut, Cut)
        assert "max_tokens (10)" in cut.reason
        assert 400 < len("".join(map(str, pieces))) <= 500


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_nothing_follows_a_redirect_to_another_host(server: FakeProvider, ollama: FakeProvider, code: int) -> None:
    with FakeProvider(authorization="never") as other:
        to = f"http://user:hunter2@localhost:{other.url.rpartition(':')[2]}"
        server.script(CHAT, status(code, "", location=f"{to}{CHAT}"))
        server.script("/v1/models", status(code, "", location=f"{to}/v1/models"))
        ollama.script(OLLAMA_CHAT, status(code, "", location=f"{to}{OLLAMA_CHAT}"))
        for model in (openai(server), OllamaModel("ollama:m", "m", ollama.url, 4096)):
            with pytest.raises(Rejected, match=rf"redirects.* \({code}\), which is not followed") as caught:
                ask(model)
            assert "hunter2" not in caught.value.message
        with closing(openai(server)) as model, pytest.raises(Rejected, match="redirects to http"):
            model.models()
        assert not other.asked


@pytest.mark.parametrize(
    "text", ["x://" + "a:" * 500_000, "sk-" * 500_000, "a" * 2_000_000, "://a" * 500_000, "basic " * 300_000]
)
def test_an_error_of_any_length_is_quoted_at_once(text: str) -> None:
    start = time.process_time()
    said = quoted({"error": {"message": text}}, (KEY, "passwörd"))
    assert len(said.text) < 400
    assert time.process_time() - start < 15


@pytest.mark.parametrize("before", [0, 250, 9_970, 9_990])
def test_no_half_of_a_key_is_quoted_where_a_long_error_is_cut(before: int) -> None:
    assert "RECOGNISABLE" not in quoted("\n" * before + "é" * min(before, 250) + KEY + "x" * 20_000, (KEY,)).text


@pytest.mark.parametrize(
    ("variable", "value"), [("ALL_PROXY", "socks9://u:hunter2@h"), ("HTTPS_PROXY", "http://u:hunter2@[::bad")]
)
def test_a_proxy_that_cannot_be_one_is_a_setting_to_correct(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    for model in (
        OpenAIModel("openai:m", "m", f"http://127.0.0.1:{refused_port()}/v1", KEY),
        OllamaModel("ollama:m", "m", f"127.0.0.1:{refused_port()}"),
    ):
        for call in (model.context, model.models, lambda model=model: ask(model)):
            with pytest.raises(BadSetting, match=f"^{model.name}: the connection cannot be set up") as caught:
                call()
            assert variable in caught.value.hint
            assert "hunter2" not in caught.value.message


def test_a_name_that_nobody_resolves_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(openai_model, "LONGEST_ASK", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    start = time.monotonic()
    model = OpenAIModel("openai:m", "m", "http://nowhere.example/v1", KEY)
    with closing(model), pytest.raises(Unreachable, match="no answer"):
        model.context()
    assert time.monotonic() - start < 15
    over.set()


def test_a_hundred_thousand_models_are_listed_in_no_time(server: FakeProvider) -> None:
    server.script("/v1/models", status(200, {"data": [{"id": f"vendor-{i}/model-{i}"} for i in range(100_000)]}))
    server.script(CHAT, status(404, {"error": {"message": "no such model", "code": "model_not_found"}}))
    start = time.monotonic()
    with pytest.raises(Exception, match="has no model `m`"):
        ask(openai(server))
    assert time.monotonic() - start < 10


def test_a_client_that_is_read_is_closed_by_its_reader() -> None:
    """A socket closed under a thread that is about to wait on it: its number may be another's by then."""
    cut, client = wire.Wire(), Mock()
    cut.client = client
    with cut.reading(), cut.reading():
        cut.cut()
        assert not client.close.called
    assert client.close.called
