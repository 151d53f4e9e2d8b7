"""Carry per calendar day on the prior mark, against amounts worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.recorder import journal_tables
from strategies.execution.costs import Carry, make_carry
from tests.engine_case import make_account, make_plan, run_account

ZERO = np.zeros(2)
EACH = np.ones(2)


@pytest.fixture
def carried(make_panel):
    """(kind, symbol, amount) of the day after a fill at prices of 1, on Thursday or Friday."""

    def run(carry, units, *, cash=10_000.0, over_weekend=False):
        # 2020-01-01 was a Wednesday: the fill is on the second session.
        start = "2020-01-02" if over_weekend else "2020-01-01"
        panel = make_panel(np.ones((3, 2)), calendar="XNYS", start=start)
        account = run_account(make_account(panel, carry=carry, cash=cash), {0: units})
        table = journal_tables(account.journal, panel)["carry"]
        assert (table["date"] == np.datetime64(panel.dates[2])).all()
        return list(zip(table["kind"], table["symbol"], table["amount"], strict=True))

    return run


def test_shorts_pay_borrow_on_their_marked_value(carried):
    # 5,000 short at 7.3 % for one of 365 days: 5,000 x 0.073 / 365 = 1.00 paid.
    carry = Carry(0.073 * EACH, ZERO)
    assert carried(carry, [3000, -5000]) == [("borrow", "A01", pytest.approx(-1.0))]


def test_a_weekend_is_three_calendar_days(carried):
    carry = Carry(0.073 * EACH, ZERO)
    paid = carried(carry, [0, -5000], over_weekend=True)
    assert paid == [("borrow", "A01", pytest.approx(-3.0))]


@pytest.mark.parametrize(("rate", "amount"), [(0.365, 1.0), (-0.365, -1.0)])
def test_shorts_receive_positive_funding_and_pay_negative(carried, rate, amount):
    # 1,000 x 0.365 / 365 = 1.00 a day; the long is held spot and pays nothing.
    received = carried(Carry(ZERO, rate * EACH), [1000, -1000])
    assert received == [("funding", "A01", pytest.approx(amount))]


def test_interest_is_earned_on_cash_without_short_proceeds(carried):
    # Cash 10,000 + 5,000 of proceeds: 10,000 x 0.0365 / 365 = 1.00.
    earned = carried(Carry(ZERO, ZERO, 0.0365), [0, -5000])
    assert earned == [("interest", "", pytest.approx(1.0))]


def test_cash_spent_on_longs_earns_nothing(carried):
    # 10,000 - 6,000 = 4,000 x 0.0365 / 365 = 0.40.
    earned = carried(Carry(ZERO, ZERO, 0.0365), [6000, 0])
    assert earned == [("interest", "", pytest.approx(0.4))]


def test_negative_rates_cost_cash(carried):
    earned = carried(Carry(ZERO, ZERO, -0.0365), [6000, 0])
    assert earned == [("interest", "", pytest.approx(-0.4))]


def test_missing_cash_pays_interest(make_panel):
    # Short 100 at 10, marked at 40: proceeds are worth 4,000 of the 1,000 + 1,000 of cash, so
    # that 2,000 are missing: -2,000 x 0.0365 / 365 = -0.20.
    panel = make_panel(np.array([[10.0], [10.0], [40.0], [40.0]]))
    carry = Carry(ZERO[:1], ZERO[:1], 0.0365)
    account = run_account(make_account(panel, carry=carry, margin=0.01), {0: [-100.0]})
    table = journal_tables(account.journal, panel)["carry"]
    assert table["amount"].iloc[-1] == pytest.approx(-0.2, rel=1e-3)


def test_short_proceeds_earn_the_rebate_asset_by_asset(carried):
    # 1 % of 3,650 and 7,300 for a day: 0.10 and 0.20.
    earned = carried(Carry(ZERO, ZERO, 0.0, 0.01), [-3650, -7300])
    assert earned == [
        ("rebate", "A00", pytest.approx(0.1)),
        ("rebate", "A01", pytest.approx(0.2)),
    ]


def test_day_count_of_360(carried):
    # 3,600 x 0.01 / 360 = 0.10.
    earned = carried(Carry(ZERO, ZERO, 0.0, 0.01, 360), [-3600, 0])
    assert earned == [("rebate", "A00", pytest.approx(0.1))]


def test_without_rates_there_are_no_rows(carried):
    assert carried(Carry(ZERO, ZERO), [1000, -1000]) == []


def test_rates_are_given_by_class(make_panel):
    panel = make_panel(shape=(5, 3), asset_class=["equity", "crypto", "other"])
    carry = make_carry(
        panel,
        borrow_annual={"equity": 0.005},
        funding_annual={"crypto": 0.1},
        cash_annual=0.02,
        short_rebate_annual=0.01,
        day_count=360,
    )
    assert carry.borrow_annual.tolist() == [0.005, 0.0, 0.0]
    assert carry.funding_annual.tolist() == [0.0, 0.1, 0.0]
    assert (carry.cash_annual, carry.short_rebate_annual, carry.day_count) == (0.02, 0.01, 360)


def test_an_account_accrues_on_the_mark_before_from_the_day_after_its_first_fill(make_panel):
    # Sessions Wed 1, Thu 2, Fri 3, Mon 6 January 2020.
    close = np.array([[100.0], [100.0], [120.0], [500.0]])
    panel = make_panel(close, calendar="XNYS")
    carry = Carry(np.array([0.365]), np.zeros(1))
    account = run_account(make_account(panel, carry=carry, cash=1e4), {0: [-10.0]})
    table = journal_tables(account.journal, panel)["carry"]
    # Filled on Thursday. Friday: 10 x 100 x 0.365 x 1/365 = 1. Monday: 3 days on the mark of
    # 120: 10 x 120 x 0.365 x 3/365 = 3.6, not on the 500 of the same row.
    assert table["date"].dt.day.tolist() == [3, 6]
    assert table["amount"].tolist() == pytest.approx([-1.0, -3.6])
    # 10,000 + 1,000 of proceeds - 1 - 3.6.
    assert account.cash == pytest.approx(10_995.4)


def test_idle_cash_before_the_first_fill_earns_nothing(make_panel):
    panel = make_panel(np.full((4, 1), 10.0))
    account = run_account(make_account(panel, carry=Carry(ZERO[:1], ZERO[:1], 0.05)), {1: [1.0]})
    # The fill is on the third day, interest on the remaining 990 on the fourth only.
    assert account.cash == pytest.approx(990 * (1 + 0.05 / 365), rel=1e-15)


def test_a_new_short_accrues_on_its_mark_at_the_close_not_on_its_fill_price(make_panel):
    close = np.array([[100.0], [150.0], [150.0]])
    panel = make_panel(close, np.full((3, 1), 100.0))
    account = make_account(panel, carry=Carry(np.array([0.365]), np.zeros(1)), cash=1e4)
    run_account(account, {0: [-10.0]}, instant="open")
    # Sold at 100, marked at 150: 10 x 150 x 0.365 / 365 = 1.50.
    table = journal_tables(account.journal, panel)["carry"]
    assert table["amount"].tolist() == pytest.approx([-1.5])


def test_carry_ends_with_the_liquidation_that_idle_days_bring(make_panel):
    close = np.array([[10.0], [10.0], [10.0], [18.0], [18.0], [18.0], [18.0]])
    panel = make_panel(close)
    account = make_account(panel, carry=Carry(np.array([0.365]), np.zeros(1)))
    account.step(0)
    account.submit(make_plan(account, 0, [-100.0]))
    account.step(6)
    # 0.1 % a day of 1,000 on rows 2 and 3; at 18 the margin is broken, and row 4 accrues on 1,800
    # before it covers. Nothing after that.
    table = journal_tables(account.journal, panel)["carry"]
    assert table["date"].dt.day.tolist() == [3, 4, 5]
    assert table["amount"].tolist() == pytest.approx([-1.0, -1.0, -1.8])
    assert account.value == pytest.approx(2000 - 1.0 - 1.0 - 1.8 - 1800)


def test_a_perpetual_earns_funding_and_no_rebate():
    """A short of 1,000 over 365 days at funding 10 %: 100 received, no rebate of 5 % beside it."""
    carry = Carry(np.zeros(1), np.array([0.10]), short_rebate_annual=0.05, day_count=365)
    cash, amounts = carry.settle(np.array([365]), 50.0, np.array([0]), np.array([[-1000.0]]))
    [(kind, _, amount)] = amounts
    assert cash.tolist() == [150.0]
    assert kind == "funding" and amount == pytest.approx(np.array([[100.0]]))


def test_a_session_that_trades_accrues_on_what_was_held_at_the_mark_before(make_panel):
    panel = make_panel(np.array([[100.0], [100.0], [200.0], [200.0]]))
    account = make_account(panel, carry=Carry(np.array([0.365]), np.zeros(1)), cash=1e4)
    run_account(account, {0: [-10.0], 1: [-5.0]})
    # Row 2 covers 5 of 10 at 200: 10 x 100 x 0.1 % = 1.0. Row 3: 5 x 200 x 0.1 % = 1.0.
    table = journal_tables(account.journal, panel)["carry"]
    assert table["amount"].tolist() == pytest.approx([-1.0, -1.0])
    # 10,000 + 1,000 - 1,000 - 1 - 1.
    assert account.cash == pytest.approx(9_998.0)
