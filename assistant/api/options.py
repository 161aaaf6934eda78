"""What a server was started with: where it listens, who may use it, how much it takes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Scope = Literal["public", "chat", "admin"]
"""Who a route is for; who is admitted to `admin` is admitted to `chat` too."""


@dataclass(frozen=True)
class Options:
    """Settled before the first connection, and never changed."""

    host: str = "127.0.0.1"
    port: int = 5002
    token: str = field(default="", repr=False)
    """Admits to everything; empty: no token is asked for, which only a loopback address may do."""
    chat_token: str = field(default="", repr=False)
    """Admits to the routes of the scope `chat` only."""
    hosts: tuple[str, ...] = ()
    """Names in `Host` that are answered beside the address itself and those of the loopback: a proxy's public name."""
    dataset_roots: tuple[Path, ...] = ()
    """Folders (absolute) that datasets may be read from; the workspace's `data/` is always one."""
    url_hosts: tuple[str, ...] = ()
    """Hosts that datasets may be fetched from, by https; empty: none."""
    max_body: int = 4_000_000
    """Bytes of a request's body."""
    max_upload: int = 200_000_000
    """Bytes of a dataset that is fetched."""
    max_answers: int = 64
    """Answers that may be in the making at once; those beyond wait in `max_waiting`."""
    max_waiting: int = 256
    """Questions that may wait for their turn; those beyond get 429 with Retry-After."""
    store: str = field(default="", repr=False)
    """fsspec URL that trained models are copied to; empty: nowhere."""
    retrain_after: int = 0
    """Approved corrections that start a retraining; 0: never."""
