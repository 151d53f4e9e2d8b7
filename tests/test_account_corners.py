"""Corners of the account that only a deliberate fault showed to be untested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strategies.execution.account import Account
from strategies.execution.commission import FixedCommission
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.slippage import BpsSlippage, NoSlippage
from tests.engine_case import events_of, fills_of, make_account, make_plan, run_account

NAN = np.nan


def capped(panel, rate=0.1, **options):
    """An account whose tickets are a share of volume at most."""
    account = make_account(panel, **options)
    rules = replace(account.rules, participation_rate=rate)
    return Account(panel, account.costs, account.carry, rules)


def test_a_holding_that_may_not_miss_one_bar_is_closed_before_the_plan_of_that_session(make_panel):
    close = np.full((5, 2), 10.0)
    close[2:, 0] = NAN
    carry = Carry(np.zeros(2), np.zeros(2), cash_annual=0.365)
    account = make_account(make_panel(close), stale_after=1, carry=carry)
    run_account(account, {0: [10.0, 0.0], 1: [0.0, 5.0]})
    assert [fill[:4] for fill in fills_of(account)] == [
        (1, "A00", "rebalance", 10.0),
        (2, "A00", "delisting", -10.0),
        (2, "A01", "rebalance", 5.0),
    ]
    # The exit was cancelled with the holding, before it could wait.
    assert events_of(account, "cancelled") == [(2, 0)]
    assert events_of(account, "waiting") == []
    # Interest of 0.1 % of 900 on row 2, once.
    assert account.journal.carry[0][3].tolist() == pytest.approx([0.9])


def test_each_ticket_of_a_mixed_basket_pays_the_costs_of_its_class(make_panel):
    panel = make_panel(np.full((3, 3), 10.0))
    schemes = (FixedCommission(1.0), FixedCommission(5.0)), (BpsSlippage(100), NoSlippage())
    account = make_account(panel)
    costs = TradingCosts(np.array([1, 0, 1]), *schemes)
    account = Account(panel, costs, account.carry, account.rules)
    run_account(account, {0: [0.0, 10.0, 20.0]}, lot=1.0)
    # 1 % of 10 and a fee of 1 for the second asset; no slippage and a fee of 5 for the third.
    assert [fill[4:] for fill in fills_of(account)] == [(pytest.approx(10.1), 1.0), (10.0, 5.0)]
    assert account.cash == pytest.approx(1000 - 101 - 1 - 200 - 5)


def test_each_plan_says_once_that_its_ticket_is_cut(make_panel):
    panel = make_panel(np.full((6, 1), 10.0), volume=np.full((6, 1), 100.0))
    account = run_account(capped(panel), {0: [80.0], 2: [90.0]}, lot=1.0)
    assert [fill[3] for fill in fills_of(account)] == [10.0] * 5
    assert events_of(account, "participation") == [(1, 0), (3, 0)]


def liquidated(make_panel, volume, split):
    """Short 100 at 10; at 18 the margin is broken, so that all is covered from row 4 on."""
    close = np.array([10.0, 10.0, 10.0, 18.0, 18.0, 18.0])[:, None]
    panel = make_panel(
        close, volume=np.array(volume)[:, None], split_factor=np.array(split)[:, None]
    )
    return run_account(capped(panel), {0: [-100.0]}, lot=1.0)


def test_a_liquidation_says_that_it_is_cut_also_where_the_plan_before_was(make_panel):
    account = liquidated(make_panel, [1e4, 600.0, 600.0, 1e4, 100.0, 100.0], np.ones(6))
    assert [fill[3] for fill in fills_of(account)] == [-60.0, -40.0, 10.0, 10.0]
    assert events_of(account, "participation") == [(1, 0), (4, 0)]


def test_a_liquidation_trades_lots_of_printed_shares_as_after_the_last_split(make_panel):
    # The lot of 1 unit was 2 printed shares; after another 2-for-1 they are half a unit. 10 % of
    # 108 shares are 10.8, or 2.7 units: five lots.
    account = liquidated(make_panel, [1e4, 1e4, 1e4, 1e4, 108.0, 108.0], [2.0] * 3 + [4.0] * 3)
    assert [fill[3] for fill in fills_of(account)] == [-100.0, 2.5, 2.5]


def test_a_series_that_resumes_on_the_very_next_session_has_not_ended(make_panel):
    close = np.array([10.0, 10.0, NAN, NAN, 10.0])[:, None]
    panel = make_panel(close, end_reason=np.array(["bankruptcy"]))
    account = run_account(make_account(panel, stale_after=2), {0: [10.0]})
    # Two sessions without a bar: closed on row 3, and not at nothing, which nobody could know.
    assert fills_of(account)[1][:5] == (3, "A00", "delisting", -10.0, 10.0)


def test_a_waiting_ticket_fills_on_its_session_however_seldom_the_account_is_asked(make_panel):
    close = np.full((5, 2), 10.0)
    close[1:, 0] = [NAN, 12.0, 13.0, 13.0]
    account = make_account(make_panel(close))
    account.step(0)
    account.submit(make_plan(account, 0, [10.0, 5.0]))
    account.step(4)
    fills = [(fill[0], fill[1], fill[3], fill[4]) for fill in fills_of(account)]
    assert fills == [(1, "A01", 5.0, 10.0), (2, "A00", 10.0, 12.0)]
