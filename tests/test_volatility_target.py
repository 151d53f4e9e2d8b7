"""A book at its target volatility: leverage by hand, limits afterwards, what is not known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.construction import CrossSection, PortfolioRules, target_weights
from strategies.portfolio_rules import CovarianceRules, VolatilityRules
from strategies.volatility_target import forecast_volatility

NAN = np.nan
SAMPLE = CovarianceRules("sample", lookback=252, min_history=3)
#: Uncorrelated, standard deviations s = 0.02 sqrt(4/3) and 2s.
APART = np.array([[0.02, 0.04], [-0.02, 0.04], [0.02, -0.04], [-0.02, -0.04]])
S = 0.02 * math.sqrt(4 / 3)


def section(returns, score=(2.0, 1.0), periods=1):
    score, returns = np.array(score), np.asarray(returns, dtype=float)
    count = len(score)
    return CrossSection(
        symbols=np.array([f"S{number:02d}" for number in range(count)]),
        asset_class=np.array(["equity"] * count),
        eligible=np.ones(count, dtype=bool),
        score=score,
        trend=score,
        history=lambda columns, lookback: returns[-lookback:][:, columns],
        periods_per_year=periods,
    )


def rules(annual, most=1.0, **given):
    given = {"quantile": None, "top": 2, "min_breadth": 1, "covariance": SAMPLE, **given}
    return PortfolioRules(volatility_target=VolatilityRules(annual, most), **given)


def test_the_forecast_is_that_of_the_weights():
    # Halves: sqrt(0.25 s^2 + 0.25 x 4 s^2) = s sqrt(1.25), times 2 for 4 sessions a year.
    found, reports = forecast_volatility(section(APART, periods=4), np.full(2, 0.5), rules(0.1))
    assert found == pytest.approx(2 * S * math.sqrt(1.25), rel=1e-12)
    assert reports == ()


def test_a_book_that_is_too_volatile_is_made_smaller():
    forecast = S * math.sqrt(1.25)
    target = target_weights(section(APART), rules(forecast / 2))
    np.testing.assert_allclose(target.weights, [0.25, 0.25], rtol=1e-12)


def test_a_calm_book_is_levered_up_to_its_cap():
    forecast = S * math.sqrt(1.25)
    np.testing.assert_allclose(target_weights(section(APART), rules(forecast * 3)).weights, 0.5)
    target = target_weights(section(APART), rules(forecast * 1.5, 2.0))
    np.testing.assert_allclose(target.weights, [0.75, 0.75], rtol=1e-12)
    target = target_weights(section(APART), rules(forecast * 3, 2.0))
    np.testing.assert_allclose(target.weights, [1.0, 1.0], rtol=1e-12)


def test_limits_hold_after_leverage():
    forecast = S * math.sqrt(1.25)
    target = target_weights(section(APART), rules(forecast * 1.5, 2.0, max_gross=1.2))
    np.testing.assert_allclose(target.weights, [0.6, 0.6], rtol=1e-12)


def test_what_limits_made_riskier_is_made_smaller():
    # Risk parity 2/3 and 1/3 has s sqrt(8/9); a cap of 0.5 on the calm one gives 0.5 each with
    # s sqrt(1.25), which is above the target of s.
    target = target_weights(
        section(APART), rules(S, 1.0, weighting="inverse_volatility", max_weight=0.5)
    )
    np.testing.assert_allclose(target.weights, np.full(2, 0.5 / math.sqrt(1.25)), rtol=1e-12)


def test_an_asset_that_is_not_known_counts_as_the_rest():
    returns = np.column_stack([APART[:, 0], np.full(4, NAN)])
    found, reports = forecast_volatility(section(returns), np.array([0.25, 0.75]), rules(0.1))
    # A quarter is known, 0.25 s: the whole is four times that.
    assert found == pytest.approx(S, rel=1e-12)
    detail = "not known of 1 assets, 0.7500 of gross: taken as of the rest"
    assert reports == (("", "volatility", detail),)


def test_a_book_of_which_nothing_is_known_is_not_levered():
    target = target_weights(section(np.full((4, 2), NAN)), rules(0.001, 3.0))
    assert target.weights.tolist() == [0.5, 0.5]
    assert target.reports[0][2] == "not known of any asset: the book is not levered"
    assert target_weights(section(np.full((4, 2), NAN)), rules(9.0, 0.5)).weights.tolist() == [
        0.25,
        0.25,
    ]


def test_prices_that_do_not_move_count_as_no_risk():
    returns = np.column_stack([APART[:, 0], np.zeros(4)])
    found, reports = forecast_volatility(section(returns), np.array([0.5, 0.5]), rules(0.1))
    assert found == pytest.approx(0.5 * S, rel=1e-12)
    assert reports == ()


def test_an_empty_book_stays_empty():
    assert target_weights(section(APART, (NAN, NAN)), rules(0.1)).weights.tolist() == [0, 0]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), annual=st.sampled_from([0.01, 0.1, 0.5]))
def test_the_forecast_of_the_target_never_exceeds_it(seed, annual):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 12))
    given_ = section(rng.normal(0, 0.01, (80, count)), rng.normal(size=count), 252)
    book = rules(annual, 2.0, top=count // 2, max_weight=0.2, side="long_short", max_gross=1.5)
    target = target_weights(given_, book)
    forecast, _ = forecast_volatility(given_, target.weights, book)
    assert forecast <= annual * (1 + 2e-6)
    assert np.abs(target.weights).sum() <= 1.5 + 1e-12
