"""Moments of moving windows, without a digit lost to a large mean or to what has left them.

Sums are the totals of :mod:`factors.tiles`, of values less a constant near them: row t does not
depend on what stands beyond its window but for the last bits of rounding. Where the constant is
far from the mean of a window, which the sums themselves show, the window is computed once more,
by itself and in two passes; so what is constant has a variance of exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from factors.tiles import Columns, Counts, Read, Tile, Totals, gaps, tiles_of

__all__ = ["Moments", "beta", "correlation", "covariance", "deviation", "window_moments"]

#: A window whose squares exceed its variance so many times is computed once more.
_ILL = 100.0
#: Cells of such windows that are held at a time.
_CELLS = 1 << 20


class Moments:
    """Moments of windows, over the rows on which all of their series are known.

    Arrays of shape (R, K), or such that broadcast to it. Where `count` is 0 they say nothing.

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

    __slots__ = ("count", "total", "mean", "square", "other_mean", "other_square", "cross")

    def __init__(
        self,
        count: np.ndarray,
        total: np.ndarray,
        mean: np.ndarray,
        square: np.ndarray | None = None,
        other_mean: np.ndarray | None = None,
        other_square: np.ndarray | None = None,
        cross: np.ndarray | None = None,
    ) -> None:
        self.count, self.total, self.mean, self.square = count, total, mean, square
        self.other_mean, self.other_square, self.cross = other_mean, other_square, cross


def deviation(moments: Moments, least: int = 2) -> np.ndarray:
    """Sample standard deviation; NaN with fewer than `least` rows known, or fewer than two."""
    return _where(moments, least, np.sqrt(moments.square / (moments.count - 1.0)))


def covariance(moments: Moments, least: int = 2) -> np.ndarray:
    """Sample covariance of the two series; NaN with fewer than `least` rows known, or two."""
    return _where(moments, least, moments.cross / (moments.count - 1.0))


def correlation(moments: Moments, least: int = 2) -> np.ndarray:
    """Correlation within [-1, 1]; NaN where one of the series does not vary."""
    ratio = moments.cross / (np.sqrt(moments.square) * np.sqrt(moments.other_square))
    return _where(moments, least, np.clip(ratio, -1.0, 1.0))


def beta(moments: Moments, least: int = 2) -> np.ndarray:
    """Slope on the other series; NaN where that does not vary."""
    return _where(moments, least, moments.cross / _positive(moments.other_square))


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
    source = _Source(read, other, centre, squares)
    for tile in tiles_of(shape, window, rows, columns, source.planes):
        totals, count = source.totals(tile)
        for part in tile.parts(totals.shape[3]):
            known = part.pick(count)[0].astype(np.float64)
            with np.errstate(divide="ignore", invalid="ignore"):
                yield part, source.moments(part, part.pick(totals), known)


