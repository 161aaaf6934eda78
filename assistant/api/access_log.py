"""The server's log on stderr: one line for each request and for what happens to the server itself.

    {"time": "2026-01-01T00:00:00.000Z", "level": "info", "event": "request", "id": "5f0c…", "method": "GET",
     "path": "/healthz", "route": "/healthz", "status": 200, "ms": 1.2, "bytes": 15, "client": "127.0.0.1"}

No header, no query string and no body is in it: no question is. Tokens, keys and passwords are struck from every text.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from assistant.api.observe import Exchange, What, current_request
from assistant.api.options import Options
from assistant.api.redact import redact

Format = Literal["json", "text"]
LOGGER = logging.getLogger("dyag.serve")
_QUIET = ("/healthz", "/readyz", "/metrics")
"""Asked every few seconds by machines; what they are usually told is not logged."""


class _Lines(logging.Formatter):
    """A record as one line."""

    def __init__(self, shape: Format, options: Options) -> None:
        super().__init__()
        self._shape, self._options = shape, options

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields: dict[str, Any] = {"time": when, "level": record.levelname.lower()}
        fields |= getattr(record, "fields", None) or {"event": "message", "text": record.getMessage()}
        if "id" not in fields and (request := current_request.get()):
            fields["id"] = request
        fields = {name: self._safe(value) for name, value in fields.items()}
        if record.exc_info:
            fields["traceback"] = "\n".join(map(self._safe, self.formatException(record.exc_info).split("\n")))
        return json.dumps(fields) if self._shape == "json" else _text(fields)

    def _safe(self, value: Any) -> Any:
        return redact(value, self._options) if isinstance(value, str) else value


def _text(fields: dict[str, Any]) -> str:
    """`… info request id=5f0c method=GET path=/healthz status=200`, as redacted as it came."""
    head = " ".join(str(fields.pop(name)) for name in ("time", "level", "event"))
    trace = fields.pop("traceback", "")
    line = " ".join([head, *(f"{name}={value}" for name, value in fields.items())])
    return f"{line}\n{trace}" if trace else line


def begin(shape: Format, options: Options) -> logging.StreamHandler[TextIO]:
    """Write the log, and the warnings of every library, to stderr until the handler is taken away by `end`."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(shape, options))
    logging.getLogger().addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    # It tells of each start and stop, which we do ourselves.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return handler


def end(handler: logging.Handler) -> None:
    """Stop writing."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def say(event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log something that happened to the server."""
    LOGGER.log(level, event, extra={"fields": {"event": event, **fields}})


def log_exchange(what: What, seen: Exchange) -> None:
    """Log a request that is over."""
    if what == "ended" and not (seen.path in _QUIET and seen.status in (200, 503)):
        say("request", _level(seen), **_told(seen))


def _level(seen: Exchange) -> int:
    if seen.status >= 500:
        return logging.ERROR
    return logging.WARNING if seen.status in (401, 403, 429) else logging.INFO


def _told(seen: Exchange) -> dict[str, Any]:
    told: dict[str, Any] = {"id": seen.id, "method": seen.method, "path": seen.path}
    told |= {"route": seen.route, "status": seen.status, "ms": _ms(seen.seconds), "bytes": seen.bytes}
    if seen.streamed and seen.first is not None:
        told["first_ms"] = _ms(seen.first)
    if not (seen.whole or seen.error):
        told["broken_off"] = True
    if seen.error:
        told["error"] = seen.error
    return {**told, "client": seen.client}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
