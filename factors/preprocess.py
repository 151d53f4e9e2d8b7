"""Making the scores of one cross-section comparable: winsorise, rank, z-score, Gaussian rank.

Each function takes (R, N) scores, one cross-section a row, and works within each row, or
within each group of columns of a row. Not eligible and not finite mean the same: the entry
takes no part and stays NaN. No result depends on the order of the columns.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from factors.sections import RowFunction, by_group, known_entries, row_demean, row_sum

__all__ = [
    "demean",
    "gaussian_rank",
    "rank_scale",
    "scale_scores",
    "winsorize",
    "winsorize_deviations",
    "z_score",
]

#: Median absolute deviations in one standard deviation of a normal distribution, 1 / Phi^-1(3/4).
_NORMAL_MAD = 1.4826022185056018


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


def winsorize_deviations(
    scores: np.ndarray,
    deviations: float = 5.0,
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Clip each row to its median +- `deviations` robust standard deviations.

    A robust standard deviation is 1.4826 times the median absolute deviation from the median,
    which outliers do not widen (Hampel 1974). Unlike quantiles it clips nobody where nobody is
    far out.

    Parameters
    ----------
    deviations : float
        Positive.
    scores, eligible, groups
        As for :func:`winsorize`.

    Returns
    -------
    (R, N) float64 array
        NaN where not eligible or not known. Where more than half of the scores are equal the
        deviation is 0, which says nothing of the others: they stay as they are.

    References
    ----------
    Hampel, F. R. (1974). The influence curve and its role in robust estimation. JASA 69.
    """

    def clip(rows: np.ndarray) -> np.ndarray:
        middle = _median(rows)
        reach = deviations * _NORMAL_MAD * _median(np.abs(rows - middle))
        reach = np.where(reach > 0.0, reach, np.inf)
        return np.clip(rows, middle - reach, middle + reach)

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
        ranks, count = _average_ranks(rows)
        return (2.0 * ranks - count - 1.0) / (2.0 * np.maximum(count, 1))

    return _by_group(rank, scores, eligible, groups)


def gaussian_rank(
    scores: np.ndarray,
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Normal scores of the ranks: Phi^-1((rank - 3/8) / (n + 1/4)) for n known scores.

    Blom's (1958) scores: close to the expected order statistics of n normal variates, so that
    a few assets spread less than many. Ties share the average of their ranks, one asset scores
    0. Unlike a z-score no outlier reaches far; unlike a rank the extremes keep their distance.

    Parameters
    ----------
    scores, eligible, groups
        As for :func:`rank_scale`.

    Returns
    -------
    (R, N) float64 array
        Symmetric about 0 in each row and group without ties. NaN where not eligible or not
        known.

    References
    ----------
    Blom, G. (1958). Statistical Estimates and Transformed Beta-Variables. Wiley.
    """
    # SciPy takes a tenth of a second to import: only who asks for normal scores pays it.
    from scipy.special import ndtri

    def normal(rows: np.ndarray) -> np.ndarray:
        ranks, count = _average_ranks(rows)
        # The lower half is mirrored, so that equally far ranks get the same bits.
        lower = np.minimum(ranks, count + 1.0 - ranks)
        quantile = ndtri((lower - 0.375) / (count + 0.25))
        return np.where(2.0 * ranks > count + 1.0, -quantile, quantile)

    return _by_group(normal, scores, eligible, groups)


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
        deviations = row_demean(rows)
        count = np.isfinite(rows).sum(axis=1, keepdims=True)
        squares = row_sum(deviations**2)
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
    return _by_group(row_demean, scores, eligible, groups)


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
    scale : {"rank", "zscore", "gaussian", "none"}
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
    if scale == "gaussian":
        return gaussian_rank(scores, eligible=eligible, groups=groups)
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
    values = np.where(known_entries(scores, eligible), scores, np.nan)
    return by_group(function, groups, values.astype(np.float64, copy=False))


def _average_ranks(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R, N) ranks from 1, ties averaged, and (R, 1) how many are ranked."""
    ranks = pd.DataFrame(rows).rank(axis=1, method="average").to_numpy()
    return ranks, np.isfinite(rows).sum(axis=1, keepdims=True)


def _quantiles(rows: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """(R, 1) quantiles `fraction` and 1 - `fraction` of the known entries of each row."""
    ordered = np.sort(rows, axis=1)  # NaN sorts last
    last = np.maximum(np.isfinite(rows).sum(axis=1, keepdims=True) - 1, 0)
    return _interpolate(ordered, fraction * last), _interpolate(ordered, (1.0 - fraction) * last)


def _median(rows: np.ndarray) -> np.ndarray:
    """(R, 1) medians of the known entries of each row."""
    return _quantiles(rows, 0.5)[0]


def _interpolate(ordered: np.ndarray, position: np.ndarray) -> np.ndarray:
    below = np.floor(position).astype(np.intp)
    above = np.ceil(position).astype(np.intp)
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, above, axis=1)
    return low + (high - low) * (position - below)
