"""What goes wrong between us and a language model, in one tree. The message says what and where, the hint what to do.

GeneratorFailed
├── Unreachable        nothing answers there: refused, unknown host, TLS
├── Unauthorized       the key is missing or refused (401, 403)
├── UnknownModel       the server has no such model (404)
├── RateLimited        too many requests (429); `retry_after` seconds when the server says so
├── ServerFailed       the server has a problem of its own (5xx); it may be over soon
├── TimedOut           no answer, or no end of it, in the time there is
├── ConnectionLost     the connection broke while the answer came
├── Malformed          what came is not the protocol
├── ContextTooLong     the messages do not fit; `limit` tokens when the server says so
├── Truncated          the answer reached its longest length
├── Empty              the answer has no text
└── Rejected           the server refuses the request for another reason

Text of a server is quoted without keys. An error is raised `from None`: what caused it may hold a key, and its traceback
would be written.
"""

from __future__ import annotations

import difflib
import math
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from assistant.generators.models.server_text import LONGEST, Said, quoted, redact
from assistant.generators.models.wire import LARGEST
from retrieval.errors import BadSetting, GeneratorFailed

_REACHED = "the answer reached max_tokens"


class Unreachable(GeneratorFailed):
    """Nothing answers at the address: refused, unknown host, TLS."""


class Unauthorized(GeneratorFailed):
    """The key is missing or refused."""


class UnknownModel(GeneratorFailed):
    """The server has no such model."""


class RateLimited(GeneratorFailed):
    """Too many requests; `retry_after` is the number of seconds the server asks to wait, None when it does not say."""

    retry = True

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class ServerFailed(GeneratorFailed):
    """The server has a problem of its own; `retry_after` as in RateLimited."""

    retry = True

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class TimedOut(GeneratorFailed):
    """No answer, or no end of it, in the time there is."""


class ConnectionLost(GeneratorFailed):
    """The connection broke while the answer came, or just before."""

    retry = True


class Malformed(GeneratorFailed):
    """What came is not the protocol."""


class ContextTooLong(GeneratorFailed):
    """The messages do not fit; `limit` is the context in tokens, None when the server does not say."""

    def __init__(self, message: str, hint: str = "", limit: int | None = None) -> None:
        super().__init__(message, hint)
        self.limit = limit


class Truncated(GeneratorFailed):
    """The answer reached its longest length; raised after the text that came."""


class Empty(GeneratorFailed):
    """The answer has no text."""


class Rejected(GeneratorFailed):
    """The server refuses the request for another reason."""


@dataclass(frozen=True)
class Peer:
    """Whom we talk to, and what a person can do about each fault."""

    name: str
    """As it is configured: `openai:gpt-4o-mini`."""
    model: str
    """As the server calls it."""
    url: str
    """Without credentials; empty when unknown."""
    to_start: str
    """Hint when nothing answers."""
    to_log_in: str
    """Hint when the key is missing or refused."""
    to_get_model: str
    """Hint when the model is missing."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no text may show."""

    @property
    def place(self) -> str:
        return self.url or "its service"


def http_fault(peer: Peer, status: int, body: object, headers: Mapping[str, str]) -> GeneratorFailed:
    """The error that a status and body mean. `body` is text or parsed JSON; an error inside a stream has status 0."""
    said = quoted(body, peer.secrets)
    status = status or (said.code if 400 <= said.code < 600 else 500)
    told = f" ({status}){f': {said.text}' if said.text else ''}."
    if 300 <= status < 400:
        return _redirected(peer, status, headers)
    if said.too_long or status == 413:
        return ContextTooLong(
            f"{peer.name}: the question and its passages are too long for the model{told}",
            "Set model.context to the server's context, or lower search.top_k.",
            said.limit,
        )
    if said.no_model or (status == 404 and said.names(peer.model)):
        return UnknownModel(f"{peer.name}: {peer.place} has no model `{peer.model}` ({status}).", peer.to_get_model)
    if status in (401, 403):
        # A 401 often quotes the key, and says nothing else.
        told = told if status == 403 else f" ({status})."
        return Unauthorized(f"{peer.name}: {peer.place} does not let us in{told}", peer.to_log_in)
    if said.no_credit:
        return Rejected(f"{peer.name}: the account has no credit left{told}", "See the billing page of the service.")
    if status == 429:
        return _rate_limited(peer, retry_after(headers))
    if status == 408 or status >= 500:
        message = f"{peer.name}: {peer.place} failed{told}"
        return ServerFailed(message, "Try again later; the server's log says why.", retry_after(headers))
    return _rejected(peer, status, said, told)


