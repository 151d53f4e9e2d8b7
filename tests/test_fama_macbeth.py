"""Cross-sectional regressions: by hand, against plain loops, and where none is defined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.fama_macbeth import fama_macbeth
from feeds.errors import DataError


def sample(dates: int = 40, assets: int = 25, seed: int = 9):
    """Returns that two exposures explain in part; a tenth of everything is missing."""
    rng = np.random.default_rng(seed)
    beta, size = rng.normal(size=(2, dates, assets))
    returns = 0.01 + 0.02 * beta - 0.01 * size + rng.normal(0, 0.05, (dates, assets))
    for side in (beta, size, returns):
        side[rng.random(side.shape) < 0.1] = np.nan
    return returns, {"beta": beta, "size": size}, rng


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("constant", [False, True])
def test_agrees_with_one_regression_a_date(weighted: bool, constant: bool) -> None:
    returns, exposures, rng = sample()
    weights = np.exp(rng.normal(size=returns.shape)) if weighted else None
    found = fama_macbeth(returns, exposures, weights=weights, constant=constant, lags=3)
    slopes, squared = [], []
    for row in range(len(returns)):
        side = np.column_stack([returns[row], exposures["beta"][row], exposures["size"][row]])
        known = np.isfinite(side).all(axis=1)
        design = sm.add_constant(side[known, 1:]) if constant else side[known, 1:]
        weight = np.ones(known.sum()) if weights is None else weights[row][known]
        fit = sm.WLS(side[known, 0], design, weights=weight).fit()
        slopes.append(fit.params)
        squared.append(fit.rsquared)
        assert found.assets.iloc[row] == known.sum()
    table = np.array(slopes)
    assert found.slopes.to_numpy() == pytest.approx(table, rel=1e-9)
    assert found.r_squared == pytest.approx(np.mean(squared), rel=1e-9)
    for place, name in enumerate(found.means.index):
        witness = sm.OLS(table[:, place], np.ones(len(table))).fit(
            cov_type="HAC", cov_kwds={"maxlags": 3}
        )
        assert found.means[name] == pytest.approx(witness.params[0], rel=1e-9)
        assert found.errors[name] == pytest.approx(witness.bse[0], rel=1e-9)
        assert found.t_stats[name] == pytest.approx(witness.tvalues[0], rel=1e-9)
    assert found.left_out == {"few": 0, "singular": 0} and found.dates == 40


def test_by_hand() -> None:
    # Exposures -1, 0, 1. Slopes are (r3 - r1) / 2: 0.1, 0.3, 0.2; constants the means.
    returns = np.array([[0.0, 0.1, 0.2], [-0.3, 0.3, 0.3], [0.0, -0.2, 0.4]])
    exposures = {"beta": np.tile([-1.0, 0.0, 1.0], (3, 1))}
    found = fama_macbeth(returns, exposures, minimum=3, lags=0, dates=["a", "b", "c"])
    assert found.slopes["beta"].tolist() == pytest.approx([0.1, 0.3, 0.2])
    assert found.slopes["constant"].tolist() == pytest.approx([0.1, 0.1, 0.2 / 3])
    assert found.slopes.index.tolist() == ["a", "b", "c"]
    # Mean 0.2; deviations -.1, .1, 0: error sqrt(0.02) / 3.
    assert found.means["beta"] == pytest.approx(0.2)
    assert found.errors["beta"] == pytest.approx(0.02**0.5 / 3)
    assert found.t_stats["beta"] == pytest.approx(0.6 / 0.02**0.5)
    # R squared: 1; 1 - .06/.24; around the mean 1/15 the third has residuals of squares
    # .6/9 x ... left to arithmetic: total .2 - 3/225, explained .08.
    third = 0.08 / (0.2 - 3 * (0.2 / 3) ** 2)
    assert found.r_squared == pytest.approx((1.0 + 0.18 / 0.24 + third) / 3)
    table = found.table()
    assert table.columns.tolist() == ["name", "mean", "error", "t_stat"]
    assert table["name"].tolist() == ["constant", "beta"]


def test_dates_without_a_unique_fit_are_counted() -> None:
    returns, exposures, _ = sample(dates=6)
    exposures["beta"][1] = 0.3  # constant
    exposures["size"][2] = 2.0 * exposures["beta"][2] + 1.0  # a combination
    returns[3, 4:] = np.nan  # few
    found = fama_macbeth(returns, exposures)
    assert found.left_out == {"few": 1, "singular": 2} and found.dates == 3
    assert found.slopes.iloc[[1, 2, 3]].isna().all(axis=None)
    assert found.slopes.iloc[[0, 4, 5]].notna().all(axis=None)


def test_two_assets_more_than_coefficients_are_enough() -> None:
    rng = np.random.default_rng(2)
    returns, beta = rng.normal(size=(2, 2, 4))
    returns[1, 0] = np.nan
    found = fama_macbeth(returns, {"beta": beta})
    assert found.assets.tolist() == [4, 3] and found.left_out == {"few": 1, "singular": 0}
    assert fama_macbeth(returns, {"beta": beta}, minimum=3).dates == 2


@pytest.mark.parametrize("dates", [0, 1, 2])
def test_too_few_dates_have_means_but_no_errors(dates: int) -> None:
    returns, exposures, _ = sample(dates=dates)
    found = fama_macbeth(returns, exposures)
    assert found.errors.isna().all() and found.t_stats.isna().all()
    assert found.means.isna().all() == (dates == 0)


def test_slopes_that_do_not_vary_have_no_statistic() -> None:
    exposures = {"beta": np.tile(np.arange(5.0), (4, 1))}
    found = fama_macbeth(0.02 * exposures["beta"], exposures)
    assert found.means["beta"] == pytest.approx(0.02)
    assert found.errors["beta"] == 0.0 and np.isnan(found.t_stats["beta"])


def test_weights_that_are_not_positive_leave_assets_out() -> None:
    returns, exposures, _ = sample(dates=5)
    weights = np.ones(returns.shape)
    weights[:, 0], weights[:, 1], weights[:, 2] = 0.0, -1.0, np.nan
    found = fama_macbeth(returns, exposures, weights=weights)
    fewer = fama_macbeth(returns[:, 3:], {k: v[:, 3:] for k, v in exposures.items()})
    pd.testing.assert_frame_equal(found.slopes, fewer.slopes)


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    returns, exposures, _ = sample()
    whole = fama_macbeth(returns, exposures)
    monkeypatch.setattr("analyzers.fama_macbeth._BATCH", 200)
    pd.testing.assert_frame_equal(fama_macbeth(returns, exposures).slopes, whole.slopes)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-6, 1e6))
def test_units_of_an_exposure_change_its_slope_alone(seed: int, scale: float) -> None:
    returns, exposures, _ = sample(8, 12, seed)
    plain = fama_macbeth(returns, exposures)
    scaled = fama_macbeth(returns, {**exposures, "size": exposures["size"] * scale})
    assert scaled.slopes["beta"].to_numpy() == pytest.approx(plain.slopes["beta"], nan_ok=True)
    assert scaled.t_stats["size"] == pytest.approx(plain.t_stats["size"])
    assert scaled.means["size"] * scale == pytest.approx(plain.means["size"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exposures": {}}, "none"),
        ({"exposures": {"constant": np.ones((40, 25))}}, "constant"),
        ({"exposures": {"beta": np.ones((40, 24))}}, "shape"),
        ({"weights": np.ones((39, 25))}, "shape"),
        ({"minimum": 2}, "minimum of 2"),
        ({"lags": -1}, "negative"),
    ],
)
def test_mistakes_are_named(changes: dict, message: str) -> None:
    returns, exposures, _ = sample()
    with pytest.raises(DataError, match=message):
        fama_macbeth(**{"returns": returns, "exposures": exposures, **changes})
