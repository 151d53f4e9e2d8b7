"""Traps of Backtrader's broker: plain Backtrader falls into each, the panel engine does not.

Prices are round, cash is 1,000 and costs are nothing unless a test says otherwise.
"""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from feeds.errors import UserError
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import FixedCommission, PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from strategies.execution.tickets import Tickets
from tests.engine_case import (
    Script,
    add_panel_to,
    events_of,
    fills_of,
    make_account,
    run_account,
    run_vanilla,
)


def at(row, action):
    """`action(strategy, datas)` on one row only."""

    def act(strategy, now):
        if now == row:
            action(strategy, strategy.datas)

    return act


def sizes(account):
    return [(row, name, size) for row, name, _, size, _, _ in fills_of(account)]


def run_ours(panel, act, *, account=None, **options):
    """`act` in a strategy on the panel engine; returns the strategy."""
    cerebro = PanelCerebro(panel, account or make_account(panel), **options)
    cerebro.addstrategy(Script, act=act)
    return cerebro.run()[0]


def test_a_buy_queued_before_the_sale_that_funds_it(make_panel):
    panel = make_panel(np.full((4, 3), 10.0))

    def act(strategy, row):
        first, second, third = strategy.datas
        if row == 0:
            strategy.buy(first, size=100)
        if row == 1:
            strategy.buy(second, size=100)
            strategy.sell(first, size=100)
            strategy.buy(third, size=1)

    vanilla = run_vanilla(panel, act)
    assert [order[1:3] for order in vanilla.orders[1:]] == [
        ("A01", "Margin"),
        # The pretended cash of the refused order stays negative and sinks a later one.
        ("A02", "Margin"),
        ("A00", "Completed"),
    ]
    account = run_account(make_account(panel), {0: [100.0, 0, 0], 1: [0, 99.0, 1.0]})
    assert sizes(account)[1:] == [(2, "A00", -100.0), (2, "A01", 99.0), (2, "A02", 1.0)]


def test_a_gap_up_at_the_open_loses_the_whole_order(make_panel):
    close = np.array([[1.0], [1.03]])
    panel = make_panel(close, close)
    order = at(0, lambda strategy, datas: strategy.order_target_percent(datas[0], 0.98))
    assert run_vanilla(panel, order).orders == [(1, "A00", "Margin", 0, 0.0)]
    # 980 units at 1.03 would be 1,009.40; 1,000 / 1.03 = 970.87 are bought instead, and it is
    # said.
    account = run_account(make_account(panel), {0: [980.0]}, instant="open", lot=1.0)
    assert sizes(account) == [(1, "A00", 970.0)]
    assert events_of(account, "scaled") == [(1, -1)]


def test_checksubmit_off_still_refuses_and_lets_a_cover_overdraw_the_account(make_panel):
    panel = make_panel(np.array([[10.0], [10.0], [40.0], [40.0], [40.0]]))

    def act(strategy, row):
        if row == 0:
            strategy.buy(size=1000)
            strategy.sell(size=100)
        if row == 2:
            strategy.buy(size=100)

    def prepare(cerebro):
        cerebro.broker.set_checksubmit(False)

    vanilla = run_vanilla(panel, act, prepare=prepare)
    assert vanilla.orders[0][2] == "Margin"
    assert vanilla.cash[-1] == -2000.0
    # Ours: margin is checked at each close, so that the short is closed by a liquidation that
    # everybody can see; cash is checked at the fill.
    account = run_account(make_account(panel), {0: [-100.0]})
    assert [fill[2] for fill in fills_of(account)] == ["rebalance", "liquidation"]
    assert events_of(account, "liquidation") == [(2, -1)]


def test_getsize_floors_to_whole_units(make_panel):
    panel = make_panel(np.full((3, 1), 60_000.0), asset_class=["crypto"])
    order = at(0, lambda strategy, datas: strategy.order_target_percent(datas[0], 0.5))
    assert run_vanilla(panel, order, cash=100_000.0).orders == [], "no order and no notice"
    # 50,000 / 60,000 = 0.8333 coins, cut to the step of 1e-8.
    account = run_account(make_account(panel, cash=1e5), {0: [5 / 6]}, lot=1e-8)
    assert sizes(account) == [(1, "A00", pytest.approx(0.83333333, rel=1e-12))]


