"""Indicators that follow a clock show what Backtrader's show, at every moment of a bar."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from feeds.panel_line import PanelLine
from strategies.execution.cerebro import PanelCerebro
from tests.ordinary.engines import (
    PANEL_NAMES,
    PANELS,
    adding,
    assert_same,
    bars,
    run_one,
    vanilla_cerebro,
)
from tests.ordinary.record import Logged
from tests.ordinary.scripts import Cross, Delays, GuardedByLength, ManyIndicators


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel)


class Reading(Logged):
    """Reads its indicators from every place, most of them before the bar's own decision."""

    def prepare(self):
        self.averages = [bt.ind.SMA(data, period=3) for data in self.datas]
        self.of_line = bt.ind.Highest(self.data1.close, period=4)
        self.of_other = bt.ind.EMA(self.averages[0], period=2)
        self.of_both = bt.ind.CrossOver(self.averages[0], self.of_other)
        self.difference = self.data0.close - self.averages[0]
        self.of_difference = bt.ind.SMA(self.difference, period=2)
        self.add_timer(bt.timer.SESSION_START, cheat=True, weekdays=[1, 3])
        self.add_timer(bt.timer.SESSION_END, weekdays=[2, 5])

    def read(self, where):
        each = (*self.averages, self.of_line, self.of_other, self.of_both, self.of_difference)
        shown = [(len(one), one[0], one.lines[0][0]) for one in each if len(one)]
        longer = [one.get(size=2).tolist() for one in each if len(one) > 5]
        before = [one[-1] for one in (*each, self.difference) if len(one) > 5]
        self.note(where, repr(shown), repr(longer), repr(before))

    def next_open(self):
        super().next_open()
        self.read("at the open")
        if len(self) % 3 == 0:
            self.buy(self.data0)

    def notify_timer(self, timer, when, *args, **kwargs):
        super().notify_timer(timer, when, *args, **kwargs)
        self.read("at a timer")

    def notify_order(self, order):
        super().notify_order(order)
        self.read("at an order")

    def notify_cashvalue(self, cash, value):
        super().notify_cashvalue(cash, value)
        self.read("at the value")

    def trade(self):
        self.read("to decide")
        if len(self) % 4 == 0 and len(self.averages[1]):
            self.sell(self.data1, exectype=bt.Order.Limit, price=self.averages[1][0])

    def stop(self):
        super().stop()
        self.read("at the end")


class Sized(bt.Sizer):
    def _getsizing(self, comminfo, cash, data, isbuy):
        self.strategy.read("to size")
        return 2


def both(panel, build, **params):
    vanilla = run_one(vanilla_cerebro(panel, **params), build)
    ours = run_one(PanelCerebro(panel, **params), build)
    assert_same(vanilla.lines, ours.lines)
    return ours


@pytest.mark.parametrize(
    "how", [{}, {"cheat_on_open": True}, {"cheat_on_open": True, "quicknotify": True}], ids=str
)
def test_an_indicator_shows_the_bar_before_until_the_strategy_decides(how, panel):
    def build(engine, base):
        engine.addsizer(Sized)
        engine.addstrategy(Reading, base=base, early=True)

    seen = both(panel, build, **how)
    assert seen.calls("at a timer") > 10 and seen.calls("to size") > 5
    assert seen.calls("at an order") > 20


@pytest.mark.parametrize("strategy", [Cross, Delays, GuardedByLength, ManyIndicators])
def test_strategies_see_the_same(strategy, panel):
    both(panel, adding(strategy, early=strategy is GuardedByLength))


def test_several_strategies_each_have_their_indicators_on_the_clock(panel):
    def build(engine, base):
        engine.addsizer(bt.sizers.FixedSize, stake=3)
        for _ in range(2):
            engine.addstrategy(Reading, base=base)

    assert both(panel, build).calls("to decide") > 40


def test_most_indicators_are_not_stepped_any_more(make_panel):
    """All but the difference of two lines and the average of it."""
    engine = PanelCerebro(bars(make_panel, (20, 3)))
    engine.addstrategy(Reading)
    strategy = engine.run()[0]
    # By identity: lines compare by their values.
    stepped = {id(one) for one in strategy.getindicators() if type(one.lines[0]) is not PanelLine}
    assert stepped == {id(strategy.difference), id(strategy.of_difference)}
    assert type(strategy.of_both.lines[0]) is PanelLine


def test_an_indicator_of_an_asset_not_listed_yet_shows_nothing(make_panel):
    panel = bars(make_panel, (20, 2), late=[(1, 12)])
    reads = []

    class Early(bt.Strategy):
        def __init__(self):
            self.average = bt.ind.SMA(self.data1, period=2)

        def prenext(self):
            if not len(self.average):
                with pytest.raises(IndexError, match="A01: no bar 0 bars from now, it has 0"):
                    self.average[0]
                reads.append(len(self))

        def next(self):
            with pytest.raises(IndexError, match="A01"):
                self.average.get(size=len(self.data1) + 1)

    engine = PanelCerebro(panel)
    engine.addstrategy(Early)
    strategy = engine.run()[0]
    assert reads == list(range(1, 13))
    # The mean of the last two bars.
    assert strategy.average[0] == np.mean(panel.close[-2:, 1])
