"""Moving statistics over (T, N) arrays with NaN, for all rows or some of them.

:mod:`factors.moments` says how: row t does not depend on what stands beyond its window but for
the last bits of rounding, and not on what comes after it at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from factors.moments import (
    Moments,
    beta,
    clear,
    correlation,
    counts,
    covariance,
    deviation,
    window_moments,
)
from factors.tiles import Read, Tile, array_reader, both_ways, tiles_of

__all__ = [
    "moving",
    "moving_beta",
    "moving_correlation",
    "moving_covariance",
    "moving_deviation",
    "moving_max",
    "moving_mean",
    "moving_moments",
    "moving_sum",
]


def moving_moments(
    read: np.ndarray | Read,
    shape: tuple[int, int],
    window: int,
    rows: np.ndarray | None = None,
    *,
    other: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    means: bool = False,
) -> Iterator[tuple[Tile, Moments]]:
    """Moments of each window, a cache-sized part at a time, with the place of the part.

    Parameters
    ----------
    read : (T, N) array or callable
        Values, or ``read(first, stop, columns)`` that gives a part of them. NaN handling: rows
        where a value, or the other series, is NaN do not count.
    shape : (int, int)
        (T, N).
    window : int
        Rows, the current one included.
    rows : (R,) int array, optional
        Last rows of the windows; all unless given.
    other : (T,) array, optional
        A series that stands beside every column, such as the market's return.
    columns : (K,) int array, optional
        Columns to compute, in increasing order; all unless given.
    means : bool
        Whether the moments hold the means too.
    """
    read = array_reader(read) if isinstance(read, np.ndarray) else read
    for tile in tiles_of(shape, window, rows, columns):
        # What is not known, or does not vary, comes out as NaN and is not worth a warning.
        with np.errstate(divide="ignore", invalid="ignore"):
            yield tile, window_moments(tile, tile.values(read), other, means)


def moving(
    read: np.ndarray | Read,
    shape: tuple[int, int],
    window: int,
    finish: Callable[[Moments], np.ndarray],
    rows: np.ndarray | None = None,
    *,
    other: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """(R, N) what `finish` makes of the moments of each window.

    Parameters are those of :func:`moving_moments`. With `out`, (R, N), that is filled and its
    columns that are not asked for stay as they are.
    """
    out = np.full(_shape(shape, rows), np.nan) if out is None else out
    parts = moving_moments(read, shape, window, rows, other=other, columns=columns)
    for tile, found in parts:
        with np.errstate(divide="ignore", invalid="ignore"):
            tile.put(out, finish(found))
    return out


def moving_sum(
    values: np.ndarray, window: int, rows: np.ndarray | None = None, least: int = 1
) -> np.ndarray:
    """Sum of the known values of each window; NaN with fewer than `least` of them."""
    return _sums(array_reader(values), values.shape, window, rows, least, mean=False)


def moving_mean(
    read: np.ndarray | Read,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 1,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Mean of the known values of each window; NaN with fewer than `least` of them.

    `read` is a (T, N) array, or a callable as of :func:`moving` together with the `shape`.
    """
    if isinstance(read, np.ndarray):
        read, shape = array_reader(read), read.shape
    return _sums(read, shape, window, rows, least, mean=True)


def moving_deviation(
    values: np.ndarray, window: int, rows: np.ndarray | None = None, least: int = 2
) -> np.ndarray:
    """Sample standard deviation of the known values of each window.

    NaN with fewer than `least` of them, or fewer than two; exactly 0 where nothing varies.
    """
    return moving(values, values.shape, window, lambda found: deviation(found, least), rows)


def moving_covariance(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 2,
) -> np.ndarray:
    """Sample covariance of each column with a (T,) series, over rows where both are known."""
    return _beside(values, other, window, rows, lambda found: covariance(found, least))


def moving_correlation(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 2,
) -> np.ndarray:
    """Correlation of each column with a (T,) series; NaN where one of them does not vary."""
    return _beside(values, other, window, rows, lambda found: correlation(found, least))


def moving_beta(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 2,
) -> np.ndarray:
    """Slope of each column on a (T,) series; NaN where the series does not vary."""
    return _beside(values, other, window, rows, lambda found: beta(found, least))


def moving_max(
    read: np.ndarray | Read,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 1,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Largest known value of each window, to the bit; NaN with fewer than `least` known.

    `read` is a (T, N) array, or a callable as of :func:`moving` together with the `shape`.
    """
    if isinstance(read, np.ndarray):
        read, shape = array_reader(read), read.shape
    out = np.empty(_shape(shape, rows))
    for tile in tiles_of(shape, window, rows):
        values = tile.values(read)
        largest = tile.pick(both_ways(values[1:].copy(), values[:-1].copy(), np.fmax))
        if least > 1:
            largest = np.where(counts(tile, values)[0] >= least, largest, np.nan)
        tile.put(out, largest)
    return out


def _beside(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None,
    finish: Callable[[Moments], np.ndarray],
) -> np.ndarray:
    return moving(values, values.shape, window, finish, rows, other=other)


def _sums(
    read: Read,
    shape: tuple[int, int],
    window: int,
    rows: np.ndarray | None,
    least: int,
    mean: bool,
) -> np.ndarray:
    out = np.empty(_shape(shape, rows))
    for tile in tiles_of(shape, window, rows):
        values = tile.values(read)
        count, unknown = counts(tile, values)
        later, earlier = values[1:].copy(), values[:-1].copy()
        clear(unknown, later, earlier)
        total = tile.pick(both_ways(later, earlier))
        if mean:
            total = total / np.maximum(count, 1.0)
        tile.put(out, np.where(count >= least, total, np.nan))
    return out


def _shape(shape: tuple[int, int], rows: np.ndarray | None) -> tuple[int, int]:
    return shape if rows is None else (len(rows), shape[1])
