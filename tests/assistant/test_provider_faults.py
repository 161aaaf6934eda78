"""Everything that goes wrong with a model server: what is said, how soon, and that no key is ever shown."""

from __future__ import annotations

import logging
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

import pytest
from fake_provider import (
    CHAT,
    KEY,
    OLLAMA_CHAT,
    FakeProvider,
    Reply,
    Talk,
    delta,
    drip,
    hang,
    ndjson,
    page,
    part,
    refused_port,
    sse,
    status,
    stream,
)

from assistant.generators.base import ChatModel, Cut, Options
from assistant.generators.models.faults import (
    ConnectionLost,
    ContextTooLong,
    Empty,
    Malformed,
    RateLimited,
    Rejected,
    ServerFailed,
    TimedOut,
    Truncated,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from assistant.generators.models.ollama_model import OllamaModel
from assistant.generators.models.openai_model import OpenAIModel
from assistant.generators.models.steady import steady
from retrieval.errors import GeneratorFailed
from retrieval.types import Message

ASKED = (Message("system", "Answer."), Message("user", "Quel port ?"))
PROMPT = 15
"""Seconds, on a busy machine, within which an interrupt is felt; the servers hang for half a minute."""
LOUD = ("", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "ollama")


class Outcome(NamedTuple):
    """How an answer ended."""

    text: str
    fault: GeneratorFailed | None
    cut: Cut | None
    seconds: float

    @property
    def told(self) -> str:
        """All that a person may get to read of it."""
        if self.fault is None:
            return f"{self.text} {self.cut}"
        return (
            f"{self.fault.message} {self.fault.hint} {self.fault!r} {''.join(traceback.format_exception(self.fault))}"
        )


def ask(model: ChatModel, seconds: float = 2.0) -> Outcome:
    """An answer to its end, through the layer that every answer goes through."""
    start, pieces, fault = time.monotonic(), [], None
    try:
        pieces.extend(steady(model, ASKED, Options(timeout=seconds)))
    except GeneratorFailed as error:
        fault = error
    text = "".join(p for p in pieces if isinstance(p, str))
    cut = next((p for p in pieces if isinstance(p, Cut)), None)
    assert cut is None or pieces[-1] is cut
    return Outcome(text, fault, cut, time.monotonic() - start)


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """The first answer imports the client, which takes a second that no test means to measure."""
    with FakeProvider() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "*")
        server.script(CHAT, sse("oui"))
        models = (
            OpenAIModel("x", "m", f"{server.url}/v1", KEY),
            OllamaModel("x", "m", f"me:{KEY}@{server.url[7:]}", 99),
        )
        for model in models:
            ask(model, 20)
            model.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(autouse=True)
