"""Overlapping formations: their mean, and what becomes of assets that may not be held any more."""

from __future__ import annotations

import numpy as np

from strategies.stagger import mean_formation

YES = np.ones(4, dtype=bool)
STOCKS = np.array(["equity"] * 4)


def test_the_mean_of_the_formations():
    older, newer = np.array([0.5, 0.5, 0, 0]), np.array([0, 0.5, 0.5, 0])
    assert mean_formation([older, newer], YES, STOCKS).tolist() == [0.25, 0.5, 0.25, 0]


def test_longs_and_shorts_cancel():
    older, newer = np.array([0.5, -0.5, 0, 0]), np.array([-0.5, 0.5, 0, 0])
    assert mean_formation([older, newer], YES, STOCKS).tolist() == [0, 0, 0, 0]


def test_one_formation_is_itself():
    only = np.array([0.1, 0.2, -0.3, 0])
    assert mean_formation([only], YES, STOCKS).tolist() == only.tolist()


def test_what_may_not_be_held_goes_to_the_same_side_and_class():
    classes = np.array(["equity", "equity", "equity", "crypto"])
    eligible = np.array([False, True, True, True])
    older = np.array([0.3, 0.1, -0.4, 0.2])
    # 0.3 goes to the other long stock; the coin and the short keep theirs.
    np.testing.assert_allclose(
        mean_formation([older], eligible, classes), [0, 0.4, -0.4, 0.2], atol=1e-15
    )


def test_without_a_taker_it_goes_to_cash():
    eligible = np.array([True, True, False, True])
    older = np.array([0.5, 0.1, -0.4, 0])
    np.testing.assert_allclose(mean_formation([older], eligible, STOCKS), [0.5, 0.1, 0, 0])
