"""A model server on this machine that says what a test scripts: OpenAI's protocol and Ollama's, and every way to fail.

    with FakeProvider() as server:
        server.script("/v1/chat/completions", status(500), sse("Hello", " there"))

The first request is answered with the first reply, and so on; the last one is repeated. A request that a real server
would refuse (a wrong key, a body that is no JSON, a field it does not know) is refused whatever the script says.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KEY = "sk-fake-RECOGNISABLE-0123456789abcdef"
CHAT = "/v1/chat/completions"
OLLAMA_CHAT = "/api/chat"
_FIELDS = {"model", "messages", "stream", "temperature", "max_tokens", "max_completion_tokens", "seed"}
_OLLAMA_FIELDS = {"model", "messages", "stream", "options", "tools", "keep_alive", "think"}
_OLLAMA_OPTIONS = {"num_ctx", "num_predict", "temperature", "seed"}


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Talk(BaseHTTPRequestHandler):
    """One request; replies write to it."""

    protocol_version = "HTTP/1.1"
    server: _Server  # type: ignore[assignment]

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self._answer(json.loads(raw))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing on standard error: a test looks there for keys."""

    def head(self, code: int, kind: str, headers: Mapping[str, str] | None = None) -> None:
        """Status and headers of a chunked body."""
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Transfer-Encoding": "chunked", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def json(self, code: int, data: object, headers: Mapping[str, str] | None = None) -> None:
        self.head(code, "application/json", headers)
        self.chunk(data.encode() if isinstance(data, str) else json.dumps(data).encode())
        self.end()

    def reset(self) -> None:
        """RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def wait(self, seconds: float = 30.0) -> bool:
        """Whether the test is over before that."""
        return self.server.over.wait(seconds)

    def _answer(self, body: Any) -> None:
        asked = Asked(self.command, self.path, {k.title(): v for k, v in self.headers.items()}, body)
        self.server.asked.append(asked)
        refusal = _refusal(asked, self.server.authorization)
        if refusal is not None:
            self.json(*refusal)
        else:
            self.server.reply(self.path)(self)


Reply = Callable[[Talk], None]


def status(code: int, data: object = None, **headers: str) -> Reply:
    """An error in OpenAI's form, or `data` as it is; `retry_after="3"` is a header."""
    given = {"error": {"message": "it says so", "type": "x", "code": None}} if data is None else data
    return lambda talk: talk.json(code, given, {k.replace("_", "-").title(): v for k, v in headers.items()})


def page(code: int = 200) -> Reply:
    """A page of a web server that is no model server."""

    def reply(talk: Talk) -> None:
        talk.head(code, "text/html")
        talk.chunk(b"<!doctype html><title>Welcome</title><p>It works!\n\n")
        talk.end()

    return reply


def delta(text: str | None = None, finish: str | None = None, **more: object) -> bytes:
    """One event of OpenAI's stream."""
    choice = {"index": 0, "delta": {**({} if text is None else {"content": text}), **more}, "finish_reason": finish}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def sse(*texts: str, finish: str | None = "stop") -> Reply:
    """A whole answer in OpenAI's form."""
    events = [delta("", role="assistant"), *map(delta, texts)]
    ending = [] if finish is None else [delta(None, finish), b"data: [DONE]\n\n"]
    return stream([*events, *ending])


def part(text: str = "", done: bool = False, **more: object) -> bytes:
    """One line of Ollama's stream."""
    data = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}}
    return json.dumps({**data, "done": done, **more}).encode() + b"\n"


def ndjson(*texts: str, done_reason: str | None = "stop") -> Reply:
    """A whole answer in Ollama's form."""
    ending = [] if done_reason is None else [part(done=True, done_reason=done_reason, prompt_eval_count=9)]
    return stream([*map(part, texts), *ending], "application/x-ndjson")


def stream(pieces: Iterable[bytes], kind: str = "text/event-stream", then: Reply | None = None) -> Reply:
    """These bytes, piece by piece; `then` takes the place of the end."""

    def reply(talk: Talk) -> None:
        talk.head(200, kind)
        for piece in pieces:
            talk.chunk(piece)
        (then or Talk.end)(talk)

    return reply


def hang(talk: Talk) -> None:
    """Nothing more, and no end."""
    talk.wait()
    talk.close_connection = True


def drip(data: bytes) -> Reply:
    """A body that never ends and never says anything, one byte at a time."""

    def reply(talk: Talk) -> None:
        talk.head(200, "text/event-stream")
        while not talk.wait(0.005):
            for byte in data:
                talk.chunk(bytes([byte]))
        talk.close_connection = True

    return reply


@dataclass
class FakeProvider:
    """The server, while its context lasts. A request with another `Authorization` is refused."""

    authorization: str = f"Bearer {KEY}"
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake provider")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def script(self, path: str, *replies: Reply) -> None:
        """What a path answers, request after request; the last reply stays."""
        self._server.scripts[path] = list(replies)

    def at(self, path: str) -> list[Asked]:
        """The requests that came for a path."""
        return [a for a in self.asked if a.path == path]

    def bodies(self, path: str) -> list[Any]:
        return [a.body for a in self.at(path)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: FakeProvider) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.authorization, self.asked = provider.authorization, provider.asked
        self.scripts: dict[str, list[Reply]] = {}
        self.over = threading.Event()

    def reply(self, path: str) -> Reply:
        replies = self.scripts.get(path, [status(404, {"error": "404 page not found"})])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def handle_error(self, *_: object) -> None:
        """A client that broke off is no error here."""


def refused_port() -> int:
    """A port of this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refusal(asked: Asked, authorization: str) -> tuple[int, object] | None:
    """(status, body) for a request that no server would take."""
    sent = asked.headers.get("Authorization", "")
    if sent != authorization:
        return 401, {"error": {"message": f"Incorrect API key provided: {sent}", "code": "invalid_api_key"}}
    if asked.method == "POST" and asked.headers.get("Content-Type") != "application/json":
        return 415, {"error": {"message": "no JSON"}}
    if asked.path == CHAT and (wrong := _wrong(asked.body, _FIELDS)):
        return 400, {"error": {"message": wrong}}
    if asked.path == OLLAMA_CHAT and (wrong := _wrong(asked.body, _OLLAMA_FIELDS) or _wrong_options(asked.body)):
        return 400, {"error": wrong}
    return None


def _wrong(body: dict[str, Any], fields: set[str]) -> str:
    messages = body.get("messages")
    whole = isinstance(messages, list) and all(
        set(m) == {"role", "content"} and m["role"] in ("system", "user", "assistant") for m in messages
    )
    if not whole or not isinstance(body.get("model"), str) or body.get("stream") is not True:
        return "the body is not what this test expects"
    return f"Invalid field: {sorted(set(body) - fields)}" if set(body) - fields else ""


def _wrong_options(body: dict[str, Any]) -> str:
    options = body.get("options", {})
    if set(options) - _OLLAMA_OPTIONS or not isinstance(options.get("num_ctx"), int):
        return f"options are {options}"
    return ""
