"""What listeners hear of the tickets of plans: the life of an order, and its trades."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import FixedCommission
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import events_of, make_account
from tests.plan_listener import (
    ACCEPTED,
    COMPLETED,
    NAN,
    PARTIAL,
    SUBMITTED,
    Listener,
    at_close,
    flat,
    life,
    listen,
    only,
    to_units,
)

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


def test_a_plan_for_what_is_being_liquidated_is_rejected_too(make_panel):
    """Its columns are those of the liquidation: it is told apart by what came first."""
    close = [[10.0, 5.0], [10.0, 5.0], [22.0, 5.0], [22.0, 5.0], [22.0, 5.0]]
    listener = liquidated(make_panel, close, {0: [-60.0, 0.0], 2: [-30.0, 0.0]})
    assert [(row, status) for row, status, _ in life(listener, "A00")[3:]] == [
        (2, SUBMITTED),
        (3, SUBMITTED),
        (3, "Rejected"),
        (3, ACCEPTED),
        (3, COMPLETED),
    ]
    assert listener.broker.account.position.tolist() == [0.0, 0.0]


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
