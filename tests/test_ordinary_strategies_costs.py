"""Ordinary strategies see the same on a panel as on Backtrader's own feeds: broker options."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import numpy as np
import pytest

from tests.ordinary.engines import PANEL_NAMES, PANELS, run_both
from tests.ordinary.record import Logged


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel)


class Busy(Logged):
    """Longs, shorts and flips by market, limit, stop and close orders."""

    def trade(self):
        n = len(self)
        data = self.datas[n % len(self.datas)]
        if len(data) < 3:
            return
        rising = data.close[0] > data.close[-1]
        if n % 11 == 0:
            self.close(data)
        elif n % 4 == 0:
            kind, factor = (bt.Order.Limit, 0.99) if rising else (bt.Order.Stop, 1.01)
            valid = dt.timedelta(5)
            self.buy(data, size=6, exectype=kind, price=data.close[0] * factor, valid=valid)
        elif n % 4 == 1:
            kind = bt.Order.Close if rising else bt.Order.Market
            self.sell(data, size=9, exectype=kind)
        else:
            self.order_target_percent(data, target=0.15 if rising else -0.1)


class PerUnit(bt.CommInfoBase):
    """A minimum fee and a price a unit, and interest that depends on the side."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED), ("least", 2.0))

    def _getcommission(self, size, price, pseudoexec):
        return max(self.p.least, abs(size) * self.p.commission)

    def _get_credit_interest(self, data, size, price, days, dt0, dt1):
        return days * price * abs(size) * (0.08 if size < 0 else 0.01) / 365


class Levered(bt.CommInfoBase):
    params = (("stocklike", True), ("leverage", 2.5), ("interest", 0.05), ("commission", 0.1))


class Counted(bt.CommissionInfo):
    """Is told of executions, and sizes by its own rule."""

    params = (("told", None),)

    def confirmexec(self, size, price):
        self.p.told.append((size, price))

    def getsize(self, price, cash):
        return round(cash / price, 2)


def commission(**given):
    return lambda broker: broker.setcommission(**given)


def info(scheme, name=None, **given):
    return lambda broker: broker.addcommissioninfo(scheme(**given), name)


def slippage(kind, amount, **given):
    return lambda broker: getattr(broker, f"set_slippage_{kind}")(amount, **given)


def each(*changes):
    def change(broker):
        for one in changes:
            one(broker)

    return change


def per_asset(broker):
    broker.setcommission(commission=0.002, name="A01")
    broker.setcommission(commission=1.5, margin=None, name="A02", percabs=True, stocklike=True)
    broker.setcommission(
        commission=2.0, margin=20.0, mult=3.0, name="A03", commtype=bt.CommInfoBase.COMM_FIXED
    )


fillers = bt.broker.fillers
BROKERS = {
    "percent": commission(commission=0.001),
    "percent as such": commission(commission=0.1, percabs=False, stocklike=True),
    "fixed": commission(commission=1.25, commtype=bt.CommInfoBase.COMM_FIXED, stocklike=True),
    "futures": commission(commission=2.0, margin=50.0, mult=4.0),
    "futures, automatic margin": commission(commission=0.5, automargin=0.3, mult=2.0, margin=1.0),
    "futures, margin by the multiple": commission(automargin=-1, mult=0.5, margin=1.0),
    "leverage": commission(commission=0.001, leverage=3.0),
    "interest on shorts": commission(interest=0.1),
    "interest on both": commission(interest=0.1, interest_long=True),
    "interest into trades": each(
        commission(interest=0.1, interest_long=True), lambda broker: broker.set_int2pnl(True)
    ),
    "interest apart from trades": each(
        commission(interest=0.3), lambda broker: broker.set_int2pnl(False)
    ),
    "each asset its own": each(commission(commission=0.0005), per_asset),
    "own scheme": info(PerUnit, commission=0.05),
    "own scheme of one asset": info(PerUnit, "A00", commission=0.05),
    "own levered scheme": info(Levered),
    "own sizes": lambda broker: broker.addcommissioninfo(Counted(told=[], commission=0.001)),
    "slippage": slippage("perc", 0.003),
    "slippage, not at the open": slippage("perc", 0.01, slip_open=False),
    "slippage, beyond the bar": slippage("perc", 0.03, slip_out=True),
    "slippage, no fill outside": slippage("perc", 0.02, slip_match=False, slip_limit=False),
    "slippage, limits match": slippage("perc", 0.02, slip_match=False, slip_limit=True),
    "slippage in points": slippage("fixed", 0.4),
    "slippage in points, beyond": slippage("fixed", 4.0, slip_out=True),
    "filler, fixed": lambda broker: broker.set_filler(fillers.FixedSize(size=3)),
    "filler, share of volume": lambda broker: broker.set_filler(fillers.FixedBarPerc(perc=1.0)),
    "filler, by price": lambda broker: broker.set_filler(
        fillers.BarPointPerc(minmov=0.5, perc=30.0)
    ),
    "no check on submission": lambda broker: broker.set_checksubmit(False),
    "shorts use cash": lambda broker: broker.set_shortcash(False),
    "shorts use cash, futures": each(
        commission(commission=1.0, margin=30.0, mult=2.0),
        lambda broker: broker.set_shortcash(False),
    ),
    "fund": lambda broker: broker.set_fundmode(True, 50.0),
    "end of session": lambda broker: broker.set_eosbar(True),
    "little cash": lambda broker: broker.setcash(1500.0),
    "everything": each(
        commission(commission=0.001, interest=0.05, interest_long=True, leverage=2.0),
        slippage("perc", 0.002, slip_out=True),
        lambda broker: broker.set_filler(fillers.FixedBarPerc(perc=2.0)),
        lambda broker: broker.set_int2pnl(True),
        lambda broker: broker.set_checksubmit(False),
    ),
}


