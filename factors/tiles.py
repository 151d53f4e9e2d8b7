"""Parts of a (T, N) array that fit the cache: blocks of one window's length, and some columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["Columns", "Read", "Tile", "array_reader", "both_ways", "take_columns", "tiles_of"]

Columns = slice | np.ndarray
#: ``read(first, stop, columns)``: some rows of some columns, (stop - first, K).
Read = Callable[[int, int, Columns], np.ndarray]

#: Cells of an array of one tile, and its columns counted over all of its blocks: wide enough
#: that the work of a row is more than the call, small enough for the cache.
_CELLS, _NARROWEST, _WIDEST = 1 << 18, 256, 2048


@dataclass(frozen=True, eq=False)
class Tile:
    """G blocks of `window` rows that follow each other, K columns, and which results are asked.

    Parameters
    ----------
    window : int
        W, rows of a block.
    first : int
        First row of the first block, a multiple of the window.
    blocks : int
        G.
    rows : int
        T, rows that there are.
    columns : slice or (K,) int array
    lines : slice or (R,) int array
        Where the results stand in what is returned to the user.
    places : slice or (R,) int array
        Their rows, counted from `first`.
    """

    window: int
    first: int
    blocks: int
    rows: int
    columns: Columns
    lines: slice | np.ndarray
    places: slice | np.ndarray

    def values(self, read: Read) -> np.ndarray:
        """(G + 1, W, K) copy of the block before and the tile's own; NaN where there is no row."""
        begin, end = self.first - self.window, self.first + self.blocks * self.window
        known = read(max(begin, 0), min(end, self.rows), self.columns)
        if begin < 0 or end > self.rows:
            whole = np.full((end - begin, known.shape[1]), np.nan)
            whole[max(-begin, 0) : max(-begin, 0) + len(known)] = known
            known = whole
        return known.reshape(self.blocks + 1, self.window, known.shape[1])

    def pick(self, values: np.ndarray) -> np.ndarray:
        """(R, K) the rows asked for of (G, W, K) values."""
        return values.reshape(self.blocks * self.window, values.shape[2])[self.places]

    def put(self, out: np.ndarray, values: np.ndarray) -> None:
        """Store (R, K) results, or what broadcasts to them."""
        out[self._place()] = values

    def taken(self, out: np.ndarray) -> np.ndarray:
        """(R, K) what has been stored there."""
        return out[self._place()]

    def _place(self) -> tuple[slice | np.ndarray, slice | np.ndarray]:
        if isinstance(self.columns, slice) or isinstance(self.lines, slice):
            return self.lines, self.columns
        return np.ix_(self.lines, self.columns)


def array_reader(values: np.ndarray) -> Read:
    """A reader of a (T, N) array, or of a (T,) series as its only column."""
    values = values[:, None] if values.ndim == 1 else values
    return lambda first, stop, columns: take_columns(values[first:stop], columns).copy()


def take_columns(values: np.ndarray, columns: Columns) -> np.ndarray:
    """Some columns of (B, N): a view where they follow each other, else a C-ordered copy."""
    if isinstance(columns, slice):
        return values[:, columns]
    return values.take(columns, axis=1)


def both_ways(later: np.ndarray, earlier: np.ndarray, combine: np.ufunc = np.add) -> np.ndarray:
    """Windows of (G, W, K) blocks `later` and the blocks before each, `earlier`; both are used up.

    Returns
    -------
    (G, W, K) array
        At row j of a block: its rows up to j and those after j of the block before, combined.
    """
    for before, here in _neighbours(later):
        combine(before, here, out=here)
    for after, here in _neighbours(earlier[:, ::-1]):
        combine(after, here, out=here)
    combine(later[:, :-1], earlier[:, 1:], out=later[:, :-1])
    return later


def _neighbours(blocks: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    lines = [blocks[:, row] for row in range(blocks.shape[1])]
    return zip(lines[:-1], lines[1:])


def tiles_of(
    shape: tuple[int, int],
    window: int,
    rows: np.ndarray | None = None,
    columns: np.ndarray | None = None,
) -> Iterator[Tile]:
    """Tiles that hold the windows which end at some rows, for some columns; all unless given.

    Blocks stand at the multiples of the window, whatever is asked, so that the same numbers
    come out to the last bit.
    """
    asked = None if rows is None else np.asarray(rows)
    chosen = np.arange(shape[1]) if columns is None else columns
    if not len(chosen) or not shape[0] or (asked is not None and not len(asked)):
        return
    widest = min(max(_CELLS // window, _NARROWEST), _WIDEST)
    parts = np.array_split(chosen, -(-len(chosen) // widest))
    most = max(widest // len(chosen), 1)
    for first, count in _groups(shape[0], window, asked, most):
        stop = min(first + count * window, shape[0])
        if asked is None:
            lines, places = slice(first, stop), slice(0, stop - first)
        else:
            lines = np.flatnonzero((asked >= first) & (asked < stop))
            places = asked[lines] - first
        for part in parts:
            yield Tile(window, first, count, shape[0], _span(part), lines, places)


def _groups(
    rows: int, window: int, asked: np.ndarray | None, most: int
) -> Iterator[tuple[int, int]]:
    """First row and number of blocks that follow each other and hold a row asked for.

    The first block of all stands alone: it has none before it, and its windows are short.
    """
    blocks = range(-(-rows // window)) if asked is None else np.unique(asked // window).tolist()
    start, count = -1, 0
    for block in blocks:
        if count and block == start + count and count < most and start > 0:
            count += 1
            continue
        if count:
            yield start * window, count
        start, count = block, 1
    yield start * window, count


def _span(columns: np.ndarray) -> Columns:
    """The same columns as a slice where they follow each other."""
    if len(columns) == columns[-1] - columns[0] + 1:
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns
