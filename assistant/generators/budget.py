"""What is sent to a model, cut to what it can read: earlier turns go first, then the last passages, then text of the first.

Tokens are counted by the model's own tokenizer, and only when it is in doubt that everything fits.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.generators.base import ChatModel, Options, Request, Sent, Turn
from assistant.prompts import Prompts, fenced
from assistant.prompts.fence import harmless
from retrieval.errors import BadQuestion
from retrieval.text import sentence_spans
from retrieval.types import Message, Passage

RESERVE = 32
"""Tokens left free: counts by another tokenizer than the model's are not exact."""
AROUND = 24
"""Tokens that a chat template puts around one message, at most; some add a date to the first."""
_CITATION = re.compile(r"[ \t]*\[chunk_\d+\]")


@dataclass(frozen=True)
class _Draft:
    """One choice of what to send."""

    turns: tuple[Turn, ...]
    passages: tuple[Passage, ...]


def fit(request: Request, prompts: Prompts, model: ChatModel, options: Options, context: int) -> Sent:
    """The messages for a request that leave room for the answer in `context` tokens.

    Raises BadQuestion when not even the question and a sentence of the first passage fit, GeneratorFailed when tokens cannot be counted.
    """
    room = context - affordable(options, context).max_tokens - RESERVE
    drafts = list(_drafts(request))

    def fits(draft: _Draft) -> bool:
        messages = _messages(request, draft, prompts)
        return _at_most(messages) <= room or model.count(messages) <= room

    # Each draft is smaller than the one before it, so that few have to be counted.
    first = 0 if fits(drafts[0]) else bisect_left(drafts, True, 1, key=fits)
    if first == len(drafts):
        raise BadQuestion(
            f"{model.name} reads {context} tokens: too few for the prompt, this question and its answer.",
            "Ask a shorter question, lower model.max_tokens, or choose another model with /model.",
        )
    chosen = drafts[first]
    return Sent(_messages(request, chosen, prompts), chosen.passages, _dropped(request, chosen))


def affordable(options: Options, context: int) -> Options:
    """The options, the answer's length held to half of the context: more would leave no room for documents."""
    return replace(options, max_tokens=max(1, min(options.max_tokens, context // 2)))


def _drafts(request: Request) -> Iterator[_Draft]:
    """What may be sent, best first: everything, then less and less."""
    turns, passages = request.history, request.passages
    for i in range(len(turns)):
        yield _Draft(turns[i:], passages)
    for n in range(len(passages), 1, -1):
        yield _Draft((), passages[:n])
    yield _Draft((), passages[:1])
    for first in passages[:1]:
        ends = [end for _, end in sentence_spans(first.text)]
        for end in reversed(ends[:-1]):
            yield _Draft((), (replace(first, text=first.text[:end]),))


def _messages(request: Request, draft: _Draft, prompts: Prompts) -> tuple[Message, ...]:
    prompt = (prompts.answer if request.passages else prompts.finetuned)[request.language]
    # Without what it leans on, a follow-up is asked as the question of its own.
    question = request.said if request.said and draft.turns else request.question
    system, user = prompt.messages(documents=fenced(draft.passages), question=question)
    said = [m for turn in draft.turns for m in _turn(turn)]
    return (*([system] if system.content else []), *said, user)


def _turn(turn: Turn) -> tuple[Message, Message]:
    """An earlier turn, without citations: their chunks are not among the documents of now."""
    # An answer may quote a document, and with it what looks like the begin of a turn.
    return Message("user", turn.question), Message("assistant", harmless(_CITATION.sub("", turn.answer)))


def _at_most(messages: Sequence[Message]) -> int:
    """Tokens that these can be at most: a token is at least one byte."""
    return sum(len(m.content.encode("utf-8", "replace")) + AROUND for m in messages)


def _dropped(request: Request, chosen: _Draft) -> str:
    """`2 passages and 3 earlier turns`; empty when nothing was."""
    parts = [
        _number(len(request.passages) - len(chosen.passages), "passage"),
        _number(len(request.history) - len(chosen.turns), "earlier turn"),
        "the end of the first passage" if chosen.passages[:1] != request.passages[:1] else "",
    ]
    *others, last = [part for part in parts if part] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'s' * (count > 1)}" if count else ""
