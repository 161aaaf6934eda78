"""What a client sends and is told: JSON whatever its Content-Type says, and the errors that a route may answer with."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Body = TypeVar("Body", bound="Given")
_ERRORS = {
    400: "What was asked for cannot be done as it was asked.",
    401: "A token is needed.",
    403: "This is not for the token, the address or the page it came from.",
    404: "There is no such thing.",
    413: "The body is too large.",
    422: "A value is missing, or is not one of those allowed.",
    429: "The queue is full: Retry-After says when to try again.",
    500: "A bug; the server's log has it.",
    503: "Something on the server's side has to be mended first.",
    507: "The server's disk is full.",
}

EVENTS: dict[str, Any] = {
    "text/event-stream": {
        "schema": {"type": "object", "required": ["data"], "properties": {"data": {"type": "string"}}}
    }
}
"""The content of a stream of server-sent events: OpenAPI describes one of them."""


class Given(BaseModel):
    """A body: nothing in it that is not known, and no text where a number stands."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Problem(BaseModel):
    """Why a request failed, and what to do."""

    error: str
    hint: str = Field("", description="What to do.")


def errors(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for `responses`: these, and those of every route."""
    every = (400, 401, 403, 422, 500, 503, 507, *codes)
    return {code: {"model": Problem, "description": _ERRORS[code]} for code in sorted(set(every))}


def sends(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a route in the OpenAPI document, for `openapi_extra`."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def body_of(model: type[Body]) -> Callable[[Request], Coroutine[Any, Any, Body]]:
    """For `Annotated[Model, Depends(body_of(Model))]`: `curl -d` says that its JSON is a form."""

    async def read(request: Request) -> Body:
        try:
            return model.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None

    return read


def utc(when: float | str) -> str:
    """A time, in seconds or as ISO 8601, as ISO 8601 in UTC: `2026-11-04T14:30:12Z`."""
    found = datetime.fromtimestamp(when, UTC) if isinstance(when, float | int) else datetime.fromisoformat(when)
    return f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
