"""Ordinary strategies see the same on a panel as on Backtrader's own feeds: rarely used corners."""

from __future__ import annotations

import datetime as dt
import inspect
import warnings

import backtrader as bt
import numpy as np
import pytest

from tests.ordinary.engines import PANEL_NAMES, PANELS, adding, bars, run_both
from tests.ordinary.record import Logged


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel)


class ByName(Logged):
    """Finds datas and positions by name, and reads them by every alias that Backtrader makes."""

    def prepare(self):
        self.average = bt.ind.SMA(self.data1_close, period=3)
        self.note("names", list(self.getdatanames()), list(self.dnames), self.data1._name)
        self.note("alias", self.dnames.A02 is self.data2, self.getdatabyname("A01") is self.data1)
        self.note("index", [self.datas.index(data) for data in self.datas[:1]], len(self.datas))

    def trade(self):
        data = self.data1
        self.note("reads", data[0], data.lines[0][0], data.l.close[0], self.data1_close[0])
        self.note(
            "reads", self.data0_0[0], self.data_close[0], data.lines.volume[0], data.line_1[0]
        )
        self.note("times", data.datetime.datetime(-1), data.datetime.time(0), data.datetime.dt())
        self.note(
            "times", data.datetime.tm(), data.datetime.tm_raw(), data.num2date(data.datetime[0])
        )
        self.note("about", data._timeframe, data._compression, data._name, data.islive(), data.csv)
        self.note(
            "about", data.p.sessionstart, data.p.sessionend, data.date2num(dt.date(2020, 1, 1))
        )
        self.note("interest", data.openinterest[0], data.openinterest.get(size=2))
        self.note("windows", data.close.get(size=3), data.get(size=2), data.close.get(ago=-1))
        self.buy(data="A01", size=1)
        self.order_target_size(data="A02", target=len(self) % 3)
        self.note("held", self.getpositionbyname("A01").size, sorted(self.positionsbyname))
        self.note("held", self.getposition(self.data2).size, self.position.size)


@pytest.mark.parametrize("how", [{}, {"runonce": False}])
def test_names_and_aliases(how, panel):
    assert run_both(panel, adding(ByName), how, stdstats=False).calls("held") > 20


class Compensated(Logged):
    """Orders of one data that trade the position of another."""

    def trade(self):
        if len(self) == 1:
            self.data1.compensate(self.data0)
        if len(self) % 4 == 0:
            self.buy(self.data0, size=4)
        elif len(self) % 4 == 2:
            self.sell(self.data1, size=3)


def test_a_data_that_compensates_another(panel):
    assert run_both(panel, adding(Compensated)).calls("trade") > 1


class Checking(Logged):
    """Switches the check on submission off while orders wait for it, and on again."""

    def trade(self):
        n = len(self)
        self.buy(self.datas[n % 2], size=1)
        if n == 12:
            self.broker.set_checksubmit(False)
        elif n == 20:
            self.broker.set_checksubmit(True)


def test_the_check_on_submission_switched_off_and_on(panel):
    run_both(panel, adding(Checking), stdstats=False)


class Held(Logged):
    """Writes into a position itself, as scripts do that start from holdings of their own."""

    def start(self):
        super().start()
        self.broker.getposition(self.data0).update(5, 90.0)

    def trade(self):
        if len(self) == 15:
            self.broker.getposition(self.data1).set(3, 80.0)
        elif len(self) == 25:
            self.close(self.data0)


def test_positions_written_by_hand(panel):
    run_both(panel, adding(Held), stdstats=False)


@pytest.mark.parametrize("how", [{}, {"runonce": False}])
def test_a_second_run_starts_anew(how, panel):
    def build(cerebro, base):
        cerebro.addstrategy(ByName, base=base)
        cerebro.run(**how)

    run_both(panel, build, how, stdstats=False)


@pytest.mark.parametrize("how", [{"runonce": False}, {"exactbars": -1}])
def test_optimisation_bar_by_bar(how, panel):
    class Short(Logged):
        params = (("period", 3),)

        def prepare(self):
            self.average = bt.ind.SMA(self.data0, period=self.p.period)

        def trade(self):
            self.order_target_percent(self.data0, 0.5 if self.data0 > self.average else 0.0)

    def build(cerebro, base):
        cerebro.optstrategy(Short, base=[base], period=[2, 5])
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)

    run_both(panel, build, {"maxcpus": 1, "optreturn": False, **how}, stdstats=False)


