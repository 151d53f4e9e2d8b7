"""Test assets and benchmarks on common dates, and robust tests of restrictions on their fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.regression import independent_columns, long_run_sums, nearly_dependent
from feeds.errors import DataError

__all__ = ["Sample", "hac_restrictions", "pair_samples", "wald", "with_constant"]


@dataclass(frozen=True, eq=False)
class Sample:
    """(T, N) test returns and (T, K) benchmarks on common dates, no column dependent."""

    own: np.ndarray
    market: np.ndarray
    reason: str

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.own), self.own.shape[1], self.market.shape[1]


def pair_samples(tests: pd.DataFrame, benchmarks: pd.DataFrame) -> Sample:
    """Common dates in order; dependent benchmarks left out; the reason for which no test is."""
    shared = [name for name in tests if name in benchmarks]
    if shared or not len(tests.columns) or not len(benchmarks.columns):
        what = f"{shared[0]} is a test and a benchmark" if shared else "one side has no column"
        raise DataError(what, "name each return series on one side")
    joined = pd.concat([tests, benchmarks], axis=1, join="inner").dropna().sort_index()
    values = joined.to_numpy(dtype=float)
    own, market = values[:, : len(tests.columns)], values[:, len(tests.columns) :]
    used, _ = independent_columns(market)
    market = market[:, used]
    count, needed = len(values), own.shape[1] + len(used) + 2
    if count < needed:
        return Sample(own, market, f"{count} dates, {needed} needed")
    if not used:
        return Sample(own, market, "no benchmark varies")
    _, dropped = independent_columns(np.column_stack([market, own]))
    if dropped:
        name = tests.columns[min(dropped) - len(used)]
        return Sample(own, market, f"{name} is {dropped[min(dropped)]}")
    if nearly_dependent(np.column_stack([market, own])):
        return Sample(own, market, "the series are nearly dependent")
    return Sample(own, market, "")


def hac_restrictions(
    sample: Sample, lags: int, *, adding_up: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Alphas (and slopes' sums less one), which the hypothesis holds to be zero; their HAC cov.

    Each is a fixed combination ``c' (X'X)^-1 X'`` of an asset's returns, so that its influences
    are ``X (X'X)^-1 c`` times that asset's residuals.
    """
    design = with_constant(sample.market)
    fit = np.linalg.lstsq(design, sample.own, rcond=None)[0]
    residuals = sample.own - design @ fit
    combine = np.zeros((design.shape[1], 1 + adding_up))
    combine[0, 0] = 1.0
    combine[1:, 1:] = 1.0
    target = np.array([0.0, 1.0])[: 1 + adding_up]
    influence = design @ np.linalg.solve(design.T @ design, combine)
    values = combine.T @ fit - target[:, None]
    moments = influence[:, :, None] * residuals[:, None, :]
    moments = moments.reshape(len(design), -1)
    return values.reshape(-1), long_run_sums(moments, lags)


def wald(values: np.ndarray, covariance: np.ndarray) -> tuple[float, float, float, float]:
    """``v' C^-1 v``, its chi-squared p-value, degrees of freedom and infinity; NaN if singular."""
    from scipy.stats import chi2

    error = np.sqrt(np.diag(covariance))
    scaled = covariance / np.outer(error, error)
    ratio = values / error
    # More restrictions than independent long-run moments: the covariance is singular.
    if not np.isfinite(ratio).all() or np.linalg.cond(scaled) > 1e12:
        return np.nan, np.nan, float(len(values)), np.inf
    statistic = float(ratio @ np.linalg.solve(scaled, ratio))
    return statistic, float(chi2.sf(statistic, len(values))), float(len(values)), np.inf


def with_constant(market: np.ndarray) -> np.ndarray:
    """(T, K + 1): ones, then the columns of `market`."""
    return np.column_stack([np.ones(len(market)), market])
