"""A model behind OpenAI's protocol: what is sent, what is asked of the server, what is shown."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fake_provider import CHAT, KEY, FakeProvider, delta, hang, page, sse, status, stream

from assistant.generators.base import Options
from assistant.generators.models.faults import GeneratorFailed, Rejected, Truncated, Unauthorized, Unreachable
from assistant.generators.models.openai_model import OpenAIModel
from assistant.generators.models.tokens import estimate
from retrieval.errors import BadSetting
from retrieval.types import Message

ASKED = (Message("system", "Réponds."), Message("user", "Quel port ?"))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


@pytest.fixture
def model(server: FakeProvider) -> Iterator[OpenAIModel]:
    made = OpenAIModel("openai:m", "m", f"{server.url}/v1/", f" {KEY}\n")
    yield made
    made.close()


def said(model: OpenAIModel, options: Options | None = None) -> str:
    return "".join(model.stream(ASKED, options or Options(timeout=20)))


def test_the_messages_and_options_are_sent(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, sse("Le port ", "", "5432"))
    assert said(model, Options(0.7, 99, 2, seed=5)) == "Le port 5432"
    (body,) = server.bodies(CHAT)
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Réponds."}, {"role": "user", "content": "Quel port ?"}],
        "stream": True,
        "temperature": 0.7,
        "max_tokens": 99,
        "seed": 5,
    }


def test_no_seed_is_sent_when_there_is_none(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, sse("oui"))
    said(model)
    assert "seed" not in server.bodies(CHAT)[0]


REASONING = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) is supported."
)
NO_SEED = {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}


def test_parameters_a_model_does_not_take_are_left_out_from_then_on(server: FakeProvider, model: OpenAIModel) -> None:
    refusals = [
        status(400, {"error": {"message": REASONING, "param": "max_tokens", "code": "unsupported_parameter"}}),
        status(400, {"error": {"message": NO_TEMPERATURE, "param": "temperature"}}),
        status(422, NO_SEED),
    ]
    server.script(CHAT, *refusals, sse("oui"))
    assert said(model, Options(0.0, 99, 2, seed=5)) == "oui"
    assert said(model, Options(0.0, 50, 2, seed=5)) == "oui"
    last = [
        {k: v for k, v in body.items() if k not in ("model", "messages", "stream")} for body in server.bodies(CHAT)
    ][-2:]
    assert last == [{"max_completion_tokens": 99}, {"max_completion_tokens": 50}]
    assert len(server.at(CHAT)) == 5


def test_a_parameter_is_left_out_once(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, status(400, {"error": {"message": REASONING}}))
    with pytest.raises(Rejected, match="max_tokens"):
        said(model)
    assert len(server.at(CHAT)) == 3  # max_tokens, then its new name, then neither


def test_a_value_that_is_refused_is_told(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, status(400, {"error": {"message": "temperature must be at most 1"}}))
    with pytest.raises(Rejected) as caught:
        said(model)
    assert caught.value.hint == "Change model.temperature."
    assert len(server.at(CHAT)) == 1


@pytest.mark.parametrize(
    "events",
    [
        ["<think>hm</think>\n\noui"],
        ["<th", "ink>h", "m</thi", "nk>", "\n", "\n o", "ui"],
        [" oui"],
    ],
)
def test_thinking_is_not_part_of_the_answer(server: FakeProvider, model: OpenAIModel, events: list[str]) -> None:
    server.script(CHAT, sse(*events))
    assert said(model).strip() == "oui"


def test_thinking_in_a_field_of_its_own_is_dropped(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, stream([delta(None, reasoning_content="hm"), delta("oui", reasoning="hm"), delta("", "stop")]))
    assert said(model) == "oui"


def test_an_event_without_choices_says_nothing(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(
        CHAT,
        stream(
            [b'data: {"choices": []}\n\n', delta("oui"), delta(None, "stop"), b'data: {"choices": [], "usage": {}}\n\n']
        ),
    )
    assert said(model) == "oui"


def test_the_limit_is_told_after_the_text(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, sse("Le port <th", finish="length"))
    pieces = model.stream(ASKED, Options(max_tokens=7, timeout=20))
    heard = []
    with pytest.raises(Truncated, match=r"max_tokens \(7\)"):
        heard.extend(pieces)  # what was held back comes before the error
    server.script(CHAT, sse("Le port <th"))
    assert said(model) == "Le port <th"


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ({"/v1/models": status(200, {"data": [{"id": "m", "max_model_len": 4096}]})}, 4096),
        ({"/v1/models": status(200, {"data": [{"id": "x", "max_model_len": 4096}]})}, 8192),
        ({"/v1/models": status(200, {"data": [{"id": "m", "context_window": 32768}]})}, 32768),
        ({"/props": status(200, {"default_generation_settings": {"n_ctx": 2048}})}, 2048),
        ({"/api/v0/models/m": status(200, {"id": "m", "loaded_context_length": 4000, "max_context_length": 9})}, 4000),
        ({"/api/v0/models/m": status(200, {"id": "m", "max_context_length": 131072})}, 131072),
        ({"/v1/models": status(200, [1]), "/props": page(), "/api/v0/models/m": status(200, "x")}, 8192),
        ({"/v1/models": status(500), "/props": status(401)}, 8192),
        ({}, 8192),
    ],
)  # fmt: skip
def test_the_context_is_asked_of_the_server_once(
    server: FakeProvider, model: OpenAIModel, scripts: dict[str, object], expected: int
) -> None:
    for path, reply in scripts.items():
        server.script(path, reply)  # type: ignore[arg-type]
    assert model.context() == expected
    asked = len(server.asked)
    assert model.context() == expected
    assert len(server.asked) == asked


def test_a_context_that_is_set_is_not_asked_for(server: FakeProvider) -> None:
    assert OpenAIModel("openai:m", "m", server.url, KEY, context=1234).context() == 1234
    assert not server.asked


@pytest.mark.parametrize(
    ("name", "tokens"), [("gpt-4", 8192), ("gpt-4o-mini", 128_000), ("gpt-4.1-nano", 1_047_576), ("ft:x", 128_000)]
)
def test_openai_itself_is_not_asked(name: str, tokens: int) -> None:
    model = OpenAIModel("openai:x", name, "", KEY)
    assert model.context() == tokens
    assert model.count(ASKED) == estimate(ASKED)


def test_a_server_that_hangs_does_not_keep_the_context_waiting(
    server: FakeProvider, model: OpenAIModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.generators.models.openai_model.ASK_SECONDS", 0.2)
    for path in ("/v1/models", "/tokenize"):
        server.script(path, hang)
    start = time.monotonic()
    assert (model.context(), model.count(ASKED)) == (8192, estimate(ASKED))
    assert model.count(ASKED) == estimate(ASKED)
    assert time.monotonic() - start < 15
    assert len(server.asked) == 2


def test_tokens_are_counted_by_vllm(server: FakeProvider, model: OpenAIModel) -> None:
    server.script("/tokenize", status(200, {"count": 17, "max_model_len": 4096, "tokens": []}))
    assert (model.count(ASKED), model.count(ASKED)) == (17, 17)
    assert server.bodies("/tokenize")[0]["messages"][1] == {"role": "user", "content": "Quel port ?"}


def test_tokens_are_counted_by_llama_cpp(server: FakeProvider, model: OpenAIModel) -> None:
    # It has no `messages`, and answers them with an empty list.
    server.script("/tokenize", status(200, {"tokens": []}), status(200, {"tokens": [1, 2, 3]}))
    assert (model.count(ASKED), model.count(ASKED)) == (11, 11)
    assert server.bodies("/tokenize")[1:] == [{"content": "Réponds.\nQuel port ?"}] * 3


def test_tokens_are_guessed_where_nobody_counts(server: FakeProvider, model: OpenAIModel) -> None:
    assert model.count(ASKED) == model.count(ASKED) == estimate(ASKED)
    assert len(server.at("/tokenize")) == 2


def test_counting_says_when_the_server_is_gone(server: FakeProvider) -> None:
    model = OpenAIModel("openai:m", "m", "http://127.0.0.1:9/v1", KEY)
    for call in (lambda: model.count(ASKED), model.context, model.models):
        with pytest.raises(Unreachable):
            call()
    model.close()


def test_models_of_the_server(server: FakeProvider, model: OpenAIModel) -> None:
    server.script("/v1/models", status(200, {"data": [{"id": "b"}, {"id": "a"}, 5]}), status(200, [5]), status(403))
    assert model.models() == ["a", "b"]
    assert model.models() == []
    with pytest.raises(GeneratorFailed):
        model.models()


def test_a_list_of_models_that_is_not_there_is_no_missing_model(server: FakeProvider) -> None:
    model = OpenAIModel("openai:", "", f"{server.url}/v1", KEY)
    with pytest.raises(Rejected):
        model.models()
    model.close()


def test_a_server_without_keys_is_sent_none() -> None:
    with FakeProvider(authorization="") as server:
        server.script(CHAT, sse("oui"))
        model = OpenAIModel("openai:m", "m", f"{server.url}/v1", "", context=4096)
        assert said(model) == "oui"
        model.close()


def test_user_and_password_of_an_address_are_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeProvider(authorization="Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()) as server:
        server.script(CHAT, sse("oui"))
        address = server.url.replace("http://", f"http://me:{KEY}@") + "/v1"
        model = OpenAIModel("openai:m", "m", address, "", context=4096)
        assert said(model) == "oui"
        model.close()
    assert server.url in caplog.text
    assert KEY not in caplog.text


def test_openai_without_a_key_is_not_asked() -> None:
    with pytest.raises(Unauthorized) as caught:
        said(OpenAIModel("openai:m", "m", "", ""))
    assert "OPENAI_API_KEY" in caught.value.hint


@pytest.mark.parametrize("key", ["sk fake", "sk-fake\u2026", "sk-\x00fake"])
def test_a_key_that_no_header_can_hold_is_not_quoted(key: str) -> None:
    with pytest.raises(BadSetting) as caught:
        OpenAIModel("openai:m", "m", "", key)
    assert "fake" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://x/v1", "http://", "http://[::1/v1", "http://x:y/"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(BadSetting, match="base_url"):
        OpenAIModel("openai:m", "m", address, KEY)


@pytest.mark.parametrize("begun", [False, True])
def test_close_breaks_off_what_another_thread_reads(server: FakeProvider, model: OpenAIModel, begun: bool) -> None:
    server.script(CHAT, stream([delta("Le")], then=hang) if begun else hang)
    heard: list[object] = []

    def read() -> None:
        try:
            heard.extend(model.stream(ASKED, Options(timeout=30)))
        except GeneratorFailed as error:
            heard.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while not server.at(CHAT):
        time.sleep(0.01)
    time.sleep(0.05)
    model.close()
    reader.join(1)
    assert not reader.is_alive()
    assert isinstance(heard[-1], GeneratorFailed)
    server.script(CHAT, sse("encore"))
    assert said(model) == "encore"


def test_close_before_the_first_word_breaks_off_too(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, sse("oui"))
    pieces = model.stream(ASKED, Options(timeout=5))
    model.close()
    with pytest.raises(GeneratorFailed):
        list(pieces)
    assert not server.asked


def test_tiktoken_counts_when_its_file_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    import sys
    from importlib.machinery import ModuleSpec
    from pathlib import Path

    loaded: list[str] = []

    def encoding(name: str) -> SimpleNamespace:
        loaded.append(name)
        return SimpleNamespace(encode=lambda text, disallowed_special: text.split())

    fake = SimpleNamespace(
        __spec__=ModuleSpec("tiktoken", None), encoding_name_for_model=lambda model: "o200k_base", get_encoding=encoding
    )
    monkeypatch.setitem(sys.modules, "tiktoken", fake)  # type: ignore[arg-type]
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert OpenAIModel("openai:m", "gpt-4o", "", KEY).count(ASKED) == estimate(ASKED)
    assert not loaded  # it would have been downloaded
    (Path(str(tmp_path)) / "fb374d419588a4632f3f557e76b4b70aebbca790").touch()
    assert OpenAIModel("openai:m", "gpt-4o", "", KEY).count(ASKED) == 1 + 3 + 2 * 4
