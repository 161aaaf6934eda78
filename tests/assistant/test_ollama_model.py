"""A model of an Ollama server: what is sent, what is asked of it, what is shown."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator

import pytest
from fake_provider import KEY, OLLAMA_CHAT, FakeProvider, ndjson, part, status, stream

from assistant.generators.base import Options
from assistant.generators.models.faults import ServerFailed, Truncated, UnknownModel
from assistant.generators.models.ollama_model import OllamaModel
from assistant.generators.models.tokens import estimate
from retrieval.errors import BadSetting
from retrieval.types import Message

ASKED = (Message("system", "Réponds."), Message("user", "Quel port ?"))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    with FakeProvider(authorization="") as made:
        yield made


@pytest.fixture
def model(server: FakeProvider) -> Iterator[OllamaModel]:
    made = OllamaModel("ollama:m", "m", server.url)
    yield made
    made.close()


def said(model: OllamaModel, options: Options | None = None) -> str:
    return "".join(model.stream(ASKED, options or Options(timeout=20)))


def shown(length: int | None, parameters: str = "") -> dict[str, object]:
    info = {"general.architecture": "llama", **({} if length is None else {"llama.context_length": length})}
    return {"model_info": info, "parameters": parameters, "details": {}}


def test_the_messages_and_options_are_sent(server: FakeProvider, model: OllamaModel) -> None:
    server.script("/api/show", status(200, shown(4096)))
    server.script(OLLAMA_CHAT, ndjson("Le port ", "", "5432"))
    assert said(model, Options(0.7, 99, 2, seed=5)) == "Le port 5432"
    (body,) = server.bodies(OLLAMA_CHAT)
    assert body["options"] == {"num_ctx": 4096, "num_predict": 99, "temperature": 0.7, "seed": 5}
    assert body["messages"] == [{"role": "system", "content": "Réponds."}, {"role": "user", "content": "Quel port ?"}]
    assert body["model"] == "m"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (shown(131072), 8192),
        (shown(2048), 2048),
        (shown(131072, "stop   <eos>\nnum_ctx    32768\n"), 32768),
        (shown(131072, 'stop "num_ctx 5"'), 8192),
        (shown(None), 8192),
        ({"model_info": None}, 8192),
    ],
)
def test_the_context_is_asked_once(server: FakeProvider, model: OllamaModel, told: object, expected: int) -> None:
    server.script("/api/show", status(200, told))
    assert (model.context(), model.context()) == (expected, expected)
    assert server.bodies("/api/show") == [{"model": "m"}]


def test_a_context_that_is_set_is_sent(server: FakeProvider) -> None:
    server.script(OLLAMA_CHAT, ndjson("oui"))
    model = OllamaModel("ollama:m", "m", server.url, context=1234)
    assert said(model) == "oui"
    assert server.bodies(OLLAMA_CHAT)[0]["options"]["num_ctx"] == 1234
    assert [a.path for a in server.asked] == [OLLAMA_CHAT]
    model.close()


def test_thinking_is_not_part_of_the_answer(server: FakeProvider) -> None:
    model = OllamaModel("ollama:m", "m", server.url, context=4096)
    thought = part(done=False).replace(b'"content": ""', b'"content": "", "thinking": "hm"')
    ending = part(done=True, done_reason="stop")
    server.script(OLLAMA_CHAT, stream([thought, part("<thi"), part("nk>hm</think>\n"), part("oui"), ending]))
    assert said(model) == "oui"
    model.close()


def test_the_limit_is_told_after_the_text(server: FakeProvider) -> None:
    model = OllamaModel("ollama:m", "m", server.url, context=4096)
    server.script(OLLAMA_CHAT, ndjson("Le port", done_reason="length"))
    with pytest.raises(Truncated, match=r"max_tokens \(7\)"):
        said(model, Options(max_tokens=7, timeout=20))
    model.close()


def test_a_model_that_is_missing_is_told_with_what_there_is(server: FakeProvider, model: OllamaModel) -> None:
    server.script("/api/show", status(404, {"error": "model 'm' not found"}))
    server.script("/api/tags", status(200, {"models": [{"model": "mm:latest"}, {"model": "mistral"}]}))
    for call in (model.context, lambda: said(model)):
        with pytest.raises(UnknownModel) as caught:
            call()
        assert caught.value.hint == "Get it with `ollama pull m`. It has `mistral`, `mm:latest`."


def test_models_that_have_been_pulled(server: FakeProvider, model: OllamaModel) -> None:
    server.script("/api/tags", status(200, {"models": [{"model": "b"}, {"model": "a:1b"}]}), status(500))
    assert model.models() == ["a:1b", "b"]
    with pytest.raises(ServerFailed):
        model.models()


def test_tokens_are_guessed(server: FakeProvider, model: OllamaModel) -> None:
    assert model.count(ASKED) == estimate(ASKED) == 3 + 4 + 4 + 4
    assert not server.asked


def test_close_and_ask_again(server: FakeProvider) -> None:
    model = OllamaModel("ollama:m", "m", server.url, context=4096)
    server.script(OLLAMA_CHAT, ndjson("oui"))
    model.close()
    assert said(model) == "oui"
    model.close()
    assert said(model) == "oui"
    model.close()


def test_user_and_password_of_the_host_are_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeProvider(authorization="Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()) as server:
        server.script(OLLAMA_CHAT, ndjson("oui"))
        model = OllamaModel("ollama:m", "m", server.url.replace("//", f"//me:{KEY}@"), context=4096)
        assert said(model) == "oui"
        model.close()
    assert KEY not in caplog.text + repr(model)


def test_the_key_of_hosted_models_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    with FakeProvider() as server:
        server.script(OLLAMA_CHAT, ndjson("oui"), status(403, {"error": f"no plan for {KEY}"}))
        model = OllamaModel("ollama:m", "m", server.url, context=4096)
        assert said(model) == "oui"
        with pytest.raises(Exception, match=r"no plan for \*\*\*"):
            said(model)
        model.close()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("http://box", "http://box:80"),
        ("https://box/ollama/", "https://box:443/ollama"),
        ("[::1]:1234", "http://[::1]:1234"),
    ],
)
def test_forms_of_the_host(host: str, address: str) -> None:
    assert OllamaModel("ollama:m", "m", host)._peer.url == address


@pytest.mark.parametrize("host", ["http://[::1", "box:port", "ftp://box"])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(BadSetting, match="OLLAMA_HOST"):
        OllamaModel("ollama:m", "m", host)