def no_key_is_shown(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    for name in LOUD:
        caplog.set_level(logging.DEBUG, name)
    yield
    logs = [record.getMessage() for record in caplog.get_records("call")]
    assert any("openai" in r.name or "httpcore" in r.name for r in caplog.get_records("call"))
    assert KEY not in "".join([*capfd.readouterr(), *logs])


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A server that hangs holds up nobody for long, not even a thread."""
    yield
    for thread in [t for t in threading.enumerate() if t.name == "answer"]:
        thread.join(15)
        assert not thread.is_alive()


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


@pytest.fixture
def ollama() -> Iterator[FakeProvider]:
    with FakeProvider(authorization="") as made:
        yield made


@pytest.fixture
def model(server: FakeProvider) -> Iterator[OpenAIModel]:
    made = OpenAIModel("openai:m", "m", f"{server.url}/v1", KEY, context=4096)
    yield made
    made.close()


@pytest.fixture
def ollama_model(ollama: FakeProvider) -> Iterator[OllamaModel]:
    made = OllamaModel("ollama:m", "m", ollama.url, context=4096)
    yield made
    made.close()


def error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


OPENAI_LONG = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 10234 tokens. Please reduce "
    "the length of the messages."
)
VLLM_LONG = (
    "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is 4096 tokens and your "
    "request has 3900 input tokens (512 > 4096 - 3900)."
)
LM_STUDIO_LONG = (
    "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of "
    "only 4096 tokens, which is not enough."
)

BEFORE_TEXT: dict[str, tuple[Reply, type[GeneratorFailed], str]] = {
    "401 that quotes the key": (status(401, error(f"Incorrect API key provided: {KEY}.")), Unauthorized, "OPENAI_API_KEY"),
    "403": (status(403, error(f"Country not supported, key {KEY}")), Unauthorized, "Country not supported, key ***"),
    "404 of a model": (status(404, error("The model `m` does not exist.", code="model_not_found")), UnknownModel, "/model"),
    "404 of the address": (status(404, {"detail": "Not Found"}), Rejected, "/v1"),
    "429 of an empty account": (status(429, error("You exceeded your current quota", code="insufficient_quota")), Rejected, "billing"),
    "429 for too long": (status(429, retry_after="3600"), RateLimited, "asks to wait 3600 s"),
    "400": (status(400, error(f"top_p? {KEY}")), Rejected, "top_p? ***"),
    "400 with a body of another form": (status(400, [[1, None], "no"]), Rejected, "settings"),
    "no event stream but a page": (page(), Malformed, "/v1"),
    "no event stream but JSON": (status(200, {"choices": []}), Malformed, "/v1"),
    "bad JSON": (stream([b'data: {"choices": [\n\n']), Malformed, "cannot be read"),
    "JSON of another form": (stream([b'data: [1, "x"]\n\n']), Malformed, "without choices"),
    "a text that is none": (stream([delta(content={"a": 1})]), Malformed, "another form"),
    "bytes that are no UTF-8": (stream([b'data: {"choices": "\xc3\n\n']), Malformed, "cannot be read"),
    "hang before the first byte": (hang, TimedOut, "model.timeout"),
    "hang after the headers": (stream([], then=hang), TimedOut, "model.timeout"),
    "comments only": (drip(b": waiting\n\n"), TimedOut, "model.timeout"),
    "an answer of blanks": (stream([delta(" \n")], then=lambda talk: _drip_on(talk, delta(" "))), TimedOut, "model.timeout"),
    "an empty answer": (sse(), Empty, "/retry"),
    "only thinking, to the limit": (sse("<think>Let me see", finish="length"), Truncated, "model.max_tokens"),
    "content filter": (sse(finish="content_filter"), Rejected, "content filter"),
    "too long, OpenAI": (status(400, error(OPENAI_LONG, code="context_length_exceeded")), ContextTooLong, "model.context"),
    "error inside the stream": (stream([b'data: {"error": {"message": "no slot", "code": 400}}\n\n']), Rejected, "no slot"),
}  # fmt: skip


@pytest.mark.parametrize("name", BEFORE_TEXT)
def test_a_fault_before_any_text_is_raised_once_and_soon(server: FakeProvider, model: OpenAIModel, name: str) -> None:
    reply, kind, words = BEFORE_TEXT[name]
    server.script(CHAT, reply)
    seconds = 0.4 if kind is TimedOut else 5.0
    got = ask(model, seconds)
    assert (type(got.fault), got.text) == (kind, "")
    assert words in got.told
    assert got.fault is not None
    assert got.fault.hint
    assert "openai:m" in got.fault.message
    assert KEY not in got.told + repr(model) + str(vars(got.fault))
    assert got.seconds < PROMPT
    assert len(server.at(CHAT)) == 1


AFTER_TEXT: dict[str, tuple[Reply, str]] = {
    "hang": (stream([delta("Le port")], then=hang), "took longer than 1.5 s"),
    "comments only": (
        stream([delta("Le port")], then=lambda talk: _drip_on(talk, b": waiting\n\n")),
        "took longer than 1.5 s",
    ),
    "reset": (stream([delta("Le port")], then=Talk.reset), "was lost"),
    "closed within the body": (stream([delta("Le port")], then=lambda talk: talk.wfile.close()), "was lost"),
    "ended without a reason": (stream([delta("Le port")]), "ended too early"),
    "bad JSON": (stream([delta("Le port"), b"data: {\n\n"]), "cannot be read"),
    "cut within a character": (stream([delta("Le port"), b'data: {"choices": "\xe2\x82']), "cannot be read"),
    "error": (stream([delta("Le port"), f'data: {{"error": "CUDA error {KEY}"}}\n\n'.encode()]), "CUDA error ***"),
    "length": (sse("Le port", finish="length"), "max_tokens (512)"),
    "content filter": (sse("Le port", finish="content_filter"), "content filter"),
}


def _drip_on(talk: Talk, data: bytes) -> None:
    while not talk.wait(0.005):
        talk.chunk(data)


@pytest.mark.parametrize("name", AFTER_TEXT)
def test_what_came_before_a_fault_is_kept_and_marked(server: FakeProvider, model: OpenAIModel, name: str) -> None:
    reply, words = AFTER_TEXT[name]
    server.script(CHAT, reply)
    got = ask(model, 1.5)
    assert (got.text, got.fault) == ("Le port", None)
    assert got.cut is not None
    assert words in got.cut.reason
    assert not got.cut.reason.endswith(".")
    assert got.cut.hint
    assert KEY not in got.told
    assert got.seconds < PROMPT
    assert len(server.at(CHAT)) == 1


def test_a_failing_server_is_asked_again_until_it_answers(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, status(500), Talk.reset, sse("Le port", " 5432"))
    got = ask(model, 10)
    assert (got.text, got.fault, got.cut) == ("Le port 5432", None, None)
    assert len(server.at(CHAT)) == 3
    assert got.seconds < PROMPT


def test_a_server_that_goes_on_failing_is_left_in_time(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, status(503, error("Loading model")))
    got = ask(model, 1.5)
    assert isinstance(got.fault, ServerFailed)
    assert "Loading model" in got.fault.message
    assert 2 <= len(server.at(CHAT)) <= 6
    assert got.seconds < PROMPT


def test_the_wait_a_server_asks_for_is_kept(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, status(429, retry_after="0.3"), sse("oui"))
    got = ask(model, 5)
    assert got.text == "oui"
    assert 0.3 <= got.seconds < PROMPT


def test_the_wait_may_be_a_date(server: FakeProvider, model: OpenAIModel) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    late = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server.script(CHAT, status(429, retry_after=soon), status(429, retry_after=late))
    got = ask(model, 5)
    assert isinstance(got.fault, RateLimited)
    assert got.fault.retry_after == pytest.approx(3600, abs=10)
    assert len(server.at(CHAT)) == 2
    assert got.seconds < PROMPT


@pytest.mark.parametrize(
    ("said", "code", "limit"),
    [
        (error(OPENAI_LONG, code="context_length_exceeded"), 400, 8192),
        ({"object": "error", "message": VLLM_LONG, "type": "BadRequestError", "code": 400}, 400, 4096),
        (error(VLLM_LONG, code=400), 400, 4096),
        (error("The decoder prompt (length 5000) is longer than the maximum model length of 2048."), 400, 2048),
        (error("the request exceeds the available context size, try increasing it", n_ctx=512), 400, 512),
        (error("request (2583 tokens) exceeds the available context size (2048 tokens)"), 500, 2048),
        ({"error": LM_STUDIO_LONG}, 400, 4096),
        (error("prompt is too long: 210000 tokens > 200000 maximum"), 400, 200_000),
        (error("Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"), 400, 32768),
        (error("Request too large for model"), 413, None),
    ],
)  # fmt: skip
def test_a_context_that_is_too_long_is_told_with_its_limit(
    server: FakeProvider, model: OpenAIModel, said: object, code: int, limit: int | None
) -> None:
    server.script(CHAT, status(code, said))
    fault = ask(model).fault
    assert isinstance(fault, ContextTooLong)
    assert fault.limit == limit


def test_the_nearest_models_of_the_server_are_named(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, status(404, error("The model `m` does not exist.")))
    server.script("/v1/models", status(200, {"data": [{"id": "mm"}, {"id": "zzz"}]}))
    fault = ask(model).fault
    assert isinstance(fault, UnknownModel)
    assert "`mm`" in fault.hint
    assert "zzz" not in fault.hint


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("http://127.0.0.1:{port}/v1", "connection refused"),
        ("http://no.such.host.invalid/v1", "unknown host"),
        ("http://user:{key}@127.0.0.1:{port}/v1?key={key}", "connection refused"),
    ],
)
def test_a_server_that_is_not_there(base: str, words: str) -> None:
    model = OpenAIModel("openai:m", "m", base.format(port=refused_port(), key=KEY), KEY, context=4096)
    got = ask(model)
    model.close()
    assert isinstance(got.fault, Unreachable)
    assert words in got.fault.message
    assert "model.base_url" in got.fault.hint
    assert KEY not in got.told + repr(model)
    assert "user" not in got.told
    assert got.seconds < PROMPT


def test_a_server_without_tls(server: FakeProvider) -> None:
    model = OpenAIModel("openai:m", "m", f"{server.url.replace('http', 'https')}/v1", KEY, context=4096)
    got = ask(model)
    model.close()
    assert isinstance(got.fault, Unreachable)
    assert "TLS" in got.fault.message
    assert "http or https" in got.fault.hint


OLLAMA_BEFORE: dict[str, tuple[Reply, type[GeneratorFailed], str]] = {
    "a model that is missing": (status(404, {"error": "model 'm' not found"}), UnknownModel, "`ollama pull m`"),
    "401": (status(401, {"error": "unauthorized"}), Unauthorized, "OLLAMA_HOST"),
    "429": (status(429, {"error": "slow down"}, retry_after="99"), RateLimited, "99 s"),
    "400": (status(400, {"error": "bad option"}), Rejected, "bad option"),
    "a page": (page(), Malformed, "cannot be read"),
    "bad JSON": (stream([b"{\n"]), Malformed, "cannot be read"),
    "JSON of another form": (stream([b"[1]\n"]), Malformed, "cannot be read"),
    "a message that is none": (stream([b'{"message": 5}\n']), Malformed, "cannot be read"),
    "no UTF-8": (stream([b'{"a": "\xc3\n']), Malformed, "cannot be read"),
    "hang": (hang, TimedOut, "model.timeout"),
    "hang after the headers": (stream([], then=hang), TimedOut, "model.timeout"),
    "bytes that never make a line": (drip(b" "), TimedOut, "model.timeout"),
    "an empty answer": (ndjson(), Empty, "/retry"),
    "too long": (status(400, {"error": "the input length exceeds the context length"}), ContextTooLong, "model.context"),
    "too long, by how much": (
        status(400, {"error": "prompt too long; exceeded max context length by 120 tokens"}), ContextTooLong, "model.context"
    ),
    "too long, inside the stream": (
        stream([b'{"error": "request (5000 tokens) exceeds the available context size (4096 tokens)"}\n']),
        ContextTooLong, "4096",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OLLAMA_BEFORE)
def test_ollama_faults_before_any_text(ollama: FakeProvider, ollama_model: OllamaModel, name: str) -> None:
    reply, kind, words = OLLAMA_BEFORE[name]
    ollama.script(OLLAMA_CHAT, reply)
    got = ask(ollama_model, 0.4 if kind is TimedOut else 5.0)
    assert (type(got.fault), got.text) == (kind, "")
    assert words in got.told
    assert got.seconds < PROMPT
    assert len(ollama.at(OLLAMA_CHAT)) == 1


OLLAMA_AFTER: dict[str, tuple[Reply, str]] = {
    "hang": (stream([part("Le port")], then=hang), "took longer than 1.5 s"),
    "reset": (stream([part("Le port")], then=Talk.reset), "was lost"),
    "not done": (ndjson("Le port", done_reason=None), "ended too early"),
    "error": (stream([part("Le port"), b'{"error": "llama runner process has terminated"}\n']), "has terminated"),
    "bad JSON": (stream([part("Le port"), b"{\n"]), "cannot be read"),
    "length": (ndjson("Le port", done_reason="length"), "max_tokens (512)"),
}


@pytest.mark.parametrize("name", OLLAMA_AFTER)
def test_ollama_faults_after_text(ollama: FakeProvider, ollama_model: OllamaModel, name: str) -> None:
    reply, words = OLLAMA_AFTER[name]
    ollama.script(OLLAMA_CHAT, reply)
    got = ask(ollama_model, 1.5)
    assert (got.text, got.fault) == ("Le port", None)
    assert got.cut is not None
    assert words in got.cut.reason
    assert got.seconds < PROMPT


def test_ollama_that_is_not_running() -> None:
    model = OllamaModel("ollama:m", "m", f"user:{KEY}@127.0.0.1:{refused_port()}")
    faults: list[Callable[[], object]] = [lambda: ask(model).fault, model.context, model.models]
    for call in faults:
        with pytest.raises(Unreachable) as caught:
            raise call()  # type: ignore[misc]
        assert "`ollama serve`" in caught.value.hint
        assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(model)
    model.close()


def test_an_idle_connection_that_the_server_closed_is_opened_again(server: FakeProvider, model: OpenAIModel) -> None:
    server.script(CHAT, sse("un"), sse("deux"))
    assert ask(model).text == "un"
    model.close()
    assert ask(model).text == "deux"


def test_a_lost_connection_is_a_fault_of_the_first_word_only(
    server: FakeProvider, model: OpenAIModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.generators.models.steady.FIRST_WAIT", 0.01)
    server.script(CHAT, Talk.reset)
    got = ask(model, 30.0)
    assert isinstance(got.fault, ConnectionLost)
    assert len(server.at(CHAT)) >= 1


@pytest.mark.parametrize("reply", [hang, stream([], then=hang), stream([delta("Le port")], then=hang), drip(b":\n")])
def test_an_interrupt_is_prompt_whatever_the_server_does(
    server: FakeProvider, model: OpenAIModel, reply: Reply
) -> None:
    server.script(CHAT, reply)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ask(model, 30)
    assert time.monotonic() - start < PROMPT
    server.script(CHAT, sse("encore"))
    assert ask(model).text == "encore"


@pytest.mark.parametrize("reply", [hang, stream([part("Le port")], then=hang)])
def test_an_interrupt_is_prompt_with_ollama(ollama: FakeProvider, ollama_model: OllamaModel, reply: Reply) -> None:
    ollama.script(OLLAMA_CHAT, reply)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ask(ollama_model, 30)
    assert time.monotonic() - start < PROMPT
    ollama.script(OLLAMA_CHAT, ndjson("encore"))
    assert ask(ollama_model).text == "encore"


def test_an_answer_may_be_left_at_any_point(
    server: FakeProvider, model: OpenAIModel, ollama: FakeProvider, ollama_model: OllamaModel
) -> None:
    server.script(CHAT, sse(*["mot "] * 500))
    ollama.script(OLLAMA_CHAT, ndjson(*["mot "] * 500))
    for either in (model, ollama_model):
        for _ in range(5):
            pieces = steady(either, ASKED, Options(timeout=5))
            assert next(pieces) == "mot "
            pieces.close()
        assert ask(either, 5).text == "mot " * 500
