"""Named figures as they were known on each session, sparse until somebody asks.

A figure is a number of an asset that is neither a price nor a volume: assets by the latest
filing, net income of twelve months, active addresses of a day. Kept are the events, each with
the row from which it is known; the (T, N) array is made when a factor asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from feeds.errors import DataError

__all__ = ["Events", "Figures", "carried_array", "pack_figures", "unpack_figures"]

#: Arrays of a cache that hold the events of all figures, one figure after the other.
_PACKED = ("figure_row", "figure_column", "figure_value")


@dataclass(frozen=True, eq=False)
class Events:
    """The values of one figure, in the order in which they became known.

    Parameters
    ----------
    row : (K,) int array
        First row on which each is known.
    column : (K,) int array
        Its asset.
    value : (K,) float64 array
        In the figure's unit. NaN says that from then on nothing is known.
    carried : bool
        Whether a value stays until the next one, as a filed figure does; otherwise it is that of
        its row alone, as a day's count is.
    """

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    carried: bool = True


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of some rows and columns of the block for which the events were made.

    Parameters
    ----------
    events : mapping of str to Events
        By name.
    block : (int, int)
        Rows and columns that the events count in.
    first, stop : int
        Rows of the block that are seen: those from `first` to before `stop`.
    columns : (N,) int array
        Columns of the block that are seen, in order.
    """

    events: Mapping[str, Events]
    block: tuple[int, int]
    first: int
    stop: int
    columns: np.ndarray

    @classmethod
    def of(cls, events: Mapping[str, Events], shape: tuple[int, int]) -> Figures:
        """All rows and columns of a block."""
        return cls(events, shape, 0, shape[0], np.arange(shape[1]))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Figures:
        """Figures given as (T, N) arrays, NaN where not known.

        Raises
        ------
        DataError
            If there is none, or their shapes differ.
        """
        shapes = {np.shape(values) for values in arrays.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise DataError(
                f"the arrays of figures have {len(shapes)} shapes", "give each as (T, N), all alike"
            )
        events = {}
        for name, values in arrays.items():
            values = np.asarray(values, dtype=np.float64)
            row, column = np.nonzero(np.isfinite(values))
            events[name] = Events(row, column, values[row, column], carried=False)
        return cls.of(events, shapes.pop())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures, sorted."""
        return tuple(sorted(self.events))

    @property
    def shape(self) -> tuple[int, int]:
        """(T, N)."""
        return self.stop - self.first, len(self.columns)

    def take(self, rows: slice, columns: np.ndarray | slice) -> Figures:
        """Some rows, in order, and some columns, by mask or position; nothing is copied."""
        first, stop, step = rows.indices(self.stop - self.first)
        if step != 1:
            raise DataError(f"rows in steps of {step}", "take them one after the other")
        return replace(
            self,
            first=self.first + first,
            stop=self.first + max(stop, first),
            columns=self.columns[columns],
        )

    def array(self, name: str) -> np.ndarray:
        """(T, N) float64 values of a figure as known on each row; NaN where none is known."""
        own = self.events[name]
        place = np.full(self.block[1], -1)
        place[self.columns] = np.arange(len(self.columns))
        column = place[own.column]
        seen = (column >= 0) & (own.row < self.stop)
        if not own.carried:
            seen &= own.row >= self.first
        # What was carried into the first row is known on it.
        row, column = np.maximum(own.row[seen] - self.first, 0), column[seen]
        if own.carried:
            values = carried_array(row, column, own.value[seen], self.shape)
        else:
            values = np.full(self.shape, np.nan)
            values[row, column] = own.value[seen]
        where = place[self.columns]
        twice = not np.array_equal(where, np.arange(len(where)))
        return values[:, where] if twice else values


def carried_array(
    row: np.ndarray, column: np.ndarray, value: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """(T, N) array in which each value holds from its row on until the next of its column.

    Parameters
    ----------
    row, column : (K,) int arrays
        Where each value begins; of several in one place the last counts.
    value : (K,) float64 array
        NaN ends what was known.
    shape : (int, int)
        T and N.
    """
    rows, columns = shape
    # Runs of one value, column after column; each column begins with one of NaN.
    at = np.concatenate([np.arange(columns) * rows, column.astype(np.int64) * rows + row])
    order = np.argsort(at, kind="stable")
    runs = np.concatenate([np.full(columns, np.nan), value])[order]
    lengths = np.diff(at[order], append=rows * columns)
    return np.ascontiguousarray(np.repeat(runs, lengths).reshape(columns, rows).T)


def pack_figures(
    events: Mapping[str, Events],
) -> tuple[dict[str, np.ndarray], dict[str, list[Any]]]:
    """Arrays that hold the events of all figures, and where in them each figure is.

    Figures of which nothing is ever known are left out.

    Returns
    -------
    arrays : dict of (K,) arrays
        Empty where there is no event.
    places : dict of str to list
        By name: first and last position, whether values are carried, first row with a value.
    """
    parts, places, start = [], {}, 0
    for name in sorted(events):
        own = events[name]
        known = np.isfinite(own.value)
        if not known.any():
            continue
        stop = start + len(own.value)
        places[name] = [start, stop, own.carried, int(own.row[known].min())]
        parts.append((own.row, own.column, own.value))
        start = stop
    if not parts:
        return {}, {}
    kinds = (np.int32, np.int32, np.float64)
    joined = (np.concatenate(columns).astype(kind) for columns, kind in zip(zip(*parts), kinds))
    return dict(zip(_PACKED, joined)), places


def unpack_figures(
    arrays: Mapping[str, np.ndarray],
    places: Mapping[str, list[Any]],
    shape: tuple[int, int],
    rows: int,
) -> Figures | None:
    """The first `rows` rows of packed figures; None where nothing is known on them."""
    events = {}
    for name, (start, stop, carried, first) in places.items():
        if first < rows:
            row, column, value = (arrays[kind][start:stop] for kind in _PACKED)
            events[name] = Events(row, column, value, bool(carried))
    return Figures.of(events, shape).take(slice(0, rows), slice(None)) if events else None
