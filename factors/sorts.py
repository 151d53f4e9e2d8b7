"""Portfolios sorted on characteristics: breakpoints, buckets, cells, their weights and returns.

Rows of characteristics are rebalances (R,), columns assets (N,). Breakpoints come from a
*breakpoint universe*, such as the names of one exchange, and sort every name; nothing here
depends on another row, nor on the order of the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from factors.holdings import Endings
from feeds.errors import DataError
from feeds.panel import forward_fill

__all__ = [
    "assign_buckets",
    "breakpoints",
    "cell_returns",
    "cell_weights",
    "conditional_buckets",
    "cross_buckets",
    "largest",
]


def largest(amounts: np.ndarray, count: int) -> np.ndarray:
    """(R, N) bool: the `count` largest known amounts of each row.

    Names tied at the edge are all in, so that the order of columns never matters; with fewer
    known amounts all of them are.

    Parameters
    ----------
    amounts : (R, N) array
        NaN is not known and never in.
    count : int

    Raises
    ------
    DataError
        If `count` is under 1.
    """
    if count < 1:
        raise DataError(f"the largest {count} names are none", "count one or more")
    known = np.isfinite(amounts)
    if count >= amounts.shape[1]:
        return known
    place = amounts.shape[1] - count
    edge = np.partition(np.where(known, amounts, -np.inf), place, axis=1)[:, place]
    return known & (amounts >= edge[:, None])


def breakpoints(
    values: np.ndarray, universe: np.ndarray, quantiles: Sequence[float], fewest: int = 2
) -> np.ndarray:
    """Values at some quantiles of the breakpoint universe of each row.

    Parameters
    ----------
    values : (R, N) array
        A characteristic; NaN is not known.
    universe : (R, N) bool array
        Names that make the breakpoints.
    quantiles : sequence of K floats
        Increasing, in (0, 1); interpolated linearly between order statistics.
    fewest : int
        Known values of the universe that a row needs.

    Returns
    -------
    (R, K) float64 array
        NaN on rows with fewer.

    Raises
    ------
    DataError
        If the quantiles are not increasing within (0, 1).
    """
    wanted = np.asarray(quantiles, dtype=float)
    if not (np.all((wanted > 0) & (wanted < 1)) and np.all(np.diff(wanted) > 0)):
        raise DataError(
            f"quantiles {list(quantiles)} are not increasing within (0, 1)", "0.3, 0.7 make thirds"
        )
    if not values.shape[1]:
        return np.full((len(values), len(wanted)), np.nan)
    known = np.isfinite(values) & universe
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    count = known.sum(axis=1)
    place = np.maximum(count - 1, 0)[:, None] * wanted
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0)[:, None])
    enough = (count >= max(fewest, 1))[:, None]
    low = np.where(enough, np.take_along_axis(ordered, below, axis=1), 0.0)
    high = np.where(enough, np.take_along_axis(ordered, above, axis=1), 0.0)
    return np.where(enough, low + (place - below) * (high - low), np.nan)


def assign_buckets(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bucket of each value between the breakpoints of its row, 0 the lowest.

    A value equal to a breakpoint is below it: equal values share a bucket, and names at the
    median are small. Where breakpoints are equal the bucket between them is empty.

    Parameters
    ----------
    values : (R, N) array
    edges : (R, K) array

    Returns
    -------
    (R, N) int array
        0..K; -1 where the value, or a breakpoint of its row, is not known.
    """
    bucket = (values[:, :, None] > edges[:, None, :]).sum(axis=2)
    known = np.isfinite(values) & np.isfinite(edges).all(axis=1)[:, None]
    return np.where(known, bucket, -1)


def conditional_buckets(
    values: np.ndarray,
    first: np.ndarray,
    universe: np.ndarray,
    quantiles: Sequence[float],
    fewest: int = 2,
) -> np.ndarray:
    """Buckets of a second characteristic, with breakpoints of its own within each first bucket.

    Parameters
    ----------
    values : (R, N) array
        The second characteristic.
    first : (R, N) int array
        Buckets of the first, from `assign_buckets`.
    universe, quantiles, fewest
        As in `breakpoints`.

    Returns
    -------
    (R, N) int array
        -1 where either is not known, or the first bucket is too thin for breakpoints.
    """
    found = np.full(values.shape, -1)
    for bucket in range(int(first.max(initial=-1)) + 1):
        inside = first == bucket
        edges = breakpoints(values, universe & inside, quantiles, fewest)
        found = np.where(inside, assign_buckets(values, edges), found)
    return found


