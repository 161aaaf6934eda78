from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from eval.forgetting import Forgetting, forgotten, too_little
from eval.general import general_cases
from eval.held_out import held_out_loss, held_out_texts, loss_change
from eval.types import Case, Evaluation, Identity, Response, Scored
from retrieval.errors import BadInput

CASES = general_cases()
FRENCH_SUMS = {case.id for case in CASES if case.type == "general.arithmetic" and case.language == "fr"}


def evaluation(answer: Callable[[Case], str], name: str = "one", cases: tuple[Case, ...] = CASES) -> Evaluation:
    identity = Identity(name, "2026-11-04T15:30:12+01:00", "finetuned", "fake:", "general", "0" * 64, len(cases))
    return Evaluation(identity, tuple(Scored(case, Response(answer(case)), {}) for case in cases))


def right(case: Case) -> str:
    return case.expected


def wrong(case: Case) -> str:
    return "?"


def refuses(case: Case) -> str:
    return "inconnu" if case.language == "fr" else "unknown"


def all_but(ids: set[str]) -> Callable[[Case], str]:
    return lambda case: "?" if case.id in ids else case.expected


def found(before: Callable[[Case], str], after: Callable[[Case], str]) -> Forgetting:
    return forgotten(evaluation(before), evaluation(after, "two"))


def test_a_loss_beyond_chance_is_told_by_kind_and_language() -> None:
    said = found(right, all_but(FRENCH_SUMS))
    assert said.finding == "forgotten"
    assert set(said.lost) == FRENCH_SUMS
    assert not said.gained
    assert (said.total.count, said.total.right_before, said.total.right_after) == (144, 144, 132)
    assert said.difference == pytest.approx(-12 / 144)
    assert said.interval[0] < -12 / 144 < said.interval[1] < 0
    kinds = {one.name: one for one in said.kinds}
    assert (kinds["arithmetic"].before, kinds["arithmetic"].after, kinds["arithmetic"].kept) == (1.0, 0.5, 0.5)
    assert kinds["reading"].kept == 1.0
    assert {one.name: one.after for one in said.languages} == {"fr": 60 / 72, "en": 1.0}
    assert "forgotten" in said.sentence
    assert "132 of the 144" in said.sentence
    assert "-8.3 points" in said.sentence


def test_nothing_lost_is_kept_and_more_right_is_gained() -> None:
    assert found(right, right).finding == "kept"
    better = found(all_but(FRENCH_SUMS), right)
    assert better.finding == "kept"
    assert set(better.gained) == FRENCH_SUMS
    assert better.total.kept == 1.0


def test_a_few_cases_that_stay_right_do_not_prove_that_nothing_can_be_lost() -> None:
    few = tuple(case for case in CASES if case.answerable)[:12]
    assert forgotten(evaluation(right, cases=few), evaluation(right, "two", few)).finding == "undecided"


def test_an_interval_of_less_confidence_is_shorter_and_says_so() -> None:
    sides = evaluation(right), evaluation(all_but(FRENCH_SUMS), "two")
    wide, short = forgotten(*sides), forgotten(*sides, confidence=0.9)
    assert wide.interval[0] < short.interval[0] < short.interval[1] < wide.interval[1]
    assert "95% from" in wide.sentence
    assert "90% from" in short.sentence


def test_a_base_that_knows_hardly_anything_has_too_little_to_forget() -> None:
    known = {case.id for case in CASES if case.type == "general.arithmetic"}
    seven, eight = sorted(known)[:7], sorted(known)[:8]  # of 144: 4.9 and 5.6%
    said = too_little(evaluation(lambda case: case.expected if case.id in seven else "?"))
    assert "7 of 144 general cases are right" in said
    assert not too_little(evaluation(lambda case: case.expected if case.id in eight else "?"))


def test_what_is_lost_is_not_hidden_by_what_is_gained() -> None:
    english = {case.id for case in CASES if case.type == "general.arithmetic" and case.language == "en"}
    said = found(all_but(english), all_but(FRENCH_SUMS))
    assert said.difference == 0
    assert said.finding == "undecided"
    assert said.total.kept == pytest.approx(120 / 132)
    assert set(said.lost) == FRENCH_SUMS


