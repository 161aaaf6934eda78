"""Questions that a document asks itself: as they stand, with their page, answered by what follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources import document

from finetune.examples import Asked
from finetune.generate.faq import faq
from retrieval.types import Language


def asked(text: str, title: str, language: Language = "fr") -> dict[str, Asked]:
    return {one.question: one for _, one in faq(document(text, title=title, language=language))}


@pytest.mark.parametrize(
    "text",
    [
        "## Comment obtenir un badge ?\n\nLe badge est remis par l'accueil du bâtiment B.",
        "**Comment obtenir un badge ?**\nLe badge est remis par l'accueil du bâtiment B.",
        "Q : Comment obtenir un badge ?\nR : Le badge est remis par l'accueil du bâtiment B.",
        "### 3. Comment obtenir un badge ?\nLe badge est remis par l'accueil du bâtiment B.\n\n## Suite\n\nAutre chose ici.",
    ],
)
def test_every_way_to_write_a_question(text: str) -> None:
    one = asked(text, "FAQ badges")["Comment obtenir un badge, d'après la page « FAQ badges » ?"]
    assert one.answer == "Le badge est remis par l'accueil du bâtiment B."
    assert one.quote in text


def test_a_title_that_is_a_question_needs_no_page() -> None:
    title = "Mon employeur peut-il lire mes courriels ?"
    text = "Oui, s'ils ne sont pas marqués comme personnels. Il doit vous en informer."
    assert asked(text, title)[title].answer == text
    assert asked(f"# {title}\n\n{text}", title)[title].answer == text


def test_who_asks_may_speak_of_himself() -> None:
    text = "## When is my card charged?\n\nCards are charged on the first day of each month.\n"
    assert 'When is my card charged, according to the page "Billing FAQ"?' in asked(text, "Billing FAQ", "en")


def test_a_list_may_be_the_answer() -> None:
    text = "## Quels moyens de paiement acceptez-vous ?\n\n- Carte\n- Chèque\n\n## Quels moyens sont acceptés ?\n\n- Carte\n- Chèque\n"
    (one,) = asked(text, "Paiement").values()
    assert one.type == "items"
    assert one.answer == "D'après la page « Paiement » :\n- Carte\n- Chèque"


@pytest.mark.parametrize(
    "heading",
    ["Que fait-il ?", "Pourquoi nous choisir ?", "Et cette option ?", "Vous avez perdu votre badge ?", "Pourquoi ?"],
)
def test_questions_that_lean_on_the_page_are_not_asked(heading: str) -> None:
    assert not asked(f"## {heading}\n\nLe badge est remis par l'accueil du bâtiment B.", "FAQ badges")


def test_a_noun_makes_the_pronoun_clear() -> None:
    text = "## Pourquoi la connexion échoue-t-elle ?\n\nLa connexion échoue parce que le certificat a expiré."
    assert "Pourquoi la connexion échoue-t-elle, d'après la page « FAQ VPN » ?" in asked(text, "FAQ VPN")


@pytest.mark.parametrize(
    "body",
    ["", "Voir https://exemple.fr.", "Ainsi, le badge est remis par l'accueil.", "| a | b |\n|---|---|\n| c | d |"],
)
def test_what_is_no_plain_answer_is_not_asked(body: str) -> None:
    assert not asked(f"## Comment obtenir un badge ?\n\n{body}", "FAQ badges")


PARTS = st.sampled_from(
    [
        "## Où est le badge ?",
        "**Où est le badge ?**",
        "Q: Où est-il ?",
        "A: Ici.",
        "Il est à l'accueil, au fond.",
        "- un",
        "- deux",
        "",
        "```",
        "?",
    ]
)


@given(st.lists(PARTS, max_size=10).map("\n".join), st.sampled_from(["", "FAQ", "Où est le badge ?"]))
def test_any_text_is_read(text: str, title: str) -> None:
    for _, one in faq(document(text, title=title)):
        assert one.question.endswith(" ?")
        assert one.quote in text


def test_half_of_an_enumeration_is_no_answer() -> None:
    text = "## Quelles pièces faut-il fournir ?\n\nIl faut fournir une pièce d'identité.\n\nEt aussi un justificatif de domicile."
    assert not asked(text, "FAQ badges")
    assert asked(text.replace("Quelles pièces faut-il", "Faut-il une pièce à"), "FAQ badges")


def test_words_that_run_into_each_other_are_no_answer() -> None:
    assert not asked("## Faut-il un badge ?\n\nPar la DSI.Elle remet un badge à chacun.", "FAQ badges")
    assert not asked("## Faut-il un badge ?\n\nOui !Le badge est remis par l'accueil.", "FAQ badges")
