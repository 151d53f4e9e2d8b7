"""Alphas and joint tests of them, against statsmodels, other formulas and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analyzers.mean_variance_spanning import spanning_test
from analyzers.spanning import grs_test, hac_alpha_test, spanning_alphas
from feeds.errors import DataError


def sample(
    dates: int = 150, tests: int = 2, benchmarks: int = 3, seed: int = 11, alpha: float = 0.002
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    index = pd.date_range("2005-01-31", periods=dates, freq="ME", name="date")
    market = rng.normal(0.004, 0.03, (dates, benchmarks))
    own = alpha + market @ rng.normal(0.3, 0.3, (benchmarks, tests))
    own = own + rng.normal(0, 0.02, (dates, tests))
    return (
        pd.DataFrame(own, index=index, columns=[f"t{k}" for k in range(tests)]),
        pd.DataFrame(market, index=index, columns=[f"b{k}" for k in range(benchmarks)]),
    )


def test_alphas_agree_with_statsmodels() -> None:
    own, market = sample()
    found = spanning_alphas(own, market, periods_per_year=12, lags=4).set_index("test")
    for name in own:
        fit = sm.OLS(own[name], sm.add_constant(market)).fit(
            cov_type="HAC", cov_kwds={"maxlags": 4}
        )
        line = found.loc[name]
        assert line["alpha_annual"] == pytest.approx(12 * fit.params["const"], rel=1e-9)
        assert line["t_stat"] == pytest.approx(fit.tvalues["const"], rel=1e-9)
        assert line["p_value"] == pytest.approx(fit.pvalues["const"], rel=1e-9)
        assert line["r_squared"] == pytest.approx(fit.rsquared, rel=1e-9)
        ratio = fit.params["const"] / fit.mse_resid**0.5 * 12**0.5
        assert line["appraisal_annual"] == pytest.approx(ratio, rel=1e-9)
        assert line["beta_b1"] == pytest.approx(fit.params["b1"], rel=1e-9)


def test_grs_is_the_distance_of_two_tangency_portfolios() -> None:
    """The same F from squared Sharpe ratios, which share no code with the residuals."""
    own, market = sample()
    found = grs_test(own, market)
    count, n, k = 150, 2, 3

    def squared(table: pd.DataFrame) -> float:
        mean = table.mean().to_numpy()
        return float(mean @ np.linalg.inv(np.cov(table.T, ddof=0)) @ mean)

    base, joint = squared(market), squared(pd.concat([market, own], axis=1))
    statistic = (count - n - k) / n * (joint - base) / (1.0 + base)
    assert found.statistic == pytest.approx(statistic, rel=1e-9)
    assert found.p_value == pytest.approx(stats.f.sf(statistic, n, count - n - k), rel=1e-9)
    assert (found.df1, found.df2, found.observations) == (2.0, 145.0, 150)
    assert found.benchmark_sharpe == pytest.approx(base**0.5)
    assert found.joint_sharpe == pytest.approx(joint**0.5)


def test_grs_of_one_asset_is_the_squared_t_statistic() -> None:
    own, market = sample(tests=1)
    fit = sm.OLS(own["t0"], sm.add_constant(market)).fit()
    found = grs_test(own, market)
    assert found.statistic == pytest.approx(fit.tvalues["const"] ** 2, rel=1e-9)
    assert found.p_value == pytest.approx(fit.pvalues["const"], rel=1e-9)


def test_grs_by_hand() -> None:
    # Market 1, -1, 1, -1 (mean 0), asset 3, 1, 1, 3: slope 0, alpha 2, residuals 1, -1, -1, 1.
    # S = 1, F = (4 - 1 - 1) / 1 x 4 / (1 + 0) = 8.
    own, market = pd.DataFrame({"x": [3.0, 1, 1, 3]}), pd.DataFrame({"m": [1.0, -1, 1, -1]})
    assert grs_test(own, market).statistic == pytest.approx(8.0)


def test_grs_rejects_as_often_as_it_says() -> None:
    """Under no alpha its p-values are uniform: 60 +- 3 sqrt(54.15) of 600 lie under 0.1."""
    low = sum(grs_test(*sample(25, seed=seed, alpha=0.0)).p_value < 0.1 for seed in range(600))
    assert 38 <= low <= 82


def test_hac_test_of_one_asset_is_the_squared_hac_t() -> None:
    own, market = sample(tests=1)
    fit = sm.OLS(own["t0"], sm.add_constant(market)).fit(cov_type="HAC", cov_kwds={"maxlags": 3})
    found = hac_alpha_test(own, market, lags=3)
    assert found.statistic == pytest.approx(fit.tvalues["const"] ** 2, rel=1e-9)
    assert found.p_value == pytest.approx(fit.pvalues["const"], rel=1e-9)


def stacked_hac(own: pd.DataFrame, market: pd.DataFrame, lags: int):
    """Coefficients of all equations and their HAC covariance, by plain loops."""
    x = np.column_stack([np.ones(len(market)), market])
    fit = np.linalg.inv(x.T @ x) @ x.T @ own.to_numpy()
    e = own.to_numpy() - x @ fit
    count, k = x.shape
    n = own.shape[1]
    moments = np.array([np.kron(e[t], x[t]) for t in range(count)])
    meat = np.zeros((n * k, n * k))
    for t in range(count):
        for s in range(max(0, t - lags), min(count, t + lags + 1)):
            meat += (1 - abs(t - s) / (lags + 1)) * np.outer(moments[t], moments[s])
    bread = np.kron(np.eye(n), np.linalg.inv(x.T @ x))
    return fit.T.reshape(-1), bread @ meat @ bread


@pytest.mark.parametrize("spanning", [False, True])
def test_hac_tests_of_two_assets_by_plain_loops(spanning: bool) -> None:
    own, market = sample(dates=60)
    theta, covariance = stacked_hac(own, market, 2)
    picks = [np.array([1.0, 0, 0, 0])] + [np.array([0.0, 1, 1, 1])] * spanning
    restrict = np.array([np.kron(side, pick) for pick in picks for side in np.eye(2)])
    target = np.array([0.0, 0, 1, 1])[: len(restrict)]
    gap = restrict @ theta - target
    statistic = gap @ np.linalg.inv(restrict @ covariance @ restrict.T) @ gap
    if spanning:
        line = spanning_test(own, market, lags=2).set_index("test").loc["hac_wald"]
        assert line["statistic"] == pytest.approx(statistic, rel=1e-9)
        assert line["p_value"] == pytest.approx(stats.chi2.sf(statistic, 4), rel=1e-9)
    else:
        assert hac_alpha_test(own, market, lags=2).statistic == pytest.approx(statistic, rel=1e-9)


def test_spanning_of_one_asset_is_the_f_test_of_statsmodels() -> None:
    own, market = sample(tests=1)
    fit = sm.OLS(own["t0"], sm.add_constant(market)).fit()
    witness = fit.f_test("const = 0, b0 + b1 + b2 = 1")
    found = spanning_test(own, market, lags=3).set_index("test")
    assert found.loc["f", "statistic"] == pytest.approx(float(witness.fvalue), rel=1e-9)
    assert found.loc["f", "p_value"] == pytest.approx(float(witness.pvalue), rel=1e-9)
    # Step 2 is the F test of the sum of slopes in the regression without a constant.
    second = sm.OLS(own["t0"], market).fit().f_test("b0 + b1 + b2 = 1")
    assert found.loc["step_2", "statistic"] == pytest.approx(float(second.fvalue), rel=1e-9)
    assert found.loc["step_2", "p_value"] == pytest.approx(float(second.pvalue), rel=1e-9)
    robust = sm.OLS(own["t0"], sm.add_constant(market)).fit(cov_type="HAC", cov_kwds={"maxlags": 3})
    wald = robust.wald_test("const = 0, b0 + b1 + b2 = 1", use_f=False, scalar=True)
    assert found.loc["hac_wald", "statistic"] == pytest.approx(float(wald.statistic), rel=1e-9)


def test_spanning_of_several_assets_by_the_formulas_of_huberman_and_kandel() -> None:
    """From H and G of Kan and Zhou (2012), which need no constrained regression."""
    own, market = sample(tests=3)
    count, n, k = 150, 3, 3
    x = np.column_stack([np.ones(count), market])
    fit = np.linalg.lstsq(x, own.to_numpy(), rcond=None)[0]
    residual = own.to_numpy() - x @ fit
    sigma = residual.T @ residual / count
    theta = np.column_stack([fit[0], 1.0 - fit[1:].sum(axis=0)]).T  # alphas, deltas
    mean, cov = market.mean().to_numpy(), np.cov(market.T, ddof=0)
    inverse, ones = np.linalg.inv(cov), np.ones(k)
    g = np.array([[1 + mean @ inverse @ mean, mean @ inverse @ ones]])
    g = np.vstack([g, [mean @ inverse @ ones, ones @ inverse @ ones]])
    h = theta @ np.linalg.inv(sigma) @ theta.T
    roots = np.linalg.eigvals(h @ np.linalg.inv(g)).real
    u = 1.0 / np.prod(1.0 + roots)
    found = spanning_test(own, market).set_index("test")
    assert found.loc["wald", "statistic"] == pytest.approx(count * roots.sum(), rel=1e-9)
    assert found.loc["lr", "statistic"] == pytest.approx(count * np.log1p(roots).sum(), rel=1e-9)
    lm = count * (roots / (1 + roots)).sum()
    assert found.loc["lm", "statistic"] == pytest.approx(lm, rel=1e-9)
    f = (u**-0.5 - 1.0) * (count - k - n) / n
    assert found.loc["f", "statistic"] == pytest.approx(f, rel=1e-9)
    assert found.loc["f", "p_value"] == pytest.approx(stats.f.sf(f, 6, 288), rel=1e-9)
    assert found.loc["step_1", "statistic"] == pytest.approx(grs_test(own, market).statistic)
    # LR of both steps together is that of the whole: U = U1 x U2.
    first = found.loc["step_1", "statistic"] * n / (count - k - n) + 1.0
    second = found.loc["step_2", "statistic"] * n / (count - k - n + 1) + 1.0
    assert first * second == pytest.approx(1.0 / u, rel=1e-9)


def test_one_benchmark_alone() -> None:
    own, market = sample(tests=1, benchmarks=1)
    fit = sm.OLS(own["t0"], sm.add_constant(market)).fit()
    found = spanning_test(own, market).set_index("test")
    witness = fit.f_test("const = 0, b0 = 1")
    assert found.loc["f", "statistic"] == pytest.approx(float(witness.fvalue), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda own, market: (own.iloc[:6], market), "6 dates, 7 needed"),
        (lambda own, market: (own.iloc[:0], market), "0 dates"),
        (lambda own, market: (own.assign(t1=0.01), market), "t1 is constant"),
        (lambda own, market: (own.assign(t1=2 * own["t0"]), market), "t1 is collinear"),
        (lambda own, market: (own.assign(t0=market["b0"]), market), "t0 is collinear"),
        (lambda own, market: (own, market * 0.0), "no benchmark varies"),
        (
            lambda own, market: (own.assign(t1=own["t0"] + 1e-6 * own["t1"]), market),
            "nearly dependent",
        ),
    ],
)
def test_what_is_not_defined_says_why(change, reason: str) -> None:
    own, market = change(*sample())
    for found in (grs_test(own, market), hac_alpha_test(own, market)):
        assert reason in found.reason
        assert np.isnan(found.statistic) and np.isnan(found.p_value)
    table = spanning_test(own, market)
    assert table["statistic"].isna().all() and table["reason"].str.contains(reason).all()
    assert len(spanning_alphas(own, market, periods_per_year=12)) == 2


def test_dependent_benchmarks_are_left_out() -> None:
    own, market = sample()
    more = market.assign(twice=2 * market["b0"], flat=0.01)
    assert grs_test(own, more) == grs_test(own, market)
    lines = spanning_alphas(own, more, periods_per_year=12)
    assert lines["beta_twice"].isna().all() and lines["beta_flat"].isna().all()
    plain = spanning_alphas(own, market, periods_per_year=12)
    assert lines["t_stat"].to_numpy() == pytest.approx(plain["t_stat"].to_numpy())


def test_more_assets_than_long_run_moments_have_no_hac_test() -> None:
    own, market = sample(dates=40, tests=25, benchmarks=1)
    assert np.isfinite(grs_test(own, market).statistic)
    assert np.isfinite(hac_alpha_test(own, market, lags=0).statistic)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_leverage_of_a_series_changes_no_test(seed: int, scale: float) -> None:
    own, market = sample(40, seed=seed)
    plain = grs_test(own, market)
    scaled = grs_test(own * scale, market.assign(b0=market["b0"] * scale))
    assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-7)
    robust = hac_alpha_test(own * scale, market)
    assert robust.statistic == pytest.approx(hac_alpha_test(own, market).statistic, rel=1e-7)


@pytest.mark.parametrize("case", ["shared", "empty"])
def test_mistaken_columns_are_refused(case: str) -> None:
    own, market = sample()
    tests = market[["b0"]] if case == "shared" else own[[]]
    with pytest.raises(DataError, match="b0 is a test" if case == "shared" else "no column"):
        grs_test(tests, market)
