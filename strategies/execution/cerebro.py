"""A Cerebro that steps the clock of a panel instead of every feed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np

from feeds.errors import UserError
from feeds.panel import Panel
from feeds.panel_feed import FeedsByName, PanelFeed, PanelFeeds
from feeds.panel_line import Clock
from strategies.execution.account import Account
from strategies.execution.broker import PanelBroker
from strategies.execution.collector import patient_collector
from strategies.execution.indicator_steps import IndicatorSteps
from strategies.execution.listeners import follows_bars, hears_orders, wake_rows
from strategies.execution.plan_broker import PlanBroker
from strategies.execution.warmup import bars_counted

__all__ = ["PanelCerebro"]


class PanelCerebro(bt.Cerebro):
    """Backtrader's engine over one panel; without a panel, Backtrader's engine.

    The order of events of a bar is Backtrader's: clock, broker, notifications, strategies,
    analyzers, observers. Feeds share one clock, so that a bar costs the same however many
    there are.

    Parameters
    ----------
    panel : Panel, optional
        Becomes one feed an asset, in its order, and a broker for every kind of single order
        (:class:`PanelBroker`). None: ordinary feeds and Backtrader's own broker.
    account : Account, optional
        Over the same panel: whole plans are traded on it (:class:`PlanBroker`) instead of
        single orders.
    **params
        Those of bt.Cerebro. ``stdstats`` is False by default where there is an account.

    Raises
    ------
    UserError
        At the latest when the run starts, if something is asked for that a panel cannot serve:
        other feeds, resampling, replaying, live data, cheat-on-close, another broker.
    """

    params = (("stdstats", None),)

    def __init__(self, panel: Panel | None = None, account: Account | None = None) -> None:
        super().__init__()
        self.panel = panel
        if self.p.stdstats is None:
            self.p.stdstats = account is None
        if panel is None:
            return
        self.clock = Clock(panel.dates)
        self.datas = self._feeds = PanelFeeds(panel, self.clock, self)
        self.datasbyname = FeedsByName(self.datas)
        if account is None:
            self.broker = PanelBroker(panel=panel, clock=self.clock)
        else:
            self.broker = PlanBroker(account=account, clock=self.clock)

    def adddata(self, data, name=None):
        """Backtrader's own without a panel; refused with one.

        Raises
        ------
        UserError
            If there is a panel.
        """
        if self.panel is None:
            return super().adddata(data, name)
        called = name or getattr(data, "_name", "") or type(data).__name__
        if getattr(data, "replaying", 0):
            raise _refusal(f"replaying ({called})")
        if getattr(data, "resampling", 0):
            raise _refusal(f"resampling ({called})")
        if isinstance(data, PanelFeed):
            raise UserError(f"feed {called} is there already", "a panel brings its own feeds")
        raise UserError(
            f"feed {called!r} runs on another clock than the panel's",
            "put its bars into the panel, or run the strategy on bt.Cerebro",
        )

    def run(self, **kwargs):
        """Backtrader's own, after a look at what was asked for.

        Strategies that read columns of the panel instead of feeds (``reads_feeds = False``)
        are given the first feed only while Backtrader makes them; all are there for who asks.
        """
        if self.panel is None:
            return super().run(**kwargs)
        self._refuse(kwargs)
        if self._feeds_are_unread():
            self.datas = self._feeds[:1]
        try:
            with patient_collector():
                return super().run(**kwargs)
        finally:
            self.datas = self._feeds

    def runstrategies(self, iterstrat, predata=False):
        """Backtrader's own; feeds of a panel are not loaded, so nothing is loaded beforehand."""
        if self.panel is None:
            return super().runstrategies(iterstrat, predata)
        self.clock.row = -1
        return super().runstrategies(iterstrat, False)

    def stop_writers(self, runstrats) -> None:
        """Without a writer there is nothing to ask every feed and analyzer for."""
        if self.panel is None or self.runwriters:
            super().stop_writers(runstrats)

    def _refuse(self, asked: dict[str, Any]) -> None:
        """Name what a panel cannot serve."""
        if asked.get("live", self.p.live):
            raise _refusal("live data")
        if asked.get("oldsync", self.p.oldsync):
            raise _refusal("oldsync")
        broker = self.broker
        if not isinstance(broker, PanelBroker | PlanBroker):
            raise UserError(
                f"the broker {type(broker).__name__} cannot be served over a panel",
                "set cash, commission, slippage and so on with the methods of cerebro.broker",
            )
        if broker.p.coc:
            raise _refusal("cheat-on-close, a fill at a price already known,")
        if isinstance(broker, PlanBroker) and (
            broker.p.coo or asked.get("cheat_on_open", self.p.cheat_on_open)
        ):
            raise _refusal("cheat-on-open, a look at the close of a bar that opens, with plans")

    def _feeds_are_unread(self) -> bool:
        """Whether no strategy or observer reads feeds while it is made."""
        if self._dooptimize or self.p.stdstats or self.observers or self.writers or self.signals:
            return False
        classes = [entry[0] for choices in self.strats for entry in choices]
        return bool(classes) and all(not getattr(one, "reads_feeds", True) for one in classes)

    def _runonce(self, runstrats) -> None:
        if self.panel is None:
            super()._runonce(runstrats)
            return
        for strategy in runstrats:
            strategy._once()
            strategy.reset()
        steps = IndicatorSteps(self.clock, runstrats)
        self._walk(runstrats, _Mode(bt.Strategy._oncepost_open, steps.decide, tells=False))

    def _runnext(self, runstrats) -> None:
        if self.panel is None:
            super()._runnext(runstrats)
            return
        # Bar by bar for the indicators; the panel is in memory either way.
        self._walk(runstrats, _NEXT)
        if not self._event_stop:
            self._datanotify()
            self._storenotify()

    def _walk(self, runstrats, mode: _Mode) -> None:
        """Go through the rows of the panel in Backtrader's order of events."""
        hidden, self.datas = self.datas, self._feeds
        _show(self._feeds, runstrats)
        for strategy in runstrats:
            # Backtrader adds a copy of each order, for each time it was told, to a list that
            # nothing reads: most of the memory of a long run, and of the time to manage it.
            strategy._orders = deque(maxlen=0)
        try:
            with bars_counted(self.panel, runstrats) as count_to:
                for row in self._rows(runstrats):
                    if mode.tells:
                        self._storenotify()
                        self._datanotify()
                    self.clock.row = row
                    count_to(row)
                    self._step(runstrats, mode)
                    if self._event_stop:
                        return
        finally:
            self.datas = hidden

    def _step(self, runstrats, mode: _Mode) -> None:
        """One row, broken off where a stop is asked for."""
        now = float(self.clock.numbers[self.clock.row])
        if mode.tells:
            self._dtmaster = self._udtmaster = bt.num2date(now)
            self._datanotify()
        if self._event_stop:
            return
        self._check_timers(runstrats, now, cheat=True)
        if self.p.cheat_on_open:
            for strategy in runstrats:
                mode.open(strategy)
                if self._event_stop:
                    return
        self._brokernotify()
        if self._event_stop:
            return
        self._check_timers(runstrats, now, cheat=False)
        for strategy in runstrats:
            mode.decide(strategy, now)
            if self._event_stop:
                return
            self._next_writers(runstrats)

    def _rows(self, runstrats) -> Iterable[int]:
        """The rows to walk through: all that have a bar, or those that anybody waits for.

        Plans fill, and carry accrues, on every row of an account. Between two rows that
        somebody waits for it settles all of them together, with the same result.
        """
        if isinstance(self.broker, PanelBroker):
            return np.flatnonzero(self.panel.tradable.any(axis=1)).tolist()
        self.broker.listened = hears_orders(runstrats)
        everything = range(self.clock.rows)
        if self._timers or self._timerscheat or self.runwriters or follows_bars(runstrats):
            return everything
        return sorted({everything[-1], *wake_rows(runstrats)})


class _Mode(NamedTuple):
    """How strategies are called at a bar, and whether stores and feeds tell anything."""

    open: Callable[[bt.Strategy], None]
    decide: Callable[[bt.Strategy, float], None]
    tells: bool


_NEXT = _Mode(bt.Strategy._next_open, lambda strategy, _: strategy._next(), tells=True)


def _show(feeds: PanelFeeds, strategies: Iterable[bt.Strategy]) -> None:
    """Give strategies and analyzers the feeds that were hidden while they were made."""
    for strategy in strategies:
        if len(strategy.datas) != len(feeds):
            strategy.datas = feeds
            for analyzer in strategy.analyzers:
                analyzer.datas = feeds


def _refusal(what: str) -> UserError:
    return UserError(
        f"{what} cannot be served over a panel",
        "run the script on bt.Cerebro, or leave it out: docs/backtrader.md says why",
    )