def connection_fault(peer: Peer, error: BaseException) -> GeneratorFailed:
    """The error that an exception of an HTTP client means; its causes tell more than its type."""
    causes = list(_causes(error))
    kinds = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if "TooLarge" in kinds:
        return too_large(peer)
    if "ConnectTimeout" in kinds:
        return unanswered(peer)
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            why = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "handshake failed"
            return Unreachable(
                f"{peer.name}: {peer.place} cannot be trusted, or does not speak TLS: {why}.",
                "Check http or https in the address; SSL_CERT_FILE names further certificate authorities.",
            )
        if isinstance(cause, socket.gaierror):
            return _unreachable(peer, "unknown host")
        if isinstance(cause, ConnectionRefusedError):
            return _unreachable(peer, "connection refused")
    if kinds & {"ConnectError", "ProxyError"}:
        told = (c.strerror for c in causes if isinstance(c, OSError) and c.strerror)
        return _unreachable(peer, next(told, "no connection").lower())
    if kinds & {"TimeoutError", "TimeoutException", "APITimeoutError", "Timeout"}:
        return timed_out(peer.name)
    return ConnectionLost(f"{peer.name}: the connection to {peer.place} was lost.", "Ask again with /retry.")


def unanswered(peer: Peer) -> Unreachable:
    return _unreachable(peer, "no answer")


def timed_out(name: str, seconds: float | None = None) -> TimedOut:
    took = "too long" if seconds is None else f"longer than {seconds:g} s"
    return TimedOut(f"{name} took {took} to answer.", "Raise model.timeout, or choose another model with /model.")


def malformed(peer: Peer, what: str) -> Malformed:
    return Malformed(
        f"{peer.name}: {peer.place} sent {what}, not the stream of an answer.",
        "Check that the address is that of the API; one that speaks OpenAI's protocol often ends with /v1.",
    )


def too_large(peer: Peer) -> Malformed:
    return malformed(peer, f"more than {LARGEST // 1_000_000} MB")


@contextmanager
def client_faults(peer: Peer) -> Iterator[None]:
    """What is wrong when a client cannot even be made, as BadSetting: it reads proxies and certificates."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  (the libraries raise whatever their parsers raise)
        why = redact(" ".join(str(error).split()), peer.secrets)[:200].removesuffix(".")
        hint = "Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE in the environment."
        raise BadSetting(f"{peer.name}: the connection cannot be set up: {why}.", hint) from None


def ended_early(peer: Peer) -> ConnectionLost:
    return ConnectionLost(f"{peer.name}: the answer from {peer.place} ended too early.", "Ask again with /retry.")


def truncated(name: str, max_tokens: int) -> Truncated:
    return Truncated(f"{name}: {_REACHED} ({max_tokens}).", "Raise model.max_tokens.")


def is_truncated(reason: str) -> bool:
    """Whether an answer that was broken off for this reason reached its longest length."""
    return _REACHED in reason


def like_models(fault: UnknownModel, model: str, known: Sequence[str]) -> UnknownModel:
    """The same fault, its hint with the nearest models that the server has."""
    near = difflib.get_close_matches(model, known, n=3, cutoff=0.4) or sorted(known)[:5]
    names = ", ".join(f"`{name}`" for name in near)
    return UnknownModel(fault.message, f"{fault.hint} It has {names}." if names else fault.hint)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds the server asks to wait, 0 and up; None when it does not say (Retry-After: seconds or an HTTP date)."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _rate_limited(peer: Peer, wait: float | None) -> RateLimited:
    asks = "" if wait is None else f"; it asks to wait {math.ceil(wait)} s"
    return RateLimited(
        f"{peer.name}: {peer.place} has had too many requests{asks}.",
        "Wait, raise model.timeout so that the wait fits in, or choose another model with /model.",
        wait,
    )


def _redirected(peer: Peer, status: int, headers: Mapping[str, str]) -> Rejected:
    """Redirects are not followed: the documents go where the settings say, and nowhere else."""
    to = next((v for k, v in headers.items() if k.lower() == "location"), "")
    place = f" to {redact(to[:LONGEST], peer.secrets)}" if to else ""
    hint = "Correct the address, if that is where the documents may go."
    return Rejected(f"{peer.name}: {peer.place} redirects{place} ({status}), which is not followed.", hint)


def _rejected(peer: Peer, status: int, said: Said, told: str) -> Rejected:
    if status == 404:
        hint = "Correct the address of the server; one that speaks OpenAI's protocol often ends with /v1."
        return Rejected(f"{peer.name}: there is no chat at {peer.place}{told}", hint)
    named = re.search(r"temperature|max_tokens|seed", said.text)
    hint = f"Change model.{named[0]}." if named else "Check the settings under [model], or choose another model."
    return Rejected(f"{peer.name}: {peer.place} refuses the request{told}", hint)


def _unreachable(peer: Peer, why: str) -> Unreachable:
    at = f" at {peer.url}" if peer.url else ""
    return Unreachable(f"{peer.name} cannot be reached{at}: {why}.", peer.to_start)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
