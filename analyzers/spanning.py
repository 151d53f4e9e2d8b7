"""Do benchmark factors already span the test assets? Alphas and joint tests of them.

Excess and zero-cost returns are spanned where every alpha is zero: then no mix of the test
assets raises the Sharpe ratio that the benchmarks reach (`grs_test`). Returns of fully invested
portfolios are spanned where, beside that, the slopes of each test asset add up to one
(`analyzers.mean_variance_spanning`): then they do not change the mean-variance frontier at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags, independent_columns, regress
from analyzers.spanning_sample import Sample, hac_restrictions, pair_samples, wald, with_constant

__all__ = ["JointTest", "grs_test", "hac_alpha_test", "spanning_alphas"]

_TESTS = ("statistic", "p_value", "df1", "df2")


@dataclass(frozen=True)
class JointTest:
    """One test of a hypothesis about several assets at once.

    Parameters
    ----------
    name : str
        ``grs`` or ``hac_wald``.
    hypothesis : str
        ``alpha = 0``.
    statistic, p_value : float
        NaN where the test is not defined; `reason` says why.
    df1, df2 : float
        Degrees of freedom; `df2` is infinite for a chi-squared statistic.
    tests, benchmarks, observations : int
        N assets, K benchmarks and T common dates; columns without a spread of their own are
        not counted.
    benchmark_sharpe, joint_sharpe : float
        Largest Sharpe ratio a period, in sample, of the benchmarks alone and with the tests.
    lags : int
        Newey-West lags; 0 for a test that assumes independence.
    reason : str
        Empty, or why the test is not defined.
    """

    name: str
    hypothesis: str
    statistic: float
    p_value: float
    df1: float
    df2: float
    tests: int
    benchmarks: int
    observations: int
    benchmark_sharpe: float
    joint_sharpe: float
    lags: int
    reason: str


def spanning_alphas(
    tests: pd.DataFrame,
    benchmarks: pd.DataFrame,
    *,
    periods_per_year: int,
    lags: int | None = None,
) -> pd.DataFrame:
    """Alpha of each test asset on all benchmarks together, with Newey-West errors.

    Parameters
    ----------
    tests : DataFrame
        (T, N) excess or zero-cost returns, decimals.
    benchmarks : DataFrame
        (T, K) likewise, on the same kind of dates.
    periods_per_year : int
    lags : int, optional
        `automatic_lags` unless given.

    Returns
    -------
    DataFrame
        One row a test asset: test, alpha_annual, t_stat, p_value (two-sided, normal),
        r_squared, appraisal_annual (alpha over the residual's standard deviation, a year),
        observations, lags, and ``beta_`` with the name of each benchmark. A benchmark that is
        constant or a combination of those before it has a NaN slope. All NaN where there are
        fewer than two observations more than coefficients.

    Notes
    -----
    NaN handling: each asset uses the dates that know it and every benchmark.
    """
    lines = [
        _alpha_line(str(name), tests[name], benchmarks, periods_per_year, lags) for name in tests
    ]
    columns = ["test", "alpha_annual", "t_stat", "p_value", "r_squared", "appraisal_annual"]
    slopes = [f"beta_{name}" for name in benchmarks]
    return pd.DataFrame(lines, columns=[*columns, "observations", "lags", *slopes])


def grs_test(tests: pd.DataFrame, benchmarks: pd.DataFrame) -> JointTest:
    """Gibbons, Ross, Shanken (1989): are the alphas of all test assets zero?

    ``F = (T - N - K) / N  a' S^-1 a / (1 + m' O^-1 m)`` with the residual covariance S and the
    benchmarks' covariance O over T, exactly F(N, T - N - K) for normal, independent returns.
    It is also ``(T - N - K) / N (s*^2 - s^2) / (1 + s^2)``, s and s* the Sharpe ratios that the
    benchmarks reach without and with the tests.

    Parameters
    ----------
    tests, benchmarks : DataFrame
        (T, N) and (T, K) excess or zero-cost returns, decimals.

    Returns
    -------
    JointTest
        Not defined where T <= N + K, or a test asset is a combination of the others.

    Notes
    -----
    NaN handling: only dates that know every column are used. Benchmarks without a spread of
    their own are left out.
    """
    sample = pair_samples(tests, benchmarks)
    count, assets, factors = sample.sizes
    nothing = (np.nan,) * 4
    if sample.reason:
        return _joint("grs", sample, nothing, (np.nan, np.nan), 0, sample.reason)
    from scipy.stats import f

    squared = _squared_sharpe(sample.market)
    joint = _squared_sharpe(np.column_stack([sample.market, sample.own]))
    freedom = count - assets - factors
    alphas, residuals = _fit(sample)
    covariance = residuals.T @ residuals / count
    distance = float(alphas @ np.linalg.solve(covariance, alphas))
    statistic = freedom / assets * distance / (1.0 + squared)
    found = (statistic, float(f.sf(statistic, assets, freedom)), float(assets), float(freedom))
    return _joint("grs", sample, found, (squared**0.5, joint**0.5), 0, "")


def hac_alpha_test(
    tests: pd.DataFrame, benchmarks: pd.DataFrame, *, lags: int | None = None
) -> JointTest:
    """Joint Wald test that all alphas are zero, robust to autocorrelation and changing spread.

    ``a' V^-1 a``, chi-squared(N) in large samples, V the Newey-West covariance of the alphas of
    the N regressions together. It rejects too often where T is not many times N.

    Parameters, returns and NaN handling as in `grs_test`; `lags` is `automatic_lags` unless
    given.
    """
    sample = pair_samples(tests, benchmarks)
    used = automatic_lags(len(sample.own)) if lags is None else lags
    if sample.reason:
        return _joint("hac_wald", sample, (np.nan,) * 4, (np.nan, np.nan), used, sample.reason)
    squared = _squared_sharpe(sample.market)
    joint = _squared_sharpe(np.column_stack([sample.market, sample.own]))
    alphas, covariance = hac_restrictions(sample, used, adding_up=False)
    found = wald(alphas, covariance)
    return _joint("hac_wald", sample, found, (squared**0.5, joint**0.5), used, "")


def _alpha_line(
    name: str, own: pd.Series, benchmarks: pd.DataFrame, periods_per_year: int, lags: int | None
) -> tuple[object, ...]:
    joined = pd.concat([own.rename("_own"), benchmarks], axis=1, join="inner").dropna()
    values = joined.sort_index().to_numpy(dtype=float)
    used, _ = independent_columns(values[:, 1:])
    count, slopes = len(values), np.full(benchmarks.shape[1], np.nan)
    lags = automatic_lags(count) if lags is None else lags
    if count < len(used) + 3:
        return (name, *(np.nan,) * 5, count, lags, *slopes)
    design = with_constant(values[:, 1:][:, used])
    fit, t_stats, r_squared = regress(values[:, 0], design, lags)
    slopes[used] = fit[1:]
    residual = values[:, 0] - design @ fit
    spread = float(np.sqrt(residual @ residual / (count - len(fit))))
    defined = bool(np.isfinite(t_stats[0])) and spread > 0.0
    appraisal = fit[0] / spread * periods_per_year**0.5 if defined else np.nan
    p_value = math.erfc(abs(t_stats[0]) / 2**0.5) if defined else np.nan
    alpha = fit[0] * periods_per_year
    return (name, alpha, t_stats[0], p_value, r_squared, appraisal, count, lags, *slopes)


def _joint(
    name: str,
    sample: Sample,
    found: tuple[float, ...],
    sharpes: tuple[float, float],
    lags: int,
    reason: str,
) -> JointTest:
    count, assets, factors = sample.sizes
    given = dict(zip(_TESTS, found))
    return JointTest(
        name=name,
        hypothesis="alpha = 0",
        **given,
        tests=assets,
        benchmarks=factors,
        observations=count,
        benchmark_sharpe=sharpes[0],
        joint_sharpe=sharpes[1],
        lags=lags,
        reason=reason,
    )


def _fit(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """(N,) alphas and (T, N) residuals."""
    design = with_constant(sample.market)
    fit = np.linalg.lstsq(design, sample.own, rcond=None)[0]
    return fit[0], sample.own - design @ fit


def _squared_sharpe(returns: np.ndarray) -> float:
    """Largest squared Sharpe ratio a period, moments over T."""
    mean = returns.mean(axis=0)
    centred = returns - mean
    return float(mean @ np.linalg.solve(centred.T @ centred / len(returns), mean))
