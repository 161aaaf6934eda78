"""`Key : value` statements: what is one, what is not, and no input that takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.facts import MAX_KEY, MAX_VALUE, cells, facts, field_lines, is_row, is_rule


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("Incubateur : dinum", ("Incubateur", "dinum")),
        ("License: MIT", ("License", "MIT")),
        ("- **License**: MIT", ("License", "MIT")),
        ("- **License:** MIT", ("License", "MIT")),
        ("* Éditeur : La Poste", ("Éditeur", "La Poste")),
        ("Port : `5432`", ("Port", "5432")),
        ("Site : [le site](https://example.org)", ("Site", "le site")),
        ("URL : https://example.org/a:b", ("URL", "https://example.org/a:b")),
        ("Horaires : 9:00-18:00", ("Horaires", "9:00-18:00")),
        ("Première version : 1996", ("Première version", "1996")),
    ],
)
def test_a_line_states_a_fact(line: str, fact: tuple[str, str]) -> None:
    assert list(facts(f"Du texte.\n\n{line}\n\nEncore.")) == [fact]


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/page",
        "Il est 12:30 à Paris",
        "12:30 : trop tôt",
        "key:value",
        "Il faut noter, une fois. Que : non",
        "une clé qui a vraiment beaucoup trop de mots : non",
        "rien",
        ": vide",
        "Clé :",
        "| a | b |",
    ],
)
def test_other_lines_state_none(line: str) -> None:
    assert list(facts(line)) == []


def test_a_bare_key_takes_the_bullets_below() -> None:
    assert list(facts("Ports :\n- 80\n- **443**\n\nFin : oui")) == [("Ports", "80, 443"), ("Fin", "oui")]


def test_tables() -> None:
    two = "| Élément | Valeur |\n|---|---|\n| Port web | 3000 |\n| Vide | |"
    assert list(facts(two)) == [("Port web", "3000")]
    three = "| Port | Protocole | Rôle |\n|:--|:-:|--:|\n| 9090 | TCP | web |\n| 53 | UDP | |"
    assert list(facts(three)) == [("9090", "Protocole : TCP ; Rôle : web"), ("53", "Protocole : UDP")]


def test_code_states_nothing() -> None:
    assert list(facts("```yaml\nport: 80\n```\nPort : 81")) == [("Port", "81")]


def test_rows_and_cells() -> None:
    assert is_row("| a | b |")
    assert not is_row("a | b")
    assert cells(r"| a\|b | `c` | **d** |") == [r"a\|b", "c", "d"]
    for rule in ("|---|---|", "---|---", "| :-- | --: |", "--", "|-|:-:|"):
        assert is_rule(rule)
    for no_rule in ("| a | b |", "", "|", "| : |", "--- a"):
        assert not is_rule(no_rule)


@given(st.text(alphabet="aB:|-*#` \n\t_[]()é5,.", max_size=400) | st.text(max_size=400))
def test_any_text_gives_bounded_facts(text: str) -> None:
    for key, value in facts(text):
        assert 0 < len(key) <= MAX_KEY
        assert 0 < len(value) <= MAX_VALUE


@pytest.mark.parametrize(
    "text",
    [
        "a:" * 100_000,
        "a: " * 70_000,
        "a :\n" * 50_000,
        "|" * 200_000,
        "| " * 100_000,
        "||\n" * 70_000,
        "|a|b|\n|-|-|\n" * 15_000,
        "|a|b|\n" + " " * 200_000 + "x",
        "|a|b|\n|--" + " " * 200_000 + "x",
        "|a|b|\n" + "-" * 200_000 + "x",
        "|a|b|\n|--|--|\n|" + "[" * 200_000 + "|x|",
        "|a|b|\n|--|--|\n|" + "[](" * 60_000 + "|x|",
        "- " * 100_000,
        "a :\n" + "- x\n" * 50_000,
        " " * 200_000,
        "**" * 100_000,
        "```\n" * 50_000,
    ],
    ids=lambda text: f"{text[:14]!r}",
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    start = time.perf_counter()
    list(facts(text))
    assert time.perf_counter() - start < 15


def test_fields_become_lines() -> None:
    metadata = {
        "nom": "Orion", "ports": [80, 443], "actif": True, "vide": None, "rien": "",
        "équipe": [{"nom": "Ada", "rôle": "chef"}, {"nom": "Bob"}], "hôte": {"ip": "::1"}, "note": "deux\nlignes",
    }  # fmt: skip
    assert field_lines(metadata).split("\n") == [
        "nom : Orion",
        "ports : 80, 443",
        "actif : true",
        "équipe : nom Ada, rôle chef ; nom Bob",
        "hôte : ip ::1",
        "note : deux lignes",
    ]
