"""`POST /v1/chat/completions`: questions as OpenAI's clients ask them."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from assistant.api import errors
from assistant.api.answering import Answering, Finished
from assistant.api.answers import Question
from assistant.api.bodies import EVENTS
from assistant.api.depends import ServerOf
from assistant.api.gone import NOBODY, ClientGone, unless_gone
from assistant.api.openai_shapes import (
    MODELS,
    About,
    Annotation,
    ChatRequest,
    Choice,
    Completion,
    ReplyMessage,
    TokenUsage,
    UrlCitation,
    faults,
)
from assistant.api.openai_stream import Chunks, Ending, begun, events
from assistant.api.openai_turns import said_in
from assistant.api.pipelines import Wishes
from assistant.api.state import Server
from retrieval.types import Answer

router = APIRouter(tags=["chat"])
_CITATION = re.compile(r"\[chunk_(\d+)\]")
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": EVENTS, "description": "The answer."}}


@router.post("/v1/chat/completions", response_model=Completion, responses=faults(404) | _STREAM)
async def complete(request: Request, asked: ChatRequest, server: ServerOf) -> Any:
    """Answer a question from the documents, with citations; as a stream of events if `stream` is true."""
    if asked.model not in MODELS:
        message, hint = f"There is no model {asked.model}.", f"There are {', '.join(MODELS)}."
        return errors.answer(request, 404, message, hint, "model")
    if param := unsupported(asked):
        return errors.answer(request, 400, f"`{param}` is not supported.", "Leave it out.", param)
    try:
        return await (_streamed if asked.stream else _whole)(request, asked, server)
    except ClientGone:
        return NOBODY


def unsupported(asked: ChatRequest) -> str:
    """The first parameter that asks for what cannot be had; empty for none."""
    wanted = {
        "n": asked.n not in (None, 1),
        "tools": bool(asked.tools),
        "functions": bool(asked.functions),
        "logprobs": bool(asked.logprobs),
        "response_format": (asked.response_format or {}).get("type", "text") != "text",
        "modalities": asked.modalities not in (None, ["text"]),
        "stop": isinstance(asked.stop, list) and len(asked.stop) > 4,
    }
    return next((name for name, true in wanted.items() if true), "") or _unsupported_message(asked)


def _unsupported_message(asked: ChatRequest) -> str:
    """What is wrong with the messages: a role or a part that is no text, another end than a question."""
    for i, message in enumerate(asked.messages):
        if message.role in ("tool", "function"):
            return f"messages.{i}.role"
        if isinstance(message.content, list) and any(part.type != "text" for part in message.content):
            return f"messages.{i}.content"
    return "" if asked.messages[-1].role == "user" else f"messages.{len(asked.messages) - 1}.role"


def question_of(asked: ChatRequest, server: Server) -> Question:
    """The question of a request."""
    stops = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
    wishes = Wishes(
        asked.temperature,
        asked.max_completion_tokens or asked.max_tokens,
        asked.seed,
        tuple(stop for stop in stops if stop),
    )
    return Question(
        asked.messages[-1].text, MODELS[asked.model], wishes, said_in(asked.messages[:-1]), asked.user or "api"
    )


async def _whole(request: Request, asked: ChatRequest, server: Server) -> Completion:
    async def answered() -> Finished:
        return await (await server.answers.ask(question_of(asked, server))).whole()

    finished = await unless_gone(request, answered())
    answer = finished.answer
    message = ReplyMessage(content=answer.answer, annotations=citations(answer))
    return Completion(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=asked.model,
        choices=[Choice(message=message, finish_reason="length" if finished.truncated else "stop")],
        usage=_usage(finished),
        dyag=about(finished),
    )


async def _streamed(request: Request, asked: ChatRequest, server: Server) -> StreamingResponse:
    async def asking() -> tuple[Answering, list[Any]]:
        answering = await server.answers.ask(question_of(asked, server))
        try:
            return answering, await begun(answering)
        except BaseException:
            answering.stop()
            raise

    def ending(finished: Finished) -> Ending:
        delta = {"annotations": [a.model_dump() for a in citations(finished.answer)]}
        why = "length" if finished.truncated else "stop"
        return Ending(delta, why, about(finished).model_dump(), _usage(finished).model_dump() if counted else None)

    counted = bool(asked.stream_options and asked.stream_options.include_usage)
    answering, first = await unless_gone(request, asking())
    body = events(answering, first, Chunks(asked.model), ending, server.app.home)
    # A proxy that gathers the response before it hands it on would show nothing until the end.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


def citations(answer: Answer) -> list[Annotation]:
    """Every citation in the text, with the document it opens."""
    titles = {p.chunk_id: p.title or p.document for p in answer.passages}
    return [
        Annotation(
            url_citation=UrlCitation(
                start_index=found.start(),
                end_index=found.end(),
                url=f"/api/sources/{found[1]}",
                title=titles.get(int(found[1]), ""),
            )
        )
        for found in _CITATION.finditer(answer.answer)
    ]


def about(finished: Finished) -> About:
    """What OpenAI's protocol has no word for."""
    answer = finished.answer
    return About(
        interaction=finished.interaction,
        session=finished.session,
        refused=answer.refused,
        confidence=answer.confidence,
        generator=answer.generator,
        partial=answer.partial,
        searched=answer.searched,
        tokens=finished.usage.counted,
    )


def _usage(finished: Finished) -> TokenUsage:
    prompt, completion = finished.usage.prompt, finished.usage.completion
    return TokenUsage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)
