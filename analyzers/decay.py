"""How long scores stay good: coefficients and spreads by horizon, and the persistence of ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzers.factor_performance import quantile_weights
from analyzers.information import (
    forward_returns,
    information_coefficients,
    overlap_lags,
    rank_autocorrelation,
    summarize_information,
)
from feeds.errors import DataError

__all__ = [
    "HORIZONS",
    "half_life",
    "ic_by_window",
    "ic_decay",
    "quantile_forward_returns",
    "quantile_turnover",
    "rank_persistence",
    "spread_by_horizon",
]

#: Sessions: a day, a week, two, a month, a quarter, half a year, a year.
HORIZONS = (1, 5, 10, 21, 63, 126, 252)
_PERIODS = (1, 3, 6, 12)
_SUMMARY = ("mean", "sd", "icir", "t_stat", "lags", "observations")


def ic_decay(
    scores: np.ndarray,
    close_marks: np.ndarray,
    rows: np.ndarray,
    horizons: Sequence[int] = HORIZONS,
    *,
    lag: int = 1,
    method: str = "spearman",
) -> pd.DataFrame:
    """Information coefficient over returns of each horizon, all from the same entry.

    Parameters
    ----------
    scores : (R, N) array
        Higher is better; NaN is not ranked.
    close_marks : (T, N) array
        Adjusted closes; a gap carries the last mark.
    rows : (R,) int array
        Decision rows, increasing.
    horizons : sequence of int
        Sessions from the entry, one or more each.
    lag, method
        As in `information_coefficients`.

    Returns
    -------
    DataFrame
        horizon, mean, sd, icir, t_stat (Newey-West, lags no fewer than the decisions that share
        sessions), lags, observations. A horizon beyond the data has no observations and NaN.
    """
    rows = np.asarray(rows, dtype=np.int64)
    lines = []
    for horizon in horizons:
        ic = information_coefficients(scores, close_marks, rows, horizon, lag=lag, method=method)
        lines.append({"horizon": horizon, **summarize_information(ic, overlap_lags(rows, horizon))})
    return pd.DataFrame(lines, columns=["horizon", *_SUMMARY])


def ic_by_window(
    scores: np.ndarray,
    close_marks: np.ndarray,
    rows: np.ndarray,
    edges: Sequence[int] = (0, 21, 42, 63, 84, 105, 126, 189, 252),
    *,
    lag: int = 1,
    method: str = "spearman",
) -> pd.DataFrame:
    """Information coefficient over windows of returns that do not overlap.

    What is left of a score after the first window shows here, where `ic_decay` would still
    count the first window's success.

    Parameters
    ----------
    edges : sequence of int
        Increasing sessions after the entry, the first 0 or more: (0, 21, 42) are two windows.
    scores, close_marks, rows, lag, method
        As in `ic_decay`.

    Returns
    -------
    DataFrame
        start, stop (sessions after the entry), mean, sd, icir, t_stat, lags, observations.

    Raises
    ------
    DataError
        If `edges` do not increase from 0 or more.
    """
    if len(edges) < 2 or edges[0] < 0 or np.any(np.diff(edges) <= 0):
        raise DataError(f"edges {tuple(edges)} do not increase from 0", "use 0, 21, 42 and so on")
    rows = np.asarray(rows, dtype=np.int64)
    lines = []
    for start, stop in zip(edges[:-1], edges[1:]):
        length = stop - start
        ic = information_coefficients(
            scores, close_marks, rows, length, lag=lag + start, method=method
        )
        found = summarize_information(ic, overlap_lags(rows, length))
        lines.append({"start": start, "stop": stop, **found})
    return pd.DataFrame(lines, columns=["start", "stop", *_SUMMARY])


def half_life(ages: Sequence[float], means: Sequence[float]) -> float:
    """Sessions from the first age until the coefficient is half of the first one.

    Parameters
    ----------
    ages : (W,) sequence
        Increasing, as the middles of the windows of `ic_by_window`.
    means : (W,) sequence
        Mean coefficient at each age; missing ones are left out.

    Returns
    -------
    float
        By linear interpolation at the first crossing. NaN where there are fewer than two known
        means, the first is 0, or none falls to its half.
    """
    age, mean = np.asarray(ages, dtype=float), np.asarray(means, dtype=float)
    known = np.isfinite(mean)
    age, mean = age[known], mean[known]
    if len(mean) < 2 or mean[0] == 0.0:
        return float("nan")
    share = mean / mean[0]
    below = np.flatnonzero(share <= 0.5)
    if not len(below):
        return float("nan")
    after = int(below[0])
    before = after - 1
    part = (share[before] - 0.5) / (share[before] - share[after])
    return float(age[before] + part * (age[after] - age[before]) - age[0])


def quantile_forward_returns(
    scores: np.ndarray,
    close_marks: np.ndarray,
    rows: np.ndarray,
    horizon: int,
    quantiles: int,
    *,
    lag: int = 1,
) -> np.ndarray:
    """(R, Q) mean return of the assets of each quantile over the next `horizon` sessions.

    Quantiles as in `quantile_weights`, worst first, among the assets that have both a score
    and a return. NaN where fewer than Q have, or the window ends after the data.
    """
    ahead = forward_returns(close_marks, rows, horizon, lag)
    both = np.isfinite(scores) & np.isfinite(ahead)
    books = quantile_weights(np.where(both, scores, np.nan), quantiles)
    means = np.sum(books * np.where(both, ahead, 0.0), axis=2).T
    means[both.sum(axis=1) < quantiles] = np.nan
    return means


def spread_by_horizon(
    scores: np.ndarray,
    close_marks: np.ndarray,
    rows: np.ndarray,
    quantiles: int,
    horizons: Sequence[int] = HORIZONS,
    *,
    lag: int = 1,
    periods_per_year: int,
) -> pd.DataFrame:
    """Return of the best quantile less that of the worst, by holding period.

    Parameters
    ----------
    quantiles : int
        Number of quantiles, two or more.
    periods_per_year : int
        Sessions a year, by which ``spread_annual`` is scaled (without compounding).
    scores, close_marks, rows, horizons, lag
        As in `ic_decay`.

    Returns
    -------
    DataFrame
        horizon, spread (mean over the decisions), spread_annual, t_stat (Newey-West, lags as
        in `ic_decay`), lags, observations.
    """
    rows = np.asarray(rows, dtype=np.int64)
    lines = []
    for horizon in horizons:
        means = quantile_forward_returns(scores, close_marks, rows, horizon, quantiles, lag=lag)
        spread = pd.Series(means[:, -1] - means[:, 0])
        found = summarize_information(spread, overlap_lags(rows, horizon))
        annual = found["mean"] * periods_per_year / horizon
        rest = (found[name] for name in ("t_stat", "lags", "observations"))
        lines.append((horizon, found["mean"], annual, *rest))
    columns = ["horizon", "spread", "spread_annual", "t_stat", "lags", "observations"]
    return pd.DataFrame(lines, columns=columns)


def quantile_turnover(scores: np.ndarray, quantiles: int, periods: int = 1) -> np.ndarray:
    """(R, Q) share of each quantile that was not in it `periods` decisions before.

    Half the sum of the absolute differences of the two equally weighted books, without drift:
    with as many assets on both dates, the share of the names that are new. NaN for the first
    `periods` decisions and where either date ranks fewer than Q assets.

    Raises
    ------
    DataError
        If `periods` is under one, or as `quantile_weights`.
    """
    if periods < 1:
        raise DataError(f"{periods} decisions back is not the past", "use 1 or more")
    books = quantile_weights(scores, quantiles)
    found = np.full((len(scores), quantiles), np.nan)
    if periods < len(scores):
        found[periods:] = np.abs(books[:, periods:] - books[:, :-periods]).sum(axis=2).T / 2.0
        empty = ~books.any(axis=(0, 2))
        found[periods:][empty[periods:] | empty[:-periods]] = np.nan
    return found


def rank_persistence(scores: np.ndarray, periods: Sequence[int] = _PERIODS) -> pd.DataFrame:
    """Mean rank autocorrelation over 1, 3, 6 and 12 decisions.

    Returns
    -------
    DataFrame
        periods, mean (NaN where no pair of decisions is known), observations.
    """
    lines = []
    for count in periods:
        known = rank_autocorrelation(scores, count)
        known = known[np.isfinite(known)]
        mean = float(known.mean()) if len(known) else np.nan
        lines.append((count, mean, len(known)))
    return pd.DataFrame(lines, columns=["periods", "mean", "observations"])
