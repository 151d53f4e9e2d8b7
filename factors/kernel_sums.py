"""Sums over windows of counts, values, squares and products, compiled.

A window of W rows that ends at row t is cut at the last multiple of W: its later part is the
beginning of a block of W rows and summed forward, its earlier part the end of the block before
and summed backward (van Herk 1992; Gil and Werman 1993). Nothing is ever taken back out of a
total, so that a value leaves no trace once it has left the window.
"""

from __future__ import annotations

import numpy as np

from factors.kernels import compiled

__all__ = ["deviation", "in_deviations", "mend", "moments"]

#: A window whose squares exceed its variance so many times is computed once more.
_ILL = 100.0


@compiled
def moments(
    values: np.ndarray,
    beside: np.ndarray,
    first: int,
    window: int,
    holed: np.ndarray,
    state: np.ndarray,
    kept: np.ndarray,
    back: np.ndarray,
    places: np.ndarray,
    found: np.ndarray,
) -> int:
    """Carry sums over rows, and put the moments of the windows asked for.

    Parameters
    ----------
    values : (R, K) array
        Rows from `first` on; NaN is not known.
    beside : (R,) array
        The other series, where there is one; 0 else. Rows count where both are known.
    window : int
        W.
    holed : (2,) bool array
        Whether the block before or this one, and whether this one, has a row not known. Where
        all are known nothing is counted.
    state : (1, P, K) array
        Sums forward from the start of the block: count and values; with three planes squares
        too; with six the other series, its squares, and products.
    kept : (W, K + 1) array
        The block so far, the other series last.
    back : (W + 1, P, K) array
        Sums backward over the block before; the last row is 0.
    places : (A,) int array
        Rows asked for, in increasing order, counted from `first`.
    found : (3, 4 or 7, A, K) array
        Filled with count, total and mean; squared deviations; and mean and squared deviations of
        the other series, and products of deviations. Squared deviations are -1 where all of them
        have to be computed once more.

    Returns
    -------
    int
        How many windows are to be computed once more.
    """
    rows, width = values.shape
    at, ill = 0, 0
    for row in range(rows):
        j = (first + row) % window
        if j == 0:
            state[:] = 0.0
        unknown = 0
        for k in range(width):
            kept[j, k] = values[row, k]
            unknown += values[row, k] != values[row, k]
        kept[j, width] = beside[row]
        if unknown or beside[row] != beside[row]:
            if not holed[0]:
                _count(state, back, j, first + row >= window)
            holed[:] = True
        _accumulate(state, 0, kept, j, state, 0, holed[0])
        while at < len(places) and places[at] == row:
            if not holed[0]:
                found[0, at] = min(first + row + 1, window)
            ill += _centred(state, back, j + 1, found, at, holed[0])
            at += 1
        if j == window - 1:
            back[window] = 0.0
            for i in range(window - 1, -1, -1):
                _accumulate(back, i + 1, kept, i, back, i, holed[1])
            if holed[0] and not holed[1]:
                _count(state, back, 0, True)
            holed[0], holed[1] = holed[1], False
    return ill


@compiled
def _count(state: np.ndarray, back: np.ndarray, known: int, past: bool) -> None:
    """Counts of a block of which `known` rows are known, and of the one before if it has any."""
    state[0, 0] = known
    for i in range(len(back)):
        back[i, 0] = len(back) - 1.0 - i if past else 0.0


@compiled
def _accumulate(
    start: np.ndarray, i: int, kept: np.ndarray, j: int, total: np.ndarray, m: int, holed: bool
) -> None:
    """Sums in `start[i]` and one row more into `total[m]`, a plane a loop to be vectorised."""
    width, planes, y = kept.shape[1] - 1, total.shape[1], kept[j, kept.shape[1] - 1]
    if not holed:
        for k in range(width):
            total[m, 1, k] = start[i, 1, k] + kept[j, k]
        if planes > 2:
            for k in range(width):
                total[m, 2, k] = start[i, 2, k] + kept[j, k] * kept[j, k]
        if planes > 3:
            for k in range(width):
                total[m, 3, k] = start[i, 3, k] + y
            for k in range(width):
                total[m, 4, k] = start[i, 4, k] + y * y
            for k in range(width):
                total[m, 5, k] = start[i, 5, k] + kept[j, k] * y
        return
    for k in range(width):
        both = kept[j, k] + y
        total[m, 0, k] = start[i, 0, k] + (1.0 if both == both else 0.0)
    for k in range(width):
        both = kept[j, k] + y
        total[m, 1, k] = start[i, 1, k] + (kept[j, k] if both == both else 0.0)
    if planes > 2:
        for k in range(width):
            both = kept[j, k] + y
            total[m, 2, k] = start[i, 2, k] + (kept[j, k] * kept[j, k] if both == both else 0.0)
    if planes > 3:
        for k in range(width):
            both = kept[j, k] + y
            total[m, 3, k] = start[i, 3, k] + (y if both == both else 0.0)
        for k in range(width):
            both = kept[j, k] + y
            total[m, 4, k] = start[i, 4, k] + (y * y if both == both else 0.0)
        for k in range(width):
            both = kept[j, k] + y
            total[m, 5, k] = start[i, 5, k] + (kept[j, k] * y if both == both else 0.0)