def test_targets_are_sized_one_by_one_against_a_value_that_moves(make_panel):
    # Both want half. Slippage-free fills at 10, then 12: vanilla's two orders each look at the
    # value of the decision bar, one order at a time, and know nothing of each other.
    panel = make_panel(np.array([[10.0, 10.0], [10.0, 10.0], [12.0, 10.0]]))

    def act(strategy, row):
        if row == 0:
            for data in strategy.datas:
                strategy.order_target_percent(data, 0.8)

    vanilla = run_vanilla(panel, act)
    assert [order[2] for order in vanilla.orders] == ["Margin", "Completed"]
    # One basket: both are scaled by the same factor, 1,000 / 1,600.
    account = run_account(make_account(panel), {0: [80.0, 80.0]})
    assert sizes(account) == [
        (1, "A00", pytest.approx(50.0, rel=1e-8)),
        (1, "A01", pytest.approx(50.0, rel=1e-8)),
    ]


class Peeking(bt.Strategy):
    def __init__(self):
        self.seen = []

    def next_open(self):
        self.seen.append(self.data.close[0])

    def next(self):
        pass


def test_next_open_sees_the_close_to_come_and_is_not_offered_with_plans(make_panel):
    panel = make_panel(np.array([[10.0], [20.0]]), np.array([[9.0], [18.0]]))
    vanilla = bt.Cerebro(stdstats=False, cheat_on_open=True)
    add_panel_to(vanilla, panel)
    vanilla.addstrategy(Peeking)
    assert vanilla.run()[0].seen == [20.0], "the close, before the bar is over"
    ours = PanelCerebro(panel, make_account(panel), cheat_on_open=True)
    ours.addstrategy(Peeking)
    with pytest.raises(UserError, match="cheat-on-open.* with plans"):
        ours.run()


def test_cheat_on_close_is_not_offered(make_panel):
    panel = make_panel(np.array([[10.0], [20.0], [40.0]]))
    buy = at(0, lambda strategy, datas: strategy.buy(datas[0], size=1))
    cheated = run_vanilla(panel, buy, prepare=lambda cerebro: cerebro.broker.set_coc(True))
    assert cheated.orders[0][-1] == 10.0, "the close it was decided on"

    for account in (None, make_account(panel)):
        cerebro = PanelCerebro(panel, account)
        cerebro.broker.set_coc(True)
        cerebro.addstrategy(Script, act=buy)
        with pytest.raises(UserError, match="cheat-on-close"):
            cerebro.run()


def test_shorts_need_no_margin(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    sell = at(0, lambda strategy, datas: strategy.sell(datas[0], size=1_000_000))
    vanilla = run_vanilla(panel, sell)
    assert vanilla.orders[0][2:4] == ("Completed", -1_000_000), "10,000,000 short on 1,000"
    # 1,000 must be more than 25 % of what is short, so less than 4,000: 399 of 10.
    account = run_account(make_account(panel), {0: [-1e6]}, lot=1.0)
    assert sizes(account) == [(1, "A00", -399.0)]


def test_short_interest_is_on_the_entry_price(make_panel):
    panel = make_panel(np.array([[10.0], [10.0], [20.0], [20.0], [20.0]]))
    sell = at(0, lambda strategy, datas: strategy.sell(datas[0], size=100))

    def prepare(cerebro):
        cerebro.broker.setcommission(commission=0.0, interest=0.365)

    vanilla = run_vanilla(panel, sell, cash=1e4, prepare=prepare)
    # 100 x 10 x 0.365 / 365 = 1 a day although the position is worth 2,000.
    assert vanilla.cash[-2] - vanilla.cash[-1] == pytest.approx(1.0)
    account = make_account(panel, cash=1e4, carry=Carry(np.array([0.365]), np.zeros(1)))
    run_account(account, {0: [-100.0]})
    # 1 for the night after the fill, then 100 x 20 x 0.365 / 365 = 2 for each of two.
    assert account.cash == pytest.approx(11_000 - 1 - 2 - 2)


def test_commission_means_percent_in_one_class_and_a_fraction_in_another(make_panel):
    assert bt.CommInfoBase(commission=0.1, percabs=False).p.commission == 0.001
    assert bt.CommissionInfo(commission=0.1).p.commission == 0.1
    # Ours takes basis points: 10 on 1,000 is 1.
    ten, hundred = np.array([10.0]), np.array([100.0])
    charged = PercentCommission(bps=10).charge(Tickets(ten, hundred, price=hundred))
    assert charged.tolist() == [1.0]


class FlatFee(bt.CommInfoBase):
    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED))

    def _getcommission(self, size, price, pseudoexec):
        return 5.0


