"""Parts of a (T, N) array that fit the cache: some rows of some columns, from top to bottom.

Windows are cut at the multiples of their length, whatever is asked, so that the same numbers
come out to the last bit; a part starts where the first window asked for needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

__all__ = [
    "Columns",
    "Read",
    "Tile",
    "array_reader",
    "for_kernel",
    "take_columns",
    "tiles_of",
]

Columns = slice | np.ndarray
#: ``read(first, stop, columns)``: some rows of some columns, (stop - first, K).
Read = Callable[[int, int, Columns], np.ndarray]

#: Columns of a tile, so many that the work of a row is more than the loops around it, and its
#: cells, so few that they stay in the cache.
_WIDEST, _CELLS = 512, 1 << 16


@dataclass(frozen=True)
class Tile:
    """Some rows and columns, and which results are asked.

    Parameters
    ----------
    first, stop : int
        Rows.
    starts : bool
        Whether nothing is known of the windows that reach back before `first`, because none is
        asked for. It is a multiple of their length then.
    columns : slice or (K,) int array
    lines : slice or (R,) int array
        Where the results stand in what is returned to the user.
    places : (R,) int array
        Their rows, counted from `first`, in increasing order.
    """

    first: int
    stop: int
    starts: bool
    columns: Columns
    lines: slice | np.ndarray
    places: np.ndarray

    def put(self, out: np.ndarray, values: np.ndarray) -> None:
        """Store (R, K) results."""
        out[self._place()] = values

    def taken(self, out: np.ndarray) -> np.ndarray:
        """(R, K) what has been stored there."""
        return out[self._place()]

    def _place(self) -> tuple[slice | np.ndarray, slice | np.ndarray]:
        if isinstance(self.columns, slice) or isinstance(self.lines, slice):
            return self.lines, self.columns
        return np.ix_(self.lines, self.columns)


def array_reader(values: np.ndarray) -> Read:
    """A reader of a (T, N) array."""
    return lambda first, stop, columns: take_columns(values[first:stop], columns)


def for_kernel(values: np.ndarray) -> np.ndarray:
    """The same numbers in C order and read-only, so that a loop is compiled for one kind alone."""
    values = np.ascontiguousarray(values).view()
    values.flags.writeable = False
    return values


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
) -> Iterator[Tile]:
    """Tiles that hold the windows which end at some rows, for some columns; all unless given.

    The tiles of the same columns follow each other downwards, without a gap but where one
    `starts`.
    """
    chosen = np.arange(shape[1]) if columns is None else columns
    asked = np.arange(shape[0]) if rows is None else np.asarray(rows)
    if not len(chosen) or not len(asked):
        return
    order = None if rows is None else np.argsort(asked, kind="stable")
    ends = asked if order is None else asked[order]
    spans = [(0, shape[0])] if order is None else list(_spans(ends, window))
    for part in np.array_split(chosen, -(-len(chosen) // _WIDEST)):
        span, step = _span(part), max(_CELLS // len(part), 1)
        for begin, stop in spans:
            for first in range(begin, stop, step):
                last = min(first + step, stop)
                low, high = np.searchsorted(ends, (first, last)).tolist()
                lines = slice(low, high) if order is None else order[low:high]
                yield Tile(first, last, first == begin, span, lines, ends[low:high] - first)


def _spans(ends: np.ndarray, window: int) -> Iterator[tuple[int, int]]:
    """Rows that the windows need which end at some rows: whole blocks before, (first, stop)."""
    blocks = ends // window
    begins = np.maximum(blocks - 1, 0) * window
    # A span goes on while the next window needs rows that it has got to.
    cuts = np.flatnonzero(begins[1:] > (blocks[:-1] + 1) * window) + 1
    for first, last in zip([0, *cuts], [*cuts, len(ends)]):
        yield int(begins[first]), int(ends[last - 1]) + 1


def _span(columns: np.ndarray) -> Columns:
    """The same columns as a slice where they follow each other."""
    if len(columns) == columns[-1] - columns[0] + 1:
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns
