"""Documents that describe several things under headings, and what those are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.sheets import bare, name_in, sheets

CATALOGUE = """# Applications

Ce catalogue liste nos applications.

## 1. GIDAF

Hébergeur : SI-RAPP
Statut : En production

### Interfaces

GIDAF échange avec Colibri.

## 2. Colibri

Hébergeur : Cloud Nord
Statut : En projet

## Contacts

Le service est joignable au 4500."""


def test_each_heading_with_the_same_fields_is_a_thing() -> None:
    found = sheets([CATALOGUE], "Applications")
    assert [s.title for s in found] == ["GIDAF", "Colibri", ""]
    assert "SI-RAPP" in found[0].text
    assert "### Interfaces" in found[0].text
    assert "Cloud Nord" not in found[0].text
    assert "catalogue liste" in found[2].text
    assert "4500" in found[2].text
    assert "Hébergeur" not in found[2].text


def test_a_thing_may_begin_within_a_chunk_and_end_in_the_next() -> None:
    half = CATALOGUE.index("### Interfaces")
    found = sheets([CATALOGUE[:half], CATALOGUE[half:]], "Applications")
    assert [(p.chunk, p.text.split("\n")[0]) for p in found[0].pieces] == [(0, "## 1. GIDAF"), (1, "### Interfaces")]
    assert [p.chunk for p in found[1].pieces] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "# GIDAF\n\nHébergeur : SI-RAPP\nStatut : En production\n\n## Interfaces\n\nGIDAF échange.\n\n## Sécurité\n\nForte.",
        "# Guide\n\n## Installer\n\nÉtape 1 : lire\nÉtape 2 : lancer\n\n## Régler\n\nÉtape 1 : ouvrir\nÉtape 2 : fermer",
        "# Guide\n\n```\n## A\nPort : 1\nHost : b\n## B\nPort : 2\nHost : c\n```",
        "",
    ],
)
def test_chapters_steps_and_code_are_no_things(text: str) -> None:
    assert sheets([text], "Guide") == []


def test_parts_of_a_thing_keep_its_name() -> None:
    part = "URL : https://{0}.fr\nServeur : {0}-01\n"
    parts = f"## Serveur de test\n\n{part.format('a')}\n## Serveur réel\n\n{part.format('b')}"
    text = f"# GIDAF\n\nStatut : ouvert\nÉditeur : interne\n\n{parts}"
    assert [s.title for s in sheets([text], "GIDAF")] == ["GIDAF – Serveur de test", "GIDAF – Serveur réel", ""]


def test_a_number_of_a_thing_is_not_its_name() -> None:
    fields = "Date : {0} mai 2024\nResponsable : Équipe {0}\n"
    text = f"# Portail\n\n## Version 2.3\n\n{fields.format(1)}\n## Version 2.2\n\n{fields.format(2)}"
    assert [s.title for s in sheets([text], "Portail")] == ["Portail – Version 2.3", "Portail – Version 2.2", ""]
    named = "\n".join(
        f"## Fiche {n}\n\nNom : {name}\nPort : 1\nHôte : a\n" for n, name in enumerate(("GIDAF", "Colibri"))
    )
    assert [s.title for s in sheets([named], "Fiches")] == ["GIDAF", "Colibri"]


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("## 1. GIDAF", "GIDAF"),
        ("Fiche n° 3 : GIDAF", "GIDAF"),
        ("Application : **GIDAF**", "GIDAF"),
        ("4.2.0", "4.2.0"),
        ("Application mobile", "Application mobile"),
        ("Projet-test", "Projet-test"),
    ],
)
def test_headings_lose_their_number_and_label(heading: str, name: str) -> None:
    assert bare(heading) == name


def test_a_text_may_say_the_name_of_its_thing() -> None:
    assert name_in("Nom : GIDAF\nStatut : ouvert") == "GIDAF"
    assert name_in("# GIDAF\n\n## Statut") == "GIDAF"
    assert name_in("Le nom : une chose.\n## Statut") == ""


LINES = st.sampled_from(["# A", "## B", "## C", "### D", "Port : 1", "Hôte : a", "Du texte.", "```", ""])


@given(st.lists(st.lists(LINES, max_size=12).map("\n".join), max_size=4))
def test_no_line_is_lost_or_told_twice(texts: list[str]) -> None:
    found = sheets(texts, "T")
    if found:
        told = sorted(line for s in found for p in s.pieces for line in p.text.split("\n") if line)
        assert told == sorted(line for text in texts for line in text.split("\n") if line)
