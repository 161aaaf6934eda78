"""Training rows in the words the product itself asks a model with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.prompts import Prompts, fenced
from assistant.prompts.refusals import NOT_LEARNT, REFUSALS
from retrieval.types import Language, Message, Passage


@dataclass(frozen=True)
class PromptFraming:
    """The workspace's prompts, or another system prompt with them."""

    prompts: Prompts
    system: str = ""
    """Replaces the system message; empty: the prompt's own."""

    def messages(self, question: str, language: Language, passages: Sequence[Passage]) -> tuple[Message, ...]:
        """What a model is sent for a question: with passages the answer prompt, else that of fine-tuned mode."""
        prompt = (self.prompts.answer if passages else self.prompts.finetuned)[language]
        system, user = prompt.messages(documents=fenced(passages), question=question)
        system = Message("system", self.system) if self.system else system
        return (system, user) if system.content else (user,)

    def refusal(self, language: Language, *, with_passages: bool) -> str:
        """What a model is to say when it does not know."""
        return (REFUSALS if with_passages else NOT_LEARNT)[language]
