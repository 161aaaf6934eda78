"""A model of any server that speaks OpenAI's chat protocol: OpenAI, vLLM, LM Studio, llama.cpp and many services."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from assistant.generators.base import Options
from assistant.generators.models import openai_server
from assistant.generators.models.beside import beside
from assistant.generators.models.faults import (
    Peer,
    Rejected,
    TimedOut,
    Unauthorized,
    UnknownModel,
    Unreachable,
    client_faults,
    connection_fault,
    ended_early,
    http_fault,
    like_models,
    malformed,
    too_large,
    truncated,
    unanswered,
)
from assistant.generators.models.server_text import secrets_of, without_credentials
from assistant.generators.models.thinking import without_thinking
from assistant.generators.models.tokens import estimate
from assistant.generators.models.wire import CONNECT_SECONDS, TooLarge, Wire, trusted
from retrieval.errors import BadSetting, GeneratorFailed
from retrieval.types import Message

if TYPE_CHECKING:
    from openai import OpenAI, Stream

ASK_SECONDS = 2.0
"""Longest wait for the next bytes of what a server tells of itself."""
LONGEST_ASK = 10.0
"""Longest wait for all of it."""
_REFUSED = re.compile(
    r"unsupported|not support|unrecognized|unknown|not permitted|unexpected|extra_forbidden|not allowed"
)


class OpenAIModel:
    """One model on one server. Raises BadSetting for an address or a key that cannot be one."""

    def __init__(self, name: str, model: str, base_url: str, api_key: str, context: int = 0) -> None:
        self.name = name
        self._model = model
        self._url, self._auth = _address(base_url or openai_server.OPENAI)
        self._key = _checked_key(api_key.strip())
        self._context = context
        self._count: openai_server.Count | None = None
        self._unwanted: set[str] = set()
        """Parameters that this model does not take."""
        self._peer = _peer(name, model, self._url, secrets_of(self._key, self._auth))
        self._wire = Wire()

    @property
    def served(self) -> str:
        """The model as its server calls it: what it is priced by."""
        return self._model

    @property
    def device(self) -> str:
        """Where it computes."""
        return self._url

    def context(self) -> int:
        """Tokens it reads; asked of the server once. Raises Unreachable."""
        if not self._context:
            try:
                self._context = openai_server.context_of(self._ask_if_known, self._url, self._model)
            except TimedOut:
                self._context = openai_server.UNKNOWN_CONTEXT
        return self._context

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens by the server's tokenizer, else OpenAI's if it is on this machine, else a guess. Raises Unreachable."""
        try:
            if self._count is None:
                ways = openai_server.counters(self._ask_if_known, self._url, self._model)
                self._count = next(way for way in ways if way(messages) is not None)
            counted = self._count(messages)
        except TimedOut:
            self._count, counted = estimate, None
        return estimate(messages) if counted is None else counted

    def models(self) -> list[str]:
        """Names of the models the server has. Raises GeneratorFailed."""
        listed = self._ask(f"{self._url}/models", None)
        entries = listed.get("data") if isinstance(listed, dict) else None
        return sorted(str(e["id"]) for e in entries or () if isinstance(e, dict) and "id" in e)

    def stream(self, messages: Sequence[Message], options: Options) -> Iterator[str]:
        """The answer as it comes; one attempt. Raises GeneratorFailed; Truncated after the text."""
        # Bound to the wire of now: a close() that comes before the first word breaks off this stream, not the next.
        return without_thinking(self._texts(self._wire, messages, options))

    def close(self) -> None:
        """Break off what another thread reads; the next question opens a new connection."""
        wire, self._wire = self._wire, Wire()
        wire.cut()

    def twin(self) -> Self:
        """With connections of its own."""
        made = copy.copy(self)
        made._wire = Wire()
        return made

    def _texts(self, wire: Wire, messages: Sequence[Message], options: Options) -> Iterator[str]:
        self._check_key()
        ended, silent = "", True
        try:
            with wire.reading(), self._faults(), self._opened(wire, messages, options) as chunks:
                for chunk in chunks:
                    text, finish = self._said(chunk)
                    ended, silent = finish or ended, False
                    if text:
                        yield text
        except UnknownModel as fault:
            raise like_models(fault, self._model, self._known_models()) from None
        if silent:
            raise malformed(self._peer, "a page or a document")
        self._check_end(ended, options)

    def _opened(self, wire: Wire, messages: Sequence[Message], options: Options) -> Stream[Any]:
        """The stream; a parameter that this model does not take is left out, and the question asked again."""
        import openai

        sent = [{"role": m.role, "content": m.content} for m in messages]
        wait = openai.Timeout(options.timeout, connect=min(options.timeout, CONNECT_SECONDS))
        while True:
            create: Any = self._connected(wire).chat.completions.create
            given = {"timeout": wait, "extra_headers": self._headers(), **self._parameters(options)}
            try:
                stream: Stream[Any] = create(model=self._model, messages=sent, stream=True, **given)
                return stream
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._leaves_out(error.response.text.lower(), options):
                    raise

    def _parameters(self, options: Options) -> dict[str, Any]:
        tokens = "max_completion_tokens" if "max_tokens" in self._unwanted else "max_tokens"
        values = {"temperature": options.temperature, tokens: options.max_tokens, "seed": options.seed}
        return {k: v for k, v in values.items() if v is not None and k not in self._unwanted}

    def _leaves_out(self, said: str, options: Options) -> bool:
        """Whether the error is about a parameter that was sent; that one is not sent again."""
        refused = _REFUSED.search(said) is not None
        found = next((p for p in self._parameters(options) if refused and re.search(rf"\b{p}\b", said)), None)
        if found is not None:
            self._unwanted.add(found)
        return found is not None

    def _said(self, chunk: Any) -> tuple[str, str]:
        """The text of a chunk and why the answer ends with it. The client checks no types."""
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            raise malformed(self._peer, "data without choices")
        if not choices:
            return "", ""
        text = getattr(getattr(choices[0], "delta", None), "content", None)
        finish = getattr(choices[0], "finish_reason", None)
        if not isinstance(text, str | None) or not isinstance(finish, str | None):
            raise malformed(self._peer, "a choice of another form")
        return text or "", finish or ""

    def _check_end(self, ended: str, options: Options) -> None:
        if not ended:
            raise ended_early(self._peer)
        if ended == "length":
            raise truncated(self.name, options.max_tokens)
        if ended == "content_filter":
            message = f"{self.name}: the content filter of {self._url} stopped the answer."
            raise Rejected(message, "Ask in other words, or choose another model with /model.")

    def _check_key(self) -> None:
        if not self._key and openai_server.is_openai(self._url):
            raise Unauthorized(f"{self.name}: {self._url} needs a key, and none is set.", self._peer.to_log_in)

    def _known_models(self) -> list[str]:
        try:
            return self.models()
        except GeneratorFailed:
            return []

    def _ask_if_known(self, url: str, body: Any) -> Any:
        """What the server tells at an address, None when it tells nothing. Raises Unreachable, TimedOut."""
        try:
            return self._ask(url, body)
        except (Unreachable, TimedOut):
            raise
        except GeneratorFailed:
            return None

    def _ask(self, url: str, body: Any) -> Any:
        wire = self._wire
        self._connected(wire)
        return beside(lambda: self._told(wire, url, body), LONGEST_ASK, unanswered(self._peer))

    def _told(self, wire: Wire, url: str, body: Any) -> Any:
        method = "get" if body is None else "post"
        with wire.reading(), self._faults():
            sent: Any = {} if body is None else {"body": body}
            sent["options"] = {"timeout": ASK_SECONDS, "headers": self._headers()}
            return getattr(self._connected(wire), method)(url, cast_to=object, **sent)

    def _headers(self) -> dict[str, Any]:
        """The client insists on a key; a server that needs none is sent none."""
        import openai

        return {} if self._key else {"Authorization": openai.Omit()}

    def _connected(self, wire: Wire) -> OpenAI:
        import openai

        def make() -> OpenAI:
            http = openai.DefaultHttpx2Client(
                event_hooks=wire.hooks, auth=self._auth, verify=trusted("httpx2"), follow_redirects=False
            )
            return openai.OpenAI(api_key=self._key or "none", base_url=self._url, max_retries=0, http_client=http)

        with client_faults(self._peer):
            made: OpenAI = wire.made(make)
        return made

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """The client's exceptions as ours. They are raised `from None`: their text may hold a key."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise http_fault(self._peer, error.status_code, error.response.text, error.response.headers) from None
        except (openai.APIConnectionError, OSError) as error:
            raise connection_fault(self._peer, error) from None
        except openai.APIError as error:  # told inside the stream
            raise http_fault(self._peer, 0, error.body or error.message, {}) from None
        except TooLarge:
            raise too_large(self._peer) from None
        except ValueError:  # neither JSON nor UTF-8
            raise malformed(self._peer, "data that cannot be read") from None


def _address(base_url: str) -> tuple[str, tuple[str, str] | None]:
    try:
        url, auth = without_credentials(base_url)
    except ValueError:
        url, auth = "", None
    if not re.match(r"https?://[^/]", url):
        raise BadSetting("model.base_url is no web address.", "Write it like http://localhost:8000/v1.")
    return url, auth


def _checked_key(key: str) -> str:
    """The key, if a header can hold it: the client's own error would show it."""
    if not re.fullmatch(r"[!-~]*", key):
        hint = "Copy the key again: model.api_key, else OPENAI_API_KEY."
        raise BadSetting("The API key holds a blank, or a character that no key has.", hint)
    return key


def _peer(name: str, model: str, url: str, secrets: tuple[str, ...]) -> Peer:
    start = "Start the server (`vllm serve …`, `llama-server -m …`, LM Studio), or correct model.base_url."
    if openai_server.is_openai(url):
        start = "Check the network, or set HTTPS_PROXY; model.base_url names another server."
    return Peer(
        name,
        model,
        url,
        to_start=start,
        to_log_in="Set OPENAI_API_KEY, or model.api_key, to a key of this server.",
        to_get_model="Choose another model with /model or answer.generator.",
        secrets=secrets,
    )
