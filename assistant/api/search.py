"""`POST /api/search` and `GET /api/sources/{id}`: passages for a question, and the chunk behind a citation."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from assistant.api.bodies import Given, body_of, errors, sends
from assistant.api.depends import ServerOf
from assistant.commands.ask import SearchResult, SourceResult, passage_view, source

router = APIRouter(prefix="/api", tags=["documents"])
Id = Annotated[str, Path(max_length=200, description="383, chunk_383, or a document's own id.")]


class Search(Given):
    """What to look for."""

    query: str = Field(max_length=100_000)
    top_k: int | None = Field(None, ge=1, le=200, description="How many passages; else search.top_k.")
    filters: dict[str, str] = Field({}, max_length=20, description="Only documents whose metadata says so.")
    language: Literal["auto", "fr", "en"] = Field("auto", description="The question's.")


@router.post("/search", responses=errors(429), openapi_extra=sends(Search))
async def search(server: ServerOf, asked: Annotated[Search, Depends(body_of(Search))]) -> SearchResult:
    """The best passages for a question, with their scores."""
    app = server.app

    def found() -> SearchResult:
        top_k, language = asked.top_k or app.settings.search.top_k, app.language(asked.language)
        made = app.searcher.search(asked.query, top_k, language=language, filters=asked.filters)
        return SearchResult(made.question, tuple(map(passage_view, made.passages)))

    return await server.answers.quick(found)


@router.get("/sources/{id:path}", responses=errors(404, 429))
async def show(server: ServerOf, id: Id) -> SourceResult:
    """A chunk, where it is from, and what stands around it; also one that is no longer in its document."""
    return await server.answers.quick(lambda: source(server.app, id))
