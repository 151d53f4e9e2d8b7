"""Moments of moving windows, without a digit lost to a large mean or to what has left them.

A window of W rows that ends at row t is cut at the last multiple of W: its earlier part is the
end of one block of W rows, its later part the start of the next. Running sums forward and
backward within each block give every window as the sum of two numbers (van Herk 1992; Gil and
Werman 1993). Nothing is ever subtracted from a running sum, so that a value leaves no trace
once it has left the window, and row t does not depend on what stands beyond its window but for
the last bits of rounding. Values enter less a pivot out of the window itself, so that what is
constant has a variance of exactly 0 and a large mean costs no digits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from factors.tiles import Tile, both_ways

__all__ = [
    "Moments",
    "beta",
    "clear",
    "correlation",
    "counts",
    "covariance",
    "deviation",
    "window_moments",
]

#: A window whose squares exceed its variance so many times is computed once more, by itself.
_ILL = 1000.0
#: Cells of such windows that are held at a time.
_CELLS = 1 << 20

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of windows, over the rows on which all of their series are known.

    Arrays of shape (R, N), or such that broadcast to it. Where `count` is 0 they say nothing.

    Parameters
    ----------
    count : array
        Rows known.
    square : array
        Sum of squared deviations from the mean; exactly 0 where nothing varies.
    other_square : array or None
        That of the other series.
    cross : array or None
        Sum of the products of both deviations.
    mean, other_mean : array or None
        Where they were asked for.
    """

    count: np.ndarray
    square: np.ndarray
    other_square: np.ndarray | None = None
    cross: np.ndarray | None = None
    mean: np.ndarray | None = None
    other_mean: np.ndarray | None = None


def deviation(moments: Moments, least: int = 2) -> np.ndarray:
    """Sample standard deviation; NaN with fewer than `least` rows known, or fewer than two."""
    enough = _enough(moments, least)
    return _where(enough, np.sqrt(moments.square / (moments.count - 1.0)))


def correlation(moments: Moments, least: int = 2) -> np.ndarray:
    """Correlation within [-1, 1]; NaN where one of the series does not vary."""
    spread = np.sqrt(moments.square) * np.sqrt(moments.other_square)
    ratio = np.clip(moments.cross / spread, -1.0, 1.0)
    return _where(_enough(moments, least), ratio)


def beta(moments: Moments, least: int = 2) -> np.ndarray:
    """Slope on the other series; NaN where that does not vary."""
    slope = moments.cross / np.where(moments.other_square > 0.0, moments.other_square, np.nan)
    return _where(_enough(moments, least), slope)


def covariance(moments: Moments, least: int = 2) -> np.ndarray:
    """Sample covariance of the two series; NaN with fewer than `least` rows known, or two."""
    return _where(_enough(moments, least), moments.cross / (moments.count - 1.0))


def _enough(moments: Moments, least: int) -> np.ndarray:
    return moments.count >= max(least, 2)


