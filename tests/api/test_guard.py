"""Whom the guard lets through to the router, and what it says to the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi import LOCAL, Answered, ask
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from assistant.api import guard as guarding
from assistant.api.guard import Guard
from assistant.api.options import Options

TOKEN, CHAT = "an-administrators-token", "a-token-for-the-chat"
OPEN = Options()
CLOSED = Options(host="0.0.0.0", token=TOKEN, chat_token=CHAT, hosts=("wiki.example.org",))


def served(options: Options = OPEN) -> Guard:
    api = FastAPI()

    @api.post("/api/finetune/start")
    async def start(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @api.get("/healthz")
    def health() -> str:
        return "ok"

    return Guard(api, options)


def start(options: Options = OPEN, *headers: tuple[bytes, bytes], body: tuple[bytes, ...] = (b"{}",)) -> Answered:
    return ask(served(options), "POST", "/api/finetune/start", headers or (LOCAL,), body)


@pytest.mark.parametrize(
    "host",
    [b"localhost", b"LOCALHOST:5002", b"localhost.:5002", b"127.0.0.1:80", b"127.8.9.1", b"[::1]", b"[::1]:5002"],
)
def test_a_host_that_is_this_machine_is_answered(host: bytes) -> None:
    assert start(OPEN, (b"host", host)).status == 200


STRANGE = [
    b"", b" ", b"evil.example", b"localhost.evil.example", b"127.0.0.1.nip.io", b"evil.example:5002", b"localhost@evil.example",
    b"evil.example@localhost", b"localhost:5002@evil.example", b"localhost:abc", b"localhost:", b"localhost:123456", b"localhost/",
    b"localhost/evil", b"localhost#", b"localhost?", b"localhost,evil.example", b"localhost evil.example", b"localhost\\evil.example",
    b"0.0.0.0", b"0", b"[::]", b"2130706433", b"0x7f000001", b"0177.0.0.1", b"127.1", b"[::ffff:169.254.169.254]",
    b"169.254.169.254", b"192.168.1.7", b"[fe80::1%25lo]", b"[::1", b"::1", b"localhost\xc2\xa0", b"\xe2\x93\x9bocalhost", b"localhost\x00",
    b"localhost..", b".localhost", b"null", b"*", b"testserver",
]  # fmt: skip


@pytest.mark.parametrize("host", STRANGE)
def test_any_other_host_is_refused_as_a_rebound_name_would_be(host: bytes) -> None:
    answered = start(OPEN, (b"host", host))

    assert answered.status == 421
    assert "--allow-host" in answered.json["hint"]


def test_no_host_or_two_are_refused() -> None:
    assert start(OPEN, (b"accept", b"*/*")).status == 421
    assert start(OPEN, LOCAL, (b"host", b"evil.example")).status == 421
    assert start(OPEN, LOCAL, LOCAL).status == 421


def test_a_name_that_was_allowed_is_answered_and_an_address_where_all_are_listened_on() -> None:
    right = (b"authorization", f"Bearer {TOKEN}".encode())
    for host in (b"wiki.example.org", b"WIKI.example.org:443", b"192.168.1.7:5002", b"[fd00::1]:5002", b"localhost"):
        assert start(CLOSED, (b"host", host), right).status == 200
    for host in (b"example.org", b"wiki.example.org.evil.example", b"xwiki.example.org"):
        assert start(CLOSED, (b"host", host), right).status == 421


FORM = (b"content-type", b"application/x-www-form-urlencoded")


def test_curl_with_d_is_answered_though_it_says_that_it_sends_a_form() -> None:
    assert start(OPEN, LOCAL, FORM, (b"user-agent", b"curl/8"), body=(b'{"model": "phi"}',)).json == {"bytes": 16}


@pytest.mark.parametrize(
    "browser",
    [
        [(b"origin", b"https://evil.example")],
        [(b"origin", b"null")],
        [(b"origin", b"")],
        [(b"origin", b"http://localhost:3000")],
        [(b"origin", b"http://localhost")],
        [(b"origin", b"http://127.0.0.1:5002")],
        [(b"origin", b"http://localhost:5002.evil.example")],
        [(b"origin", b"http://localhost:5002@evil.example")],
        [(b"origin", b"http://evil.example@localhost:5002")],
        [(b"origin", b"http://localhost:5002/")],
        [(b"origin", b"http://localhost:5002#")],
        [(b"origin", b"ftp://localhost:5002")],
        [(b"origin", b"file://")],
        [(b"origin", b"chrome-extension://abcdefghijklmnop")],
        [(b"origin", b"http://[::1")],
        [(b"origin", b"http://localhost:5002, https://evil.example")],
        [(b"origin", b"http://localhost:5002"), (b"origin", b"https://evil.example")],
        [(b"sec-fetch-site", b"cross-site")],
        [(b"sec-fetch-site", b"same-site")],
        [(b"sec-fetch-site", b"")],
        [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")],
        [(b"origin", b"http://localhost:5002"), (b"sec-fetch-site", b"cross-site")],
        [(b"Origin", b"https://evil.example")],
    ],
)
@pytest.mark.parametrize("kind", [FORM, (b"content-type", b"text/plain"), (b"content-type", b"application/json")])
def test_what_another_sites_page_sends_is_refused(
    browser: list[tuple[bytes, bytes]], kind: tuple[bytes, bytes]
) -> None:
    assert start(OPEN, LOCAL, kind, *browser).status == 403


@pytest.mark.parametrize(
    "browser",
    [
        [(b"origin", b"http://localhost:5002"), (b"sec-fetch-site", b"same-origin")],
        [(b"origin", b"http://LOCALHOST:5002")],
        [(b"sec-fetch-site", b"none")],
        [(b"sec-fetch-mode", b"cors")],  # what node's fetch sends
    ],
)
def test_a_page_of_this_server_and_a_program_are_answered(browser: list[tuple[bytes, bytes]]) -> None:
    assert start(OPEN, LOCAL, *browser).status == 200


def test_a_page_behind_a_proxy_is_of_this_server() -> None:
    right = (b"authorization", f"Bearer {TOKEN}".encode())
    page = (b"origin", b"https://wiki.example.org")

    assert start(CLOSED, (b"host", b"wiki.example.org"), right, page).status == 200
    assert start(CLOSED, LOCAL, right, page).status == 200  # a proxy that names its upstream in Host
    assert start(CLOSED, (b"host", b"wiki.example.org"), right, (b"origin", b"https://evil.example")).status == 403


def test_a_preflight_gets_no_permission() -> None:
    asked = [LOCAL, (b"origin", b"https://evil.example"), (b"access-control-request-method", b"POST")]
    answered = ask(served(), "OPTIONS", "/api/finetune/start", asked)

    assert answered.status == 403
    assert not [name for name, _ in answered.headers if name.startswith(b"access-control")]


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/", "//", "/v1/x", "/..", "/api/finetune/start/"])
def test_a_foreign_page_is_refused_on_every_path(path: str) -> None:
    assert ask(served(), "GET", path, [LOCAL, (b"origin", b"https://evil.example")]).status == 403


NO = [b"", b"Bearer", b"Bearer ", b"Basic " + TOKEN.encode(), TOKEN.encode(), f"Bearer {TOKEN}x".encode(),
      f"Bearer {TOKEN[:-1]}".encode(), f"Bearer {TOKEN.upper()}".encode(), b"Bearer \xff\xfe", b"Bearer " + b"a" * 20_000,
      f"Bearer x {TOKEN}".encode(), f"Bearer,{TOKEN}".encode()]  # fmt: skip


@pytest.mark.parametrize("given", NO)
def test_a_wrong_token_is_refused(given: bytes) -> None:
    answered = start(CLOSED, LOCAL, (b"authorization", given))

    assert answered.status == 401
    assert answered.header("www-authenticate").startswith("Bearer")
    assert TOKEN not in answered.body.decode()


def test_a_token_counts_only_when_it_is_sent_once_and_as_a_header() -> None:
    right = (b"authorization", f"Bearer {TOKEN}".encode())

    assert start(CLOSED, LOCAL, right).status == 200
    assert start(CLOSED, LOCAL, (b"authorization", f"bearer  {TOKEN} ".encode())).status == 200
    assert start(CLOSED, LOCAL, right, right).status == 401
    assert start(CLOSED, LOCAL, (b"cookie", f"token={TOKEN}".encode())).status == 401
    query = f"token={TOKEN}&access_token={TOKEN}".encode()
    assert ask(served(CLOSED), "POST", "/api/finetune/start", query=query).status == 401


def test_the_chats_token_does_not_administer() -> None:
    chat = (b"authorization", f"Bearer {CHAT}".encode())

    assert start(CLOSED, LOCAL, chat).status == 403
    for path in ("/v1/models", "/api/search", "/api/sources/3", "/api/feedback"):
        assert ask(served(CLOSED), "GET", path, [LOCAL, chat]).status == 404  # let through, to a router that has none
    for path in (
        "/v1",
        "/V1/models",
        "/v1x",
        "/api/searching",
        "/api/feedback-all",
        "//v1/models",
        "/x/../v1/m",
        "/docs",
    ):
        assert ask(served(CLOSED), "GET", path, [LOCAL, chat]).status == 403


def test_a_path_of_the_chat_leads_nowhere_else() -> None:
    chat = (b"authorization", f"Bearer {CHAT}".encode())
    for path in ("/v1/../api/finetune/start", "/v1//api/finetune/start", "/api/sources/../finetune/start"):
        assert ask(served(CLOSED), "POST", path, [LOCAL, chat], (b"{}",)).status == 404


def test_a_server_that_others_reach_without_a_token_admits_nobody() -> None:
    unset = Options(host="0.0.0.0")

    assert start(unset).status == 401
    assert start(unset, LOCAL, (b"authorization", b"Bearer ")).status == 401
    assert ask(served(unset), "GET", "/healthz").status == 200


def test_only_health_is_public() -> None:
    assert ask(served(CLOSED), "GET", "/healthz").status == 200
    for path in ("/", "/healthz/", "/healthzz", "/HEALTHZ", "/docs", "/openapi.json", "/metrics", "/nowhere", ""):
        assert ask(served(CLOSED), "GET", path).status == 401


@given(st.text(max_size=60))
def test_nothing_but_the_token_is_the_token(given: str) -> None:
    data = given.encode("utf-8", "replace")
    if data.strip() != f"Bearer {TOKEN}".encode():
        assert start(CLOSED, LOCAL, (b"authorization", data)).status in (401, 403)


def test_errors_have_the_shape_of_their_api() -> None:
    assert set(start(CLOSED).json) == {"error", "hint"}
    error = ask(served(CLOSED), "POST", "/v1/chat/completions").json["error"]
    assert error["type"] == "authentication_error"


def test_a_head_request_is_answered_without_a_body() -> None:
    answered = ask(served(CLOSED), "HEAD", "/metrics")
    assert (answered.status, answered.body) == (401, b"")


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    small = Options(max_body=10)
    answered = start(small, LOCAL, (b"content-length", b"11"), body=(b"x" * 11,))

    assert answered.status == 413
    assert answered.header("connection") == "close"
    for length in (b"-1", b"1e3", b"0x10", b"9" * 30, b"\xb2"):
        assert start(small, LOCAL, (b"content-length", length)).status in (400, 413)
    assert start(small, LOCAL, (b"content-length", b"2"), (b"content-length", b"3")).status == 400
    assert start(small, LOCAL, (b"content-length", b"2"), (b"transfer-encoding", b"chunked")).status == 400


def test_a_body_that_does_not_say_is_counted() -> None:
    small = Options(max_body=10)

    assert start(small, LOCAL, body=(b"x" * 5, b"x" * 5)).json == {"bytes": 10}
    assert start(small, LOCAL, body=(b"x" * 5, b"x" * 5, b"x")).status == 413
    assert start(small, LOCAL, (b"content-length", b"2"), body=(b"x" * 11,)).status == 413


def test_a_head_that_is_too_large_is_refused() -> None:
    assert start(OPEN, LOCAL, *[(b"x-%d" % n, b"") for n in range(101)]).status == 431
    assert start(OPEN, LOCAL, (b"cookie", b"x" * 40_000)).status == 431
    assert ask(served(), "GET", "/healthz", query=b"x" * 9_000).status == 414


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "BODY_SECONDS", 0.05)
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.sleep(3600)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/finetune/start", "raw_path": b"", "query_string": b""}
    scope |= {"headers": [LOCAL], "root_path": "", "http_version": "1.1", "scheme": "http"}
    asyncio.run(asyncio.wait_for(served()(scope, never, send), 15))
    assert sent[0]["status"] == 408


def test_every_response_forbids_other_sites_to_read_or_frame_it() -> None:
    for answered in (start(), start(CLOSED), ask(served(), "GET", "/nowhere")):
        assert answered.header("x-content-type-options") == "nosniff"
        assert answered.header("x-frame-options") == "DENY"
        assert answered.header("cross-origin-resource-policy") == "same-origin"


@pytest.mark.parametrize(
    ("options", "headers"),
    [(CLOSED, [LOCAL]), (OPEN, [LOCAL, (b"origin", b"https://evil.example")]), (OPEN, [(b"host", b"evil.example")])],
)
def test_a_websocket_is_refused_before_it_is_accepted(options: Options, headers: list[tuple[bytes, bytes]]) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/ws", "raw_path": b"/ws", "query_string": b"", "headers": headers}
    asyncio.run(served(options)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
