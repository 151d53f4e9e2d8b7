"""Parts of a (T, N) array that fit the cache: blocks of one window's length, and some columns.

A window of W rows that ends at row t is cut at the last multiple of W: its earlier part is the
end of one block of W rows, its later part the start of the next. Running totals forward and
backward within each block give every window as two numbers combined (van Herk 1992; Gil and
Werman 1993). Nothing is ever taken back out of a total, so that a value leaves no trace once it
has left the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

__all__ = [
    "Columns",
    "Counts",
    "Read",
    "Tile",
    "Totals",
    "array_reader",
    "by_row",
    "gaps",
    "take_columns",
    "tiles_of",
]

Columns = slice | np.ndarray
#: ``read(first, stop, columns)``: some rows of some columns, (stop - first, K).
Read = Callable[[int, int, Columns], np.ndarray]

#: Cells of all planes of a tile, and its columns counted over its blocks: so many that the work
#: of a row is more than the call, so few that they stay in the cache.
_CELLS, _NARROWEST, _WIDEST = 1 << 18, 256, 2048
#: Cells of results that are finished at a time.
_RESULTS = 1 << 15


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

    __slots__ = ("window", "first", "blocks", "rows", "columns", "lines", "places")

    def __init__(
        self,
        window: int,
        first: int,
        blocks: int,
        rows: int,
        columns: Columns,
        lines: slice | np.ndarray,
        places: slice | np.ndarray,
    ) -> None:
        self.window, self.first, self.blocks, self.rows = window, first, blocks, rows
        self.columns, self.lines, self.places = columns, lines, places

    @property
    def ends(self) -> np.ndarray:
        """(R,) last rows of the windows asked for."""
        return self.first + np.arange(self.blocks * self.window)[self.places]

    def values(self, read: Read) -> np.ndarray:
        """(G, W, K) values of the blocks; 0 where there is no row any more."""
        stop = self.first + self.blocks * self.window
        known = read(self.first, min(stop, self.rows), self.columns)
        if stop > self.rows:
            whole = np.zeros((stop - self.first, known.shape[1]))
            whole[: len(known)] = known
            known = whole
        return known.reshape(self.blocks, self.window, known.shape[1])

    def before(self) -> Tile:
        """The block before, of which nothing is asked."""
        nothing = slice(0, 0)
        start = self.first - self.window
        return Tile(self.window, start, 1, self.rows, self.columns, nothing, nothing)

    def parts(self, columns: int) -> Iterator[Tile]:
        """The same tile for fewer results at a time, of one block each where all are asked."""
        step = max(_RESULTS // columns, 1)
        count = _length(self.lines)
        bounds = list(range(0, count, step))
        if isinstance(self.places, slice):
            bounds = sorted({*bounds, *range(0, count, self.window)})
        for start, stop in zip(bounds, [*bounds[1:], count]):
            cut = slice(start, stop)
            lines, places = _cut(self.lines, cut), _cut(self.places, cut)
            yield Tile(self.window, self.first, self.blocks, self.rows, self.columns, lines, places)

    def pick(self, totals: np.ndarray) -> np.ndarray:
        """(P, R, K) the results asked for, out of (W, P, G, K); of one block where all are."""
        if isinstance(self.places, slice):
            block, start = divmod(self.places.start, self.window)
            length = self.places.stop - self.places.start
            return totals[start : start + length, :, block].transpose(1, 0, 2)
        block, row = np.divmod(self.places, self.window)
        return totals[row, :, block].transpose(1, 0, 2)

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


class Totals:
    """Totals of windows, tile after tile: what one block leaves to the next is kept."""

    def __init__(self, combine: np.ufunc = np.add) -> None:
        self._combine = combine
        self._carried: np.ndarray | None = None
        self._next: tuple[int, Columns | None] = (-1, None)

    def starts(self, tile: Tile) -> bool:
        """Whether the tile does not follow the one before it, so that its past must be given."""
        return self._next[0] != tile.first or self._next[1] is not tile.columns

    def of(self, tile: Tile, planes: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
        """Totals of the windows that end in the blocks of a tile.

        Parameters
        ----------
        tile : Tile
        planes : (W, P, G, K) array
            Its values, each plane apart, the same row of all blocks together; used up.
        before : (W, P, 1, K) array, optional
            Values of the block before, where the tile starts and is not the first of all.

        Returns
        -------
        (W, P, G, K) array
        """
        combine, carried = self._combine, self._carried
        if self.starts(tile):
            carried = None if before is None else self._backward(before)[:, :, -1]
        backward = self._backward(planes)
        # Rows without gaps, as numpy adds them fastest.
        lines = list(planes.reshape(len(planes), -1))
        for previous, line in zip(lines[:-1], lines[1:]):
            combine(previous, line, line)
        if carried is not None:
            combine(planes[:-1, :, 0], carried[1:], planes[:-1, :, 0])
        if planes.shape[2] > 1:
            combine(planes[:-1, :, 1:], backward[1:, :, :-1], planes[:-1, :, 1:])
        self.carry(tile, backward[:, :, -1])
        return planes

    def carry(self, tile: Tile, totals: np.ndarray) -> None:
        """Keep (W, P, K) totals from each row of the tile's last block to the end of it."""
        self._carried = totals
        self._next = tile.first + tile.blocks * tile.window, tile.columns

    def _backward(self, planes: np.ndarray) -> np.ndarray:
        totals = planes.copy()
        lines = list(totals.reshape(len(totals), -1)[::-1])
        for previous, line in zip(lines[:-1], lines[1:]):
            self._combine(previous, line, line)
        return totals


