"""Moments of moving windows, without a digit lost to a large mean or to what has left them.

:mod:`factors.kernel_sums` sums values less a constant near them: row t does not depend on what
stands beyond its window but for the last bits of rounding. Where the constant is far from the
mean of a window, which the sums themselves show, the window is computed once more, by itself and
in two passes; so what is constant has a variance of exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from factors.tiles import Read, Tile, for_kernel, tiles_of

__all__ = [
    "Moments",
    "beta",
    "correlation",
    "covariance",
    "deviation",
    "in_deviations",
    "window_moments",
]


@dataclass
class Moments:
    """Moments of windows, over the rows on which all of their series are known.

    Arrays of shape (R, K). Where `count` is 0 they say nothing.

    Parameters
    ----------
    count : array
        Rows known.
    total, mean : array
        Sum, of values less what they were centred at, and mean.
    square : array or None
        Sum of squared deviations from the mean; exactly 0 where nothing varies.
    other_mean, other_square : array or None
        Those of the other series.
    cross : array or None
        Sum of the products of both deviations.
    """

    count: np.ndarray
    total: np.ndarray
    mean: np.ndarray
    square: np.ndarray | None = None
    other_mean: np.ndarray | None = None
    other_square: np.ndarray | None = None
    cross: np.ndarray | None = None


def deviation(moments: Moments, least: int = 2) -> np.ndarray:
    """Sample standard deviation; NaN with fewer than `least` rows known, or fewer than two."""
    from factors.kernel_sums import deviation

    return deviation(moments.count, moments.square, max(least, 2))


def in_deviations(
    amounts: np.ndarray, moments: Moments, least: int = 2, times: float = 1.0
) -> np.ndarray:
    """Amounts (R, K) over so many times the deviation; NaN where that is 0 or not known."""
    from factors.kernel_sums import in_deviations

    amounts = np.ascontiguousarray(amounts)
    return in_deviations(amounts, moments.count, moments.square, max(least, 2), times)


def covariance(moments: Moments, least: int = 2) -> np.ndarray:
    """Sample covariance of the two series; NaN with fewer than `least` rows known, or two."""
    return _where(moments, least, moments.cross / (moments.count - 1.0))


def correlation(moments: Moments, least: int = 2) -> np.ndarray:
    """Correlation within [-1, 1]; NaN where one of the series does not vary."""
    ratio = moments.cross / (np.sqrt(moments.square) * np.sqrt(moments.other_square))
    return _where(moments, least, np.clip(ratio, -1.0, 1.0))


def beta(moments: Moments, least: int = 2) -> np.ndarray:
    """Slope on the other series; NaN where that does not vary."""
    varies = moments.other_square > 0.0
    return _where(moments, least, moments.cross / np.where(varies, moments.other_square, np.nan))


def window_moments(
    read: Read,
    shape: tuple[int, int],
    window: int,
    rows: np.ndarray | None = None,
    *,
    other: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    centre: np.ndarray | None = None,
    squares: bool = True,
) -> Iterator[tuple[Tile, Moments]]:
    """Moments of each window, a part that fits the cache at a time, with its place.

    Parameters
    ----------
    read : callable
        ``read(first, stop, columns)`` gives some values. NaN handling: rows where a value, or
        the other series, is NaN do not count.
    shape : (int, int)
        (T, N).
    window : int
        Rows, the current one included.
    rows : (R,) int array, optional
        Last rows of the windows; all unless given.
    other : (T,) array, optional
        A series that stands beside every column, such as the market's return; its values lie
        around 0, or else windows are slow.
    columns : (K,) int array, optional
        Columns to compute, in increasing order; all unless given.
    centre : (N,) array, optional
        Numbers near the values of each column; 0 unless given. They change the speed alone.
    squares : bool
        Whether more than the means is wanted.
    """
    from factors import kernel_sums

    planes, kinds = (6, 7) if other is not None else (3, 4) if squares else (2, 3)
    beside = np.zeros(shape[0]) if other is None else np.array(other, dtype=float)

    size = min(window, shape[0])
    for tile in tiles_of(shape, size, rows, columns):
        values = read(tile.first, tile.stop, tile.columns)
        if centre is not None:
            values = values - centre[tile.columns]
        values = for_kernel(values)
        width = values.shape[1]
        if tile.starts:
            state, kept = np.zeros((1, planes, width)), np.empty((size, width + 1))
            back, holed = np.zeros((size + 1, planes, width)), np.zeros(2, dtype=bool)
        found = np.empty((kinds, len(tile.places), width))
        ill = kernel_sums.moments(
            values, beside[tile.first : tile.stop], tile.first, size,
            holed, state, kept, back, tile.places, found,
        )  # fmt: skip
        if not len(tile.places):
            continue
        if ill:
            ends = tile.places + tile.first
            first = max(int(ends[0]) - window + 1, 0)
            whole = for_kernel(read(first, tile.stop, tile.columns))
            kernel_sums.mend(whole, beside[first : tile.stop], first, ends, window, found)
        moments = Moments(*found)
        if centre is not None:
            moments.mean += centre[tile.columns]
        with np.errstate(divide="ignore", invalid="ignore"):
            yield tile, moments


def _where(moments: Moments, least: int, values: np.ndarray) -> np.ndarray:
    enough = moments.count >= max(least, 2)
    return values if enough.all() else np.where(enough, values, np.nan)
