"""The account over time: order of events, waiting tickets, delistings and liquidation."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.recorder import journal_tables
from strategies.execution.account import Plan
from strategies.execution.commission import FixedCommission
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import (
    events_of,
    fills_of,
    make_account,
    make_plan,
    no_tickets,
    run_account,
)

NAN = np.nan


def values_of(account):
    return journal_tables(account.journal, account.panel)["values"]


# Time


def test_a_plan_fills_on_the_next_session_at_its_instant(make_panel):
    close, open_ = np.array([[10.0], [20.0], [40.0]]), np.array([[9.0], [18.0], [36.0]])
    for instant, price in (("open", 18.0), ("close", 20.0)):
        account = run_account(make_account(make_panel(close, open_)), {0: [5.0]}, instant=instant)
        assert fills_of(account) == [(1, "A00", "rebalance", 5.0, price, 0.0)]


def test_values_start_with_the_session_of_the_first_fill(make_panel):
    panel = make_panel(np.array([[10.0], [10.0], [11.0], [12.0]]))
    account = run_account(make_account(panel), {1: [50.0]})
    table = values_of(account)
    # 1,000 - 50 x 11 = 450 of cash; then 50 x 12 = 600 of stock.
    assert table.index.tolist() == list(panel.dates[2:].astype("datetime64[ns]"))
    assert table["value"].tolist() == [1000.0, 1050.0]
    assert table["cash"].tolist() == [450.0, 450.0]
    assert table["long"].tolist() == [550.0, 600.0]


def test_long_short_and_margin_of_a_mixed_book(make_panel):
    account = run_account(make_account(make_panel(np.full((3, 2), 10.0))), {0: [30.0, -20.0]})
    # Cash 1,000 - 300 + 200 = 900; margin 25 % of (300 + 200) = 125.
    row = values_of(account).iloc[-1]
    expected = {"value": 1000.0, "cash": 900.0, "long": 300.0, "short": -200.0, "margin": 125.0}
    assert row.to_dict() == expected


def test_sizes_are_decided_once_and_do_not_follow_the_fill_price(make_panel):
    account = run_account(make_account(make_panel(np.array([[10.0], [8.0]]))), {0: [100.0]})
    assert fills_of(account)[0][3] == 100.0
    assert account.cash == 200.0


def test_the_slippage_at_the_close_is_charged_like_that_at_the_open(make_panel):
    panel = make_panel(np.full((3, 1), 100.0))
    for instant in ("open", "close"):
        account = make_account(panel, slippage=BpsSlippage(100))
        run_account(account, {0: [5.0], 1: [0.0]}, instant=instant)
        assert [fill[4] for fill in fills_of(account)] == pytest.approx([101.0, 99.0])


def test_what_is_held_counts_at_the_instant_of_the_fill(make_panel):
    # 50 short at 10 leave 1,500 of cash. On row 3 they open at 20 and close at 10 again: at the
    # open 1,000 of it are collateral, which leaves 500 for the 100 units asked for.
    close, open_ = np.full((5, 2), 10.0), np.full((5, 2), 10.0)
    open_[3, 0] = 20.0
    account = make_account(make_panel(close, open_))
    run_account(account, {0: [-50.0, 0.0], 2: [-50.0, 100.0]}, instant="open", lot=0.5)
    assert fills_of(account)[1][:4] == (3, "A01", "rebalance", 50.0)


def test_what_is_held_without_a_bar_counts_at_its_last_close(make_panel):
    close = np.full((5, 2), 10.0)
    close[2:, 0] = [20.0, NAN, NAN]
    account = run_account(
        make_account(make_panel(close)), {0: [-50.0, 0.0], 2: [-50.0, 100.0]}, lot=0.5
    )
    # 1,500 - 50 x 20 = 500.
    assert fills_of(account)[1][:4] == (3, "A01", "rebalance", 50.0)


def test_what_is_held_and_traded_counts_once(make_panel):
    # 50 short at 10 leave 1,500 of cash. Covering 10 leaves 1,400, of which 400 are collateral:
    # 1,000 for the 100 units asked for.
    account = make_account(make_panel(np.full((4, 2), 10.0)))
    run_account(account, {0: [-50.0, 0.0], 1: [-40.0, 100.0]}, lot=0.5)
    assert account.position.tolist() == [-40.0, 100.0]


# Tickets without a bar


def holed_panel(make_panel):
    """Two assets at 10; the second has no bar on rows 1 and 2."""
    close = np.full((6, 2), 10.0)
    close[1:3, 1] = NAN
    return make_panel(close)


def test_a_ticket_waits_for_a_bar_while_the_others_fill(make_panel):
    account = run_account(make_account(holed_panel(make_panel)), {0: [10.0, 20.0]})
    assert [(row, name, size) for row, name, _, size, _, _ in fills_of(account)] == [
        (1, "A00", 10.0),
        (3, "A01", 20.0),
    ]
    assert events_of(account, "waiting") == [(1, 1)], "said once"


def test_the_columns_that_wait_can_be_asked_for(make_panel):
    account = make_account(holed_panel(make_panel))
    waiting = []
    for row in range(4):
        account.step(row)
        if row == 0:
            account.submit(make_plan(account, 0, [10.0, 20.0]))
        waiting.append(account.waiting.tolist())
    assert waiting == [[0, 1], [1], [1], []]


def test_a_new_plan_cancels_what_waits(make_panel):
    account = run_account(make_account(holed_panel(make_panel)), {0: [10.0, 20.0], 1: [10.0, 0.0]})
    assert [fill[1] for fill in fills_of(account)] == ["A00"]
    assert events_of(account, "cancelled") == [(1, 1)]


def test_an_empty_plan_cancels_too(make_panel):
    account = make_account(holed_panel(make_panel))
    for row in range(6):
        account.step(row)
        if row == 0:
            account.submit(make_plan(account, 0, [0.0, 20.0]))
        if row == 1:
            account.submit(Plan(1, no_tickets(), "close"))
    assert fills_of(account) == []
    assert events_of(account, "cancelled") == [(1, 1)]


def test_a_waiting_ticket_is_scaled_to_the_cash_of_its_own_fill(make_panel):
    # Row 1 spends 800 of 1,000 on the first asset; the second asks for 400 on row 3.
    account = run_account(make_account(holed_panel(make_panel)), {0: [80.0, 40.0]}, lot=1.0)
    assert [(fill[0], fill[3]) for fill in fills_of(account)] == [(1, 80.0), (3, 20.0)]
    assert events_of(account, "scaled") == [(3, -1)]


# Series that end


def ending_panel(make_panel, reason, rows=8, last=3):
    """One asset at 10, 11, 12, 13 whose series ends on row `last`."""
    close = 10.0 + np.arange(rows, dtype=float)[:, None]
    close[last + 1 :] = NAN
    return make_panel(close, end_reason=np.array([reason]))


@pytest.mark.parametrize(
    ("reason", "price"),
    [("bankruptcy", 0.0), ("unknown", 9.1), ("merger", 13.0), ("data_end", 13.0)],
)
def test_an_ended_series_is_closed_at_its_delisting_return(make_panel, reason, price):
    # Last mark 13 on row 3; 13 x (1 - 0.3) = 9.1. Two sessions without a bar: row 5.
    panel = ending_panel(make_panel, reason)
    account = run_account(make_account(panel, stale_after=2), {0: [10.0]})
    [_, delisting] = fills_of(account)
    assert delisting[:4] == (5, "A00", "delisting", -10.0)
    assert delisting[4] == pytest.approx(price)
    assert delisting[5] == 0.0
    # Bought at 11: 1,000 - 110 + 10 x the price.
    assert account.cash == pytest.approx(890 + 10 * price)
    assert events_of(account, "delisting") == [(5, 0)]


def test_a_series_can_be_closed_on_the_first_session_without_a_bar(make_panel):
    # Also where a plan for another asset fills on that session.
    close = np.full((5, 2), 10.0)
    close[3:, 0] = NAN
    for targets in ({0: [10.0, 0.0]}, {0: [10.0, 0.0], 2: [10.0, 5.0]}):
        account = run_account(make_account(make_panel(close), stale_after=1), targets)
        assert [fill[:3] for fill in fills_of(account)][1:2] == [(3, "A00", "delisting")]


def test_the_last_mark_is_carried_until_a_series_is_closed(make_panel):
    account = run_account(
        make_account(ending_panel(make_panel, "bankruptcy"), stale_after=2), {0: [10.0]}
    )
    # Rows 1..7: marks 11, 12, 13, 13, then closed at nothing.
    expected = [1000.0, 1010.0, 1020.0, 1020.0, 890.0, 890.0, 890.0]
    assert values_of(account)["value"].tolist() == expected


def test_a_short_gains_what_a_delisting_loses(make_panel):
    panel = ending_panel(make_panel, "unknown")
    account = run_account(make_account(panel, stale_after=2), {0: [-10.0]})
    # Sold at 11, covered at 9.1: 1,000 + 110 - 91.
    assert account.value == pytest.approx(1019.0)


def test_a_delisting_costs_no_commission_or_slippage(make_panel):
    panel = ending_panel(make_panel, "merger")
    account = make_account(
        panel, stale_after=2, commission=FixedCommission(7.0), slippage=BpsSlippage(100)
    )
    run_account(account, {0: [10.0]})
    fills = journal_tables(account.journal, panel)["fills"]
    assert fills["commission"].tolist() == [7.0, 0.0]
    assert fills["slippage"].tolist() == pytest.approx([1.1, 0.0])
    assert fills["price"].tolist()[1] == 13.0


def test_a_pause_shorter_than_the_limit_closes_nothing(make_panel):
    close = np.full((8, 1), 10.0)
    close[2:5] = NAN
    panel = make_panel(close)
    paused = run_account(make_account(panel, stale_after=4), {0: [10.0]})
    assert len(fills_of(paused)) == 1
    closed = run_account(make_account(panel, stale_after=3), {0: [10.0]})
    assert [fill[:3] for fill in fills_of(closed)][1:] == [(4, "A00", "delisting")]


def test_a_pause_is_not_closed_at_the_return_of_the_series_later_end(make_panel):
    # A hole on rows 2..4, bars again on 5 and 6, and the bankruptcy after that: nobody could
    # know of it on row 4.
    close = np.full((10, 1), 10.0)
    close[2:5] = close[7:] = NAN
    panel = make_panel(close, end_reason=np.array(["bankruptcy"]))
    account = run_account(make_account(panel, stale_after=3), {0: [10.0], 5: [10.0]})
    closed = [(fill[0], fill[4]) for fill in fills_of(account) if fill[2] == "delisting"]
    assert closed == [(4, 10.0), (9, 0.0)]


def test_a_delisting_cancels_the_waiting_ticket_of_what_it_closes(make_panel):
    # The exit decided on row 3 waits, the holding is closed on row 5, bars come back on row 7:
    # nothing is sold twice and nothing opened.
    close = np.full((9, 2), 10.0)
    close[4:7, 0] = NAN
    account = make_account(make_panel(close), stale_after=2)
    run_account(account, {0: [10.0, 5.0], 3: [-10.0, 5.0]})
    assert [fill[:4] for fill in fills_of(account)][2:] == [(5, "A00", "delisting", -10.0)]
    assert events_of(account, "cancelled") == [(5, 0)]
    assert account.position.tolist() == [0.0, 5.0]


# Margin


def test_a_book_at_its_maintenance_margin_is_liquidated_at_the_next_close(make_panel):
    # Short 100 at 10: cash 2,000. At 16: value 400 = 25 % of 1,600, at the margin.
    close = np.array([[10.0], [10.0], [15.9], [16.0], [17.0], [17.0]])
    account = run_account(make_account(make_panel(close, close * 0.9)), {0: [-100.0]})
    assert [fill[:5] for fill in fills_of(account)][1:] == [(4, "A00", "liquidation", 100.0, 17.0)]
    assert events_of(account, "liquidation") == [(3, -1)]
    assert account.value == account.cash == 300.0


def test_a_liquidation_pays_commission_and_slippage(make_panel):
    close = np.array([[10.0], [10.0], [17.0], [17.0], [17.0]])
    account = make_account(make_panel(close), commission=FixedCommission(5.0))
    run_account(account, {0: [-99.0]})
    assert fills_of(account)[1][5] == 5.0


def test_a_long_book_without_credit_is_never_liquidated(make_panel):
    account = run_account(
        make_account(make_panel(np.array([[10.0], [10.0], [0.01], [1e-6]]))), {0: [100.0]}
    )
    assert events_of(account, "liquidation") == []


def test_the_plan_of_the_row_that_breaks_the_margin_is_dropped(make_panel):
    close = np.array([[10.0], [10.0], [18.0], [18.0], [18.0]])
    account = run_account(make_account(make_panel(close)), {0: [-100.0], 2: [-90.0]})
    assert [fill[2:4] for fill in fills_of(account)][1:] == [("liquidation", 100.0)]
    assert events_of(account, "cancelled") == [(2, -1)]


def test_a_waiting_plan_is_cancelled_by_a_liquidation(make_panel):
    close = np.array([[10.0, 10], [10, 10], [18, 10], [18, NAN], [18, NAN], [18, 10], [18, 10]])
    account = run_account(make_account(make_panel(close)), {0: [-100.0, 0.0], 1: [-100.0, 0.0]})
    assert account.position.tolist() == [0.0, 0.0]
    account = make_account(make_panel(close[[0, 1, 3, 4, 6]]))
    run_account(account, {0: [-100.0, 0.0], 1: [-100.0, -1.0]})
    assert (2, 1) in events_of(account, "cancelled")
    assert account.position.tolist() == [0.0, 0.0]


def test_a_liquidation_waits_for_bars_asset_by_asset_and_blocks_new_plans(make_panel):
    close = np.array([[10.0, 10], [10, 10], [21, 10], [21, NAN], [21, NAN], [21, 12], [21, 12]])
    account = make_account(make_panel(close))
    run_account(account, {0: [-90.0, 10.0], 3: [0.0, 0.0], 5: [1.0, 0.0]})
    closed = [fill[:4] for fill in fills_of(account)][2:]
    assert closed == [
        (3, "A00", "liquidation", 90.0),
        (5, "A01", "liquidation", -10.0),
        (6, "A00", "rebalance", 1.0),
    ]


def test_an_account_below_zero_is_closed(make_panel):
    account = run_account(
        make_account(make_panel(np.array([[10.0], [10.0], [30.0], [30.0]]))), {0: [-100.0]}
    )
    assert account.value == -1000.0
    assert not account.is_open
