"""Without a panel `PanelCerebro` is Backtrader's Cerebro: the same logs for ordinary feeds."""

from __future__ import annotations

import datetime as dt
import inspect

import backtrader as bt
import pandas as pd
import pytest

from strategies.execution.cerebro import PanelCerebro
from tests.ordinary.engines import adding, assert_same, bars, run_one
from tests.ordinary.record import Logged

Weeks = bt.TimeFrame.Weeks


class Trader(Logged):
    """Averages of every data, all kinds of orders in turn."""

    def prepare(self):
        self.average = [bt.ind.SMA(data, period=3) for data in self.datas]

    def trade(self):
        n = len(self)
        number = n % len(self.datas)
        data = self.datas[number]
        self.note("sees", data.close[0], data.open[-1], data.datetime.datetime(0), len(data))
        self.note("window", data.close.get(size=2), data.volume[0], data.openinterest[0])
        if data.close[0] > self.average[number][0]:
            self.buy(data, size=2, exectype=(bt.Order.Market, bt.Order.Close)[n % 2])
        elif n % 3:
            self.sell(data, exectype=bt.Order.Stop, price=data.low[0], valid=dt.timedelta(3))
        else:
            self.order_target_percent(data, target=0.1)


@pytest.fixture
def frames(make_panel):
    """Bars of four assets with gaps of different kinds, one of them on weekdays only."""
    panel = bars(make_panel, (70, 4), late=[(1, 9)], ended=[(2, 45)], holed=[3])
    index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"))
    out = []
    for column in range(4):
        table = {name: getattr(panel, name)[:, column] for name in ("open", "high", "low", "close")}
        frame = pd.DataFrame({**table, "volume": panel.volume[:, column]}, index).dropna()
        out.append(frame if column else frame[frame.index.day_of_week < 5])
    return out


def same_on_both(add, strategy=Trader, run=None, change=None, **params):
    """Run on the two classes; `add` gets the Cerebro and adds its feeds."""
    outcomes = []
    for kind in (bt.Cerebro, PanelCerebro):
        cerebro = kind(**params)
        add(cerebro)
        if change is not None:
            change(cerebro)
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addanalyzer(bt.analyzers.TimeReturn)
        outcomes.append(run_one(cerebro, adding(strategy), run))
    assert_same(outcomes[0].lines, outcomes[1].lines)
    return outcomes[1]


def pandas_feeds(frames, numbers=(0, 1, 2, 3), **given):
    def add(cerebro):
        for number in numbers:
            feed = bt.feeds.PandasData(dataname=frames[number], **given)
            cerebro.adddata(feed, name=f"feed {number}")

    return add


HOW = [
    {},
    {"runonce": False},
    {"preload": False},
    {"exactbars": -1},
    {"oldsync": True},
    {"live": True},
    {"stdstats": False},
    {"tradehistory": True, "quicknotify": True},
    {"cheat_on_open": True},
    {"tz": "Europe/Paris"},
    {"lookahead": 3},
]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_pandas_feeds_of_mixed_calendars(how, frames):
    # The old way to synchronise takes the first data for the clock of all.
    numbers = (1,) if "oldsync" in how else (0, 1, 2, 3)
    assert same_on_both(pandas_feeds(frames, numbers), run=how).calls("order") > 20


def test_feeds_read_from_csv(frames, tmp_path):
    path = tmp_path / "bars.csv"
    frames[1].to_csv(path)

    def add(cerebro):
        cerebro.adddata(
            bt.feeds.GenericCSVData(dataname=str(path), dtformat="%Y-%m-%d", openinterest=-1)
        )

    assert same_on_both(add).calls("order") > 20


def test_resampled_data(frames):
    def add(cerebro):
        feed = bt.feeds.PandasData(dataname=frames[3])
        cerebro.adddata(feed, name="days")
        cerebro.resampledata(feed, name="weeks", timeframe=Weeks)

    assert same_on_both(add).calls("order") > 20
    assert same_on_both(add, run={"runonce": False}).calls("order") > 20


def test_replayed_data(frames):
    def add(cerebro):
        cerebro.replaydata(bt.feeds.PandasData(dataname=frames[1]), timeframe=Weeks)

    assert same_on_both(add).calls("next") > 20


