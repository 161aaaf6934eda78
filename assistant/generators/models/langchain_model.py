"""A model of any provider that LangChain's `init_chat_model` knows: `anthropic:claude-…`, `mistralai:…`."""

from __future__ import annotations

import copy
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from assistant.command import nearest
from assistant.generators.base import Options
from assistant.generators.models.faults import (
    ConnectionLost,
    Peer,
    ServerFailed,
    Unauthorized,
    connection_fault,
    http_fault,
    truncated,
)
from assistant.generators.models.server_text import quoted
from assistant.generators.models.thinking import without_thinking
from assistant.generators.models.tokens import estimate
from retrieval.errors import BadSetting, GeneratorFailed, ModelMissing
from retrieval.types import Message

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

UNKNOWN_CONTEXT = 8192
ASK_SECONDS = 5.0
"""Longest wait for the number of tokens."""
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
# Where the name of the provider is not that of the variable.
_KEY_VARIABLES = {
    "mistralai": "MISTRAL_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "google_vertexai": "GOOGLE_APPLICATION_CREDENTIALS",
    "bedrock": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "bedrock_converse": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "huggingface": "HF_TOKEN",
}
_LENGTH = {"length", "max_tokens", "max_output_tokens", "model_length"}
"""What providers call the end of an answer that reached its longest length."""


class LangChainModel:
    """One model of one provider, by the name `init_chat_model` takes. Nothing is loaded before it is used."""

    def __init__(self, name: str, spec: str, context: int = 0) -> None:
        self.name = name
        self._spec = spec
        self._context = context
        self._made: dict[Options, BaseChatModel] = {}
        self._can_count = True
        self._stopped = 0
        """How often it was closed: a stream of before is broken off."""
        self._peer = _peer(name, spec)

    def context(self) -> int:
        """Tokens it reads, as its integration knows. Raises ModelMissing, BadSetting."""
        if not self._context:
            profile = getattr(self._bare, "profile", None) or {}
            told = profile.get("max_input_tokens")
            self._context = told if isinstance(told, int) and told > 0 else UNKNOWN_CONTEXT
        return self._context

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens by the provider's own counter, where there is one that downloads nothing; else a cautious guess."""
        if not self._can_count or not _counts(type(self._bare)):
            return estimate(messages)
        try:
            with self._faults():
                return self._counter.get_num_tokens_from_messages(_sent(messages))
        except GeneratorFailed:
            self._can_count = False
            return estimate(messages)

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        """The answer as it comes; one attempt. Raises GeneratorFailed, ModelMissing, BadSetting."""
        return without_thinking(self._texts(messages, options, self._stopped))

    def close(self) -> None:
        """Break off a stream at its next piece: LangChain gives no hold on the connection, whose timeout ends it."""
        self._stopped += 1

    def twin(self) -> Self:
        """With the same integration, once it was made."""
        return copy.copy(self)

    def _texts(self, messages: Sequence[Message], options: Options, stopped: int) -> Iterator[str]:
        model = self._made_with(options)
        with self._faults():
            for chunk in model.stream(_sent(messages)):
                if self._stopped != stopped:
                    raise ConnectionLost(f"{self.name} was broken off.")
                if text := str(chunk.text):
                    yield text
                if _ending(chunk.response_metadata) in _LENGTH:
                    raise truncated(self.name, options.max_tokens)

    @cached_property
    def _bare(self) -> BaseChatModel:
        """The model as its class makes it, to see what it is and what it takes."""
        return self._init({})

    @cached_property
    def _counter(self) -> BaseChatModel:
        return self._init(self._taken({"timeout": ASK_SECONDS, "max_retries": 0}))

    def _made_with(self, options: Options) -> BaseChatModel:
        """The model with these options, as far as its class takes them; retries are made above us."""
        # Attempts at one answer differ in the time that is left; the first has all of it.
        key = replace(options, timeout=0)
        if key not in self._made:
            wanted = {
                "temperature": options.temperature,
                "max_tokens": options.max_tokens,
                "seed": options.seed,
                "random_seed": options.seed,
                "timeout": options.timeout,
                "max_retries": 0,
            }
            self._made = {key: self._init(self._taken(wanted))}
        return self._made[key]

    def _taken(self, wanted: Mapping[str, float | None]) -> dict[str, Any]:
        fields = type(self._bare).model_fields.items()
        names = {str(n) for name, field in fields for n in (name, field.alias, field.validation_alias) if n}
        given = {k: v for k, v in wanted.items() if v is not None and k in names}
        # Some classes take whole seconds only.
        return given | ({"timeout": math.ceil(given["timeout"])} if "timeout" in given else {})

    def _init(self, given: Mapping[str, Any]) -> BaseChatModel:
        from langchain.chat_models import init_chat_model

        try:
            made: BaseChatModel = init_chat_model(self._spec, **given)
            return made
        except ImportError as error:
            command = re.search(r"pip install ([\w\-\[\]]+)", str(error))
            package = command[1] if command else f"langchain-{self._spec.partition(':')[0]}"
            message = f"{self.name} needs the package {package}, which cannot be imported: {error.__cause__ or error}."
            raise ModelMissing(message, f"Install it with `pip install {package}`.") from None
        except Exception as error:  # noqa: BLE001  (integrations raise anything, keys in the text included)
            raise self._not_made(error) from None

    def _not_made(self, error: Exception) -> BadSetting | GeneratorFailed:
        text = quoted(_text(error), self._peer.secrets).text
        supported = re.search(r"supported (?:model )?providers(?: are)?: ([\w, ]+)", str(error), re.IGNORECASE)
        if supported:
            provider = self._spec.partition(":")[0]
            message = f"{self.name}: LangChain knows no provider `{provider}`."
            return BadSetting(message, nearest(provider, supported[1].split(", ")))
        if re.search(r"api[_ -]?key|credential", _text(error), re.IGNORECASE):
            return Unauthorized(f"{self.name}: no key is set, or it is wrong: {text}.", self._peer.to_log_in)
        return BadSetting(f"{self.name} cannot be set up: {text}.", "Check its name and the settings under [model].")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """A provider's exceptions as ours, by status where they have one, else by type."""
        try:
            yield
        except GeneratorFailed:
            raise
        except Exception as error:  # noqa: BLE001  (each provider has a tree of its own)
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> GeneratorFailed:
        response = getattr(error, "response", None)
        status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
        if isinstance(status, int):
            headers = getattr(response, "headers", None)
            body = getattr(error, "body", None) or _text(error)
            return http_fault(self._peer, status, body, headers if isinstance(headers, Mapping) else {})
        kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
        if re.search(r"Timeout|Connect|Network|ProtocolError|ReadError", kinds):
            return connection_fault(self._peer, error)
        text = quoted(_text(error), self._peer.secrets).text
        return ServerFailed(f"{self.name} failed: {type(error).__name__}: {text}.", "Try again later.")


