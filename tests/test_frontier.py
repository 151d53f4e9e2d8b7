"""Frontiers: weights by hand and against a general optimiser, corrections by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from analyzers import frontier as f
from analyzers.frontier_comparison import compare_frontiers, detectable_sharpe
from analyzers.spanning import grs_test
from feeds.errors import DataError


def sample(dates: int = 120, series: int = 4, seed: int = 3, mean: float = 0.004) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(series, series))
    values = mean * rng.normal(1, 1, series) + 0.02 * rng.normal(size=(dates, series)) @ mix
    index = pd.date_range("2008-01-31", periods=dates, freq="ME", name="date")
    return pd.DataFrame(values, index=index, columns=[f"f{k}" for k in range(series)])


def exact(mean: list[float], cov: list[list[float]], dates: int = 40) -> pd.DataFrame:
    """Returns with exactly these means and this covariance (over T - 1)."""
    raw = np.random.default_rng(1).normal(size=(dates, len(mean)))
    raw = raw - raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(raw.T)))).T
    return pd.DataFrame(white @ np.linalg.cholesky(cov).T + mean, columns=list("abc")[: len(mean)])


def test_weights_by_hand() -> None:
    # Variances 1 and 4, no correlation: S^-1 m = (2, 1) / 3 x 3 for means 2 and 4: weights 2 : 1.
    returns = exact([2.0, 4.0], [[1.0, 0.0], [0.0, 4.0]])
    assert f.tangency_weights(returns).tolist() == pytest.approx([2 / 3, 1 / 3])
    # Least variance in proportion to 1 and 1/4.
    assert f.minimum_variance_weights(returns).tolist() == pytest.approx([0.8, 0.2])
    found = f.max_sharpe(returns, periods_per_year=1)
    # Squared ratios add up: 2^2 / 1 + 4^2 / 4 = 8, over T - 1; over T, times 40 / 39.
    assert found.in_sample == pytest.approx((8 * 40 / 39) ** 0.5)
    assert found.unbiased_squared == pytest.approx((36 * 8 * 40 / 39 - 2) / 40)


def test_a_loser_is_sold_or_left_out() -> None:
    returns = exact([2.0, -4.0], [[1.0, 0.0], [0.0, 4.0]])
    assert f.tangency_weights(returns).tolist() == pytest.approx([2 / 3, -1 / 3])
    assert f.tangency_weights(returns, long_only=True).tolist() == pytest.approx([1.0, 0.0])


def test_nothing_to_gain_is_cash() -> None:
    returns = exact([-2.0, -4.0], [[1.0, 0.0], [0.0, 4.0]])
    assert f.tangency_weights(returns, long_only=True).tolist() == [0.0, 0.0]
    assert f.max_sharpe(returns, periods_per_year=12, long_only=True).in_sample == 0.0
    assert f.out_of_sample(
        returns, minimum=20, periods_per_year=12, long_only=True
    ).tolist() == pytest.approx([0.0] * 20)


@pytest.mark.parametrize("seed", range(4))
def test_long_only_weights_agree_with_a_general_optimiser(seed: int) -> None:
    returns = sample(seed=seed)
    mean, cov = returns.mean().to_numpy(), returns.cov().to_numpy()
    total = {"type": "eq", "fun": lambda w: w.sum() - 1.0}
    given_ = {"bounds": [(0, 1)] * 4, "method": "SLSQP", "options": {"ftol": 1e-15}}
    start = np.full(4, 0.25)

    best = optimize.minimize(
        lambda w: -(w @ mean) / (w @ cov @ w) ** 0.5, start, constraints=[total], **given_
    )
    weights = f.tangency_weights(returns, long_only=True)
    assert (weights >= 0).all() and weights.sum() == pytest.approx(1.0)
    assert weights @ mean / (weights @ cov @ weights) ** 0.5 >= -best.fun - 1e-9
    assert weights.to_numpy() == pytest.approx(best.x, abs=1e-3)

    curve = f.efficient_frontier(returns, periods_per_year=12, points=5, long_only=True)
    for _, point in curve.iterrows():
        w = point.iloc[2:].to_numpy(dtype=float)
        assert (w >= -1e-12).all() and w.sum() == pytest.approx(1.0)
        reach = {"type": "eq", "fun": lambda v, m=point["mean_annual"] / 12: (v @ mean - m) * 1e3}
        least = optimize.minimize(
            lambda v: 1e4 * v @ cov @ v, start, constraints=[total, reach], **given_
        )
        assert point["mean_annual"] == pytest.approx(12 * w @ mean)
        assert point["volatility"] ** 2 / 12 <= least.fun / 1e4 * (1 + 1e-6)


def test_free_frontier_is_the_parabola_of_merton() -> None:
    returns = sample()
    mean, inverse = returns.mean().to_numpy(), np.linalg.inv(returns.cov().to_numpy())
    ones = np.ones(4)
    a, b, c = ones @ inverse @ mean, mean @ inverse @ mean, ones @ inverse @ ones
    curve = f.efficient_frontier(returns, periods_per_year=12, points=7)
    m = curve["mean_annual"].to_numpy() / 12
    variance = (c * m**2 - 2 * a * m + b) / (b * c - a**2)
    assert curve["volatility"].to_numpy() ** 2 / 12 == pytest.approx(variance, rel=1e-9)
    assert m[0] == pytest.approx(a / c)
    assert curve.iloc[:, 2:].sum(axis=1).to_numpy() == pytest.approx(np.ones(7))


def test_equal_means_have_one_efficient_portfolio() -> None:
    returns = exact([1.0, 1.0], [[1.0, 0.0], [0.0, 4.0]])
    for long_only in (False, True):
        curve = f.efficient_frontier(returns, periods_per_year=1, long_only=long_only)
        assert len(curve) == 1 and curve.iloc[0, 2:].tolist() == pytest.approx([0.8, 0.2])


def test_unbiased_squared_sharpe_by_simulation() -> None:
    """Its mean over samples is the truth, 0.05; the plain one's is nearly four times that."""
    rng = np.random.default_rng(8)
    draws = rng.normal([0.2, 0.1, 0.0], 1.0, (3000, 40, 3))
    means = draws.mean(axis=1)
    centred = draws - means[:, None, :]
    cov = np.einsum("dti,dtj->dij", centred, centred) / 40
    squared = np.einsum("di,di->d", means, np.linalg.solve(cov, means[:, :, None])[:, :, 0])
    assert squared.mean() > 0.14
    corrected = [f.max_sharpe(pd.DataFrame(d), periods_per_year=1) for d in draws[:400]]
    for found, plain in zip(corrected, squared):
        assert found.in_sample**2 == pytest.approx(plain)
        assert found.unbiased_squared == pytest.approx((35 * plain - 3) / 40)
    unbiased = (35 * squared - 3) / 40
    assert unbiased.mean() == pytest.approx(0.05, abs=4 * unbiased.std() / 3000**0.5)


