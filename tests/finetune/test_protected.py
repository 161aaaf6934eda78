"""What a paraphrase may not touch, and whether it did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.augment.protected import protected, unchanged
from retrieval.types import Language


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("fr", "Quel port écoute SI-RAPP 2.1 depuis mars ?", ["SI-RAPP", "2.1", "mars"]),
        ("fr", "L’Urssaf est-elle à Saint-Malo ?", ["Urssaf", "Saint-Malo"]),
        ("fr", "Y a-t-il 100 000 places ou 3,5 % d'Emmaüs ?", ["100 000", "3,5 %", "Emmaüs"]),
        ("fr", "Qui a écrit « La canne blanche » [chunk_12] ?", ["« La canne blanche »", "[chunk_12]"]),
        ("fr", "Combien de Gitea et de k8s ? Pourquoi deux ?", ["Gitea", "k8s", "deux"]),
        ("fr", "Peut-on s'inscrire aujourd'hui ?", []),
        ("fr", "Toutes les équipes connecté·e·s ont-elles un rendez-vous ?", []),
        ("en", "What's Redis's port in /etc/squid/squid.conf?", ["Redis", "/etc/squid/squid.conf"]),
        ("en", "I'd like 3rd-party I/O in C++ since 2021-02-03, v1.2.", ["3rd", "I/O", "C++", "2021-02-03", "v1.2"]),
        ("en", "Write to a.b@c.org or see https://c.org/x?y=1 please", ["a.b@c.org", "https://c.org/x?y=1"]),
        ("en", "Does acme.json need max_rows or `SELECT 1`?", ["acme.json", "max_rows", "`SELECT 1`"]),
        ("en", "Gitea is free, which I like.", ["Gitea"]),
    ],
)
def test_names_numbers_codes_and_quotations_are_found(language: Language, text: str, found: list[str]) -> None:
    kept = protected(text, language)
    if "Write" in kept:  # a word that opens a sentence and may be a name counts as one
        del kept["Write"]
    assert sorted(kept.elements()) == sorted(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Qui héberge GIDAF ?", "Dis-moi qui héberge GIDAF."),
        ("Gitea est-il libre ?", "Est-ce que Gitea est libre ?"),
        ("Quel port écoute l'agent Zabbix 2 ?", "Pour l’agent Zabbix 2, quel port ?"),
        ("Où est né Molière ?", "Bonjour. Où Molière est-il né ?"),
    ],
)
def test_other_words_around_them_change_nothing(before: str, after: str) -> None:
    assert unchanged(before, after, "fr")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Qui héberge GIDAF ?", "Qui héberge GIDAV ?"),
        ("Qui héberge GIDAF ?", "Qui héberge gidaf ?"),
        ("Qui héberge GIDAF ?", "Qui l'héberge ?"),
        ("Qui héberge GIDAF ?", "GIDAF : qui héberge GIDAF ?"),
        ("Quel est le port 80 ?", "Quel est le port 800 ?"),
        ("Quel est le port 5.4 ?", "Quel est le port 5 ?"),
        ("Que dit la loi de 1978 ?", "Que dit la loi ?"),
        ("Que dit la loi ?", "Que dit la loi de 1978 ?"),
        ("Qui est le maire de Mâcon ?", "Qui est le maire de Macon ?"),
        ("Qui a deux chats ?", "Qui a trois chats ?"),
    ],
)
def test_a_name_or_number_that_changes_is_noticed(before: str, after: str) -> None:
    assert not unchanged(before, after, "fr")


def test_names_given_are_kept_whole_whatever_their_letters() -> None:
    before, title = "À quoi sert Prévenir les risques ?", "Prévenir les risques"
    assert unchanged(before, "Quel est le but de Prévenir les risques ?", "fr", [title])
    assert not unchanged(before, "Quel est le but de Prévenir des risques ?", "fr", [title])
    assert not unchanged(before, "Quel est le but de prévenir les risques ?", "fr", [title])
    assert unchanged(before, "a quoi sert prevenir les risques", "fr", [title], folded=True)
    assert not unchanged(before, "a quoi sert prevenir les riques", "fr", [title], folded=True)


def test_an_acronym_may_stand_for_what_it_means() -> None:
    equal = {"ANCT": "Agence nationale de la cohésion des territoires"}
    before = "Que fait l'Agence nationale de la cohésion des territoires ?"
    assert unchanged(before, "Que fait l'ANCT ?", "fr", list(equal.values()), equal)
    assert not unchanged(before, "Que fait l'ANSSI ?", "fr", list(equal.values()), equal)
    assert not unchanged(before, "Que fait l'ANCT ?", "fr")


@given(st.text(max_size=80), st.sampled_from(["fr", "en"]))
def test_any_text_is_unchanged_from_itself(text: str, language: Language) -> None:
    assert unchanged(text, text, language, [text[:10]], {"AB": "a b"})
    assert unchanged(text, text, language, folded=True)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["fr", "en"]), st.booleans())
def test_a_changed_number_is_always_caught(one: int, other: int, language: Language, folded: bool) -> None:
    before, after = f"Is the port of Redis {one} or Gitea?", f"Is the port of Redis {other} or Gitea?"
    assert unchanged(before, after, language, folded=folded) == (one == other)
