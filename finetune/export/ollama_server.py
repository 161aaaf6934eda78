"""An Ollama server through its REST API: blobs are sent once, and a model is there when the server says `success`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import BadInput, UserError

if TYPE_CHECKING:
    import httpx

BLOCK = 1 << 20
SECONDS = 10.0
"""Longest wait for a connection, and for what a server knows at once."""
CREATE_SECONDS = 600.0
"""Longest silence while it makes a model: it reads the whole file."""
LONGEST = 300
"""Characters of what a server says that are told."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
Say = Callable[[str], None]


class OllamaFailed(UserError):
    """An Ollama server refused a model, or broke off."""


class NoOllama(OllamaFailed):
    """No server answers."""


def check_name(name: str) -> str:
    """The name with its tag. Raises BadInput for one that Ollama refuses: it takes `[[host/]namespace/]model[:tag]`."""
    path, slash, last = name.rpartition("/")
    model, colon, tag = last.partition(":")
    host, _, namespace = path.rpartition("/")
    whole = _PART.fullmatch(model) and (not colon or _PART.fullmatch(tag))
    whole = whole and (not slash or _NAMESPACE.fullmatch(namespace)) and (not host or _HOST.fullmatch(host))
    if not whole or (path and path.startswith("/")):
        hint = (
            "It takes model, model:tag or namespace/model:tag; each of letters, digits, `_`, `-` and `.`, 80 at most."
        )
        raise BadInput(f"Ollama takes no model of the name `{name[:100]}`.", hint)
    return name if colon else f"{name}:latest"


@dataclass(frozen=True)
class Server:
    """Where an Ollama listens."""

    url: str
    """Without a password."""
    auth: tuple[str, str] | None = field(default=None, repr=False)
    key: str = field(default="", repr=False)
    """That a server of others asks for; empty for none."""

    def has(self, name: str) -> str:
        """Name of the model as the server spells it; empty when it has none of this name. Raises OllamaFailed."""
        with self._client(SECONDS) as client:
            listed = self._json(client.get("/api/tags")).get("models")
        known = (
            [str(each.get("name", "")) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        )
        return next((one for one in known if one.casefold() == name.casefold()), "")

    def modelfile(self, name: str) -> str:
        """What the server made a model of. Raises OllamaFailed."""
        with self._client(SECONDS) as client:
            return str(self._json(client.post("/api/show", json={"model": name})).get("modelfile") or "")

    def send(self, file: Path, digest: str, say: Say) -> bool:
        """Upload a file, unless the server has it; returns whether it had to. Raises OllamaFailed."""
        with self._client(CREATE_SECONDS) as client:
            there = client.head(f"/api/blobs/sha256:{digest}")
            if there.status_code == 200:
                return False
            if there.status_code != 404:
                raise self._refused(there)
            size = file.stat().st_size
            answer = client.post(
                f"/api/blobs/sha256:{digest}", content=_blocks(file, size, say), headers={"Content-Length": str(size)}
            )
            if answer.status_code not in (200, 201):
                raise self._refused(answer)
        return True

    def create(self, request: Mapping[str, Any], say: Say) -> None:
        """Make a model of what was sent. Raises OllamaFailed when the server does not say `success` at the end."""
        status = ""
        with self._client(CREATE_SECONDS) as client, client.stream("POST", "/api/create", json=dict(request)) as answer:
            if answer.status_code != 200:
                answer.read()
                raise self._refused(answer)
            for line in filter(str.strip, answer.iter_lines()):
                said = self._line(line)
                if said.get("error"):  # it may come after the 200
                    raise self._failed(str(said["error"]))
                status = str(said.get("status") or "")
                say(f"Ollama: {status[:LONGEST]}")
        if status != "success":
            raise self._failed(f"it ended with {status[:LONGEST]!r}" if status else "it ended without a word")

    @contextmanager
    def _client(self, seconds: float) -> Iterator[httpx.Client]:
        """What fails on the way as one message. Raises NoOllama, OllamaFailed."""
        import httpx

        waits = httpx.Timeout(seconds, connect=SECONDS)
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            with httpx.Client(base_url=self.url, auth=self.auth, headers=headers, timeout=waits) as client:
                yield client
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            hint = "Start it with `ollama serve`, or set OLLAMA_HOST to where it runs."
            raise NoOllama(f"No Ollama answers at {self.url}.", hint) from error
        except httpx.HTTPError as error:
            why = " ".join(str(error).split())[:LONGEST] or type(error).__name__
            hint = "Give the command again: what the server has is not sent again."
            raise OllamaFailed(f"The connection to {self.url} was lost: {why}.", hint) from error

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code != 200:
            raise self._refused(answer)
        return self._line(answer.text)

    def _line(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._failed("what it said is no JSON")
        return found

    def _refused(self, answer: httpx.Response) -> OllamaFailed:
        try:
            found = json.loads(answer.text or "null")
        except (ValueError, RecursionError):
            found = None
        said = str(found.get("error")) if isinstance(found, dict) and found.get("error") else "it says no more"
        return self._failed(f"{' '.join(said.split())} ({answer.status_code})")

    def _failed(self, why: str) -> OllamaFailed:
        hint = "Look at the server's log; the files are kept: give the command again, or use `ollama create`."
        return OllamaFailed(f"The Ollama at {self.url} did not make the model: {why[:LONGEST].rstrip('.')}.", hint)


def _blocks(file: Path, size: int, say: Say) -> Iterator[bytes]:
    sent = 0
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            yield block
            sent += len(block)
            say(f"sending {file.name}: {sent * 100 // size} %")
