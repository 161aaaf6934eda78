"""Choosing a value of a setting: by document, without believing luck, and never on too little."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.objectives import (
    PASSAGE_COST,
    Judged,
    Searched,
    ndcg,
    threshold_outcomes,
    top_k_outcomes,
    weight_outcomes,
)
from eval.tune import FOLDS, LEAST_DOCUMENTS, LEAST_QUESTIONS, Outcomes, choose, cross_validated, folds

GROUPS = st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=60).filter(lambda found: len(set(found)) > 1)


def outcomes(scores: Sequence[Sequence[float]], each: int = 2, **more: object) -> Outcomes:
    """`each` questions a document; the values 0, 1, 2… with 0 in force."""
    values = tuple(range(len(scores[0])))
    groups = [f"d{i // each}" for i in range(len(scores))]
    return Outcomes("search.x", "score", values, tuple(map(float, values)), scores, groups, **more)  # type: ignore[arg-type]


def noisy(count: int, gains: Sequence[float], seed: int = 0, noise: float = 0.1) -> list[list[float]]:
    rng = random.Random(seed)
    return [[0.5 + gain + rng.gauss(0, noise) for gain in gains] for _ in range(count)]


# folds ----------------------------------------------------------------------------------------------------------------------


@given(GROUPS, st.integers(2, 8))
def test_no_document_is_in_two_folds(groups: list[str], count: int) -> None:
    made = folds(groups, count)
    assert len({(group, fold) for group, fold in zip(groups, made, strict=True)}) == len(set(groups))
    assert set(made) == set(range(min(count, len(set(groups)))))


@given(GROUPS, st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_the_questions(groups: list[str], rng: random.Random) -> None:
    shuffled = rng.sample(groups, len(groups))
    assert dict(zip(groups, folds(groups), strict=True)) == dict(zip(shuffled, folds(shuffled), strict=True))


def test_folds_are_about_even() -> None:
    made = folds([f"d{i % 37}" for i in range(200)])
    assert max(map(made.count, range(FOLDS))) - min(map(made.count, range(FOLDS))) <= 6


# choice ---------------------------------------------------------------------------------------------------------------------


def test_a_flat_optimum_keeps_the_value_in_force() -> None:
    tuned = cross_validated(outcomes(noisy(200, (0.0, 0.001, 0.0, 0.002))))
    assert (tuned.changes, tuned.value) == (False, 0)
    assert tuned.why.startswith("kept")


def test_of_values_as_good_as_the_best_the_nearest_is_chosen() -> None:
    scores = [[0.0, 0.2, 0.21 if i % 4 < 2 else 0.192, 0.22 if i % 4 < 2 else 0.182] for i in range(40)]
    assert choose(outcomes(scores), range(40)) == 1


def test_a_true_gain_is_found_and_its_size_is_told() -> None:
    tuned = cross_validated(outcomes(noisy(200, (0.0, 0.05, 0.1))))
    assert (tuned.changes, tuned.value, tuned.before) == (True, 2, 0)
    assert tuned.gain is not None
    assert 0.05 < tuned.gain.low < tuned.gain.mean < tuned.gain.high < 0.15
    assert tuned.p is not None
    assert tuned.p < 0.01
    assert [fold.value for fold in tuned.folds] == [2] * FOLDS
    assert sum(fold.questions for fold in tuned.folds) == 200
    assert sum(fold.documents for fold in tuned.folds) == tuned.documents == 100


def test_luck_is_not_believed() -> None:
    """Twenty values that do not differ at all, sixty times: a change is rarer than the level asked for."""
    changes = [cross_validated(outcomes(noisy(60, (0.0,) * 20, seed, noise=0.3), each=3)).changes for seed in range(60)]
    assert sum(changes) <= 3


def test_one_document_alone_decides_nothing() -> None:
    """A gain on every question about one document, and none elsewhere."""
    scores = [[0.0, float(i < 60)] for i in range(80)]
    one = Outcomes("x", "", (0, 1), (0.0, 1.0), scores, ["big"] * 60 + [f"d{i}" for i in range(20)])
    assert not cross_validated(one).changes


def test_a_limit_is_kept_however_good_the_score() -> None:
    scores = [[0.0, 0.5, 1.0]] * 40
    harm = [[0.0, 0.05, 0.4]] * 40
    assert cross_validated(outcomes(scores, parts={"harm": harm}, limit=("harm", 0.1))).value == 1
    assert cross_validated(outcomes(scores)).value == 2


def test_what_is_in_force_may_go_on_exceeding_a_limit() -> None:
    harm = [[0.3, 0.2, 0.4]] * 40
    tuned = cross_validated(outcomes([[0.0, 0.5, 1.0]] * 40, parts={"harm": harm}, limit=("harm", 0.1)))
    assert (tuned.value, tuned.parts["harm"]) == (1, (pytest.approx(0.3), pytest.approx(0.2)))


@pytest.mark.parametrize(
    ("questions", "each", "said"),
    [(50, 10, f"5 documents, and {LEAST_DOCUMENTS} are needed"), (16, 1, f"16 questions to tune it on, and {LEAST_QUESTIONS}")],
)  # fmt: skip
def test_too_little_is_said_and_changes_nothing(questions: int, each: int, said: str) -> None:
    tuned = cross_validated(outcomes([[0.0, 1.0]] * questions, each))
    assert said in tuned.why
    assert (tuned.changes, tuned.value, tuned.gain, tuned.folds) == (False, 0, None, ())


# objectives -----------------------------------------------------------------------------------------------------------------


def question(number: int, *, dense_is_right: bool = True, by_document: bool = False) -> Searched:
    """Chunk 1 is first by cosine, chunk 2 by BM25; the answer is in one of them."""
    unit = {1: 10, 2: 20, 3: 10} if by_document else {1: 1, 2: 2, 3: 3}
    gold = unit[1 if dense_is_right else 2]
    return Searched(f"d{number}", {1: 0.9, 2: 0.1, 3: 0.5}, {2: 8.0, 3: 1.0}, unit, frozenset((gold,)), 0.3)


def test_the_weight_goes_to_the_search_that_is_right() -> None:
    for right, better in ((True, lambda w: w > 0.5), (False, lambda w: w < 0.5)):
        tuned = cross_validated(weight_outcomes([question(i, dense_is_right=right) for i in range(40)], 0.5))
        assert isinstance(tuned.value, float)
        assert tuned.before == 0.5
        assert tuned.value == 0.5 or better(tuned.value)
        assert tuned.score_after is not None
        assert tuned.score_after.mean == pytest.approx(1.0, abs=0.01) or tuned.changes


def test_the_language_s_own_weight_is_a_value_like_others() -> None:
    made = weight_outcomes([question(i) for i in range(3)], None)
    assert made.values[0] is None
    assert made.distances[0] == 0
    assert made.distances[made.values.index(0.3)] == pytest.approx(0)
    assert made.scores[0][0] == made.scores[0][made.values.index(0.3)]
    assert None in weight_outcomes([question(0)], 0.7).values


def test_documents_are_ranked_by_their_best_chunk() -> None:
    made = weight_outcomes([question(0, dense_is_right=False, by_document=True)], 1.0)
    assert made.scores[0][0] == pytest.approx(1 / 1.58496, abs=1e-4)  # second, though two chunks stand before it


@pytest.mark.parametrize(
    ("ranking", "gold", "expected"),
    [((1, 2), {1}, 1.0), ((2, 1), {1}, 0.6309), ((1, 9, 2), {1, 2}, 0.9197), ((3,), {1}, 0.0), (range(20), {10}, 0.0)],
)
def test_ndcg(ranking: Sequence[int], gold: set[int], expected: float) -> None:
    assert ndcg(list(ranking), frozenset(gold)) == pytest.approx(expected, abs=1e-4)


def deep(number: int, place: int) -> Searched:
    """The answer is the chunk at this place, from 1."""
    dense = {chunk: 1 - chunk / 100 for chunk in range(1, 61)}
    return Searched(f"d{number}", dense, {}, {c: c for c in dense}, frozenset((place,)), 1.0)


def test_top_k_pays_for_its_passages() -> None:
    near = cross_validated(top_k_outcomes([deep(i, 1 + i % 3) for i in range(400)], 10, None, 0, 100))
    assert (near.value, near.changes) == (5, True)
    assert near.parts["recall"] == (1.0, 1.0)
    few = cross_validated(top_k_outcomes([deep(i, 1 + i % 3) for i in range(100)], 10, None, 0, 100))
    assert (
        not few.changes
    )  # a hundred answers in the first five passages do not prove that one in a hundred is not lost
    far = cross_validated(top_k_outcomes([deep(i, 14) for i in range(40)], 10, None, 0, 100))
    assert far.value == 15
    assert far.gain is not None
    assert far.gain.mean == pytest.approx(1 - 5 * PASSAGE_COST)
    assert sorted(v for v in top_k_outcomes([deep(0, 1)], 10, None, 10, 15).values if v is not None) == [10, 12, 15]


def test_a_passage_of_the_right_document_is_not_yet_the_answer() -> None:
    """The document's first chunk is found at once; the one that states the answer is the 14th."""
    asked = [replace(deep(i, 1), proof=frozenset((14,))) for i in range(40)]
    made = top_k_outcomes(asked, 10, None, 0, 100)
    recall = dict(zip(made.values, made.parts["recall"][0] or (), strict=True))
    assert (recall[5], recall[10], recall[15]) == (0.0, 0.0, 1.0)