def test_a_base_that_can_do_nothing_has_nothing_to_forget() -> None:
    for after in (wrong, right, refuses):
        said = found(wrong, after)
        assert said.finding == "nothing to forget"
        assert "too little to forget" in said.sentence
        assert said.total.kept is None
    few = {case.id for case in CASES[7:]}
    assert found(all_but(few), wrong).finding == "nothing to forget"


def test_always_refusing_is_not_worth_keeping() -> None:
    said = found(refuses, refuses)
    assert said.total.right_before == 0
    assert said.finding == "nothing to forget"
    assert found(right, refuses).total.kept == 0.0


def test_a_case_without_an_answer_counts_nowhere() -> None:
    after = evaluation(right, "two")
    broken = replace(after.scored[0], response=Response("", error="the server went away"))
    said = forgotten(evaluation(right), replace(after, scored=(broken, *after.scored[1:])))
    assert (said.unscored, said.total.count, said.total.kept) == (1, 143, 1.0)
    gone = replace(after, scored=tuple(replace(one, response=broken.response) for one in after.scored))
    with pytest.raises(BadInput, match="No case was answered by both"):
        forgotten(evaluation(right), gone)


def test_few_groups_decide_nothing() -> None:
    few = CASES[:5]
    said = forgotten(evaluation(right, cases=few), evaluation(wrong, cases=few))
    assert said.finding == "undecided"
    assert "cannot be decided" in said.sentence


def test_other_cases_are_refused_and_order_does_not_matter() -> None:
    with pytest.raises(BadInput, match="same general cases"):
        forgotten(evaluation(right), evaluation(right, cases=CASES[1:]))
    changed = (replace(CASES[0], question="Another one?"), *CASES[1:])
    with pytest.raises(BadInput, match="same general cases"):
        forgotten(evaluation(right), evaluation(right, cases=changed))
    others = (Case("q1", "What is Gitea?", ("a forge",), type="definition"),)
    with pytest.raises(BadInput, match="no case of a general suite"):
        forgotten(evaluation(right, cases=others), evaluation(right, cases=others))
    assert forgotten(evaluation(right), evaluation(right, cases=CASES[::-1])).finding == "kept"


def test_cases_of_the_documents_beside_the_suite_are_left_out() -> None:
    mixed = (Case("q1", "What is Gitea?", ("a forge",), type="definition"), *CASES)
    assert forgotten(evaluation(right, cases=mixed), evaluation(right, cases=mixed)).total.count == 144


# Held-out loss


def test_held_out_texts_are_ours_in_both_languages_and_in_no_question() -> None:
    texts = held_out_texts()
    assert len(texts) >= 30
    assert sum(held.lang == "fr" for held in texts) * 2 == len(texts)
    assert len({held.text for held in texts}) == len({held.id for held in texts}) == len(texts)
    assert all(30 <= len(held.text.split()) <= 90 for held in texts)
    assert not any(held.text in case.question for held in texts for case in CASES)


def test_a_change_of_the_loss_is_told_with_its_interval() -> None:
    texts = held_out_texts()
    before = held_out_loss(texts, lambda text: len(text) / 100)
    worse = tuple(value + 0.5 + 0.01 * n for n, value in enumerate(before))
    change = loss_change(texts, before, worse)
    assert change.after - change.before == pytest.approx(0.5 + 0.01 * 14.5)
    assert 0.5 < change.interval[0] < change.after - change.before < change.interval[1]
    assert "rose" in change.sentence
    assert set(change.languages) == {"fr", "en"}
    assert change.languages["en"][1] - change.languages["en"][0] > change.languages["fr"][1] - change.languages["fr"][0]
    assert "fell" in loss_change(texts, worse, before).sentence
    same = loss_change(texts, before, before)
    assert same.interval == (0, 0)
    assert "did not change" in same.sentence


def test_a_loss_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadInput, match="fr-01 is nan"):
        held_out_loss(held_out_texts(), lambda text: float("nan"))
    with pytest.raises(BadInput, match="no held-out texts"):
        held_out_loss((), len)
