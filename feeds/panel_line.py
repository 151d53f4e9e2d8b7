"""Backtrader lines over a panel: one clock moves them all.

Backtrader gives each line a buffer and advances each at every bar. Here the lines of all feeds
are views of the panel's columns and their position follows from one shared :class:`Clock`, so
that a bar costs one assignment however many assets there are.
"""

from __future__ import annotations

import array as arrays
import datetime as dt
from functools import cached_property, lru_cache

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer

from feeds.panel import Panel

__all__ = ["Clock", "PanelColumn", "PanelLine"]


class Clock:
    """The row of the panel that is now: -1 before the first bar.

    Parameters
    ----------
    dates : (T,) datetime64[D] array
        The sessions that the clock steps through.
    """

    __slots__ = ("numbers", "row", "rows")

    def __init__(self, dates: np.ndarray) -> None:
        epoch = dt.date(1970, 1, 1).toordinal()
        #: (T,) array of Backtrader's day numbers, midnight.
        self.numbers = (dates.astype("datetime64[D]").astype("int64") + epoch).astype(float)
        self.row = -1
        self.rows = len(dates)


class PanelColumn:
    """The bars of one asset as its lines read them: rows of the panel without a bar left out.

    Nothing is read from the panel before the first question: most columns of a large panel are
    never asked.

    Parameters
    ----------
    panel : Panel
    clock : Clock
    column : int
        Position of the asset.
    """

    __slots__ = ("__dict__", "clock", "column", "panel")

    def __init__(self, panel: Panel, clock: Clock, column: int) -> None:
        self.panel, self.clock, self.column = panel, clock, column

    @property
    def name(self) -> str:
        return str(self.panel.assets[self.column])

    @cached_property
    def _has_bar(self) -> np.ndarray | None:
        """(T,) where the asset has a bar; None: everywhere."""
        has_bar = self.panel.tradable[:, self.column]
        return None if has_bar.all() else has_bar

    @cached_property
    def bar_of(self) -> memoryview | range:
        """Position of the latest bar among the asset's bars by row; -1 before the first."""
        if self._has_bar is None:
            return range(self.clock.rows)
        return memoryview(np.cumsum(self._has_bar, dtype=np.int32) - np.int32(1))

    def values(self, field: str) -> memoryview:
        """One field, bar by bar."""
        if field == "datetime":
            values = self.clock.numbers
        elif field == "openinterest":
            values = np.full(self.clock.rows, np.nan)
        else:
            values = getattr(self.panel, field)[:, self.column]
        return memoryview(values if self._has_bar is None else values[self._has_bar])


class PanelLine(LineBuffer):
    """One field of one asset. Position and length come from the clock.

    ``line[0]`` is the asset's latest bar, ``line[-1]`` the one before it, also when sessions
    without a bar lie between them. An index before the first bar raises IndexError instead of
    wrapping round to the last one.

    Parameters
    ----------
    column : PanelColumn
    field : str
        Backtrader's name of the field.
    """

    # Not `_clock`: Backtrader looks for a data feed under that name.

    def __init__(self, column: PanelColumn, field: str) -> None:
        self._column, self._field, self._now = column, field, column.clock
        super().__init__()

    @cached_property
    def _storage(self) -> memoryview:
        return self._column.values(self._field)

    @cached_property
    def _bar_of(self) -> memoryview | range:
        return self._column.bar_of

    def _position(self) -> int:
        row = self._now.row
        return self._bar_of[row] if row >= 0 else -1

    @property
    def array(self) -> memoryview:
        """All bars of the asset, as Backtrader's indicators read them."""
        return self._storage

    @property
    def idx(self) -> int:
        return self._position()

    @property
    def lencount(self) -> int:
        return self._position() + 1

    def __len__(self) -> int:
        row = self._now.row
        return self._bar_of[row] + 1 if row >= 0 else 0

    def __getitem__(self, ago: int) -> float:
        row = self._now.row
        position = (self._bar_of[row] if row >= 0 else -1) + ago
        if position < 0:
            raise IndexError(
                f"{self._column.name}: no bar {ago} bars from now, it has {len(self)} so far"
            )
        return self._storage[position]

    def get(self, ago: int = 0, size: int = 1) -> arrays.array:
        """The `size` bars that end `ago` bars from now, oldest first.

        Raises
        ------
        IndexError
            If fewer bars have been seen.
        """
        stop = self._position() + ago + 1
        if stop - size < 0:
            raise IndexError(
                f"{self._column.name}: {size} bars asked for, it has {len(self)} so far"
            )
        return arrays.array("d", self._storage[stop - size : stop].tolist())

    def datetime(self, ago: int = 0, tz=None, naive: bool = True) -> dt.datetime:
        """Time of the bar `ago` bars from now; Backtrader's own would wrap round."""
        tz = tz or self._tz
        return bt.num2date(self[ago], tz, naive) if tz else _naive_time(self[ago])

    def date(self, ago: int = 0, tz=None, naive: bool = True) -> dt.date:
        return self.datetime(ago, tz, naive).date()

    def time(self, ago: int = 0, tz=None, naive: bool = True) -> dt.time:
        return self.datetime(ago, tz, naive).time()

    def buflen(self) -> int:
        return len(self._storage)

    def reset(self) -> None:
        """Nothing to reset: the clock holds the position."""
        self.extension = 0
        self.useislice = False

    home = reset

    def qbuffer(self, savemem: int = 0, extrasize: int = 0) -> None:
        """Nothing to save: the line is a view of the panel."""

    def advance(self, size: int = 1) -> None:
        """Nothing to do: the clock moves every line at once."""

    def forward(self, value: float = float("nan"), size: int = 1) -> None:
        """Nothing to do: the clock moves every line at once."""

    def extend(self, value: float = float("nan"), size: int = 0) -> None:
        """Nothing to do: there is no bar after the last."""


@lru_cache(maxsize=1 << 15)
def _naive_time(number: float) -> dt.datetime:
    """The time that Backtrader reads out of a number, without a time zone."""
    return bt.num2date(number)
