"""A model of an Ollama server."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from assistant.generators.base import Options
from assistant.generators.models.beside import beside
from assistant.generators.models.faults import (
    Peer,
    UnknownModel,
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
from assistant.generators.models.wire import TooLarge, Wire, trusted
from retrieval.errors import BadSetting, GeneratorFailed
from retrieval.types import Message

if TYPE_CHECKING:
    from ollama import Client

T = TypeVar("T")
DEFAULT_PORT = 11434
SENSIBLE_CONTEXT = 8192
"""Tokens that are asked for unless a setting or the model's own file says otherwise: memory grows with them."""
ASK_SECONDS = 5.0
"""Longest wait for the next bytes of what a server tells of its models."""
LONGEST_ASK = 15.0
"""Longest wait for all of it."""


class OllamaModel:
    """One model of one Ollama server; `host` as in OLLAMA_HOST, empty for this machine. Raises BadSetting for the host."""

    def __init__(self, name: str, model: str, host: str, context: int = 0) -> None:
        self.name = name
        self._model = model
        self._url, self._auth = address(host)
        self._context = context
        # The client itself sends this key.
        self._peer = _peer(name, model, self._url, secrets_of(os.environ.get("OLLAMA_API_KEY", ""), self._auth))
        self._wire = Wire()

    def context(self) -> int:
        """Tokens it reads; asked of the server once. Raises GeneratorFailed."""
        if not self._context:
            try:
                shown = self._ask(lambda client: client.show(self._model))
                self._context = _context(shown.modelinfo or {}, shown.parameters or "")
            except UnknownModel as fault:
                raise like_models(fault, self._model, self._known_models()) from None
        return self._context

    def count(self, messages: Sequence[Message]) -> int:
        """A cautious guess: Ollama does not count tokens."""
        return estimate(messages)

    def models(self) -> list[str]:
        """Names of the models that have been pulled. Raises GeneratorFailed."""
        return sorted(m.model for m in self._ask(lambda client: client.list()).models if m.model)

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
        # Without num_ctx Ollama cuts the messages to its default, and says nothing.
        given = {"num_ctx": self.context(), "num_predict": options.max_tokens, "temperature": options.temperature}
        given |= {} if options.seed is None else {"seed": options.seed}
        sent = [{"role": m.role, "content": m.content} for m in messages]
        done, why = False, None
        try:
            with wire.reading(), self._faults(wire):
                client = self._connected(wire, options.timeout)
                for part in client.chat(self._model, sent, stream=True, options=given):
                    done, why = bool(part.done), part.done_reason
                    if part.message.content:
                        yield part.message.content
        except UnknownModel as fault:
            raise like_models(fault, self._model, self._known_models()) from None
        if not done:
            raise ended_early(self._peer)
        if why == "length":
            raise truncated(self.name, options.max_tokens)

    def _ask(self, ask: Callable[[Client], T]) -> T:
        """What the server tells of its models."""

        def told() -> T:
            wire = self._wire
            with wire.reading(), self._faults(wire):
                return ask(self._connected(wire, ASK_SECONDS))

        return beside(told, LONGEST_ASK, unanswered(self._peer))

    def _known_models(self) -> list[str]:
        try:
            return self.models()
        except GeneratorFailed:
            return []

    def _connected(self, wire: Wire, seconds: float) -> Client:
        import ollama

        def make() -> Client:
            return ollama.Client(
                self._url, event_hooks=wire.hooks, auth=self._auth, verify=trusted("httpx"), follow_redirects=False
            )

        with client_faults(self._peer):
            made: Client = wire.made(make)
        wire.seconds = seconds
        return made

    @contextmanager
    def _faults(self, wire: Wire) -> Iterator[None]:
        """The client's exceptions as ours. They are raised `from None`: their text may hold a password."""
        import httpx

        with client_faults(self._peer):
            import ollama  # which makes a client of its own

        try:
            yield
        except ollama.ResponseError as error:
            # An error inside the stream has no status.
            raise http_fault(self._peer, max(error.status_code, 0), error.error, wire.headers) from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise connection_fault(self._peer, error) from None
        except TooLarge:
            raise too_large(self._peer) from None
        except (ValueError, TypeError, AttributeError):  # the client reads whatever comes
            raise malformed(self._peer, "data that cannot be read") from None


def _context(info: Mapping[str, Any], parameters: str) -> int:
    """The context of the model's own file if it names one, else what the weights allow, up to a sensible one."""
    named = re.search(r"^num_ctx\s+(\d+)", parameters, re.MULTILINE)
    if named and int(named[1]) > 0:
        return int(named[1])
    allowed = [v for k, v in info.items() if k.endswith(".context_length") and isinstance(v, int) and v > 0]
    return min([*allowed, SENSIBLE_CONTEXT])


def address(host: str) -> tuple[str, tuple[str, str] | None]:
    """The server's address from what OLLAMA_HOST may hold: `host`, `:port`, `http://host:port/path`, or nothing."""
    host = host.strip()
    bare = "://" not in host
    try:
        url, auth = without_credentials(f"http://{host}" if bare else host)
        parts = urlsplit(url)
        # A server listens at 0.0.0.0 on all addresses; a client cannot call there on every system.
        name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(parts.hostname or "", parts.hostname)
        port = parts.port or (DEFAULT_PORT if bare else {"http": 80, "https": 443}[parts.scheme])
    except (ValueError, KeyError):
        raise BadSetting("OLLAMA_HOST is no address.", "Write it like http://localhost:11434.") from None
    return f"{parts.scheme}://{f'[{name}]' if ':' in str(name) else name}:{port}{parts.path}", auth


def _peer(name: str, model: str, url: str, secrets: tuple[str, ...]) -> Peer:
    return Peer(
        name,
        model,
        url,
        to_start="Start it with `ollama serve`, or set OLLAMA_HOST to where it runs.",
        to_log_in="Set OLLAMA_API_KEY, or write user and password into OLLAMA_HOST.",
        to_get_model=f"Get it with `ollama pull {model}`.",
        secrets=secrets,
    )
