"""Orders for tickets that fill in parts, or that no rounding has touched."""

from __future__ import annotations

import backtrader as bt
import numpy as np

from strategies.execution.account import Plan
from strategies.execution.basket import Basket
from tests.plan_listener import (
    ACCEPTED,
    COMPLETED,
    NAN,
    PARTIAL,
    SUBMITTED,
    flat,
    life,
    listen,
    only,
    to_units,
)


def test_a_ticket_that_is_cancelled_before_its_asset_is_listed(make_panel):
    close = np.full((5, 2), 10.0)
    close[:4, 1] = NAN
    panel = flat(make_panel, close)
    listener = listen(panel, {0: [10.0, 20.0], 1: [10.0, 0.0]})
    assert life(listener, "A01") == [(1, SUBMITTED, 0), (1, ACCEPTED, 0), (2, "Canceled", 0)]
    # It is dated by the session, since the asset has no bar yet.
    assert listener.orders[-1].executed.dt == bt.date2num(panel.dates[1].item())


def test_a_ticket_that_fills_in_parts(make_panel):
    """10 % of 300, 200, nothing and 1,000 traded: 30, 20 and the last 30 of 80."""
    volume = np.array([[500.0, 300.0, 200.0, 0.0, 1000.0]]).T
    panel = flat(make_panel, [[10.0], [10.0], [13.0], [13.0], [12.0]], volume=volume)
    listener = listen(panel, {0: [80.0]}, participation_rate=0.1)
    assert life(listener, "A00")[1:] == [
        (1, ACCEPTED, 0),
        (1, PARTIAL, 30.0),
        (2, PARTIAL, 50.0),
        (4, COMPLETED, 80.0),
    ]
    done = only(listener.made).executed
    assert [(bit.size, bit.price) for bit in done.exbits] == [
        (30.0, 10.0),
        (20.0, 13.0),
        (30.0, 12.0),
    ]
    assert (done.price, done.pprice, done.remsize) == (11.5, 11.5, 0.0)  # 920 / 80
    # Each told fill lists its own execution as new; the trade opens once.
    told = [[bit.size for bit in order.executed.iterpending()] for order in listener.orders[2:]]
    assert told == [[30.0], [20.0], [30.0]]
    assert [(row, status) for row, _, status, _ in listener.trades] == [(1, "Open")]


def test_parts_for_which_there_is_no_cash_are_cancelled_at_the_end(make_panel):
    """400 buy 40 at 10: 30, 10 of the next 30, and nothing of the last 20."""
    panel = flat(make_panel, np.full((6, 1), 10.0), volume=np.full((6, 1), 300.0))
    listener = listen(panel, {0: to_units(0, [80.0], lot=1.0)}, cash=400.0, participation_rate=0.1)
    assert [(row, status) for row, status, _ in life(listener, "A00")[2:]] == [
        (1, PARTIAL),
        (2, PARTIAL),
        (3, "Canceled"),
    ]
    assert only(listener.made).executed.size == 40.0


def test_a_basket_given_by_hand(make_panel):
    """A plan that no make_basket has rounded: 0.1 + 0.2 of a lot, filled whole."""
    panel = flat(make_panel, np.full((3, 1), 10.0))
    one = np.array([0.1 + 0.2])
    basket = Basket(np.array([0]), np.zeros(1), one, np.array([1e-8]))
    listener = listen(panel, {0: Plan(0, basket, "open")})
    order = only(listener.made)
    assert (order.getstatusname(), order.executed.remsize) == (COMPLETED, 0.0)
