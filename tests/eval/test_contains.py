"""Whether an answer contains a gold answer, in French and in English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.numbers import numeric_match
from eval.metrics.text import contains, exact, normalise, token_f1
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


@pytest.mark.parametrize(
    ("answer", "gold", "language", "expected"),
    [
        ("Un cœur, des œuvres", "coeur", "fr", True),
        ("Il capte le CO2.", "CO", "fr", False),
        ("La vitamine B12", "12", "fr", False),
        ("Il capte le CO₂.", "CO2", "fr", True),
        ("Une salle de 50 m²", "50 m2", "fr", True),
        ("Version v1.2", "1.2", "en", True),
        ("Ouvert à 10h30", "10 h 30", "fr", True),
        ("Ouvert à 10h30", "10 h", "fr", False),
        ("Une durée de 20h", "20", "fr", True),
    ],
)
def test_a_word_is_whole_and_spelt_either_way(answer: str, gold: str, language: Language, expected: bool) -> None:
    assert contains(answer, [gold], language) is expected


@pytest.mark.parametrize(
    ("answer", "gold", "language", "expected"),
    [
        ("Depuis le 1er mai 2018.", "2018-05-01", "fr", True),
        ("Depuis le 02/05/2018.", "2 mai 2018", "fr", True),
        ("Le 1er mai", "1 mai", "fr", True),
        ("On May 2nd, 2018", "2018-05-02", "en", True),
        ("On 2 May 2018", "May 2, 2018", "en", True),
        ("On 2 May 2018", "2 May", "en", True),
        ("Le 2 juin 2018", "2018-05-02", "fr", False),
        ("On 02/05/2018", "2018-05-02", "en", False),
        ("Le 2018-45-02", "2018-45-02", "fr", True),
    ],
)
def test_a_date_is_the_same_however_it_is_written(answer: str, gold: str, language: Language, expected: bool) -> None:
    assert contains(answer, [gold], language) is expected
    assert numeric_match(answer, [gold], language) == float(expected)


def test_dates_in_another_form_are_exact_matches() -> None:
    assert exact("le 2 mai 2018", ["2018-05-02"], "fr")
    assert token_f1("le 2 mai 2018", ["02/05/2018"], "fr") == 1.0
    assert not exact("le 2 mai 2018", ["2018-05-03"], "fr")


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