def refusals(high: float = 0.9, low: float = 0.2, current: float | None = None) -> Outcomes:
    """Forty questions, of which thirty have an answer."""
    rng = random.Random(1)
    asked = [Judged(f"d{i}", i % 4 != 0, rng.gauss(high if i % 4 else low, 0.03), 0.05) for i in range(40)]
    return threshold_outcomes(asked, current)


def test_the_threshold_goes_between_the_two_kinds() -> None:
    tuned = cross_validated(refusals())
    assert tuned.changes
    assert isinstance(tuned.value, float)
    assert 0.2 < tuned.value < 0.9
    assert tuned.score_before is not None
    assert tuned.score_after is not None
    assert tuned.score_before.mean == 0.5
    assert tuned.score_after.mean > 0.85
    assert tuned.parts["answerable refused"] == (0.0, 0.0)


def test_a_threshold_may_not_refuse_many_right_questions() -> None:
    """Both kinds look alike: refusing everything would be as good as refusing nothing."""
    assert not cross_validated(refusals(high=0.5, low=0.5)).changes
    mixed = refusals(high=0.5, low=0.47)
    picked = choose(mixed, range(40))
    refused = [row[picked] for row in mixed.parts["answerable refused"] if row is not None]
    assert sum(refused) / len(refused) <= 0.1