class _Source:
    """Values and their products, and the totals that one tile leaves to the next."""

    def __init__(
        self,
        read: Read,
        other: np.ndarray | None,
        centre: np.ndarray | None,
        squares: bool,
    ) -> None:
        self._read, self._other, self._centre, self._squares = read, other, centre, squares
        self.planes = 1 if not squares else 2 if other is None else 5
        self._sums, self._counts = Totals(), Counts()

    def totals(self, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
        """(W, P, G, K) sums of values and products, and (W, 1, G, K) rows that they are of."""
        before = gone = None
        if self._sums.starts(tile) and tile.first:
            before, gone = self._values(tile.before())
        planes, unknown = self._values(tile)
        shape = tile.blocks, tile.window, planes.shape[3]
        count = self._counts.of(tile, shape, unknown, gone)
        return self._sums.of(tile, planes, before), count

    def moments(self, part: Tile, totals: np.ndarray, count: np.ndarray) -> Moments:
        """Moments from (P, R, K) sums."""
        share = 1.0 / np.maximum(count, 1.0)
        mean = totals[0] * share
        found = Moments(count, totals[0], mean)
        if self._squares:
            found.square = totals[1] - totals[0] * mean
            ill = found.square * _ILL < totals[1]
            if self._other is not None:
                found.other_mean = totals[2] * share
                found.other_square = totals[3] - totals[2] * found.other_mean
                found.cross = totals[4] - totals[0] * found.other_mean
                ill |= found.other_square * _ILL < totals[3]
            # A single row has no variance that anyone would ask for.
            ill &= count > 1.0
            if ill.any():
                self._mend(part, ill, found)
        if self._centre is not None:
            found.mean = mean + self._centre[part.columns]
        return found

    def _values(self, tile: Tile) -> tuple[np.ndarray, np.ndarray | None]:
        """(W, P, G, K) values and products, 0 where not known, and (G, W, K) where that is."""
        values = tile.values(self._read)
        blocks, window, width = values.shape
        planes = np.empty((window, self.planes, blocks, width))
        # Seen as the values stand: by block, row and column.
        seen = planes.transpose(1, 2, 0, 3)
        base = seen[0]
        np.subtract(values, 0.0 if self._centre is None else self._centre[tile.columns], out=base)
        unknown = gaps(base)
        if self._other is not None:
            seen[2] = tile.values(self._beside)
            absent = gaps(seen[2])
            if absent is not None:
                unknown = absent if unknown is None else unknown | absent
            if unknown is not None:
                np.copyto(seen[2], 0.0, where=unknown)
        if unknown is not None:
            np.copyto(base, 0.0, where=unknown)
        if self._squares:
            np.multiply(base, base, out=seen[1])
        if self._other is not None:
            np.multiply(seen[2], seen[2], out=seen[3])
            np.multiply(base, seen[2], out=seen[4])
        return planes, unknown

    def _beside(self, first: int, stop: int, _: Columns) -> np.ndarray:
        return self._other[first:stop, None]

    def _mend(self, part: Tile, ill: np.ndarray, found: Moments) -> None:
        """Compute the marked windows in two passes, less their own first value."""
        ends = part.ends
        first = max(int(ends.min()) - part.window + 1, 0)
        values = self._read(first, int(ends.max()) + 1, part.columns)
        shape = len(ends), values.shape[1]
        names = ("square",) if self._other is None else ("square", "other_square", "cross")
        about = [np.broadcast_to(getattr(found, name), shape).copy() for name in names]
        lines, columns = np.nonzero(np.broadcast_to(ill, shape))
        width = min(part.window, int(ends.max()) + 1 - first)
        step = max(_CELLS // width, 1)
        for start in range(0, len(lines), step):
            line, column = lines[start : start + step], columns[start : start + step]
            at = ends[line][:, None] + np.arange(1 - width, 1)
            inside = np.maximum(at, first)
            own = np.where(at >= first, values[inside - first, column[:, None]], np.nan)
            if self._other is None:
                about[0][line, column] = (_deviations(own) ** 2).sum(axis=1)
                continue
            beside = np.where(np.isnan(own), np.nan, self._other[inside])
            own = _deviations(np.where(np.isnan(beside), np.nan, own))
            beside = _deviations(beside)
            for target, product in zip(about, (own * own, beside * beside, own * beside)):
                target[line, column] = product.sum(axis=1)
        for name, values in zip(names, about):
            setattr(found, name, values)


def _where(moments: Moments, least: int, values: np.ndarray) -> np.ndarray:
    enough = moments.count >= max(least, 2)
    return values if enough.all() else np.where(enough, values, np.nan)


def _positive(values: np.ndarray) -> np.ndarray:
    known = values > 0.0
    return values if known.all() else np.where(known, values, np.nan)


def _deviations(windows: np.ndarray) -> np.ndarray:
    """(k, W) deviations from the mean of each line's known values; 0 where not known."""
    known = ~np.isnan(windows)
    first = windows[np.arange(len(windows)), np.argmax(known, axis=1)]
    moved = np.where(known, windows - first[:, None], 0.0)
    mean = moved.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, moved - mean[:, None], 0.0)
