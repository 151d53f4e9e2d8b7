"""Caps on assets and on classes, by hand and for any weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.limits import cap_classes, cap_weights

EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True)
CLASSES = np.array(["crypto", "crypto", "equity", "equity"])


def capped(weights, cap):
    return cap_weights(np.array(weights, dtype=float), cap).tolist()


def by_class(weights, caps, classes=CLASSES):
    return cap_classes(np.array(weights, dtype=float), classes, caps).tolist()


def test_weights_below_the_cap_stay():
    assert capped([0.5, 0.3, 0.2], 0.5) == [0.5, 0.3, 0.2]


def test_the_excess_goes_to_the_others_in_proportion():
    # 0.6 -> 0.4; the 0.2 goes 3 : 1 to 0.3 and 0.1: 0.45 and 0.15, of which 0.45 is over 0.4
    # itself: 0.4, 0.4 and 0.2.
    assert capped([0.6, 0.3, 0.1], 0.4) == pytest.approx([0.4, 0.4, 0.2])
    # With a cap of 0.5: 0.1 goes 3 : 1: 0.375 and 0.125.
    assert capped([0.6, 0.3, 0.1], 0.5) == pytest.approx([0.5, 0.375, 0.125])


def test_what_the_selected_cannot_hold_is_left_as_cash():
    assert capped([0.7, 0.3, 0.0], 0.3) == [0.3, 0.3, 0.0]


def test_one_asset_and_no_asset():
    assert capped([1.0], 0.4) == [0.4]
    assert capped([1.0], 2.0) == [1.0]
    assert capped([0.0, 0.0], 0.4) == [0.0, 0.0]


def test_weights_not_selected_stay_zero():
    assert capped([0.9, 0.0, 0.1], 0.6) == pytest.approx([0.6, 0.0, 0.4])


def test_equal_weights_at_the_cap_are_not_touched_by_rounding():
    assert capped([0.1] * 10, 0.1) == pytest.approx([0.1] * 10, abs=1e-15)


SIDES = st.lists(st.floats(0.0, 1.0).map(lambda x: round(x, 6)), min_size=1, max_size=40)


@EXAMPLES
@given(weights=SIDES, cap=st.floats(0.01, 1.2))
def test_no_weight_exceeds_the_cap_and_the_sum_is_kept_where_it_can_be(weights, cap):
    weights = np.array(weights)
    result = cap_weights(weights, cap)
    assert np.all(result <= cap * (1 + 1e-12))
    assert np.all(result[weights == 0] == 0)
    room = cap * np.count_nonzero(weights)
    assert result.sum() == pytest.approx(min(weights.sum(), room), abs=1e-12)


@EXAMPLES
@given(weights=SIDES, cap=st.floats(0.01, 1.2))
def test_capping_keeps_the_ranking_and_the_proportions_below_the_cap(weights, cap):
    weights = np.array(weights)
    result = cap_weights(weights, cap)
    order = np.argsort(weights, kind="stable")
    assert np.all(np.diff(result[order]) >= -1e-12)
    free = (result < cap * (1 - 1e-9)) & (weights > 0)
    if free.sum() > 1:
        ratio = result[free] / weights[free]
        assert np.ptp(ratio) <= 1e-9 * ratio.max()


@EXAMPLES
@given(weights=SIDES, cap=st.floats(0.01, 1.2), random=st.randoms(use_true_random=False))
def test_capping_does_not_depend_on_the_order(weights, cap, random):
    order = list(range(len(weights)))
    random.shuffle(order)
    weights = np.array(weights)
    shuffled = cap_weights(weights[order], cap)
    np.testing.assert_allclose(shuffled, cap_weights(weights, cap)[order], atol=1e-12)


# Classes


def test_the_excess_of_a_class_goes_to_the_same_side_of_the_others():
    # Crypto holds 0.5, capped at 0.2: its weights shrink by 0.4, the 0.3 goes 3 : 2 to equities.
    result = by_class([0.3, 0.2, 0.3, 0.2], {"crypto": 0.2})
    assert result == pytest.approx([0.12, 0.08, 0.48, 0.32])


def test_longs_and_shorts_of_a_capped_class_are_spread_apart():
    # Gross 0.6 capped at 0.3: 0.4 -> 0.2 and -0.2 -> -0.1; +0.2 and -0.1 go to the other class.
    result = by_class([0.4, -0.2, 0.3, -0.1], {"crypto": 0.3})
    assert result == pytest.approx([0.2, -0.1, 0.5, -0.2])


def test_what_no_other_class_may_take_is_left_as_cash():
    assert by_class([0.4, 0.4, 0.0, 0.0], {"crypto": 0.4}) == pytest.approx([0.2, 0.2, 0, 0])
    # There is a short in the other class, but no long.
    assert by_class([0.8, 0.0, -0.1, 0.0], {"crypto": 0.4}) == pytest.approx([0.4, 0, -0.1, 0])


def test_a_capped_class_takes_nothing_from_another():
    result = by_class([0.6, 0.0, 0.4, 0.0], {"crypto": 0.2, "equity": 0.9})
    assert result == pytest.approx([0.2, 0.0, 0.4, 0.0])


def test_a_class_without_a_cap_below_its_cap_or_absent_is_left_alone():
    weights = [0.1, 0.1, 0.5, 0.3]
    assert by_class(weights, {}) == weights
    assert by_class(weights, {"crypto": 0.2, "bond": 0.1}) == weights


def test_a_cap_of_zero_empties_a_class():
    assert by_class([0.3, -0.3, 0.2, -0.2], {"crypto": 0.0}) == pytest.approx([0, 0, 0.5, -0.5])


@EXAMPLES
@given(
    weights=st.lists(st.integers(-100, 100).map(lambda x: x / 100), min_size=4, max_size=4),
    cap=st.floats(0.0, 1.5),
)
def test_net_and_gross_are_kept_where_another_class_can_take_the_excess(weights, cap):
    weights = np.array(weights)
    result = cap_classes(weights, CLASSES, {"crypto": cap})
    assert np.abs(result[:2]).sum() <= cap + 1e-12
    takers = weights[2:]
    needed = {sign for sign in np.sign(weights[:2]).tolist() if sign}
    if needed <= set(np.sign(takers).tolist()):
        assert result.sum() == pytest.approx(weights.sum(), abs=1e-12)
        assert np.abs(result).sum() == pytest.approx(np.abs(weights).sum(), abs=1e-12)