def test_chained_and_rolled_over_data(frames):
    def chain(cerebro):
        halves = frames[1][:30], frames[1][30:]
        cerebro.chaindata(*(bt.feeds.PandasData(dataname=half) for half in halves), name="chained")

    def roll(cerebro):
        halves = frames[1][:30], frames[1][20:]
        cerebro.rolloverdata(
            *(bt.feeds.PandasData(dataname=half) for half in halves), name="rolled"
        )

    assert same_on_both(chain).calls("order") > 20
    assert same_on_both(roll).calls("order") > 20


class Slow(bt.feeds.PandasData):
    """Says that it is live, and of its status."""

    def islive(self):
        return True

    def start(self):
        super().start()
        self.put_notification(self.DELAYED)


def test_live_data(frames):
    def add(cerebro):
        cerebro.adddata(Slow(dataname=frames[1]), name="live")

    class Told(Trader):
        def notify_data(self, data, status, *args, **kwargs):
            self.note("data", data._getstatusname(status))

    assert same_on_both(add, Told).calls("data") == 1


def test_cheat_on_close_and_brokers_of_ones_own(frames):
    def coc(cerebro):
        cerebro.broker.set_coc(True)

    def own(cerebro):
        cerebro.broker = bt.brokers.BackBroker(cash=5000.0, slip_perc=0.01, coc=True)

    for change in (coc, own):
        assert same_on_both(pandas_feeds(frames), change=change).calls("order") > 20


def test_filters_and_feeds_within_dates(frames):
    add = pandas_feeds(
        frames, (1, 3), fromdate=dt.datetime(2020, 1, 20), todate=dt.datetime(2020, 3, 1)
    )

    def change(cerebro):
        cerebro.datas[0].addfilter(bt.filters.HeikinAshi)

    assert same_on_both(add, change=change).calls("order") > 20


def test_optimisation(frames):
    class Periods(Logged):
        params = (("period", 2),)

        def prepare(self):
            self.average = bt.ind.SMA(period=self.p.period)

        def trade(self):
            self.order_target_percent(target=0.5 if self.data > self.average else 0.0)

    for run in ({"maxcpus": 1}, {"maxcpus": 1, "optreturn": False}):
        logs = []
        for kind in (bt.Cerebro, PanelCerebro):
            cerebro = kind()
            pandas_feeds(frames, (1,))(cerebro)
            cerebro.addanalyzer(bt.analyzers.TimeReturn)

            def build(engine, base):
                engine.optstrategy(Periods, base=[base], period=range(2, 5))

            logs.append(run_one(cerebro, build, run).lines)
        assert_same(*logs)
        assert "['OptReturn" in logs[0][0] or "['Periods" in logs[0][0]


def test_the_two_have_the_same_parameters_and_nothing_to_start_with():
    ours, theirs = PanelCerebro(), bt.Cerebro()
    assert dict(ours.p._getkwargs()) == dict(theirs.p._getkwargs())
    assert type(ours.broker) is bt.brokers.BackBroker and ours.datas == [] == ours.run()
    given = PanelCerebro(stdstats=False, tradehistory=True)
    assert (given.p.stdstats, given.p.tradehistory) == (False, True)


def test_what_the_class_overrides_is_passed_by(frames, monkeypatch):
    """Every overridden method hands over to Backtrader's own, once, with the same arguments."""
    own = [
        name
        for name, value in vars(PanelCerebro).items()
        if inspect.isfunction(value) and name in vars(bt.Cerebro) and name != "__init__"
    ]
    called = dict.fromkeys(own, 0)
    for name in own:
        original = getattr(bt.Cerebro, name)

        def counted(self, *args, _name=name, _original=original, **kwargs):
            called[_name] += 1
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(bt.Cerebro, name, counted)
    for how in ({}, {"runonce": False}):
        cerebro = PanelCerebro()
        pandas_feeds(frames, (1, 3))(cerebro)
        run_one(cerebro, adding(Trader), how)
    assert {"adddata", "run", "_runonce", "_runnext"} <= set(own)
    assert all(called[name] for name in own), called
