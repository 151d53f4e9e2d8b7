"""Moving medians over (T, N) arrays with NaN, exact.

A chunk of rows is sorted once, column by column, so that a value is known by its rank: a byte
or two. The sorted ranks of a window are then carried from row to row, one taken out and one put
in, by operations on whole rows of bytes.
"""

from __future__ import annotations

import numpy as np

from factors.tiles import Columns, Read, array_reader

__all__ = ["moving_median"]

#: Columns of a chunk, and its rows at least: ranks up to 255 are single bytes.
_WIDEST, _SHORTEST = 1024, 256
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
    step = max(_SHORTEST, 4 * window) - window + 1
    for columns in _parts(shape[1]):
        for start in range(first, stop, step):
            end = min(start + step, stop)
            medians = _medians(_chunk(read, start, end, window, columns), window, least)
            lines = np.flatnonzero((at >= start) & (at < end))
            out[lines, columns] = medians[at[lines] - start]
    return out


def _parts(columns: int) -> list[slice]:
    bounds = np.linspace(0, columns, -(-columns // _WIDEST) + 1).astype(int).tolist()
    return [slice(first, stop) for first, stop in zip(bounds, bounds[1:])]


def _chunk(read: Read, start: int, end: int, window: int, columns: Columns) -> np.ndarray:
    """(end - start + W - 1, K) rows of the windows that end in a range; NaN before the first."""
    begin = start - window + 1
    values = read(max(begin, 0), end, columns)
    if begin >= 0:
        return values
    return np.concatenate([np.full((-begin, values.shape[1]), np.nan), values])


def _medians(values: np.ndarray, window: int, least: int) -> np.ndarray:
    """(L - W + 1, K) medians of the windows of (L, K)."""
    unknown = np.isnan(values)
    middle = (window - 1) // 2
    if not unknown.any():
        ordered, ranks = _ranked(values)
        places = np.array([middle, window // 2])
        lower, upper = _carried(ranks, window, places)
        return _between(ordered, lower, upper)
    # What is not known is very small and very large in turns, so that each window has as many
    # of the one as of the other, but for one, and its median stays near the middle.
    turn = np.cumsum(unknown, axis=0) % 2 == 1
    ordered, ranks = _ranked(np.where(unknown, np.where(turn, np.inf, -np.inf), values))
    places = np.clip([middle - 1, middle, middle + 1], 0, window - 1)
    near = _carried(ranks, window, places)
    below = _counted(unknown & ~turn, window)
    known = window - _counted(unknown, window)
    picked = [
        np.choose(np.clip(below + half - (middle - 1), 0, 2), near)
        for half in ((known - 1) // 2, known // 2)
    ]
    return np.where(known >= least, _between(ordered, *picked), np.nan)


def _ranked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K, L) each column of (L, K) in order, and (L, K) the rank of each value in its column."""
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1)
    kind = np.min_scalar_type(len(values) - 1)
    ranks = np.empty(columns.shape, dtype=kind)
    np.put_along_axis(ranks, order, np.arange(len(values), dtype=kind)[None], axis=1)
    return np.take_along_axis(columns, order, axis=1), np.ascontiguousarray(ranks.T)


def _carried(ranks: np.ndarray, window: int, places: np.ndarray) -> np.ndarray:
    """(P, L - W + 1, K) ranks at some places of each window's sorted ranks."""
    count = len(ranks) - window + 1
    found = np.empty((len(places), count, ranks.shape[1]), dtype=ranks.dtype)
    inside = np.sort(ranks[:window], axis=0)
    found[:, 0] = inside[places]
    smaller, larger = inside[:-1], inside[1:]
    kept, stays = np.empty_like(smaller), np.empty_like(smaller)
    below = np.empty(kept.shape, dtype=bool)
    for row in range(1, count):
        np.less(smaller, ranks[row - 1], out=below)
        # All bits where the lower of two neighbours stays, none where it moves up by one.
        np.negative(below.view(np.uint8), out=stays, dtype=stays.dtype)
        np.bitwise_xor(smaller, larger, out=kept)
        np.bitwise_and(kept, stays, out=kept)
        np.bitwise_xor(kept, larger, out=kept)
        entering = ranks[row + window - 1]
        np.minimum(kept, entering, out=smaller)
        inside[-1] = entering
        np.maximum(larger, kept, out=larger)
        for target, place in zip(found, places):
            target[row] = inside[place]
    return found


def _counted(marked: np.ndarray, window: int) -> np.ndarray:
    """(L - W + 1, K) marks in each window."""
    before = np.zeros((1, marked.shape[1]), dtype=np.int32)
    total = np.concatenate([before, np.cumsum(marked, axis=0, dtype=np.int32)])
    return total[window:] - total[:-window]


def _between(ordered: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Mean of the values of two ranks."""
    columns = np.arange(len(ordered)) * ordered.shape[1]
    low = ordered.take(columns + lower)
    if lower is upper or np.array_equal(lower, upper):
        return low
    # Where nothing is known both infinities meet.
    with np.errstate(invalid="ignore"):
        return (low + ordered.take(columns + upper)) / 2.0


def _median(values: np.ndarray, needed: int) -> np.ndarray:
    """Median of each line of (N, W) over its known values; NaN with fewer than `needed`."""
    ordered = np.sort(values, axis=1)  # NaN sorts last
    known = np.isfinite(values).sum(axis=1)
    lines = np.arange(len(values))
    lower = ordered[lines, np.maximum(known - 1, 0) // 2]
    upper = ordered[lines, np.minimum(known // 2, values.shape[1] - 1)]
    return np.where(known >= needed, (lower + upper) / 2.0, np.nan)