def cross_buckets(first: np.ndarray, second: np.ndarray, columns: int) -> np.ndarray:
    """(R, N) number of each name's cell: ``first x columns + second``, -1 where either is -1.

    Independent sorts give both buckets from breakpoints of their own; for a conditional sort
    `second` comes from `conditional_buckets`.
    """
    return np.where((first >= 0) & (second >= 0), first * columns + second, -1)


def cell_weights(cells: np.ndarray, count: int, amounts: np.ndarray | None = None) -> np.ndarray:
    """Weights of each cell's names, in proportion to an amount, summing to 1.

    Parameters
    ----------
    cells : (R, N) int array
        From `cross_buckets` or `assign_buckets`; -1 is in none.
    count : int
        Number of cells.
    amounts : (R, N) array, optional
        Market caps; equal weights unless given. Names whose amount is not positive or not known
        are in no cell.

    Returns
    -------
    (R, count, N) float64 array
        All zero where a cell is empty.
    """
    inside = cells[:, None, :] == np.arange(count)[:, None]
    if amounts is not None:
        held = np.where(amounts > 0, amounts, 0.0)
        inside = np.where(inside, held[:, None, :], 0.0)
    total = inside.sum(axis=2, keepdims=True)
    return np.divide(inside, total, out=np.zeros(inside.shape), where=total > 0)


def cell_returns(
    marks: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    *,
    ends: Endings | None = None,
    proceeds: Literal["spread", "cash"] = "spread",
) -> np.ndarray:
    """Session returns of cells that are bought at the close of each rebalance and held.

    Parameters
    ----------
    marks : (T, N) array
        Adjusted closes; a gap carries the last mark. A name without one at a rebalance is not
        bought, the others take its place.
    rows : (R,) int array
        Strictly increasing rows of rebalances.
    weights : (R, C, N) array
        From `cell_weights`.
    ends : Endings, optional
        Closes each ended series at its delisting return.
    proceeds : {"spread", "cash"}
        What becomes of them until the next rebalance: spread over the rest of the cell, as
        where caps of listed names weigh each day, or held as cash.

    Returns
    -------
    (T, C) float64 array
        NaN up to and including the first rebalance, and wherever a cell is empty.

    Raises
    ------
    DataError
        If shapes disagree or rows are not increasing.
    """
    rows = np.asarray(rows, dtype=np.int64)
    if weights.shape[::2] != (len(rows), marks.shape[1]) or np.any(np.diff(rows) <= 0):
        raise DataError(
            f"weights of shape {weights.shape} do not fit {len(rows)} increasing rows and "
            f"{marks.shape[1]} assets",
            "give rows (R,) in order and weights (R, cells, N)",
        )
    found = np.full((len(marks), weights.shape[1]), np.nan)
    stops = np.append(rows[1:], len(marks) - 1) + 1
    before = np.full(marks.shape[1], np.nan)
    for number, (row, stop) in enumerate(zip(rows, stops)):
        first = 0 if number == 0 else int(rows[number - 1])
        before = forward_fill(np.vstack([before, marks[first : row + 1]]))[-1]
        found[row + 1 : stop] = _held(
            marks, before, int(row), stop, weights[number], ends, proceeds
        )
    return found


def _held(
    marks: np.ndarray,
    start: np.ndarray,
    row: int,
    stop: int,
    weights: np.ndarray,
    ends: Endings | None,
    proceeds: str,
) -> np.ndarray:
    """(stop - row - 1, C) returns of one holding."""
    bought = np.isfinite(start) & (weights > 0).any(axis=0)
    if ends is not None:
        bought &= ends.row > row
    columns = np.flatnonzero(bought)
    path = forward_fill(np.vstack([start[columns], marks[row + 1 : stop, columns]]))
    growth = path / start[columns]
    counts = np.ones(growth[1:].shape)
    if ends is not None:
        session = np.arange(row + 1, stop)[:, None]
        growth[1:] *= np.where(session >= ends.row[columns], 1.0 + ends.result[columns], 1.0)
        if proceeds == "spread":
            counts = (session <= ends.row[columns]).astype(float)
    held = weights[:, columns].T
    before = (growth[:-1] * counts) @ held
    after = (growth[1:] * counts) @ held
    returns = np.full(after.shape, np.nan)
    np.divide(after, before, out=returns, where=before > 0)
    return returns - 1.0
