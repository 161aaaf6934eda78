"""What a server says about an error: one short line of it, without keys, and what its words mean."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

MASK = "***"
LONGEST = 300
"""Characters of a server's text that a message shows."""
LOOKED_AT = 10_000
"""Characters of it that are searched for keys: a body can be of any length."""

# Keys are recognised by their form too: a server may quote another key than the one that was sent, or a part of it.
_KEYS = re.compile(
    r"(?i:\b(?:bearer|basic)\s+)(?=\S*[\d=])[\w.~+/=*-]{8,}"
    r"|\b(?:sk|pk|rk|gsk|xai|nvapi|hf|AIza|lsv2|r8|pplx)[-_]?[\w-]*[\w*.…-]{12,}"
    r"|(?<=://)[^/\s:]*:[^/?#\s]*@"
    r"""|(?i:(?<=api_key=)|(?<=apikey=)|(?<=[?&]key=))[^&\s"']+"""
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)[_ ]exceeded|maximum context length|longer than the maximum model length"
    r"|exceeds? (?:the |its )?(?:available |maximum |max )?context|exceed_context_size|exceeded max context"
    r"|prompt (?:is )?too long|context the overflows|context length of only|too large for model with"
    r"|reduce the length of (?:the|your) (?:messages|prompt|input)"
)
_LIMIT = re.compile(
    r"maximum (?:context|model) length (?:is|of) ([\d,]+)|context (?:size|length|window)(?: of)?(?: only)? \(?([\d,]+)"
    r"|> ([\d,]+) maximum|\bn_ctx\W{1,4}([\d,]+)|([\d,]+) maximum context length"
)
_NO_MODEL = re.compile(
    r"model_not_found|\bmodel\b.{0,120}\b(?:not found|does not exist|not exist|is not available)|no such model"
    r"|invalid model(?: name| id)?\b|unknown model"
)
_NO_CREDIT = re.compile(r"insufficient_quota|insufficient (?:credit|balance|funds)|exceeded your current quota")


@dataclass(frozen=True)
class Said:
    """A server's error."""

    text: str
    """One line that may be shown, without its full stop."""
    code: int
    """A status inside the body; 0 for none."""
    words: str
    """All of it in lower case, to look for words; not to be shown."""

    @property
    def too_long(self) -> bool:
        return bool(_TOO_LONG.search(self.words))

    @property
    def limit(self) -> int | None:
        found = _LIMIT.search(self.words)
        digits = next((g for g in found.groups() if g), "").replace(",", "") if found else ""
        return int(digits) if 0 < len(digits) < 12 else None

    @property
    def no_model(self) -> bool:
        return bool(_NO_MODEL.search(self.words))

    @property
    def no_credit(self) -> bool:
        return bool(_NO_CREDIT.search(self.words))

    def names(self, model: str) -> bool:
        return bool(model) and model.lower() in self.words


def quoted(body: object, secrets: Sequence[str]) -> Said:
    """The error in a body: text or parsed JSON, of any shape."""
    raw = body if isinstance(body, str) else json.dumps(body, default=str, ensure_ascii=False)
    data = _parsed(body) if isinstance(body, str) else body
    text = "an HTML page" if raw.lstrip()[:1] == "<" else _message(data) or raw
    # What is cut off first could be half a secret, so the secrets go before it.
    line = redact(" ".join(_without(text, secrets).split())[:LOOKED_AT], ())
    if len(line) > LONGEST:
        line = line[:LONGEST].rstrip() + "…"
    return Said(line.removesuffix("."), _code(data), raw.lower())


def redact(text: str, secrets: Sequence[str]) -> str:
    """The text without these secrets, and without what looks like a key."""
    return _KEYS.sub(MASK, _without(text, secrets))


def _without(text: str, secrets: Sequence[str]) -> str:
    forms = {
        form
        for secret in filter(None, secrets)
        for form in (
            secret,
            quote(secret, safe=""),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        )
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def without_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """An address without user, password and query, and (user, password) when it has them. Raises ValueError."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    place = host if parts.port is None else f"{host}:{parts.port}"
    plain = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
    if parts.username is None and parts.password is None:
        return plain, None
    return plain, (unquote(parts.username or ""), unquote(parts.password or ""))


def secrets_of(key: str, auth: tuple[str, str] | None) -> tuple[str, ...]:
    """Everything that gives a key or a password away."""
    if auth is None:
        return (key,)
    return key, auth[1], base64.b64encode(":".join(auth).encode()).decode()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message(data: Any) -> str:
    """The sentence in a body: OpenAI's and vLLM's forms, FastAPI's `detail`, Ollama's `error`."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return "; ".join(filter(None, map(_message, data[:3])))
    if isinstance(data, dict):
        return next((said for k in ("error", "message", "detail", "msg") if (said := _message(data.get(k)))), "")
    return ""


def _code(data: Any) -> int:
    if isinstance(data, dict):
        for holder in (data.get("error"), data):
            code = holder.get("code") if isinstance(holder, dict) else None
            if isinstance(code, int):
                return code
    return 0
