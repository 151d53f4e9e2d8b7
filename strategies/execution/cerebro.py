"""A Cerebro that steps the clock of a panel instead of every feed."""

from __future__ import annotations

import backtrader as bt

from feeds.errors import UserError
from feeds.panel import Panel
from feeds.panel_feed import Clock, PanelFeed, make_feeds
from strategies.execution.account import Account
from strategies.execution.broker import PanelBroker

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
        self.broker = PanelBroker(account=account, clock=self.clock)

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
        clock = self.clock
        for row, number in enumerate(clock.numbers.tolist()):
            clock.row = row
            self._check_timers(runstrats, number, cheat=True)
            self._brokernotify()
            if self._event_stop:
                return
            self._check_timers(runstrats, number, cheat=False)
            for strategy in runstrats:
                strategy._oncepost(number)
                if self._event_stop:
                    return
                self._next_writers(runstrats)
