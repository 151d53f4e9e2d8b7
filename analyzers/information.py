"""How well scores rank: information coefficients and the persistence of ranks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags, newey_west_mean
from feeds.errors import DataError
from feeds.panel import forward_fill

__all__ = [
    "forward_returns",
    "information_coefficients",
    "overlap_lags",
    "rank_autocorrelation",
    "rank_correlation",
    "summarize_information",
]

METHODS = ("pearson", "spearman")
#: Pairs below which a rank correlation is not reported.
_FEWEST = 3


def forward_returns(
    close_marks: np.ndarray, rows: np.ndarray, horizon: int, lag: int = 1
) -> np.ndarray:
    """(R, N) returns from the close of row + `lag` to `horizon` rows later.

    Parameters
    ----------
    close_marks : (T, N) array
        Adjusted closes. NaN handling: a gap carries the last mark; NaN before the first.
    rows : (R,) int array
    horizon : int
        Sessions, at least one.
    lag : int
        1 can be traded on a decision made at the close of its row; 0 cannot.

    Returns
    -------
    (R, N) float64 array
        NaN where the window ends after the last row.

    Raises
    ------
    DataError
        If `horizon` is under one or `lag` is negative.
    """
    if horizon < 1 or lag < 0:
        raise DataError(
            f"forward returns over {horizon} sessions from lag {lag} are not defined",
            "use a horizon of 1 or more and a lag of 0 or more",
        )
    marks = forward_fill(np.asarray(close_marks, dtype=float))
    rows = np.asarray(rows, dtype=np.int64)
    found = np.full((len(rows), marks.shape[1]), np.nan)
    inside = rows + lag + horizon < len(marks)
    begin = rows[inside] + lag
    found[inside] = marks[begin + horizon] / marks[begin] - 1.0
    return found


def information_coefficients(
    scores: np.ndarray,
    close_marks: np.ndarray,
    rows: np.ndarray,
    horizon: int,
    *,
    lag: int = 1,
    method: str = "spearman",
) -> pd.Series:
    """Correlation of scores with the returns that follow, by decision row.

    Parameters
    ----------
    scores : (R, N) array
        Higher is better; NaN is not ranked. Ties take their average rank.
    close_marks, rows, horizon, lag
        As in `forward_returns`: t+1 -> t+1+h, or with `lag` 0 the untradable t -> t+h.
    method : str
        ``spearman``, the rank IC, or ``pearson``, of the values as they are.

    Returns
    -------
    Series
        (R,) on the index `rows`, in [-1, 1]. NaN where fewer than three assets have both, one
        side does not vary, or the window ends after the data.

    Raises
    ------
    DataError
        If `method` is neither, or as `forward_returns`.
    """
    if method not in METHODS:
        raise DataError(f"no correlation is called {method!r}", f"use {' or '.join(METHODS)}")
    correlation = rank_correlation if method == "spearman" else _row_correlation
    ahead = forward_returns(close_marks, rows, horizon, lag)
    values = correlation(np.asarray(scores, dtype=float), ahead)
    return pd.Series(values, index=np.asarray(rows), name="ic")


def overlap_lags(rows: np.ndarray, horizon: int) -> int:
    """Later observations that share sessions with one: h - 1 where every session decides.

    Decisions are `rows`, increasing; the smallest step between them counts.
    """
    steps = np.diff(np.asarray(rows, dtype=np.int64))
    return -(-horizon // int(steps.min())) - 1 if len(steps) else 0


def summarize_information(ic: pd.Series, lags: int = 0) -> Mapping[str, float]:
    """Mean, sd, icir (mean / sd), Newey-West t, lags and observations of a series of IC.

    `lags` is a floor, see `overlap_lags`; the automatic choice rules where it is larger. NaN
    handling: missing coefficients are left out; statistics not defined are NaN.
    """
    known = ic.dropna()
    used = max(lags, automatic_lags(len(known)))
    mean, t_stat, used = newey_west_mean(known, used)
    sd = float(known.std(ddof=1)) if len(known) > 1 else np.nan
    return {
        "mean": mean,
        "sd": sd,
        "icir": mean / sd if sd > 1e-12 else np.nan,
        "t_stat": t_stat,
        "lags": float(used),
        "observations": float(len(known)),
    }


def rank_autocorrelation(scores: np.ndarray, periods: int = 1) -> np.ndarray:
    """(R,) Spearman correlation of each row of scores with the row `periods` before.

    The first `periods` are NaN. Ranks are taken among the assets that both rows rank, three
    or more.

    Raises
    ------
    DataError
        If `periods` is under one.
    """
    if periods < 1:
        raise DataError(f"{periods} decisions back is not the past", "use 1 or more")
    scores = np.asarray(scores, dtype=float)
    found = np.full(len(scores), np.nan)
    if periods < len(scores):
        found[periods:] = rank_correlation(scores[periods:], scores[:-periods])
    return found


def rank_correlation(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(R,) Spearman correlation of each row of two (R, N) arrays, ties at their average rank.

    Ranks are taken among the assets that both rows know. NaN under three of them, or where one
    side does not vary.
    """
    both = np.isfinite(left) & np.isfinite(right)
    x, y = (_ranks(side, both) for side in (left, right))
    # Centred ranks are multiples of a half: sums of them are exact, and so is no spread.
    return _correlation(x, y, both, rounding=0.0)


def _row_correlation(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    both = np.isfinite(left) & np.isfinite(right)
    x, y = (np.where(both, side, np.nan) for side in (left, right))
    return _correlation(x, y, both, rounding=1e-13)


def _correlation(x: np.ndarray, y: np.ndarray, both: np.ndarray, rounding: float) -> np.ndarray:
    """Row by row; a side whose spread is `rounding` of its size or less does not vary."""
    count = both.sum(axis=1, keepdims=True)
    product, spread, varies = 1.0, 1.0, count[:, 0] >= _FEWEST
    for side in (x, y):
        known = np.where(both, side, 0.0)
        mean = known.sum(axis=1, keepdims=True) / np.maximum(count, 1)
        centred = np.where(both, known - mean, 0.0)
        size, own = (np.sum(part**2, axis=1) for part in (known, centred))
        varies &= own > rounding**2 * size
        product, spread = product * centred, spread * own
    found = np.full(len(x), np.nan)
    return np.divide(np.sum(product, axis=1), np.sqrt(spread), out=found, where=varies)


def _ranks(values: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Average ranks among `both`."""
    return pd.DataFrame(np.where(both, values, np.nan)).rank(axis=1).to_numpy()
