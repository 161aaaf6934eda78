"""Questions that one sentence answers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.examples import TYPES, Asked
from finetune.generate.prose.questions import prose
from finetune.generate.prose.sentences import joined
from finetune.sources import SourceChunk, SourceDocument
from retrieval.facts import clean_markup
from retrieval.types import Language


def asked(text: str, title: str = "", language: Language = "fr") -> list[Asked]:
    chunk = SourceChunk(7, text)
    return list(prose(SourceDocument(1, "notes.md", title, language, (chunk,)), chunk))


def questions(text: str, title: str = "", language: Language = "fr") -> list[str]:
    return [one.question for one in asked(text, title, language)]


FRENCH = [
    (
        "Le laboratoire Ormeau a été fondé en 1987 par Jeanne Tissier.", "",
        "En quelle année le laboratoire Ormeau a-t-il été fondé par Jeanne Tissier ?", "1987",
    ),
    ("L'agence Ormeau a été créée le 3 mars 2011.", "", "À quelle date a été créée l'agence Ormeau ?", "3 mars 2011"),
    ("Depuis 2015, Ormeau est utilisé dans trois villes.", "Ormeau", None, ""),
    ("Ormeau est utilisé à Brest depuis 2015.", "Ormeau", "Depuis quand est-ce qu'Ormeau est utilisé à Brest ?", "2015"),
    ("En mai 2020, Ormeau a rejoint la fédération Tissier.", "Ormeau",
     "Quand est-ce qu'Ormeau a rejoint la fédération Tissier ?", "mai 2020"),
    ("Le service a été fermé le 9 février 2024.", "Ormeau",
     "À quelle date le service a-t-il été fermé, d'après la page « Ormeau » ?", "9 février 2024"),
    ("Le laboratoire Ormeau a été fondé en 1987 par Jeanne Tissier.", "", "Qui a fondé le laboratoire Ormeau ?", "Jeanne Tissier"),
    ("Ormeau est géré par la société Tissier.", "Ormeau", "Qui gère Ormeau ?", "la société Tissier"),
    ("Brestigny compte environ 12 400 habitants depuis dix ans.", "Brestigny",
     "Combien d'habitants compte Brestigny ?", "environ 12 400 habitants"),
    ("Le siège de l'agence Ormeau se trouve à Brest, près du port.", "", "Où se trouve le siège de l'agence Ormeau ?", "à Brest"),
    ("Ormeau est un logiciel de suivi des stocks.", "Ormeau", "Qu'est-ce qu'Ormeau ?", "un logiciel de suivi des stocks"),
    ("Jeanne Tissier est une botaniste de Brest.", "Jeanne Tissier", "Qui est Jeanne Tissier ?", "une botaniste de Brest"),
    ("Ormeau permet de suivre les stocks d'une coopérative.", "Ormeau", "À quoi sert Ormeau ?",
     "de suivre les stocks d'une coopérative"),
    ("La tour Ormeau mesure 45 mètres.", "", "Combien mesure la tour Ormeau ?", "45 mètres"),
    ("Le port par défaut du serveur Ormeau est 8042.", "", "Quel est le port par défaut du serveur Ormeau ?", "8042"),
    ("Le projet est mené avec l'Agence du Littoral Breton (ALB) à Brest.", "", "Que signifie ALB ?", "Agence du Littoral Breton"),
    ("Plus de 54 % des élèves de Brest trouvent un stage.", "", "Quel pourcentage des élèves de Brest trouvent un stage ?",
     "plus de 54 %"),
]  # fmt: skip
ENGLISH = [
    ("The Ormeau Tower was built in 1987 by Jane Tissier.", "", "When was the Ormeau Tower built by Jane Tissier?", "1987"),
    ("The Ormeau Tower was built in 1987 by Jane Tissier.", "", "Who built the Ormeau Tower?", "Jane Tissier"),
    ("On 3 May 2015, Ormeau released Tissier Studio.", "Ormeau", "When did Ormeau release Tissier Studio?", "3 May 2015"),
    ("Ormeau has been hosted in Brest since 2015.", "Ormeau", "Since when has Ormeau been hosted in Brest?", "2015"),
    ("Ormeau has about 1,200 employees in Brest.", "Ormeau", "How many employees does Ormeau have?", "about 1,200 employees"),
    ("The Ormeau Library is located in Brest, near the harbour.", "", "Where is the Ormeau Library located?", "in Brest"),
    ("Ormeau is a stock server for small shops.", "Ormeau", "What is Ormeau?", "a stock server for small shops"),
    ("Jane Tissier was a botanist from Brest.", "Jane Tissier", "Who was Jane Tissier?", "a botanist from Brest"),
    ("Ormeau is written in Go and runs everywhere.", "Ormeau", "Which programming language is Ormeau written in?", "Go"),
    ("Ormeau listens on port 8042 by default.", "Ormeau", "Which port does Ormeau listen on?", "8042"),
    ("The service works with the Brest Harbour Office (BHO) every day.", "", "What does BHO stand for?", "Brest Harbour Office"),
    ("More than 54% of students in Brest cycle.", "", "What percentage of students in Brest cycle?", "more than 54%"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "title", "question", "value"), FRENCH)
def test_french_questions(text: str, title: str, question: str | None, value: str) -> None:
    found = {one.question: one for one in asked(text, title)}
    if question is None:
        assert not found
        return
    assert found[question].answers == (value,), list(found)
    assert found[question].quote == text


@pytest.mark.parametrize(("text", "title", "question", "value"), ENGLISH)
def test_english_questions(text: str, title: str, question: str, value: str) -> None:
    found = {one.question: one for one in asked(text, title, "en")}
    assert question in found, list(found)
    assert found[question].answers == (value,)


@pytest.mark.parametrize(
    "text",
    [
        "Il a été fondé en 1987 par Jeanne Tissier.",
        "Cette agence a été créée en 1987 à Brest.",
        "L'agence Ormeau n'a pas été créée en 1987.",
        "L'agence Ormeau aurait été créée en 1987.",
        "Selon Tissier, l'agence Ormeau a été créée en 1987.",
        "L'agence Ormeau et la tour Ormeau ont été créées en 1987.",
        "L'agence Ormeau a annoncé la fermeture du port en 1987.",
        "L'agence Ormeau a été créée en 1200 av. J.-C. près de Brest.",
        "L'agence Ormeau a été créée entre 1987 et 1989, puis en 1991.",
        "## L'agence Ormeau a été créée en 1987.",
        "- L'agence Ormeau a été créée en 1987.",
        "| L'agence Ormeau a été créée en 1987. |",
        "```\nL'agence Ormeau a été créée en 1987.\n```",
        "L'agence Ormeau a-t-elle été créée en 1987 ?",
        "L'agence Ormeau : elle a été créée en 1987.",
        "Un rapport a été publié en 1987.",
        "Ormeau est un succès pour Brest.",
    ],
)
def test_what_is_not_sure_is_not_asked(text: str) -> None:
    assert questions(text, "Agence Ormeau") == []


@pytest.mark.parametrize(
    "text",
    [
        "It was founded in 1987 by Jane Tissier.",
        "This tower was built in 1987 by Jane Tissier.",
        "The Ormeau Tower was not built in 1987.",
        "The Ormeau Tower would be built in 1987.",
        "The Ormeau Tower and the Tissier Tower were built in 1987.",
        "The Ormeau Group planned to build the Tissier Tower in 1987.",
        "Researchers published a report in 1987.",
    ],
)
def test_what_is_not_sure_is_not_asked_in_english(text: str) -> None:
    assert questions(text, "Ormeau Tower", "en") == []


def test_the_answer_is_the_sentence_without_markup_and_the_quote_is_verbatim() -> None:
    one = asked("Avant.\n\n**Ormeau** est un [logiciel](https://example.org) de suivi\n", "Ormeau")
    assert one == []  # no full stop: a title or a fragment
    text = "**Ormeau** est un [logiciel](https://example.org) de suivi des stocks."
    one = asked(f"Avant.\n\n{text}\n", "Ormeau")
    assert one[0].answer == "Ormeau est un logiciel de suivi des stocks."
    assert one[0].quote == text


def test_a_wrapped_paragraph_is_read_as_one() -> None:
    text = "Le laboratoire Ormeau a été fondé en 1987 par la coopérative Tissier, alors\ninstallée à Brest."
    one = asked(text)[0]
    assert one.quote == text
    assert one.answer == text.replace("\n", " ")


def test_variants_share_their_fact_and_differ_in_form() -> None:
    found = [one for one in asked("Le laboratoire Ormeau a été fondé en 1987.") if one.type == "when"]
    assert len(found) > 2
    assert len({one.fact for one in found}) == 1
    assert len({one.form for one in found}) == len(found)


_WORD = st.sampled_from(
    "Ormeau Brest Le la L'agence a été fondé créée en 1987 par Jeanne est un logiciel de et , . ? ( ) « » ** [x](y) `z` \n\n "
    "\n - # 54 % des qui  compte 12 400 habitants The was built in since 2015 by has is located to employees about of more than s'est ne "
    "(AB) 3 mars".split(" ")
)  # fmt: skip


@given(
    st.one_of(st.text(max_size=400), st.lists(_WORD, max_size=60).map(" ".join)),
    st.sampled_from(["", "Ormeau", "Le port ?"]),
)
@settings(max_examples=300)
def test_any_text_gives_well_formed_questions_or_none(text: str, title: str) -> None:
    cleaned = " ".join(clean_markup(text).split())
    for language in ("fr", "en"):
        for one in asked(text, title, language):
            assert one.question.endswith("?")
            assert one.type in TYPES
            assert one.quote in text
            assert one.answer.endswith(".")
            for value in one.answers:
                assert value.lower() in cleaned.lower()
                assert value.lower() in one.answer.lower()


_UNITS = [
    "a ", "En 1987, ", "(A", "Le la ", "A", "de ", "1987 ", "Ormeau est un ", "- ", "« ", "par A ", "in 1987 ", "12 000 ", ".", "A. ",
]  # fmt: skip


@pytest.mark.parametrize("unit", _UNITS)
def test_long_lines_take_linear_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    start = time.perf_counter()
    for language in ("fr", "en"):
        asked(text, "Ormeau", language)
        asked(text + ".", "Ormeau", language)
    assert time.perf_counter() - start < 15


def test_text_that_came_as_tokens_is_read_as_people_write() -> None:
    text = "Redis was created in 2009 by Salvatore Sanfilippo , a developer . It is fast , small ."
    found = {a.answer for a in asked(text, "Redis", "en")}
    assert found == {"Redis was created in 2009 by Salvatore Sanfilippo, a developer."}
    assert joined("the tail , Mr. Byron 's `` one '' ( 2 )") == "the tail, Mr. Byron's “one” (2)"
