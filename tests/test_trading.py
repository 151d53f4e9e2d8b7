"""From target units to what is traded of them: by hand, and for any book."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.execution.basket import make_basket
from strategies.trading import OrderRules, drop_small_tickets, units_to_hold

VALUE = 1000.0


def hold(target, held, *, urgent=None, price=10.0, least=0.0, **rules):
    """Units after a rebalance of a book worth 1,000; 1 unit at 10 is 1 % of it."""
    target, held = np.array(target, dtype=float), np.array(held, dtype=float)
    size = len(target)
    return units_to_hold(
        target,
        held,
        np.full(size, price),
        VALUE,
        rules=OrderRules(**rules),
        least=np.full(size, least),
        urgent=np.zeros(size, dtype=bool) if urgent is None else np.array(urgent),
    )


def test_without_rules_everything_is_traded():
    target = np.array([1.0, -2.0])
    units, reports = hold(target, [0, 5])
    assert (units.tolist(), reports) == ([1.0, -2.0], ())


# The band


def test_a_drift_within_the_band_is_left_and_one_beyond_it_is_traded_to_the_target():
    # Bands of 2 %: a drift of 2 units is 2 % and stays; one of 3 units goes to its target.
    units, _ = hold([10, 10, -10], [12, 13, -7], no_trade_band=0.02)
    assert units.tolist() == [12, 10, -10]


def test_a_drift_beyond_the_band_may_end_at_its_edge():
    # 13 held, 10 wanted, 2 % of 1,000 is 2 units: sold to 12. Short 7 of 10: sold to -8.
    units, _ = hold([10, -10, 10], [13, -7, 6], no_trade_band=0.02, band_to="edge")
    assert units == pytest.approx([12, -8, 8], rel=1e-12)


@pytest.mark.parametrize("to", ["target", "edge"])
def test_entries_exits_and_changes_of_side_are_whole_within_any_band(to):
    units, _ = hold([1, 0, -1], [0, 1, 1], no_trade_band=0.5, band_to=to)
    assert units.tolist() == [1, 0, -1]


# Partial rebalancing


def test_a_fraction_of_each_trade_is_made():
    # A quarter of 10 -> 20, 0 -> 8, 4 -> -4 and -8 -> 0.
    units, _ = hold([20, 8, -4, 0], [10, 0, 4, -8], trade_fraction=0.25)
    assert units.tolist() == [12.5, 2, 2, -6]


def test_what_has_to_go_goes_whole():
    units, _ = hold([0, 0], [8, 8], trade_fraction=0.25, urgent=[True, False])
    assert units.tolist() == [0, 6]


def test_the_tail_of_an_exit_is_sold_whole():
    # A quarter of 3 is less than the smallest ticket of 1 unit, a quarter of 4 is not.
    units, _ = hold([0, 0, 6], [3, 4, 3], trade_fraction=0.25, least=1.0)
    assert units.tolist() == [0, 3, 3.75]


def test_the_fraction_is_of_what_the_band_leaves():
    # From 14 towards the edge at 12, half of the way: 13.
    units, _ = hold([10], [14], no_trade_band=0.02, band_to="edge", trade_fraction=0.5)
    assert units == pytest.approx([13], rel=1e-12)


# The turnover budget


def test_trades_are_scaled_to_the_budget():
    # 10 + 30 units are 40 % of the book; 10 % allows a quarter of each.
    units, reports = hold([10, -30], [0, 0], turnover_budget=0.1)
    assert units == pytest.approx([2.5, -7.5], rel=1e-12)
    detail = "trades of 0.4000 of NAV scaled by 0.2500 to 0.1"
    assert reports == (("", "turnover_budget", detail),)


def test_a_budget_that_is_not_reached_changes_nothing():
    units, reports = hold([10, -30], [0, 0], turnover_budget=0.4)
    assert (units.tolist(), reports) == ([10, -30], ())


def test_what_has_to_go_comes_first_out_of_the_budget():
    # The exit of 5 units takes 5 of 10 %; the others, 20 %, are scaled to the other 5 %.
    units, _ = hold([0, 20], [5, 0], turnover_budget=0.1, urgent=[True, False])
    assert units == pytest.approx([0, 5], rel=1e-12)


def test_what_has_to_go_may_exceed_the_budget_and_is_reported():
    units, reports = hold([0, 20], [50, 0], turnover_budget=0.1, urgent=[True, False])
    assert units.tolist() == [0, 0]
    assert reports[0][2] == "exits that have to be made take 0.5000 of NAV, more than 0.1"
    assert hold([0], [50], turnover_budget=0.1, urgent=[True])[1] == reports


# Small tickets


def small(target, held, least, price=10.0):
    target, held = np.array(target, dtype=float), np.array(held, dtype=float)
    basket = make_basket(target, held, np.full(len(target), 1.0))
    at = basket.column
    prices, minimum = np.full(len(at), price), np.full(len(at), least)
    kept, reports = drop_small_tickets(basket, held[at], prices, minimum, VALUE)
    return dict(zip(kept.column.tolist(), (kept.reduce + kept.increase).tolist())), reports


def test_tickets_below_the_minimum_are_left_out_unless_they_are_full_exits():
    # At 10 each: 50 and 40 to buy, an exit of 10, 10 -> 7 is 30. The minimum is 50.
    tickets, reports = small([5, 4, 0, 7], [0, 0, 1, 10], 50.0)
    assert tickets == {0: 5.0, 2: -1.0}
    # 40 + 30 of 1,000.
    assert reports == (("", "min_ticket", "2 tickets below the minimum left out, 0.070000 of NAV"),)


def test_a_small_change_of_side_is_no_full_exit():
    # From 1 to -1 trades 20, below 50.
    assert small([-1], [1], 50.0)[0] == {}
    assert small([-1], [1], 20.0) == ({0: -2.0}, ())


# Any book

UNITS = st.floats(-50, 50).map(lambda x: round(x, 3))
ROWS = st.lists(st.tuples(UNITS, UNITS, st.booleans()), min_size=1, max_size=12)


@given(
    rows=ROWS,
    band=st.sampled_from([0.0, 0.01, 0.1]),
    to=st.sampled_from(["target", "edge"]),
    fraction=st.sampled_from([1.0, 0.5, 0.1]),
    budget=st.sampled_from([None, 0.05, 0.5, 3.0]),
)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_rebalance_keeps_its_rules(rows, band, to, fraction, budget):
    target, held, leaves = (np.array(column, dtype=float) for column in zip(*rows))
    urgent = leaves.astype(bool) & (held != 0)
    target = np.where(urgent, 0.0, target)
    units, reports = hold(
        target,
        held,
        urgent=urgent,
        no_trade_band=band,
        band_to=to,
        trade_fraction=fraction,
        turnover_budget=budget,
    )
    # Every position ends between what was held and what is wanted.
    low, high = np.minimum(target, held), np.maximum(target, held)
    assert ((units >= low - 1e-12) & (units <= high + 1e-12)).all()
    # What has to go is gone.
    assert (units[urgent] == 0).all()
    change = np.abs(units - held) * 10.0 / VALUE
    if budget is not None:
        allowed = max(budget, change[urgent].sum())
        assert change.sum() <= allowed + 1e-12
        if reports:
            assert change.sum() == pytest.approx(allowed, abs=1e-12)
    drifts = (held * target > 0) & ~urgent
    inside = drifts & (np.abs(target - held) * 10.0 / VALUE <= band)
    if band > 0:
        assert (units[inside] == held[inside]).all()
    if fraction == 1 and budget is None:
        assert (units[~drifts] == target[~drifts]).all()


@given(rows=ROWS, budget=st.sampled_from([0.05, 0.2]), fraction=st.sampled_from([1.0, 0.3]))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_a_neutral_book_stays_neutral_under_a_budget_and_in_parts(rows, budget, fraction):
    target, held = (np.array(column, dtype=float) for column in list(zip(*rows))[:2])
    target, held = target - target.mean(), held - held.mean()
    units, _ = hold(target, held, turnover_budget=budget, trade_fraction=fraction)
    assert units.sum() == pytest.approx(0.0, abs=1e-10)
