"""Moving medians over (T, N) arrays with NaN, exact.

Where few rows are asked for each window is sorted by itself, else the sorted values of a window
are carried from row to row by :mod:`factors.kernels`; a median is the same number either way.
"""

from __future__ import annotations

import numpy as np

from factors.tiles import Read, array_reader, for_kernel

__all__ = ["moving_median"]

#: Columns and rows that are worked on at a time.
_WIDEST, _ROWS = 64, 1024
#: Windows are sorted one by one where fewer than one row in so many is asked for.
_SPARSE = 5


def moving_median(
    read: np.ndarray | Read,
    window: int,
    rows: np.ndarray | None = None,
    least: int = 1,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Median of the known values of each window, to the bit; the mean of the middle two.

    Parameters
    ----------
    read : (T, N) array or callable
        Values, or ``read(first, stop, columns)`` that gives a part of them, with the `shape`.
    window : int
        Rows, the current one included.
    rows : (R,) int array, optional
        Last rows of the windows; all unless given.
    least : int
        Known values that a window needs.

    Returns
    -------
    (R, N) float64 array
        NaN with fewer than `least` known, or none.
    """
    if isinstance(read, np.ndarray):
        read, shape = array_reader(read), read.shape
    at = np.arange(shape[0]) if rows is None else np.asarray(rows, dtype=np.intp)
    out = np.full((len(at), shape[1]), np.nan)
    if not out.size:
        return out
    first, stop, least = int(at.min()), int(at.max()) + 1, max(least, 1)
    if len(at) * _SPARSE < stop - first:
        begin = max(first - window + 1, 0)
        values = read(begin, stop, slice(0, shape[1]))
        for line, row in enumerate((at - begin).tolist()):
            out[line] = _median(values[max(0, row - window + 1) : row + 1].T, least)
        return out
    from factors import kernels

    order = np.argsort(at, kind="stable")
    ends = at[order]
    for columns in _parts(shape[1]):
        for start in range(first, stop, _ROWS):
            end, begin = min(start + _ROWS, stop), max(start - window + 1, 0)
            low, high = np.searchsorted(ends, (start, end)).tolist()
            values = for_kernel(read(begin, end, columns))
            found = np.empty((high - low, values.shape[1]))
            kernels.medians(values, window, ends[low:high] - begin, least, found)
            out[order[low:high], columns] = found
    return out


def _parts(columns: int) -> list[slice]:
    return [slice(first, min(first + _WIDEST, columns)) for first in range(0, columns, _WIDEST)]


def _median(values: np.ndarray, needed: int) -> np.ndarray:
    """Median of each line of (N, W) over its known values; NaN with fewer than `needed`."""
    ordered = np.sort(values, axis=1)  # NaN sorts last
    known = np.isfinite(values).sum(axis=1)
    lines = np.arange(len(values))
    lower = ordered[lines, np.maximum(known - 1, 0) // 2]
    upper = ordered[lines, np.minimum(known // 2, values.shape[1] - 1)]
    return np.where(known >= needed, (lower + upper) / 2.0, np.nan)
