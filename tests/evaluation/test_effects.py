"""Order statistics of few runs: by hand, by symmetry, and against scipy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr

from dcgan.evaluation.measures.effects import (
    Spread,
    paired_difference,
    rank_correlation,
    spread,
    superiority,
)

values = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=8)


def test_the_spread_of_three_values_and_of_none() -> None:
    assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0, 3)
    assert spread([]) is None


def test_differences_are_taken_seed_by_seed() -> None:
    # The medians are 20 and 21; seed by seed one is better by 1, 5 and 9, whose median is 5.
    ours, theirs = {0: 10.0, 1: 20.0, 2: 30.0}, {0: 15.0, 1: 21.0, 2: 39.0}
    assert paired_difference(ours, theirs) == -5.0
    assert paired_difference({0: 1.0, 3: 100.0}, theirs) == -14.0  # seed 3 has no partner
    assert paired_difference({7: 1.0}, theirs) is None


def test_superiority_by_hand() -> None:
    assert superiority([1.0, 2.0, 3.0], [0.0, 2.0]) == pytest.approx((1 + 1.5 + 2) / 6)
    assert superiority([1.0], [2.0, 3.0]) == 0.0
    assert superiority([4.0], [2.0, 3.0]) == 1.0
    assert superiority([], [1.0]) is None
    assert superiority([1.0], []) is None


@given(values, values)
def test_superiority_is_mann_whitneys_u_over_the_pairs(ours: list[float], theirs: list[float]) -> None:
    expected = mannwhitneyu(ours, theirs, method="asymptotic").statistic / (len(ours) * len(theirs))
    assert superiority(ours, theirs) == pytest.approx(expected)
    assert superiority(ours, theirs) == pytest.approx(1 - superiority(theirs, ours))
    assert superiority([value**3 for value in ours], [value**3 for value in theirs]) == superiority(ours, theirs)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=12))
def test_the_rank_correlation_is_scipys(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = ([pair[place] for pair in pairs] for place in (0, 1))
    if min(len(set(ours)), len(set(theirs))) > 1:
        assert rank_correlation(ours, theirs) == pytest.approx(spearmanr(ours, theirs).statistic, abs=1e-12)


@pytest.mark.parametrize("theirs", [[2.0], [3.0, 3.0, 3.0]])
def test_values_without_an_order_have_no_rank_correlation(theirs: list[float]) -> None:
    assert math.isnan(rank_correlation([1.0, 2.0, 3.0][: len(theirs)], theirs))
