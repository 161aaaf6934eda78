"""Tests and intervals that hold their level when cases of one document are alike."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.statistics import (
    benjamini_hochberg,
    bootstrap,
    cushioned,
    detectable,
    mcnemar,
    permutation,
    ratio_of_medians,
    standard_error,
    threshold,
)

ROWS = st.lists(
    st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), st.sampled_from("abcdefgh")), min_size=1, max_size=40
)


def alike(rng: np.random.Generator, documents: int, rows: int, icc: float, effect: float = 0.0) -> np.ndarray:
    """Differences with a share `icc` of their variance common to a document: documents × rows."""
    common = rng.normal(size=(documents, 1)) * math.sqrt(icc)
    return common + rng.normal(size=(documents, rows)) * math.sqrt(1 - icc) + effect


def named(documents: int, rows: int) -> list[str]:
    return [f"d{i // rows}" for i in range(documents * rows)]


# permutation ---------------------------------------------------------------------------------------------------------


def test_six_documents_that_all_got_better_are_2_of_64_sign_flips() -> None:
    assert permutation([1.0] * 6, list("abcdef")) == pytest.approx(2 / 64)
    assert permutation([1.0] * 6, list("abcdef"), "greater") == pytest.approx(1 / 64)
    assert permutation([1.0] * 6, list("abcdef"), "less") == 1.0


def test_cases_of_one_document_are_flipped_together() -> None:
    assert permutation([1.0] * 60, [*"abcdef"] * 10) == pytest.approx(2 / 64)


def test_five_documents_cannot_reach_five_percent() -> None:
    assert permutation([1.0] * 50, [*"abcde"] * 10) == pytest.approx(2 / 32)


def test_no_difference_at_all_is_certain_chance() -> None:
    assert permutation([0.0, 0.0, 1.0, -1.0], ["a", "b", "c", "c"]) == 1.0
    assert permutation([], []) == 1.0


@given(ROWS)
@settings(max_examples=40)
def test_exact_permutation_is_what_trying_every_flip_by_hand_gives(rows: list[tuple[float, str]]) -> None:
    differences, groups = [d for d, _ in rows], [g for _, g in rows]
    sums = [sum(d for d, g in rows if g == name) for name in sorted(set(groups))]
    totals = [
        sum(s * x for s, x in zip(sums, signs, strict=True)) for signs in itertools.product((1, -1), repeat=len(sums))
    ]
    by_hand = sum(abs(t) >= abs(sum(sums)) - 1e-9 for t in totals) / len(totals)
    assert permutation(differences, groups) == pytest.approx(by_hand)


def test_it_agrees_with_scipy_where_every_row_is_a_document() -> None:
    rng = np.random.default_rng(3)
    for count in (12, 60):  # exact, drawn
        differences = rng.normal(0.3, 1, count)
        theirs = stats.permutation_test(
            (differences, np.zeros(count)),
            lambda x, y: np.mean(x - y),
            permutation_type="samples",
            n_resamples=10_000,
            rng=1,
        )
        ours = permutation(list(differences), [str(i) for i in range(count)])
        assert ours == pytest.approx(float(theirs.pvalue), abs=0.015)


def test_a_drawn_p_value_is_never_zero() -> None:
    assert permutation([1.0] * 40, [str(i) for i in range(40)]) == pytest.approx(1 / 10_001)


@given(ROWS, st.randoms())
@settings(max_examples=40)
def test_the_order_of_the_rows_and_the_names_of_the_documents_do_not_matter(
    rows: list[tuple[float, str]], rng: random.Random
) -> None:
    shuffled = rows[:]
    rng.shuffle(shuffled)
    for test in (permutation, standard_error, bootstrap):
        ours = test([d for d, _ in rows], [g for _, g in rows])
        assert ours == test([d for d, _ in shuffled], [g for _, g in shuffled])


@given(ROWS)
@settings(max_examples=40)
def test_the_other_way_round_the_p_value_is_the_same_and_the_sides_change(rows: list[tuple[float, str]]) -> None:
    differences, groups = [d for d, _ in rows], [g for _, g in rows]
    turned = [-d for d in differences]
    assert permutation(differences, groups) == permutation(turned, groups)
    assert permutation(differences, groups, "greater") == permutation(turned, groups, "less")


def test_the_level_holds_where_a_test_of_rows_fails() -> None:
    rng, found, naive = np.random.default_rng(5), 0, 0
    groups = named(12, 10)
    for _ in range(400):
        differences = alike(rng, 12, 10, icc=0.4).ravel()
        found += permutation(list(differences), groups) < 0.05
        naive += float(stats.ttest_1samp(differences, 0).pvalue) < 0.05
    assert naive / 400 > 0.2
    assert found / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


# bootstrap -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("documents", "icc"), [(8, 0.3), (40, 0.3)])
def test_the_interval_holds_the_true_difference_about_as_often_as_it_says(documents: int, icc: float) -> None:
    rng, held = np.random.default_rng(7), 0
    for _ in range(300):
        low, high = bootstrap(list(alike(rng, documents, 5, icc, 0.2).ravel()), named(documents, 5), draws=1_000)
        held += low <= 0.2 <= high
    assert 0.91 <= held / 300 <= 0.99


def test_the_interval_of_many_documents_agrees_with_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).normal(0.1, 1, 200)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=2).confidence_interval
    ours = bootstrap(list(values), [str(i) for i in range(200)])
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.01)


@given(ROWS)
@settings(max_examples=40)
def test_the_interval_lies_around_the_mean(rows: list[tuple[float, str]]) -> None:
    low, high = bootstrap([d for d, _ in rows], [g for _, g in rows], draws=500)
    assert low - 1e-9 <= sum(d for d, _ in rows) / len(rows) <= high + 1e-9


def test_one_document_says_nothing_of_others() -> None:
    assert bootstrap([1.0, 1.0], ["a", "a"]) == (-math.inf, math.inf)
    assert standard_error([1.0], ["a"]) == detectable([1.0], ["a"]) == math.inf


def test_no_difference_in_few_cases_is_no_proof_that_there_is_none() -> None:
    groups = [str(i) for i in range(20)]
    assert bootstrap([0.0] * 20, groups) == (0.0, 0.0)
    low, high = bootstrap(*cushioned([0.0] * 20, groups))
    assert low < -0.05
    assert high > 0.05


def test_twice_the_time_is_a_ratio_of_two() -> None:
    before = [1.0 + i / 100 for i in range(60)]
    assert ratio_of_medians(before, [2 * b for b in before], named(20, 3), draws=200) == pytest.approx((2, 2))
    rng = np.random.default_rng(4)
    after = [2 * b * float(rng.lognormal(0, 0.2)) for b in before]
    low, high = ratio_of_medians(before, after, named(20, 3), draws=1_000)
    assert 1.6 < low < 2 < high < 2.5


# the rest ------------------------------------------------------------------------------------------------------------


def test_mcnemar_counts_the_answers_that_turned() -> None:
    before, after = [0.0] * 9 + [1.0] * 11, [1.0] * 8 + [0.0, 0.0] + [1.0] * 10
    assert mcnemar(before, after) == pytest.approx(float(stats.binomtest(8, 9).pvalue))
    assert mcnemar(before, after) == pytest.approx(20 / 512)  # 2 × (1 + 9) / 2^9
    assert mcnemar([1.0, 0.0], [1.0, 0.0]) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_agrees_with_scipy(values: list[float]) -> None:
    ours = benjamini_hochberg(dict(enumerate(values)))
    assert list(ours) == list(range(len(values)))
    assert list(ours.values()) == pytest.approx(list(stats.false_discovery_control(values)))


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0, 1))
def test_what_is_found_beside_others_is_what_is_below_its_threshold(others: list[float], p: float) -> None:
    values = {**dict(enumerate(others)), "asked": p}
    needed = threshold(values, "asked")
    assert needed == threshold({**values, "asked": 0.5}, "asked")  # its own value does not matter
    for value, found in ((needed * 0.999, True), (min(1.0, needed * 1.001), False)):
        assert (benjamini_hochberg({**values, "asked": value})["asked"] <= 0.05) is found


def test_dollars_and_tokens_are_tested_alike() -> None:
    differences, groups = [1.0, 2.0, -1.0, 3.0, 1.0, 2.0, 5.0, 1.0], list("abcdefgh")
    plain = permutation(differences, groups)
    assert plain < 0.05
    for scale in (1e-12, 1e9 / 3):
        assert permutation([scale * d for d in differences], groups) == plain


def test_the_standard_error_is_that_of_the_documents_means_where_they_are_of_one_size() -> None:
    values = alike(np.random.default_rng(2), 15, 4, 0.5)
    assert standard_error(list(values.ravel()), named(15, 4)) == pytest.approx(float(stats.sem(values.mean(1))))


def test_a_difference_as_large_as_the_detectable_one_is_found_four_times_in_five() -> None:
    rng, groups = np.random.default_rng(11), named(30, 4)
    expected = math.sqrt((0.3 + 0.7 / 4) / 30) * float(stats.t.ppf([0.975, 0.8], 29).sum())
    sizes, found = [], 0
    for _ in range(300):
        differences = list(alike(rng, 30, 4, 0.3, expected).ravel())
        sizes.append(detectable(differences, groups))
        found += permutation(differences, groups, draws=1_000) < 0.05
    assert np.mean(sizes) == pytest.approx(expected, rel=0.05)
    assert 0.73 <= found / 300 <= 0.87
