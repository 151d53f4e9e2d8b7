"""Ordinary strategies see the same on a panel as on Backtrader's own feeds: what is reported.

Observers, analyzers of the standard set, and the files of writers, byte for byte.
"""

from __future__ import annotations

import io

import backtrader as bt
import pytest

from tests.ordinary.engines import PANEL_NAMES, PANELS, panel_cerebro, run_both, vanilla_cerebro
from tests.ordinary.record import Logged, new_base

Years = bt.TimeFrame.Years
Months = bt.TimeFrame.Months
Weeks = bt.TimeFrame.Weeks
Days = bt.TimeFrame.Days
NoTimeFrame = bt.TimeFrame.NoTimeFrame


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel, start="2019-11-20")


class Trading(Logged):
    """A cross, a stop for each entry, and shorts in one asset."""

    def prepare(self):
        self.fast = [bt.ind.EMA(data, period=3) for data in self.datas]
        self.slow = [bt.ind.SMA(data, period=7, plotname=f"slow {n}") for n, data in self.named()]
        for average in self.slow:
            average.csv = True

    def named(self):
        return enumerate(self.datas)

    def trade(self):
        for number, data in self.named():
            held = self.getposition(data).size
            up = self.fast[number][0] > self.slow[number][0]
            if up and held <= 0:
                self.order_target_percent(data, target=0.22)
                self.sell(data, size=5, exectype=bt.Order.StopTrail, trailpercent=0.03)
            elif not up and held > 0:
                self.order_target_percent(data, target=-0.1 if number == 0 else 0.0)


ANALYZERS = [
    (bt.analyzers.TradeAnalyzer, {}),
    (bt.analyzers.Transactions, {"headers": True}),
    (bt.analyzers.DrawDown, {}),
    (bt.analyzers.TimeDrawDown, {"timeframe": Weeks}),
    (bt.analyzers.TimeReturn, {}),
    (bt.analyzers.TimeReturn, {"timeframe": Weeks, "_name": "weekly"}),
    (bt.analyzers.TimeReturn, {"timeframe": NoTimeFrame, "_name": "whole"}),
    (bt.analyzers.SharpeRatio, {"timeframe": Days, "riskfreerate": 0.0}),
    (bt.analyzers.SharpeRatio, {"timeframe": Months, "annualize": True, "_name": "monthly"}),
    (bt.analyzers.SharpeRatio_A, {"timeframe": Weeks}),
    (bt.analyzers.SharpeRatio, {"legacyannual": True, "_name": "yearly"}),
    (bt.analyzers.Returns, {}),
    (bt.analyzers.LogReturnsRolling, {"timeframe": Days, "compression": 5}),
    (bt.analyzers.PositionsValue, {"headers": True, "cash": True}),
    (bt.analyzers.GrossLeverage, {}),
    (bt.analyzers.Calmar, {"timeframe": Months}),
    (bt.analyzers.SQN, {}),
    (bt.analyzers.VWR, {"timeframe": Weeks}),
    (bt.analyzers.AnnualReturn, {}),
    (bt.analyzers.PeriodStats, {"timeframe": Weeks}),
    (bt.analyzers.PyFolio, {}),
]


def add_analyzers(cerebro):
    for kind, given in ANALYZERS:
        cerebro.addanalyzer(kind, **given)
    for data in cerebro.datas[::3]:
        cerebro.addanalyzer(bt.analyzers.TimeReturn, data=data, _name=f"of {data._name}")
        cerebro.addanalyzer(
            bt.analyzers.TimeReturn, data=data, timeframe=Months, _name=f"months of {data._name}"
        )


class Own(bt.Analyzer):
    """A user's analyzer, with every hook that there is."""

    def create_analysis(self):
        self.rets = bt.AutoOrderedDict()
        self.seen = []

    def start(self):
        self.seen.append(
            ("start", len(self.datas), self.data._name, self.strategy.broker.getcash())
        )

    def prenext(self):
        self.seen.append(("prenext", len(self), [len(data) for data in self.datas]))

    def nextstart(self):
        self.seen.append(("nextstart", len(self), self.data.close[0]))

    def next(self):
        self.seen.append(("next", len(self), self.data.close[0], self.data1.volume[0]))

    def notify_order(self, order):
        self.seen.append((order.getstatusname(), order.executed.price, len(self)))

    def notify_trade(self, trade):
        self.seen.append((trade.pnlcomm, trade.status, len(self)))

    def notify_cashvalue(self, cash, value):
        self.seen.append((cash, value))

    def notify_fund(self, cash, value, fundvalue, shares):
        self.seen.append((cash, value, fundvalue, shares))

    def stop(self):
        self.rets.seen = self.seen


@pytest.mark.parametrize("how", [{}, {"runonce": False}])
def test_analyzers(how, panel):
    def build(cerebro, base):
        cerebro.broker.setcommission(commission=0.001)
        cerebro.addstrategy(Trading, base=base)
        add_analyzers(cerebro)
        cerebro.addanalyzer(Own)

    seen = run_both(panel, build, how)
    assert seen.count("analyzer ") == len(ANALYZERS) + 2 * 2 + 1
    assert seen.calls("trade") > 10


