"""A model of any provider of LangChain's, with an integration package that stands in for the real ones."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest
from fake_provider import KEY
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field, model_validator

from assistant.generators.base import Cut, Options
from assistant.generators.models.faults import (
    ConnectionLost,
    ContextTooLong,
    RateLimited,
    ServerFailed,
    TimedOut,
    Truncated,
    Unauthorized,
    UnknownModel,
)
from assistant.generators.models.langchain_model import LangChainModel
from assistant.generators.models.steady import steady
from assistant.generators.models.tokens import estimate
from retrieval.errors import BadSetting, GeneratorFailed, ModelMissing, UserError
from retrieval.types import Message

ASKED = (
    Message("system", "Réponds."),
    Message("user", "Quel port ?"),
    Message("assistant", "5432"),
    Message("user", "Sûr ?"),
)
SPEC = "baseten:m"


class ChatBaseten(BaseChatModel):
    """Says what `script` holds, and keeps what it was given."""

    script: ClassVar[list[Any]] = []
    made: ClassVar[list[dict[str, Any]]] = []
    heard: ClassVar[list[Any]] = []
    refusal: ClassVar[str] = ""

    model_name: str = Field(alias="model")
    warmth: float | None = Field(default=None, alias="temperature")
    max_tokens: int | None = None
    timeout: int | None = None
    max_retries: int = 2
    key: str = Field(default=KEY, alias="api_key")

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, given: dict[str, Any]) -> dict[str, Any]:
        cls.made.append(given)
        if cls.refusal:
            raise ValueError(cls.refusal)
        return given

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        self.heard.append([(m.type, m.content) for m in messages])
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            yield ChatGenerationChunk(message=AIMessageChunk(**step))

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        if not self.script:
            raise RuntimeError("not now")
        return 7 * len(messages)


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("langchain_baseten")
    module.ChatBaseten = ChatBaseten  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain_baseten", module)
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    ChatBaseten.made.clear()
    ChatBaseten.heard.clear()


def say(*script: Any) -> LangChainModel:
    ChatBaseten.script[:] = [{"content": s} if isinstance(s, str) else s for s in script]
    return LangChainModel(SPEC, SPEC)


def test_the_messages_and_options_are_given() -> None:
    model = say("Le ", "port")
    assert list(model.stream(ASKED, Options(0.5, 99, 3.2, seed=5))) == ["Le ", "port"]
    assert ChatBaseten.heard == [[("system", "Réponds."), ("human", "Quel port ?"), ("ai", "5432"), ("human", "Sûr ?")]]
    assert ChatBaseten.made[-1] == {"model": "m", "temperature": 0.5, "max_tokens": 99, "timeout": 4, "max_retries": 0}


def test_a_model_is_made_again_for_other_options_only() -> None:
    model = say("oui")
    for timeout in (10, 9, 8):
        list(model.stream(ASKED, Options(timeout=timeout)))
    made = len(ChatBaseten.made)
    list(model.stream(ASKED, Options(max_tokens=5)))
    assert len(ChatBaseten.made) == made + 1
    assert made == 2  # one to see what the class takes


def test_text_of_content_blocks() -> None:
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "oui"}]
    model = say({"content": blocks}, "<think>hm</think>", " non", "")
    assert list(model.stream(ASKED, Options())) == ["oui", "non"]


@pytest.mark.parametrize(
    "ending", [{"finish_reason": "length"}, {"stop_reason": "max_tokens"}, {"finish_reason": "MAX_TOKENS"}]
)
def test_the_limit_is_told_after_the_text(ending: dict[str, str]) -> None:
    model = say("oui", {"content": "", "response_metadata": ending})
    pieces = model.stream(ASKED, Options(max_tokens=9))
    assert next(pieces) == "oui"
    with pytest.raises(Truncated, match=r"max_tokens \(9\)"):
        next(pieces)


class Status(Exception):
    """As the clients of most providers name it."""

    def __init__(self, code: int, text: str, body: object = None, **headers: str) -> None:
        super().__init__(text)
        self.status_code = code
        self.body = body
        self.response = SimpleNamespace(headers=headers)


class Responded(Exception):
    """As httpx names it: the status is the response's."""

    response = SimpleNamespace(status_code=404, headers=None)