class Swing(bt.Strategy):
    """At module level, because processes are given it by name."""

    params = (("period", 3),)

    def __init__(self):
        self.average = bt.ind.SMA(self.data0, period=self.p.period)

    def next(self):
        self.order_target_percent(self.data0, 0.5 if self.data0 > self.average else 0.0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("optdatas", [True, False])
def test_optimisation_on_several_processors(optdatas, panel):
    def build(cerebro, base):
        cerebro.optstrategy(Swing, period=[2, 3, 5, 8])
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addanalyzer(bt.analyzers.TimeReturn)

    seen = run_both(panel, build, {"maxcpus": 2, "optdatas": optdatas}, stdstats=False)
    assert len(seen.strategies) == 4


def test_a_time_zone(panel):
    run_both(panel, adding(ByName), {"tz": "Asia/Tokyo"}, stdstats=False)


def test_a_fund_history(panel):
    days = panel.dates.astype(object)
    history = [[days[at], 1.0 + at / 100, 10_000.0 + 10 * at] for at in (0, 10, 20, 30)]

    def build(cerebro, base):
        cerebro.add_fund_history = cerebro.set_fund_history = None
        cerebro._fhistory = [list(entry) for entry in history]
        cerebro.addstrategy(Compensated, base=base)

    run_both(panel, build, {"runonce": False}, stdstats=False)


def test_a_session_on_which_nothing_trades_has_no_bar(make_panel):
    given = bars(make_panel, (40, 3), late=[(1, 5)])
    close, more = given.close.copy(), {}
    close[[0, 1, 14, 15, 39]] = np.nan
    for name in ("high", "low", "volume"):
        more[name] = getattr(given, name).copy()
        more[name][[0, 1, 14, 15, 39]] = np.nan
    open = given.open.copy()
    open[[0, 1, 14, 15, 39]] = np.nan
    panel = make_panel(close, open, **more)
    seen = run_both(panel, adding(Checking))
    assert seen.calls("cashvalue") == 35


class Coupled(Logged):
    """Lines of datas with different bars, brought onto one clock."""

    def prepare(self):
        self.coupled = self.data3.close()
        self.ratio = self.data0.close / self.data3.close()
        self.shifted = self.data1(-1)
        self.average = bt.ind.SMA(self.ratio, period=3)

    def trade(self):
        self.note("ratio", self.ratio[0], self.coupled[0], self.average[0], self.shifted[0])


@pytest.mark.parametrize("how", [{}, {"runonce": False}])
def test_lines_brought_onto_one_clock(how, panel):
    run_both(panel, adding(Coupled), how, stdstats=False)


class AtCallbacks(Logged):
    """Orders from every place where a script can put one in."""

    def notify_order(self, order):
        super().notify_order(order)
        if order.status == order.Completed and order.executed.size == 2:
            self.sell(order.data, size=1, exectype=bt.Order.Stop, price=order.executed.price)

    def notify_trade(self, trade):
        super().notify_trade(trade)
        if trade.isclosed and len(trade.data) % 2:
            self.buy(trade.data, size=2)

    def notify_cashvalue(self, cash, value):
        super().notify_cashvalue(cash, value)
        if len(self) % 9 == 5 and len(self.data0):
            self.buy(self.data0, size=2)

    def nextstart(self):
        self.buy(self.data1, size=2)
        super().nextstart()

    def trade(self):
        if len(self) % 6 == 0:
            self.close(self.data0)

    def stop(self):
        super().stop()
        self.note("last", self.buy(self.data0, size=1).ref - self.p.base[0])


@pytest.mark.parametrize("how", [{}, {"quicknotify": True}, {"runonce": False}])
def test_orders_from_every_callback(how, panel):
    assert run_both(panel, adding(AtCallbacks), how).calls("trade") > 5


class Notified(Logged):
    def notify_store(self, message, *args, **kwargs):
        self.note("store", f"{len(self)} {message} {args} {kwargs}")

    def notify_data(self, data, status, *args, **kwargs):
        self.note("data", f"{len(self)} {data._name} {status} {args}")

    def trade(self):
        if len(self) == 9:
            self.data0.put_notification(self.data0.DELAYED, "late")


def mailbox():
    """A store that has something to say; Backtrader keeps one store a class."""

    class Mailbox(bt.Store):
        def start(self, data=None, broker=None):
            super().start(data, broker)
            self.put_notification("hello", 1, key="value")

    return Mailbox()


@pytest.mark.parametrize("how", [{}, {"runonce": False}])
def test_messages_of_stores_and_datas(how, panel):
    def build(cerebro, base):
        cerebro.addstore(mailbox())
        cerebro.addstrategy(Notified, base=base)

    run_both(panel, build, how, stdstats=False)


def indicators():
    """Every indicator of Backtrader's that takes one data and no argument."""
    found = {}
    for name in sorted(vars(bt.ind)):
        kind = getattr(bt.ind, name)
        if inspect.isclass(kind) and issubclass(kind, bt.Indicator) and kind is not bt.Indicator:
            found.setdefault(kind, name)
    return sorted(found.values())


class One(Logged):
    params = (("kind", ""),)

    def prepare(self):
        kind = getattr(bt.ind, self.p.kind)
        self.made = kind(self.data3) if not issubclass(kind, TWO) else kind(self.data3, self.data0)


#: These compare two datas.
TWO = (bt.ind.CrossOver, bt.ind.CrossUp, bt.ind.CrossDown)


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", [{}, {"runonce": False}])
def test_every_indicator(how, make_panel):
    panel = bars(make_panel, (150, 4), late=[(1, 9)], ended=[(2, 90)], holed=[3])
    ran = []
    for name in indicators():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                run_both(panel, adding(One, kind=name), how, stdstats=False)
                ran.append(name)
            except AssertionError:
                raise
            except Exception:
                # Needs arguments, or fails on these data on vanilla, which runs first.
                continue
    assert len(ran) > 100, ran
