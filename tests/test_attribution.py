"""Attribution against statsmodels, exact sums, and the cases without a regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import attribution as a
from feeds.errors import DataError


def make_sample(
    sessions: int = 300, factors: int = 3, seed: int = 2
) -> tuple[pd.Series, pd.DataFrame]:
    """Returns on factors, with autocorrelated errors."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2018-01-01", periods=sessions, name="date")
    names = ["mkt", "smb", "hml", "mom"][:factors]
    table = pd.DataFrame(rng.normal(0.0004, 0.01, (sessions, factors)), index=dates, columns=names)
    noise = rng.normal(0, 0.004, sessions + 1)
    slopes = np.array([0.8, -0.3, 0.1, 0.5])[:factors]
    own = 0.0002 + table.to_numpy() @ slopes + noise[1:] + 0.5 * noise[:-1]
    return pd.Series(own, index=dates, name="book"), table


@pytest.mark.parametrize("lags", [None, 0, 3, 20])
def test_agrees_with_statsmodels(lags: int | None) -> None:
    own, table = make_sample()
    found = a.attribute(own, table, periods_per_year=252, lags=lags)
    used = 5 if lags is None else lags  # floor(4 (300/100)^(2/9)) = floor(5.106)
    witness = sm.OLS(own, sm.add_constant(table)).fit(cov_type="HAC", cov_kwds={"maxlags": used})
    assert (found.lags, found.observations, found.dropped) == (used, 300, {})
    assert found.alpha_annual == pytest.approx(witness.params["const"] * 252, rel=1e-9)
    assert found.alpha_t == pytest.approx(witness.tvalues["const"], rel=1e-9)
    assert found.betas.to_numpy() == pytest.approx(witness.params[table.columns], rel=1e-9)
    assert found.t_stats.to_numpy() == pytest.approx(witness.tvalues[table.columns], rel=1e-9)
    assert found.r_squared == pytest.approx(witness.rsquared, rel=1e-9)


def test_scale_of_a_factor_changes_only_its_slope() -> None:
    own, table = make_sample()
    small = table.assign(smb=table["smb"] * 1e-9)
    plain, scaled = (a.attribute(own, t, periods_per_year=252) for t in (table, small))
    assert scaled.betas["smb"] == pytest.approx(plain.betas["smb"] * 1e9, rel=1e-9)
    assert scaled.t_stats.to_numpy() == pytest.approx(plain.t_stats.to_numpy(), rel=1e-9)


@pytest.mark.parametrize(
    ("observations", "lags"), [(0, 0), (1, 1), (100, 4), (301, 5), (612, 5), (2500, 8)]
)
def test_automatic_lags(observations: int, lags: int) -> None:
    # 4 (0.01)^(2/9) = 1.44; 4 x 6.12^(2/9) = 5.98; 4 x 25^(2/9) = 8.18
    assert a.automatic_lags(observations) == lags


def test_contributions_add_up_to_the_mean_return() -> None:
    own, table = make_sample()
    found = a.attribute(own, table, periods_per_year=252)
    parts = found.contributions
    assert parts.index.tolist() == ["mkt", "smb", "hml", "alpha", "residual", "total"]
    assert parts.drop("total").sum() == pytest.approx(own.mean() * 252, abs=1e-15)
    assert parts["mkt"] == pytest.approx(found.betas["mkt"] * table["mkt"].mean() * 252)
    assert abs(parts["residual"]) < 1e-14


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(8, 60), st.integers(1, 4), st.integers(0, 10_000))
def test_cumulated_contributions_add_up_on_every_date(
    sessions: int, factors: int, seed: int
) -> None:
    own, table = make_sample(sessions, factors, seed)
    found = a.contributions_over_time(own * 5, table)
    assert found.index.equals(own.index)
    parts = found.drop(columns="total").sum(axis=1)
    assert parts.to_numpy() == pytest.approx(((1 + own * 5).cumprod() - 1).to_numpy(), abs=1e-12)


def test_contributions_over_time_by_hand() -> None:
    # r = 2 f exactly: wealth 1.2, 0.96, 1.248, 1.248, 1.3728; no alpha, no residual.
    dates = pd.date_range("2020-01-31", periods=5, freq="ME")
    factor = pd.DataFrame({"f": [0.1, -0.1, 0.15, 0.0, 0.05]}, index=dates)
    found = a.contributions_over_time(2 * factor["f"], factor)
    assert found.columns.tolist() == ["f", "alpha", "residual", "total"]
    assert found["f"].tolist() == pytest.approx([0.2, -0.04, 0.248, 0.248, 0.3728], abs=1e-12)
    assert found[["alpha", "residual"]].abs().to_numpy().max() < 1e-14


