"""A Cerebro that steps the clock of a panel instead of every feed."""

from __future__ import annotations

import backtrader as bt

from feeds.errors import UserError
from feeds.panel import Panel
from feeds.panel_feed import Clock, PanelFeed, make_feeds
from strategies.execution.account import Account
from strategies.execution.plan_broker import PlanBroker

__all__ = ["PanelCerebro"]


class PanelCerebro(bt.Cerebro):
    """Backtrader's engine over one panel and one account.

    The order of events of a bar is Backtrader's: clock, broker, notifications, strategies,
    analyzers, observers.

    Parameters
    ----------
    panel : Panel
        Becomes one feed an asset, in its order.
    account : Account
        Becomes the broker.
    """

    params = (("stdstats", False),)

    def __init__(self, panel: Panel, account: Account) -> None:
        super().__init__()
        self.clock = Clock(panel.dates)
        for feed in make_feeds(panel, self.clock):
            super().adddata(feed)
        self.broker = PlanBroker(account=account, clock=self.clock)

    def adddata(self, data, name=None):
        """Refused for feeds of another clock.

        Raises
        ------
        UserError
            If `data` is not a feed of this panel.
        """
        if not isinstance(data, PanelFeed):
            raise UserError(
                f"feed {name or data!r} runs on another clock than the panel's",
                "put its bars into the panel, or run the strategy on bt.Cerebro",
            )
        return super().adddata(data, name)

    def _runnext(self, runstrats) -> None:
        # runonce=False asks to load bars one by one; the panel is in memory either way.
        self._runonce(runstrats)

    def _runonce(self, runstrats) -> None:
        for strategy in runstrats:
            strategy._once()
            strategy.reset()
        rows = self._wake_rows(runstrats)
        numbers = self.clock.numbers.tolist()
        for row in range(len(numbers)) if rows is None else rows:
            self.clock.row = row
            self._check_timers(runstrats, numbers[row], cheat=True)
            self._brokernotify()
            if self._event_stop:
                return
            self._check_timers(runstrats, numbers[row], cheat=False)
            for strategy in runstrats:
                strategy._oncepost(numbers[row])
                if self._event_stop:
                    return
                self._next_writers(runstrats)

    def stop_writers(self, runstrats) -> None:
        """Without a writer there is nothing to ask every feed and analyzer for."""
        if self.runwriters:
            super().stop_writers(runstrats)

    def _wake_rows(self, runstrats) -> list[int] | None:
        """Rows in which anybody acts or listens; None means every row.

        A strategy that says when it wants to be woken (``wake_rows``) sleeps in between, unless
        an indicator, a timer, an observer, a writer or an analyzer that follows each bar is there.
        The broker settles the rows slept through together, with the same result.
        """
        rows: set[int] = {self.clock.rows - 1}
        for strategy in runstrats:
            wanted = getattr(strategy, "wake_rows", None)
            if wanted is None or strategy.getindicators() or list(strategy.observers):
                return None
            if any(map(_follows, strategy.analyzers)):
                return None
            rows.update(wanted)
        return None if self._timers or self._timerscheat or self.runwriters else sorted(rows)


def _follows(analyzer: bt.Analyzer) -> bool:
    """Whether an analyzer has anything to do at a bar."""
    silent = bt.Analyzer
    hooks = (
        "next",
        "prenext",
        "nextstart",
        "notify_cashvalue",
        "notify_fund",
        "notify_order",
        "notify_trade",
        "_next",
        "_prenext",
        "_nextstart",
    )
    return bool(analyzer._children) or any(
        getattr(type(analyzer), hook) is not getattr(silent, hook) for hook in hooks
    )