def _where(enough: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values if enough.all() else np.where(enough, values, np.nan)


def counts(tile: Tile, values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Known rows of each window, and (G + 1, W, K) which values are not; None where all are."""
    unknown = np.isnan(values)
    if not unknown.any():
        return np.full((1, 1), float(tile.window)), None
    known = (~unknown).astype(np.float64)
    return tile.pick(both_ways(known[1:].copy(), known[:-1])), unknown


def clear(unknown: np.ndarray | None, later: np.ndarray, earlier: np.ndarray) -> None:
    if unknown is not None:
        later[unknown[1:]] = 0.0
        earlier[unknown[:-1]] = 0.0


def window_moments(
    tile: Tile, values: np.ndarray, other: np.ndarray | None = None, means: bool = False
) -> Moments:
    """Moments of the tile's windows.

    Parameters
    ----------
    tile : Tile
    values : (G + 1, W, K) array
        The tile's values. NaN handling: not known, the row does not count.
    other : (T,) array, optional
        A series beside each column; its NaN do not count either.
    means : bool
        Whether means are wanted as well.
    """
    both = [values]
    if other is not None:
        both.append(tile.values(lambda first, stop, _: other[first:stop, None]))
        if np.isnan(both[1]).any():
            both[0] = np.where(np.isnan(both[1]), np.nan, values)
    count, unknown = counts(tile, both[0])
    pivots = [_pivot(part) for part in both]
    centred = [_centred(part, pivot, unknown) for part, pivot in zip(both, pivots)]
    squares = [
        tile.pick(both_ways(later * with_later, earlier * with_earlier))
        for (later, earlier), (with_later, with_earlier) in _pairs(centred)
    ]
    sums = [tile.pick(both_ways(later, earlier)) for later, earlier in centred]
    about = _about_mean(tile, both, count, squares, sums)
    found = Moments(count, *about)
    if not means:
        return found
    return replace(found, **_means(tile, pivots, sums, count))


def _pairs(series: list[_T]) -> list[tuple[_T, _T]]:
    """A series with itself; of two, the second with itself and both with each other too."""
    first, *rest = series
    return [(first, first)] + [pair for other in rest for pair in ((other, other), (first, other))]


def _pivot(values: np.ndarray) -> np.ndarray:
    """(G, 1, K) the first value of each block, which all of its windows hold.

    Where that is not known it is the last one known before, or else the first after.
    """
    pivot = values[1:, :1].copy()
    block, column = np.nonzero(np.isnan(pivot[:, 0]))
    if len(block):
        around = np.concatenate([values[block, ::-1, column], values[block + 1, :, column]], axis=1)
        place = np.argmin(np.isnan(around), axis=1)
        # Where nothing at all is known the pivot stays NaN, and no window counts a row.
        pivot[block, 0, column] = around[np.arange(len(place)), place]
    return pivot


def _centred(
    values: np.ndarray, pivot: np.ndarray, unknown: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Values of each block less its pivot, and those of the block before less the same."""
    later, earlier = values[1:] - pivot, values[:-1] - pivot
    if unknown is not None and later.shape[2] < unknown.shape[2]:
        shape = (*later.shape[:2], unknown.shape[2])
        later, earlier = (np.broadcast_to(part, shape).copy() for part in (later, earlier))
    clear(unknown, later, earlier)
    return later, earlier


def _means(
    tile: Tile, pivots: list[np.ndarray], sums: list[np.ndarray], count: np.ndarray
) -> dict[str, np.ndarray]:
    names = ("mean", "other_mean")
    shape = tile.blocks, tile.window
    starts = [tile.pick(np.broadcast_to(part, (*shape, part.shape[2]))) for part in pivots]
    return {
        name: start + total / np.maximum(count, 1.0)
        for name, start, total in zip(names, starts, sums)
    }


def _about_mean(
    tile: Tile,
    both: list[np.ndarray],
    count: np.ndarray,
    squares: list[np.ndarray],
    sums: list[np.ndarray],
) -> list[np.ndarray]:
    """Squares about the mean; windows whose pivot was far from it are computed by themselves."""
    share = 1.0 / np.maximum(count, 1.0)
    about = [square - one * two * share for square, (one, two) in zip(squares, _pairs(sums))]
    ill = squares[0] > _ILL * about[0]
    if len(both) > 1:
        ill = ill | (squares[1] > _ILL * about[1])
    if ill.any():
        shape = np.broadcast_shapes(*(part.shape for part in about))
        about = [np.broadcast_to(part, shape).copy() for part in about]
        _mend(tile, both, np.broadcast_to(ill, shape), about)
    return about


def _mend(tile: Tile, both: list[np.ndarray], ill: np.ndarray, about: list[np.ndarray]) -> None:
    """Compute the marked windows in two passes, less their own first value."""
    flat = [part.reshape(-1, part.shape[2]) for part in both]
    ends = np.arange(tile.blocks * tile.window)[tile.places] + tile.window
    lines, columns = np.nonzero(ill)
    step = max(_CELLS // tile.window, 1)
    for start in range(0, len(lines), step):
        line, column = lines[start : start + step], columns[start : start + step]
        at = ends[line][:, None] + np.arange(1 - tile.window, 1)
        windows = [flat[0][at, column[:, None]]]
        windows += [np.where(np.isnan(windows[0]), np.nan, part[at, 0]) for part in flat[1:]]
        pairs = _pairs([_deviations(window) for window in windows])
        for part, (one, two) in zip(about, pairs):
            part[line, column] = (one * two).sum(axis=1)


def _deviations(windows: np.ndarray) -> np.ndarray:
    """(k, W) deviations from the mean of each line's known values; 0 where not known."""
    known = ~np.isnan(windows)
    first = windows[np.arange(len(windows)), np.argmax(known, axis=1)]
    moved = np.where(known, windows - first[:, None], 0.0)
    mean = moved.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, moved - mean[:, None], 0.0)