@compiled
def _centred(
    state: np.ndarray, back: np.ndarray, i: int, found: np.ndarray, at: int, holed: bool
) -> int:
    """Moments of one window of each column out of its two sums; how many have lost digits."""
    width = state.shape[2]
    if holed:
        for k in range(width):
            found[0, at, k] = state[0, 0, k] + back[i, 0, k]
        for k in range(width):
            found[1, at, k] = state[0, 1, k] + back[i, 1, k]
            found[2, at, k] = found[1, at, k] * (1.0 / max(found[0, at, k], 1.0))
    else:
        share = 1.0 / found[0, at, 0]
        for k in range(width):
            found[1, at, k] = state[0, 1, k] + back[i, 1, k]
            found[2, at, k] = found[1, at, k] * share
    if len(found) == 3:
        return 0
    ill = 0
    for k in range(width):
        whole = state[0, 2, k] + back[i, 2, k]
        left = whole - found[1, at, k] * found[2, at, k]
        ill += left * _ILL < whole
        found[3, at, k] = -1.0 if left * _ILL < whole else left
    if len(found) > 4:
        for k in range(width):
            found[6, at, k] = state[0, 3, k] + back[i, 3, k]
        for k in range(width):
            found[4, at, k] = found[6, at, k] * (1.0 / max(found[0, at, k], 1.0))
        for k in range(width):
            whole = state[0, 4, k] + back[i, 4, k]
            left = whole - found[6, at, k] * found[4, at, k]
            ill += left * _ILL < whole
            found[5, at, k] = -1.0 if left * _ILL < whole else left
        for k in range(width):
            crossed = state[0, 5, k] + back[i, 5, k]
            found[6, at, k] = crossed - found[1, at, k] * found[4, at, k]
    return _marked(found, at) if ill else 0


@compiled
def _marked(found: np.ndarray, at: int) -> int:
    """Windows of a row that have to be computed once more, by any of their squares."""
    marked = 0
    for k in range(found.shape[2]):
        wrong = found[3, at, k] < 0.0 or (len(found) > 4 and found[5, at, k] < 0.0)
        if wrong:
            # A single row has no variance that anyone would ask for.
            found[3, at, k] = -1.0 if found[0, at, k] > 1.0 else 0.0
            marked += found[0, at, k] > 1.0
    return marked


@compiled
def mend(
    values: np.ndarray,
    beside: np.ndarray,
    first: int,
    ends: np.ndarray,
    window: int,
    found: np.ndarray,
) -> None:
    """Compute the marked windows in two passes, of values less their own first.

    Parameters
    ----------
    values : (R, K) array
        Rows from `first` on that hold every window.
    beside : (R,) array
    ends : (A,) int array
        Last rows of the windows.
    found : (4 or 7, A, K) array
        As :func:`moments` left it.
    """
    for at in range(len(ends)):
        stop = ends[at] + 1 - first
        start = max(stop - window, 0)
        for k in range(values.shape[1]):
            if found[3, at, k] == -1.0:
                square, other_square, cross = _two_passes(values[start:stop, k], beside[start:stop])
                found[3, at, k] = square
                if len(found) > 4:
                    found[5, at, k], found[6, at, k] = other_square, cross


@compiled
def _two_passes(values: np.ndarray, beside: np.ndarray) -> tuple[float, float, float]:
    count, begin = 0, 0
    total, other_total = 0.0, 0.0
    for row in range(len(values)):
        both = values[row] + beside[row]
        if both == both:
            if count == 0:
                begin = row
            count += 1
            total += values[row] - values[begin]
            other_total += beside[row] - beside[begin]
    mean, other_mean = total / count, other_total / count
    square, other_square, cross = 0.0, 0.0, 0.0
    for row in range(len(values)):
        both = values[row] + beside[row]
        if both == both:
            one = values[row] - values[begin] - mean
            two = beside[row] - beside[begin] - other_mean
            square += one * one
            other_square += two * two
            cross += one * two
    return square, other_square, cross


@compiled
def deviation(count: np.ndarray, square: np.ndarray, least: int) -> np.ndarray:
    """Sample standard deviations of (A, K) moments; NaN with fewer than `least` rows."""
    result = np.empty(count.shape)
    n, q, out = count.reshape(-1), square.reshape(-1), result.reshape(-1)
    for i in range(len(out)):
        out[i] = np.sqrt(q[i] / (n[i] - 1.0)) if n[i] >= least else np.nan
    return result


@compiled
def in_deviations(
    amounts: np.ndarray, count: np.ndarray, square: np.ndarray, least: int, times: float
) -> np.ndarray:
    """(A, K) amounts over so many times the deviation; NaN where that is 0 or not known."""
    result = np.empty(count.shape)
    given, n, q, out = (
        amounts.reshape(-1),
        count.reshape(-1),
        square.reshape(-1),
        result.reshape(-1),
    )
    for i in range(len(out)):
        scale = np.sqrt(q[i] / (n[i] - 1.0)) * times
        out[i] = given[i] / scale if (n[i] >= least) & (q[i] > 0.0) else np.nan
    return result
