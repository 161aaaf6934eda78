"""How the chat rewrites a question that leans on earlier ones: by its generator's model, by rules, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.generators.base import Generator, Turn
from retrieval.types import Language

if TYPE_CHECKING:
    from assistant.answer import Rewrite
    from assistant.prompts import Prompts


def rewriter(followups: str, generator: Generator, prompts: Prompts) -> Rewrite | None:
    """What `chat.followups` asks for; a generator without a model leaves it to the rules."""
    if followups == "off":
        return None
    return by_rules


def by_rules(question: str, turns: Sequence[Turn], language: Language | None) -> str:
    from assistant.rewrite import standalone

    found = standalone(question, turns, language)
    return found.text if found else ""