def test_adjusted_sharpe_by_quadrature() -> None:
    found = f.max_sharpe(sample(dates=60), periods_per_year=1)
    s, k, t = found.in_sample**2, 4, 60
    beta, _ = integrate.quad(
        lambda x: x ** (k / 2 - 1) * (1 - x) ** ((t - k) / 2 - 1), 0, s / (1 + s), epsabs=1e-16
    )
    expected = ((t - k - 2) * s - k) / t + 2 * s ** (k / 2) * (1 + s) ** (-(t - 2) / 2) / (t * beta)
    assert found.adjusted**2 == pytest.approx(expected, rel=1e-7)
    assert 0.0 <= found.adjusted < found.in_sample


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r.iloc[:5], "5 dates, 6 needed"),
        (lambda r: r.assign(f2=0.01), "f2 is constant"),
        (lambda r: r.assign(f3=r["f0"] - r["f1"]), "f3 is collinear"),
        (lambda r: r * np.nan, "0 dates"),
        (lambda r: r.assign(f3=r["f0"] + 1e-6 * r["f3"]), "nearly dependent"),
    ],
)
def test_what_is_not_defined_says_why(change, reason: str) -> None:
    returns = change(sample())
    found = f.max_sharpe(returns, periods_per_year=12)
    assert reason in found.reason and np.isnan(found.in_sample)
    assert f.tangency_weights(returns).isna().all()
    assert f.minimum_variance_weights(returns, long_only=True).isna().all()
    assert f.efficient_frontier(returns, periods_per_year=12).empty


def test_out_of_sample_weights_know_the_past_alone() -> None:
    returns = sample()
    plain = f.out_of_sample(returns, minimum=60, step=6, periods_per_year=12)
    assert plain.index.equals(returns.index[60:])
    later = returns.copy()
    later.iloc[90:] = -later.iloc[90:] * 3
    changed = f.out_of_sample(later, minimum=60, step=6, periods_per_year=12)
    pd.testing.assert_series_equal(changed.iloc[:30], plain.iloc[:30])
    # The weights of dates 60 to 65 are those of the first 60, at 10 % volatility there.
    past = returns.iloc[:60]
    w = np.linalg.solve(past.cov(), past.mean())
    w = w * 0.1 / 12**0.5 / (past @ w).std()
    assert plain.iloc[:6].to_numpy() == pytest.approx((returns.iloc[60:66] @ w).to_numpy())


