"""The fused score: between 0 and 1, and better when either search is better."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuse import fuse

SCORES = st.dictionaries(st.integers(1, 50), st.floats(-1, 1), min_size=1, max_size=30)
BM25 = st.dictionaries(st.integers(1, 50), st.floats(0, 40), max_size=30)
WEIGHT = st.floats(0, 1)


@given(SCORES, BM25, WEIGHT)
def test_every_candidate_once_in_order_within_bounds(
    dense: dict[int, float], lexical: dict[int, float], weight: float
) -> None:
    ranked = fuse(dense, lexical, weight)
    assert sorted(i for i, _ in ranked) == sorted(dense)
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)


@given(SCORES, BM25, WEIGHT)
def test_better_in_both_is_never_worse(dense: dict[int, float], lexical: dict[int, float], weight: float) -> None:
    score = dict(fuse(dense, lexical, weight))
    for a in dense:
        for b in dense:
            if dense[a] >= dense[b] and lexical.get(a, 0.0) >= lexical.get(b, 0.0):
                assert score[a] >= score[b] - 1e-9


@given(SCORES, BM25)
def test_the_ends_of_the_weight_are_the_single_searches(dense: dict[int, float], lexical: dict[int, float]) -> None:
    by_dense = [dense[i] for i, _ in fuse(dense, lexical, 1.0)]
    by_words = [lexical.get(i, 0.0) for i, _ in fuse(dense, lexical, 0.0)]
    # Scores nearer to each other than floats can scale may change places.
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(by_dense))
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(by_words))


def test_by_hand() -> None:
    assert fuse({1: 0.9, 2: 0.5, 3: 0.1}, {2: 10.0, 3: 5.0}, 0.4) == [(2, 0.4 * 0.5 + 0.6), (1, 0.4), (3, 0.3)]


def test_nothing_and_equal_scores() -> None:
    assert fuse({}, {}, 0.4) == []
    assert fuse({2: 0.5, 1: 0.5}, {}, 0.4) == [(1, 0.4), (2, 0.4)]


def test_a_lone_candidate_that_matches_both_ways_is_a_full_match() -> None:
    assert fuse({7: 0.6}, {7: 3.0}, 0.4) == [(7, 1.0)]
