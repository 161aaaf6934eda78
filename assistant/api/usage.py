"""Tokens of an answer: by the tokenizer of a model in this process, else an estimate from bytes. No server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.api.answering import Usage
from assistant.generators.models.tokens import estimate
from retrieval.types import Message

if TYPE_CHECKING:
    from assistant.generators.base import ChatModel
    from retrieval.types import Answer

ESTIMATE = "estimate"


def usage_of(question: str, answer: Answer, model: ChatModel | None) -> Usage:
    """Tokens of what a model was sent, else of the question, and of the text."""
    from assistant.generators.models.fake_model import FakeModel
    from assistant.generators.models.hf_model import HfModel

    sent = answer.messages or (Message("user", question),)
    count, name = (model.count, model.name) if isinstance(model, FakeModel | HfModel) else (estimate, ESTIMATE)
    # As a user's message: there are templates that refuse a conversation which the assistant begins.
    said, nothing = (count((Message("user", text),)) for text in (answer.answer, ""))
    return Usage(count(sent), said - nothing, name)
