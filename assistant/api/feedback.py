"""`POST /api/feedback`: what people think of an answer, and what it should have been."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, model_validator

from assistant.api.bodies import Given, body_of, errors, sends, utc
from assistant.api.depends import ServerOf
from assistant.journal.store import Journal
from assistant.journal.values import Feedback

router = APIRouter(prefix="/api", tags=["feedback"])


class Opinion(Given):
    """A rating, a correction, or both; each takes the place of the author's earlier one."""

    interaction: int = Field(ge=1, lt=2**63, description="`dyag.interaction` of the answer.")
    rating: Literal["good", "bad"] | None = None
    reason: str = Field("", max_length=10_000, description="Why.")
    correction: str = Field("", max_length=100_000, description="What the answer should have been.")
    user: str = Field("api", min_length=1, max_length=200, description="Who thinks so.")

    @model_validator(mode="after")
    def says_something(self) -> Opinion:
        """Raises ValueError for an opinion that is none."""
        if self.rating is None and not self.correction.strip():
            raise ValueError("give a `rating`, a `correction`, or both")
        return self


class Kept(BaseModel):
    """What is in the journal now; only what a reviewer approves is learnt from."""

    interaction: int
    user: str
    rating: Literal["good", "bad", ""]
    reason: str
    correction: str
    status: Literal["pending", "approved", "rejected"]
    created: str
    updated: str


@router.post("/feedback", responses=errors(404, 429), openapi_extra=sends(Opinion))
async def feedback(server: ServerOf, said: Annotated[Opinion, Depends(body_of(Opinion))]) -> Kept:
    """Rate an answer, or correct it. What is acknowledged is on the disk."""
    kept = await server.answers.quick(lambda: keep(server.app.journal, said))
    return Kept(
        interaction=kept.interaction_id,
        user=kept.author,
        rating=kept.rating,
        reason=kept.reason,
        correction=kept.correction,
        status=kept.status,
        created=utc(kept.created),
        updated=utc(kept.updated),
    )


def keep(journal: Journal, said: Opinion) -> Feedback:
    """Write an opinion to the journal. Raises NotFound, and what writing does."""
    kept = journal.rate(said.interaction, said.user, said.rating, said.reason) if said.rating else None
    if said.correction.strip():
        kept = journal.correct(said.interaction, said.user, said.correction)
    assert kept is not None
    return kept
