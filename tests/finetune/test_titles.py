"""A title in a French or English sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.generate import titles


@pytest.mark.parametrize(
    ("title", "fr", "en"),
    [
        ("GIDAF", "de GIDAF", "of GIDAF"),
        ("Acceslibre", "d'Acceslibre", "of Acceslibre"),
        ("API Entreprise", "d'API Entreprise", "of API Entreprise"),
        ("RNB", "de RNB", "of RNB"),
        ("HistoVec", "de HistoVec", "of HistoVec"),
        ("28 Services", "de 28 Services", "of 28 Services"),
        ("Onze", "de Onze", "of Onze"),
        ("Trait d'Union", "de Trait d'Union", "of Trait d'Union"),
        ("Carte d'abonné", "de « Carte d'abonné »", 'of "Carte d\'abonné"'),
        ("Yvelines", "d'Yvelines", "of Yvelines"),
        ("Yahoo", "de Yahoo", "of Yahoo"),
        ("Église de Rome", "d'Église de Rome", "of Église de Rome"),
        ("nginx", "de nginx", "of nginx"),
        ("data.gouv.fr", "de data.gouv.fr", "of data.gouv.fr"),
        ("Super_Bowl_50", "de Super Bowl 50", "of Super Bowl 50"),
        ("<i>Moonraker</i>", "de Moonraker", "of Moonraker"),
        ("Le Taxi", "de « Le Taxi »", 'of "Le Taxi"'),
        ("L’Annuaire", "de « L’Annuaire »", 'of "L’Annuaire"'),
        ("Gérer les déchets", "de « Gérer les déchets »", 'of "Gérer les déchets"'),
        ("RNB, le référentiel", "de « RNB, le référentiel »", 'of "RNB, le référentiel"'),
        ("Mot (dit « x »)", "de « Mot (dit “x”) »", "of \"Mot (dit 'x')\""),
        ("One Two Three Four Five Six Seven", "de « One Two Three Four Five Six Seven »",
         'of "One Two Three Four Five Six Seven"'),
    ],
)  # fmt: skip
def test_a_title_after_of(title: str, fr: str, en: str) -> None:
    assert titles.of(title, "fr") == fr
    assert titles.of(title, "en") == en


def test_a_page_is_always_quoted() -> None:
    assert titles.page("GIDAF", "fr") == "d'après la page « GIDAF »"
    assert titles.page("GIDAF", "en") == 'according to the page "GIDAF"'


def test_que_is_elided_before_an_article() -> None:
    assert titles.elide("que", "une API") == "qu'une API"
    assert titles.elide("que", "« API »") == "que « API »"


def test_h_is_mute_only_where_sure() -> None:
    assert titles.elide("de", "habitants") == "d'habitants"
    assert titles.elide("de", "haies") == "de haies"
    assert titles.elide("de", "Hélios") == "de Hélios"


@given(st.text(max_size=200))
def test_any_title_stands_on_one_line(title: str) -> None:
    for language in ("fr", "en"):
        for said in (titles.named(title, language), titles.of(title, language), titles.to(title, language)):
            assert len(said.splitlines()) == 1


@given(st.text(max_size=200))
def test_an_english_quotation_has_two_marks(title: str) -> None:
    assert titles.named(title, "en").count('"') in (0, 2)


@pytest.mark.parametrize("title", ["Musée des Tisserands", "Guide du Visiteur", "Charte d'Accueil", "FAQ VPN"])
def test_common_nouns_that_need_an_article_are_quoted(title: str) -> None:
    assert titles.of(title, "fr") == f"de « {title} »"


def test_a_noun_alone_may_be_a_name() -> None:
    assert titles.of("Guide", "fr") == "de Guide"
    assert titles.of("Contrat Plus", "fr") == "de Contrat Plus"