@pytest.mark.parametrize("broker", list(BROKERS))
def test_nothing_differs(broker, panel):
    def build(cerebro, base):
        BROKERS[broker](cerebro.broker)
        cerebro.addstrategy(Busy, base=base, early=True)
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)

    seen = run_both(panel, build, stdstats=False)
    assert seen.calls("order") > 40 and seen.count(" Completed ")
    if "filler" in broker:
        assert seen.count(" Partial ")
    if broker == "little cash":
        assert seen.count(" Margin ")


def test_an_own_scheme_is_told_of_the_same_fills(make_panel):
    panel = PANELS["whole"](make_panel, shape=(40, 2))
    told = []

    def build(cerebro, base):
        told.append([])
        cerebro.broker.addcommissioninfo(Counted(told=told[-1], commission=0.001))
        cerebro.addstrategy(Busy, base=base)

    run_both(panel, build)
    assert told[0] == told[1] and len(told[0]) > 10


class Paying(Busy):
    """Cash comes and goes during the run."""

    def trade(self):
        super().trade()
        if len(self) % 13 == 0:
            self.broker.add_cash(500.0 if len(self) % 2 else -800.0)


@pytest.mark.parametrize("fund", [True, False])
def test_cash_added_and_taken(fund, panel):
    def build(cerebro, base):
        cerebro.broker.set_fundmode(fund)
        cerebro.addstrategy(Paying, base=base, early=True)
        cerebro.addobserver(bt.observers.FundValue)
        cerebro.addobserver(bt.observers.FundShares)
        cerebro.addanalyzer(bt.analyzers.TimeReturn, fund=fund)
        cerebro.addanalyzer(bt.analyzers.DrawDown)

    run_both(panel, build)


class Changing(Busy):
    """Commission, slippage and checks are changed while the run goes on."""

    def trade(self):
        super().trade()
        if len(self) == 20:
            self.broker.setcommission(commission=0.01)
            self.broker.set_slippage_perc(0.01)
        elif len(self) == 30:
            self.broker.setcommission(commission=3.0, margin=40.0, name="A00")
            self.broker.set_filler(bt.broker.fillers.FixedSize(size=2))
        elif len(self) == 40:
            self.broker.set_filler(None)
            self.broker.set_checksubmit(False)
        elif len(self) == 45:
            self.broker.setcommission(interest=0.2, name="A01")


def test_options_changed_while_running(panel):
    def build(cerebro, base):
        cerebro.addstrategy(Changing, base=base, early=True)

    run_both(panel, build)


class Paid(Busy):
    """Interest for a time; what was charged goes into the trades that close later."""

    def trade(self):
        super().trade()
        if len(self) == 25:
            self.broker.setcommission(commission=0.001)


def test_interest_that_ends_is_still_in_the_trades_that_close(panel):
    def build(cerebro, base):
        cerebro.broker.setcommission(commission=0.001, interest=0.5, interest_long=True)
        cerebro.broker.set_int2pnl(True)
        cerebro.addstrategy(Paid, base=base, early=True)

    run_both(panel, build, stdstats=False)


def test_all_of_the_cash_and_not_a_cent_more(make_panel):
    """1,000 of cash buy 10 units at 100, which are accepted, and 11 at 100, which are not."""
    close = np.full((6, 2), 100.0)
    panel = make_panel(close, close)

    class Exact(Logged):
        def trade(self):
            if len(self) in (1, 4):
                self.buy(self.datas[len(self) // 4], size=10 if len(self) == 1 else 11)
            elif len(self) == 3:
                self.close(self.data0)

    def build(cerebro, base):
        cerebro.broker.setcash(1000.0)
        cerebro.addstrategy(Exact, base=base)

    seen = run_both(panel, build)
    # The first: submitted, accepted, completed; the closing one too; the last: submitted, refused.
    assert (seen.count(" Completed "), seen.count(" Margin "), seen.calls("order")) == (2, 1, 8)


def test_cheat_on_open_checks_orders_at_the_open(make_panel):
    """10 units at an open of 120 are not paid for by 1,000, whatever the close of 95 says."""
    close = np.full((6, 1), 95.0)
    panel = make_panel(close, np.full((6, 1), 120.0))

    class AtOpen(Logged):
        def next_open(self):
            super().next_open()
            self.buy(size=10)

    def build(cerebro, base):
        cerebro.broker.setcash(1000.0)
        cerebro.addstrategy(AtOpen, base=base)

    seen = run_both(panel, build, cheat_on_open=True)
    # Refused on submission: five orders, the first made at the second bar.
    assert (seen.count(" Accepted "), seen.count(" Margin ")) == (0, 5)


def test_a_broker_made_by_hand_with_options(panel):
    """Options that Backtrader's users give to the broker's class can be set on ours."""

    def build(cerebro, base):
        cerebro.broker.p.slip_fixed, cerebro.broker.p.slip_open = 0.25, True
        cerebro.broker.p.checksubmit = False
        cerebro.addstrategy(Busy, base=base, early=True)

    run_both(panel, build)
