"""Every route and method there is, as the application itself lists them: closed to who has no token, or the wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi import LOCAL, ask
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from assistant.api.options import Options
from assistant.api.server import create
from assistant.api.tokens import PUBLIC, scope_of
from assistant.app import App
from assistant.workspace import Home

TOKEN, CHAT = "an-administrators-token", "a-token-for-the-chat"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X")
CHAT_ROUTES = ("/v1/", "/api/search", "/api/sources", "/api/feedback")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The whole application, whose lifespan does not begin: what is refused needs none of it."""
    app = App(Home(tmp_path_factory.mktemp("home"), "a test"), {})
    yield create(app, Options(host="0.0.0.0", token=TOKEN, chat_token=CHAT))
    if "journal" in app.__dict__:
        app.journal.close()


def routes(api: FastAPI) -> list[str]:
    """The path of every route, with something in the place of its parameters."""
    found = {str(route.path) for route in iter_route_contexts(api.routes)}
    assert {"/healthz", "/metrics", "/openapi.json", "/api/finetune/start"} <= found
    return ["/".join("1" if part.startswith("{") else part for part in path.split("/")) for path in sorted(found)]


def test_every_route_and_method_without_a_token_is_refused(api: FastAPI) -> None:
    for path in routes(api):
        for method in METHODS:
            status = ask(api, method, path).status
            assert status == 401 or path in PUBLIC, f"{method} {path}: {status}"


def test_every_route_and_method_with_a_wrong_token_is_refused(api: FastAPI) -> None:
    wrong = (b"authorization", b"Bearer " + TOKEN.encode()[:-1])
    for path in routes(api):
        for method in METHODS:
            status = ask(api, method, path, [LOCAL, wrong]).status
            assert status == 401 or path in PUBLIC, f"{method} {path}: {status}"


def test_the_chats_token_opens_only_the_chats_routes(api: FastAPI) -> None:
    chat = (b"authorization", b"Bearer " + CHAT.encode())
    for path in routes(api):
        if path in PUBLIC or path.startswith(CHAT_ROUTES):
            continue
        for method in METHODS:
            status = ask(api, method, path, [LOCAL, chat]).status
            assert status == 403, f"{method} {path}: {status}"


def test_every_route_refuses_another_sites_page_even_with_the_token(api: FastAPI) -> None:
    right, foreign = (b"authorization", f"Bearer {TOKEN}".encode()), (b"origin", b"https://evil.example")
    for path in routes(api):
        for method in METHODS:
            status = ask(api, method, path, [LOCAL, right, foreign]).status
            assert status == 403, f"{method} {path}: {status}"


def test_what_does_not_exist_is_closed_too(api: FastAPI) -> None:
    for path in ("/nowhere", "/api/", "/v1/nowhere", "/healthz/x", "/.env", "/static/../healthz", "//healthz"):
        assert ask(api, "GET", path).status == 401, path


def test_routes_that_train_are_for_the_administrator() -> None:
    for path in (
        "/api/finetune/start",
        "/api/finetune/info",
        "/api/runs",
        "/api/jobs",
        "/metrics",
        "/docs",
        "/openapi.json",
    ):
        assert scope_of(path) == "admin"


def test_the_guides_calls_need_no_token_on_this_machine(tmp_path: Path) -> None:
    app = App(Home(tmp_path, "a test"), {})
    api = create(app, Options())

    assert ask(api, "GET", "/nowhere").status == 404
    assert ask(api, "GET", "/nowhere", [LOCAL, (b"sec-fetch-site", b"cross-site")]).status == 403
    if "journal" in app.__dict__:
        app.journal.close()
