"""Tokens of an answer as a client is told them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from turns import answer

from assistant.api.usage import usage_of
from assistant.generators.models.fake_model import FakeModel
from retrieval.errors import GeneratorFailed
from retrieval.types import Message


class Strict(FakeModel):
    """Its template takes no conversation that an assistant begins, as Mistral's and Gemma's."""

    def count(self, messages: Sequence[Message]) -> int:
        if messages[0].role == "assistant":
            raise GeneratorFailed("Conversation roles must alternate.")
        return super().count(messages)


@pytest.mark.parametrize("model", [Strict("strict", [{"text": "mot"}]), None])
def test_an_answer_is_counted_without_what_a_template_puts_around_it(model: FakeModel | None) -> None:
    short, long = (replace(answer(), answer="mot " * n) for n in (10, 30))
    first, second = usage_of("Qui ?", short, model), usage_of("Qui ?", long, model)
    assert second.completion == pytest.approx(3 * first.completion, abs=2)
    assert first.prompt == second.prompt > 0
    if model:
        assert first.completion == len(re.findall(r"\w+", short.answer))
