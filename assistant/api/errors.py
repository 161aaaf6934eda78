"""The edge where errors become a response: a `UserError` its message, anything else a 500 that tells nothing.

Routes under `/v1` answer in OpenAI's shape, `{"error": {"message", "type", "param", "code"}}`; the others as the
fine-tuning API does, `{"error": message, "hint": hint}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.sanitize import clean
from assistant.workspace import log_traceback
from retrieval.errors import BadInput, Busy, GeneratorFailed, NoIndex, NoSpace, NotFound, UserError
from retrieval.load.make import clean as safe

if TYPE_CHECKING:
    from assistant.workspace import Home

STATUS: tuple[tuple[type[UserError], int], ...] = (
    (NotFound, 404),
    (BadInput, 400),
    (NoIndex, 503),
    (Busy, 503),
    (GeneratorFailed, 502),
    (NoSpace, 507),
)
"""The first that fits; any other is 503: the server's side is not as it should be, and says how to mend it."""
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
_TYPES |= {429: "rate_limit_error", 500: "server_error"}


def status_of(error: UserError) -> int:
    """The HTTP status of an expected failure."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 503)


def body(path: str, status: int, message: str, hint: str = "", param: str | None = None) -> dict[str, Any]:
    """An error in the shape of the API that `path` belongs to. What it says of the request is made safe to show."""
    message, hint = clean(safe(message), newlines=False), clean(safe(hint), newlines=False)
    if not path.startswith("/v1/"):
        return {"error": message, "hint": hint}
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = "model_not_found" if (status, param) == (404, "model") else None
    return {"error": {"message": f"{message} {hint}".strip(), "type": kind, "param": param, "code": code}}


def answer(
    request: Request, status: int, message: str, hint: str = "", param: str | None = None, **headers: str
) -> JSONResponse:
    """The response of an error."""
    return JSONResponse(body(request.url.path, status, message, hint, param), status, headers=headers or None)


def install(api: FastAPI) -> None:
    """Make these the handlers of every route."""

    @api.exception_handler(UserError)
    async def expected(request: Request, error: UserError) -> JSONResponse:
        return answer(request, status_of(error), error.message, error.hint)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        message = f"{where or 'The body'}: {first['msg']}"
        status = 400 if request.url.path.startswith("/v1/") else 422  # as OpenAI's own servers
        return answer(request, status, message, "/openapi.json says what is allowed.", where or None)

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        response = answer(request, error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        return response


class Bugs:
    """ASGI middleware: a 500 for what no handler expects, by way of those further out, which see the error too.

    FastAPI's own place for that is outside of them: its response would have neither a request id nor the guard's headers.
    """

    def __init__(self, app: ASGIApp, home: Home) -> None:
        self._app, self._home = app, home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log_traceback(self._home)
            if scope["type"] == "http" and not begun:
                response = answer(Request(scope), 500, "A bug: the traceback is in the server's log.")
                await response(scope, receive, send)
            raise
