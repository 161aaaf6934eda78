"""Which questions train and which are tests: by their words alone, and near ones never on both sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turns import CANTEEN, GITEA, answer

from assistant.feedback.heldout import KEPT, NEAR, NEAR_TRAINING, Question, Rated, content_words, divide, held_out
from assistant.journal.values import Feedback, Interaction

TRAINS = ("Quel port écoute Gitea ?", "Qui a créé Redis ?", "Who created NATS?", "Combien de pages ?")
TESTS = ("La licence de PostgreSQL ?", "What is the license of NATS?", "Quel port écoute Moodle ?")


def rated(
    question: str, correction: str = "", *, at: float = 0.0, number: int = 1, status: str = "approved", rating: str = ""
) -> Rated:
    said = dataclasses.asdict(answer(question))
    kept = {field.name: said[field.name] for field in dataclasses.fields(Interaction) if field.name in said}
    more = {"passages": (GITEA, CANTEEN), "messages": (), "citations": (), "settings": {}, "author": "ana"}
    turn = Interaction(**{**kept, **more, "id": number, "session_id": 1, "created": 0.0})
    return Rated(turn, Feedback(number, "ana", rating, "", correction, status, "", "", at, at))  # type: ignore[arg-type]


def sides(*items: Rated) -> list[str]:
    """Where each goes: `train`, `test`, or why neither."""
    found = divide(items)
    return [_side(found.why_not_training(i.interaction), found.why_not_regression(i.interaction)) for i in items]


def _side(why_not_training: str, why_not_regression: str) -> str:
    assert why_not_training or why_not_regression, "never both"
    if not why_not_training:
        return "train"
    if not why_not_regression:
        return "test"
    return why_not_regression if why_not_training == KEPT else why_not_training


@pytest.mark.parametrize("question", TRAINS)
def test_these_train_for_good(question: str) -> None:
    assert not held_out(content_words(question))


@pytest.mark.parametrize("question", TESTS)
def test_these_are_tests_for_good(question: str) -> None:
    """Whoever changes the words that do not count, or the hash, makes tests of what models have been trained on."""
    assert held_out(content_words(question))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Quel port écoute PostgreSQL ?", {"port", "ecoute", "postgresql"}),
        ("Sur quel port l’application Œdipe est-elle ?", {"port", "application", "oedipe"}),
        ("What's the port that 3.2 listens on?", {"port", "3", "2", "listens"}),
        ("Et lui ?", {"et", "lui"}),
        ("??", {"??"}),
    ],
)
def test_content_words(question: str, words: set[str]) -> None:
    assert content_words(question) == words


@given(
    st.sampled_from([*TRAINS, *TESTS]), st.randoms(use_true_random=False), st.sampled_from(["", "quel est le", "The"])
)
def test_case_accents_order_and_small_words_do_not_matter(question: str, random: object, more: str) -> None:
    words = sorted(content_words(question))
    random.shuffle(words)  # type: ignore[attr-defined]
    asked = f"{more} {' '.join(words).upper()} !?"
    assert content_words(asked) == content_words(question)
    assert held_out(content_words(asked)) == held_out(content_words(question))


def test_about_one_question_in_five_is_held_out() -> None:
    asked = [
        content_words(f"Quel est le {what} de {name} ?") for what in ("port", "prix", "nom") for name in range(1000)
    ]
    assert 0.17 < sum(map(held_out, asked)) / len(asked) < 0.23


@pytest.mark.parametrize("rating", ["good", "bad"])
def test_an_answer_to_a_held_out_question_does_not_train(rating: str) -> None:
    """Its question may be corrected tomorrow; a rating alone is no test."""
    item = rated(TESTS[0], rating=rating)
    found = divide([item])
    assert found.why_not_training(item.interaction) == KEPT
    assert found.regression.near(Question(content_words(TESTS[0]))) is False


@pytest.mark.parametrize(
    ("trains", "tests", "near"),
    [
        ("port serveur Gitea", "port Gitea", True),  # a word more
        ("licence exacte de PostgreSQL", "licence PostgreSQL", True),
        ("sauvegarde base donnees serveur Gitea nuit", "sauvegarde base donnees serveur Gitea minuit", True),  # .71
        ("port Redis", "licence PostgreSQL", False),
        ("port ecoute Gitea", "port ecoute Squid", False),  # of three words one differs
    ],
)
def test_near_by_words(trains: str, tests: str, near: bool) -> None:
    found = divide([rated(trains, "Oui.", at=2.0)], [("regression", Question(content_words(tests)))])
    if not held_out(content_words(trains)):
        assert (found.why_not_training(rated(trains).interaction) == NEAR) is near
    else:
        found = divide([rated(trains, "Oui.", at=2.0)], [("training", Question(content_words(tests)))])
        assert (found.why_not_regression(rated(trains).interaction) == NEAR_TRAINING) is near


def test_a_long_question_about_two_documents_is_two_questions() -> None:
    said = content_words("date mise production reelle application Gitea")
    other = content_words("date mise production reelle application Squid")
    for documents, near in (({"a.md"}, True), ({"b.md"}, False), (set[str](), True)):
        held = divide([], [("regression", Question(said, {"a.md"}))]).regression
        assert held.near(Question(other, documents)) is near


def test_the_same_answer_from_the_same_document_is_near_whatever_the_words() -> None:
    test = rated(TESTS[2], "Moodle écoute le port 3000 [chunk_7].", at=1.0)
    lesson = rated("Which socket number does it bind?", "It binds 3000 [chunk_7].", at=2.0, number=2)
    other = rated("Which socket number does it bind?", "MIT [chunk_7].", at=2.0, number=2)
    assert sides(test, lesson) == ["test", NEAR]
    assert sides(test, other) == ["test", "train"]


def test_of_two_near_questions_the_first_keeps_its_place() -> None:
    test, lesson = "licence PostgreSQL", "licence exacte PostgreSQL"
    assert (held_out(content_words(test)), held_out(content_words(lesson))) == (True, False)
    for order in (1, -1):
        first = sides(*[rated(test, "MIT", at=1.0), rated(lesson, "MIT", at=2.0, number=2)][::order])
        assert first[::order] == ["test", NEAR]
        second = sides(*[rated(test, "MIT", at=2.0), rated(lesson, "MIT", at=1.0, number=2)][::order])
        assert second[::order] == [NEAR_TRAINING, "train"]


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_what_is_not_approved_stands_in_no_ones_way(status: str) -> None:
    found = sides(
        rated("licence PostgreSQL", "MIT", at=1.0, status=status), rated("licence exacte PostgreSQL", "MIT", at=2.0)
    )
    assert found[1] == "train"


WORDS = st.lists(st.sampled_from("port licence base serveur gitea redis nuit".split()), min_size=1, max_size=6)


@given(st.lists(WORDS, max_size=12))
def test_no_test_is_near_to_what_trains(questions: Sequence[Sequence[str]]) -> None:
    items = [rated(" ".join(words), "Oui.", at=float(n), number=n) for n, words in enumerate(questions)]
    placed = list(zip(items, sides(*items), strict=True))
    training = [content_words(i.interaction.question) for i, side in placed if side == "train"]
    testing = [content_words(i.interaction.question) for i, side in placed if side == "test"]
    for a in training:
        for b in testing:
            assert len(a & b) / len(a | b) < 0.7
            assert not (len(a ^ b) <= 1 and len(a & b) > 1)
