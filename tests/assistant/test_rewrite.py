"""Follow-ups by rules: what is rewritten, into what, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.base import Turn
from assistant.rewrite import standalone
from assistant.rewrite.rules import LONGEST

REDIS_FR = (Turn("Quelle est la licence de Redis ?", "BSD [chunk_3]", "", ("Redis",)),)
REDIS_EN = (Turn("What is the licence of Redis?", "BSD [chunk_3]", "", ("Redis",)),)


def rewritten(question: str, *history: Turn) -> str:
    made = standalone(question, history)
    return made.text if made else ""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # pronouns
        ("Dans quelle phase est-il ?", "Dans quelle phase Redis est-il ?"),
        ("Est-il écrit en C ?", "Redis est-il écrit en C ?"),
        ("A-t-elle une API ?", "Redis a-t-elle une API ?"),
        ("À quoi sert-il ?", "À quoi Redis sert-il ?"),
        ("Elle coûte combien ?", "Redis coûte combien ?"),
        ("Depuis quand existe-t-il ?", "Depuis quand Redis existe-t-il ?"),
        ("Qui l'a créé ?", "Qui a créé Redis ?"),
        ("Qui la sponsorise ?", "Qui sponsorise Redis ?"),
        ("Quel incubateur le porte ?", "Quel incubateur porte Redis ?"),
        ("Comment l'installer ?", "Comment installer Redis ?"),
        ("Comment y accéder ?", "Comment accéder à Redis ?"),
        ("Qui y travaille ?", "Qui travaille à Redis ?"),
        ("Qui en est responsable ?", "Qui est responsable de Redis ?"),
        ("Qui s'en sert ?", "Qui se sert de Redis ?"),
        ("Que peut-on faire avec lui ?", "Que peut-on faire avec Redis ?"),
        ("Comment ça marche ?", "Comment Redis marche ?"),
        ("C'est gratuit ?", "Redis, c'est gratuit ?"),
        ("Est-ce libre ?", "Redis est-il libre ?"),
        ("C'est quoi ?", "Qu'est-ce que Redis ?"),
        ("Celui-ci a-t-il un port ?", "Redis a-t-il un port ?"),
        # possessives
        ("Quel est son port ?", "Quel est le port de Redis ?"),
        ("Quelle est son histoire ?", "Quelle est l'histoire de Redis ?"),
        ("Qui sont leurs clients ?", "Qui sont les clients de Redis ?"),
        # descriptions
        ("Qui porte ce projet ?", "Qui porte Redis ?"),
        ("L'application est-elle libre ?", "Redis est-elle libre ?"),
        ("Quel est le but du produit ?", "Quel est le but de Redis ?"),
        ("Quel est le statut ?", "Quel est le statut de Redis ?"),
        # ellipsis
        ("Et le port ?", "Le port de Redis ?"),
        ("Et son incubateur ?", "L'incubateur de Redis ?"),
        ("Le port ?", "Le port de Redis ?"),
        ("Et côté licence ?", "Licence de Redis ?"),
        ("Et pour Gitea ?", "Quelle est la licence de Gitea ?"),
        ("et gitea ?", "Quelle est la licence de gitea ?"),
        ("Gitea ?", "Quelle est la licence de Gitea ?"),
        ("Et celle d'Archifiltre ?", "Quelle est la licence d'Archifiltre ?"),
        ("Même question pour Gitea", "Quelle est la licence de Gitea ?"),
        ("Qu'en est-il de Gitea ?", "Quelle est la licence de Gitea ?"),
        ("Gitea, pareil ?", "Quelle est la licence de Gitea ?"),
        ("Et NATS, c'est quoi ?", "Qu'est-ce que NATS ?"),
        # corrections
        ("Non, le port", "Le port de Redis ?"),
        ("Je voulais dire Gitea", "Quelle est la licence de Gitea ?"),
    ],
)
def test_a_french_follow_up_becomes_a_question_of_its_own(question: str, expected: str) -> None:
    assert rewritten(question, *REDIS_FR) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who created it?", "Who created Redis?"),
        ("Does it support TLS?", "Does Redis support TLS?"),
        ("What language is it written in?", "What language is Redis written in?"),
        ("How do they make money?", "How do Redis make money?"),
        ("What does that mean?", "What does Redis mean?"),
        ("Who maintains that project?", "Who maintains Redis?"),
        ("What is its port?", "What is Redis's port?"),
        ("Is the application free?", "Is Redis free?"),
        ("What are the benefits?", "What are the benefits of Redis?"),
        ("And its port?", "Redis's port?"),
        ("and the port?", "The port of Redis?"),
        ("What about NATS?", "What is the licence of NATS?"),
        ("And for NATS?", "What is the licence of NATS?"),
        ("NATS?", "What is the licence of NATS?"),
        ("Same question for NATS", "What is the licence of NATS?"),
        ("No, I meant the port.", "The port of Redis?"),
        ("How can I get one?", "How can I get Redis?"),
    ],
)
def test_an_english_follow_up_becomes_a_question_of_its_own(question: str, expected: str) -> None:
    assert rewritten(question, *REDIS_EN) == expected


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("How fast does sound travel in air?", "in water?", "How fast does sound travel in water?"),
        ("What is the difference between A4 and B5?", "Which is better?", "Which is better between A4 and B5?"),
        ("Qui de MySQL ou MariaDB date ?", "Lequel est le plus rapide ?", "Lequel est le plus rapide entre MySQL et MariaDB ?"),
        ("who led the quit india movement", "When did the movement start?", "When did quit india movement start?"),
        ("What is the great wall of China built out of", "How long is the Wall?", "How long is great wall of China?"),
        ("where was the cotton gin invented", "Is it used today?", "Is the cotton gin used today?"),
        ("Is there a limit on documents?", "Not documents, I was asking for attachments?", "Is there a limit on attachments?"),
        ("Is Red Hat OpenShift free?", "What benefits does it offer?", "What benefits does Red Hat OpenShift offer?"),
        ("what is the defense of marriage act 1996", "population back then", "Population back then in the defense of marriage act 1996"),
    ],
)  # fmt: skip
def test_the_topic_is_what_the_last_question_was_about(before: str, question: str, expected: str) -> None:
    assert rewritten(question, Turn(before, "")) == expected


@pytest.mark.parametrize(
    "question",
    [
        # about something else
        "Quelle est la licence de Gitea ?", "Qu'est-ce que Gitea ?", "Comment installer PostgreSQL ?",
        "Gitea est-il libre ?", "Comment Gitea stocke-t-il ses données ?", "Gitea, quel est son port ?",
        "Quels logiciels sont sous licence MIT ?", "Quel pays a vu son économie s'effondrer ?",
        "Quand la commune a-t-elle vendu ses terrains ?", "Pour qui la loi est-elle faite ?",
        "À qui le logiciel libre profite-t-il ?", "Où trouve-t-on la bibliothèque de Babel ?",
        # pointing nowhere
        "Il pleut ?", "Il y a combien de communes en France ?", "Y a-t-il une piscine à Lyon ?", "Combien y a t il d'élèves ?",
        "Faut-il un compte pour publier ?", "Est-il possible de payer en ligne ?", "Quelle heure est-il ?",
        "Existe-t-il un outil pour signer ?", "Est-ce que Gitea est libre ?", "C'est quoi Gitea ?", "De quoi s'agit-il ?",
        "Comment déclarer ses revenus ?", "Que se passe-t-il après une élection ?",
        # defined by what follows
        "Quel est le prix de l'essence ?", "Quel est l'auteur du livre de Manon ?", "Quelle est la capitale du Pérou ?",
        # words and courtesy
        "merci", "bonjour", "sauvegarde des données", "Autre question : le port ?",
    ],
)  # fmt: skip
def test_a_french_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert rewritten(question, *REDIS_FR) == ""


@pytest.mark.parametrize(
    "question",
    [
        "What is the port of NATS?", "What is Traefik?", "What is photosynthesis?", "Who lives in Paris?",
        "When did Normandy lose its independence?", "How does a hash table work when it is full?",
        "How do volcanoes form, according to the people who study them?", "Which team lost its first game?",
        "Is it raining?", "Is it possible to use PostgreSQL?", "How long does it take to fly to Mars?", "What time is it?",
        "What does it mean for a knot to be prime?", "Was it determined how many would come?",
        "Is it true that NATS is written in Go?", "Are there any rivers in Spain?", "Who said that Redis is fast?",
        "What is the church that was built in 1200?", "What is the price of the petrol?",
        "What happened at the latter half of the century?",
        "thanks", "worker node", "NATS", "Changing the subject, what is the port?", "How many are sold this year in China?",
    ],
)  # fmt: skip
def test_an_english_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert rewritten(question, *REDIS_EN) == ""


def test_without_history_nothing_is_rewritten() -> None:
    assert standalone("Et le port ?", ()) is None
    assert standalone("Et le port ?", (Turn("???", ""),)) is None


def test_the_topic_is_carried_through_follow_ups() -> None:
    history = [Turn("Quelle est la licence de Redis ?", "", "", ("Redis",))]
    for question, expected in [
        ("Et le port ?", "Le port de Redis ?"),
        ("Qui l'a créé ?", "Qui a créé Redis ?"),
        ("Et pour Gitea ?", "Qui a créé Gitea ?"),
        ("Son port ?", "Le port de Gitea ?"),
        ("Dans quelle phase est-il ?", "Dans quelle phase Gitea est-il ?"),
    ]:
        made = rewritten(question, *history)
        assert made == expected
        history.append(Turn(question, "", made))


def test_a_question_with_a_name_changes_the_topic() -> None:
    history = (Turn("Quelle est la licence de Redis ?", ""), Turn("Quel port écoute PostgreSQL ?", ""))
    assert rewritten("Qui l'a créé ?", *history) == "Qui a créé PostgreSQL ?"


def test_courtesy_in_between_changes_nothing() -> None:
    history = (*REDIS_FR, Turn("merci !", "De rien."))
    assert rewritten("Quel est son port ?", *history) == "Quel est le port de Redis ?"


def test_a_title_is_taken_as_it_is_written_in_the_documents() -> None:
    history = (Turn("dans quelle phase se trouve ma cantine ?", "", "", ("Ma Cantine",)),)
    assert rewritten("Qui l'incube ?", *history) == "Qui incube Ma Cantine ?"


def test_the_only_cited_title_is_the_topic_of_a_question_without_a_name() -> None:
    history = (Turn("Quel logiciel range les pages en livres ?", "", "", ("BookStack",)),)
    assert rewritten("Quelle est sa licence ?", *history) == "Quelle est la licence de BookStack ?"


def test_he_is_the_person_the_answer_names() -> None:
    history = (Turn("Who created NATS?", "NATS — Creator: Derek Collison [chunk_112]", "", ("NATS",)),)
    assert rewritten("What else did he create?", *history) == "What else did Derek Collison create?"
    assert rewritten("What is its licence?", *history) == "What is NATS's licence?"


def test_a_short_question_is_asked_in_the_language_of_the_conversation() -> None:
    assert rewritten("Gitea ?", *REDIS_FR) == "Quelle est la licence de Gitea ?"
    assert rewritten("NATS?", *REDIS_EN, Turn("ok", "")) != ""


def test_why_is_told() -> None:
    reasons = {
        q: made.reason
        for q in ("Qui l'a créé ?", "Son port ?", "Et Gitea ?", "Non, le port")
        if (made := standalone(q, REDIS_FR))
    }
    assert reasons == {
        "Qui l'a créé ?": "pronoun", "Son port ?": "possessive", "Et Gitea ?": "ellipsis", "Non, le port": "correction",
    }  # fmt: skip


# any text --------------------------------------------------------------------------------------------------------------

WORDS = (
    "et and it its son sa le la the Redis Gitea port licence ? . , - ' ’ qui who l' d' y en il elle est-il a-t-il ce projet this that "
    "what about pour for non no pourquoi why « » [chunk_3] 42 été Éa ÿ ß œ \n \t quel quelle of de more plus between entre"
).split(" ")
TALK = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=60)
TURNS = st.lists(st.builds(Turn, TALK, TALK, TALK | st.just(""), st.lists(TALK, max_size=2).map(tuple)), max_size=4)


@given(TALK, TURNS, st.sampled_from(["fr", "en", None]))
def test_any_question_after_any_history_is_rewritten_to_one_bounded_line_or_not_at_all(
    question: str, history: list[Turn], language: str | None
) -> None:
    made = standalone(question, history, language)  # type: ignore[arg-type]
    if made is not None:
        assert history
        assert made.reason
        assert 0 < len(made.text) <= LONGEST
        assert made.text.splitlines() == [made.text]
        assert made.text == made.text.strip()


@given(TALK, TURNS)
def test_what_was_rewritten_stands_alone(question: str, history: list[Turn]) -> None:
    made = standalone(question, history)
    if made is not None:
        assert standalone(made.text, history) is None


@given(st.text(min_size=200, max_size=900), TURNS)
def test_long_questions_and_histories_are_no_trouble(text: str, history: list[Turn]) -> None:
    made = standalone(text, [*history, Turn(text, text, "", (text,))])
    assert made is None or len(made.text) <= LONGEST
