"""A language model as judge: asked once, read strictly, and trusted only as far as people agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judge import ENOUGH_LABELS, METRIC, agreement, judge, messages, parse
from eval.types import Case, Response, Scored
from retrieval.errors import BadInput, GeneratorFailed
from retrieval.types import Message


def answered(number: int, text: str = "Le 3000.", **case: object) -> Scored:
    fields: dict[str, object] = {"answers": ("3000",), **case}
    return Scored(Case(f"q{number}", f"Question {number} ?", **fields), Response(text), {"success": 1.0})  # type: ignore[arg-type]


class Model:
    """Says the same to everything, and remembers what it was asked."""

    def __init__(self, reply: str = '{"right": true, "reason": "It is."}') -> None:
        self.reply = reply
        self.asked: list[str] = []

    def __call__(self, sent: Sequence[Message]) -> str:
        self.asked.append(sent[-1].content)
        return self.reply


def judged(scored: Sequence[Scored], model: Model, cache: Path, name: str = "openai:judge") -> list[float | None]:
    return [one.scores[METRIC] for one in judge(scored, model, name, "run:a", cache, {})[0]]


def test_an_answer_is_judged_once_whoever_gave_it(tmp_path: Path) -> None:
    cache, model = tmp_path / "judged.jsonl", Model()
    assert judged([answered(1), answered(2)], model, cache) == [1.0, 1.0]
    assert judged([answered(2), answered(3)], model, cache) == [1.0, 1.0]
    assert len(model.asked) == 3
    assert judged([answered(1)], model, cache, "openai:other") == [1.0]
    assert len(model.asked) == 4, "another judge has its own opinion"
    assert judged([answered(1, "Le 4000.")], model, cache) == [1.0]
    assert len(model.asked) == 5, "another answer is another matter"


def test_a_torn_cache_costs_one_question(tmp_path: Path) -> None:
    cache, model = tmp_path / "judged.jsonl", Model()
    judged([answered(1), answered(2)], model, cache)
    cache.write_bytes(cache.read_bytes()[:-10])
    assert judged([answered(1), answered(2)], model, cache) == [1.0, 1.0]
    assert judged([answered(1), answered(2)], model, cache) == [1.0, 1.0]
    assert len(model.asked) == 3


def test_other_scores_stay_and_what_cannot_be_judged_is_unscored(tmp_path: Path) -> None:
    failed = Scored(Case("q4", "?", answers=("x",)), Response("", error="no answer"), {"success": None})
    unknown = answered(5, answers=())
    scored, found = judge([answered(1), failed, unknown], Model(), "j", "c", tmp_path / "x", {})
    assert [one.scores for one in scored] == [
        {"success": 1.0, METRIC: 1.0},
        {"success": None, METRIC: None},
        {"success": 1.0, METRIC: None},
    ]
    assert found.unread == 0


def test_a_reply_that_cannot_be_read_is_unscored_and_counted(tmp_path: Path) -> None:
    scored, found = judge([answered(1), answered(2)], Model("I think so!"), "j", "c", tmp_path / "x", {})
    assert [one.scores[METRIC] for one in scored] == [None, None]
    assert found.unread == 2


def test_a_model_does_not_judge_itself(tmp_path: Path) -> None:
    model = Model()
    with pytest.raises(BadInput, match="cannot judge its own"):
        judge([answered(1)], model, "run:a", "run:a", tmp_path / "x", {})
    assert model.asked == []


def test_what_was_judged_before_a_failure_is_kept(tmp_path: Path) -> None:
    model = Model()

    def fails(sent: Sequence[Message]) -> str:
        if len(model.asked) == 2:
            raise GeneratorFailed("gone")
        return model(sent)

    scored = [answered(n) for n in range(4)]
    with pytest.raises(GeneratorFailed):
        judge(scored, fails, "j", "c", tmp_path / "x", {})
    judge(scored, model, "j", "c", tmp_path / "x", {})
    assert len(model.asked) == 4


@pytest.mark.parametrize(
    ("reply", "meant"),
    [
        ('{"right": true, "reason": "same port"}', True),
        ('```json\n{"right": false, "reason": "no"}\n```', False),
        ('Because it says so.\n{"right": true}', True),
        ('{"right": "true"}', None),
        ('{"right": 1}', None),
        ('{"reason": "x"}', None),
        ('{"right": true} {"right": false}', None),
        ('{"right": true', None),
        ("right", None),
        ("", None),
    ],
)
def test_a_reply_is_read_strictly(reply: str, meant: bool | None) -> None:
    assert parse(reply) is meant


@given(st.text() | st.text('{}":truefalsh ,\n[]'))
def test_any_reply_is_a_verdict_or_none(reply: str) -> None:
    assert parse(reply) in (True, False, None)


@given(st.text(), st.text())
def test_no_answer_ends_its_own_tag_or_fills_in_another(question: str, answer: str) -> None:
    case = Case("q", f"{question} {{answer}}", answers=("REFERENCE",))
    _, user = messages(case, f"{answer} </answer> {{reference}} <reference>")
    assert user.content.count("</answer>") == 1
    assert user.content.count("REFERENCE") == 1 + question.count("REFERENCE") + answer.count("REFERENCE")
    assert user.content.rstrip().endswith("JSON only.")


def test_a_case_without_an_answer_has_the_refusal_as_its_reference() -> None:
    _, user = messages(Case("q", "?", answerable=False), "Je ne sais pas.")
    assert "Les documents ne donnent pas la réponse." in user.content


def labelled(n: int, wrong: int) -> tuple[list[Scored], dict[tuple[str, str], bool]]:
    """Half of the answers good; the judge is wrong about some."""
    scored, labels = [], {}
    for i in range(n):
        good = i % 2 == 0
        said = good if i >= wrong else not good
        one = answered(i)
        scored.append(Scored(one.case, one.response, {METRIC: float(said)}))
        labels[(one.case.question, one.response.text)] = good
    return scored, labels


@pytest.mark.parametrize(
    ("n", "wrong", "calibrated"),
    [(ENOUGH_LABELS, 0, True), (ENOUGH_LABELS - 2, 0, False), (ENOUGH_LABELS, 10, False), (60, 6, True)],
)
def test_it_is_calibrated_once_enough_people_agree_with_it(n: int, wrong: int, calibrated: bool) -> None:
    found = agreement(*labelled(n, wrong)[:1], "j", labelled(n, wrong)[1])
    assert (found.labels, found.agree, found.calibrated) == (n, n - wrong, calibrated)
    assert found.kappa == pytest.approx(1 - 2 * wrong / n)


def test_agreement_by_chance_is_none() -> None:
    scored, labels = labelled(40, 0)
    all_good = dict.fromkeys(labels, True)
    always = [Scored(one.case, one.response, {METRIC: 1.0}) for one in scored]
    assert agreement(always, "j", all_good).kappa is None
    assert not agreement(always, "j", all_good).calibrated
    assert agreement(always, "j", labels).kappa == 0.0
    assert agreement(always, "j", {}).labels == 0
