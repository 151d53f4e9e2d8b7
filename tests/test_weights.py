"""Selection and weighting of one pool, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.weights import WEIGHTINGS, select_sides, weigh_side

SYMBOLS = np.array(["A", "B", "C", "D", "E"])
SCORES = np.array([0.1, 0.5, -0.3, 0.9, 0.2])


def sides(scores=SCORES, symbols=SYMBOLS, quantile=None, top=None):
    best, worst = select_sides(np.asarray(scores), symbols, quantile=quantile, top=top)
    return "".join(symbols[best]), "".join(symbols[worst])


def test_a_quantile_is_rounded_down_and_the_most_extreme_come_first():
    # 5 x 0.4 = 2 a side; 5 x 0.39 = 1.95 -> 1.
    assert sides(quantile=0.4) == ("DB", "CA")
    assert sides(quantile=0.39) == ("D", "C")


def test_a_product_a_hair_below_a_whole_number_counts_as_whole():
    # 0.1 x 30 = 3.0000000000000004 and 0.07 x 100 = 7.000000000000001, but 0.29 x 100 is
    # 28.999999999999996.
    symbols = np.array([f"S{number:03d}" for number in range(100)])
    best, _ = select_sides(np.arange(100.0), symbols, quantile=0.29, top=None)
    assert len(best) == 29


def test_top_takes_so_many_a_side():
    assert sides(top=2) == ("DB", "CA")
    assert sides(top=1) == ("D", "C")


def test_more_than_there_are_takes_all_of_the_best_and_half_of_the_worst():
    assert sides(top=9) == ("DBEAC", "CA")


def test_at_least_one_asset_a_side():
    assert sides(quantile=0.01) == ("D", "C")
    assert sides([1.0], SYMBOLS[:1], quantile=0.2) == ("A", "A")


def test_ties_are_broken_by_symbol_whatever_the_order_of_columns():
    scores = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    for order in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2], [4, 3, 2, 1, 0]):
        assert sides(scores[order], SYMBOLS[order], top=2) == ("AB", "ED")


def test_when_all_tie_the_sides_are_the_two_ends_of_the_alphabet():
    assert sides(np.zeros(5), top=2) == ("AB", "ED")
    assert sides(np.array([0.0, -0.0, 0.0, -0.0, 0.0]), top=2) == ("AB", "ED")


def test_equal_weights():
    assert weigh_side(np.array([3.0, 2.0, 1.0]), "equal", 0.9) == pytest.approx([0.3] * 3)


def test_rank_weights():
    # 3 : 2 : 1 of 0.6, whatever the scores.
    assert weigh_side(np.array([9.0, 0.2, 0.1]), "rank", 0.6) == pytest.approx([0.3, 0.2, 0.1])


def test_score_weights():
    # Distances from the least, 4 and 1 and 0, plus the mean gap 4/2 = 2: 6 : 3 : 2 of 1.1.
    weights = weigh_side(np.array([5.0, 2.0, 1.0]), "score", 1.1)
    assert weights == pytest.approx([0.6, 0.3, 0.2])
    # The worst side mirrors it.
    assert weigh_side(np.array([-5.0, -2.0, -1.0]), "score", 1.1) == pytest.approx([0.6, 0.3, 0.2])


def test_score_weights_of_ties_and_of_one_asset_are_equal():
    assert weigh_side(np.array([2.0, 2.0]), "score", 1.0) == pytest.approx([0.5, 0.5])
    assert weigh_side(np.array([2.0]), "score", 1.0) == pytest.approx([1.0])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    scores=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60),
    weighting=st.sampled_from(sorted(WEIGHTINGS)),
    total=st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0]),
)
def test_weights_of_a_side_sum_to_its_total_and_fall_with_the_score(scores, weighting, total):
    ranked = np.sort(np.array(scores))[::-1]
    weights = weigh_side(ranked, weighting, total)
    assert weights.sum() == pytest.approx(total, abs=1e-12)
    assert np.all(np.diff(weights) <= 1e-15)
    assert np.all(weights > 0) or total == 0


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    scores=st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=2, max_size=26),
    top=st.integers(1, 30),
    random=st.randoms(use_true_random=False),
)
def test_selection_does_not_depend_on_the_order_of_columns(scores, top, random):
    symbols = np.array([chr(ord("A") + number) for number in range(len(scores))])
    order = list(range(len(scores)))
    random.shuffle(order)
    scores = np.array(scores)
    assert sides(scores, symbols, top=top) == sides(scores[order], symbols[order], top=top)
    best, worst = sides(scores, symbols, top=top)
    if top <= len(scores) // 2:
        assert not set(best) & set(worst)
