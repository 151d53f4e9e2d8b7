"""What listeners hear of plans: orders, trades, positions and fund value over an account."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from feeds.errors import UserError
from strategies.execution import plan_orders
from strategies.execution.account import Plan
from strategies.execution.basket import Basket
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import FixedCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import events_of, make_account, make_plan

NAN = float("nan")
SUBMITTED, ACCEPTED, PARTIAL, COMPLETED = "Submitted", "Accepted", "Partial", "Completed"


class Listener(bt.Strategy):
    """Submits plans on some rows and writes down whatever it is told."""

    params = (("plans", None),)

    def __init__(self):
        self.orders, self.trades, self.heard, self.funds, self.made = [], [], [], [], []

    @property
    def row(self):
        return self.broker.p.clock.row

    def notify_order(self, order):
        done = order.executed
        self.heard.append((self.row, order.data._name, order.getstatusname(), done.size))
        self.orders.append(order)

    def notify_trade(self, trade):
        self.trades.append((self.row, trade.data._name, trade.status_names[trade.status], trade))

    def notify_fund(self, cash, value, fundvalue, shares):
        self.funds.append((cash, value, fundvalue, shares))

    def prenext(self):
        self.next()

    def next(self):
        plan = self.p.plans.get(self.row)
        if plan is not None:
            plan = plan(self.broker.account) if callable(plan) else plan
            self.made += self.broker.submit_plan(plan)


def listen(panel, plans, *, analyzers=(), strategies=1, **account):
    """Run `plans`, {row: units (N,) or a plan}, before a listener; the listener."""
    book = make_account(panel, **account)
    given = {
        row: plan if isinstance(plan, Plan) or callable(plan) else to_units(row, plan)
        for row, plan in plans.items()
    }
    cerebro = PanelCerebro(panel, book)
    cerebro.addstrategy(Listener, plans=given)
    for _ in range(strategies - 1):
        cerebro.addstrategy(Listener, plans={})
    for analyzer, options in analyzers:
        cerebro.addanalyzer(analyzer, **options)
    return cerebro.run()[0]


def to_units(row, units, instant="open", **lot):
    return lambda account: make_plan(account, row, units, instant=instant, **lot)


def at_close(row, units):
    return to_units(row, units, "close")


def life(listener, name):
    """(row, status, executed size) of each notification about one asset."""
    return [(row, status, size) for row, of, status, size in listener.heard if of == name]


def orders_of(listener, name, status):
    return [
        order
        for order in listener.orders
        if order.data._name == name and order.getstatusname() == status
    ]


def only(found):
    assert len(found) == 1
    return found[0]


def flat(make_panel, close, **fields):
    """A panel whose opens are its closes, but traded."""
    close = np.array(close, dtype=float)
    return make_panel(close, close.copy(), **fields)


# The life of an order


def test_an_order_that_fills_whole(make_panel):
    panel = make_panel([[10.0], [12.0], [13.0]], [[9.0], [11.0], [14.0]])
    listener = listen(panel, {0: [50.0]}, cash=1000.0, commission=FixedCommission(2.0))
    assert life(listener, "A00") == [
        (1, SUBMITTED, 0),
        (1, ACCEPTED, 0),
        (1, COMPLETED, 50.0),
    ]
    order = only(listener.made)
    assert order is not listener.orders[-1] and order == listener.orders[-1]
    assert isinstance(order, bt.BuyOrder) and order.exectype == bt.Order.Market
    assert order.owner is listener and order.data is listener.data
    assert (order.size, order.created.size, order.created.price) == (50.0, 50.0, 10.0)
    assert order.created.dt == bt.date2num(panel.dates[0].item())
    assert (order.info.reason, order.executed.remsize) == ("rebalance", 0.0)
    done = order.executed
    assert (done.size, done.price, done.comm, done.pnl) == (50.0, 11.0, 2.0, 0.0)
    assert done.value == 550.0
    assert (done.dt, done.psize, done.pprice) == (bt.date2num(panel.dates[1].item()), 50.0, 11.0)
    assert (len(done), order.comminfo) == (1, listener.broker.getcommissioninfo(listener.data))
    assert listener.broker.get_orders_open() == []


def test_a_plan_at_the_close_makes_close_orders(make_panel):
    panel = flat(make_panel, [[10.0], [12.0], [13.0]])
    listener = listen(panel, {0: at_close(0, [-20.0])})
    order = only(listener.made)
    assert isinstance(order, bt.SellOrder) and order.exectype == bt.Order.Close
    assert (order.size, order.p.size, order.executed.price) == (-20.0, 20.0, 12.0)


def test_reductions_are_told_first(make_panel):
    panel = flat(make_panel, np.full((5, 3), 10.0))
    listener = listen(panel, {0: [20.0, 0.0, 30.0], 2: [40.0, 25.0, 0.0]})
    first = [(name, status) for row, name, status, _ in listener.heard if row == 1]
    assert first == [(n, s) for s in (SUBMITTED, ACCEPTED, COMPLETED) for n in ("A00", "A02")]
    # The sale of A02 pays for the two others; all are accepted before any fills.
    second = [(name, status) for row, name, status, _ in listener.heard if row == 3]
    names = ("A02", "A00", "A01")
    assert second == [(n, s) for s in (SUBMITTED, ACCEPTED, COMPLETED) for n in names]
    refs = [order.ref for order in listener.made]
    assert refs == list(range(refs[0], refs[0] + 5))


def test_what_the_scale_factor_leaves_out_is_cancelled(make_panel):
    # 1,000 buy 40 of 25, not the 50 that were asked for at 20: a gap.
    panel = flat(make_panel, [[20.0], [25.0], [25.0]])
    listener = listen(panel, {0: [50.0]}, cash=1000.0)
    assert life(listener, "A00") == [
        (1, SUBMITTED, 0),
        (1, ACCEPTED, 0),
        (1, PARTIAL, pytest.approx(40.0)),
        (1, "Canceled", pytest.approx(40.0)),
    ]
    order = only(listener.made)
    assert order.executed.remsize == pytest.approx(10.0) and order.executed.size > 39.99
    # The trade is opened once, by what was filled.
    assert [(row, status) for row, _, status, _ in listener.trades] == [(1, "Open")]
    assert listener.trades[0][3].size == order.executed.size


def test_an_increase_of_which_nothing_is_left_meets_a_margin_call(make_panel):
    # One lot of 100 units costs 1,000 more than there is.
    panel = flat(make_panel, [[10.0, 10.0], [20.0, 10.0], [20.0, 10.0]])
    listener = listen(panel, {0: to_units(0, [100.0, 0.0], lot=100.0)}, cash=1000.0)
    assert life(listener, "A00") == [(1, SUBMITTED, 0), (1, ACCEPTED, 0), (1, "Margin", 0)]
    assert listener.trades == [] and listener.broker.account.position.tolist() == [0.0, 0.0]
    assert only(listener.made).executed.dt == bt.date2num(panel.dates[1].item())


def test_a_ticket_that_waits_for_a_bar_stays_accepted_until_it_fills(make_panel):
    close = np.full((6, 2), 10.0)
    close[1:4, 1] = NAN
    listener = listen(flat(make_panel, close), {0: [10.0, 20.0]})
    assert life(listener, "A00")[-1] == (1, COMPLETED, 10.0)
    assert life(listener, "A01") == [(1, SUBMITTED, 0), (1, ACCEPTED, 0), (4, COMPLETED, 20.0)]
    assert listener.made[1].created.dt == bt.date2num(listener.broker.account.panel.dates[0].item())


def test_a_new_plan_cancels_what_waits(make_panel):
    close = np.full((6, 2), 10.0)
    close[1:4, 1] = NAN
    listener = listen(flat(make_panel, close), {0: [10.0, 20.0], 2: [15.0, 5.0]})
    assert life(listener, "A01") == [
        (1, SUBMITTED, 0),
        (1, ACCEPTED, 0),
        (3, "Canceled", 0),
        (3, SUBMITTED, 0),
        (3, ACCEPTED, 0),
        (4, COMPLETED, 5.0),
    ]
    assert life(listener, "A00")[3:] == [(3, SUBMITTED, 0), (3, ACCEPTED, 0), (3, COMPLETED, 5.0)]


def test_open_orders_are_listed_while_they_wait(make_panel):
    close = np.full((4, 2), 10.0)
    close[1:3, 1] = NAN
    seen = []

    class Watcher(Listener):
        def next(self):
            super().next()
            seen.append([(o.data._name, o.status) for o in self.broker.get_orders_open(safe=True)])

    panel = flat(make_panel, close)
    cerebro = PanelCerebro(panel, make_account(panel))
    cerebro.addstrategy(Watcher, plans={0: to_units(0, [1.0, 2.0])})
    cerebro.run()
    both = [("A00", bt.Order.Submitted), ("A01", bt.Order.Submitted)]
    assert seen == [both, [("A01", bt.Order.Accepted)], [("A01", bt.Order.Accepted)], []]


def test_a_ticket_in_an_asset_that_is_not_listed_yet(make_panel):
    close = np.full((5, 2), 10.0)
    close[:3, 1] = NAN
    listener = listen(flat(make_panel, close), {0: [10.0, 20.0]})
    assert life(listener, "A01") == [(1, SUBMITTED, 0), (1, ACCEPTED, 0), (3, COMPLETED, 20.0)]
    assert listener.made[1].created.price is None


# Trades


def test_a_change_of_side_closes_one_trade_and_opens_another(make_panel):
    """Long 40 at 10, then -60 at 15: closes 40 (pnl 200) and opens a short of 20.

    The one fee of 3 is split 40:20, so 2 and 1.
    """
    panel = flat(make_panel, [[10.0], [10.0], [15.0], [15.0], [12.0], [12.0]])
    listener = listen(
        panel, {0: [40.0], 1: [-20.0], 3: [0.0]}, cash=1000.0, commission=FixedCommission(3.0)
    )
    bit = only(listener.made[1].executed.exbits)
    assert (bit.size, bit.price, bit.closed, bit.opened) == (-60.0, 15.0, -40.0, -20.0)
    assert (bit.closedvalue, bit.openedvalue) == (400.0, -300.0)  # 40 x 10; -20 x 15
    assert (bit.closedcomm, bit.openedcomm, bit.pnl) == (2.0, 1.0, 200.0)
    assert (bit.psize, bit.pprice) == (-20.0, 15.0)
    told = [(row, status, t.size, t.price, t.pnl) for row, _, status, t in listener.trades]
    assert told == [
        (1, "Open", 40.0, 10.0, 0.0),
        (2, "Closed", 0.0, 10.0, 200.0),
        (2, "Open", -20.0, 15.0, 0.0),
        (4, "Closed", 0.0, 15.0, 60.0),  # -20 x (12 - 15)
    ]
    # Fees: 3 + 2 on the long, 1 + 3 on the short.
    assert [t.pnlcomm for *_, t in listener.trades if t.isclosed] == [195.0, 56.0]
    # All of it is in cash: 1,000 + 195 + 56.
    assert listener.broker.getcash() == pytest.approx(1251.0, abs=1e-9)


def test_entry_prices_are_averages(make_panel):
    """20 at 10, 20 more at 20 (average 15), 10 sold at 30 with 2 % slippage in the price."""
    panel = flat(make_panel, [[10.0], [10.0], [20.0], [30.0], [30.0]])
    read = []

    class Reader(Listener):
        def next(self):
            super().next()
            read.append((self.position.size, self.position.price))
            assert self.getposition(self.data).size == self.broker.account.position[0]
            assert self.broker.getposition(self.data) is self.position

    cerebro = PanelCerebro(panel, make_account(panel, slippage=BpsSlippage(200)))
    plans = {row: to_units(row, [units]) for row, units in enumerate((20.0, 40.0, 30.0))}
    cerebro.addstrategy(Reader, plans=plans)
    listener = cerebro.run()[0]
    average = (20 * 10 * 1.02 + 20 * 20 * 1.02) / 40
    assert read == [
        (0.0, 0.0),
        (20.0, 10.2),
        (40.0, pytest.approx(average)),
        (30.0, pytest.approx(average)),
        (30.0, pytest.approx(average)),
    ]
    # Sold at 29.4: 10 x (29.4 - 15.3)
    assert listener.made[2].executed.pnl == pytest.approx(141.0)
    assert listener.position.datetime.date() == panel.dates[3].item()


def test_a_delisting_closes_its_trade(make_panel):
    """20 units bought at 10 vanish at their last mark of 8 x (1 - 30 %) = 5.6: pnl -88."""
    close = [[10.0, 10.0], [10.0, 10.0], [8.0, 10.0], *[[NAN, 10.0]] * 4]
    panel = flat(make_panel, close, end_reason=np.array(["unknown", "data_end"]))
    listener = listen(panel, {0: [20.0, 0.0]}, stale_after=3)
    assert life(listener, "A00")[3:] == [
        (5, SUBMITTED, 0),
        (5, ACCEPTED, 0),
        (5, COMPLETED, -20.0),
    ]
    order = listener.orders[-1]
    assert (order.info.reason, order.executed.price) == ("delisting", pytest.approx(5.6))
    assert order.executed.dt == bt.date2num(panel.dates[2].item())  # its last bar
    assert [status for *_, status, _ in listener.trades] == ["Open", "Closed"]
    assert listener.trades[1][3].pnl == pytest.approx(-88.0)
    assert order.owner is listener


def test_a_delisting_cancels_the_ticket_that_waits(make_panel):
    close = np.full((9, 2), 10.0)
    close[2:, 0] = NAN
    listener = listen(flat(make_panel, close), {0: [20.0, 0.0], 2: [0.0, 5.0]}, stale_after=4)
    # Row 5 is the fourth session without a bar.
    assert [(row, status) for row, status, _ in life(listener, "A00")[3:]] == [
        (3, SUBMITTED),
        (3, ACCEPTED),
        (5, SUBMITTED),
        (5, ACCEPTED),
        (5, COMPLETED),
        (5, "Canceled"),
    ]
    assert [order.info.reason for order in listener.orders[-2:]] == ["delisting", "rebalance"]
    told = [(row, name, status) for row, name, status, _ in listener.trades]
    assert told == [(1, "A00", "Open"), (3, "A01", "Open"), (5, "A00", "Closed")]


def liquidated(make_panel, close, plans, **options):
    """A short of 60 at 10 on 1,000: value 1,000 - 60 (p - 10) against a margin of 15 p."""
    return listen(flat(make_panel, close), plans, cash=1000.0, **options)


def test_a_liquidation_appears_as_orders(make_panel):
    """At 22 the value is 280 and the margin 330: all is closed at the next close, of 23."""
    close = [[10.0, 5.0], [10.0, 5.0], [22.0, 5.0], [23.0, 5.0], [23.0, 5.0]]
    listener = liquidated(make_panel, close, {0: [-60.0, 0.0]})
    assert life(listener, "A00")[3:] == [
        (2, SUBMITTED, 0),
        (3, ACCEPTED, 0),
        (3, COMPLETED, 60.0),
    ]
    order = listener.orders[-1]
    assert (order.info.reason, order.exectype) == ("liquidation", bt.Order.Close)
    assert order.executed.pnl == -780.0  # 60 x (10 - 23)
    assert listener.trades[-1][3].pnl == -780.0 and listener.trades[-1][2] == "Closed"
    assert listener.broker.getvalue() == pytest.approx(220.0)


def test_a_liquidation_cancels_what_waits_and_rejects_new_plans(make_panel):
    close = np.array([[10.0, 5.0, 5.0]] * 7)
    close[2:, 0], close[2:4, 1], close[3, 0] = 22.0, NAN, NAN
    plans = {0: [-60.0, 0.0, 0.0], 1: [-60.0, 8.0, 0.0], 3: [0.0, 0.0, 4.0]}
    listener = liquidated(make_panel, close, plans)
    # On row 2 A01 has no bar and waits, and the margin breaks.
    assert [(row, status) for row, status, _ in life(listener, "A01")] == [
        (2, SUBMITTED),
        (2, ACCEPTED),
        (2, "Canceled"),
    ]
    # A00 has no bar on row 3: the liquidation waits, and the plan of row 3 is not taken.
    assert [(row, status) for row, status, _ in life(listener, "A00")[3:]] == [
        (2, SUBMITTED),
        (3, ACCEPTED),
        (4, SUBMITTED),
        (4, "Rejected"),
        (4, COMPLETED),
    ]
    assert [(row, status) for row, status, _ in life(listener, "A02")] == [
        (4, SUBMITTED),
        (4, "Rejected"),
    ]
    assert events_of(listener.broker.account, "liquidation") == [(2, -1)]


def test_a_plan_for_an_account_without_value_is_rejected(make_panel):
    # The short of 60 at 10 is worth -3,000 at 50: value -1,400, and it stays below zero.
    close = np.array([[10.0, 5.0]] * 2 + [[50.0, 5.0]] * 4)
    listener = liquidated(make_panel, close, {0: [-60.0, 0.0], 4: at_close(4, [0.0, 3.0])})
    assert not listener.broker.account.is_open
    assert [(row, status) for row, status, _ in life(listener, "A01")] == [
        (5, SUBMITTED),
        (5, "Rejected"),
    ]
    assert listener.broker.get_orders_open() == []


# Analyzers


def test_trade_analyzer_and_transactions(make_panel):
    """10 bought at 10 and sold at 13 (+30); 10 sold short at 20 and covered at 22 (-20)."""
    close = [[10.0, 20.0], [10.0, 20.0], [11.0, 21.0], [13.0, 22.0], [13.0, 22.0]]
    panel = flat(make_panel, close)
    analyzers = [
        (bt.analyzers.TradeAnalyzer, {"_name": "trades"}),
        (bt.analyzers.Transactions, {"_name": "transactions"}),
        (bt.analyzers.TimeReturn, {"_name": "returns", "fund": True}),
    ]
    listener = listen(panel, {0: [10.0, -10.0], 2: [0.0, 0.0]}, analyzers=analyzers)
    trades = listener.analyzers.trades.get_analysis()
    assert (trades.total.total, trades.total.closed) == (2, 2)
    assert (trades.won.total, trades.lost.total) == (1, 1)
    assert (trades.pnl.net.total, trades.won.pnl.max, trades.lost.pnl.max) == (10.0, 30.0, -20.0)
    assert (trades.long.total, trades.short.total, trades.len.average) == (1, 1, 2.0)
    found = listener.analyzers.transactions.get_analysis()
    days = [bt.num2date(bt.date2num(panel.dates[row].item())) for row in (1, 3)]
    assert list(found) == days
    assert [line[:2] for line in found[days[0]]] == [[10.0, 10.0], [-10.0, 20.0]]
    assert [line[:2] for line in found[days[1]]] == [[-10.0, 13.0], [10.0, 22.0]]
    returns = list(listener.analyzers.returns.get_analysis().values())
    # Row 2: +10 and -10; row 3: +20 and -10 of 1,000.
    assert returns == pytest.approx([0.0, 0.0, 0.0, 0.01, 0.0])


def test_fund_value_and_the_rest_of_the_broker(make_panel):
    panel = flat(make_panel, [[10.0, 20.0], [10.0, 20.0], [15.0, 20.0]])
    listener = listen(panel, {0: [20.0, -10.0]}, cash=1000.0)
    broker = listener.broker
    # 1,000 in shares of 100 are 10 of them; +100 on the long.
    assert listener.funds[-1] == (1000.0, 1100.0, 110.0, 10.0)
    assert listener.funds[0] == (1000.0, 1000.0, 100.0, 10.0)
    assert (broker.startingcash, broker.cash, broker.fundvalue) == (1000.0, 1000.0, 110.0)
    # Long 300 and short 200 on 1,100.
    assert broker.get_leverage() == pytest.approx(500 / 1100)
    assert broker.getvalue(mkt=True) == 100.0
    assert [broker.getvalue([data]) for data in listener.datas] == [300.0, -200.0]
    assert broker.getvalue(listener.datas) == 100.0


def test_positions_by_feed_and_by_name(make_panel):
    panel = flat(make_panel, np.full((4, 3), 10.0))
    listener = listen(panel, {0: [0.0, 20.0, -5.0], 1: [0.0, 0.0, -5.0]})
    held = listener.broker.positions
    assert [(data._name, held[data].size) for data in held] == [("A01", 0.0), ("A02", -5.0)]
    assert (len(held), listener.data in held, listener.datas[1] in held) == (2, False, True)
    assert listener.getpositions()[listener.data].size == 0.0
    sizes = {name: position.size for name, position in listener.getpositionsbyname().items()}
    assert sizes == {"A00": 0.0, "A01": 0.0, "A02": -5.0}
    assert listener.getpositionbyname("A02").price == 10.0


def test_positions_on_the_lane_where_nobody_listens(make_panel):
    panel = flat(make_panel, [[10.0], [10.0], [20.0], [30.0], [30.0]])
    account = make_account(panel)
    cerebro = PanelCerebro(panel, account)
    cerebro.clock.row = -1
    for row, units in enumerate((20.0, 40.0, 30.0)):
        cerebro.clock.row = row
        cerebro.broker.next()
        cerebro.broker.submit_plan(make_plan(account, row, [units], instant="open"))
    cerebro.clock.row = 4
    cerebro.broker.next()
    position = cerebro.broker.getposition(cerebro.datas[0])
    assert (position.size, position.price) == (30.0, 15.0)


# Who listens, who does not


def test_nobody_listens_and_no_order_is_made(make_panel, monkeypatch):
    made = []
    monkeypatch.setattr(plan_orders, "make_order", lambda *args, **kwargs: made.append(args))

    class Quiet(bt.Strategy):
        def next(self):
            account = self.broker.account
            if self.broker.p.clock.row in (0, 2):
                units = [5.0 * (1 + self.broker.p.clock.row)]
                assert self.broker.submit_plan(make_plan(account, 0, units)) == []

    panel = flat(make_panel, np.full((5, 1), 10.0))
    account = make_account(panel)
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(Quiet)
    cerebro.run()
    assert account.position.tolist() == [15.0] and made == []
    assert cerebro.broker.get_orders_open() == [] and not cerebro.broker.listened


def test_starting_does_not_make_the_broker_deaf(make_panel):
    panel = flat(make_panel, np.full((2, 1), 10.0))
    broker = PanelCerebro(panel, make_account(panel)).broker
    broker.listened = True
    broker.start()
    assert broker.listened


def test_the_second_strategy_can_own_a_plan(make_panel):
    class Second(Listener):
        def next(self):
            if self.row == 0:
                self.broker.submit_plan(make_plan(self.broker.account, 0, [-60.0]), owner=self)

    panel = flat(make_panel, [[10.0], [10.0], [22.0], [23.0]])
    cerebro = PanelCerebro(panel, make_account(panel))
    cerebro.addstrategy(Listener, plans={})
    cerebro.addstrategy(Second, plans={})
    first, second = cerebro.run()
    # The liquidation of its position is its own, too.
    assert first.heard == [] and [status for *_, status, _ in second.trades] == ["Open", "Closed"]


@pytest.mark.parametrize(
    "call",
    [
        lambda broker, data: broker.buy(None, data, 1),
        lambda broker, data: broker.sell(None, data, 1),
        lambda broker, data: broker.cancel(bt.BuyOrder(data=data, size=1, simulated=True)),
        lambda broker, data: broker.setcash(5.0),
        lambda broker, data: broker.add_cash(5.0),
        lambda broker, data: broker.setcommission(0.01),
        lambda broker, data: broker.addcommissioninfo(None),
        lambda broker, data: broker.set_slippage_perc(0.01),
        lambda broker, data: broker.set_slippage_fixed(0.01),
        lambda broker, data: broker.set_filler(None),
        lambda broker, data: broker.set_fund_history([]),
        lambda broker, data: broker.add_order_history([]),
    ],
)
def test_what_the_account_decides_cannot_be_told_to_the_broker(make_panel, call):
    panel = flat(make_panel, np.full((2, 1), 10.0))
    cerebro = PanelCerebro(panel, make_account(panel))
    with pytest.raises(UserError) as refused:
        call(cerebro.broker, cerebro.datas[0])
    assert str(refused.value).count("\n") <= 2


# The same result, whoever listens


def busy_plans(rng, panel, rows):
    """Random targets, long and short, some too large for the account."""
    columns = panel.shape[1]
    return {row: rng.normal(0.0, 30.0, columns) * (rng.random(columns) < 0.7) for row in rows}


@pytest.mark.parametrize("instant", ["open", "close"])
@pytest.mark.parametrize("seed", range(6))
def test_listening_changes_nothing(make_panel, seed, instant):
    rng = np.random.default_rng(seed)
    close = 10.0 * np.exp(np.cumsum(rng.normal(0.0, 0.1, (60, 7)), axis=0))
    close[rng.random(close.shape) < 0.15] = NAN
    close[0] = 10.0
    close[35:, 2] = NAN
    panel = make_panel(close, close * 1.01, end_reason=np.array(["unknown"] * 7))
    plans = busy_plans(rng, panel, range(0, 55, 6))

    def account():
        zeros = np.zeros(7)
        carry = Carry(zeros + 0.05, zeros, 0.02, 0.01)
        options = {"commission": FixedCommission(0.5), "slippage": BpsSlippage(20), "margin": 0.4}
        return make_account(panel, cash=3000.0, carry=carry, stale_after=5, **options)

    quiet = account()
    for row in range(60):
        quiet.step(row)
        if row in plans:
            quiet.submit(make_plan(quiet, row, plans[row], instant=instant))
    heard = account()
    cerebro = PanelCerebro(panel, heard)
    cerebro.addstrategy(Listener, plans={r: to_units(r, u, instant) for r, u in plans.items()})
    listener = cerebro.run()[0]
    assert heard.cash.hex() == quiet.cash.hex() and heard.value.hex() == quiet.value.hex()
    assert heard.position.tobytes() == quiet.position.tobytes()
    assert repr(heard.journal.fills) == repr(quiet.journal.fills)
    assert repr(heard.journal.events) == repr(quiet.journal.events)
    assert_books_follow_from_orders(listener, heard)


def assert_books_follow_from_orders(listener, account):
    """What the orders did is what the account did, fill by fill, and each order ended once."""
    final = {}
    for order in listener.orders:
        assert order.ref not in final or final[order.ref].alive()
        final[order.ref] = order
    bits = [
        (order.data.column, bit.size, bit.price, bit.comm, bit.closedcomm + bit.openedcomm)
        for order in final.values()
        for bit in order.executed.exbits
    ]
    fills = [
        (column, size, price, fee, fee)
        for _, _, _, *columns, _, fees in account.journal.fills
        for column, size, price, fee in zip(
            *(values.tolist() for values in columns[:3]), fees.tolist(), strict=True
        )
    ]
    assert sorted(bits) == sorted(fills)
    waiting = {order.data.column for order in final.values() if order.alive()}
    assert waiting == set(account.waiting.tolist())
    for data in listener.datas:
        assert listener.getposition(data).size == account.position[data.column]
    for order in final.values():
        done = order.executed
        assert done.size + done.remsize == pytest.approx(order.size)
        if order.getstatusname() == COMPLETED:
            assert done.remsize == 0 and done.size == pytest.approx(order.size)
    # Trades that were closed and those that are open carry all that was won, lost and paid.
    closed = sum(trade.pnlcomm for *_, trade in listener.trades if trade.isclosed)
    still = {}
    for trades in listener._trades.values():
        for trade in trades[0]:
            if trade.isopen:
                still[trade.data.column] = trade
    booked = closed + sum(trade.pnlcomm for trade in still.values())
    paid = sum(float((s * p).sum() + c.sum()) for *_, s, p, _, c in account.journal.fills)
    entry = sum(trade.size * trade.price for trade in still.values())
    assert booked == pytest.approx(entry - paid, abs=1e-6)


def test_a_basket_given_by_hand(make_panel):
    """A plan that no make_basket has rounded: 0.1 + 0.2 of a lot, filled whole."""
    panel = flat(make_panel, np.full((3, 1), 10.0))
    one = np.array([0.1 + 0.2])
    basket = Basket(np.array([0]), np.zeros(1), one, np.array([1e-8]))
    listener = listen(panel, {0: Plan(0, basket, "open")})
    order = only(listener.made)
    assert (order.getstatusname(), order.executed.remsize) == (COMPLETED, 0.0)
