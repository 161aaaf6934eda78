"""Questions asked in other words without a model: what each form looks like, and that nothing protected changes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.augment.acronyms import acronyms
from finetune.augment.augmented import CHANGED, augmented, lossy
from finetune.augment.paraphrase import paraphrases
from finetune.augment.protected import unchanged
from finetune.drops import Drops
from finetune.examples import Example, Type
from retrieval.text import detect_language
from retrieval.types import Language


def example(question: str, language: Language = "fr", type: Type = "which") -> Example:
    return Example(question, "Réponse [chunk_1].", type, language, (1,), ("d.md",), "rule-based", "field.1")


def said(question: str, language: Language = "fr", type: Type = "which", text: str = "", seed: int = 0) -> list[str]:
    """Every paraphrase without slips."""
    made = paraphrases(example(question, language, type), text, random.Random(f"{seed}:{question}"))
    slips = {"typo", "lower", "no-accents", "no-mark"}
    return [other for form, other in made if not slips & set(form.split("+"))]


@pytest.mark.parametrize(
    ("question", "others"),
    [
        ("Qui héberge GIDAF ?", [
            "Qui assure l'hébergement de GIDAF ?", "Quel est l'hébergeur de GIDAF ?", "Pouvez-vous me dire qui héberge GIDAF ?",
            "Dis-moi qui héberge GIDAF.", "Bonjour, qui héberge GIDAF ?", "hébergeur GIDAF",
        ]),
        ("Quel est le port de Redis ?", [
            "Pour Redis, quel est le port ?", "port Redis", "C'est quoi le port de Redis ?", "J'aimerais savoir quel est le port de Redis.",
            "Donne-moi le port de Redis.", "Sur quel port écoute Redis ?", "Redis : quel est le port ?",
        ]),
        ("Quelle est la licence d'Apache ?", ["licence Apache", "Je cherche la licence d'Apache.", "Quelle licence utilise Apache ?"]),
        ("Qui gère le RGPD ?", ["Qui assure la gestion du RGPD ?", "Qui s'occupe du RGPD ?"]),
        ("Qui gère les agents ?", ["Qui assure la gestion des agents ?"]),
        ("À quoi sert la CNIL ?", ["Quelle est l'utilité de la CNIL ?", "Explique-moi à quoi sert la CNIL."]),
        ("Gitea est-il libre ?", ["Est-ce que Gitea est libre ?", "Gitea est libre ?", "Dis-moi si Gitea est libre."]),
        ("Y a-t-il un client pour NATS ?", ["Savez-vous s'il y a un client pour NATS ?"]),
        ("Quand Redis a-t-il été créé ?", ["Quand est-ce que Redis a été créé ?", "Tu sais quand Redis a été créé ?"]),
        ("Comment puis-je installer Gitea ?", ["Peux-tu m'expliquer comment je peux installer Gitea ?"]),
        ("Comment installer Gitea ?", ["Quelles sont les étapes pour installer Gitea ?", "Comment faire pour installer Gitea ?"]),
        ("Quelles applications utilisent Go ?", [
            "Liste les applications qui utilisent Go.", "Quelles sont les applications qui utilisent Go ?",
        ]),
        ("Que fait la commande dump ?", ["Peux-tu m'expliquer ce que fait la commande dump ?"]),
        ("Quelle différence y a-t-il entre Redis et Gitea ?", ["Quelle est la différence entre Redis et Gitea ?"]),
    ],
)  # fmt: skip
def test_french_questions_are_put_otherwise(question: str, others: Sequence[str]) -> None:
    assert set(others) <= set(said(question))


def test_what_a_thing_is() -> None:
    others = said("Qu'est-ce qu'une donnée sensible ?", type="definition")
    assert {"C'est quoi une donnée sensible ?", "Peux-tu me dire ce qu'est une donnée sensible ?"} <= set(others)
    assert "J'aimerais savoir ce que sont les cookies." in said("Qu'est-ce que les cookies ?", type="definition")
    assert "Could you tell me what a realm is?" in said("What is a realm?", "en", "definition")


@pytest.mark.parametrize(
    ("question", "others"),
    [
        ("What is the port of Redis?", [
            "Could you tell me what the port of Redis is?", "For Redis, what is the port?", "Redis port", "What is Redis's port?",
            "Give me the port of Redis.", "Which port does Redis listen on?", "What's the port of Redis?",
        ]),
        ("Who created NATS?", ["Who is the creator of NATS?", "Who was NATS created by?", "I'd like to know who created NATS."]),
        ("Does Caddy support QUIC?", ["Do you know whether Caddy supports QUIC?"]),
        ("When did Microsoft buy Mattermost?", ["Tell me when Microsoft bought Mattermost."]),
        ("Which port does NATS use?", ["What port does NATS use?", "Could you tell me which port NATS uses?"]),
        ("Is Gitea written in Go?", ["Can you tell me whether Gitea is written in Go?"]),
        ("How do I install Caddy?", ["What are the steps to install Caddy?", "Can you explain how I install Caddy?"]),
        ("Which applications are written in Go?", ["List the applications that are written in Go."]),
        ("How many trust levels are there in Discourse?", ["I need to know how many trust levels there are in Discourse."]),
    ],
)  # fmt: skip
def test_english_questions_are_put_otherwise(question: str, others: Sequence[str]) -> None:
    assert set(others) <= set(said(question, "en"))


@pytest.mark.parametrize(
    ("question", "language", "wrong"),
    [
        ("What is the Dutch word used for it?", "en", "word used for it is"),
        ("What impact did Huguenot immigration have?", "en", "immigrationed"),
        ("Quelle forme le rhinocéros a t il ?", "fr", "savoir quelle forme"),
        ("Que faire en cas de panne ?", "fr", "savoir ce que faire"),
        ("Qui est le maire ?", "fr", "donne-moi"),
        ("Quel est le directeur de Renault ?", "fr", "C'est quoi"),
        ("Quand GIDAF a-t-il été créé et par qui est-il géré ?", "fr", "J'aimerais savoir"),
    ],
)
def test_what_is_not_sure_to_be_right_is_not_said(question: str, language: Language, wrong: str) -> None:
    assert not [other for other in said(question, language) if wrong.casefold() in other.casefold()]


def test_an_acronym_that_the_text_explains_takes_the_place_of_what_it_means() -> None:
    text = "L'Agence nationale de la cohésion des territoires (ANCT) soutient les communes."
    assert "Que fait l'ANCT ?" in said("Que fait l'Agence nationale de la cohésion des territoires ?", text=text)
    assert "Que fait l'ANCT ?" not in said("Que fait l'Agence nationale de la cohésion des territoires ?")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "RGPD (règlement général sur la protection des données)",
            {"RGPD": "règlement général sur la protection des données"},
        ),
        (
            "la Direction interministérielle du numérique (DINUM)",
            {"DINUM": "Direction interministérielle du numérique"},
        ),
        ("the World Health Organization (WHO) says", {"WHO": "World Health Organization"}),
        ("Elle a été fondée en 1901 (ONG).", {}),
        ("Pôle emploi public (PEP), puis Plan d'épargne populaire (PEP)", {}),
        ("", {}),
    ],
)
def test_acronyms_are_taken_where_their_letters_agree(text: str, found: dict[str, str]) -> None:
    assert acronyms(text) == found


def test_slips_are_few_and_spare_the_names() -> None:
    question = "Quel est l'état d'avancement de Prévenir les risques ?"
    title = "Prévenir les risques"
    made = dict(paraphrases(example(question), "", random.Random("1"), [title]))
    assert {"typo", "lower", "no-accents", "no-mark", "lower+no-accents"} <= set(made)
    assert made["no-accents"] == "Quel est l'etat d'avancement de Prevenir les risques ?"
    assert made["lower+no-accents"] == "quel est l'etat d'avancement de prevenir les risques"
    assert made["typo"] != question
    assert title in made["typo"]
    assert made["typo"].split()[0] == "Quel"


def test_a_name_in_small_letters_is_known_from_the_text() -> None:
    text = "ActiveMQ also speaks STOMP. The port of STOMP is 61613, and the port of AMQP 5672."
    asked = example("activemq stomp port", "en")
    made = list(augmented(asked, text, [], random.Random("1"), drops := Drops()))
    assert not drops.counts
    assert made
    assert all("stomp" in other.question and "activemq" in other.question for other in made)
    assert all(set(other.form.split("+")) & {"typo", "no-mark"} for other in made)  # no question, so no courtesy either


def test_what_is_no_question_of_a_known_kind_has_slips_only() -> None:
    forms = {form for form, _ in paraphrases(example("Mon dossier est bloqué. Que faire ?"), "", random.Random("1"))}
    assert forms
    assert all(set(form.split("+")) <= {"typo", "lower", "no-accents", "no-mark"} for form in forms)


NAMES = st.sampled_from(
    ["GIDAF", "Redis", "l'Urssaf", "Apache HTTP Server", "1 élève, 1 stage", "Où est mon colis ?", "Protect'Envi", "C++", "k8s",
     "À nous de jouer !", "Aides à la réno", "acme.json", "La Bonne Boîte", "SI-RAPP 2.1", "« Le Cid »", "Les Cols Verts", "deux",
     "https://a.org/b?c=1", "/etc/nginx", "Toutes et tous connecté·e·s", "What?", "10 000", "OK", "Let's Encrypt"]
) | st.text(min_size=1, max_size=12)  # fmt: skip
FRAMES = st.sampled_from(
    [("fr", "Qui héberge {} ?"), ("fr", "Quel est le port de {} ?"), ("fr", "Qu'est-ce que {} ?"), ("fr", "{} est-il libre ?"),
     ("fr", "Quelles applications utilisent {} ?"), ("fr", "Comment installer {} en 2024 ?"), ("fr", "Quand {} a-t-il 3 ans ?"),
     ("fr", "Quelle est la différence entre {} et Gitea ?"), ("fr", "Liste les agents de {}."), ("fr", "{}"),
     ("en", "What is the port of {}?"), ("en", "Who created {}?"), ("en", "Does {} support HTTP/3?"), ("en", "What is {}?"),
     ("en", "Which applications use {}?"), ("en", "When was {} released in 2024?"), ("en", "How do I install {}?"),
     ("en", "What is {}'s licence?"), ("en", "Is {} older than Gitea?"), ("en", "list {}"), ("en", "{}")]
)  # fmt: skip


@given(FRAMES, NAMES, st.integers(0, 5), st.booleans())
def test_names_numbers_and_codes_never_change(frame: tuple[Language, str], name: str, seed: int, named: bool) -> None:
    language, text = frame
    asked, names = example(text.format(name), language, "definition" if seed % 2 else "which"), [name] if named else []
    for form, other in paraphrases(asked, "", random.Random(seed), names):
        assert unchanged(asked.question, other, language, names, folded=lossy(form)), (asked.question, form, other)
        assert other not in ("", asked.question)


@given(FRAMES, NAMES, st.integers(0, 3))
def test_the_same_seed_gives_the_same_in_the_same_order(frame: tuple[Language, str], name: str, seed: int) -> None:
    asked = example(frame[1].format(name), frame[0])
    one, other = (list(paraphrases(asked, "", random.Random(f"{seed}"), [name])) for _ in range(2))
    assert one == other
    assert len({question for _, question in one}) == len(one)


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["fr", "en"]))
def test_any_text_can_be_asked_about(question: str, text: str, language: Language) -> None:
    drops = Drops()
    for other in augmented(example(question, language), text, [text[:9]], random.Random("1"), drops):
        assert other.method == "augmented"


def test_the_answer_stays_and_the_form_says_what_was_done() -> None:
    asked = example("Quel est le port de Redis ?")
    made = list(augmented(asked, "", ["Redis"], random.Random("1"), drops := Drops()))
    assert not drops.counts
    assert {(other.answer, other.gold, other.documents, other.type) for other in made} == {
        (asked.answer, asked.gold, asked.documents, asked.type)
    }
    assert {"field.1+typo", "field.1+keywords", "field.1+fronted"} <= {other.form for other in made}
    assert len({other.id for other in made}) == len(made)
    assert len({form for other in made[:6] for form in [other.form]}) == 6  # the first few are of different kinds
    assert all(detect_language(other.question, "fr") == "fr" for other in made)


def test_what_a_paraphrase_would_change_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "finetune.augment.augmented.paraphrases",
        lambda *_: iter([("typo", "Port de Rediss ?"), ("typo", "Port d Redis ?")]),
    )
    drops = Drops()
    (kept,) = augmented(example("Port de Redis ?"), "", ["Redis"], random.Random("1"), drops)
    assert kept.question == "Port d Redis ?"
    assert drops.counts == {CHANGED: 1}
    assert drops.examples() == {CHANGED: ["Port de Redis ? -> Port de Rediss ?"]}