def _sent(messages: Sequence[Message]) -> list[Any]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return [kinds[m.role](content=m.content) for m in messages]


def _ending(metadata: Mapping[str, Any]) -> str:
    return next((str(v).lower() for k in ("finish_reason", "stop_reason", "done_reason") if (v := metadata.get(k))), "")


def _counts(kind: type[BaseChatModel]) -> bool:
    """Whether its class counts tokens itself. LangChain's own way downloads a tokenizer, OpenAI's too."""
    owner = next(k for k in kind.__mro__ if "get_num_tokens_from_messages" in vars(k))
    return not owner.__module__.startswith(("langchain_core", "langchain_openai", "langchain_community"))


def _text(error: Exception) -> str:
    """What an exception says; pydantic's says every value it was given, keys among them."""
    errors = getattr(error, "errors", None)
    if type(error).__name__ == "ValidationError" and callable(errors):
        return "; ".join(str(e["msg"]) for e in errors(include_input=False, include_url=False, include_context=False))
    return str(error)


def _peer(name: str, spec: str) -> Peer:
    provider, _, model = spec.partition(":")
    variable = _KEY_VARIABLES.get(provider, f"{provider.upper()}_API_KEY")
    secrets = tuple(v for k, v in os.environ.items() if k.upper().endswith(_SECRET_NAMES) and len(v) > 5)
    return Peer(
        name,
        model or provider,
        "",
        to_start="Check the network, or set HTTPS_PROXY.",
        to_log_in=f"Set {variable} to a key of this provider.",
        to_get_model="Choose another model with /model or answer.generator.",
        secrets=secrets,
    )