def test_pyfolio_tables(panel):
    found = []

    def build(cerebro, base):
        cerebro.addstrategy(Trading, base=base)
        cerebro.addanalyzer(bt.analyzers.PyFolio, _name="pf")

    for make in (vanilla_cerebro, panel_cerebro):
        cerebro = make(panel)
        build(cerebro, new_base())
        tables = cerebro.run()[0].analyzers.pf.get_pf_items()
        found.append([repr(table.to_dict()) for table in tables])
    assert found[0] == found[1] and len(found[0]) == 4


OBSERVERS = [
    (bt.observers.Broker, {}),
    (bt.observers.Cash, {}),
    (bt.observers.Value, {}),
    (bt.observers.DrawDown, {}),
    (bt.observers.DrawDownLength, {}),
    (bt.observers.TimeReturn, {}),
    (bt.observers.TimeReturn, {"timeframe": Weeks}),
    (bt.observers.LogReturns, {}),
    (bt.observers.Trades, {"pnlcomm": False}),
    (bt.observers.DataTrades, {}),
    (bt.observers.FundValue, {}),
]


@pytest.mark.parametrize("how", [{}, {"runonce": False}, {"exactbars": -1}])
def test_observers(how, panel):
    def build(cerebro, base):
        cerebro.addstrategy(Trading, base=base)
        for kind, given in OBSERVERS:
            cerebro.addobserver(kind, **given)
        cerebro.addobservermulti(bt.observers.BuySell, barplot=True, bardist=0.02)
        cerebro.addobserver(bt.observers.Benchmark, data=cerebro.datas[0], timeframe=Weeks)

    seen = run_both(panel, build, how)
    # Those that Cerebro adds by itself (Broker, DataTrades, and BuySell for each data) as well.
    assert seen.count("observer Broker.0 ") == 2 and seen.count("observer DrawDown.0 ") == 1
    assert seen.count("observer BuySell.0 ") == 2 * panel.shape[1]


def test_what_cerebro_shows_by_itself(make_panel):
    """The default observers for one data and for several, new and old."""
    for columns in (1, 3):
        panel = PANELS["whole"](make_panel, shape=(40, columns))
        for old in (False, True):
            seen = run_both(
                panel,
                lambda cerebro, base: cerebro.addstrategy(Trading, base=base),
                oldbuysell=old,
                oldtrades=old,
            )
            assert seen.count("observer BuySell.0 ") == columns
            assert seen.count("observer Trades.0 ") == (1 if old or columns == 1 else 0)


@pytest.mark.parametrize(
    "given",
    [{"csv": True}, {"csv": True, "csv_filternan": False, "rounding": 4}, {"csv": False}],
    ids=str,
)
def test_written_files_are_the_same_byte_for_byte(given, panel):
    texts = []
    for make in (vanilla_cerebro, panel_cerebro):
        out = io.StringIO()
        cerebro = make(panel)
        cerebro.addstrategy(Trading, base=new_base())
        cerebro.addwriter(bt.WriterFile, out=out, **given)
        for kind, more in ANALYZERS[:12]:
            cerebro.addanalyzer(kind, **more)
        cerebro.addindicator(bt.ind.RSI, period=5, safediv=True)
        cerebro.run()
        # The one thing that cannot be the same: the number of the first order.
        texts.append([line for line in out.getvalue().splitlines() if "- base:" not in line])
    for vanilla, ours in zip(*texts):
        assert ours == vanilla
    assert len(texts[0]) == len(texts[1]) > 60


class Silent(bt.Strategy):
    def next(self):
        if len(self) == 20:
            self.buy()


def test_the_default_writer_prints_the_same(make_panel, capsys):
    panel = PANELS["late, ended and holed"](make_panel, shape=(40, 4))
    texts = []
    for make in (vanilla_cerebro, panel_cerebro):
        cerebro = make(panel, writer=True)
        cerebro.addstrategy(Silent)
        cerebro.run()
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] and "Silent" in texts[0]


def test_plotting_reads_the_same_lines(make_panel, tmp_path):
    """What `cerebro.plot` is made of: `plotrange`, `getlinealiases` and the arrays of all lines."""
    panel = PANELS["late, ended and holed"](make_panel)
    seen = []
    for make in (vanilla_cerebro, panel_cerebro):
        cerebro = make(panel)
        cerebro.addstrategy(Trading, base=new_base())
        strategy = cerebro.run()[0]
        rows = [repr(list(strategy.lines.datetime.plotrange(0, len(strategy))))]
        for data in strategy.datas:
            rows += [repr(list(data.lines[n].plotrange(0, len(data)))) for n in range(7)]
            rows += [data.getlinealiases(), len(data), data.buflen()]
            rows += [repr(list(data.close.array)), list(data.datetime.plot(0, 3))]
        seen.append(rows)
    assert seen[0] == seen[1]
