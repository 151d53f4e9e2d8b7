"""Lagged factors: sums of slopes with their own errors, parts that still add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analyzers import dimson as d
from analyzers.attribution import attribute
from feeds.errors import DataError


def sample(dates: int = 260, seed: int = 3) -> tuple[pd.Series, pd.DataFrame]:
    """A coin that follows half of the market on the day and half a day later."""
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2020-01-01", periods=dates, name="date")
    factors = pd.DataFrame(rng.normal(0.0005, 0.01, (dates, 2)), index, ["mkt", "smb"])
    own = 0.5 * factors["mkt"] + 0.5 * factors["mkt"].shift(1).fillna(0.0) + 0.2 * factors["smb"]
    return own + rng.normal(0, 0.004, dates), factors


@pytest.mark.parametrize("count", [1, 2])
def test_slopes_are_sums_with_their_errors(count: int) -> None:
    own, factors = sample()
    found = d.attribute_dimson(own, factors, count, periods_per_year=252, lags=4)
    lagged = {
        f"{name}{lag}": factors[name].shift(lag) for name in factors for lag in range(count + 1)
    }
    design = sm.add_constant(pd.DataFrame(lagged).dropna())
    fit = sm.OLS(own.loc[design.index], design).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
    for name in factors:
        total = " + ".join(f"{name}{lag}" for lag in range(count + 1))
        witness = fit.t_test(f"{total} = 0")
        assert found.betas[name] == pytest.approx(float(np.squeeze(witness.effect)), rel=1e-9)
        assert found.t_stats[name] == pytest.approx(float(np.squeeze(witness.tvalue)), rel=1e-9)
        earned = sum(
            fit.params[f"{name}{lag}"] * design[f"{name}{lag}"].mean() for lag in range(count + 1)
        )
        assert found.contributions[name] == pytest.approx(252 * earned, rel=1e-9)
    assert found.alpha_annual == pytest.approx(252 * fit.params["const"], rel=1e-9)
    assert found.betas["mkt"] == pytest.approx(1.0, abs=0.1)
    plain = attribute(own, factors, periods_per_year=252)
    assert plain.betas["mkt"] == pytest.approx(0.5, abs=0.1)


def test_contributions_add_up() -> None:
    own, factors = sample()
    found = d.attribute_dimson(own, factors, 1, periods_per_year=252)
    assert found.contributions.index.tolist() == ["mkt", "smb", "alpha", "residual", "total"]
    parts = found.contributions.drop("total").sum()
    assert parts == pytest.approx(own.iloc[1:].mean() * 252, abs=1e-14)
    table = d.dimson_contributions_over_time(own, factors, 1)
    assert table.columns.tolist() == ["mkt", "smb", "alpha", "residual", "total"]
    assert table.drop(columns="total").sum(axis=1).to_numpy() == pytest.approx(
        ((1 + own.iloc[1:]).cumprod() - 1).to_numpy(), abs=1e-12
    )


def test_rolling_windows_are_their_own_fits() -> None:
    own, factors = sample(80)
    found = d.dimson_rolling_exposures(own, factors, 60, 1, periods_per_year=252)
    assert found.columns.tolist() == ["mkt", "smb", "alpha_annual"]
    date = found.index[7]
    place = factors.index.get_loc(date)
    inside = factors.iloc[place - 60 : place + 1]
    whole = d.attribute_dimson(own.loc[inside.index], inside, 1, periods_per_year=252)
    assert found.loc[date, ["mkt", "smb"]].to_numpy() == pytest.approx(whole.betas.to_numpy())
    assert found.loc[date, "alpha_annual"] == pytest.approx(whole.alpha_annual)


def test_no_lag_is_the_plain_attribution() -> None:
    own, factors = sample()
    plain = attribute(own, factors, periods_per_year=252)
    found = d.attribute_dimson(own, factors, 0, periods_per_year=252)
    pd.testing.assert_series_equal(found.contributions, plain.contributions, check_names=False)
    assert found.alpha_t == plain.alpha_t


def test_a_constant_factor_and_its_lag_are_dropped_once() -> None:
    own, factors = sample()
    found = d.attribute_dimson(own, factors.assign(flat=0.001), 1, periods_per_year=252)
    assert found.dropped == {"flat": "constant"} and "flat" not in found.contributions


def test_the_future_is_refused() -> None:
    with pytest.raises(DataError, match="ahead"):
        d.dimson_factors(sample()[1], -1)
