"""Illiquidity and turnover: hand-computed means, sessions without trade, units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factors import illiquidity, low_turnover
from feeds.errors import ConfigError

NAN = np.nan


def test_illiquidity_by_hand(make_panel) -> None:
    # Returns +10 % and -10 % on a traded value of 110 x 10 = 1100 and 99 x 20 = 1980:
    # (0.1/1100 + 0.1/1980) / 2 = 0.1 (1980 + 1100) / (2 x 1100 x 1980) = 308 / 4356000.
    close, volume = np.array([[100.0], [110.0], [99.0]]), np.array([[5.0], [10.0], [20.0]])
    scores = illiquidity(make_panel(close, volume=volume), lookback=2)[:, 0]
    expected = [NAN, np.log(0.1 / 1100.0), np.log(308.0 / 4356000.0)]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_sessions_without_trade_do_not_count(make_panel) -> None:
    # Only the return of row 3, 120/60 - 1 = 1, has trade: 1 / (120 x 3) of it alone.
    close = np.array([[100.0], [50.0], [60.0], [120.0]])
    volume = np.array([[1.0], [0.0], [NAN], [3.0]])
    panel = make_panel(close, volume=volume)
    one = illiquidity(panel, lookback=4, min_observations=1)[:, 0]
    np.testing.assert_allclose(one, [NAN, NAN, NAN, -np.log(360.0)], rtol=1e-12)
    assert np.isnan(illiquidity(panel, lookback=4, min_observations=2)).all()


def test_a_price_that_never_moved_is_not_ranked(make_panel) -> None:
    assert np.isnan(illiquidity(make_panel(np.full((20, 1), 4.0)), lookback=5)).all()


def test_traded_value_is_in_printed_prices_and_may_be_given_in_currency(make_panel) -> None:
    # The adjusted close is 10 then 20; after the split of two a share prints 10 and 30 trade:
    # 300 in currency, as the second asset's vendor says at once. Return 1: log(1/300).
    close = np.array([[10.0, 10.0], [20.0, 20.0]])
    split = np.array([[1.0, 1.0], [2.0, 1.0]])
    volume = np.array([[1.0, 1.0], [30.0, 300.0]])
    panel = make_panel(
        close, volume=volume, split_factor=split, volume_unit=np.array(["units", "currency"])
    )
    np.testing.assert_allclose(illiquidity(panel, lookback=1)[1], -np.log([300.0, 300.0]), 1e-12)


def test_turnover_by_hand(make_panel) -> None:
    # 10 x 5 / 1000 = 0.05 and 20 x 10 / 1000 = 0.2 change hands: -log((0.05 + 0.2) / 2).
    close, volume = np.array([[10.0], [20.0]]), np.array([[5.0], [10.0]])
    panel = make_panel(close, volume=volume, market_cap=np.full((2, 1), 1000.0))
    scores = low_turnover(panel, lookback=2)[:, 0]
    np.testing.assert_allclose(scores, [-np.log(0.05), -np.log(0.125)], rtol=1e-12)


def test_turnover_that_is_not_known_or_none_at_all(make_panel) -> None:
    close = np.full((6, 4), 10.0)
    cap = np.tile([100.0, NAN, 0.0, 100.0], (6, 1))
    volume = np.tile([1.0, 1.0, 1.0, 0.0], (6, 1))
    scores = low_turnover(make_panel(close, volume=volume, market_cap=cap), lookback=4)
    assert np.isnan(scores[-1]).tolist() == [False, True, True, True]


def test_pandas_is_a_second_witness(make_panel) -> None:
    rng = np.random.default_rng(6)
    close = np.exp(rng.normal(3.0, 0.1, (160, 4)))
    volume = np.where(rng.random(close.shape) < 0.2, 0.0, rng.lognormal(5.0, 1.0, close.shape))
    panel = make_panel(close, volume=volume, market_cap=close * 1e4)
    value = pd.DataFrame(close * volume)
    impact = pd.DataFrame(close).pct_change(fill_method=None).abs() / value.where(value > 0)
    expected = np.log(impact.rolling(30, min_periods=15).mean())
    np.testing.assert_allclose(illiquidity(panel, lookback=30), expected, rtol=1e-9)
    share = -np.log((value / (close * 1e4)).rolling(30, min_periods=15).mean())
    np.testing.assert_allclose(low_turnover(panel, lookback=30), share, rtol=1e-9)


@pytest.mark.parametrize("factor", [illiquidity, low_turnover])
def test_a_window_too_small_is_refused(make_panel, factor) -> None:
    with pytest.raises(ConfigError, match="min_observations 6 does not fit a lookback of 5"):
        factor(make_panel(), lookback=5, min_observations=6)
    with pytest.raises(ConfigError, match="lookback 0: no window"):
        factor(make_panel(), lookback=0)