class Counts:
    """Known rows of windows, tile after tile, without any work where all are known."""

    def __init__(self) -> None:
        self._totals = Totals()
        self._holed = False

    def of(
        self,
        tile: Tile,
        shape: tuple[int, int, int],
        unknown: np.ndarray | None,
        before: np.ndarray | None,
    ) -> np.ndarray:
        """Rows known in each window that ends in the tile.

        Parameters
        ----------
        tile : Tile
        shape : (int, int, int)
            (G, W, K).
        unknown : (G, W, K) bool array or None
            What is not known; None where all is.
        before : (1, W, K) bool array or None
            Likewise of the block before, where the tile does not follow the last one.

        Returns
        -------
        (W, 1, G, K) float32 array, in which counts are exact; K = 1 where all are known
        """
        if self._totals.starts(tile):
            self._holed = before is not None
        if unknown is None and not self._holed:
            rows = np.arange(1, tile.window + 1, dtype=np.float32)[:, None, None]
            self._totals.carry(tile, rows[::-1])
            count = np.full((tile.window, 1, tile.blocks, 1), np.float32(tile.window))
            if not tile.first:
                count[:, :, 0] = rows
            return count
        past = None
        if self._totals.starts(tile) and tile.first:
            past = _known(before, (1, *shape[1:]))
        self._holed = unknown is not None
        return self._totals.of(tile, _known(unknown, shape), past)


def by_row(blocks: np.ndarray) -> np.ndarray:
    """(W, 1, G, K) of (G, W, K): what :class:`Totals` takes as one plane."""
    return blocks.transpose(1, 0, 2)[:, None]


def gaps(values: np.ndarray) -> np.ndarray | None:
    """Where values are NaN; None where none is, which their sum tells sooner."""
    return np.isnan(values) if np.isnan(values.sum()) else None


def _known(unknown: np.ndarray | None, shape: tuple[int, int, int]) -> np.ndarray:
    known = np.ones((shape[1], 1, shape[0], shape[2]), dtype=np.float32)
    if unknown is not None:
        known[by_row(unknown)] = 0.0
    return known


def array_reader(values: np.ndarray) -> Read:
    """A reader of a (T, N) array."""
    return lambda first, stop, columns: take_columns(values[first:stop], columns)


def take_columns(values: np.ndarray, columns: Columns) -> np.ndarray:
    """Some columns of (B, N): a view where they follow each other, else a C-ordered copy."""
    if isinstance(columns, slice):
        return values[:, columns]
    return values.take(columns, axis=1)


def tiles_of(
    shape: tuple[int, int],
    window: int,
    rows: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    planes: int = 1,
) -> Iterator[Tile]:
    """Tiles that hold the windows which end at some rows, for some columns; all unless given.

    Blocks stand at the multiples of the window, whatever is asked, so that the same numbers
    come out to the last bit. The tiles of the same columns follow each other downwards.
    """
    asked = None if rows is None else np.asarray(rows)
    chosen = np.arange(shape[1]) if columns is None else columns
    if not len(chosen) or not shape[0] or (asked is not None and not len(asked)):
        return
    widest = min(max(_CELLS // (window * planes), _NARROWEST), _WIDEST)
    parts = np.array_split(chosen, -(-len(chosen) // widest))
    groups = list(_groups(shape[0], window, asked, max(widest // len(chosen), 1)))
    for part in map(_span, parts):
        for first, count in groups:
            stop = min(first + count * window, shape[0])
            if asked is None:
                lines, places = slice(first, stop), slice(0, stop - first)
            else:
                lines = np.flatnonzero((asked >= first) & (asked < stop))
                places = asked[lines] - first
            yield Tile(window, first, count, shape[0], part, lines, places)


def _groups(
    rows: int, window: int, asked: np.ndarray | None, most: int
) -> Iterator[tuple[int, int]]:
    """First row and number of blocks that follow each other and hold a row asked for."""
    blocks = range(-(-rows // window)) if asked is None else np.unique(asked // window).tolist()
    start, count = -1, 0
    for block in blocks:
        if count and block == start + count and count < most:
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


def _length(rows: slice | np.ndarray) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def _cut(rows: slice | np.ndarray, cut: slice) -> slice | np.ndarray:
    if isinstance(rows, slice):
        return slice(rows.start + cut.start, min(rows.start + cut.stop, rows.stop))
    return rows[cut]
