"""Questions that a document's parts answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.examples import TYPES, Asked
from finetune.generate.sections.questions import sections
from finetune.sources import SourceChunk, SourceDocument
from retrieval.types import Language


def asked(*chunks: str, title: str = "Ormeau", language: Language = "fr", **metadata: str) -> list[tuple[int, Asked]]:
    made = tuple(SourceChunk(n, text) for n, text in enumerate(chunks, 1))
    document = SourceDocument(1, "notes.md", title, language, made, metadata)
    return [(chunk.number, one) for chunk, one in sections(document)]


def by_question(*chunks: str, title: str = "Ormeau", language: Language = "fr", **metadata: str) -> dict[str, Asked]:
    return {one.question: one for _, one in asked(*chunks, title=title, language=language, **metadata)}


INSTALL = "## Installation\n\n1. Copier l'archive.\n2. Lancer `ormeau init`.\n3. Redémarrer.\n\n## Suite\n"


def test_steps_under_a_heading_are_a_procedure() -> None:
    one = by_question(INSTALL)["Comment installer Ormeau ?"]
    assert one.type == "procedure"
    assert one.answer == "Pour installer Ormeau :\n1. Copier l'archive.\n2. Lancer ormeau init.\n3. Redémarrer."
    assert one.answers == ("Copier l'archive.", "Lancer ormeau init.", "Redémarrer.")
    assert one.quote == "1. Copier l'archive.\n2. Lancer `ormeau init`.\n3. Redémarrer."


def test_steps_after_a_lead_in_name_what_they_do() -> None:
    text = "Pour créer un compte, suivre ces étapes :\n\n1. Ouvrir le site.\n2. Saisir un nom.\n\nVoilà.\n"
    assert "Comment créer un compte, d'après la page « Ormeau » ?" in by_question(text)
    english = "To create an account:\n\n1. Open the site.\n2. Enter a name.\n\nDone.\n"
    assert 'How do I create an account, according to the page "Ormeau"?' in by_question(english, language="en")


def test_a_heading_that_says_how_is_asked() -> None:
    text = "## Comment sauvegarder la base\n\n1. Arrêter le service.\n2. Copier le dossier.\n\nFin.\n"
    assert "Comment sauvegarder la base, d'après la page « Ormeau » ?" in by_question(text)


def test_a_list_cut_by_the_chunk_is_left_out() -> None:
    first, second = "## Installation\n\n1. Copier l'archive.\n2. Lancer le programme.", "3. Redémarrer.\n\n## Suite\n"
    assert "Comment installer Ormeau ?" not in by_question(first, second)
    assert "Comment installer Ormeau ?" in by_question(first, "## Suite\n\nTexte.")
    assert by_question(second) == {}


def test_items_under_a_heading() -> None:
    text = "## Fonctionnalités\n\n- Suivi des stocks ;\n- Export des **relevés**.\n\n## Suite\n"
    found = by_question(text)
    one = found["Quelles sont les fonctionnalités d'Ormeau ?"]
    assert one.type == "items"
    assert one.answers == ("Suivi des stocks", "Export des relevés.")
    assert (
        one.answer
        == "Sous « Fonctionnalités », la documentation d'Ormeau liste :\n- Suivi des stocks\n- Export des relevés."
    )
    assert "Que liste la documentation d'Ormeau sous « Fonctionnalités » ?" in found
    assert len({o.fact for o in found.values()}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "## Notre équipe\n\n- Anne\n- Benoît\n",
        "## Liens utiles\n\n- Le site\n- La notice\n",
        "## Tarifs\n\n- Un\n  - Un et demi\n- Deux\n",
        "## Tarifs\n\n- Un :\n- Deux\n",
        "## Tarifs\n\n- Seul\n",
        "- Un\n- Deux\n",
    ],
)
def test_lists_that_say_nothing_alone_are_left_out(text: str) -> None:
    assert not any(one.type == "items" for _, one in asked(text))


def test_the_first_sentences_of_a_section() -> None:
    text = (
        "## Sécurité\n\nLe serveur refuse les mots de passe de moins de douze signes. Les clés sont stockées à part.\n"
    )
    one = by_question(text)["Que dit la documentation d'Ormeau au sujet de « Sécurité » ?"]
    assert one.type == "section"
    assert one.answer.startswith("Le serveur refuse")
    assert one.answer.endswith("stockées à part.")


@pytest.mark.parametrize(
    "body",
    [
        "Nous avons choisi de ne garder aucun mot de passe sur le serveur.",
        "Cette solution est la plus simple de toutes celles qui existent ici.",
        "Développement d'outils de saisie simplifiée pour les communes rurales.",
        "Voir https://example.org pour tout ce qui touche aux mots de passe.",
    ],
)
def test_sections_that_lean_or_state_nothing_are_left_out(body: str) -> None:
    assert not any(one.type == "section" for _, one in asked(f"## Sécurité\n\n{body}\n"))


def test_a_heading_that_is_a_question_is_asked_as_it_is() -> None:
    text = "## Pourquoi choisir Ormeau ?\n\nOrmeau est le seul logiciel libre qui suit les stocks en temps réel.\n"
    assert "Pourquoi choisir Ormeau ?" in by_question(text)


def test_what_it_is_for_from_a_field_and_its_line() -> None:
    found = asked(
        "Autre chose.", "mission : Suivre les stocks des coopératives", mission="Suivre les stocks des coopératives"
    )
    assert next((n, one.question, one.answer) for n, one in found) == (
        2, "À quoi sert Ormeau ?", "Ormeau sert à suivre les stocks des coopératives.",
    )  # fmt: skip
    assert "Qu'est-ce qu'Ormeau ?" in by_question("# Ormeau\n\nLe registre des stocks de la côte\n\nSuite.")


def test_a_field_that_no_chunk_states_is_not_used() -> None:
    assert asked("Autre chose.", mission="Suivre les stocks des coopératives") == []


_LINE = st.sampled_from(
    ["# Ormeau", "## Installation", "## Comment faire ?", "1. Un pas.", "2. Deux pas.", "- Un", "  - Deux", "* Trois ;", "", "```",
     "Pour créer un compte :", "Ormeau est le registre des stocks.", "| a | b |", "Texte sans point", "    suite", "À quoi bon ?"]
)  # fmt: skip


@given(
    st.lists(st.one_of(st.lists(_LINE, max_size=15).map("\n".join), st.text(max_size=200)), max_size=4),
    st.sampled_from(["", "Ormeau", "Le port ?"]),
)
@settings(max_examples=300)
def test_any_text_gives_well_formed_questions_or_none(chunks: list[str], title: str) -> None:
    for language in ("fr", "en"):
        for number, one in asked(*chunks, title=title, language=language):
            assert one.question.endswith("?")
            assert one.type in TYPES
            assert one.quote in chunks[number - 1]
            assert all(value in one.answer for value in one.answers)


@pytest.mark.parametrize("unit", ["- a\n", "1. a\n", "## a\n", " ", "a ", "Pour a", "(", "[", "- ", "é", "\n \n"])
def test_long_texts_take_linear_time(unit: str) -> None:
    start = time.perf_counter()
    for language in ("fr", "en"):
        asked(unit * (100_000 // len(unit)), language=language)
    assert time.perf_counter() - start < 15


def test_the_heading_of_the_thing_itself_is_no_part_of_it() -> None:
    text = "## 3. Ormeau\n\n- Licence : MIT\n- Port : 80\n"
    assert not any("3. Ormeau" in question for question in by_question(text))