def test_halves_take_each_others_weights() -> None:
    returns = sample()
    found = f.out_of_sample(returns, minimum=60, scheme="halves", periods_per_year=12)
    assert found.index.equals(returns.index)
    for own, other in ((slice(0, 60), slice(60, 120)), (slice(60, 120), slice(0, 60))):
        fitted = returns.iloc[other]
        w = f.tangency_weights(fitted)
        w = w * 0.1 / 12**0.5 / (fitted @ w).std()
        assert found.iloc[own].to_numpy() == pytest.approx((returns.iloc[own] @ w).to_numpy())


@pytest.mark.parametrize(
    "options",
    [{"scheme": "random"}, {"minimum": 0}, {"step": 0}],
    ids=["scheme", "minimum", "step"],
)
def test_mistakes_are_named(options: dict) -> None:
    with pytest.raises(DataError):
        f.out_of_sample(sample(), **{"minimum": 60, "periods_per_year": 12, **options})


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_no_mix_does_better_in_sample(seed: int, long_only: bool) -> None:
    returns = sample(30, 3, seed)
    best = f.max_sharpe(returns, periods_per_year=1, long_only=long_only).in_sample
    rng = np.random.default_rng(seed)
    for w in rng.normal(size=(20, 3)):
        mix = returns @ (np.abs(w) if long_only else w)
        assert mix.mean() / mix.std(ddof=0) <= best + 1e-9


def test_comparison_of_frontiers() -> None:
    returns = sample(series=5)
    base, extra = returns.iloc[:, :3], returns.iloc[:, 3:]
    given_ = {"periods_per_year": 12, "minimum": 60, "step": 12}
    found = compare_frontiers(base, extra, draws=99, rng=np.random.default_rng(2), **given_)
    table = found.table.set_index("measure")
    assert table.index.tolist() == [
        "in_sample", "adjusted", "inverse_volatility", "expanding", "halves",
    ]  # fmt: skip
    assert table["difference"].to_numpy() == pytest.approx(table["joint"] - table["base"])
    assert table.loc["in_sample", "difference"] >= 0.0
    assert table.loc["in_sample", "p_value"] == grs_test(extra, base).p_value
    assert table.loc["in_sample", "joint"] == pytest.approx(found.grs.joint_sharpe * 12**0.5)
    assert table["observations"].tolist() == [120, 120, 120, 60, 120]
    assert table.loc[["in_sample", "adjusted"], "p_bootstrap"].isna().all()
    assert table.loc[["expanding", "halves"], "p_bootstrap"].between(0.01, 1).all()
    again = compare_frontiers(base, extra, draws=99, rng=np.random.default_rng(2), **given_)
    pd.testing.assert_frame_equal(again.table, found.table)
    ratio = found.out_of_sample["joint"]
    sharpe = ratio.mean() / ratio.std(ddof=0) * 12**0.5
    assert table.loc["expanding", "joint"] == pytest.approx(sharpe)


def test_long_only_comparison_has_no_joint_test() -> None:
    returns = sample(series=4)
    found = compare_frontiers(
        returns.iloc[:, :2], returns.iloc[:, 2:], periods_per_year=12, minimum=60, long_only=True
    ).table.set_index("measure")
    assert found.loc["in_sample", "test"] == "" and np.isnan(found.loc["in_sample", "p_value"])
    assert found.loc["adjusted", "reason"] == "not defined for long-only weights"


def test_short_samples_are_counted_and_not_tested() -> None:
    returns = sample(5, 4)
    found = compare_frontiers(
        returns.iloc[:, :2], returns.iloc[:, 2:], periods_per_year=12, minimum=4
    )
    assert found.table["p_value"].isna().all() and (found.table["reason"] != "").all()
    assert np.isnan(found.detectable) and found.grs.observations == 5


def test_a_sharpe_ratio_that_can_be_detected_is_found_in_four_of_five_samples() -> None:
    """One benchmark of ratio 0.1 a date and one asset; 120 dates; alpha as large as it says."""
    rng = np.random.default_rng(4)
    market, own = (exact([0.1], [[1.0]], 120)["a"], rng.normal(size=120))
    table = pd.DataFrame({"m": market, "x": own})
    grs = grs_test(table[["x"]], table[["m"]])
    joint = detectable_sharpe(grs, periods_per_year=1)
    base = grs.benchmark_sharpe
    alpha = (joint**2 - base**2) ** 0.5  # residual risk 1: the ratios' squares add up
    # Given the market's returns the test is a t-test with noncentrality a / se(a).
    shift = alpha * (120 / (1 + base**2)) ** 0.5
    limit = stats.t.isf(0.025, 118)
    power = stats.nct.sf(limit, 118, shift) + stats.nct.cdf(-limit, 118, shift)
    assert power == pytest.approx(0.8, abs=1e-6)
