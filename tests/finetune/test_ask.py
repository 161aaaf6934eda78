"""Questions about a field: every turn of phrase is filled, and its answer says what the field says."""

from __future__ import annotations

import re

import pytest
from sources import document, rng

from finetune.examples import Asked
from finetune.generate.ask import about_cell, about_field, about_records, yes_or_no
from finetune.generate.fields import fields, table_cells
from finetune.generate.phrase import ANSWERS, QUESTIONS
from finetune.sources import SourceDocument
from retrieval.types import Language


def asked(made: SourceDocument, seed: int = 1) -> list[Asked]:
    return [a for field in fields(made) for a in about_field(made, field, rng(seed))]


def pairs(made: SourceDocument) -> set[tuple[str, str]]:
    return {(a.question, a.answer) for seed in range(30) for a in asked(made, seed)}


def test_a_known_field_is_asked_in_many_ways() -> None:
    made = document("Licence : MIT", title="Redis")
    questions = {a.question for a in asked(made)}
    assert {"Quelle est la licence de Redis ?", "Sous quelle licence distribue-t-on Redis ?"} <= questions
    assert len(questions) >= 12
    assert {a.type for a in asked(made)} == {"which"}
    assert {a.answer for a in asked(made)} <= {answer for _, answer in pairs(made)}
    assert ("Quelle est la licence de Redis ?", "La licence de Redis est MIT.") in pairs(made)


def test_an_english_field() -> None:
    made = document("License: MIT", title="Redis", language="en")
    assert ("What is the license of Redis?", "The license of Redis is MIT.") in pairs(made)
    assert ("Under what license is Redis released?", "The license given for Redis is MIT.") in pairs(made)


@pytest.mark.parametrize(
    ("text", "kind", "question"),
    [
        ("Hébergeur : SI-RAPP", "who", "Qui héberge GIDAF ?"),
        ("Première version : 2009", "when", "De quand date la première version de GIDAF ?"),
        ("Ville : Aix", "where", "Où se trouve GIDAF ?"),
        ("Budget : 12 000 €", "how-many", "À combien s'élève le budget de GIDAF ?"),
        ("Port : 8080", "which", "Sur quel port écoute GIDAF ?"),
        ("Société : Acme", "who", "Quelle entreprise se trouve derrière GIDAF ?"),
        (
            "Collecte usagers : 3 mars 2021",
            "when",
            "Quelle date la fiche de GIDAF donne-t-elle pour « Collecte usagers » ?",
        ),
        ("Lots livrés : 12", "how-many", "Quel chiffre la fiche de GIDAF donne-t-elle pour « Lots livrés » ?"),
        ("mes_trucs : divers", "which", "Que dit la fiche de GIDAF à la rubrique « mes trucs » ?"),
    ],
)
def test_types(text: str, kind: str, question: str) -> None:
    made = asked(document(text, title="GIDAF"))
    assert {a.type for a in made} == {kind}
    assert question in {a.question for a in made}


def test_a_year_without_a_word_for_it_is_no_date() -> None:
    assert {a.type for a in asked(document("Port NFS : 2049"))} == {"which"}
    assert {a.type for a in asked(document("Année de fin des lots : 2049"))} == {"when"}


def test_lists_are_enumerated() -> None:
    made = document(title="GIDAF", metadata={"sponsors": ["DGFIP", "DINUM", "ANSSI"]})
    assert ("Quels sont les sponsors de GIDAF ?", "Les sponsors de GIDAF sont DGFIP, DINUM et ANSSI.") in pairs(made)
    assert {a.type for a in asked(made)} == {"items"}


def test_a_noun_of_ours_says_which_field_is_meant() -> None:
    made = document(title="GIDAF", metadata={"usertypes": "agent"})
    assert ("À qui s'adresse GIDAF ?", "Le public visé de GIDAF (« usertypes ») est agent.") in pairs(made)


def test_a_remark_is_no_value_of_a_noun() -> None:
    made = document("Distributor: receives and validates lines", title="Loki", language="en")
    assert all('"Distributor"' in a.question for a in asked(made))


