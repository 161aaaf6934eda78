"""Late interaction with the real model: tokens of a question against tokens of a text."""

from __future__ import annotations

import os

import numpy as np
import pytest

from assistant.workspace import cache_folder
from retrieval.alignment import Alignment, align
from retrieval.embed import MiniLM

TEXT = "The canteen opens at noon. Newton was born in Woolsthorpe in 1642."


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM(cache_folder(os.environ))


def aligned(model: MiniLM, question: str, *texts: str) -> list[Alignment]:
    return align(model.token_states([question])[0], model.token_states(texts))


def test_the_sentence_that_answers_is_nearer(model: MiniLM) -> None:
    (found,) = aligned(model, "Where was Newton born?", TEXT)
    first, second = found.best(0, 26).mean(), found.best(27).mean()
    assert second > first + 0.2
    assert found.best().mean() >= second


def test_a_word_is_nearest_to_itself(model: MiniLM) -> None:
    (found,) = aligned(model, "Woolsthorpe", "Woolsthorpe")
    assert np.diag(found.cosines) == pytest.approx(np.ones(len(found.cosines)), abs=0.05)


def test_offsets_are_characters_of_the_text(model: MiniLM) -> None:
    (found,) = aligned(model, "?", TEXT)
    assert {TEXT[a:b] for a, b in found.offsets} >= {"canteen", "Newton", "."}


def test_a_text_longer_than_the_window_is_read_to_its_end(model: MiniLM) -> None:
    text = "filler " * 400 + TEXT
    (found,) = aligned(model, "Where was Newton born?", text)
    assert found.cosines.shape[1] == len(found.offsets) > model.window
    assert text[slice(*found.offsets[-3])] == "in"
    assert found.best(text.index("Newton")).mean() > found.best(0, 1000).mean() + 0.2


@pytest.mark.parametrize(("question", "text"), [("", TEXT), ("Newton", ""), ("", "")])
def test_nothing_is_like_nothing(model: MiniLM, question: str, text: str) -> None:
    (found,) = aligned(model, question, text)
    assert not found.best().any()


def test_no_tokens_inside_a_span_answer_nothing(model: MiniLM) -> None:
    (found,) = aligned(model, "Newton", TEXT)
    assert not found.best(5, 5).any()
    assert aligned(model, "Newton") == []
