"""Making the scores of one cross-section comparable: winsorise, rank, z-score, neutralise.

Each function takes (R, N) scores, one cross-section a row, and works within each row, or
within each group of columns of a row. Not eligible and not finite mean the same: the entry
takes no part and stays NaN. No result depends on the order of the columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

__all__ = ["demean", "rank_scale", "scale_scores", "winsorize", "z_score"]

RowFunction = Callable[[np.ndarray], np.ndarray]


def winsorize(
    scores: np.ndarray,
    fraction: float = 0.01,
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Clip each row to its quantiles `fraction` and 1 - `fraction`.

    Parameters
    ----------
    scores : (R, N) float array
    fraction : float
        Share clipped on each side, in [0, 0.5); quantiles are interpolated linearly.
    eligible : (R, N) bool array, optional
        Entries that take part; all of them unless given.
    groups : (N,) array, optional
        Labels of columns that are treated apart.

    Returns
    -------
    (R, N) float64 array
        NaN where not eligible or not known. A single known score stays as it is.
    """

    def clip(rows: np.ndarray) -> np.ndarray:
        low, high = _quantiles(rows, fraction)
        return np.clip(rows, low, high)

    return _by_group(clip, scores, eligible, groups)


def rank_scale(
    scores: np.ndarray,
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Ranks spread evenly over (-1/2, 1/2): (2 rank - n - 1) / 2n for n known scores.

    The lowest has rank 1; ties share the average of their ranks. Two assets score -1/4 and
    1/4, one asset scores 0: the fewer there are, the less a rank says.

    Parameters
    ----------
    scores : (R, N) float array
    eligible : (R, N) bool array, optional
        Entries that take part; all of them unless given.
    groups : (N,) array, optional
        Labels of columns that are ranked apart.

    Returns
    -------
    (R, N) float64 array
        Mean 0 in each row and group. NaN where not eligible or not known.
    """

    def rank(rows: np.ndarray) -> np.ndarray:
        ranks = pd.DataFrame(rows).rank(axis=1, method="average").to_numpy()
        count = np.isfinite(rows).sum(axis=1, keepdims=True)
        return (2.0 * ranks - count - 1.0) / (2.0 * np.maximum(count, 1))

    return _by_group(rank, scores, eligible, groups)


def z_score(
    scores: np.ndarray,
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Deviations from the row's mean in units of its sample standard deviation.

    Parameters
    ----------
    scores : (R, N) float array
    eligible : (R, N) bool array, optional
        Entries that take part; all of them unless given.
    groups : (N,) array, optional
        Labels of columns that are treated apart.

    Returns
    -------
    (R, N) float64 array
        0 where the known scores do not vary, as with one asset. NaN where not eligible or
        not known.
    """

    def standardise(rows: np.ndarray) -> np.ndarray:
        deviations = _demean(rows)
        count = np.isfinite(rows).sum(axis=1, keepdims=True)
        squares = _sum(deviations**2)
        spread = np.sqrt(squares / np.maximum(count - 1, 1))
        # Equal scores differ from their computed mean by rounding only.
        size = np.nanmax(np.abs(rows), axis=1, keepdims=True, initial=0.0)
        flat = spread <= 1e-14 * size
        return np.where(flat, deviations * 0.0, deviations / np.where(flat, 1.0, spread))

    return _by_group(standardise, scores, eligible, groups)


def demean(
    scores: np.ndarray,
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Deviations from the mean of the row, or of each group of it.

    Parameters
    ----------
    scores : (R, N) float array
    eligible : (R, N) bool array, optional
        Entries that take part; all of them unless given.
    groups : (N,) array, optional
        Labels of columns, each with a mean of its own.

    Returns
    -------
    (R, N) float64 array
        NaN where not eligible or not known.
    """
    return _by_group(_demean, scores, eligible, groups)


def scale_scores(
    scores: np.ndarray,
    scale: str,
    *,
    fraction: float = 0.0,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Winsorise and scale, within groups where they are given.

    Ranks are taken of the scores as they are: clipping before them would only tie the
    extreme assets with each other.

    Parameters
    ----------
    scores : (R, N) float array
    scale : {"rank", "zscore", "none"}
        ``none`` keeps the units, and removes the groups' means where groups are given.
    fraction : float
        Share clipped on each side before ``zscore`` and ``none``.
    eligible, groups
        As above.

    Returns
    -------
    (R, N) float64 array
    """
    if scale == "rank":
        return rank_scale(scores, eligible=eligible, groups=groups)
    clipped = winsorize(scores, fraction, eligible=eligible, groups=groups)
    if scale == "zscore":
        return z_score(clipped, groups=groups)
    return clipped if groups is None else demean(clipped, groups=groups)


def _by_group(
    function: RowFunction,
    scores: np.ndarray,
    eligible: np.ndarray | None,
    groups: np.ndarray | None,
) -> np.ndarray:
    known = np.isfinite(scores) if eligible is None else np.isfinite(scores) & eligible
    values = np.where(known, scores, np.nan).astype(np.float64, copy=False)
    if groups is None:
        return function(values)
    result = np.full(values.shape, np.nan)
    for label in np.unique(groups):
        columns = np.flatnonzero(groups == label)
        result[:, columns] = function(values[:, columns])
    return result


def _sum(rows: np.ndarray) -> np.ndarray:
    """(R, 1) sums of the known entries, the same for every order of the columns."""
    ordered = np.sort(rows, axis=1)
    return np.where(np.isfinite(ordered), ordered, 0.0).sum(axis=1, keepdims=True)


def _demean(rows: np.ndarray) -> np.ndarray:
    count = np.isfinite(rows).sum(axis=1, keepdims=True)
    return rows - _sum(rows) / np.maximum(count, 1)


def _quantiles(rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """(R, 1) quantiles `fraction` and 1 - `fraction` of the known entries of each row."""
    ordered = np.sort(rows, axis=1)  # NaN sorts last
    last = np.maximum(np.isfinite(rows).sum(axis=1, keepdims=True) - 1, 0)
    return _interpolate(ordered, fraction * last), _interpolate(ordered, (1.0 - fraction) * last)


def _interpolate(ordered: np.ndarray, position: np.ndarray) -> np.ndarray:
    below = np.floor(position).astype(np.intp)
    above = np.ceil(position).astype(np.intp)
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, above, axis=1)
    return low + (high - low) * (position - below)
