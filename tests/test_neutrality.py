"""Betas to a market: hand-computed slopes, lags and what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.neutrality import betas, mean_return

NAN = np.nan
MARKET = np.array([0.01, -0.01, 0.02, -0.02, 0.01, -0.01])


def column(values):
    return np.array(values, dtype=float)[:, None]


def test_a_multiple_of_the_market_has_it_as_beta():
    returns = np.column_stack([2.0 * MARKET + 0.001, -0.5 * MARKET, MARKET])
    found = betas(returns, MARKET, np.zeros(3, dtype=bool), 3)
    np.testing.assert_allclose(found, [2.0, -0.5, 1.0], atol=1e-14)


def test_only_sessions_of_which_both_are_known_count():
    # Known together: market 0.02, -0.02 and 0.01, returns 0.04, 0 and 0.01. Deviations of the
    # market from 1/300: 1/60, -7/300, 2/300; sum of squares 78/90000 = 0.000866667; products
    # 0.04/60 + 0.01 x 2/300 = 0.000733333. Slope 0.733333 / 0.866667 = 11/13.
    returns = column([NAN, NAN, 0.04, 0.0, 0.01, 0.3])
    market = np.array([0.01, -0.01, 0.02, -0.02, 0.01, NAN])
    found = betas(returns, market, np.array([False]), 3)
    np.testing.assert_allclose(found, [11 / 13], atol=1e-12)
    assert np.isnan(betas(returns, market, np.array([False]), 4)).all()


def test_a_lagged_beta_is_the_sum_of_both_slopes():
    returns = np.concatenate([[0.0], 0.7 * MARKET[1:] + 0.4 * MARKET[:-1] + 0.002])
    found = betas(column(returns), MARKET, np.array([True]), 3)
    np.testing.assert_allclose(found, [1.1], atol=1e-12)
    assert abs(betas(column(returns), MARKET, np.array([False]), 3)[0] - 1.1) > 0.1


@pytest.mark.parametrize("lagged", [True, False])
def test_a_market_that_does_not_move_tells_nothing(lagged):
    returns = column(MARKET)
    assert np.isnan(betas(returns, np.zeros(6), np.array([lagged]), 3)).all()
    assert np.isnan(betas(returns, np.full(6, NAN), np.array([lagged]), 3)).all()


def test_a_lagged_beta_needs_its_history():
    assert np.isnan(betas(column([*MARKET[:3], *[NAN] * 3]), MARKET, np.array([True]), 4)).all()


def test_no_assets():
    assert betas(np.zeros((6, 0)), MARKET, np.zeros(0, dtype=bool), 3).shape == (0,)


def test_the_mean_return_is_that_of_the_known():
    found = mean_return(np.array([[0.01, 0.03], [NAN, 0.02], [NAN, NAN]]))
    np.testing.assert_allclose(found, [0.02, 0.02, NAN])
