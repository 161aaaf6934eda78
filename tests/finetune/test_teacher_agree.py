"""Two answers to one question: when they say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.teacher.agree import agree, f1
from finetune.teacher.stated import names, numbers
from retrieval.text import detect_language
from retrieval.types import Language


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Redis écoute sur le port 6379.", "fr", {"6379"}),
        ("1 500,50 €", "fr", {"1500.5"}),
        ("1\u202f500,50\u00a0€", "fr", {"1500.5"}),
        ("12 345 678 habitants", "fr", {"12345678"}),
        ("1,500.50 dollars", "en", {"1500.5"}),
        ("1,500 users", "en", {"1500"}),
        ("1,5 million", "fr", {"1500000"}),
        ("1.5 million", "en", {"1500000"}),
        ("2 milliards", "fr", {"2000000000"}),
        ("35 %", "fr", {"35"}),
        ("35 pour cent", "fr", {"35"}),
        ("3,0", "fr", {"3"}),
        ("512Mo", "fr", {"512"}),
        ("la version 7.2.1", "fr", {"7.2.1"}),
        ("v7.2", "en", {"7.2"}),
        ("192.168.0.1", "en", {"192.168.0.1"}),
        ("Le 14 juillet 1789", "fr", {"14", "m7", "1789"}),
        ("le 1er août 2024", "fr", {"1", "m8", "2024"}),
        ("July 14, 1789", "en", {"14", "m7", "1789"}),
        ("14th of July 1789", "en", {"14", "m7", "1789"}),
        ("1789-07-14", "en", {"14", "m7", "1789"}),
        ("14/07/1789", "fr", {"14", "m7", "1789"}),
        ("07/14/1789", "en", {"14", "m7", "1789"}),
        ("en mars 2024", "fr", {"m3", "2024"}),
        ("Elle mars ou may be", "en", set()),
        ("vingt-quatre heures", "fr", {"24"}),
        ("quatre-vingt-dix-sept jours", "fr", {"97"}),
        ("deux cents pages", "fr", {"200"}),
        ("trois mille cinq cents", "fr", {"3500"}),
        ("vingt et un ans", "fr", {"21"}),
        ("twenty-four hours and three days", "en", {"24", "3"}),
        ("two hundred and fifty", "en", {"250"}),
        ("un mois, une année, one", "fr", set()),
        ("IPv6, UTF8 et MP3", "fr", set()),
        ("de 2010 à 2014", "fr", {"2010", "2014"}),
    ],
)
def test_numbers_and_dates(text: str, language: Language, found: set[str]) -> None:
    assert numbers(text, language) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Redis a été écrit par Salvatore Sanfilippo.", {"salvatore", "sanfilippo"}),
        ("Salvatore Sanfilippo a écrit Redis.", {"salvatore", "sanfilippo", "redis"}),
        ("Le port est ouvert. La DINUM héberge l'outil.", {"dinum"}),
        ("Il utilise IPv6 et PostgreSQL.", {"ipv6", "postgresql"}),
        ("C'est l'Éducation nationale.", {"education"}),
        ("It was released on Monday 3 March 2024 by The Team.", {"team"}),
        ("rien du tout", set()),
        ("M. X est parti.", set()),
    ],
)
def test_names(text: str, found: set[str]) -> None:
    assert names(text) == found


PORT = "Quel port écoute Redis ?"
WHO = "Who created Redis?"
AGREE = [
    ("Redis écoute sur le port 6379.", "6379.", PORT),
    ("Par défaut, Redis écoute sur le port 6379.", "6379.", PORT),
    ("Redis écoute sur le port 6379.", "Le port écouté par Redis est 6379.", PORT),
    ("Redis was created by Salvatore Sanfilippo.", "Salvatore Sanfilippo.", WHO),
    ("Redis was created by Salvatore Sanfilippo.", "Salvatore Sanfilippo created Redis.", WHO),
    ("Le budget est de 1 500,5 €.", "1500,50 €", "Quel est le budget de Redis ?"),
    ("Il est sorti le 14 juillet 1789.", "Redis est sorti le 14/07/1789.", "Quand Redis est-il sorti ?"),
    ("La conservation dure vingt-quatre mois.", "24 mois.", "Combien de temps dure la conservation dans Redis ?"),
    ("Oui, Redis est un logiciel libre.", "Oui.", "Redis est-il un logiciel libre ?"),
    ("Non, Redis n'est pas libre.", "Redis n'est pas libre.", "Redis est-il libre ?"),
    ("Yes, Redis keeps data in memory.", "Redis keeps data in memory.", "Does Redis keep data in memory?"),
    ("Il garde ses données en mémoire vive.", "Les données sont gardées en mémoire vive.", "Que fait Redis ?"),
]
DISAGREE = [
    ("Redis écoute sur le port 6379.", "Redis écoute sur le port 6380.", PORT),
    ("Redis écoute sur le port 6379.", "Redis écoute sur un port.", PORT),
    ("Redis écoute sur les ports 6379 et 26379.", "6379", PORT),
    ("Redis was created by Salvatore Sanfilippo.", "Redis was created by Salvatore Rossi.", WHO),
    ("Redis was created by Salvatore Sanfilippo.", "Sanfilippo and the VMware team.", WHO),
    ("Redis est sorti en mars 2009.", "Redis est sorti en mai 2009.", "Quand Redis est-il sorti ?"),
    ("Oui, Redis est libre.", "Non, Redis n'est pas libre.", "Redis est-il libre ?"),
    ("Yes.", "No.", "Is Redis free?"),
    ("Il garde ses données en mémoire vive.", "Il organise la bascule vers une réplique.", "Que fait Redis ?"),
    ("Redis écoute sur le port 6379.", "Je ne trouve pas la réponse dans les documents.", PORT),
    ("1,5 million", "1,6 million", "Combien d'habitants compte Paris ?"),
]


@pytest.mark.parametrize(("first", "second", "question"), AGREE)
def test_answers_that_agree(first: str, second: str, question: str) -> None:
    language = detect_language(question)
    assert agree(first, second, question, language)
    assert agree(second, first, question, language)


@pytest.mark.parametrize(("first", "second", "question"), DISAGREE)
def test_answers_that_disagree(first: str, second: str, question: str) -> None:
    language = detect_language(question)
    assert not agree(first, second, question, language)
    assert not agree(second, first, question, language)


@given(st.text(max_size=100), st.text(max_size=100), st.sampled_from(["fr", "en"]))
def test_every_answer_agrees_with_itself_and_none_fails(answer: str, question: str, language: Language) -> None:
    assert agree(answer, answer, question, language)
    assert agree(answer, question, question, language) == agree(question, answer, question, language)


@given(st.integers(0, 10**9), st.sampled_from(["fr", "en"]))
def test_a_number_is_the_same_however_it_is_grouped(number: int, language: Language) -> None:
    sign = "," if language == "en" else "\u202f"
    assert numbers(f"{number:,}".replace(",", sign), language) == {str(number)}
    assert numbers(f"{number:,}".replace(",", " "), language) == {str(number)}


def test_f1_of_nothing_is_one() -> None:
    assert (f1([], []), f1(["a"], []), f1(["a", "b"], ["b"])) == (1.0, 0.0, pytest.approx(2 / 3))