def test_a_flip_pays_a_minimum_fee_twice(make_panel):
    panel = make_panel(np.full((4, 1), 10.0))

    def act(strategy, row):
        if row == 0:
            strategy.buy(size=10)
        if row == 1:
            strategy.sell(size=20)

    vanilla = run_vanilla(
        panel, act, prepare=lambda cerebro: cerebro.broker.addcommissioninfo(FlatFee())
    )
    assert vanilla.cash[-1] == 1100.0 - 3 * 5.0
    account = make_account(panel, commission=FixedCommission(5.0))
    run_account(account, {0: [10.0], 1: [-10.0]})
    assert account.cash == 1100.0 - 2 * 5.0
    assert [fill[3] for fill in fills_of(account)] == [10.0, -20.0]


def test_slip_perc_in_the_constructor_does_nothing_at_the_open(make_panel):
    panel = make_panel(np.full((3, 1), 100.0))
    buy = at(0, lambda strategy, datas: strategy.buy(datas[0], size=1))

    def prepare(cerebro):
        cerebro.broker = bt.brokers.BackBroker(slip_perc=0.01, slip_out=True, cash=1000.0)

    assert run_vanilla(panel, buy, prepare=prepare).orders[0][-1] == 100.0
    account = make_account(panel, slippage=BpsSlippage(100))
    run_account(account, {0: [1.0]}, instant="open")
    assert fills_of(account)[0][4] == pytest.approx(101.0)


@pytest.mark.parametrize(("high", "vanilla_price"), [(101.0, 101.0), (100.0, 100.0)])
def test_slippage_is_capped_at_the_high_of_the_bar(make_panel, high, vanilla_price):
    # 5 % on 100 with a high of 101, and on a flat bar.
    base = np.full((3, 1), 100.0)
    panel = make_panel(base, base, high=np.full((3, 1), high))
    buy = at(0, lambda strategy, datas: strategy.buy(datas[0], size=1))
    capped = run_vanilla(panel, buy, prepare=lambda cerebro: cerebro.broker.set_slippage_perc(0.05))
    assert capped.orders[0][-1] == vanilla_price
    account = make_account(panel, slippage=BpsSlippage(500))
    run_account(account, {0: [1.0]}, instant="open")
    assert fills_of(account)[0][4] == pytest.approx(105.0)


def test_a_limit_sale_may_fill_below_the_range_of_its_bar(make_panel):
    # Open 100, low 99.5, limit 90, slippage 5 %: the bar's low is worked out and thrown away,
    # so that the sale fills at 95.
    base = np.full((3, 1), 100.0)
    panel = make_panel(base, base, low=np.full((3, 1), 99.5))
    sell = at(0, lambda strategy, datas: strategy.sell(datas[0], 1, 90.0, exectype=bt.Order.Limit))
    vanilla = run_vanilla(panel, sell, prepare=lambda c: c.broker.set_slippage_perc(0.05))
    assert vanilla.orders[0][-1] == 95.0


@pytest.mark.parametrize("kind", [bt.Order.Market, bt.Order.Limit, bt.Order.Close])
def test_single_orders_are_refused_by_name(make_panel, kind):
    panel = make_panel(np.full((3, 1), 100.0))
    sell = at(0, lambda strategy, datas: strategy.sell(datas[0], 1, 90.0, exectype=kind))
    with pytest.raises(UserError, match="single order for A00: this broker trades whole plans\n"):
        run_ours(panel, sell)
