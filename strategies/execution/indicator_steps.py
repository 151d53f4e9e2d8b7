"""Indicators that follow the clock of their feed instead of being advanced one by one."""

from __future__ import annotations

from collections.abc import Iterable

import backtrader as bt
from backtrader.linebuffer import LineBuffer
from backtrader.lineiterator import LineIterator

from feeds.panel_line import Clock, PanelColumn, PanelLine

__all__ = ["IndicatorSteps"]


class IndicatorSteps:
    """What Backtrader does to the indicators of strategies at each bar, once for all of them.

    When indicators have been computed as a whole (``runonce``), all that is left to do at a bar
    is to move each to its next value where its feed has one. Those whose feed is a panel's take
    their position from a clock instead. It is a clock of their own, set when the strategies
    decide: before that, at the open and while orders fill, an indicator shows the bar before.

    Like its feed, an indicator that follows a clock has nothing to show of an asset that is not
    listed yet: reading it raises IndexError, where Backtrader's shows the last value of all.

    Parameters
    ----------
    clock : Clock
        Of the panel.
    strategies : iterable of bt.Strategy
        Their indicators computed and reset.
    """

    def __init__(self, clock: Clock, strategies: Iterable[bt.Strategy]) -> None:
        self._clock, self._now = clock, _Now()
        self._stepped = {id(strategy): self._follow(strategy) for strategy in strategies}

    def decide(self, strategy: bt.Strategy, now: float) -> None:
        """A bar of `strategy` at day number `now`: ``bt.Strategy._oncepost``."""
        self._now.row = self._clock.row
        if _has_its_own_way(strategy):
            strategy._oncepost(now)
            return
        for indicator in self._stepped[id(strategy)]:
            if len(indicator._clock) > len(indicator):
                indicator.advance()
        strategy.forward()
        strategy.lines.datetime[0] = now
        strategy._notify()
        missing = strategy._getminperstatus()
        if missing < 0:
            strategy.next()
        elif missing == 0:
            strategy.nextstart()
        else:
            strategy.prenext()
        strategy._next_analyzers(missing, once=True)
        strategy._next_observers(missing, once=True)
        strategy.clear()

    def _follow(self, strategy: bt.Strategy) -> list:
        """Set the strategy's indicators on the clock; those that cannot be are returned."""
        stepped = []
        if _has_its_own_way(strategy):
            return stepped
        for indicator in strategy._lineiterators[LineIterator.IndType]:
            column = _column_of(indicator)
            if column is None:
                stepped.append(indicator)
                continue
            for line in indicator.lines.lines:
                values = line.array
                line.__class__ = PanelLine
                line.__dict__.update(_storage=values, _column=column, _now=self._now)
        return stepped


def _has_its_own_way(strategy: bt.Strategy) -> bool:
    return type(strategy)._oncepost is not bt.Strategy._oncepost


class _Now:
    """The row that strategies have come to; -1 before the first."""

    __slots__ = ("row",)

    def __init__(self) -> None:
        self.row = -1


def _column_of(indicator) -> PanelColumn | None:
    """The column whose bars move an indicator, or None where it is not that simple."""
    ordinary = isinstance(indicator, bt.Indicator) and (
        type(indicator).advance is bt.Indicator.advance
        and all(type(line) is LineBuffer for line in indicator.lines.lines)
    )
    # Of a feed, of one of its lines, or of an indicator that follows the clock already.
    leader = indicator._clock.lines[0] if ordinary else None
    return leader._column if isinstance(leader, PanelLine) else None
