"""Regimes are known before the dates they label; figures by regime by hand and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import regimes as r
from feeds.errors import DataError


def market(dates: int = 300, seed: int = 6) -> pd.Series:
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2019-01-01", periods=dates, name="date")
    risk = np.where(np.arange(dates) // 60 % 2 == 0, 0.005, 0.02)
    return pd.Series(rng.normal(0.0003, risk), index, name="market")


def test_trend_by_hand() -> None:
    index = pd.date_range("2020-01-01", periods=5)
    found = r.trend_regime(pd.Series([0.1, -0.05, -0.1, 0.02, 0.5], index), window=2)
    # 1.1 x .95 > 1 labels the third date; .95 x .9 < 1 the fourth; .9 x 1.02 < 1 the fifth.
    assert found.tolist() == [None, None, "bull", "bear", "bear"]


def test_volatility_by_hand() -> None:
    index = pd.date_range("2020-01-01", periods=7)
    returns = pd.Series([0.0, 0.2, 0.0, 0.4, 0.4, 0.1, 0.0], index)
    found = r.volatility_regime(returns, window=2, minimum=2)
    # Pairs differ by .2 .2 .4 0 .3 .1 (on the 2nd to the 7th date; deviations are that over
    # root 2). Medians so far from the second of them on: .2 .2 .2 .2 .2; each labels the next
    # date: the 4th by .2 (no more than .2), then .4, 0, .3.
    assert found.tolist() == [None, None, None, "low", "high", "low", "high"]


def test_months_years_and_spans_by_hand() -> None:
    index = pd.DatetimeIndex(["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03"])
    returns = pd.Series([0.1, -0.05, 0.05, -0.05], index)
    # December compounds to 1.045, January to 0.9975.
    assert r.month_regime(returns).tolist() == ["up", "up", "down", "down"]
    assert r.year_regime(index).tolist() == ["2019", "2019", "2020", "2020"]
    spans = {"late": ("2020-01-03", "2020-02-01"), "turn": ("2019-12-31", "2020-01-02")}
    assert r.span_regime(index, spans).tolist() == [None, "turn", "turn", "late"]


@pytest.mark.parametrize(
    "spans",
    [
        {"a": ("2020-01-02", "2020-01-01")},
        {"a": ("2020-01-01", "2020-01-05"), "b": ("2020-01-05", "2020-01-09")},
    ],
)
def test_spans_are_in_order_and_apart(spans: dict) -> None:
    with pytest.raises(DataError, match="span"):
        r.span_regime(pd.date_range("2020-01-01", periods=9), spans)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(80, 299), st.integers(0, 1000))
def test_labels_know_only_what_came_before(cut: int, seed: int) -> None:
    whole = market(seed=seed)
    changed = whole.copy()
    changed.iloc[cut:] = -5.0 * changed.iloc[cut:] - 0.01
    for rule in (
        lambda m: r.trend_regime(m, 20),
        lambda m: r.volatility_regime(m, 10, 30),
    ):
        # The label of date `cut` itself was known at the close before.
        assert rule(whole).iloc[: cut + 1].tolist() == rule(changed).iloc[: cut + 1].tolist()
        assert rule(whole).tolist() != rule(changed).tolist()


def test_figures_by_hand() -> None:
    index = pd.date_range("2020-01-01", periods=6)
    regime = pd.Series(["a", "b", "a", "b", "a", None], index, dtype=object)
    returns = pd.DataFrame({"f": [0.01, 0.05, 0.02, 0.07, 0.03, 9.0]}, index)
    found = r.returns_by_regime(returns, regime, periods_per_year=4, lags=0).set_index("regime")
    a, b = found.loc["a"], found.loc["b"]
    assert a["mean_annual"] == pytest.approx(0.08) and a["volatility"] == pytest.approx(0.02)
    assert a["sharpe"] == pytest.approx(4.0) and a["observations"] == 3 and a["share"] == 0.6
    # Squared deviations .0002 over 3 x 3: error of the mean root(.0002) / 3.
    assert a["t_stat"] == pytest.approx(0.02 / (0.0002**0.5 / 3))
    assert a["difference_annual"] == pytest.approx(4 * (0.02 - 0.06))
    assert b["difference_annual"] == pytest.approx(0.16)
    # Two dates: their mean is given, their statistics are not.
    assert np.isnan(b["t_stat"]) and np.isnan(b["difference_t"])


def test_statistics_agree_with_statsmodels() -> None:
    own = market()
    regime = r.trend_regime(market(seed=8), 40)
    found = r.returns_by_regime(own.to_frame(), regime, periods_per_year=252, lags=5)
    kept = regime.dropna()
    values, bull = own.loc[kept.index], (kept == "bull").astype(float)
    line = found.set_index("regime").loc["bull"]
    hac = {"cov_type": "HAC", "cov_kwds": {"maxlags": 5}}
    gap = sm.OLS(values.to_numpy(), sm.add_constant(bull.to_numpy())).fit(**hac)
    assert line["difference_t"] == pytest.approx(gap.tvalues[1], rel=1e-9)
    assert line["difference_annual"] == pytest.approx(252 * gap.params[1], rel=1e-9)
    both = sm.OLS(values.to_numpy(), np.column_stack([bull, 1 - bull])).fit(**hac)
    assert line["t_stat"] == pytest.approx(both.tvalues[0], rel=1e-9)
    assert found["share"].sum() == pytest.approx(1.0)


def test_shares_recombine_to_the_mean() -> None:
    own = market()
    found = r.returns_by_regime(own.to_frame(), r.year_regime(own.index), periods_per_year=252)
    assert (found["share"] * found["mean_annual"]).sum() == pytest.approx(252 * own.mean())


def test_degenerate_regimes_have_defined_answers() -> None:
    own = market(40).to_frame()
    alone = r.returns_by_regime(
        own, pd.Series("all", own.index, dtype=object), periods_per_year=252
    ).iloc[0]
    assert alone["share"] == 1.0 and np.isfinite(alone["t_stat"])
    assert np.isnan(alone["difference_annual"]) and np.isnan(alone["difference_t"])
    flat = r.returns_by_regime(own * 0 + 0.01, r.year_regime(own.index), periods_per_year=252)
    assert flat["sharpe"].isna().all() and flat["t_stat"].isna().all()
    nothing = pd.Series([None] * 40, own.index, dtype=object)
    assert r.returns_by_regime(own, nothing, periods_per_year=252).empty
    short = market(5)
    assert r.trend_regime(short, 10).isna().all() and r.volatility_regime(short).isna().all()
    assert r.trend_regime(short[:0], 10).empty and r.month_regime(short[:0]).empty


def test_missing_returns_are_left_out() -> None:
    own = market().to_frame()
    own.iloc[5:50] = np.nan
    found = r.returns_by_regime(own, r.year_regime(own.index), periods_per_year=252)
    assert found["observations"].sum() == 255


@pytest.mark.parametrize("call", [r.trend_regime, r.volatility_regime])
def test_windows_are_positive(call) -> None:
    with pytest.raises(DataError, match="window"):
        call(market(), 0)
