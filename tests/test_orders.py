"""Lean orders against Backtrader's own, attribute by attribute."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import math
import pickle

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from backtrader.order import OrderBase
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.execution.cerebro import PanelCerebro
from strategies.execution.orders import PanelBuyOrder, PanelOrderData, PanelSellOrder, make_order
from tests.engine_case import make_account

BOTH = [(bt.BuyOrder, PanelBuyOrder), (bt.SellOrder, PanelSellOrder)]
RECORDS = ("created", "executed")
#: One execution: dt, size, price, closed, its value and commission, opened, its value and
#: commission, margin, pnl, position size and price.
BIT = (737500.0, 4.0, 50.5, 1.0, 49.0, 0.1, 3.0, 151.5, 0.3, 7.5, 1.5, 3.0, 50.5)


def feed_at(panel, row):
    """The second feed of a panel whose clock stands at `row`."""
    cerebro = PanelCerebro(panel, make_account(panel))
    cerebro.clock.row = row
    feed = cerebro.datas[1]
    feed._start()
    return feed


class Bars:
    """Bars by hand, in `zone`: the least of a feed that an order reads."""

    class Params:
        sessionend = dt.time(16, 0, 0, 250)

    class Line(list):
        _tz = None

        def datetime(self, ago=0, tz=None, naive=True):
            return bt.num2date(self[ago], tz or self._tz, naive)

        def date(self, ago=0):
            return self.datetime(ago).date()

    p = Params()

    def __init__(self, day, zone=None):
        self.close, self.datetime, self._tz = self.Line([51.25]), self.Line([day]), zone
        self.datetime._tz = zone

    def __len__(self):
        return 7

    def date2num(self, day):
        return bt.date2num(self._tz.localize(day) if self._tz is not None else day)


def attributes(thing, skip=()):
    """Everything that can be read from an object and is no method."""
    names = [name for name in dir(thing) if not name.startswith("__") and name not in skip]
    found = {name: getattr(thing, name) for name in names}
    return {name: value for name, value in found.items() if not callable(value)}


def assert_same(ours, theirs):
    """Equal in all but the reference number, and in what only ours has (how it is made)."""
    skip = ("ref", "p", "params", "info", *RECORDS)
    mine, other = attributes(ours, skip), attributes(theirs, skip)
    assert {name: repr(mine[name]) for name in other} == {n: repr(v) for n, v in other.items()}
    assert set(mine) - set(other) <= {"_made", *ours.p._getkeys()}
    assert type(ours.p) is type(theirs.p) and ours.p is ours.params
    assert list(ours.p._getitems()) == list(theirs.p._getitems())
    assert repr(ours.p._getvalues()) == repr(theirs.p._getvalues())
    assert type(ours.info) is type(theirs.info) and ours.info == theirs.info
    for name in RECORDS:
        assert_same_record(getattr(ours, name), getattr(theirs, name))
    # Every parameter that is no attribute of its own reads through, as in Backtrader.
    for name in theirs.p._getkeys():
        assert repr(getattr(ours, name)) == repr(getattr(theirs, name))


def assert_same_record(ours, theirs):
    mine, other = (attributes(record, ("exbits",)) for record in (ours, theirs))
    assert repr(sorted(mine.items())) == repr(sorted(other.items()))
    bits = [[repr(vars(bit)) for bit in record.exbits] for record in (ours, theirs)]
    assert bits[0] == bits[1] and len(ours) == len(theirs)
    assert isinstance(ours.exbits, type(theirs.exbits))
    pending = [[vars(bit) for bit in record.getpending()] for record in (ours, theirs)]
    assert pending[0] == pending[1]


def text_of(order):
    return "\n".join(line for line in str(order).splitlines() if not line.startswith("Ref:"))


amounts = st.sampled_from([None, 0, 0.0, 1.5, 48.0, 51.25, 60.0, 1e-9, math.inf])
valids = st.one_of(
    st.none(),
    st.sampled_from([0, 0.0, 3, 2.5, -1, 737600.25, False, True]),
    st.dates(dt.date(1990, 1, 1), dt.date(2050, 1, 1)),
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2050, 1, 1)),
    st.timedeltas(dt.timedelta(-3), dt.timedelta(400)),
    st.sampled_from(
        [bt.Order.DAY, "2021-01-01", pd.Timestamp("2021-03-04 05:06"), np.float64(3.5)]
    ),
)
arguments = st.fixed_dictionaries(
    {"size": st.sampled_from([1, 10, 0, 0.25, 1e6, np.float64(3.5)])},
    optional={
        "price": amounts,
        "pricelimit": amounts,
        "exectype": st.sampled_from([None, *range(8)]),
        "valid": valids,
        "tradeid": st.integers(0, 3),
        "trailamount": amounts,
        "trailpercent": st.sampled_from([None, 0.0, 0.02]),
        "parent": st.sampled_from([None, "a parent"]),
        "transmit": st.booleans(),
        "histnotify": st.booleans(),
        "simulated": st.booleans(),
        "oco": st.sampled_from([None, "another"]),
    },
)


def made(build):
    """The order, or the kind of error."""
    try:
        return build()
    except (TypeError, ValueError, OverflowError) as error:
        return type(error)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(arguments, st.booleans(), st.sampled_from([737425.0, 737425.5, 737425.99]))
def test_every_attribute_equals_that_of_backtraders_order(options, is_buy, day):
    theirs_of, ours_of = BOTH[not is_buy]
    bars = Bars(day)
    theirs = made(lambda: theirs_of(owner="me", data=bars, **options))
    ours = made(lambda: make_order(ours_of, "me", bars, **options))
    if isinstance(theirs, type):
        assert ours is theirs
        return
    assert_same(ours, theirs)
    assert ours.ref == theirs.ref + 1
    assert text_of(ours) == text_of(theirs)
    assert isinstance(ours, theirs_of)


@pytest.mark.parametrize("theirs_of, ours_of", BOTH)
@pytest.mark.parametrize("exectype", range(8))
def test_every_kind_of_order_on_a_feed_of_the_panel(make_panel, theirs_of, ours_of, exectype):
    feed = feed_at(make_panel(shape=(9, 2)), 4)
    options = {"size": 3, "price": 100.0, "exectype": exectype, "trailamount": 2.0}
    theirs = theirs_of(owner=None, data=feed, **options)
    assert_same(make_order(ours_of, None, feed, **options), theirs)


def test_an_order_on_an_ordinary_feed():
    index = pd.date_range("2021-01-04", periods=3)
    frame = pd.DataFrame(
        {name: [1.0, 2.0, 3.0] for name in ("open", "high", "low", "close")}, index
    )
    data = bt.feeds.PandasData(dataname=frame.assign(volume=1.0))
    data.setenvironment(bt.Cerebro())
    data._start()
    data.next(), data.next()
    for theirs_of, ours_of in BOTH:
        for valid in (None, dt.timedelta(), dt.timedelta(days=1), dt.date(2021, 2, 1), 0, 2):
            theirs = theirs_of(owner=None, data=data, size=1, valid=valid)
            assert_same(make_order(ours_of, None, data, 1, valid=valid), theirs)


def test_the_end_of_the_session_is_that_of_the_bar_it_was_made_on():
    # Made at noon, and at 18:00 when the session of 16:00 is over: the next day's end.
    for day, end in ((737425.5, 737425.0), (737425.75, 737426.0)):
        bars = Bars(day)
        order = make_order(PanelBuyOrder, None, bars, 1)
        theirs = bt.BuyOrder(owner=None, data=bars, size=1)
        bars.datetime[0] = day + 10  # time goes on before anybody asks
        assert order.dteos == theirs.dteos == pytest.approx(end + 16 / 24)
        assert order.clone().dteos == order.dteos


def test_the_end_of_the_session_in_a_time_zone():
    zone = bt.utils.date.tzparse("America/New_York")
    if zone is None or not hasattr(zone, "localize"):
        pytest.skip("no time zones")
    bars = Bars(737425.5, zone)
    theirs = bt.BuyOrder(owner=None, data=bars, size=1, valid=dt.timedelta(days=1))
    ours = make_order(PanelBuyOrder, None, bars, 1, valid=dt.timedelta(days=1))
    assert ours.dteos == theirs.dteos
    assert ours.valid == theirs.valid


def pair(ours_of=PanelBuyOrder, theirs_of=bt.BuyOrder, size=10, **options):
    bars = Bars(737425.0)
    theirs = theirs_of(owner=None, data=bars, size=size, **options)
    return make_order(ours_of, None, bars, size, **options), theirs


def execute(order, *bit):
    order.execute(*bit)
    order.addcomminfo("scheme")


STEPS = {
    "submit": lambda order: order.submit("broker"),
    "accept": lambda order: order.accept("broker"),
    "info": lambda order: order.addinfo(reason="test", nested=1),
    "part": lambda order: execute(order, *BIT),
    "rest": lambda order: execute(order, BIT[0], order.executed.remsize, *BIT[2:]),
    "nothing": lambda order: execute(order, BIT[0], 0.0, *BIT[2:]),
    "cancel": lambda order: order.cancel(),
    "margin": lambda order: order.margin(),
    "reject": lambda order: order.reject("broker"),
    "expire": lambda order: order.expire(),
    "trail": lambda order: order.trailadjust(40.0),
    "activate": lambda order: order.activate(),
    "position": lambda order: order.setposition(3),
}


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(STEPS)), max_size=7),
    st.sampled_from([None, bt.Order.Limit, bt.Order.StopTrail, bt.Order.StopTrailLimit]),
    st.sampled_from(BOTH),
)
def test_the_life_of_an_order_and_of_its_copies(steps, exectype, kinds):
    theirs_of, ours_of = kinds
    options = {"exectype": exectype, "price": 50.0, "pricelimit": 49.0, "trailamount": 1.0}
    ours, theirs = pair(ours_of, theirs_of, valid=737300.0, **options)
    copies = []
    for step in steps:
        results = [made(lambda o=order: STEPS[step](o)) for order in (ours, theirs)]
        assert results[0] == results[1]
        assert ours.alive() == theirs.alive()
        copies.append((ours.clone(), theirs.clone()))
    for mine, other in [(ours, theirs), *copies]:
        assert_same(mine, other)
        assert mine == ours and not mine != ours and mine.ref == ours.ref
        assert type(mine) is ours_of and type(mine.executed) is type(ours.executed)


def test_a_copy_keeps_what_it_saw_and_lists_what_is_new():
    order, _ = pair(size=10)
    first = order.clone()
    order.execute(1.0, 4, 50.0, 0, 0.0, 0.0, 4, 200.0, 0.1, None, 0.0, 4, 50.0)
    second = order.clone()
    order.execute(2.0, 6, 60.0, 0, 0.0, 0.0, 6, 360.0, 0.2, None, 0.0, 10, 56.0)
    third = order.clone()
    assert (first.executed.size, second.executed.size, third.executed.size) == (0, 4, 10)
    assert [
        [bit.size for bit in seen.executed.iterpending()] for seen in (first, second, third)
    ] == [
        [],
        [4],
        [6],
    ]
    assert (second.status, third.status) == (bt.Order.Partial, bt.Order.Completed)
    assert third.executed.price == 56.0  # (4 x 50 + 6 x 60) / 10
    # As Backtrader's shallow copies do: one list of executions, one created record, one info.
    assert first.executed.exbits is order.executed.exbits and first.created is order.created
    first.addinfo(seen=True)
    assert order.info.seen is True
    assert order.info.unknown == {}


def test_orders_compare_by_their_number_and_cannot_be_hashed():
    order, other = pair()
    assert order == order.clone() and order != other and order is not None
    assert order.__eq__(None) is False
    with pytest.raises(TypeError):
        hash(order)


def test_the_number_is_taken_from_backtraders_counter(monkeypatch):
    monkeypatch.setattr(OrderBase, "refbasis", itertools.count(41))
    assert [order.ref for order in reversed(pair())] == [41, 42]


def test_a_feed_without_a_bar_raises_its_own_error(make_panel):
    feed = feed_at(make_panel(np.array([[1.0, np.nan], [1.0, 2.0]])), 0)
    with pytest.raises(IndexError, match="no bar"):
        make_order(PanelBuyOrder, None, feed, 1)


def test_copies_by_copy_and_pickle():
    order, theirs = pair(valid=dt.date(2021, 1, 1))
    order.submit(), order.addinfo(reason="why")
    execute(order, *BIT)
    for twin in (copy.copy(order), pickle.loads(pickle.dumps(order)), copy.deepcopy(order)):
        assert twin == order and type(twin) is PanelBuyOrder
        assert twin.dteos == theirs.dteos and twin.info == {"reason": "why"}
        assert vars(twin.executed.exbits[0]) == vars(order.executed.exbits[0])
        assert twin.p._getvalues()[2:] == order.p._getvalues()[2:]
    assert copy.copy(order).executed is order.executed


def test_a_record_can_be_made_like_backtraders():
    for options in ({}, {"price": 3.0}, {"pricelimit": 2.0}, {"price": 3.0, "pricelimit": 2.0}):
        ours, theirs = PanelOrderData(dt=1.0, size=2, **options), bt.order.OrderData(
            dt=1.0, size=2, **options
        )
        assert_same_record(ours, theirs)
        assert_same_record(ours.clone(), theirs.clone())


def test_copies_of_a_record_share_its_executions_from_the_start():
    record = PanelOrderData(size=2, remsize=2)
    twin = record.clone()
    record.add(1.0, 2, 50.0)
    assert twin.exbits is record.exbits and len(twin) == 1
    assert (twin.size, twin.getpending(), record.size) == (2, [], 4)
