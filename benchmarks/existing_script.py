"""An ordinary Backtrader script on Backtrader's engine and on the panel's, and what it costs.

python -m benchmarks.existing_script [--data DIR] [--assets 120] [--json]

The strategy is written for `bt.Cerebro` and knows nothing of panels: averages that cross, a
trailing stop for each position, a sizer of its own, notifications and three analyzers over many
assets of the bundled data, some of them listed late. Only :func:`vanilla` and :func:`ours`
differ. Orders, trades, daily values and analyzer results must be equal to the last bit; CPU
time is that of making the feeds and of the run, loading and imports apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from feeds.panel import Panel
from feeds.store import load_dataset
from strategies.execution.cerebro import PanelCerebro

__all__ = ["CrossWithStop", "ShareOfValue", "add_script", "compare", "ours", "vanilla"]

_ANALYZERS = ("TradeAnalyzer", "DrawDown", "TimeReturn")


class ShareOfValue(bt.Sizer):
    """Whole units worth a share of the account's value."""

    params = (("share", 0.02),)

    def _getsizing(self, comminfo, cash, data, isbuy):
        return int(self.p.share * self.broker.getvalue() / data.close[0])


class CrossWithStop(bt.Strategy):
    """Buys an asset whose fast average crosses the slow one upwards; sells at a trailing stop.

    Parameters
    ----------
    fast, slow : int
        Bars of the two averages.
    trail : float
        Distance of the stop from the highest close since entry, a fraction of the price.
    """

    params = (("fast", 20), ("slow", 100), ("trail", 0.15))

    def __init__(self):
        self.cross = {}
        for data in self.datas:
            fast, slow = bt.ind.SMA(data, period=self.p.fast), bt.ind.SMA(data, period=self.p.slow)
            self.cross[data] = bt.ind.CrossOver(fast, slow)
        self.waiting = set()
        self.orders, self.trades, self.values = [], [], []

    def prenext(self):
        # An asset that is not listed yet does not hold up the others.
        self.next()

    def next(self):
        self.values.append((self.datetime.date(0), self.broker.getcash(), self.broker.getvalue()))
        for data, cross in self.cross.items():
            if len(data) <= self.p.slow or data in self.waiting:
                continue
            if cross[0] > 0 and not self.getposition(data).size:
                if self.buy(data=data) is not None:
                    self.waiting.add(data)

    def notify_order(self, order):
        done = order.executed
        self.orders.append(
            (order.data._name, order.getstatusname(), done.dt, done.size, done.price, done.comm)
        )
        if order.alive():
            return
        self.waiting.discard(order.data)
        if order.isbuy() and order.status == order.Completed:
            stop = {"exectype": bt.Order.StopTrail, "trailpercent": self.p.trail}
            self.sell(data=order.data, size=done.size, **stop)

    def notify_trade(self, trade):
        self.trades.append((trade.getdataname(), trade.status, trade.barlen, trade.pnlcomm))


def vanilla(panel: Panel) -> bt.Cerebro:
    """Backtrader's Cerebro, with a feed for each asset."""
    cerebro = bt.Cerebro(stdstats=False)
    index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"))
    fields = ("open", "high", "low", "close", "volume")
    for column, name in enumerate(panel.assets.tolist()):
        bars = pd.DataFrame({field: getattr(panel, field)[:, column] for field in fields}, index)
        feed = bt.feeds.PandasData(dataname=bars[panel.tradable[:, column]])
        cerebro.adddata(feed, name=name)
    return cerebro


def ours(panel: Panel) -> bt.Cerebro:
    """The panel's Cerebro: the feeds are there already."""
    return PanelCerebro(panel, stdstats=False)


def add_script(cerebro: bt.Cerebro, **params: Any) -> None:
    """The script, the same for both."""
    cerebro.broker.setcash(1_000_000.0)
    cerebro.broker.setcommission(commission=0.0005)
    cerebro.broker.set_slippage_perc(0.0005)
    cerebro.addsizer(ShareOfValue)
    cerebro.addstrategy(CrossWithStop, **params)
    for name in _ANALYZERS:
        cerebro.addanalyzer(getattr(bt.analyzers, name))


def seen(strategy: CrossWithStop) -> dict[str, Any]:
    """All that a run showed."""
    analyzers = {name: one.get_analysis() for name, one in strategy.analyzers.getitems()}
    return {
        "orders": strategy.orders,
        "trades": strategy.trades,
        "values": strategy.values,
        "analyzers": analyzers,
    }


def compare(panel: Panel, **params: Any) -> dict[str, Any]:
    """Run the script on both engines.

    Returns
    -------
    dict
        ``cpu_seconds`` by engine, ``ratio``, ``equal`` (which parts of what was seen are equal
        to the last bit), numbers of orders and trades, and the final value.
    """
    seconds, results = {}, {}
    engines: dict[str, Callable[[Panel], bt.Cerebro]] = {
        "bt.Cerebro": vanilla,
        "PanelCerebro": ours,
    }
    for name, make in engines.items():
        started = time.process_time()
        cerebro = make(panel)
        add_script(cerebro, **params)
        strategy = cerebro.run()[0]
        seconds[name] = time.process_time() - started
        results[name] = seen(strategy)
    expected, found = results.values()
    return {
        "assets": panel.shape[1],
        "sessions": panel.shape[0],
        "cpu_seconds": seconds,
        "ratio": seconds["bt.Cerebro"] / seconds["PanelCerebro"],
        # Representations: they tell every float apart, and NaN is NaN.
        "equal": {part: repr(expected[part]) == repr(found[part]) for part in expected},
        "orders": len(found["orders"]),
        "trades": len(found["trades"]),
        "final_value": found["values"][-1][2],
    }


def choose(panel: Panel, count: int) -> Panel:
    """The assets listed last, coins among them, and from the others every n-th."""
    if count >= panel.shape[1]:
        return panel
    first = panel.tradable.argmax(axis=0)
    late = np.flatnonzero(first > 0)[:count]
    rest = np.setdiff1d(np.arange(panel.shape[1]), late)
    step = np.linspace(0, len(rest) - 1, count - len(late)).astype(int)
    return panel.select(np.sort(np.concatenate([late, rest[step]])))


def main() -> int:
    """Compare and print; the exit code says whether both engines saw the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="data/sp500_crypto", help="folder of a data set")
    parser.add_argument("--assets", type=int, default=120)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    panel = choose(load_dataset(arguments.data).panel, arguments.assets)
    result = compare(panel)
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['assets']} assets x {result['sessions']} sessions, {arguments.data}")
        for name, cpu in result["cpu_seconds"].items():
            print(f"{name:<14} {cpu:8.2f} s CPU")
        print(f"{'ratio':<14} {result['ratio']:8.1f}")
        print(f"{result['orders']} notifications of orders, {result['trades']} of trades")
        for part, same in result["equal"].items():
            print(f"{part:<14} {'equal to the last bit' if same else 'DIFFERENT'}")
    return 0 if all(result["equal"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
