"""Where the engine means to differ from plain Backtrader, one hand-computed case each.

`docs/execution.md` lists them; everything else is the same, which `test_vanilla.py` checks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest

from strategies.execution.account import Account
from strategies.execution.commission import FixedCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import events_of, fills_of, make_account, run_account, run_vanilla

NAN = np.nan


def orders(row, *tickets):
    """`tickets` (asset, units) sent as single orders on one row."""

    def act(strategy, now):
        if now == row:
            for asset, units in tickets:
                order = strategy.buy if units > 0 else strategy.sell
                order(strategy.datas[asset], size=abs(units))

    return act


def scripted(**by_row):
    """Orders on several rows: ``r0=[(0, 5)]``."""

    def act(strategy, now):
        orders(now, *by_row.get(f"r{now}", ()))(strategy, now)

    return act


def test_what_cannot_be_paid_is_scaled_and_not_rejected(make_panel):
    panel = make_panel(np.full((3, 2), 10.0))
    vanilla = run_vanilla(panel, orders(0, (0, 80), (1, 80)))
    assert [order[2] for order in vanilla.orders] == ["Margin", "Completed"]
    # 1,600 asked for, 1,000 there: 62.5 % of each.
    account = run_account(make_account(panel), {0: [80.0, 80.0]}, lot=0.5)
    assert [fill[3] for fill in fills_of(account)] == [50.0, 50.0]
    assert events_of(account, "scaled") == [(1, -1)]


def test_a_gap_up_scales_the_basket(make_panel):
    prices = np.array([[10.0, 10.0], [20.0, 10.0]])
    panel = make_panel(prices, prices)
    vanilla = run_vanilla(panel, orders(0, (0, 50), (1, 50)))
    assert [(order[1], order[2]) for order in vanilla.orders] == [
        ("A00", "Completed"),
        ("A01", "Margin"),
    ]
    # 50 x 20 + 50 x 10 = 1,500: two thirds of both, so that their proportion stays.
    account = run_account(make_account(panel), {0: [50.0, 50.0]}, instant="open", lot=1.0)
    assert [fill[3] for fill in fills_of(account)] == [33.0, 33.0]


def test_short_proceeds_are_collateral(make_panel):
    panel = make_panel(np.full((4, 2), 10.0))
    vanilla = run_vanilla(panel, scripted(r0=[(0, -100)], r1=[(1, 200)]))
    assert vanilla.orders[-1][2:4] == ("Completed", 200), "bought with borrowed money"
    # Cash is 2,000, of which 1,000 are proceeds: 100 of the 200 are bought.
    account = run_account(make_account(panel), {0: [-100.0, 0.0], 1: [-100.0, 200.0]})
    assert fills_of(account)[1][3] == pytest.approx(100.0, rel=1e-8)


def test_one_fee_a_ticket_also_when_a_position_changes_sides(make_panel):
    account = make_account(make_panel(np.full((4, 1), 10.0)), commission=FixedCommission(5.0))
    run_account(account, {0: [10.0], 1: [-10.0], 2: [0.0]})
    # +10, then one ticket of -20, then +10: three fees where plain Backtrader charges four.
    assert [fill[3] for fill in fills_of(account)] == [10.0, -20.0, 10.0]
    assert account.cash == 1000.0 - 15.0


def test_slippage_is_neither_capped_nor_left_out_at_the_close(make_panel):
    panel = make_panel(np.full((3, 1), 100.0))

    def prepare(cerebro):
        cerebro.broker.set_slippage_perc(0.02)

    vanilla = run_vanilla(panel, orders(0, (0, 1)), prepare=prepare)
    assert vanilla.orders[0][-1] == 100.0, "a flat bar has no room for it"
    for instant in ("open", "close"):
        account = make_account(panel, slippage=BpsSlippage(200))
        run_account(account, {0: [1.0]}, instant=instant)
        assert fills_of(account)[0][4] == pytest.approx(102.0)


def test_sizes_are_fractions_where_lots_allow(make_panel):
    panel = make_panel(np.full((3, 1), 60_000.0))

    def act(strategy, now):
        if now == 0:
            strategy.order_target_percent(target=0.5)

    assert run_vanilla(panel, act, cash=100_000.0).orders == []
    account = run_account(make_account(panel, cash=1e5), {0: [0.8333]}, lot=1e-4)
    assert fills_of(account)[0][3] == pytest.approx(0.8333)


def test_tickets_without_a_bar_wait_until_a_new_plan_cancels_them(make_panel):
    close = np.full((6, 1), 10.0)
    close[1:4] = NAN
    panel = make_panel(close)
    # Plain Backtrader knows no plan: both orders fill on the next bar, 80 instead of 40 units.
    # (Its own rows count bars of this asset only, so that both are sent on the first.)
    vanilla = run_vanilla(panel, orders(0, (0, 40), (0, 40)))
    assert sum(order[3] for order in vanilla.orders) == 80
    account = run_account(make_account(panel), {0: [40.0], 2: [40.0]})
    assert [fill[:4] for fill in fills_of(account)] == [(4, "A00", "rebalance", 40.0)]
    assert events_of(account, "cancelled") == [(2, 0)]


def test_a_ticket_at_the_close_that_waited_fills_at_the_close_of_its_session(make_panel):
    close = np.full((4, 2), 10.0)
    close[1:, 0] = [NAN, 20.0, 20.0]
    panel = make_panel(close)

    def act(strategy, now):
        if now == 0:
            strategy.buy(strategy.datas[0], size=10, exectype=bt.Order.Close)

    vanilla = run_vanilla(panel, act)
    assert vanilla.orders[0][2:] == ("Completed", 10, 10.0), "the close of before the hole"
    account = run_account(make_account(panel), {0: [10.0, 0.0]})
    assert fills_of(account)[0][:5] == (2, "A00", "rebalance", 10.0, 20.0)


def test_a_ticket_filled_in_part_waits_where_there_is_no_bar(make_panel):
    close = np.full((5, 2), 10.0)
    close[2, 0] = NAN
    panel = make_panel(close, volume=np.where(np.isnan(close), NAN, 100.0))

    def prepare(cerebro):
        cerebro.broker.set_filler(bt.fillers.FixedBarPerc(perc=25))

    vanilla = run_vanilla(panel, orders(0, (0, 60)), prepare=prepare)
    # 25 a session; on row 2 it takes 25 more of the volume of row 1.
    assert vanilla.orders[0][:4] == (3, "A00", "Completed", 60)
    account = make_account(panel)
    rules = replace(account.rules, participation_rate=0.25)
    account = Account(panel, account.costs, account.carry, rules)
    run_account(account, {0: [60.0, 0.0]})
    assert [(fill[0], fill[3]) for fill in fills_of(account)] == [(1, 25.0), (3, 25.0), (4, 10.0)]


def test_an_ended_series_is_closed_by_a_fill(make_panel):
    close = np.full((15, 2), 10.0)
    close[2:, 0] = NAN
    panel = make_panel(close, end_reason=np.array(["unknown", "data_end"]))
    assert run_vanilla(panel, orders(0, (0, 50))).values[-1] == 1000.0
    # 50 x 10 x 30 % = 150 lost, ten sessions after the last bar.
    account = run_account(make_account(panel), {0: [50.0, 0.0]})
    assert fills_of(account)[1][:4] == (11, "A00", "delisting", -50.0)
    assert account.value == pytest.approx(850.0)


def test_carry_is_on_the_mark_of_the_night_before(make_panel):
    panel = make_panel(np.array([[10.0], [10.0], [30.0], [30.0]]))

    def prepare(cerebro):
        cerebro.broker.setcommission(commission=0.0, interest=0.365)

    vanilla = run_vanilla(panel, orders(0, (0, -100)), cash=1e4, prepare=prepare)
    assert vanilla.cash[-1] == pytest.approx(11_000 - 1 - 1), "on the entry price each day"
    account = make_account(panel, cash=1e4, carry=Carry(np.array([0.365]), np.zeros(1)))
    run_account(account, {0: [-100.0]})
    # 100 x 10 x 0.1 % = 1 for the first night, 100 x 30 x 0.1 % = 3 for the second.
    assert account.cash == pytest.approx(11_000 - 1 - 3)


def test_a_bar_of_nan_is_never_traded(make_panel):
    close = np.array([[10.0], [NAN], [12.0]])
    account = run_account(make_account(make_panel(close)), {0: [1.0]})
    assert [fill[:5] for fill in fills_of(account)] == [(2, "A00", "rebalance", 1.0, 12.0)]


def test_a_broken_margin_liquidates(make_panel):
    panel = make_panel(np.array([[10.0], [10.0], [18.0], [25.0], [25.0]]))
    vanilla = run_vanilla(panel, orders(0, (0, -100)))
    assert vanilla.values[-1] == -500.0, "and nothing happens"
    # At 18 the value of 200 is below 25 % of 1,800; all is closed at the next close.
    account = run_account(make_account(panel), {0: [-100.0]})
    assert fills_of(account)[1][:5] == (3, "A00", "liquidation", 100.0, 25.0)
    assert not account.is_open


def test_shorts_are_limited_by_margin(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    assert run_vanilla(panel, orders(0, (0, -5000))).orders[0][3] == -5000
    account = run_account(make_account(panel), {0: [-5000.0]}, lot=1.0)
    assert fills_of(account)[0][3] == -399.0


def test_the_whole_basket_has_one_instant(make_panel):
    """An exit at the close and an entry at the open would spend money that is not there yet."""
    close, open_ = np.full((3, 2), 10.0), np.full((3, 2), 9.0)
    panel = make_panel(close, open_)
    for instant, price in (("open", 9.0), ("close", 10.0)):
        account = run_account(make_account(panel), {0: [20.0, 30.0]}, instant=instant)
        assert {fill[4] for fill in fills_of(account)} == {price}


def test_the_page_names_every_one_of_these_tests():
    page = (Path(__file__).parents[1] / "docs" / "execution.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    here = {name for name in globals() if name.startswith("test_")}
    assert named == here - {"test_the_page_names_every_one_of_these_tests"}
