"""Backtrader data feeds over a panel: one clock moves them all.

Backtrader gives each feed its own buffers and advances each at every bar. Here the lines of
all feeds are views of the panel's columns and their position follows from one shared
:class:`Clock`, so that a bar costs one assignment however many assets there are.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer

from feeds.panel import Panel

__all__ = ["Clock", "PanelFeed", "make_feeds"]

#: Backtrader's order.
_FIELDS = ("close", "low", "high", "open", "volume", "openinterest", "datetime")


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
        #: (T,) list of Backtrader's day numbers, midnight.
        self.numbers = (dates.astype("datetime64[D]").astype("int64") + epoch).astype(float)
        self.row = -1
        self.rows = len(dates)


class _Bars:
    """The panel's columns as the lines of its feeds read them, without the rows of no bar."""

    def __init__(self, panel: Panel, clock: Clock) -> None:
        self.panel, self.clock = panel, clock

    @cached_property
    def count(self) -> np.ndarray:
        """(T, N) position of each asset's latest bar among its bars; -1 before the first."""
        return np.cumsum(self.panel.tradable, axis=0, dtype=np.int32) - np.int32(1)

    def values(self, field: str, column: int) -> memoryview:
        """One field of one asset, bar by bar."""
        if field == "datetime":
            column_values = self.clock.numbers
        elif field == "openinterest":
            column_values = np.zeros(self.clock.rows)
        else:
            column_values = getattr(self.panel, field)[:, column]
        has_bar = self.panel.tradable[:, column]
        return memoryview(column_values if has_bar.all() else column_values[has_bar])


class PanelLine(LineBuffer):
    """One field of one asset. Position and length come from the clock.

    ``line[0]`` is the asset's latest bar, ``line[-1]`` the one before it, also when sessions
    without a bar lie between them. An index before the first bar raises IndexError instead of
    wrapping round to the last one.
    """

    def __init__(self, source: _Bars, field: str, column: int) -> None:
        self._source, self._field, self._column = source, field, column
        self._clock = source.clock
        super().__init__()

    @cached_property
    def _storage(self) -> memoryview:
        # Made when first read: most lines of a large panel never are.
        return self._source.values(self._field, self._column)

    @cached_property
    def _bars(self) -> memoryview:
        return memoryview(self._source.count[:, self._column])

    def _position(self) -> int:
        row = self._clock.row
        return self._bars[row] if row >= 0 else -1

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
        return self._position() + 1

    def __getitem__(self, ago: int) -> float:
        position = self._position() + ago
        if position < 0:
            raise IndexError(f"no bar {ago} bars from here: the asset has {len(self)} so far")
        return self._storage[position]

    def get(self, ago: int = 0, size: int = 1) -> list[float]:
        """The `size` bars that end `ago` bars from now, oldest first.

        Raises
        ------
        IndexError
            If fewer bars have been seen.
        """
        stop = self._position() + ago + 1
        if stop - size < 0:
            raise IndexError(f"{size} bars asked for, the asset has {len(self)} so far")
        return self._storage[stop - size : stop].tolist()

    def datetime(self, ago: int = 0, tz=None, naive: bool = True) -> dt.datetime:
        """Time of the bar `ago` bars from now; Backtrader's own would wrap round."""
        return bt.num2date(self[ago], tz=tz or self._tz, naive=naive)

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

    def advance(self, size: int = 1) -> None:
        """Nothing to do: the clock moves every line at once."""

    def forward(self, value: float = float("nan"), size: int = 1) -> None:
        """Nothing to do: the clock moves every line at once."""

    def extend(self, value: float = float("nan"), size: int = 0) -> None:
        """Nothing to do: there is no bar after the last."""


class PanelFeed(bt.feed.DataBase):
    """A Backtrader data feed that is one column of a panel; made by :func:`make_feeds`."""

    column: int = -1

    def _start(self) -> None:
        self._tz = None
        self._calendar = None
        self._started = True

    def reset(self) -> None:
        """Nothing to reset: the clock holds the position."""

    def extend(self, *args, **kwargs) -> None:
        """Nothing to extend: there is no bar after the last."""

    def preload(self) -> None:
        """Nothing to load: the panel is in memory."""

    def home(self) -> None:
        """Nothing to do: the clock moves every feed at once."""

    def qbuffer(self, savemem: int = 0, replaying: bool = False) -> None:
        """Nothing to save: the lines are views of the panel."""


def make_feeds(panel: Panel, clock: Clock) -> list[PanelFeed]:
    """One feed an asset, in the panel's order.

    The first goes through Backtrader's metaclasses; the others are copies of it with lines and
    names of their own, which costs microseconds instead of milliseconds.
    """
    template = PanelFeed(dataname=panel)
    source = _Bars(panel, clock)
    lines = [PanelLine(source, field, -1) for field in _FIELDS]
    return [
        _copied_feed(template, column, name, [_copied_line(line, column) for line in lines])
        for column, name in enumerate(panel.assets.tolist())
    ]


def _copied_line(template: PanelLine, column: int) -> PanelLine:
    line = object.__new__(PanelLine)
    line.__dict__.update(template.__dict__)
    line.lines, line.bindings, line._column = [line], [], column
    return line


def _copied_feed(template: PanelFeed, column: int, name: str, lines: list[PanelLine]) -> PanelFeed:
    feed = object.__new__(PanelFeed)
    feed.__dict__.update(template.__dict__)
    feed.column, feed._name, feed._dataname = column, name, name
    feed.lines = object.__new__(type(template.lines))
    feed.lines.__dict__.update(template.lines.__dict__)
    feed.lines.lines = lines
    _point_aliases(feed)
    return feed


def _point_aliases(feed: PanelFeed) -> None:
    """Backtrader's other names for the lines, which the copy still shares with the template."""
    feed.l, feed.line = feed.lines, feed.lines.lines[0]
    for number, line in enumerate(feed.lines.lines):
        feed.__dict__[f"line{number}"] = feed.__dict__[f"line_{number}"] = line
