"""Ordinary strategies see the same on a panel as on Backtrader's own feeds: ways to run Cerebro."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import pytest

from tests.ordinary.engines import PANEL_NAMES, PANELS, adding, bars, run_both
from tests.ordinary.record import Logged
from tests.ordinary.scripts import Counting, Cross, Delays, Rotation, Weekly


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel)


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.exhaustive)


@pytest.mark.parametrize(
    "strategy", [Rotation, slow(Cross), slow(Delays)], ids=lambda one: one.__name__
)
@pytest.mark.parametrize(
    "how",
    [
        {"runonce": False},
        {"preload": False},
        {"exactbars": -1},
        {"exactbars": -2},
        {"quicknotify": True},
        {"tradehistory": True},
        {"objcache": True},
    ],
    ids=lambda how: "=".join(map(str, *how.items())),
)
def test_nothing_differs_however_cerebro_runs(strategy, how, make_panel):
    run_both(PANELS["late, ended and holed"](make_panel), adding(strategy), how)


def test_nothing_differs_where_only_the_bars_needed_are_kept(make_panel):
    """Backtrader keeps as many bars as the indicators need, and the strategy asks for no more."""
    run_both(bars(make_panel, (60, 3)), adding(Cross), {"exactbars": 1})


def test_late_assets_hold_up_a_strategy_as_ever(make_panel):
    """`prenext` until the last asset has the bars that its indicators need."""
    panel = bars(make_panel, (60, 3), late=[(2, 20)])
    seen = run_both(panel, adding(Cross))
    # First bar in row 20, slow average of 11 bars in row 30, and one more to see it cross: 31.
    assert (seen.calls("prenext"), seen.calls("nextstart"), seen.calls("next")) == (31, 1, 29)


def test_several_strategies_in_one_cerebro(panel):
    def build(cerebro, base):
        first = cerebro.addstrategy(Cross, base=base)
        cerebro.addstrategy(Counting, base=base)
        cerebro.addstrategy(Weekly, base=base)
        cerebro.addsizer(bt.sizers.FixedSize, stake=2)
        cerebro.addsizer_byidx(first, bt.sizers.PercentSizer, percents=15)

    seen = run_both(panel, build)
    assert all(one.calls["order"] for one in seen.strategies)


class HalfOfCash(bt.Sizer):
    """A sizer of the user's own."""

    def _getsizing(self, comminfo, cash, data, isbuy):
        if not isbuy:
            return self.broker.getposition(data).size
        return int(0.5 * cash / data.close[0])


class SizedBySizer(Logged):
    def trade(self):
        data = self.datas[len(self) % len(self.datas)]
        if self.getposition(data).size:
            self.sell(data)
        else:
            self.buy(data)


@pytest.mark.parametrize(
    ("sizer", "given"),
    [
        (bt.sizers.FixedSize, {"stake": 7}),
        (bt.sizers.FixedReverser, {"stake": 3}),
        slow(bt.sizers.FixedSizeTarget, {"stake": 4}),
        (bt.sizers.PercentSizer, {"percents": 30}),
        slow(bt.sizers.AllInSizer, {}),
        slow(bt.sizers.AllInSizerInt, {}),
        slow(bt.sizers.PercentSizerInt, {"percents": 25}),
        (HalfOfCash, {}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_sizers(sizer, given, panel):
    def build(cerebro, base):
        cerebro.addstrategy(SizedBySizer, base=base)
        cerebro.addsizer(sizer, **given)

    assert run_both(panel, build).calls("trade") > 2


class Signal(bt.Indicator):
    lines = ("signal",)

    def __init__(self):
        self.lines.signal = self.data - bt.ind.SMA(self.data, period=6)


@pytest.mark.parametrize("kind", ["LONGSHORT", "SHORT", slow("LONG"), slow("LONG_INV")])
@pytest.mark.parametrize("accumulate", [False, True])
def test_signals(kind, accumulate, panel):
    def build(cerebro, base):
        cerebro.add_signal(getattr(bt, f"SIGNAL_{kind}"), Signal)
        cerebro.add_signal(bt.SIGNAL_LONGEXIT, bt.ind.CrossOver, cerebro.datas[0], 101.0)
        cerebro.signal_accumulate(accumulate)
        cerebro.signal_concurrent(accumulate)
        cerebro.addanalyzer(bt.analyzers.Transactions)
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addanalyzer(bt.analyzers.TimeReturn)

    seen = run_both(panel, build)
    assert seen.count("analyzer transactions") == 1 and len(seen.lines[2]) > 100


def test_timers_of_cerebro(panel):
    def build(cerebro, base):
        cerebro.addstrategy(Weekly, base=base)
        cerebro.add_timer(bt.timer.SESSION_START, strats=True, weekdays=[2], weekcarry=True)
        cerebro.add_timer(
            bt.timer.SESSION_END, offset=dt.timedelta(hours=-1), strats=True, monthdays=[10]
        )
        cerebro.add_timer(bt.timer.SESSION_START, strats=True, cheat=True, repeat=dt.timedelta(1))

    # One timer a day of Cerebro's (the cheating one), and those of the days.
    assert run_both(panel, build).calls("timer") > 90


class Stops(Logged):
    """Ends the run itself, in the middle of it."""

    def trade(self):
        self.buy(self.data0, size=1)
        if len(self) == 30:
            self.env.runstop()


def test_runstop(panel):
    assert run_both(panel, adding(Stops)).calls("next") == 30 - 7 * (len(set(panel.age[0])) > 1)


class Opens(Logged):
    """Orders before the open of the day they fill on."""

    def trade(self):
        self.note("seen", repr(self.data0.close[0]))

    def next_open(self):
        super().next_open()
        data = self.datas[len(self) % 2]
        if self.getposition(data).size:
            self.close(data)
        else:
            self.buy(data, size=int(2000 / data.open[0]))


@pytest.mark.parametrize("how", [{}, {"runonce": False}, {"broker_coo": False}])
def test_cheat_on_open(how, panel):
    assert run_both(panel, adding(Opens), how, cheat_on_open=True).calls("order") > 30


class Lengths(Logged):
    params = (("fast", 3), ("slow", 9))

    def prepare(self):
        self.cross = bt.ind.CrossOver(
            bt.ind.EMA(self.data0, period=self.p.fast), bt.ind.EMA(self.data0, period=self.p.slow)
        )

        if (self.p.fast, self.p.slow) == (3, 9):
            raise bt.errors.StrategySkipError

    def trade(self):
        self.order_target_percent(self.data0, target=0.3 * self.cross[0])


@pytest.mark.parametrize("optreturn", [True, False])
def test_optimisation_on_one_processor(optreturn, panel):
    def build(cerebro, base):
        cerebro.optstrategy(Lengths, base=[base], fast=[2, 3], slow=[7, 9])
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addanalyzer(bt.analyzers.TimeReturn)
        cerebro.optcallback(lambda results: finished.append(len(results)))

    finished = []
    seen = run_both(panel, build, {"maxcpus": 1, "optreturn": optreturn}, stdstats=False)
    assert len(seen.strategies) == 3 and finished == [1, 1, 1, 0] * 2, "one of four is skipped"


def test_a_script_can_be_run_twice(panel):
    """Backtrader runs the same Cerebro again, with cash and orders as they were left."""

    def build(cerebro, base):
        cerebro.addstrategy(Counting, base=base)
        cerebro.run()

    run_both(panel, build)
