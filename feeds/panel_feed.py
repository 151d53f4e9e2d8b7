"""Backtrader data feeds over a panel: one clock moves them all.

Backtrader gives each feed its own buffers and advances each at every bar. Here the lines of
all feeds are views of the panel's columns and their position follows from one shared
:class:`Clock`, so that a bar costs one assignment however many assets there are.
"""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer

from feeds.panel import Panel

__all__ = ["Clock", "PanelFeed", "make_feeds"]

_FIELDS = ("close", "low", "high", "open", "volume")


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


class PanelLine(LineBuffer):
    """One field of one asset. Position and length come from the clock.

    ``line[0]`` is the asset's latest bar, ``line[-1]`` the one before it, also when sessions
    without a bar lie between them. An index before the first bar raises IndexError instead of
    wrapping round to the last one.
    """

    def __init__(self, storage: memoryview, clock: Clock, bars: memoryview) -> None:
        self._storage, self._clock, self._bars = storage, clock, bars
        super().__init__()

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
    bars = np.cumsum(panel.tradable, axis=0, dtype=np.int32) - np.int32(1)
    return [_feed_of(template, panel, clock, bars, column) for column in range(panel.shape[1])]


def _feed_of(
    template: PanelFeed, panel: Panel, clock: Clock, bars: np.ndarray, column: int
) -> PanelFeed:
    feed = object.__new__(PanelFeed)
    feed.__dict__.update(template.__dict__)
    feed.column = column
    feed._name = feed._dataname = str(panel.assets[column])
    has_bar = panel.tradable[:, column]
    position = memoryview(bars[:, column])
    columns = [getattr(panel, name)[:, column] for name in _FIELDS]
    columns += [np.broadcast_to(0.0, has_bar.shape), clock.numbers]
    if not has_bar.all():
        columns = [values[has_bar] for values in columns]
    feed.lines = _copy_of_lines(
        template, [PanelLine(memoryview(values), clock, position) for values in columns]
    )
    _point_aliases(feed)
    return feed


def _point_aliases(feed: PanelFeed) -> None:
    """Backtrader's other names for the lines, which the copy still shares with the template."""
    feed.l, feed.line = feed.lines, feed.lines.lines[0]
    for number, line in enumerate(feed.lines.lines):
        feed.__dict__[f"line{number}"] = feed.__dict__[f"line_{number}"] = line


def _copy_of_lines(template: PanelFeed, lines: list[PanelLine]):
    copied = object.__new__(type(template.lines))
    copied.__dict__.update(template.lines.__dict__)
    copied.lines = lines
    return copied
