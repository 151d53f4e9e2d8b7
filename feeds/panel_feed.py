"""Backtrader data feeds over a panel, made when they are first asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import backtrader as bt

from feeds.errors import UserError
from feeds.panel import Panel
from feeds.panel_line import Clock, PanelColumn, PanelLine

__all__ = ["FeedsByName", "PanelFeed", "PanelFeeds"]

#: Backtrader's order.
_FIELDS = ("close", "low", "high", "open", "volume", "openinterest", "datetime")


class PanelFeed(bt.feed.DataBase):
    """A Backtrader data feed that is one column of a panel; see :class:`PanelFeeds`."""

    column: int = -1

    def __len__(self) -> int:
        return len(self.close)

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


def _refused(what: str):
    def refuse(feed: PanelFeed, *args, **kwargs) -> None:
        raise UserError(
            f"{feed._name}: {what} cannot be served over a panel",
            "change the bars before they go into the panel, or run the script on bt.Cerebro",
        )

    return refuse


for _name, _what in {
    "resample": "resampling",
    "replay": "replaying",
    "addfilter": "filters",
    "addfilter_simple": "filters",
}.items():
    setattr(PanelFeed, _name, _refused(_what))


for _field in (*_FIELDS[:-1], "last"):
    # Backtrader asks for the prices of a bar that is still being made: there are none.
    setattr(PanelFeed, f"tick_{_field}", None)


class PanelFeeds(Sequence):
    """One feed an asset, in the panel's order; a feed is made when it is first asked for.

    The first goes through Backtrader's metaclasses; the others are copies of it with lines and
    names of their own, which costs microseconds instead of milliseconds.

    Parameters
    ----------
    panel : Panel
    clock : Clock
        Moves them all.
    environment : bt.Cerebro, optional
        What ``setenvironment`` would be given.
    """

    def __init__(self, panel: Panel, clock: Clock, environment: Any = None) -> None:
        self.panel, self.clock, self._environment = panel, clock, environment
        self._made: list[PanelFeed | None] = [None] * panel.shape[1]
        self._template: tuple[PanelFeed, list[PanelLine]] | None = None

    def __len__(self) -> int:
        return len(self._made)

    def __getitem__(self, item):
        if isinstance(item, slice):
            return [self[column] for column in range(*item.indices(len(self)))]
        feed = self._made[item]
        if feed is None:
            column = item % len(self)
            feed = self._made[column] = self._make(column)
        return feed

    def __iter__(self) -> Iterator[PanelFeed]:
        return (self[column] for column in range(len(self)))

    def __contains__(self, feed: object) -> bool:
        # By identity: Backtrader's lines compare by value.
        return any(feed is made for made in self._made)

    def __add__(self, other) -> list:
        return [*self, *other]

    def __getstate__(self) -> dict[str, Any]:
        # Feeds are made anew where they arrive: their views of the panel cannot travel.
        state = self.__dict__.copy()
        return state | {"_made": [None] * len(self), "_template": None}

    def _make(self, column: int) -> PanelFeed:
        if self._template is None:
            source = PanelColumn(self.panel, self.clock, 0)
            lines = [PanelLine(source, field) for field in _FIELDS]
            self._template = PanelFeed(dataname=self.panel), lines
        template, lines = self._template
        source = PanelColumn(self.panel, self.clock, column)
        feed = _copied_feed(template, lines, source)
        feed.column, feed._id = column, column + 1
        feed._name = feed._dataname = source.name
        feed.setenvironment(self._environment)
        return feed


class FeedsByName(Mapping):
    """The feeds by the names of their assets.

    Parameters
    ----------
    feeds : PanelFeeds
    """

    def __init__(self, feeds: PanelFeeds) -> None:
        self._feeds = feeds
        self._column = {name: at for at, name in enumerate(feeds.panel.assets.tolist())}

    def __getitem__(self, name: str) -> PanelFeed:
        return self._feeds[self._column[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._column)

    def __len__(self) -> int:
        return len(self._column)


def _copied_feed(template: PanelFeed, lines: list[PanelLine], source: PanelColumn) -> PanelFeed:
    feed = _copied(template)
    feed.p = feed.params = _copied(template.p)
    feed.plotinfo, feed.plotlines = _copied(template.plotinfo), _copied(template.plotlines)
    feed.notifs, feed._filters, feed._ffilters = deque(), [], []
    feed.lines = _copied(template.lines)
    feed.lines.lines = [_copied_line(line, source, feed) for line in lines]
    _point_aliases(feed)
    return feed


def _copied_line(template: PanelLine, source: PanelColumn, feed: PanelFeed) -> PanelLine:
    line = _copied(template)
    line.lines, line.bindings, line._column, line._owner = [line], [], source, feed
    return line


def _copied(template: Any) -> Any:
    """The same attributes on a new object of the same class, without its metaclass's walk."""
    copied = object.__new__(type(template))
    copied.__dict__.update(template.__dict__)
    return copied


def _point_aliases(feed: PanelFeed) -> None:
    """Backtrader's other names for the lines, which the copy still shares with the template."""
    feed.l, feed.line = feed.lines, feed.lines.lines[0]
    for number, (field, line) in enumerate(zip(_FIELDS, feed.lines.lines, strict=True)):
        feed.__dict__[f"line{number}"] = feed.__dict__[f"line_{number}"] = line
        # Backtrader looks a field's name up in four places before it finds it.
        feed.__dict__[field] = line