def test_records_say_when_they_begin_and_end() -> None:
    phases = [{"name": "construction", "start": "2024-05-14", "end": "2025-01-20"}]
    made = document(title="GIDAF", metadata={"phases": phases})
    (field,) = fields(made)
    said = list(about_records(made, field, rng()))
    assert [a.answers for a in said] == [("2024-05-14",), ("2025-01-20",)]
    assert "commence" in said[0].question
    assert "se termine" in said[1].question


def test_yes_and_no() -> None:
    made = document("Licence : MIT", title="Redis")
    (field,) = fields(made)
    said = {a for seed in range(40) for a in yes_or_no(made, field, ["GPLv3", "MIT modifiée"], rng(seed))}
    yes = [a for a in said if a.answer.startswith("Oui")]
    no = [a for a in said if a.answer.startswith("Non")]
    assert yes
    assert no
    assert all("MIT" in a.question and "GPL" not in a.question for a in yes)
    assert all("GPLv3" in a.question and "MIT" in a.answer for a in no)
    assert not any("modifiée" in a.question for a in said), "neither wrong nor right"


def test_a_no_does_not_say_non_twice() -> None:
    made = document("Statut : conforme", title="Redis")
    (field,) = fields(made)
    said = [a for seed in range(40) for a in yes_or_no(made, field, ["non évalué"], rng(seed))]
    assert any("non évalué" in a.question for a in said)
    assert not any("non non" in a.answer for a in said)


def test_a_flag_is_asked_and_quoted() -> None:
    said = asked(document(title="GIDAF", metadata={"stats": False}))
    assert {a.answer for a in said} == {"Non, la fiche de GIDAF indique « stats : false »."}
    assert {a.type for a in said} == {"yes-no"}


def test_cells() -> None:
    made = document("| Port | Protocole | Usage |\n|---|---|---|\n| 9090 | TCP | web |\n", title="GIDAF")
    said = about_cell(made, next(iter(table_cells(made))), rng())
    assert "« 9090 »" in said.question
    assert "« Protocole »" in said.question
    assert "TCP" in said.answer


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_turn_of_phrase_can_be_filled(language: Language) -> None:
    """Each placeholder that the tables use is one that some question or answer gives."""
    given = set(
        "T U of ofu le Le du des np nps quel Quel est e il celle Celle meme plus_grand plus_ancien one One key v w quote row column "
        "name verb verbs names ofs cited count que".split()
    )
    for table in (QUESTIONS[language], ANSWERS[language]):
        for group, ways in table.items():
            assert len(set(ways)) == len(ways), group
            for form in ways:
                assert set(re.findall(r"\{(\w+)\}", form)) <= given, form


def test_the_same_seed_asks_the_same() -> None:
    made = document("Licence : MIT\n\nPort : 80", title="GIDAF")
    assert asked(made, 3) == asked(made, 3)
    assert asked(made, 3) != asked(made, 4)


def test_french_says_the_day_with_its_article() -> None:
    made = asked(document("Date d'effet : 1er mai 2024", title="GIDAF"))
    assert all("est le 1er mai 2024" in a.answer for a in made if a.type == "when")


@pytest.mark.parametrize(("value", "said"), [("Lyon", "site de GIDAF"), ("https://gidaf.fr", "site web de GIDAF")])
def test_a_site_is_a_place_or_a_page(value: str, said: str) -> None:
    made = asked(document(f"Site : {value}", title="GIDAF"))
    assert any(said in a.question for a in made)
    assert not any("site web" in a.question for a in made if value == "Lyon")


def test_a_row_with_a_code_is_asked_about_as_the_thing_it_is() -> None:
    table = "| Référence | Fournisseur | Date de fin |\n|---|---|---|\n| CT-11 | Acme | 2025-08-30 |\n| Taxi | Acme | 2025-08-30 |\n"
    made = document(table, title="Contrats")
    cells = list(table_cells(made))
    questions = {about_cell(made, cells[0], rng(seed)).question for seed in range(9)}
    assert "Quel est le fournisseur de CT-11, d'après la page « Contrats » ?" in questions
    assert all("« Taxi »" in about_cell(made, cell, rng()).question for cell in cells[2:])


@pytest.mark.parametrize(("value", "said"), [("200", "number of users"), ("all staff", "target audience")])
def test_users_are_counted_or_named(value: str, said: str) -> None:
    assert any(said in a.question for a in asked(document(f"Users: {value}", title="GIDAF", language="en")))
