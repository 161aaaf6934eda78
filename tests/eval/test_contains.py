"""Whether an answer contains a gold answer, in French and in English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.text import contains, normalise
from retrieval.types import Language


@pytest.mark.parametrize(
    ("answer", "gold", "language", "expected"),
    [
        ("Le port est le 5432.", "5432", "fr", True),
        ("Le port est le 54321.", "5432", "fr", False),
        ("Il vaut 3,5 %.", "35 %", "fr", False),
        ("La vitamine A est utile.", "vitamine", "fr", True),
        ("Le créateur est L’Oréal", "l'oréal", "fr", True),
        ("It was the Normans.", "Normans", "en", True),
        ("Denver Broncos won.", "The Denver Broncos", "en", True),
        ("Denver won over the Broncos.", "Denver Broncos", "en", False),
        ("", "x", "en", False),
    ],
)
def test_contains(answer: str, gold: str, language: Language, expected: bool) -> None:
    assert contains(answer, [gold], language) is expected


def test_one_of_several_gold_answers_is_enough() -> None:
    assert contains("in 1642", ["1643", "1642"], "en")
    assert not contains("in 1642", [], "en")


@given(st.text(max_size=60), st.sampled_from(["fr", "en"]))
def test_a_text_contains_itself_unless_it_says_nothing(text: str, language: Language) -> None:
    assert contains(text, [text], language) is bool(normalise(text, language))


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(["fr", "en"]))
def test_what_is_added_around_takes_nothing_away(text: str, around: str, language: Language) -> None:
    if normalise(text, language):
        assert contains(f"{around} {text} {around}", [text], language)
