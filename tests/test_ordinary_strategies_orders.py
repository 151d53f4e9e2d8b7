"""Ordinary strategies see the same on a panel as on Backtrader's own feeds: kinds of orders."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import pytest

from tests.ordinary.engines import PANEL_NAMES, PANELS, adding, run_both
from tests.ordinary.record import Logged

Order = bt.Order


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel)


class Scripted(Logged):
    """Puts in orders by a rule, on each data in turn, one every third bar."""

    params = (("rule", None),)

    def trade(self):
        if len(self) % 3 == 0:
            data = self.datas[len(self) // 3 % len(self.datas)]
            # A price of an asset that is not listed yet is not for sale.
            if len(data):
                self.p.rule(self, data, len(self))


def buying(n):
    return n % 2 == 0


def at_market(self, data, n):
    order = self.buy if buying(n) else self.sell
    order(data, size=1 + n % 5, exectype=Order.Close if n % 4 == 0 else Order.Market)


def with_limit(self, data, n):
    """Limits good for a time, a number of days, a date, the day, or until cancelled."""
    valid = [
        None,
        dt.timedelta(days=2),
        data.datetime.date(0) + dt.timedelta(days=4),
        data.datetime.datetime(0) + dt.timedelta(hours=60),
        Order.DAY,
        0,
        data.datetime[0] + 3.0,
    ][n // 3 % 7]
    if buying(n):
        self.buy(data, size=3, exectype=Order.Limit, price=data.close[0] * 0.985, valid=valid)
    else:
        self.sell(data, size=2, exectype=Order.Limit, price=data.close[0] * 1.012, valid=valid)


def with_stop(self, data, n):
    if buying(n):
        self.buy(data, size=2, exectype=Order.Stop, price=data.high[0] * 1.005)
    else:
        self.sell(data, size=4, exectype=Order.Stop, price=data.low[0] * 0.99)


def with_stop_and_limit(self, data, n):
    close = data.close[0]
    if buying(n):
        limit = close * (1.0 + 0.01 * (n % 3))
        self.buy(data, size=2, exectype=Order.StopLimit, price=close * 1.01, plimit=limit)
    else:
        limit = close * (1.0 - 0.012 * (n % 3))
        self.sell(data, size=2, exectype=Order.StopLimit, price=close * 0.99, plimit=limit)


def trailing(self, data, n):
    """By amount and by percent, from the close or from a price, both sides."""
    how = {"trailamount": 1.5 + n % 4} if n % 4 else {"trailpercent": 0.02}
    price = None if n % 5 else data.close[0] * 0.99
    order = self.buy if buying(n) else self.sell
    order(data, size=2, exectype=Order.StopTrail, price=price, **how)


def trailing_with_limit(self, data, n):
    how = {"trailamount": 2.0} if n % 4 else {"trailpercent": 0.015}
    close = data.close[0]
    order = self.buy if buying(n) else self.sell
    limit = close * (1.01 if buying(n) else 0.99)
    order(data, size=2, exectype=Order.StopTrailLimit, price=close, plimit=limit, **how)


def cancelling(self, data, n):
    """Each bar's limit takes the place of the one before; some are asked to be cancelled twice."""
    before = getattr(self, "standing", None)
    if before is not None:
        self.cancel(before)
        self.broker.cancel(before)
        self.note("status", before.getstatusname(), before.alive())
    if n % 2:
        self.buy(data, size=1)
    self.standing = self.buy(data, size=2, exectype=Order.Limit, price=data.close[0] * 0.98)


def one_cancels_other(self, data, n):
    close = data.close[0]
    if not self.getposition(data).size:
        first = self.buy(data, size=3, exectype=Order.Limit, price=close * 0.985, note="low")
        self.buy(data, size=3, exectype=Order.Stop, price=close * 1.015, oco=first, note="high")
        self.buy(data, size=1, exectype=Order.Limit, price=close * 0.97, oco=first, note="lowest")
    else:
        size = self.getposition(data).size
        first = self.sell(data, size=size, exectype=Order.Limit, price=close * 1.02)
        self.sell(data, size=size, exectype=Order.Stop, price=close * 0.98, oco=first)


