"""Sentences, folding and language: nothing is lost, abbreviations hold, and time grows with length only."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text import detect_language, fold, sentence_spans, sentences, words

PROSE = st.text(alphabet="aÉz. !?…\n\t»«\"')(0,5M\u00a0\u202f", max_size=200) | st.text(max_size=200)


@given(PROSE)
def test_spans_cover_every_visible_character_in_order(text: str) -> None:
    spans = sentence_spans(text)
    at = 0
    for start, end in spans:
        assert at <= start < end
        assert text[at:start].strip() == ""
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        at = end
    assert text[at:].strip() == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Un. Deux ! Trois ?", ["Un.", "Deux !", "Trois ?"]),
        ("Voir M. Dupont. Il sait.", ["Voir M. Dupont.", "Il sait."]),
        ("La version 3.7.0 coûte 1 500,50 €. Elle date de 2010.", ["La version 3.7.0 coûte 1 500,50 €.", "Elle date de 2010."]),
        ("« Il pleut. » Elle sort.", ["« Il pleut. »", "Elle sort."]),
        ("Des outils (p. ex. tar, cf. p. 12) suffisent. Oui.", ["Des outils (p. ex. tar, cf. p. 12) suffisent.", "Oui."]),
        ("D. Richard Hipp wrote it, e.g. for ships. It works.", ["D. Richard Hipp wrote it, e.g. for ships.", "It works."]),
        ("Really?! Yes… No.", ["Really?!", "Yes…", "No."]),
        ("A line\nanother line", ["A line", "another line"]),
        ("See https://example.org/a.b?c=d for more.", ["See https://example.org/a.b?c=d for more."]),
        ("", []),
        (" \n ", []),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("unit", [".", "?!", ". ", ".)", " ", "\n", "M. ", "« .", '…"', "a"])
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    start = time.perf_counter()
    sentence_spans(text)
    assert time.perf_counter() - start < 15


def test_fold() -> None:
    assert fold("ÉDITEUR Cœur naïve ﬁn") == "editeur coeur naive fin"
    assert fold("e\u0301te\u0301") == fold("été")


def test_words_split_elisions_and_keep_digits() -> None:
    assert words("l'hébergeur d’Orion_2, n°7") == ["l", "hébergeur", "d", "Orion", "2", "n", "7"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Quel port écoute PostgreSQL ?", "fr"),
        ("Which port does PostgreSQL listen on?", "en"),
        ("Qui a créé Redis ?", "fr"),
        ("Who created Redis?", "en"),
        ("L’hébergeur d’Orion", "fr"),
        ("Liste les applications hébergées par SI-RAPP", "fr"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert detect_language(text, default="en" if language == "fr" else "fr") == language


def test_bare_keywords_take_the_default() -> None:
    assert detect_language("PostgreSQL port", default="fr") == "fr"
    assert detect_language("PostgreSQL port", default="en") == "en"
    assert detect_language("", default="fr") == "fr"