class ReadTimeout(Exception):
    """As the HTTP clients name it."""


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Status(401, f"bad key {KEY}"), Unauthorized, "BASETEN_API_KEY"),
        (Status(429, "slow", **{"retry-after": "99"}), RateLimited, "99 s"),
        (Status(529, "overloaded"), ServerFailed, "overloaded"),
        (Status(400, "x", {"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}), ContextTooLong, "> 8"),
        (Responded("model m does not exist"), UnknownModel, "no model `m`"),
        (TimeoutError(), TimedOut, "model.timeout"),
        (ReadTimeout(), ConnectionLost, "lost"),
        (ConnectionResetError(f"{KEY}"), ConnectionLost, "lost"),
        (KeyError(f"odd {KEY}"), ServerFailed, "KeyError: 'odd ***'"),
    ],
)
def test_exceptions_of_a_provider(error: Exception, kind: type[GeneratorFailed], words: str) -> None:
    model = say(error)
    with pytest.raises(kind) as caught:
        list(model.stream(ASKED, Options()))
    assert words in f"{caught.value.message} {caught.value.hint}"
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(model)


def test_a_fault_after_text_is_a_cut() -> None:
    *text, cut = steady(say("oui", ConnectionResetError()), ASKED, Options())
    assert text == ["oui"]
    assert isinstance(cut, Cut)


def test_close_breaks_off_at_the_next_piece() -> None:
    model = say("un", "deux", "trois")
    pieces = model.stream(ASKED, Options())
    assert next(pieces) == "un"
    model.close()
    with pytest.raises(ConnectionLost):
        next(pieces)
    assert list(model.stream(ASKED, Options())) == ["un", "deux", "trois"]


def test_the_context() -> None:
    assert say().context() == 8192
    assert LangChainModel(SPEC, SPEC, context=77).context() == 77


def test_a_counter_of_the_provider_is_used_while_it_works() -> None:
    model = say("oui")
    assert model.count(ASKED) == 7 * 4
    assert ChatBaseten.made[-1] == {"model": "m", "timeout": 5, "max_retries": 0}
    ChatBaseten.script.clear()
    assert model.count(ASKED) == estimate(ASKED)
    ChatBaseten.script.append({"content": "oui"})
    assert model.count(ASKED) == estimate(ASKED)


def test_langchains_own_counter_would_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ChatBaseten, "get_num_tokens_from_messages")
    assert say().count(ASKED) == estimate(ASKED)


def test_a_package_that_is_missing() -> None:
    model = LangChainModel("anthropic_bedrock:m", "anthropic_bedrock:m")
    with pytest.raises(ModelMissing) as caught:
        list(model.stream(ASKED, Options()))
    assert caught.value.hint == "Install it with `pip install langchain-aws`."
    assert "No module named" in caught.value.message


def test_a_provider_that_nobody_knows() -> None:
    with pytest.raises(BadSetting) as caught:
        LangChainModel("mistal:m", "mistal:m").context()
    assert "`mistal`" in caught.value.message
    assert "mistralai" in caught.value.hint


@pytest.mark.parametrize(
    ("refusal", "kind"), [(f"api_key {KEY} is of another region", Unauthorized), (f"{KEY}?", BadSetting)]
)
def test_a_setup_that_fails_shows_no_key(refusal: str, kind: type[UserError], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatBaseten, "refusal", refusal)
    with pytest.raises(kind) as caught:
        LangChainModel(SPEC, SPEC).context()
    assert "***" in caught.value.message
    assert KEY not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


def test_a_value_of_another_kind_shows_no_value() -> None:
    with pytest.raises(BadSetting) as caught:
        list(LangChainModel(SPEC, SPEC).stream(ASKED, Options(max_tokens=KEY)))  # type: ignore[arg-type]
    assert "valid integer" in caught.value.message
    assert KEY not in "".join(traceback.format_exception(caught.value))
