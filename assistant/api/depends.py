"""What route functions ask for, by type."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Query, Request

from assistant.api.begun import ApiJobs
from assistant.api.state import Server, server_of


def jobs_of(request: Request) -> ApiJobs:
    """For `JobsOf`."""
    found: ApiJobs = request.app.state.jobs
    return found


ServerOf = Annotated[Server, Depends(server_of)]
JobsOf = Annotated[ApiJobs, Depends(jobs_of)]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000, description="Leave out so many, from the start of the list.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="The same key with the same body begins one job, however often it is sent.",
    ),
]
