"""Moving statistics over (T, N) arrays with NaN, for all rows or some of them.

:mod:`factors.kernel_sums` and :mod:`factors.moments` say how: row t does not depend on what stands
beyond its window but for the last bits of rounding, and not on what comes after it at all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from factors.moments import (
    Moments,
    beta,
    correlation,
    covariance,
    deviation,
    window_moments,
)
from factors.tiles import Read, array_reader, for_kernel, tiles_of

__all__ = [
    "moving",
    "moving_beta",
    "moving_correlation",
    "moving_covariance",
    "moving_deviation",
    "moving_max",
    "moving_mean",
    "moving_sum",
]


def moving(
    read: Read,
    shape: tuple[int, int],
    window: int,
    finish: Callable[[Moments], np.ndarray],
    rows: np.ndarray | None = None,
    *,
    out: np.ndarray | None = None,
    **series: np.ndarray | None,
) -> np.ndarray:
    """(R, N) what `finish` makes of the moments of each window.

    Parameters are those of :func:`factors.moments.window_moments`. With `out`, (R, N), that is
    filled, and its columns that are not asked for stay as they are.
    """
    if out is None:
        whole = series.get("columns") is None
        out = np.empty(_shape(shape, rows)) if whole else np.full(_shape(shape, rows), np.nan)
    for tile, found in window_moments(read, shape, window, rows, **series):
        with np.errstate(divide="ignore", invalid="ignore"):
            tile.put(out, finish(found))
    return out


def moving_sum(
    values: np.ndarray, window: int, rows: np.ndarray | None = None, least: int = 1
) -> np.ndarray:
    """Sum of the known values of each window; NaN with fewer than `least` of them."""

    def finish(found: Moments) -> np.ndarray:
        return np.where(found.count >= least, found.total, np.nan)

    return moving(array_reader(values), values.shape, window, finish, rows, squares=False)


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

    def finish(found: Moments) -> np.ndarray:
        if found.count.min() < least:
            found.mean[found.count < least] = np.nan
        return found.mean

    return moving(read, shape, window, finish, rows, squares=False)


def moving_deviation(
    values: np.ndarray, window: int, rows: np.ndarray | None = None, least: int = 2
) -> np.ndarray:
    """Sample standard deviation of the known values of each window.

    NaN with fewer than `least` of them, or fewer than two; exactly 0 where nothing varies.
    """
    return _of_array(values, None, window, rows, lambda found: deviation(found, least))


def moving_covariance(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 2,
) -> np.ndarray:
    """Sample covariance of each column with a (T,) series, over rows where both are known."""
    return _of_array(values, other, window, rows, lambda found: covariance(found, least))


def moving_correlation(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 2,
) -> np.ndarray:
    """Correlation of each column with a (T,) series; NaN where one of them does not vary."""
    return _of_array(values, other, window, rows, lambda found: correlation(found, least))


def moving_beta(
    values: np.ndarray,
    other: np.ndarray,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 2,
) -> np.ndarray:
    """Slope of each column on a (T,) series; NaN where the series does not vary."""
    return _of_array(values, other, window, rows, lambda found: beta(found, least))


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
    from factors import kernels

    window, out = min(window, max(shape[0], 1)), np.empty(_shape(shape, rows))
    for tile in tiles_of(shape, window, rows):
        values = for_kernel(read(tile.first, tile.stop, tile.columns))
        width = values.shape[1]
        if tile.starts:
            state, kept = np.empty((1, 2, width)), np.empty((window, width))
            back = np.empty((window + 1, 2, width))
            back[:, 0], back[:, 1] = 0.0, -np.inf
        found = np.empty((len(tile.places), width))
        kernels.largest(
            values, tile.first, window, state, kept, back, tile.places, max(least, 1), found
        )
        tile.put(out, found)
    return out


def _of_array(
    values: np.ndarray,
    other: np.ndarray | None,
    window: int,
    rows: np.ndarray | None,
    finish: Callable[[Moments], np.ndarray],
) -> np.ndarray:
    if other is not None:
        other = other - _first_known(other[:, None])
    centre = _first_known(values)
    read = array_reader(values)
    return moving(read, values.shape, window, finish, rows, other=other, centre=centre)


def _first_known(values: np.ndarray) -> np.ndarray:
    """(N,) the first known value of each column, 0 where there is none."""
    if not len(values):
        return np.zeros(values.shape[1])
    known = ~np.isnan(values)
    first = values[np.argmax(known, axis=0), np.arange(values.shape[1])]
    return np.where(np.isnan(first), 0.0, first)


def _shape(shape: tuple[int, int], rows: np.ndarray | None) -> tuple[int, int]:
    return shape if rows is None else (len(rows), shape[1])
