"""`POST /v1/embeddings`: vectors of texts, by the embedder of the index."""

from __future__ import annotations

import base64
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from assistant.api import errors
from assistant.api.depends import ServerOf
from assistant.api.gone import NOBODY, ClientGone, unless_gone
from assistant.api.openai_shapes import Taken, faults
from retrieval.embed import Embedder
from retrieval.errors import BadInput
from retrieval.load.make import clean

router = APIRouter(tags=["embeddings"])
NAME = "dyag-embeddings"
MOST_TEXTS = 2048
MOST_TOKENS = 100_000
"""Of all texts of a request."""


class EmbeddingRequest(Taken):
    """Texts to embed; tokens of another vocabulary than this embedder's cannot be."""

    input: str | list[str] | list[int] | list[list[int]] = Field(description="A text, or up to 2048; no tokens.")
    model: str = Field(NAME, description=f"{NAME}, or the embedder's own name.")
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = Field(None, description="Only what the embedder has.")
    user: str | None = Field(None, max_length=200)


class Embedding(BaseModel):
    """One text's vector, of length 1."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(description="Numbers, or as base64 of little-endian 32-bit floats.")


class EmbeddingUsage(BaseModel):
    """Tokens by the embedder's own tokenizer."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """The vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


@router.post("/v1/embeddings", response_model=Embeddings, responses=faults(404))
async def embed(request: Request, asked: EmbeddingRequest, server: ServerOf) -> Any:
    """Embed texts as the documents are embedded."""

    def made() -> Any:
        embedder = server.app.embedder
        if asked.model not in (NAME, embedder.name):
            hint = f"There are {NAME} and {embedder.name}."
            return errors.answer(request, 404, f"There is no embedding model {asked.model}.", hint, "model")
        return embedded(asked, embedder)

    try:
        return await unless_gone(request, server.answers.quick(made))
    except ClientGone:
        return NOBODY


def embedded(asked: EmbeddingRequest, embedder: Embedder) -> Embeddings:
    """The response to a request. Raises BadInput."""
    texts = _texts(asked.input)
    if asked.dimensions not in (None, embedder.dimension):
        hint = f"Leave `dimensions` out, or write {embedder.dimension}."
        raise BadInput(f"{embedder.name} makes vectors of {embedder.dimension} dimensions only.", hint)
    tokens = _counted(texts, embedder)
    as_text = asked.encoding_format == "base64"
    made = [
        Embedding(index=i, embedding=base64.b64encode(v.astype("<f4").tobytes()).decode() if as_text else v.tolist())
        for i, v in enumerate(embedder.embed(texts))
    ]
    return Embeddings(data=made, model=embedder.name, usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens))


def _texts(given: str | list[str] | list[int] | list[list[int]]) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not 0 < len(texts) <= MOST_TEXTS:
        raise BadInput(f"`input` holds {len(texts)} texts.", f"Send 1 to {MOST_TEXTS}.")
    found = [clean(text) for text in texts if isinstance(text, str)]
    if len(found) < len(texts):
        hint = "Send texts (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))."
        raise BadInput("`input` holds tokens of another model.", hint)
    if not all(text.strip() for text in found):
        raise BadInput("`input` holds an empty text.", "Leave it out.")
    return found


def _counted(texts: list[str], embedder: Embedder) -> int:
    """Tokens of all texts. Raises BadInput for a text that the embedder would read only the beginning of."""
    counts = embedder.count_tokens(texts)
    for i, count in enumerate(counts):
        if count > embedder.window:
            hint = f"{embedder.name} reads {embedder.window}: split it."
            raise BadInput(f"Text {i} of `input` has {count} tokens.", hint)
    if sum(counts) > MOST_TOKENS:
        raise BadInput(f"`input` has {sum(counts):,} tokens.", f"Send at most {MOST_TOKENS:,} in one request.")
    return sum(counts)
