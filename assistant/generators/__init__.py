"""Generators: what turns a question and its passages into an answer, named by one string."""

from __future__ import annotations

from assistant.generators.base import Generator, Knowledge
from assistant.generators.extractive import ExtractiveGenerator
from retrieval.errors import BadSetting


def load_generator(setting: str, knowledge: Knowledge) -> Generator:
    """The generator a setting names; `auto` takes the best one configured. Raises BadSetting."""
    if setting in ("auto", "extractive"):
        return ExtractiveGenerator(knowledge)
    raise BadSetting(f"answer.generator is `{setting}`, which names no generator.", "Use auto or extractive.")
