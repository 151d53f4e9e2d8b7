"""Metrics of a return series: hand figures, undefined cases and invariants."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import return_metrics as m


def series(values: list[float], start: str = "2020-01-01") -> pd.Series:
    return pd.Series(values, index=pd.date_range(start, periods=len(values), name="date"))


def test_drawdown_counts_the_starting_capital_as_a_peak() -> None:
    # 0.9, 0.99, 1.089, 0.5445: the start is the peak until 1.089 beats it.
    found = m.drawdown(series([-0.1, 0.1, 0.1, -0.5]))
    assert found.tolist() == pytest.approx([-0.1, -0.01, 0.0, -0.5])
    assert m.max_drawdown(series([-0.1, 0.1, 0.1, -0.5])) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("returns", "days"),
    [
        ([0.1, 0.1], 0),
        ([-0.1, 0.0, 0.0], 2),  # under water from the first session on
        ([0.1, -0.5, 0.0, 1.0, 0.0], 3),  # peak 1 January, recovered on the 4th
        ([0.1, -0.5, 1.0, -0.1, 0.0, 0.0, 0.0], 4),  # the unrecovered second one is longer
        ([0.1, 0.0, -0.1], 1),  # the peak is the last session at the high
    ],
)
def test_longest_time_under_water(returns: list[float], days: int) -> None:
    assert m.longest_drawdown_days(series(returns)) == days


def test_cagr_counts_elapsed_days() -> None:
    # 1000 to 1210 in 730.5 days would be 10 % a year; 731 days is a little less.
    dates = pd.to_datetime(["2019-01-01", "2021-01-01"])
    assert m.cagr(dates, 1000.0, 1210.0) == pytest.approx(1.21 ** (365.25 / 731) - 1, rel=1e-12)
    assert m.cagr(dates, 1000.0, 0.0) == -1.0
    assert m.cagr(dates, 1000.0, -1.0) is None
    assert m.cagr(dates[:1], 1000.0, 1100.0) is None
    assert m.cagr(pd.to_datetime(["2019-01-01", "2019-01-02"]), 1.0, 10.0) is None  # 10^365


def test_months_compound_and_absent_months_stay_missing() -> None:
    dates = pd.to_datetime(["2019-12-30", "2019-12-31", "2020-02-03", "2020-02-28"])
    returns = pd.Series([0.1, 0.1, -0.5, np.nan], index=dates)
    monthly = m.monthly_returns(returns)
    assert monthly.index.tolist() == [pd.Timestamp("2019-12-31"), pd.Timestamp("2020-02-29")]
    assert monthly.tolist() == pytest.approx([0.21, -0.5])
    table = m.monthly_table(returns)
    assert table.columns.tolist() == [*range(1, 13), "Year"]
    assert table.loc[2019, 12] == pytest.approx(0.21)
    assert np.isnan(table.loc[2020, 1])
    assert table["Year"].tolist() == pytest.approx([0.21, -0.5])
    assert m.monthly_table(returns[:0]).shape == (0, 13)


def test_undefined_is_none_never_nan() -> None:
    flat = series([0.001] * 30)
    assert m.sharpe_ratio(flat, 252) is None
    assert m.sortino_ratio(flat, 252) is None
    assert m.skewness(flat) is None
    assert m.kurtosis(flat) is None
    assert m.alpha_beta(series([0.1, -0.1] * 15), flat, 252) == (None, None)
    assert m.volatility(flat, 252) == pytest.approx(0.0, abs=1e-12)
    assert m.calmar_ratio(0.1, 0.0) is None
    assert m.calmar_ratio(None, -0.1) is None


def test_a_session_at_zero_is_no_hit() -> None:
    assert m.hit_rate(series([0.0, 0.1, -0.1, 0.0])) == pytest.approx(0.25)


def test_missing_returns_are_left_out() -> None:
    gappy = series([0.01, np.nan, -0.02, 0.03])
    whole = series([0.01, -0.02, 0.03])
    assert m.volatility(gappy, 252) == m.volatility(whole, 252)
    assert m.hit_rate(gappy) == pytest.approx(2 / 3)
    assert m.max_drawdown(gappy) == pytest.approx(-0.02)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=60))
def test_invariants(values: list[float]) -> None:
    returns = series(values)
    depth = m.drawdown(returns)
    assert (depth <= 0).all() and (depth > -1).all()
    assert m.cvar(returns) <= m.value_at_risk(returns) + 1e-15
    assert min(values) <= m.cvar(returns) + 1e-15
    assert 0 <= m.longest_drawdown_days(returns) <= len(values) - 1
    compounded = np.prod(1 + m.monthly_returns(returns)) - 1
    assert compounded == pytest.approx(np.prod(1 + np.array(values)) - 1, abs=1e-9)
    sharpe = m.sharpe_ratio(returns, 252)
    if sharpe is not None:  # leverage leaves it, 365 for 252 scales it
        assert m.sharpe_ratio(returns * 2, 252) == pytest.approx(sharpe, rel=1e-9)
        assert m.sharpe_ratio(returns, 365) == pytest.approx(
            sharpe * math.sqrt(365 / 252), rel=1e-9
        )
