"""What takes the place of a rebalance that cannot be filled whole, on panels made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from feeds.panel import Panel
from strategies.execution.account import Account
from strategies.execution.basket import Basket, Limits
from strategies.execution.costs import make_carry, make_trading_costs
from strategies.execution.gaps import GapRules, hedge_gap
from strategies.execution.plan import Plan
from strategies.execution.rules import AccountRules
from strategies.trading import OrderRules
from tests.hours_case import panel_of_hours

RULES = GapRules(
    neutral={"dollar": 0.0, "beta": None},
    drifted={"dollar": 0.05, "beta": None},
    max_weight=0.4,
    orders=OrderRules(fill="next_close"),
    betas=lambda columns: np.ones(len(columns)),
)


def panel_of(bars: np.ndarray, close: np.ndarray | None = None) -> Panel:
    """Hours of coins with a price of 100 where `bars` is True."""
    return panel_of_hours(np.where(bars, 100.0 if close is None else close, np.nan))


def account_of(panel: Panel, held: list[float] | None = None, stale_after: int = 10) -> Account:
    """1000 in value; `held` units are bought at the close of row 1, decided in row 0."""
    schemes = {"crypto": {"scheme": "none"}}
    costs = make_trading_costs(panel, schemes, schemes, "made up", 7)
    carry = make_carry(
        panel,
        borrow_annual={},
        funding_annual={},
        cash_annual=0.0,
        short_rebate_annual=0.0,
        day_count=365,
    )
    rules = AccountRules(1000.0, Limits(0.0, 0.25), stale_after, {}, None, together=True)
    account = Account(panel, costs, carry, rules)
    account.step(0)
    if held is not None:
        units = np.array(held)
        submit(account, 0, units)
        account.step(1)
        assert account.position.tolist() == held
    return account


def submit(account: Account, row: int, wanted: np.ndarray) -> None:
    """A rebalance from what is held to `wanted` units, none of which changes its side."""
    held, column = account.position, np.arange(len(wanted))
    shrinks = np.abs(wanted) < np.abs(held)
    change = wanted - held
    reduce, increase = np.where(shrinks, change, 0.0), np.where(shrinks, 0.0, change)
    basket = Basket(column, reduce, increase, np.full(len(wanted), 1e-8))
    account.submit(Plan(row, basket.take(change != 0), "close"))


def bars(rows: int, count: int, missing: dict[int, list[int]]) -> np.ndarray:
    found = np.ones((rows, count), dtype=bool)
    for column, gaps in missing.items():
        found[gaps, column] = False
    return found


def test_the_rest_of_a_first_basket_is_neutral_without_what_is_missing():
    """Wanted: 0.2, 0.1, -0.3. Without the third 0.3 net have to go: 0.15 each, but the second
    has 0.1, so the first gives all of its 0.2 as well, and nothing is held."""
    account = account_of(panel_of(bars(3, 3, {2: [1]})))
    submit(account, 0, np.array([2.0, 1.0, -3.0]))
    told = hedge_gap(account, 1, RULES)
    account.step(1)
    assert account.position == pytest.approx([0.0, 0.0, 0.0], abs=1e-7)
    assert told["missing"] == ["A2"] and told["rebalance"] == "2026-01-05T00:00Z"
    assert told["asked"] == {"A0": 2.0, "A1": 1.0, "A2": -3.0}
    # The rest is void: it does not fill a bar later.
    account.step(2)
    assert account.position == pytest.approx([0.0, 0.0, 0.0], abs=1e-7)


def test_what_trades_hedges_what_is_held_and_missing():
    """Held 0.2, -0.2, 0.1, -0.1; wanted 0.3, -0.1, 0.0, -0.2. The fourth has no bar and stays
    at -0.1: 0.3 - 0.1 + 0.0 - 0.1 is 0.1 net, and the third, which is to go, has nothing to
    give: the first and the second give 0.05 each."""
    account = account_of(panel_of(bars(4, 4, {3: [2, 3]})), [2.0, -2.0, 1.0, -1.0])
    submit(account, 1, np.array([3.0, -1.0, 0.0, -2.0]))
    told = hedge_gap(account, 2, RULES)
    account.step(2)
    assert account.position == pytest.approx([2.5, -1.5, 0.0, -1.0], abs=1e-7)
    assert told["instead"] == pytest.approx({"A0": 0.5, "A1": 0.5, "A2": -1.0}, abs=1e-7)
    assert told["weights"] == pytest.approx(
        {"A0": 0.25, "A1": -0.15, "A2": 0.0, "A3": -0.1}, abs=1e-9
    )
    assert told["before"] == pytest.approx({"dollar": 0.0, "beta": None, "gross": 0.6})
    assert told["after"]["dollar"] == pytest.approx(0.0, abs=1e-9) and told["neutral"]
    assert told["detail"] == "A3 without a bar: 3 tickets in place of 4 keep the book neutral"
    assert {kind for _, _, kind, _ in account.journal.events} == {"cancelled"}


def test_betas_count_where_they_are_asked_for():
    """Held 0.2 and -0.2 of beta 1, and -0.1 of beta 3 that is missing, and 0.1 of beta 1: net
    is 0 and beta -0.2. With one long of beta 2 the change is the least on the plane."""
    beta = np.array([2.0, 1.0, 3.0, 1.0])
    rules = replace(
        RULES,
        neutral={"dollar": 0.0, "beta": 0.0},
        drifted={"dollar": 0.05, "beta": 0.05},
        betas=lambda columns: beta[columns],
    )
    account = account_of(panel_of(bars(4, 4, {2: [2]})), [2.0, -2.0, -1.0, 1.0])
    submit(account, 1, np.array([2.0, -2.0, -2.0, 2.0]))
    told = hedge_gap(account, 2, rules)
    # Closest to (0.2, -0.2, 0.2) with sum 0.1 and 2a + b + c = 0.3: a = 0.2, b + c = -0.1, so
    # that b and c give 0.05 each.
    account.step(2)
    assert account.position == pytest.approx([2.0, -2.5, -1.0, 1.5], abs=1e-7)
    assert told["after"] == pytest.approx({"dollar": 0.0, "beta": 0.0, "gross": 0.7}, abs=1e-9)


def test_of_the_bar_of_the_fill_only_who_trades_is_read():
    """Other prices at the fill: the same note and the same tickets."""
    shown = bars(4, 4, {3: [2]})
    notes = []
    for factor in (1.0, 1.7):
        close = np.full((4, 4), 100.0)
        close[2] *= factor * np.array([1.0, 0.5, 2.0, 1.0])
        account = account_of(panel_of(shown, close), [2.0, -2.0, 1.0, -1.0])
        submit(account, 1, np.array([3.0, -1.0, 0.0, -2.0]))
        notes.append(hedge_gap(account, 2, RULES))
    assert notes[0] == notes[1]


def test_a_whole_basket_and_a_quiet_book_are_left_alone():
    account = account_of(panel_of(bars(4, 2, {})), [1.0, -1.0])
    assert hedge_gap(account, 2, RULES) is None
    submit(account, 1, np.array([2.0, -2.0]))
    # A hedge that is due is not needed where a whole basket waits.
    assert hedge_gap(account, 2, replace(RULES, due=True)) is None
    account.step(2)
    assert account.position.tolist() == [2.0, -2.0]


def test_nothing_is_traded_where_no_hedge_makes_it_neutral_and_it_has_not_drifted():
    """Three of four are missing; one alone cannot be traded without leaving neutrality."""
    account = account_of(panel_of(bars(4, 4, {1: [2], 2: [2], 3: [2]})), [2.0, -2.0, 1.0, -1.0])
    submit(account, 1, np.array([3.0, -3.0, 1.0, -1.5]))
    told = hedge_gap(account, 2, replace(RULES, max_weight=0.1))
    account.step(2)
    assert told["instead"] == {} and account.position.tolist() == [2.0, -2.0, 1.0, -1.0]


def test_a_drifted_book_is_brought_as_near_as_it_goes():
    """0.3 long without a bar, and a short of 0.1 that may grow to 0.2: 0.1 net remain."""
    account = account_of(panel_of(bars(4, 2, {0: [2]})), [3.0, -1.0])
    told = hedge_gap(account, 2, replace(RULES, due=True, max_weight=0.2))
    account.step(2)
    assert account.position == pytest.approx([3.0, -2.0], abs=1e-6)
    assert not told["neutral"] and told["detail"].endswith("too little of it trades")
    assert told["after"]["dollar"] == pytest.approx(0.1, abs=1e-8)


def test_a_holding_that_is_closed_takes_nothing_out_of_its_bands():
    """The second has had no bar for two rows and is closed in the third: what is left of a pair
    is sold at the same bar, and of the other two nothing moves but their share."""
    shown = bars(5, 4, {1: [2, 3, 4]})
    account = account_of(panel_of(shown), [2.0, -2.0, 1.0, -1.0], stale_after=2)
    assert hedge_gap(account, 2, RULES) is None
    account.step(2)
    told = hedge_gap(account, 3, RULES)
    account.step(3)
    # 0.2 + 0.1 - 0.1 without the second: 0.2 net, a third of it from each of the three, but the
    # third has 0.1 alone to give: 1/15 each is less than that.
    assert account.position == pytest.approx([4 / 3, 0.0, 1 / 3, -5 / 3], abs=1e-7)
    assert told["closed"] == ["A1"] and told["missing"] == [] and told["rebalance"] is None


def test_a_stop_goes_its_way_and_what_else_trades_hedges_it():
    """The short of 0.2 is stopped: the other three give a third of 0.2 each, as above."""
    account = account_of(panel_of(bars(4, 4, {})), [2.0, -2.0, 1.0, -1.0])
    stop = Basket(np.array([1]), np.array([2.0]), np.zeros(1), np.full(1, 1e-8))
    account.submit(Plan(1, stop, "close", "stop"))
    told = hedge_gap(account, 2, RULES)
    account.step(2)
    assert account.position == pytest.approx([4 / 3, 0.0, 1 / 3, -5 / 3], abs=1e-7)
    assert told["detail"] == "a stop: 3 tickets keep the book neutral"
    assert {fill[2] for fill in account.journal.fills} == {"rebalance", "stop"}


def test_no_more_gross_than_was_wanted_of_the_whole():
    """Held 0.3, -0.3; wanted 0.1, -0.1 beside 0.05 and -0.05, so 0.3 of gross. The second has
    no bar and stays at -0.3: nothing is left for the others, and net comes before gross: each
    long takes its third of 0.3 on top, less what the new short gives up."""
    account = account_of(panel_of(bars(4, 4, {1: [2]})), [3.0, -3.0, 0.0, 0.0])
    submit(account, 1, np.array([1.0, -1.0, 0.5, -0.5]))
    told = hedge_gap(account, 2, RULES)
    account.step(2)
    # Least gross at net 0: longs of 0.3 and no short; closest to 0.1 and 0.05 is +0.075 each.
    assert account.position == pytest.approx([1.75, -3.0, 1.25, 0.0], abs=1e-5)
    assert told["after"]["gross"] == pytest.approx(0.6, abs=1e-6)
    assert told["detail"].endswith("keep the book neutral, with more gross than was wanted")


def test_least_tickets_and_lots_hold_for_a_hedge():
    """Lots of 0.4: 0.5 is cut to 0.4, and 0.4 x 100 is less than a least ticket of 50.

    Exits are whole whatever they are.
    """
    for least, units in ((0.0, [2.4, -1.6, 0.0, -1.0]), (50.0, [2.0, -2.0, 0.0, -1.0])):
        orders = OrderRules({"crypto": 0.4}, "next_close", min_ticket={"crypto": least})
        account = account_of(panel_of(bars(4, 4, {3: [2, 3]})), [2.0, -2.0, 1.0, -1.0])
        submit(account, 1, np.array([3.0, -1.0, 0.0, -2.0]))
        hedge_gap(account, 2, replace(RULES, orders=orders))
        account.step(2)
        assert account.position == pytest.approx(units)
