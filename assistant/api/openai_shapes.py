"""What OpenAI's chat protocol sends and gets, as far as it means something here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import from_json

from retrieval.load.make import clean

MODELS = {"dyag-rag": "rag", "dyag-finetuned": "finetuned", "dyag-hybrid": "hybrid"}
"""Mode of each model that a client can name."""


class Taken(BaseModel):
    """A body of OpenAI's protocol: what is not known is passed over, as OpenAI's own parameters of tomorrow have to be."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def whatever_its_type_says(cls, given: Any) -> Any:
        """Raises ValueError for what is no JSON: `curl -d` says that its own is a form, which arrives unread."""
        return from_json(given, allow_inf_nan=False) if isinstance(given, bytes) else given


class Part(Taken):
    """A part of a message."""

    type: str
    text: str = ""


class Message(Taken):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """All of its text, without what is no character."""
        if isinstance(self.content, list):
            return clean("".join(part.text for part in self.content))
        return clean(self.content or "")


class StreamOptions(Taken):
    """What a stream holds beside the text."""

    include_usage: bool | None = False


class ChatRequest(Taken):
    """`POST /v1/chat/completions`: the last message is the question, those before it are what it may lean on.

    System messages are passed over, for the instructions are the server's own. So are parameters that steer sampling
    otherwise than by temperature.
    """

    messages: list[Message] = Field(min_length=1, max_length=1000)
    model: str = "dyag-rag"
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, description="At most model.max_tokens of the server.")
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: str | list[str] | None = Field(None, description="Up to 4 texts that end the answer of a language model.")
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    user: str | None = Field(None, max_length=200, description="Who asks; kept in the journal.")
    n: int | None = Field(None, description="Only 1.")
    tools: list[Any] | None = Field(None, description="None are called: only an empty list.")
    functions: list[Any] | None = Field(None, description="As tools.")
    response_format: dict[str, Any] | None = Field(None, description="Only of the type text.")
    logprobs: bool | None = Field(None, description="Only false.")
    modalities: list[str] | None = Field(None, description="Only text.")


class UrlCitation(BaseModel):
    """Where a text cites a chunk."""

    start_index: int
    end_index: int = Field(description="In characters, the end not included.")
    url: str
    title: str


class Annotation(BaseModel):
    """A citation, as OpenAI's web search tells of its own."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class ReplyMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: str | None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The only one."""

    index: Literal[0] = 0
    message: ReplyMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class TokenUsage(BaseModel):
    """Tokens; `dyag.tokens` says how they were counted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class About(BaseModel):
    """What OpenAI's protocol has no word for."""

    interaction: int | None = Field(description="What POST /api/feedback rates; null when it could not be kept.")
    session: int | None
    refused: bool = Field(description="Whether the documents hold no answer.")
    confidence: float = Field(description="Chance that they hold one, 0 to 1.")
    generator: str
    partial: str = Field(description="Why the answer was broken off; empty for a whole one.")
    searched: str = Field(description="The question as one of its own, when it leans on earlier ones.")
    tokens: str = Field(description="Whose tokens usage counts; `estimate`: one for every 3 bytes.")


class Completion(BaseModel):
    """An answer that is not streamed."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokenUsage
    dyag: About


class FaultBody(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class Fault(BaseModel):
    """An error in OpenAI's shape."""

    error: FaultBody


def faults(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route under /v1, for `responses`: these, and those of every route."""
    every = (400, 401, 403, 413, 422, 429, 500, 502, 503, 507, *codes)
    return {code: {"model": Fault, "description": HTTPStatus(code).phrase} for code in sorted(every)}
