"""How fields are named in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.generate.lexicon import lexicon
from finetune.generate.nouns import noun, spoken
from finetune.generate.phrase import filled, words


@pytest.mark.parametrize(
    ("key", "french", "gender", "english"),
    [
        ("Licence", "licence", "f", "license"),
        ("license", "licence", "f", "license"),
        ("accessibility_status", "niveau d'accessibilité", "m", "accessibility status"),
        ("Date de mise en service", "date de mise en service", "f", "go-live date"),
        ("Affecté à", "", "", ""),
        ("Validé par", "", "", ""),
        ("Qualité de service", "qualité de service", "f", ""),
        ("Réalité du problème", "réalité du problème", "f", ""),
        ("mon_service_securise", "", "", "mon service securise"),
        ("AMQP port", "", "", "AMQP port"),
        ("POP3 over TLS", "", "", ""),
        ("backed by", "", "", ""),
        ("There is no master", "", "", ""),
    ],
)
def test_names(key: str, french: str, gender: str, english: str) -> None:
    assert (noun(key, "fr").word, noun(key, "fr").gender, noun(key, "en").word) == (french, gender, english)


def test_every_entry_of_the_lexicon_can_be_declined() -> None:
    assert len(lexicon()) > 250
    for entry in lexicon().values():
        assert entry.gender in ("m", "f")
        assert all([entry.french, entry.french_plural, entry.english, entry.english_plural, entry.concept])


@pytest.mark.parametrize(
    ("key", "plural", "text"),
    [
        ("licence", False, "Quelle est la licence, de la licence de GIDAF"),
        ("editeur", False, "Quel est l'éditeur, de l'éditeur de GIDAF"),
        ("port", False, "Quel est le port, du port de GIDAF"),
        ("technologies", True, "Quelles sont les technologies, des technologies de GIDAF"),
        ("sponsors", True, "Quels sont les sponsors, des sponsors de GIDAF"),
    ],
)
def test_agreement(key: str, plural: bool, text: str) -> None:
    assert filled("{Quel} {le}, {du} {of}", words("GIDAF", noun(key, "fr"), "fr", plural=plural)) == text


def test_keys_are_spoken() -> None:
    assert [spoken(k) for k in ("accessibilityStatus", "Port web", "API_key", "date_de_fin")] == [
        "accessibility Status", "port web", "API key", "date de fin",
    ]  # fmt: skip


@given(st.text(max_size=40), st.sampled_from(["fr", "en"]))
def test_any_key_has_a_name_or_is_quoted(key: str, language: str) -> None:
    made = noun(key, language)  # type: ignore[arg-type]
    assert made.key == key
    assert made.quoted or made.gender or language == "en"
