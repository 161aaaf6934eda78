"""The built-in answers, asked of a small library with the real model: fields, lists, definitions, quotes, refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import SHEETS, run, write_sheets

from assistant.answer import Answerer, Done
from assistant.app import App
from assistant.workspace import Home
from retrieval.types import Answer

MORE: Mapping[str, str] = {
    "fr-orion.md": "---\ntitle: Orion\nincubateur: dinum\nphase: construction\nlangage: Go\n---\n\n# Orion\n\n"
    "## Présentation\n\nOrion tient l'annuaire des agents d'un ministère. Il remplace un tableur partagé.\n\n"
    "## Sauvegarde\n\nUne copie part chaque nuit vers un second site. Elle est gardée trente jours.\n\n"
    "## Origine\n\nAlice Martin a lancé le projet en 2019 à Lyon, parce que les fiches papier se perdaient.\n",
    "en-eclipse-mosquitto.md": "# Eclipse Mosquitto\n\nMosquitto is a small MQTT broker.\n\n| Fact | Value |\n|---|---|\n"
    "| Author | Roger Light |\n| First release | 2009 |\n| Programming language | C |\n\n"
    "## Ports\n\n| Port | Transport |\n|---|---|\n| 1883 | plain MQTT |\n| 8883 | MQTT over TLS |\n",
    "fr-forge.md": "# Forge interne\n\nLicence : MIT pour l'édition libre (CE), propriétaire pour l'autre\n",
    "en-consul.md": "# Consul\n\nConsul keeps a list of services and whether they are healthy.\n\n- Language: Go\n- Port: 8500\n",
}
CITED = re.compile(r" \[chunk_\d+\]")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("extractive")
    write_sheets(home / "docs", {**SHEETS, **MORE})
    assert run("index", home / "docs", home=home).code == 0
    return home


@pytest.fixture(scope="module")
def answerer(home: Path) -> Answerer:
    # Small libraries make every question unlike the calibrated ones; what is refused has tests of its own.
    return App(Home(home, "test"), {"answer.refuse_below": "0"}).answerer


def ask(answerer: Answerer, question: str) -> Answer:
    return next(e.answer for e in answerer.answer(question) if isinstance(e, Done))


def plain(answer: Answer) -> str:
    return CITED.sub("", answer.answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Quel incubateur porte Orion ?", "Orion — incubateur : dinum"),
        ("Dans quelle phase est Orion ?", "Orion — phase : construction"),
        ("Who wrote Eclipse Mosquitto?", "Eclipse Mosquitto — Author: Roger Light"),
        ("When was Eclipse Mosquitto created?", "Eclipse Mosquitto — First release: 2009"),
        ("Quel port écoute Gitea ?", "Gitea — Port : 3000"),
        ("Qui a créé Redis ?", "Redis — Créateur : Salvatore Sanfilippo"),
        ("Par qui Redis a-t-il été créé ?", "Redis — Créateur : Salvatore Sanfilippo"),
        ("Which license does NATS have?", "NATS — license: Apache-2.0"),
        # Words of another language than the sheet's find the same field.
        ("Who created Redis?", "Redis — Créateur: Salvatore Sanfilippo"),
        ("Quel est le langage de Consul ?", "Consul — Language : Go"),
        # One word of a name of several is enough.
        ("who is the author of mosquitto", "Eclipse Mosquitto — Author: Roger Light"),
    ],
)
def test_a_question_about_a_field_is_answered_with_that_field(answerer: Answerer, question: str, answer: str) -> None:
    assert plain(ask(answerer, question)) == answer


@pytest.mark.parametrize(
    ("question", "first", "titles"),
    [
        ("Liste les applications écrites en Go", "3 fiches le disent :", {"Consul", "Gitea", "Orion"}),
        ("Quelles applications utilisent Go ?", "3 fiches le disent :", {"Consul", "Gitea", "Orion"}),
        ("Quels logiciels sont sous licence MIT ?", "2 fiches le disent :", {"Forge interne", "Gitea"}),
        ("Which projects are written in C?", "One document says so:", {"Eclipse Mosquitto"}),
        ("How many projects are written in Go?", "3 documents say so:", {"Consul", "Gitea", "Orion"}),
    ],
)
def test_a_list_is_gathered_over_every_sheet(answerer: Answerer, question: str, first: str, titles: set[str]) -> None:
    lines = ask(answerer, question).answer.splitlines()
    assert lines[0] == first
    assert {line.removeprefix("- ").split(" — ")[0] for line in lines[1:]} == titles
    assert all(CITED.search(line) for line in lines[1:])


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Comment Orion est-il sauvegardé ?", "Une copie part chaque nuit vers un second site."),
        ("Pourquoi le projet Orion a-t-il été lancé ?", "parce que les fiches papier se perdaient."),
        ("What happens to messages when nobody is connected to NATS?", "misses the message."),
        ("When does the car park close?", "closes at ten in the evening."),
        ("À quelle heure ouvre la cantine ?", "ouvre à midi"),
    ],
)
def test_prose_is_quoted(answerer: Answerer, question: str, quote: str) -> None:
    assert quote in plain(ask(answerer, question))


@pytest.mark.parametrize("question", ["Qu'est-ce qu'Orion ?", "C'est quoi Orion ?", "À quoi sert Orion ?"])
def test_what_a_thing_is_comes_from_its_first_prose(answerer: Answerer, question: str) -> None:
    assert plain(ask(answerer, question)).startswith("Orion tient l'annuaire des agents d'un ministère.")


@pytest.mark.parametrize(
    "question",
    ["What is NATS?", "Comment Orion est-il sauvegardé ?", "Which license does NATS have?", "Qu'est-ce qu'Orion ?"],
)
def test_every_sentence_cites_a_chunk_that_supports_it(answerer: Answerer, question: str) -> None:
    answer = ask(answerer, question)
    rest = CITED.split(answer.answer)
    assert rest[-1] == ""
    assert all(re.search(r"\w", sentence) and "\n\n" not in sentence for sentence in rest[:-1])
    assert all(citation.supported for citation in answer.citations)


def test_an_answer_has_at_most_so_many_words(home: Path) -> None:
    settings = {"answer.refuse_below": "0", "answer.max_words": "12"}
    answer = ask(App(Home(home, "test"), settings).answerer, "Comment Orion est-il sauvegardé ?")
    assert len(plain(answer).split()) <= 12


def test_a_refusal_names_the_nearest_documents_and_cites_none(home: Path) -> None:
    answer = ask(App(Home(home, "test"), {"answer.refuse_below": "1"}).answerer, "Qui a gagné le Tour de France ?")
    assert answer.refused
    assert answer.citations == ()
    assert len(re.findall(r"\[chunk_\d+\]", answer.answer)) == 3
    assert answer.answer.startswith("Je ne trouve pas la réponse dans les documents.")


def test_a_sheet_that_is_there_is_surer_than_one_that_is_not(answerer: Answerer) -> None:
    known = ask(answerer, "Quel port écoute Gitea ?").confidence
    unknown = ask(answerer, "Quel port écoute Vaultwarden ?").confidence
    assert 0 <= unknown < 0.5 < known <= 1
