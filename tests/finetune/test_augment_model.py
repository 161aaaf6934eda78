"""Rewordings by a model: what is sent, what of a reply is taken, and why the rest is not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.augment.model import ToReword, checked, parse, reworded
from finetune.drops import Drops
from finetune.examples import Example, Type
from finetune.teacher.replies import Failed
from retrieval.types import Message


def to_reword(question: str, type: Type = "which", text: str = "") -> ToReword:
    example = Example(question, "R [chunk_1].", type, "fr", (1,), ("d",), "rule-based", "field.1", ("3000",))
    return ToReword(example, text, ("Gitea", "Redis"))


class Scripted:
    name = "scripted"

    def __init__(self, *replies: str | Failed) -> None:
        self.replies = replies
        self.asked: list[Sequence[Message]] = []

    def ask_all(self, prompts: Iterable[Sequence[Message]]) -> Iterator[str | Failed]:
        # All are asked before the first is answered, as a pool of workers does.
        self.asked = list(prompts)
        yield from self.replies


def test_each_reply_belongs_to_its_question() -> None:
    asker, drops = (
        Scripted('["Gitea, quel port ?"]', Failed("timeout"), '["Redis, quel port ?", "port Redis ?"]'),
        Drops(),
    )
    asked = [to_reword(f"Quel est le port de {name} ?") for name in ("Gitea", "Redis", "Redis")]
    made = list(reworded(asked, asker, 2, drops))
    assert [(e.question, e.form, e.method) for e in made] == [
        ("Gitea, quel port ?", "field.1+model", "augmented"),
        ("Redis, quel port ?", "field.1+model", "augmented"),
        ("port Redis ?", "field.1+model", "augmented"),
    ]
    assert {(e.answer, e.gold, e.answers) for e in made} == {("R [chunk_1].", (1,), ("3000",))}
    assert drops.counts == {"the model did not answer": 1}


def test_the_model_is_told_what_to_keep() -> None:
    asker = Scripted("[]")
    list(reworded([to_reword("Quel port de Gitea 1.21 sert ?")], asker, 3, Drops()))
    ((system, user),) = asker.asked
    assert system.role == "system"
    assert "Gitea ; 1.21" in user.content
    assert user.content.endswith("3")


@pytest.mark.parametrize(
    "reply",
    [
        '["A ?", "B ?"]',
        'Voici :\n```json\n["A ?", "B ?"]\n```\nBonne journée [x].',
        '{"questions": ["A ?", "B ?"]}',
        '[1] Les questions : [{"question": "A ?"}, {"question": " B ? "}]',
    ],
)
def test_lists_are_found_in_what_models_write(reply: str) -> None:
    assert parse(reply) == ["A ?", "B ?"]


@pytest.mark.parametrize("reply", ["", "Non.", "[", "[]", '["A ?", 3]', "[[[[", '{"a": 1}', '["A ?"', '[""]'])
def test_garbage_is_no_list(reply: str) -> None:
    assert parse(reply) == []
    drops = Drops()
    assert list(checked(to_reword("Quel port ?"), reply, 3, drops)) == []
    assert drops.counts == {"the model's reply is not a list of questions": 1}


@given(st.text(max_size=200) | st.lists(st.text(), max_size=4).map(json.dumps))
def test_no_reply_breaks_it(reply: str) -> None:
    one = to_reword("Quel est le port de Gitea ?")
    for example in checked(one, reply, 5, Drops()):
        assert "Gitea" in example.question
        example.question.encode()


@pytest.mark.parametrize(
    ("type", "question", "other", "fault"),
    [
        ("which", "Quel est le port de Gitea ?", "quel est le PORT de Gitea", "a copy of the question"),
        ("which", "Quel est le port de Gitea ?", "Quel est le port de Redis ?", "a paraphrase changed a name or a number"),
        ("which", "Quel est le port de Gitea ?", "Quel est le port ?", "a paraphrase changed a name or a number"),
        ("which", "Que dit la loi de 1978 ?", "Que dit la loi de 1979 ?", "a paraphrase changed a name or a number"),
        ("which", "Quel est le port de Gitea ?", "What is the port of Gitea?", "a paraphrase in another language"),
        ("which", "Quel est le port de Gitea ?", "Le port de Gitea est ouvert.", "a paraphrase is no question"),
        ("which", "Quel est le port de Gitea ?", "Quel est " + "vraiment " * 12 + "le port de Gitea ?", "a paraphrase is far too long"),
        ("which", "Pourquoi Gitea ne démarre pas ?", "Pourquoi Gitea démarre ?", "a paraphrase added or lost a negation"),
        ("yes-no", "Gitea est-il plus vieux que Redis ?", "Redis est-il plus vieux que Gitea ?",
         "a paraphrase compares the other way round"),
    ],
)  # fmt: skip
def test_what_does_not_ask_the_same_is_dropped_with_its_reason(
    type: Type, question: str, other: str, fault: str
) -> None:
    drops = Drops()
    assert list(checked(to_reword(question, type), json.dumps([other]), 1, drops)) == []
    assert drops.counts == {fault: 1}
    assert other in drops.shown[fault][0]


def test_an_acronym_that_the_text_explains_may_be_used() -> None:
    one = to_reword("Que fait la Direction du numérique ?", text="La Direction du numérique (DNUM) conseille.")
    assert [e.question for e in checked(one, '["Quel est le rôle de la DNUM ?"]', 1, Drops())] == [
        "Quel est le rôle de la DNUM ?"
    ]


def test_no_more_than_asked_for_and_none_twice() -> None:
    drops = Drops()
    reply = '["Port de Gitea ?", "port de gitea ?", "Gitea : port ?", "Le port de Gitea, c\'est quoi ?"]'
    assert [e.question for e in checked(to_reword("Quel est le port de Gitea ?"), reply, 3, drops)] == [
        "Port de Gitea ?",
        "Gitea : port ?",
    ]
    assert drops.counts == {"a copy of the question": 1}
