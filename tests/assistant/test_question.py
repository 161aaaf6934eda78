"""What a question asks: its kind, its field, the document it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.question import names_title, nicknames, read
from retrieval.types import Language


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("Liste les applications hébergées par SI-RAPP", "fr", "list"),
        ("Quelles applications utilisent Java ?", "fr", "list"),
        ("Quel outil utilise Orion ?", "fr", "other"),
        ("Which tools does Orion use?", "en", "other"),
        ("How many projects are written in Go?", "en", "list"),
        ("Combien de temps dure une sauvegarde ?", "fr", "number"),
        ("Quand Redis a-t-il été créé ?", "fr", "date"),
        ("Qui a créé Redis ?", "fr", "who"),
        ("Où se trouve le siège ?", "fr", "where"),
        ("Why was it forked?", "en", "why"),
        ("What is Traefik?", "en", "definition"),
        ("À quoi sert Orion ?", "fr", "definition"),
    ],
)
def test_the_kind_of_a_question(text: str, language: Language, kind: str) -> None:
    assert read(text, language).kind == kind


def test_when_something_was_created_is_a_date_and_not_a_person() -> None:
    assert "creator" not in read("When was Redis created?", "en").concepts
    assert "release" in read("When was Redis created?", "en").concepts
    assert "creator" in read("Who created Redis?", "en").concepts


@pytest.mark.parametrize(
    ("question", "title", "named"),
    [
        ("Quel port écoute PostgreSQL ?", "PostgreSQL", True),
        ("quel port écoute postgresql", "PostgreSQL : base de données", True),
        ("Quel port écoute PostgreSQLite ?", "PostgreSQL", False),
        ("Quel port ?", "", False),
        ("Qu'est-ce que nginx ?", "nginx (prononcer « engine-x »)", True),
    ],
)
def test_a_title_named_in_full(question: str, title: str, named: bool) -> None:
    assert names_title(question, title) is named


def test_a_name_of_several_words_has_nicknames_and_a_sentence_has_none() -> None:
    assert nicknames("kafka retention", "Apache Kafka") == {"kafka"}
    assert nicknames("which ports", "Apache Kafka") == set()
    assert nicknames("la cantine du midi", "Comment réserver la cantine du siège ?") == set()


def test_once_a_document_is_named_its_name_chooses_no_sentence() -> None:
    question = read("Comment sauvegarder PostgreSQL ?", "fr").without(["PostgreSQL"])
    assert (question.terms, question.aligned) == (("sauvegard",), "sauvegarder")


def test_a_question_of_nothing_but_a_name_keeps_it() -> None:
    question = read("PostgreSQL ?", "fr")
    assert question.without(["PostgreSQL"]) is question


@given(st.text(max_size=200), st.sampled_from(["fr", "en"]), st.text(max_size=40))
def test_any_text_can_be_asked(text: str, language: Language, title: str) -> None:
    question = read(text, language)
    assert set(question.without([title]).terms) <= set(question.terms)
    assert isinstance(names_title(text, title), bool)
    assert nicknames(text, title) == nicknames(text.upper(), title) or not text.isascii()
