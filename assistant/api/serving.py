"""One server, from its socket to its last stream."""

from __future__ import annotations

import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from assistant.api import access_log
from assistant.api.protocol import Patient
from assistant.api.server import create
from retrieval.errors import BadSetting

if TYPE_CHECKING:
    from assistant.api.options import Options
    from assistant.app import App

GRACE = 20
"""Seconds that answers under way are given to end when the server is told to stop."""


def serve(app: App, options: Options, log: access_log.Format, ready: Callable[[str], None]) -> None:
    """Serve a workspace until SIGINT or SIGTERM; `ready` is told the URL once requests are answered.

    Raises BadSetting when the address cannot be listened on.
    """
    with bound(options) as listener:
        api = create(app, options)
        config = uvicorn.Config(
            api,
            http=Patient,
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE,
        )
        handler = access_log.begin(log, options)
        try:
            with _signals_are_the_end():
                _Server(config, lambda: ready(url(listener)), api.state.server.stopping).run([listener])
        finally:
            access_log.end(handler)


class _Server(uvicorn.Server):
    """Says when it is ready, and that it stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: threading.Event) -> None:
        super().__init__(config)
        self._ready, self._stopping = ready, stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more; let answers under way end. A second Ctrl-C does not wait for them."""
        self._stopping.set()
        access_log.say("stopping", grace_seconds=GRACE, connections=len(self.server_state.connections))
        await super().shutdown(sockets)


@contextmanager
def _signals_are_the_end() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more; to be told to stop is no failure."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def bound(options: Options) -> Iterator[socket.socket]:
    """A socket at the address and port. Raises BadSetting."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BadSetting(f"There is no address {options.host}: {error.strerror}.", "See --host.") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            raise _unbound(options, error) from error
        yield listener


def url(listener: socket.socket) -> str:
    """Where a socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _unbound(options: Options, error: OSError) -> BadSetting:
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return BadSetting(f"{where} is in use by another program.", "Stop it, or serve elsewhere: --port 5003.")
    if error.errno == errno.EACCES:
        return BadSetting(f"{where} needs rights that this user has not.", "Serve at a port above 1023: --port 5002.")
    return BadSetting(f"{where} cannot be listened on: {error.strerror}.", "See --host and --port.")