def test_constant_and_collinear_factors_are_dropped_and_named() -> None:
    own, table = make_sample()
    wide = table.assign(flat=0.003, zero=0.0, copy=table["mkt"] * -2 + 0.01, both=0.0)
    wide["both"] = wide["smb"] + wide["hml"]
    found = a.attribute(own, wide, periods_per_year=252)
    assert found.dropped == {
        "flat": "constant",
        "zero": "constant",
        "copy": "collinear",
        "both": "collinear",
    }
    plain = a.attribute(own, table, periods_per_year=252)
    pd.testing.assert_series_equal(found.betas, plain.betas)
    assert found.alpha_annual == plain.alpha_annual
    assert a.contributions_over_time(own, wide).columns.tolist()[:3] == ["mkt", "smb", "hml"]


def test_dates_are_those_that_both_sides_know() -> None:
    own, table = make_sample()
    gappy = table.iloc[::-1].copy()
    gappy.iloc[0, 0] = np.nan  # the last date
    found = a.attribute(own.iloc[10:], gappy, periods_per_year=252)
    assert found.observations == 289
    same = a.attribute(own.iloc[10:-1], table.iloc[10:-1], periods_per_year=252)
    assert found.betas.to_numpy() == pytest.approx(same.betas.to_numpy(), rel=1e-12)
    assert found.alpha_t == pytest.approx(same.alpha_t, rel=1e-9)


@pytest.mark.parametrize("sessions", [0, 1, 5])
def test_too_few_observations_are_nan_and_counted(sessions: int) -> None:
    own, table = make_sample()
    found = a.attribute(own[:sessions], table, periods_per_year=252)
    assert found.observations == sessions
    assert np.isnan([found.alpha_annual, found.alpha_t, found.r_squared]).all()
    assert found.betas.isna().all()
    assert a.contributions_over_time(own[:sessions], table).empty


def test_returns_without_variance_or_residual_have_no_statistics() -> None:
    own, table = make_sample()
    flat = a.attribute(own * 0.0, table, periods_per_year=252)
    assert np.isnan(flat.r_squared) and np.isnan(flat.alpha_t)
    exact = a.attribute(table["mkt"] * 2.0, table, periods_per_year=252)
    assert exact.betas["mkt"] == pytest.approx(2.0)
    assert exact.r_squared == pytest.approx(1.0)
    assert exact.t_stats.isna().all()


@pytest.mark.parametrize("window", [30, 120])
def test_rolling_exposures_are_the_windows_own_regressions(window: int) -> None:
    own, table = make_sample()
    found = a.rolling_exposures(own, table, window, periods_per_year=252)
    assert found.index.equals(own.index[window - 1 :])
    for stop in (window, 200, 300):
        cut = slice(stop - window, stop)
        one = a.attribute(own[cut], table[cut], periods_per_year=252)
        row = found.loc[own.index[stop - 1]]
        assert row["alpha_annual"] == pytest.approx(one.alpha_annual, rel=1e-9)
        assert row[table.columns].to_numpy() == pytest.approx(one.betas.to_numpy(), rel=1e-9)


def test_rolling_windows_without_variation_have_no_slope_there() -> None:
    own, table = make_sample(100)
    table = table.assign(late=np.where(np.arange(100) < 60, 0.0, table["hml"] * 0.5 + 0.001))
    found = a.rolling_exposures(own, table, 20, periods_per_year=252)
    # Rows 19..59 end before the series begins; from row 79 on it equals half of hml.
    assert found["late"].iloc[:41].isna().all()
    assert found["late"].iloc[41:60].notna().all()
    assert found["late"].iloc[60:].isna().all()
    assert found.drop(columns="late").notna().all(axis=None)


def test_rolling_exposures_shorter_than_a_window_are_empty() -> None:
    own, table = make_sample(30)
    found = a.rolling_exposures(own, table, 36, periods_per_year=12)
    assert found.empty and found.columns.tolist() == [*table.columns, "alpha_annual"]
    with pytest.raises(DataError, match="window of 5 is too short for 3 factors"):
        a.rolling_exposures(own, table, 5, periods_per_year=12)


def test_mistakes_are_named() -> None:
    own, table = make_sample()
    with pytest.raises(DataError, match="lags -1"):
        a.attribute(own, table, periods_per_year=252, lags=-1)
    with pytest.raises(DataError, match="called alpha"):
        a.attribute(own, table.rename(columns={"smb": "alpha"}), periods_per_year=252)


def test_newey_west_mean_agrees_with_statsmodels() -> None:
    own, _ = make_sample(100)
    own.iloc[3] = np.nan
    mean, t_stat, lags = a.newey_west_mean(own, 6)
    known = own.dropna()
    witness = sm.OLS(known, np.ones(99)).fit(cov_type="HAC", cov_kwds={"maxlags": 6})
    assert (mean, lags) == (pytest.approx(known.mean(), rel=1e-12), 6)
    assert t_stat == pytest.approx(witness.tvalues.iloc[0], rel=1e-9)
    assert np.isnan(a.newey_west_mean(own[:2])[1])
    assert np.isnan(a.newey_west_mean(own[:0])[0])
