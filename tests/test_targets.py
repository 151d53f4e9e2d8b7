"""Targets of a run: what each sees of the past, and that none sees what comes after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strategies.construction import PortfolioRules, finished, formed
from strategies.history import past_returns
from strategies.portfolio_rules import (
    CovarianceRules,
    MeanVarianceRules,
    NeutralRules,
    VolatilityRules,
)
from strategies.targets import Signals, TargetMaker

NAN = np.nan
RISK = CovarianceRules("ledoit_wolf", lookback=40, halflife=20, min_history=10)


# The past


def test_returns_end_at_the_row_and_skip_missing_bars(make_panel):
    close = np.array([[100, 10], [110, NAN], [99, 12], [NAN, 9], [108.9, 9]])
    panel = make_panel(close)
    # 110/100, 99/110; no bar on row 3, so row 4 is from row 2: 108.9/99. The other: 12/10 over
    # its hole, 9/12, 9/9.
    expected = [[0.1, NAN], [-0.1, 0.2], [NAN, -0.25], [0.1, 0.0]]
    np.testing.assert_allclose(past_returns(panel, 4, None, 9), expected, atol=1e-15)
    np.testing.assert_allclose(past_returns(panel, 3, np.array([1]), 2), [[0.2], [-0.25]])
    assert past_returns(panel, 0, None, 9).shape == (0, 2)


def test_the_gap_before_the_window_is_filled_from_before(make_panel):
    close = np.array([[100.0], [NAN], [110.0], [121.0]])
    panel = make_panel(close)
    np.testing.assert_allclose(past_returns(panel, 3, None, 2), [[0.1], [0.1]], atol=1e-15)


# No look-ahead


def signals(panel, seed=3):
    rng = np.random.default_rng(seed)
    rows = np.array([50, 70, 90, 110])
    shape = (len(rows), panel.shape[1])
    market = np.full(panel.shape[0], NAN)
    market[1:] = panel.close[1:, 0] / panel.close[:-1, 0] - 1.0
    return Signals(
        rows,
        np.ones(shape, dtype=bool),
        rng.normal(size=shape),
        rng.normal(size=shape),
        market=market,
        market_class="equity",
    )


def book(**given):
    given = {"side": "long_short", "quantile": 0.5, "min_breadth": 2, "covariance": RISK, **given}
    return PortfolioRules(**given)


BOOKS = {
    "cap": book(weighting="cap"),
    "inverse_volatility": book(weighting="inverse_volatility"),
    "minimum_variance": book(weighting="minimum_variance"),
    "equal_risk_contribution": book(weighting="equal_risk_contribution"),
    "hierarchical_risk_parity": book(weighting="hierarchical_risk_parity"),
    "mean_variance": book(weighting="mean_variance", mean_variance=MeanVarianceRules(5.0)),
    "neutral": book(neutral=NeutralRules(dollar=0.0, beta=0.0)),
    "sectors": book(max_sector_weight={"others": 0.4}, max_gross=1.0),
    "volatility": book(volatility_target=VolatilityRules(0.1, 2.0)),
    "formations": book(stagger=3, weighting="equal_risk_contribution"),
    "ewma": book(weighting="minimum_variance", covariance=replace(RISK, estimator="ewma")),
}


def walk(make_panel, **fields):
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.02, (120, 8)), axis=0))
    cap = np.random.default_rng(2).lognormal(20, 1, (120, 8))
    classes, sectors = ["equity"] * 6 + ["crypto"] * 2, list("AABBCC") + ["", ""]
    return make_panel(close, asset_class=classes, sector=sectors, market_cap=cap, **fields)


def spoilt(panel, row):
    """The panel with other prices and caps after a row, some of them missing."""
    close, cap = panel.close.copy(), panel.market_cap.copy()
    close[row + 1 :] *= np.random.default_rng(9).uniform(0.1, 9.0, close[row + 1 :].shape)
    close[row + 3 :, 1:3] = NAN
    cap[row + 1 :] = NAN
    tradable = np.isfinite(close)
    bars = {name: close for name in ("open", "high", "low", "close")}
    return replace(panel, **bars, tradable=tradable, market_cap=cap)


@pytest.mark.parametrize("name", BOOKS)
def test_nothing_after_the_row_is_read(make_panel, name):
    panel = walk(make_panel)
    given = signals(panel)
    whole = TargetMaker(panel, given, BOOKS[name])
    for number, row in enumerate(given.rows.tolist()):
        other = spoilt(panel, row)
        market = given.market.copy()
        market[row + 1 :] = 9.0
        later = {"score": given.score.copy(), "trend": given.trend.copy()}
        for values in later.values():
            values[number + 1 :] = NAN
        seen = TargetMaker(other, replace(given, market=market, **later), BOOKS[name])
        kept, made = whole.target(number), seen.target(number)
        assert kept.weights.any()
        assert made.weights.tolist() == kept.weights.tolist()
        assert made.reports == kept.reports


@pytest.mark.parametrize("name", BOOKS)
def test_the_past_is_read(make_panel, name):
    """The other way round: where weights depend on the past, another past changes them."""
    panel = walk(make_panel)
    close = panel.close.copy()
    close[70:91, 0] *= np.linspace(1.0, 3.0, 21)
    cap = panel.market_cap.copy()
    cap[90, :3] *= 5.0
    other = replace(panel, close=close, market_cap=cap)
    given = signals(panel)
    one, two = TargetMaker(panel, given, BOOKS[name]), TargetMaker(other, given, BOOKS[name])
    depends = BOOKS[name].needs_returns or BOOKS[name].weighting == "cap"
    same = one.target(2).weights.tolist() == two.target(2).weights.tolist()
    assert same == (not depends)


# Betas


def test_the_market_is_the_mean_of_the_eligible_or_a_symbol(make_panel):
    panel = walk(make_panel)
    given = signals(panel)
    rules = book(neutral=NeutralRules(beta=0.0))
    named = TargetMaker(panel, given, rules).section(1).beta
    # The first asset is the market: its beta is one; coins, of another class, have a lag.
    assert named[0] == pytest.approx(1.0, abs=1e-12)
    returns = past_returns(panel, 70, None, 40)
    slope = np.cov(returns[:, 1], returns[:, 0])[0, 1] / returns[:, 0].var(ddof=1)
    assert named[1] == pytest.approx(slope, rel=1e-9)
    design = np.column_stack([np.ones(39), returns[1:, 0], returns[:-1, 0]])
    fit = np.linalg.lstsq(design, returns[1:, 7], rcond=None)[0]
    assert named[7] == pytest.approx(fit[1] + fit[2], rel=1e-9)
    mean = TargetMaker(panel, replace(given, market=None), rules).section(1).beta
    slopes = [np.cov(returns[:, k], returns.mean(axis=1))[0, 1] for k in range(6)]
    np.testing.assert_allclose(mean[:6], slopes / returns.mean(axis=1).var(ddof=1), rtol=1e-9)


def test_betas_are_of_the_eligible_alone(make_panel):
    panel = walk(make_panel)
    given = signals(panel)
    given.eligible[1, 3] = False
    found = TargetMaker(panel, given, book(neutral=NeutralRules(beta=0.0))).section(1).beta
    assert np.flatnonzero(np.isnan(found)).tolist() == [3]


def test_without_a_beta_limit_no_beta_is_computed(make_panel):
    panel = walk(make_panel)
    assert TargetMaker(panel, signals(panel), book()).section(0).beta is None


# Formations


def test_the_target_is_the_mean_of_the_last_formations(make_panel):
    panel = walk(make_panel)
    given = signals(panel)
    maker = TargetMaker(panel, given, book(stagger=2))
    plain = [formed(maker.section(number), book()).weights for number in range(4)]
    assert maker.target(0).weights.tolist() == plain[0].tolist()
    for number in (1, 2, 3):
        mean = (plain[number - 1] + plain[number]) / 2
        np.testing.assert_allclose(maker.target(number).weights, mean, atol=1e-15)


def test_empty_formations_at_the_start_do_not_count(make_panel):
    panel = walk(make_panel)
    given = signals(panel)
    given.score[:2] = NAN
    given.trend[:2] = NAN
    maker = TargetMaker(panel, given, book(stagger=3))
    plain = [formed(maker.section(number), book()).weights for number in range(4)]
    assert not maker.target(1).weights.any()
    assert maker.target(2).weights.tolist() == plain[2].tolist()
    np.testing.assert_allclose(maker.target(3).weights, (plain[2] + plain[3]) / 2, atol=1e-15)


def test_later_formations_of_cash_do_count(make_panel):
    panel = walk(make_panel)
    given = signals(panel)
    given.score[1] = NAN
    given.trend[1] = NAN
    maker = TargetMaker(panel, given, book(stagger=2))
    plain = formed(maker.section(0), book()).weights
    np.testing.assert_allclose(maker.target(1).weights, plain / 2, atol=1e-15)


def test_formations_need_no_order(make_panel):
    """A decision asked for alone is that of a run, also when it is asked for twice."""
    panel = walk(make_panel)
    given, rules = signals(panel), book(stagger=3, weighting="rank")
    in_order = TargetMaker(panel, given, rules)
    made = [in_order.target(number).weights.tolist() for number in range(4)]
    alone = TargetMaker(panel, given, rules)
    assert alone.target(3).weights.tolist() == made[3]
    assert alone.target(1).weights.tolist() == made[1]
    assert in_order.target(3).weights.tolist() == made[3]


def test_limits_are_applied_to_the_mean(make_panel):
    panel = walk(make_panel)
    given = signals(panel)
    rules = book(stagger=3, neutral=NeutralRules(dollar=0.0, beta=0.0), max_weight=0.3)
    maker = TargetMaker(panel, given, rules)
    for number in range(4):
        target = maker.target(number)
        beta = maker.section(number).beta
        assert abs(target.weights.sum()) <= 1e-12 and abs(beta @ target.weights) <= 1e-12
        assert np.abs(target.weights).max() <= 0.3 + 1e-12


# What is held


def test_held_weights_reach_the_section(make_panel):
    panel = walk(make_panel)
    rules = book(weighting="mean_variance", mean_variance=MeanVarianceRules(1.0, 50.0))
    maker = TargetMaker(panel, signals(panel), rules)
    held = np.array([0.2, -0.2, 0.1, -0.1, 0.2, -0.2, 0.0, 0.0])
    # Trading costs so much that nothing is traded.
    np.testing.assert_allclose(maker.target(2, held).weights, held, atol=1e-8)


def test_prepared_weights_are_taken_and_limited(make_panel):
    panel = walk(make_panel)
    weights = np.zeros((4, 8))
    weights[1, :2] = 0.5, -0.4
    told = ((), (("equity", "thin sleeve", "something"),), (), ())
    given = replace(signals(panel), prepared=weights, prepared_reports=told)
    rules = book(weighting="factor_risk_parity", neutral=NeutralRules(dollar=0.0))
    target = TargetMaker(panel, given, rules).target(1)
    np.testing.assert_allclose(target.weights, [0.45, -0.45, 0, 0, 0, 0, 0, 0], atol=1e-14)
    assert target.reports == (("equity", "thin sleeve", "something"),)
    section = TargetMaker(panel, given, rules).section(0)
    assert finished(section, formed(section, rules), rules).weights.tolist() == [0.0] * 8