def bracketed(self, data, n):
    """Market and limit entries; children filled, cancelled with the parent, or by hand."""
    close = data.close[0]
    limits = dict(limitprice=close * 1.02, stopprice=close * 0.98)
    if n % 9 == 0:
        main = self.buy_bracket(data=data, size=3, price=close * 0.99, **limits)
        self.kept = main
    elif n % 9 == 3:
        self.buy_bracket(
            data=data, size=2, exectype=Order.Market, limitargs={"note": "profit"}, **limits,
            stopargs={"trailpercent": 0.02}, stopexec=Order.StopTrail,
        )  # fmt: skip
    else:
        self.sell_bracket(
            data=data, size=2, price=close * 1.01, limitprice=close * 0.97, stopprice=close * 1.03
        )
    if n % 18 == 12:
        self.cancel(self.kept[n // 18 % 3])


def children_by_hand(self, data, n):
    """A parent and its children with `transmit`; every other parent cannot be paid."""
    close = data.close[0]
    size = 4 if n % 4 else 100_000
    parent = self.buy(data, size=size, exectype=Order.Market, transmit=False)
    self.sell(data, size=4, exectype=Order.Stop, price=close * 0.97, parent=parent, transmit=False)
    self.sell(data, size=4, exectype=Order.Limit, price=close * 1.03, parent=parent, transmit=True)


def child_too_late(self, data, n):
    """A child for a parent that was sent before: Backtrader sends the parent once more."""
    parent = self.buy(data, size=2)
    self.sell(data, size=1, parent=parent)
    if n % 2:
        self.cancel(parent)


def too_large(self, data, n):
    """Orders that cannot be paid: refused on submission, or at the open that gapped up."""
    cash = self.broker.getcash()
    if n % 4 == 0:
        self.buy(data, size=cash * 1.5 / data.close[0])
    else:
        self.buy(data, size=cash * 0.999 / data.close[0])
        self.buy(self.datas[0], size=1)
    if n % 5 == 0:
        for held in self.datas:
            self.close(held)


def flipping(self, data, n):
    """From long to short in one order, again and again, with fractions."""
    held = self.getposition(data).size
    size = abs(held) * 2 or 1.37
    self.sell(data, size=size) if held > 0 else self.buy(data, size=size)


RULES = [
    at_market, with_limit, with_stop, with_stop_and_limit, trailing, trailing_with_limit,
    cancelling, one_cancels_other, bracketed, children_by_hand, child_too_late, too_large, flipping,
]  # fmt: skip
#: Ways in which an order of the rule should end somewhere in the run.
ENDS = {
    with_limit: ("Expired", "Completed"),
    with_stop: ("Completed",),
    cancelling: ("Canceled", "Completed"),
    one_cancels_other: ("Canceled", "Completed"),
    bracketed: ("Canceled", "Completed"),
    children_by_hand: ("Margin", "Completed", "Canceled"),
    child_too_late: ("Canceled", "Completed"),
    too_large: ("Margin", "Completed"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_nothing_differs(rule, panel):
    seen = run_both(panel, adding(Scripted, rule=rule, early=True), stdstats=False)
    assert seen.calls("order") > 20
    for end in ENDS.get(rule, ("Completed",)):
        assert seen.count(f" {end} "), end


@pytest.mark.parametrize("rule", [trailing, bracketed, too_large], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("how", [{"runonce": False}, {"quicknotify": True}, {"tradehistory": True}])
def test_nothing_differs_however_cerebro_runs(rule, how, make_panel):
    panel = PANELS["late, ended and holed"](make_panel)
    run_both(panel, adding(Scripted, rule=rule, early=True), how, stdstats=False)


@pytest.mark.parametrize("notify", [True, False])
def test_a_history_of_orders(notify, panel):
    """Orders of the past are filled at their prices, on the first bar on or after their day."""
    days = panel.dates.astype(object)
    history = [
        [days[8], 10, 99.5, 0],
        [str(days[20]), -4, 101.25, "A00"],
        (dt.datetime.combine(days[33], dt.time()), -6, 97.0),
    ]
    others = [[days[25], 3, 90.0, "A01"], [days[50], -3, 95.0, 1]]

    def build(cerebro, base):
        cerebro.addstrategy(Logged, base=base)
        cerebro.add_order_history(history, notify=notify)
        cerebro.add_order_history(others, notify=notify)
        for kind in (bt.analyzers.Transactions, bt.analyzers.TradeAnalyzer):
            cerebro.addanalyzer(kind)

    # Five orders; each is told once when accepted and once when filled.
    assert run_both(panel, build).calls("order") == (10 if notify else 0)


def test_positions_opened_in_any_order_are_summed_as_ever(make_panel):
    """The last bit of the value depends on the order in which positions were first looked at."""
    panel = PANELS["whole"](make_panel, shape=(60, 9))

    def rule(self, data, n):
        for number in (7, 2, 8, 0, 5, 3)[n % 4 :: 2]:
            self.order_target_size(self.datas[number], target=(n * number) % 7 / 3.0 - 1)
        self.note("one", repr(self.broker.getvalue([self.datas[n % 9]])))
        self.note("three", repr(self.broker.getvalue(self.datas[3:6], lever=True)))
        self.note("held", *sorted(name for name, p in self.positionsbyname.items() if p))

    run_both(panel, adding(Scripted, rule=rule))


def test_orders_can_be_asked_for_their_state_at_any_time(panel):
    def rule(self, data, n):
        order = self.buy(data, size=2, exectype=Order.Limit, price=data.close[0] * 0.99, tag=n)
        order.addinfo(later=f"x{n}")
        self.note("new", order.info.later, order.info["tag"], order.alive(), order.isbuy())
        self.note("copy", order.clone().executed.remsize, order.getordername(), order == order)
        self.note("submitted", order.plen, order.status, order.valid)
        self.note("open", *(one.created.price for one in self.broker.get_orders_open(safe=True)))
        self.note("all", len(self.broker.orders), str(order.created.plimit))

    run_both(panel, adding(Scripted, rule=rule, early=True))
