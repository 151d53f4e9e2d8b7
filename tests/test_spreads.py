"""Estimators of bid-ask spreads against hand-computed bars and known spreads."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.spreads import abdi_ranaldo, corwin_schultz

NAN = float("nan")


def test_abdi_ranaldo_by_hand():
    # Logs: close 0.02, middles 0.01 and -0.01: 4 x (0.02 - 0.01) x (0.02 + 0.01) = 0.0012.
    high, low = np.exp([0.03, 0.02, 0.04]), np.exp([-0.01, -0.04, 0.0])
    close = np.exp([0.02, -0.02, 0.03])
    found = abdi_ranaldo(high, low, close)
    # Then close -0.02, middles -0.01 and 0.02: 4 x (-0.01) x (-0.04) = 0.0016.
    np.testing.assert_allclose(found, [NAN, np.sqrt(0.0012), np.sqrt(0.0016)])


def test_a_negative_product_is_a_spread_of_zero():
    # Close 0 between middles of 0.01 and -0.01: 4 x (-0.01) x 0.01 < 0.
    high, low = np.exp([0.02, 0.01]), np.exp([0.0, -0.02])
    np.testing.assert_array_equal(abdi_ranaldo(high, low, np.ones(2)), [NAN, 0.0])


@pytest.mark.parametrize("estimator", [abdi_ranaldo, corwin_schultz])
def test_what_is_not_known_or_has_no_range_says_nothing(estimator):
    flat = np.full(4, 10.0)
    assert np.isnan(estimator(flat, flat, flat)).all()
    high, low = np.array([11.0, NAN, 11.0, 11.0]), np.array([9.0, NAN, 9.0, 9.0])
    found = estimator(high, low, np.array([10.5, NAN, 10.0, 9.5]))
    assert np.isnan(found[:3]).all() and np.isfinite(found[3])


@pytest.mark.parametrize("estimator", [abdi_ranaldo, corwin_schultz])
def test_columns_are_independent_of_each_other(estimator):
    rng = np.random.default_rng(5)
    close = np.exp(np.cumsum(rng.normal(0, 0.01, (50, 3)), axis=0))
    high, low = close * (1 + rng.uniform(0, 0.02, close.shape)), close * 0.985
    whole = estimator(high, low, close)
    for column in range(3):
        alone = estimator(high[:, column], low[:, column], close[:, column])
        np.testing.assert_array_equal(whole[:, column], alone)
    np.testing.assert_array_equal(estimator(high[:20], low[:20], close[:20]), whole[:20])


@pytest.mark.parametrize("spread", [0.01, 0.03])
def test_a_simulated_spread_is_found_again(spread):
    # 390 trades a day at half a spread off an efficient price of 1 % volatility a day.
    rng = np.random.default_rng(9)
    steps = rng.normal(0, 0.01 / np.sqrt(390), (600, 390))
    price = np.exp(np.cumsum(steps.ravel()).reshape(steps.shape))
    price *= 1 + spread / 2 * rng.choice([-1, 1], price.shape)
    high, low, close = price.max(axis=1), price.min(axis=1), price[:, -1]
    # The mean over days, each kept at or above zero, is biased upwards for small spreads.
    for estimator in (abdi_ranaldo, corwin_schultz):
        assert np.nanmean(estimator(high, low, close)) == pytest.approx(spread, rel=0.35)
