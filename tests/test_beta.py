"""Factors beside a market: beta, idiosyncratic volatility, residual momentum, maximum return."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factors import (
    idiosyncratic_volatility,
    low_beta,
    low_maximum_return,
    residual_momentum,
)
from factors.market import market_returns
from feeds.errors import ConfigError

NAN = np.nan


def priced(returns: np.ndarray) -> np.ndarray:
    """Closes from 100 on that have these returns from row 1 on."""
    return 100.0 * np.cumprod(np.vstack([np.ones(returns.shape[1]), 1.0 + returns]), axis=0)


def correlated(seed: int = 12, assets: int = 5, rows: int = 200) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = rng.normal(0.0005, 0.01, (rows, 1))
    slopes = np.linspace(0.2, 2.0, assets)
    return priced(common * slopes + rng.normal(0.0, 0.01, (rows, assets)))


def test_the_market_of_each_class_is_the_mean_of_its_own_assets(make_panel) -> None:
    # Row 1: +10 % and +30 % for the equities, mean 20 %; -50 % for the coin. Row 2: the second
    # equity has no bar, the first gives -10 %.
    close = np.array([[100.0, 10.0, 8.0], [110.0, 13.0, 4.0], [99.0, NAN, 4.0]])
    panel = make_panel(close, asset_class=["equity", "equity", "crypto"])
    coins, equities = (returns for _, returns in market_returns(panel))
    np.testing.assert_allclose(equities, [NAN, 0.2, -0.1], rtol=1e-12)
    np.testing.assert_allclose(coins, [NAN, -0.5, 0.0], rtol=1e-12)


def test_a_market_by_caps_weighs_by_the_caps_of_the_session_before(make_panel) -> None:
    # Caps 300 and 100 on row 0: (3 x 10 % + 1 x 30 %) / 4 = 15 %, whatever row 1 says.
    close = np.array([[100.0, 10.0], [110.0, 13.0]])
    cap = np.array([[300.0, 100.0], [1.0, 1e9]])
    ((_, returns),) = market_returns(make_panel(close, market_cap=cap), "cap")
    np.testing.assert_allclose(returns, [NAN, 0.15], rtol=1e-12)
    with pytest.raises(ConfigError, match="market: cap needs market_cap"):
        list(market_returns(make_panel(), "cap"))


def test_beta_by_hand(make_panel) -> None:
    # Two assets that move together: log returns of the first are l, of the second 0, so that
    # the market's simple return is half of the first's. With one window for both, the
    # correlation of three-session returns is computed out of the same few numbers below.
    moves = np.array([0.10, -0.05, 0.20, -0.10, 0.05, 0.15])
    close = np.column_stack([priced(moves[:, None]), np.full(7, 50.0)])
    score = low_beta(make_panel(close), lookback=6, correlation_lookback=4)[-1]
    own, market = np.log1p(moves), np.log1p(moves / 2.0)
    three = np.array([own[k : k + 3].sum() for k in range(4)])
    three_market = np.array([market[k : k + 3].sum() for k in range(4)])
    rho = np.corrcoef(three, three_market)[0, 1]
    slope = rho * own.std(ddof=1) / market.std(ddof=1)
    assert score[0] == pytest.approx(-(0.6 * slope + 0.4), rel=1e-12)
    assert np.isnan(score[1])  # what does not vary has no correlation


def test_the_only_asset_of_a_class_is_its_market(make_panel) -> None:
    close = correlated(assets=1)
    panel = make_panel(close)
    given = {"lookback": 40, "correlation_lookback": 60}
    np.testing.assert_allclose(low_beta(panel, **given)[-1], -1.0, rtol=1e-12)
    np.testing.assert_array_equal(idiosyncratic_volatility(panel, lookback=20)[-1], 0.0)
    assert np.isnan(residual_momentum(panel, lookback=60, skip=5, estimation=90)).all()


def test_shrinkage_goes_from_the_estimate_to_one(make_panel) -> None:
    panel = make_panel(correlated())
    given = {"lookback": 60, "correlation_lookback": 100}
    whole = low_beta(panel, shrinkage=1.0, **given)[-1]
    half = low_beta(panel, shrinkage=0.5, **given)[-1]
    np.testing.assert_allclose(half, 0.5 * whole - 0.5, rtol=1e-12)
    np.testing.assert_array_equal(np.argsort(whole), np.arange(5)[::-1])
    np.testing.assert_array_equal(low_beta(panel, shrinkage=0.0, **given)[-1], -1.0)


def test_idiosyncratic_volatility_by_hand(make_panel) -> None:
    # The market is the mean of both: m = (0.1, -0.1, 0, 0) for r = m + e with e = (1, 1, -1, -1)
    # / 100, orthogonal to m and of mean 0, and r = m - e. Squares 4e-4 over n - 2 = 2: e has a
    # standard error of sqrt(2e-4).
    market, noise = np.array([0.1, -0.1, 0.0, 0.0]), np.array([1.0, 1.0, -1.0, -1.0]) / 100.0
    panel = make_panel(priced(np.column_stack([market + noise, market - noise])))
    score = idiosyncratic_volatility(panel, lookback=4, min_observations=4)
    assert np.isnan(score[:4]).all()
    np.testing.assert_allclose(score[4], -np.sqrt(2e-4), rtol=1e-9)


def test_residuals_are_those_of_least_squares(make_panel) -> None:
    panel = make_panel(correlated())
    returns = panel.close[1:] / panel.close[:-1] - 1.0
    market = returns.mean(axis=1)
    design = np.column_stack([np.ones(90), market[-90:]])
    fit = np.linalg.lstsq(design, returns[-90:], rcond=None)[0]
    # Rows t-59 .. t-5 of the returns: P(t-5)/P(t-60).
    held = returns[-60:-5] - np.column_stack([np.ones(55), market[-60:-5]]) @ fit
    expected = held.sum(axis=0) / held.std(axis=0, ddof=1)
    found = residual_momentum(panel, lookback=60, skip=5, estimation=90)[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    line = np.linalg.lstsq(np.column_stack([np.ones(21), market[-21:]]), returns[-21:], rcond=None)
    spread = np.sqrt(line[1] / 19.0)
    np.testing.assert_allclose(idiosyncratic_volatility(panel, lookback=21)[-1], -spread, rtol=1e-9)


def test_residual_momentum_needs_a_past_as_long_as_its_skip(make_panel) -> None:
    scores = residual_momentum(make_panel(correlated()), lookback=60, skip=50, estimation=60)
    # Five of the ten returns of the window are enough, and row 0 has none: from row 55 on.
    assert np.flatnonzero(np.isfinite(scores).all(axis=1))[0] == 55


def test_a_market_that_stands_still_explains_nothing(make_panel) -> None:
    panel = make_panel(np.full((60, 3), 20.0))
    assert np.isnan(low_beta(panel, lookback=20, correlation_lookback=20)).all()
    assert np.isnan(idiosyncratic_volatility(panel, lookback=20)).all()
    assert np.isnan(residual_momentum(panel, lookback=20, skip=2, estimation=30)).all()


def test_stocks_and_coins_have_their_own_markets(make_panel) -> None:
    close = correlated(assets=6)
    mixed = make_panel(close, asset_class=["equity", "crypto"] * 3)
    for factor, given in (
        (low_beta, {"lookback": 40, "correlation_lookback": 60}),
        (idiosyncratic_volatility, {"lookback": 20}),
        (residual_momentum, {"lookback": 60, "skip": 5, "estimation": 90}),
    ):
        alone = factor(mixed.select(np.array([0, 2, 4])), **given)
        np.testing.assert_allclose(factor(mixed, **given)[:, ::2], alone, rtol=1e-9)


def test_maximum_return_by_hand(make_panel) -> None:
    # Returns +10 %, -50 %, +20 %, 0: the largest of the last two.
    panel = make_panel(priced(np.array([[0.1], [-0.5], [0.2], [0.0]])))
    scores = low_maximum_return(panel, lookback=2)[:, 0]
    np.testing.assert_allclose(scores, [NAN, -0.1, -0.1, -0.2, -0.2], rtol=1e-12)


def test_pandas_is_a_second_witness_of_maxima(make_panel) -> None:
    rng = np.random.default_rng(8)
    close = np.where(rng.random((120, 4)) < 0.1, NAN, rng.uniform(5.0, 50.0, (120, 4)))
    panel = make_panel(close)
    filled = pd.DataFrame(close).ffill(limit=6)
    returns = pd.DataFrame(close) / filled.shift(1) - 1.0
    expected = -returns.rolling(21, min_periods=10).max()
    found = low_maximum_return(panel, lookback=21)
    np.testing.assert_allclose(found, expected.where(panel.age <= 7), rtol=1e-12)


@pytest.mark.parametrize(
    "factor, given, message",
    [
        (low_beta, {"shrinkage": 1.5}, "factors.beta: shrinkage 1.5 is not in"),
        (low_beta, {"lookback": 0}, "factors.beta: lookback 0"),
        (low_beta, {"market": "cap"}, "market: cap needs market_cap"),
        (residual_momentum, {"lookback": 60, "skip": 60}, "lookback 60 and skip 60"),
        (residual_momentum, {"lookback": 60, "skip": 5, "estimation": 50}, "estimation 50 is und"),
        (idiosyncratic_volatility, {"lookback": 10, "min_observations": 2}, "min_observations 2"),
        (idiosyncratic_volatility, {"lookback": 0}, "lookback 0"),
        (low_maximum_return, {"lookback": 10, "min_observations": 0}, "min_observations 0"),
    ],
)
def test_mistakes_are_refused_with_the_key(make_panel, factor, given, message) -> None:
    with pytest.raises(ConfigError, match=message):
        factor(make_panel(), **given)
