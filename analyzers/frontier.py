"""The mean-variance frontier of factor returns: weights, largest Sharpe ratios, what others add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.regression import independent_columns, nearly_dependent
from feeds.errors import DataError

__all__ = [
    "MaxSharpe",
    "efficient_frontier",
    "max_sharpe",
    "minimum_variance_weights",
    "out_of_sample",
    "tangency_weights",
]

SCHEMES = ("expanding", "halves")
#: Halvings of the interval that holds the rate of a frontier portfolio.
_HALVINGS = 60


@dataclass(frozen=True, eq=False)
class MaxSharpe:
    """Largest Sharpe ratio that a mix of K return series reached, and what luck explains of it.

    Parameters
    ----------
    weights : Series
        (K,) tangency weights, gross 1; NaN where not defined.
    in_sample : float
        Sharpe ratio a year of those weights on the dates they were fitted on: too large.
    adjusted : float
        Square root of the squared ratio as Kan and Zhou (2007) adjust it, a year; never
        negative.
    unbiased_squared : float
        Unbiased estimate of the squared ratio a year (Jobson, Korkie 1980):
        ``((T - K - 2) s^2 - K) / T``; negative where luck explains more than was found.
    series, observations : int
        K and T.
    reason : str
        Empty, or why nothing is defined.

    Notes
    -----
    Both corrections hold for unconstrained weights and are NaN for long-only ones.
    """

    weights: pd.Series
    in_sample: float
    adjusted: float
    unbiased_squared: float
    series: int
    observations: int
    reason: str


def tangency_weights(returns: pd.DataFrame, *, long_only: bool = False) -> pd.Series:
    """Weights of the largest Sharpe ratio: ``S^-1 m``, scaled to a gross exposure of 1.

    Parameters
    ----------
    returns : DataFrame
        (T, K) excess or zero-cost returns, decimals.
    long_only : bool
        No negative weights; all zero (cash) where no series has a positive mean.

    Returns
    -------
    Series
        (K,) weights, absolute values adding up to 1. NaN where there are fewer than two dates
        more than series, or a series is constant or a combination of others.

    Notes
    -----
    NaN handling: only dates that know every series are used.
    """
    return _weights(returns, lambda mean, cov: _direction(cov, mean, long_only))


def minimum_variance_weights(returns: pd.DataFrame, *, long_only: bool = False) -> pd.Series:
    """Weights of the least variance among those that add up to 1.

    Parameters, result and NaN handling as in `tangency_weights`, but for the scale.
    """
    return _weights(returns, lambda mean, cov: _fully_invested(cov, long_only))


def efficient_frontier(
    returns: pd.DataFrame, *, periods_per_year: int, points: int = 41, long_only: bool = False
) -> pd.DataFrame:
    """Least variance for each mean, of weights that add up to 1.

    Means are evenly spaced from the minimum-variance portfolio's up to the largest mean of a
    series (long only), or as far above it as that is below, so that the curve shows.

    Returns
    -------
    DataFrame
        mean_annual, volatility (a year), and one column of weights a series; `points` rows,
        least variance first. Empty where the weights are not defined, and a single row where
        the minimum-variance portfolio has the largest mean.
    """
    columns = ["mean_annual", "volatility", *map(str, returns.columns)]
    mean, cov, reason = _moments(returns)
    if reason:
        return pd.DataFrame(columns=columns, dtype=float)
    least = _fully_invested(cov, long_only)
    bottom = float(least @ mean)
    top = float(mean.max())
    if not long_only:
        top = max(top, bottom + 2.0 * float(np.ptp(mean)))
    count = points if top - bottom > 1e-12 * np.abs(mean).max() else 1
    targets = np.linspace(bottom, top, count)
    solve = _long_only_portfolio if long_only else _free_portfolio
    lines = [least, *(solve(mean, cov, target) for target in targets[1:])]
    rows = [
        (float(w @ mean) * periods_per_year, float(w @ cov @ w * periods_per_year) ** 0.5, *w)
        for w in lines
    ]
    return pd.DataFrame(rows, columns=columns)


def max_sharpe(
    returns: pd.DataFrame, *, periods_per_year: int, long_only: bool = False
) -> MaxSharpe:
    """Largest in-sample Sharpe ratio of a mix of `returns`, with corrections for its bias.

    Parameters and NaN handling as in `tangency_weights`. Moments are over T.
    """
    mean, cov, reason = _moments(returns)
    known, series = len(returns.dropna()), returns.shape[1]
    weights = tangency_weights(returns, long_only=long_only)
    if reason:
        return MaxSharpe(weights, np.nan, np.nan, np.nan, series, known, reason)
    cov = cov * (known - 1) / known
    w = weights.to_numpy()
    spread = float(w @ cov @ w) ** 0.5
    ratio = float(w @ mean) / spread if spread > 0.0 else 0.0
    adjusted, unbiased = np.nan, np.nan
    if not long_only:
        unbiased = ((known - series - 2) * ratio**2 - series) / known
        adjusted = _adjusted_squared(ratio**2, series, known) ** 0.5
    year = periods_per_year**0.5
    return MaxSharpe(
        weights, ratio * year, adjusted * year, unbiased * periods_per_year, series, known, ""
    )


def out_of_sample(
    returns: pd.DataFrame,
    *,
    minimum: int,
    periods_per_year: int,
    step: int = 1,
    scheme: str = "expanding",
    long_only: bool = False,
    volatility_annual: float = 0.1,
) -> pd.Series:
    """Returns of tangency weights on dates that they were not fitted on.

    Parameters
    ----------
    returns : DataFrame
        (T, K) excess or zero-cost returns, decimals; dates that miss one are left out.
    minimum : int
        Dates before the first weights (``expanding``).
    periods_per_year : int
    step : int
        Dates between new weights (``expanding``).
    scheme : str
        ``expanding``: fitted on all dates before; ``halves``: each half with the weights of
        the other one, which is no strategy but a check of stability on all dates.
    long_only : bool
    volatility_annual : float
        Weights are scaled to this volatility on the dates that they were fitted on, so that no
        stretch outweighs the others.

    Returns
    -------
    Series
        (T - minimum,) or (T,) returns; zero where the weights were cash. Empty where there are
        too few dates or no weights.

    Raises
    ------
    DataError
        If `scheme` is unknown, or `minimum` or `step` is under one.
    """
    if scheme not in SCHEMES:
        raise DataError(f"no scheme is called {scheme!r}", f"use {' or '.join(SCHEMES)}")
    if minimum < 1 or step < 1:
        raise DataError(f"minimum {minimum} or step {step} is under one", "use 1 or more")
    known = returns.dropna().sort_index()
    count = len(known)
    half = count // 2
    spans = [(slice(half, count), slice(0, half)), (slice(0, half), slice(half, count))]
    if scheme == "expanding":
        starts = range(minimum, count, step)
        spans = [(slice(0, k), slice(k, min(k + step, count))) for k in starts]
    target = volatility_annual / periods_per_year**0.5
    parts = []
    for past, held in spans:
        weights = tangency_weights(known.iloc[past], long_only=long_only).to_numpy()
        spread = float((known.iloc[past] @ weights).std(ddof=1)) if weights.any() else 0.0
        scale = target / spread if spread > 0.0 else 0.0
        parts.append(known.iloc[held] @ (weights * scale if weights.any() else weights))
    found = pd.concat(parts) if parts else pd.Series(index=known.index[:0], dtype=float)
    return found.dropna().rename("out_of_sample")


def _moments(returns: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, str]:
    """Means, covariance (over T - 1), and why there is none."""
    known = returns.dropna().to_numpy(dtype=float)
    nothing = np.full(returns.shape[1], np.nan)
    if len(known) < returns.shape[1] + 2 or not returns.shape[1]:
        reason = f"{len(known)} dates, {returns.shape[1] + 2} needed"
        return nothing, np.diag(nothing), reason
    _, dropped = independent_columns(known)
    if dropped:
        first = min(dropped)
        return nothing, np.diag(nothing), f"{returns.columns[first]} is {dropped[first]}"
    if nearly_dependent(known):
        return nothing, np.diag(nothing), "the series are nearly dependent"
    return known.mean(axis=0), np.atleast_2d(np.cov(known.T)), ""


def _weights(
    returns: pd.DataFrame, solve: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> pd.Series:
    mean, cov, reason = _moments(returns)
    found = mean if reason else solve(mean, cov)
    return pd.Series(found, index=returns.columns, dtype=float)


def _direction(cov: np.ndarray, tilt: np.ndarray, long_only: bool) -> np.ndarray:
    """``S^-1 tilt`` of gross 1; long only, the w >= 0 of the largest ``w'tilt / sqrt(w'S w)``.

    The latter solves ``min w'S w / 2 - w'tilt``, a least-squares problem with w >= 0.
    """
    scale = np.sqrt(np.diag(cov))
    root = np.linalg.cholesky(cov / np.outer(scale, scale))
    shifted = np.linalg.solve(root, tilt / scale)
    if long_only:
        from scipy.optimize import nnls

        found = nnls(root.T, shifted)[0] / scale
    else:
        found = np.linalg.solve(root.T, shifted) / scale
    gross = np.abs(found).sum()
    return found / gross if gross > 0.0 else np.zeros_like(found)


def _fully_invested(cov: np.ndarray, long_only: bool) -> np.ndarray:
    found = _direction(cov, np.ones(len(cov)), long_only)
    return found / found.sum()


def _free_portfolio(mean: np.ndarray, cov: np.ndarray, target: float) -> np.ndarray:
    """Least variance of weights that add up to 1 and have the mean `target`."""
    sides = np.column_stack([np.ones_like(mean), mean])
    solved = np.linalg.solve(cov, sides)
    return solved @ np.linalg.solve(sides.T @ solved, np.array([1.0, target]))


def _long_only_portfolio(mean: np.ndarray, cov: np.ndarray, target: float) -> np.ndarray:
    """As `_free_portfolio` without negative weights.

    Every such portfolio is the long-only tangency portfolio for some rate, whose mean rises
    with the rate: from far below all means to the largest of them.
    """
    top = int(np.argmax(mean))
    if target >= mean[top] * (1.0 - 1e-12 * np.sign(mean[top])):
        return np.eye(len(mean))[top]
    width = float(np.ptp(mean))
    low, high = float(mean.min()) - 1e6 * width, float(mean.max())
    for _ in range(_HALVINGS):
        rate = (low + high) / 2.0
        w = _direction(cov, mean - rate, long_only=True)
        low, high = (rate, high) if w @ mean < target else (low, rate)
    return w


def _adjusted_squared(squared: float, series: int, count: int) -> float:
    """Kan, Zhou (2007), eq. 63: the unbiased estimate plus what keeps it positive."""
    from scipy.special import betainc, betaln

    if squared <= 0.0:
        return 0.0
    a, b = series / 2.0, (count - series) / 2.0
    unbiased = ((count - series - 2) * squared - series) / count
    share = squared / (1.0 + squared)
    incomplete = np.log(betainc(a, b, share)) + betaln(a, b)
    log = a * np.log(squared) - (count - 2) / 2.0 * np.log1p(squared) - incomplete
    return max(float(unbiased + 2.0 / count * np.exp(log)), 0.0)
