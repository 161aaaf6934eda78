"""Fields of a document: what one may ask about, and what only looks like a field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources import document

from finetune.generate.fields import fields, table_cells
from finetune.generate.values import is_date, is_number, is_plain, number
from retrieval.facts import clean_markup


def found(text: str = "", **metadata: object) -> dict[str, tuple[str, ...]]:
    return {field.key: field.values for field in fields(document(text, metadata=metadata))}


def test_lines_front_matter_and_tables_are_fields() -> None:
    table = "| Réglage | Valeur |\n|---|---|\n| Port web | 3000 |\n"
    assert found(f"- **Licence** : MIT\n\nÉditeur : Acme\n\n{table}", incubateur="dinum") == {
        "incubateur": ("dinum",),
        "Licence": ("MIT",),
        "Éditeur": ("Acme",),
        "Port web": ("3000",),
    }


def test_a_list_of_the_front_matter_keeps_its_values_apart() -> None:
    (field,) = fields(document(metadata={"techno": ["ruby on rails", "css, scss"]}))
    assert (field.values, field.shape) == (("ruby on rails", "css, scss"), "list")
    assert field.quote == "techno : ruby on rails, css, scss"


def test_records_with_names_are_their_names() -> None:
    phases = [{"name": "construction", "start": "2024-05-14"}, {"name": "acceleration", "start": "2025-01-20"}]
    (field,) = fields(document(metadata={"phases": phases}))
    assert (field.shape, field.values) == ("records", ("construction", "acceleration"))
    assert field.records[1]["start"] == "2025-01-20"
    assert found(montants=[{"eur": 1}, {"eur": 2}]) == {}


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("true", "bool"),
        ("2024-05-14", "date"),
        ("3 mars 2021", "date"),
        ("1 500 €", "number"),
        ("12", "number"),
        ("MIT", "text"),
    ],
)
def test_shapes(value: str, shape: str) -> None:
    (field,) = fields(document(f"Réglage : {value}"))
    assert field.shape == shape


@pytest.mark.parametrize(
    "text",
    [
        "Étape 2 : redémarrer le service", "Exemple : Redis", "Deux modes sont proposés : simple et double", "title : Redis",
        "mission : Aider les gens", "Coût : quel montant visez-vous ?", "Suite : et puis…", "Note : attention", "443 : HTTPS",
        "Statut : à compléter", "Licence : Redis", "Formats :\n- JSON\n- CSV", "Réponse : (non fermée",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_field_is_left(text: str) -> None:
    assert found(text) == {}


def test_a_key_with_two_values_says_neither() -> None:
    assert found("Port : 80\n\nPort : 443") == {}
    assert found("Port : 80\n\nPort : 80") == {"Port": ("80",)}


def test_cells_of_a_wide_table_are_named_by_row_and_column() -> None:
    table = "| Port | Protocole | Usage |\n|---|---|---|\n| 9090 | TCP | web |\n| 9091 | UDP | - |\n"
    cells = list(table_cells(document(table)))
    assert [(c.row, c.column, c.value) for c in cells] == [
        ("9090", "Protocole", "TCP"), ("9090", "Usage", "web"), ("9091", "Protocole", "UDP"),
    ]  # fmt: skip
    assert cells[0].quote == "| 9090 | TCP | web |"


def test_rows_with_one_name_are_not_told_apart() -> None:
    assert not list(table_cells(document("| A | B | C |\n|---|---|---|\n| x | 1 | 2 |\n| x | 3 | 4 |\n")))


@given(st.text(alphabet=st.sampled_from("abé :|-*\n#\"'«»,.;()[]1290_\t"), max_size=400))
def test_a_value_always_stands_in_its_chunk(text: str) -> None:
    made = document(text)
    plain = clean_markup(made.text)
    for field in fields(made):
        assert field.quote in made.text
        assert all(clean_markup(value) in plain for value in field.values)
        assert all(is_plain(value) for value in field.values)
    for cell in table_cells(made):
        assert cell.quote in made.text


@given(st.text(max_size=60))
def test_any_text_can_be_asked_what_it_is(text: str) -> None:
    for ask in (is_date, is_number, is_plain):
        assert ask(text) in (True, False)
    assert number(text) is None or is_number(text)


def test_numbers_with_two_readings_are_not_compared() -> None:
    assert [number(text) for text in ("1 500,5", "1.500", "3,5", "12 Mo")] == [1500.5, None, 3.5, None]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("Technologies : PHP, Symfony, MariaDB", ("PHP", "Symfony", "MariaDB")),
        ("Présents : Claire Lemoine, Hugo Petit", ("Claire Lemoine", "Hugo Petit")),
        ("Adresse : 5 quai des Arts, Lyon", ("5 quai des Arts, Lyon",)),
        (
            "Horaires : du lundi au vendredi, de 8 h à 18 h et le samedi",
            ("du lundi au vendredi, de 8 h à 18 h et le samedi",),
        ),
        ("Technologies : C#, .NET", ("C#", ".NET")),
        ("Usagers : 1 200", ("1 200",)),
        ("Sandbox : une copie, refaite la nuit", ("une copie, refaite la nuit",)),
        ("Surfaces : 1,5 ha", ("1,5 ha",)),
    ],
)
def test_a_key_in_the_plural_may_have_several_values_in_one_line(line: str, values: tuple[str, ...]) -> None:
    (field,) = fields(document(line))
    assert field.values == values
    assert field.shape == ("list" if len(values) > 1 else field.shape)


def test_remarks_and_sentences_are_no_fields() -> None:
    said = "les professionnels de santé échangent des informations sur un même patient"
    assert found(f"À noter : ces démarches durent\n\nLes équipes de soins : {said}\n\nLe port : 80") == {
        "Le port": ("80",)
    }


def test_who_does_what_is_no_field() -> None:
    assert found("- Carla Ruiz: update the status page\n- Bob Stone: write the rollback plan") == {}
    assert found("Base Address: https://exemple.fr") == {"Base Address": ("https://exemple.fr",)}


def test_what_is_true_of_a_part_is_not_asked_of_the_whole() -> None:
    text = "# Portail\n\nÉditeur : interne\n\n## Version 2.1\n\nResponsable : Équipe web\n\n## 2. Accès\n\nPort : 80"
    assert found(text) == {"Éditeur": ("interne",), "Port": ("80",)}
    assert found("## Version 2.1\n\nResponsable : Équipe web") == {"Responsable": ("Équipe web",)}
