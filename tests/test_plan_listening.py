"""A broker of plans reads as any other, and who listens to it changes nothing."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds.errors import UserError
from strategies.execution import plan_orders
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import FixedCommission
from strategies.execution.costs import Carry
from strategies.execution.plan_orders import split_fee
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import LOT, make_account, make_plan
from tests.plan_listener import COMPLETED, NAN, Listener, account_over, flat, listen, to_units

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


def test_a_fund_starts_at_its_start_value(make_panel):
    panel = flat(make_panel, np.full((2, 1), 10.0))
    broker = PanelCerebro(panel, make_account(panel, cash=7.0)).broker
    assert 7.0 / (7.0 / 100.0) != 100.0  # what its shares would make of it
    assert broker.fundvalue == 100.0 and broker.fundshares == 7.0 / 100.0


def test_strategies_do_not_keep_what_they_were_told(make_panel):
    panel = flat(make_panel, np.full((4, 3), 10.0))
    listener = listen(panel, {0: [1.0, 2.0, 3.0]}, strategies=2)
    assert len(listener.orders) == 9 and len(listener._orders) == 0


def test_open_orders_are_listed_while_they_wait(make_panel):
    close = np.full((4, 2), 10.0)
    close[1:3, 1] = NAN
    seen = []

    class Watcher(Listener):
        def next(self):
            super().next()
            live, copies = self.broker.get_orders_open(), self.broker.get_orders_open(safe=True)
            assert live == copies and all(map(lambda a, b: a is not b, live, copies))
            seen.append([(order.data._name, order.status) for order in copies])

    panel = flat(make_panel, close)
    cerebro = PanelCerebro(panel, make_account(panel))
    cerebro.addstrategy(Watcher, plans={0: to_units(0, [1.0, 2.0])})
    cerebro.run()
    both = [("A00", bt.Order.Submitted), ("A01", bt.Order.Submitted)]
    assert seen == [both, [("A01", bt.Order.Accepted)], [("A01", bt.Order.Accepted)], []]


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


def test_what_an_account_did_before_the_run_is_no_news(make_panel):
    panel = flat(make_panel, [[10.0], [11.0], [12.0], [12.0]])
    account = make_account(panel)
    account.step(0)
    account.submit(make_plan(account, 0, [20.0]))
    account.step(1)
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(Listener, plans={2: to_units(2, [0.0])})
    listener = cerebro.run()[0]
    assert [order.size for order in listener.made] == [-20.0] and len(listener.orders) == 3
    assert listener.made[0].executed.pnl == 20.0  # 20 x (12 - 11)


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


def busy_plans(rng, panel, rows, units):
    """Random targets, long and short, some too large for the account."""
    columns = panel.shape[1]
    return {row: rng.normal(0.0, units, columns) * (rng.random(columns) < 0.7) for row in rows}


@settings(
    derandomize=True,
    max_examples=18,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["open", "close"]),
    st.sampled_from([None, 0.02, 0.5]),
    st.sampled_from([LOT, 1.0, 40.0]),
    st.sampled_from([30.0, 400.0]),
)
def test_listening_changes_nothing(make_panel, seed, instant, rate, lot, units):
    rng = np.random.default_rng(seed)
    close = 10.0 * np.exp(np.cumsum(rng.normal(0.0, 0.1, (40, 5)), axis=0))
    close[rng.random(close.shape) < 0.15] = NAN
    close[0] = 10.0
    close[25:, 2] = NAN
    volume = np.where(np.isfinite(close), rng.integers(0, 2000, close.shape).astype(float), NAN)
    reasons = np.array(["unknown"] * 5)
    panel = make_panel(close, close * 1.01, end_reason=reasons, volume=volume)
    plans = busy_plans(rng, panel, range(0, 37, 4), units)

    def account():
        zeros = np.zeros(5)
        carry = Carry(zeros + 0.05, zeros, 0.02, 0.01)
        options = {"commission": FixedCommission(0.5), "slippage": BpsSlippage(20), "margin": 0.4}
        options |= {"cash": 3000.0, "carry": carry, "stale_after": 5, "participation_rate": rate}
        return account_over(panel, **options)

    quiet = account()
    for row in range(40):
        quiet.step(row)
        if row in plans:
            quiet.submit(make_plan(quiet, row, plans[row], instant=instant, lot=lot))
    heard = account()
    cerebro = PanelCerebro(panel, heard)
    targets = {row: to_units(row, units, instant, lot=lot) for row, units in plans.items()}
    cerebro.addstrategy(Listener, plans=targets)
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


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.one_of(st.just(0.0), st.floats(1e-6, 1e6)),
    st.floats(1e-9, 1e9),
    st.floats(1e-9, 1e9),
    st.sampled_from([1, -1]),
)
def test_the_two_parts_of_a_fee_add_up_to_the_last_bit(fee, closed, opened, sign):
    parts = split_fee(fee, sign * closed, sign * opened)
    assert sum(parts) == fee and min(parts) >= 0
    assert parts[0] == pytest.approx(fee * closed / (closed + opened), rel=1e-9, abs=1e-9 * fee)
    assert split_fee(fee, sign * closed, 0.0) == (fee, 0.0)
    assert split_fee(fee, 0.0, sign * opened) == (0.0, fee)
