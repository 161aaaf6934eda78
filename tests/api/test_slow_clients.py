"""Connections that send their request slowly, or without end, against a live server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request

from assistant.api import guard as guarding
from assistant.api import protocol
from assistant.api.guard import Guard
from assistant.api.options import Options


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server that waits half a second for a head or a body."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(guarding, "BODY_SECONDS", 0.5)
    api = FastAPI()

    @api.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    config = uvicorn.Config(Guard(api, Options(max_body=1000)), http=protocol.Patient, log_config=None, lifespan="off")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def rest(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    said = b""
    try:
        while data := client.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    return said


def sends_for(client: socket.socket, data: bytes, seconds: float) -> None:
    """Send the same again and again. Raises OSError when the server has ended the connection."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        client.sendall(data)
        time.sleep(0.02)


HEAD = b"POST /body HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("start", [b"", b"P", HEAD, HEAD + b"X: y"])
def test_a_head_that_does_not_end_ends_the_connection(start: bytes, port: int) -> None:
    with connected(port) as client:
        client.sendall(start)
        assert b" 200 " not in rest(client)


def test_a_head_that_drips_ends_the_connection(port: int) -> None:
    with connected(port) as client:
        client.sendall(HEAD)
        with pytest.raises(OSError):
            sends_for(client, b"X-Drip: 1\r\n", 15)


def test_a_second_head_on_the_connection_that_drips_ends_it_too(port: int) -> None:
    with connected(port) as client:
        client.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        while b"\r\n\r\n2" not in (said := client.recv(65536)):
            assert said
        client.sendall(b"POST /b")
        assert rest(client) == b""


def test_a_head_without_end_is_not_kept(port: int) -> None:
    with connected(port) as client:
        client.sendall(HEAD)
        with pytest.raises(OSError):
            client.sendall(b"X: " + b"y" * 50_000_000)


def test_a_body_that_does_not_come_is_answered_and_ended(port: int) -> None:
    with connected(port) as client:
        client.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
        assert b"HTTP/1.1 408" in rest(client)


def test_a_body_in_pieces_is_counted(port: int) -> None:
    with connected(port) as client:
        client.sendall(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"64\r\n" + b"x" * 100 + b"\r\n") * 11 + b"0\r\n\r\n"
        )
        assert b"HTTP/1.1 413" in rest(client)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Host: evil.example\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X : y\r\nContent-Length: 0\r\n\r\n",
        b"POST /body HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
        b"POST http://localhost/body HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
        b"POST /body HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        b"POST /body HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_requests_that_can_be_read_in_two_ways_reach_nothing(head: bytes, port: int) -> None:
    with connected(port) as client:
        client.sendall(head)
        client.shutdown(socket.SHUT_WR)
        assert b" 200 " not in rest(client)
