"""Follow-ups by rules, where a wrong rewrite is worse than none: other subjects, remarks, refusals, swaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.base import Turn
from assistant.rewrite import is_small_talk, standalone

PORT_FR = Turn("Quel port écoute PostgreSQL ?", "5432 [chunk_1]", "", ("PostgreSQL",))
PORT_EN = Turn("What port does PostgreSQL use?", "5432 [chunk_1]", "", ("PostgreSQL",))
BACKUPS = Turn("How often are PostgreSQL backups made?", "Daily [chunk_2]", "", ("Backups",))
LEAVE = Turn("Combien de jours de congés pour les RTT ?", "12 [chunk_3]", "", ("Congés",))


def rewritten(question: str, *history: Turn) -> str:
    made = standalone(question, history)
    return made.text if made else ""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Et Redis, combien de bases ?", ""),
        ("Et Gitea alors, quel port ?", ""),
        ("ok et Redis, quel port ?", ""),
        ("And Redis, what port?", ""),
        ("Et nginx, il écoute où ?", "Nginx écoute où ?"),
        ("et nginx il écoute où ?", "Nginx écoute où ?"),
        ("nginx, il écoute où ?", ""),
        ("And nginx, where does it listen?", "Where does nginx listen?"),
        ("Et Redis, c'est quoi ?", "Qu'est-ce que Redis ?"),
    ],
)
def test_a_question_that_names_its_subject_first_is_about_that(question: str, expected: str) -> None:
    assert rewritten(question, PORT_FR) == expected


@pytest.mark.parametrize("history", [(PORT_EN,), (BACKUPS,), (PORT_FR,)], ids=["port", "backups", "port fr"])
@pytest.mark.parametrize(
    "question",
    [
        "What is the weather like?", "What's the weather?", "What time is it?", "Who won the election?", "How hot is it in Rome?",
        "Who is the president?", "What is the best movie?", "Where is the toilet?", "What is the meaning of life?",
        "capital of Peru?", "And the capital of Peru?", "And the weather?", "And the weather in Paris?",
        "Quel temps fait-il à Lyon ?", "Il fait beau ?", "Quel est le prix de l'essence ?", "Et le prix de l'essence ?",
        "Combien font 2 + 2 ?", "Combien coûte le pain ?", "Qui a gagné l'élection ?", "Et qui a gagné l'élection ?",
        "Quelle heure est-il ?", "Quelle est la capitale ?", "Et la météo ?", "Et l'année dernière ?",
    ],
)  # fmt: skip
def test_what_belongs_to_no_topic_is_left_alone(question: str, history: tuple[Turn, ...]) -> None:
    assert rewritten(question, *history) == ""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Quelle version ?", "Quelle version de PostgreSQL ?"),
        ("Quel est le prix ?", "Quel est le prix de PostgreSQL ?"),
        ("À quelle fréquence ?", "À quelle fréquence pour PostgreSQL ?"),
        ("Comment on le sauvegarde ?", "Comment on sauvegarde PostgreSQL ?"),
        ("Comment on le sauvegarde sur le NAS ?", "Comment on sauvegarde PostgreSQL sur le NAS ?"),
        ("Comment l'installer sur Debian ?", "Comment installer PostgreSQL sur Debian ?"),
        ("et pour le sauvegarder ?", "Comment sauvegarder PostgreSQL ?"),
        ("Et pour le restaurer ?", "Comment restaurer PostgreSQL ?"),
        ("et pour le mettre à jour ?", ""),
        ("et pour le dossier ?", ""),
        ("et pour le port ?", "Le port de PostgreSQL ?"),
        ("et avec Docker ?", ""),
    ],
)
def test_fields_and_deeds_are_those_of_the_topic(question: str, expected: str) -> None:
    assert rewritten(question, PORT_FR) == expected


@pytest.mark.parametrize("question", ["Who is the author?", "What is the default port?"])
def test_english_fields_are_those_of_the_topic(question: str) -> None:
    assert rewritten(question, PORT_EN) == question.replace("?", " of PostgreSQL?")


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("Quelle est la licence de PostgreSQL ?", "Pourquoi ?", ""),
        ("Quelle est la licence de PostgreSQL ?", "Depuis quand ?", ""),
        ("Quelle est la licence de PostgreSQL ?", "Qui l'a décidé ?", ""),
        ("Nombre minimum de caractères d'un mot de passe ?", "Depuis quand ?", ""),
        ("Combien de jours de congés pour les RTT ?", "pourquoi ?", ""),
        ("What port does PostgreSQL use?", "Why?", ""),
        ("What port does PostgreSQL use?", "Who decided that?", ""),
        ("Who created NATS?", "When?", "When was NATS created?"),
        ("When did the movement start?", "Why?", "Why did the movement start?"),
        ("Is Redis free?", "since when?", "Since when is Redis free?"),
        ("Comment sauvegarder PostgreSQL ?", "Pourquoi ?", "Pourquoi sauvegarder PostgreSQL ?"),
        ("Redis est-il libre ?", "depuis quand ?", "Depuis quand Redis est-il libre ?"),
    ],
)
def test_a_question_word_alone_makes_a_sentence_or_nothing(before: str, question: str, expected: str) -> None:
    assert rewritten(question, Turn(before, "")) == expected


REMARKS = [
    "merci", "thanks!", "ok", "yes", "oui", "non", "bonjour", "hello", "t'es nul", "tu es sûr ?", "tu es sûr que c'est 3306 ?",
    "are you sure?", "what can you do?", "traduis en anglais", "cool", "hein ?", "why not?", "ok merci", "tell me more", "résume",
]  # fmt: skip


@pytest.mark.parametrize("remark", REMARKS)
def test_remarks_are_left_alone_and_never_leaned_on(remark: str) -> None:
    assert rewritten(remark, PORT_FR) in ("", "PostgreSQL")
    assert rewritten("what about MongoDB", PORT_EN, Turn(remark, "…")) == "What port does MongoDB use?"
    assert rewritten("et pour Redis ?", PORT_FR, Turn(remark, "…")) == "Quel port écoute Redis ?"
    assert rewritten("et pour Redis ?", Turn(remark, "…")) == ""


@pytest.mark.parametrize("before", ["How do you do a backup of Redis?", "Are you able to tell me the port of Redis?"])
def test_a_question_that_only_sounds_like_a_remark_is_leaned_on(before: str) -> None:
    assert rewritten("What is its licence?", Turn(before, "")) == "What is Redis's licence?"


@pytest.mark.parametrize("question", ["tell me more", "Dis-m'en plus", "résume", "Peux-tu m'en dire plus ?"])
def test_more_is_asked_about_the_topic(question: str) -> None:
    assert rewritten(question, PORT_FR) == "PostgreSQL"


@pytest.mark.parametrize(
    "text",
    ["merci", "Merci beaucoup !", "merci pour ta réponse", "thanks!", "Thank you very much :)", "ok", "OK, merci.", "yes", "non",
     "Bonjour", "hello?", "ça va ?", "super, merci", "d'accord", "Bonjour à tous", "👍 merci", "thanks for your help"],
)  # fmt: skip
def test_courtesies_are_small_talk(text: str) -> None:
    assert is_small_talk(text)


@pytest.mark.parametrize(
    "text",
    ["", "?", "👍", "merci, et le port ?", "ok Redis", "ça marche ?", "non ?", "t'es nul", "what can you do?", "résume", "hello world",
     "Merci de me donner le port", "what is OK?", "no, the port", "Oui mais pourquoi ?", "yes or no", "Super-U", "bonjour " * 40],
)  # fmt: skip
def test_what_asks_or_says_something_is_no_small_talk(text: str) -> None:
    assert not is_small_talk(text)


@given(st.text(max_size=400) | st.sampled_from(["!", " ", "ok ", "merci ", "a,"]).map(lambda part: part * 3000))
def test_any_text_is_small_talk_or_not_and_the_marks_around_it_change_nothing(text: str) -> None:
    assert is_small_talk(text) == is_small_talk(f" {text} ")


def test_a_refused_question_is_not_leaned_on() -> None:
    refused = Turn("Qui a gagné la coupe du monde ?", "Je ne sais pas.", refused=True)
    assert rewritten("son port ?", PORT_FR, refused) == "Le port de PostgreSQL ?"
    assert rewritten("et pour Redis ?", PORT_FR, refused) == "Quel port écoute Redis ?"


def test_when_nothing_was_answered_a_refused_question_may_be_asked_of_another() -> None:
    refused = Turn("Quelle est la licence de Gitae ?", "Je ne sais pas.", refused=True)
    assert rewritten("Et pour Gitea ?", refused) == "Quelle est la licence de Gitea ?"
    assert rewritten("Non, je parlais de Gitea", refused) == "Quelle est la licence de Gitea ?"
    assert rewritten("Et le port ?", refused) == ""
    assert rewritten("Qui l'a créé ?", refused) == ""


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("Quelles applications sont écrites en Go ?", "et en Rust ?", "Quelles applications sont écrites en Rust ?"),
        ("Quelles applications sont écrites en Go ?", "et en python ?", "Quelles applications sont écrites en python ?"),
        ("Quelles applications sont écrites en Go ?", "lesquelles sont sous licence MIT ?", ""),
        ("What is the address of the office in Paris?", "and in Lyon?", "What is the address of the office in Lyon?"),
        ("What is the address of the office in Paris?", "And the one in Lyon?", "What is the address of the office in Lyon?"),
        ("What is Jean's phone number?", "and Marie's?", "What is Marie's phone number?"),
        ("What is Jean's phone number?", "What about Marie's?", "What is Marie's phone number?"),
        ("What is Jean's phone number?", "And Marie?", "What is Marie's phone number?"),
        ("What port does PostgreSQL use?", "same for MySQL please", "What port does MySQL use?"),
        ("What port does PostgreSQL use?", "and redis?", "What port does redis use?"),
        ("What port does PostgreSQL use?", "No, I meant Redis.", "What port does Redis use?"),
        ("Quel port écoute PostgreSQL ?", "non, je parlais de Redis", "Quel port écoute Redis ?"),
        ("Quel port écoute PostgreSQL ?", "what about MongoDB", "Quel port écoute MongoDB ?"),
        ("Quel port écoute PostgreSQL ?", "et en production ?", "Quel port écoute PostgreSQL en production ?"),
        ("Which is faster, MySQL or MariaDB?", "Which one is older?", "Which one is older between MySQL and MariaDB?"),
        ("What port does PostgreSQL use?", "Which one is older?", ""),
        ("What port does PostgreSQL use?", "Which is older?", ""),
        ("Which is faster, Redis or MySQL or MariaDB?", "Which one is older?", ""),
        ("Redis et MySQL sont-ils libres ?", "Et Gitea ?", ""),
        ("Quelles applications sont écrites en Go ?", "et la plus ancienne ?", ""),
        ("What port does PostgreSQL use?", "and Gitea's licence?", ""),
        ("Quel port écoute PostgreSQL ?", "comment je l'installe ?", "Comment j'installe PostgreSQL ?"),
        ("Quel port écoute PostgreSQL ?", "C'est qui l'auteur ?", "C'est qui l'auteur de PostgreSQL ?"),
        ("Quel port écoute PostgreSQL ?", "Il est quelle heure ?", ""),
        ("Quel port écoute PostgreSQL ?", "Les deux ?", ""),
        ("Quel port écoute PostgreSQL ?", "et toi ?", ""),
    ],
)  # fmt: skip
def test_a_swap_puts_one_thing_in_the_place_of_another(before: str, question: str, expected: str) -> None:
    assert rewritten(question, Turn(before, "")) == expected


def test_a_group_takes_the_place_of_a_group() -> None:
    assert rewritten("et pour les stagiaires ?", LEAVE) == "Combien de jours de congés pour les stagiaires ?"


def test_a_page_an_answer_was_found_on_is_not_what_is_spoken_of() -> None:
    rules = Turn("Combien de jours de congés payés par an ?", "25", "", ("Règlement intérieur",))
    assert rewritten("Comment les poser ?", rules) == "Comment poser les jours de congés payés par an ?"
    assert rewritten("et le télétravail ?", rules) == ""
    wifi = Turn("What is the wifi password?", "…", "", ("Onboarding",))
    assert rewritten("How do I change it?", wifi) == "How do I change the wifi password?"
    chart = Turn("Qui est responsable du service comptabilité ?", "Marie Durand [chunk_1]", "", ("Organigramme",))
    assert rewritten("Quel est son numéro ?", chart) == "Quel est le numéro de Marie Durand ?"
    assert rewritten("et les ressources humaines ?", chart) == ""


@pytest.mark.parametrize("refused", [True, False])
def test_chains_hold_one_topic_in_one_language(refused: bool) -> None:
    history = [PORT_EN, Turn("What is 2+2?", "", refused=refused)]
    for question in (
        "and for Grafana?",
        "et pour Kafka ?",
        "what about MySQL",
        "why?",
        "et Redis ?",
        "merci",
        "and its licence?",
    ):
        made = rewritten(question, *history)
        assert sum(name in made for name in ("PostgreSQL", "Grafana", "Kafka", "MySQL", "Redis", "2+2")) <= 1, made
        assert not ("for " in made and "pour " in made)
        history.append(Turn(question, "", made))
