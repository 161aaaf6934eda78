"""Which of several evaluations is better, as far as the data can tell."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from evaluations import evaluation
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.advice import advise
from eval.compare import compare
from eval.comparison import Comparison, Row
from eval.types import Evaluation, Identity
from retrieval.errors import BadInput

YES_NO = st.sampled_from([0.0, 1.0, None])


def row(comparison: Comparison, metric: str = "success", pair: int = 0) -> Row:
    return next(row for row in comparison.pairs[pair].metrics if row.metric == metric)


def two(old: list[float | None], new: list[float | None], groups: list[str] | None = None) -> Comparison:
    sides = [evaluation("a", {"success": old}, groups or ()), evaluation("b", {"success": new}, groups or (), "hybrid")]
    return compare(sides)


# one metric ----------------------------------------------------------------------------------------------------------


def test_ten_documents_by_hand() -> None:
    found = row(two([0.0] * 8 + [1.0] * 2, [1.0] * 7 + [0.0] + [0.0, 1.0]))
    assert (found.before, found.after, found.difference) == (0.2, 0.8, pytest.approx(0.6))
    assert (found.wins, found.ties, found.losses) == (7, 2, 1)
    assert found.p == found.p_adjusted == pytest.approx(2 * (1 + 8) / 2**8)  # 8 answers turned, 7 of them to right
    assert found.mcnemar == pytest.approx(found.p)
    assert found.winner == ""
    assert found.verdict == "no detectable difference"


def test_a_difference_beyond_chance_has_a_winner() -> None:
    found = row(two([0.0] * 20, [1.0] * 15 + [0.0] * 5))
    assert found.winner == "hybrid"
    assert found.verdict == "hybrid is better"
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.difference < found.high <= 1


def test_what_could_be_found_is_less_beside_other_metrics() -> None:
    turned = {"success": ([0.0] * 60, [1.0] * 9 + [0.0] * 51)}
    others = {name: ([0.0, 1.0] * 30, [1.0, 0.0] * 30) for name in ("exact_match", "f1", "chrf", "rouge_l", "bleu")}

    def found(scores: dict[str, tuple[list[float], list[float]]]) -> Row:
        sides = ({name: values[side] for name, values in scores.items()} for side in (0, 1))
        return row(compare([evaluation(name, side, mode=name) for name, side in zip("ab", sides, strict=True)]))

    alone, beside = found(turned), found(turned | others)
    assert alone.detectable is not None
    assert beside.detectable is not None
    assert beside.detectable > 1.15 * alone.detectable


def test_documents_that_are_too_few_for_so_many_metrics_decide_nothing() -> None:
    # 7 documents that all agree have a p of 2 in 128; the best of six metrics would need one below .0083.
    scores = dict.fromkeys(("exact_match", "f1", "chrf", "rouge_l", "bleu"), [0.0] * 7)
    sides = [
        evaluation(name, {**scores, "success": [value] * 7}, mode=name) for name, value in (("a", 0.0), ("b", 1.0))
    ]
    found = row(compare(sides))
    assert (found.winner, found.detectable) == ("", None)
    assert found.verdict == "cannot be decided: 7 documents are too few beside the other metrics"


def test_shares_that_never_differ_do_not_prove_that_they_never_would() -> None:
    sides = [evaluation(name, {"f1": [0.25, 0.5] * 10}, mode=name) for name in "ab"]
    found = row(compare(sides), "f1")
    assert found.low is not None
    assert found.low < 0
    assert found.detectable is not None
    assert found.detectable > 0.05


@pytest.mark.parametrize("changed", [{"question": "Another?"}, {"answers": ("else",)}, {"group": "elsewhere"}])
def test_other_cases_under_the_same_ids_and_hash_are_refused(changed: dict[str, Any]) -> None:
    one = evaluation("a", {"success": [0.0] * 8})
    with pytest.raises(BadInput, match="other cases under the same ids, q000 for one"):
        compare([one, evaluation("b", {"success": [1.0] * 8}, **changed)])


def test_many_cases_of_few_documents_prove_less_than_as_many_documents() -> None:
    old, new = [0.0] * 60, [1.0] * 50 + [0.0] * 10
    alone, together = row(two(old, new)), row(two(old, new, [f"d{i // 10}" for i in range(60)]))
    assert alone.winner == "hybrid"
    assert together.winner == ""
    assert together.p == pytest.approx(2 / 32)
    assert together.mcnemar == alone.mcnemar
    assert together.detectable > alone.detectable


def test_less_is_better_where_the_metric_says_so() -> None:
    slow = evaluation("a", {"latency": [2.0 + i / 10 for i in range(12)]})
    fast = evaluation("b", {"latency": [1.0 + i / 10 for i in range(12)]}, mode="hybrid")
    found = row(compare([slow, fast]), "latency")
    assert (found.winner, found.wins, found.mcnemar) == ("hybrid", 12, None)


def test_cases_that_are_not_scored_on_both_sides_are_counted_and_not_zero() -> None:
    old, new = [1.0] * 8 + [None, 1.0, None, None], [1.0] * 8 + [1.0, None, None, 0.0]
    found = row(two(old, new))
    assert (found.n, found.only_before, found.only_after, found.neither) == (8, 1, 2, 1)
    assert found.before == found.after == 1.0


def test_a_metric_that_no_case_asks_for_is_named_in_a_note() -> None:
    found = two([1.0] * 6, [1.0] * 6)
    assert [row.metric for row in found.pairs[0].metrics] == ["success"]
    assert any("Not scored anywhere" in note and "bleu" in note for note in found.notes)


def test_many_metrics_are_paid_for() -> None:
    metrics = ["success", "exact_match", "contains", "numeric_match", "support"]
    quiet = {name: [1.0, 0.0] * 10 for name in metrics[1:]}
    old = evaluation("a", {**quiet, "success": [0.0] * 20})
    new = evaluation("b", {**quiet, "success": [1.0] * 6 + [0.0] * 14}, mode="hybrid")
    found = row(compare([old, new]))
    assert found.p == pytest.approx(2 / 64)
    assert found.p_adjusted == pytest.approx(5 * 2 / 64)
    assert found.winner == ""


@given(st.lists(st.tuples(YES_NO, YES_NO, st.sampled_from("abcdefghij")), min_size=6, max_size=40))
@settings(max_examples=30)
def test_the_other_way_round_everything_is_mirrored(rows: list[tuple[float | None, float | None, str]]) -> None:
    groups = [group for *_, group in rows]
    old = evaluation("a", {"success": [a for a, _, _ in rows]}, groups)
    new = evaluation("b", {"success": [b for _, b, _ in rows]}, groups, "hybrid")
    forth, back = compare([old, new]).pairs[0], compare([new, old]).pairs[0]
    assert (forth.broken == ()) == (back.fixed == ())
    assert [change.case for change in forth.broken] == [change.case for change in back.fixed]
    for one, other in zip(forth.metrics, back.metrics, strict=True):
        assert (one.before, one.after, one.wins, one.losses) == (other.after, other.before, other.losses, other.wins)
        assert (one.p, one.mcnemar, one.winner) == (other.p, other.mcnemar, other.winner)
        if one.detectable is not None:
            assert one.detectable == pytest.approx(other.detectable)


@given(st.permutations(range(12)))
@settings(max_examples=10)
def test_the_order_of_the_cases_does_not_matter(order: list[int]) -> None:
    old = evaluation("a", {"success": [0.0] * 9 + [1.0] * 3}, [f"d{i // 2}" for i in range(12)])
    new = evaluation("b", {"success": [1.0, 0.0] * 6}, [f"d{i // 2}" for i in range(12)], "hybrid")
    shuffled = replace(new, scored=tuple(new.scored[i] for i in order))
    assert compare([old, new]) == compare([old, shuffled])


# what cannot be compared ---------------------------------------------------------------------------------------------


def test_other_cases_are_refused() -> None:
    with pytest.raises(BadInput, match="different cases") as error:
        compare([evaluation("a", {"success": [1.0]}), evaluation("b", {"success": [1.0]}, sha="other")])
    assert "same cases" in error.value.hint


def test_an_evaluation_that_was_broken_off_is_refused() -> None:
    with pytest.raises(BadInput, match="a and b do not have the same cases: 2 without a counterpart, as q001"):
        compare([evaluation("a", {"success": [1.0] * 3}), evaluation("b", {"success": [1.0]})])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused_by_name(wrong: float) -> None:
    with pytest.raises(BadInput, match="`f1` of case q001"):
        compare([evaluation("a", {"f1": [1.0, 1.0]}), evaluation("b", {"f1": [1.0, wrong]})])


def test_a_case_twice_is_refused() -> None:
    one = evaluation("a", {"success": [1.0]})
    with pytest.raises(BadInput, match="q000 twice"):
        compare([one, replace(one, scored=one.scored * 2)])


def test_one_evaluation_is_no_comparison() -> None:
    with pytest.raises(BadInput, match="only one"):
        compare([evaluation("a", {"success": [1.0]})])


@pytest.mark.parametrize("stated", [{}, {"success_rate": 80.0}])
def test_an_evaluation_is_not_compared_with_itself(stated: dict[str, float]) -> None:
    one = evaluation("a", {"success": [1.0] * 8})
    same = replace(one, scored=() if stated else one.scored, stated=stated)
    with pytest.raises(BadInput, match="a would be compared with itself"):
        compare([evaluation("b", {"success": [1.0] * 8}), same, replace(same)])
    assert compare([one, replace(one, identity=replace(one.identity, id="later"))]).n == 8


def test_what_an_evaluation_sums_or_takes_the_median_of_is_named_by_what_is_compared() -> None:
    scores: dict[str, list[float | None]] = {name: [1.0] * 6 for name in ("success", "bleu", "latency", "phantom_ids")}
    found = compare([evaluation("a", scores), evaluation("b", scores, mode="hybrid")])
    names = [one.name for one in found.pairs[0].metrics]
    assert names == ["success", "bleu, mean of cases", "phantom_ids per case", "latency, mean"]


def test_metrics_that_one_side_only_has_are_told_once() -> None:
    old = evaluation("a", {"success": [1.0] * 6, "recall@5": [1.0] * 6, "mrr@10": [1.0] * 6, "cost": [1.0] * 6})
    notes = compare([old, evaluation("b", {"success": [1.0] * 6}, mode="finetuned")]).notes
    assert "Only rag searched: recall@5, mrr@10." in notes
    assert "Scored for rag only: cost." in notes


def test_five_documents_decide_nothing() -> None:
    found = two([0.0] * 50, [1.0] * 50, [f"d{i % 5}" for i in range(50)])
    assert "5 documents" in found.undecided
    assert row(found).winner == ""
    assert row(found).verdict == "cannot be decided: 5 documents, at least 6 are needed"
    assert row(found).difference == 1.0
    assert advise(found).choice == ""
    assert "5 documents" in advise(found).reasons[0]


def test_cases_without_a_document_are_said_to_claim_too_much() -> None:
    sides = [evaluation(name, {"success": [1.0] * 8}, [""] * 8, mode) for name, mode in (("a", "rag"), ("b", "hybrid"))]
    found = compare(sides)
    assert found.documents == 8
    assert any("No case names the document" in note for note in found.notes)


# slices, answers, several --------------------------------------------------------------------------------------------


def test_strengths_and_weaknesses_by_type() -> None:
    def typed(one: Evaluation) -> Evaluation:
        kinds = ["date"] * 15 + ["list"] * 15 + ["rare"] * 2
        return replace(
            one,
            scored=tuple(
                replace(s, case=replace(s.case, type=kind)) for s, kind in zip(one.scored, kinds, strict=True)
            ),
        )

    old = typed(evaluation("a", {"success": [0.0] * 15 + [1.0] * 15 + [0.0] * 2}))
    new = typed(evaluation("b", {"success": [1.0] * 15 + [0.0] * 15 + [1.0] * 2}, mode="hybrid"))
    pair = compare([old, new]).pairs[0]
    assert [one.value for one in pair.strengths("hybrid")] == ["date"]
    assert [one.value for one in pair.strengths("rag")] == ["list"]
    rare = next(one for one in pair.slices if one.value == "rare")
    assert (rare.anecdote, rare.n, rare.winner, rare.low) == (True, 2, "", None)
    assert all(one.by == "type" for one in pair.slices)  # one language is no slice


def test_answers_that_turned_come_with_both_texts() -> None:
    found = two([1.0, 0.0, 1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    (broken,), (fixed,) = found.pairs[0].broken, found.pairs[0].fixed
    assert (broken.case, broken.before, broken.after, broken.expected) == ("q000", "a says 0", "b says 0", "gold")
    assert fixed.case == "q001"
    assert found.answers[0].answers == ("a says 0", "b says 0")
    assert found.answers[0].right == (True, False)


def test_a_case_without_an_answer_is_expected_to_be_refused() -> None:
    sides = [
        evaluation(name, {"success": scores}, mode=mode, answers=(), answerable=False)
        for name, scores, mode in (("a", [1.0, 0.0], "rag"), ("b", [0.0, 0.0], "hybrid"))
    ]
    found = compare(sides)
    assert {asked.expected for asked in found.answers} == {"(no answer: to be refused)"}
    assert found.pairs[0].broken[0].expected == "(no answer: to be refused)"


def test_three_sides_are_three_pairs_adjusted_together() -> None:
    sides = [
        evaluation("a", {"success": [0.0] * 20}, mode="rag"),
        evaluation("b", {"success": [1.0] * 12 + [0.0] * 8}, mode="finetuned"),
        evaluation("c", {"success": [1.0] * 20}, mode="hybrid"),
    ]
    found = compare(sides)
    assert [(p.before, p.after) for p in found.pairs] == [
        ("rag", "finetuned"),
        ("rag", "hybrid"),
        ("finetuned", "hybrid"),
    ]
    assert found.pair("rag", "hybrid").after == "hybrid"
    assert row(found, pair=2).p == pytest.approx(2 / 2**8)
    assert row(found, pair=2).p_adjusted == pytest.approx(2 / 2**8)  # the largest of three
    advice = advise(found)
    assert (advice.choice, advice.decided) == ("hybrid", True)
    assert any("success: rag 0%, hybrid 100%" in reason for reason in advice.reasons)


def test_sides_of_one_mode_are_told_apart_by_their_model_and_equal_ones_by_number() -> None:
    one, other = evaluation("a", {"success": [1.0]}), evaluation("b", {"success": [1.0]})
    again = evaluation("a", {"success": [0.0]})
    assert [side.label for side in compare([one, other]).sides] == ["model-a", "model-b"]
    assert [side.label for side in compare([one, again]).sides] == ["1 a", "2 a"]


def test_a_comparison_is_json() -> None:
    kept = json.loads(json.dumps(asdict(two([0.0] * 8, [1.0] * 8)), allow_nan=False))
    assert kept["pairs"][0]["metrics"][0]["winner"] == "hybrid"


# advice --------------------------------------------------------------------------------------------------------------


def test_where_nothing_differs_the_advice_is_none_and_says_what_would_have_been_seen() -> None:
    advice = advise(two([1.0, 0.0] * 20, [1.0, 0.0] * 20))
    assert advice.choice == ""
    assert "may be chance" in advice.reasons[0]
    assert "40 documents" in advice.reasons[0]


def test_of_equally_right_sides_the_faster_one_and_it_is_said_that_it_is_no_better() -> None:
    right = [1.0, 0.0] * 10
    old = evaluation("a", {"success": right, "latency": [4.0 + i / 100 for i in range(20)]})
    new = evaluation("b", {"success": right, "latency": [1.0 + i / 100 for i in range(20)]}, mode="finetuned")
    advice = advise(compare([old, new]))
    assert (advice.choice, advice.decided) == ("finetuned", False)
    assert any("may be chance" in reason for reason in advice.reasons)
    assert any(reason.startswith("latency, mean: rag 4.") for reason in advice.reasons)


def test_tokens_decide_and_explain_nothing() -> None:
    right = [1.0, 0.0] * 10
    old, new = {"success": right, "tokens": [26.0] * 20}, {"success": right, "tokens": [114.0] * 20}
    assert advise(compare([evaluation("a", old), evaluation("b", new, mode="finetuned")])).choice == ""
    better = {"success": [1.0] * 20, "tokens": [114.0] * 20}
    advice = advise(compare([evaluation("a", old), evaluation("b", better, mode="finetuned")]))
    assert advice.choice == "finetuned"
    assert "tokens" not in " ".join(advice.reasons)


def test_what_the_better_side_loses_is_said() -> None:
    old = evaluation("a", {"success": [0.0] * 20, "citation_recall": [1.0] * 20})
    new = evaluation("b", {"success": [1.0] * 20, "citation_recall": [0.0] * 20}, mode="finetuned")
    advice = advise(compare([old, new]))
    assert advice.choice == "finetuned"
    assert any(reason.startswith("But citation_recall") for reason in advice.reasons)
    assert "Hybrid mode" in advice.next


def test_equally_right_sides_that_each_cite_better_in_their_way_are_not_decided_by_speed() -> None:
    right = [1.0, 0.0] * 10
    old = {"success": right, "citation_recall": [1.0] * 20, "citation_precision": [0.0] * 20, "latency": [9.0] * 20}
    new = {"success": right, "citation_recall": [0.0] * 20, "citation_precision": [1.0] * 20, "latency": [1.0] * 20}
    assert advise(compare([evaluation("a", old), evaluation("b", new, mode="hybrid")])).choice == ""


# figures only --------------------------------------------------------------------------------------------------------


def stated(name: str, **figures: float) -> Evaluation:
    return Evaluation(Identity(name, "", "", "", "", "", 0), (), figures)


def test_files_with_figures_only_are_put_side_by_side_and_nothing_is_claimed() -> None:
    found = compare([stated("rag", success_rate=85.5, avg_tokens=487), stated("ft", success_rate=99.0, extra=1)])
    (rate,) = found.pairs[0].metrics
    assert (rate.metric, rate.before, rate.after, rate.unit) == ("success_rate", 85.5, 99.0, "percent")
    assert rate.winner == ""
    assert "figures" in found.undecided
    assert advise(found).choice == ""
    assert "holds no cases" in advise(found).next


def test_figures_are_compared_with_those_of_an_evaluation_of_ours() -> None:
    ours = evaluation("a", {"success": [1.0, 1.0, 1.0, 0.0]})
    found = compare([ours, stated("theirs", success_rate=50.0)])
    assert row(found, "success_rate").before == pytest.approx(75)


def test_a_side_without_cases_and_figures_is_refused() -> None:
    with pytest.raises(BadInput, match="neither cases nor figures"):
        compare([evaluation("a", {"success": [1.0]}), stated("b")])
