"""Names of models: of the bases, and those that the configured servers offer.

Servers are asked in the background: typing never waits for one.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

if TYPE_CHECKING:
    from assistant.settings import ModelSettings

PATIENCE = 2.0
"""Seconds a server has to answer."""
FRESH = 60.0
"""Seconds after which a server is asked again."""
LARGEST = 4_000_000
"""Bytes that are read of its answer."""


def offered(model: ModelSettings, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """`openai:…` and `ollama:…` names known so far. The first call begins to ask, a later one has the answers."""
    key = model.api_key or environ.get("OPENAI_API_KEY", "")
    base = model.base_url or environ.get("OPENAI_BASE_URL", "") or ("https://api.openai.com/v1" if key else "")
    found = _listing(f"{_ollama(environ)}/api/tags", "").names("ollama", "models", "name")
    if base:
        found += _listing(f"{base.rstrip('/')}/models", key).names("openai", "data", "id")
    return found


def bases() -> Mapping[str, str]:
    """`hf:mini`, `hf:qwen2.5:1.5b`…: the bases that have a short name, and what is said of them."""
    from finetune.bases.registry import BASES

    said = {True: "recommended, ", False: ""}
    return {f"hf:{b.shortcut}": said[b.recommended] + (b.hub or "shipped with dyag") for b in BASES.values()}


def _ollama(environ: Mapping[str, str]) -> str:
    """The server's address from OLLAMA_HOST, which may leave out scheme and port, or name every interface."""
    host = environ.get("OLLAMA_HOST") or "127.0.0.1"
    host = host if "://" in host else f"http://{host}"
    host = host.replace("//0.0.0.0", "//127.0.0.1").rstrip("/")
    return host if host.rpartition(":")[2].isdigit() or host.startswith("https") else f"{host}:11434"


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class _Listing:
    """What one server answers, read by a thread."""

    url: str
    key: str = field(repr=False)
    answer: Any = None
    _asked: float = field(default=float("-inf"))

    def names(self, provider: str, field_name: str, id_name: str) -> tuple[str, ...]:
        if time.monotonic() - self._asked > FRESH:
            self._asked = time.monotonic()
            threading.Thread(target=self._ask, name="model-names", daemon=True).start()
        rows = self.answer.get(field_name) if isinstance(self.answer, dict) else None
        ids = [row.get(id_name) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return tuple(sorted(f"{provider}:{name}" for name in ids if isinstance(name, str)))

    def _ask(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            if urlsplit(self.url).scheme in ("http", "https"):
                request = Request(self.url, headers=headers)
                with build_opener(_NoRedirect).open(request, timeout=PATIENCE) as response:
                    self.answer = json.loads(response.read(LARGEST))
        except (OSError, ValueError, HTTPException):
            pass  # no server, or not one that lists its models: then the name is typed


_LISTINGS: dict[tuple[str, str], _Listing] = {}


def _listing(url: str, key: str) -> _Listing:
    return _LISTINGS.setdefault((url, key), _Listing(url, key))
