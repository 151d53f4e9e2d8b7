"""Means over short windows of a (T, N) array, by sums of two, four, eight ... rows.

A window of 20 rows is one sum of sixteen and one of four, so that it takes six additions and not
nineteen. Nothing is ever taken off a sum: a row depends, to the bit, on its own window alone.
"""

from __future__ import annotations

import numpy as np

__all__ = ["window_mean", "window_sum"]

#: Cells that are worked on at a time, so that the sums stay in the cache.
_CELLS = 1 << 16


def window_mean(
    values: np.ndarray, window: int, rows: np.ndarray | None = None, least: int = 1
) -> np.ndarray:
    """Mean of the known values of the last `window` rows, the row itself included.

    Parameters
    ----------
    values : (T, N) float64 array
    window : int
        Rows.
    rows : (R,) int array, optional
        Rows to compute, in any order; all unless given.
    least : int
        Known values that a window needs.

    Returns
    -------
    (R, N) float64 array
        NaN handling: values that are NaN do not count; NaN with fewer than `least` of them.
    """
    count, width = values.shape
    first, stop = 0, count
    if rows is not None and len(rows):
        first, stop = int(rows.min()), int(rows.max()) + 1
    if rows is not None and len(rows) * window < stop - first + window:
        out = np.empty((len(rows), width))
        for place, row in enumerate(rows.tolist()):
            out[place] = _means(values, row, row + 1, window, least)
        return out
    out = np.empty((stop - first, width))
    # Pieces shorter than the window would read more than they give.
    step = max(_CELLS // max(width, 1), window)
    for begin in range(first, stop, step):
        end = min(begin + step, stop)
        out[begin - first : end - first] = _means(values, begin, end, window, least)
    return out if rows is None else out[rows - first]


def window_sum(values: np.ndarray, window: int) -> np.ndarray:
    """(k, N) sums of each `window` rows that follow each other of (k + window - 1, N)."""
    rows = len(values) - window + 1
    total, done = None, 0
    power, span, left = values, 1, window
    while left:
        if left & 1:
            piece = power[done : done + rows]
            total = piece.copy() if total is None else np.add(total, piece, out=total)
            done += span
        left >>= 1
        if left:
            power = power[:-span] + power[span:]
            span *= 2
    return total


def _means(values: np.ndarray, first: int, stop: int, window: int, least: int) -> np.ndarray:
    begin = first - window + 1
    part = values[max(begin, 0) : stop]
    if begin < 0:
        part = np.concatenate([np.full((-begin, values.shape[1]), np.nan), part])
    # The sum tells sooner than a look at every cell whether one is NaN.
    if least <= window and not np.isnan(part.sum()):
        total = window_sum(part, window)
        return np.divide(total, window, out=total)
    unknown = np.isnan(part)
    known = window_sum((~unknown).astype(np.int32), window)
    total = window_sum(np.where(unknown, 0.0, part), window)
    return np.where(known >= max(least, 1), total / np.maximum(known, 1), np.nan)
