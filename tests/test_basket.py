"""Tickets and their fill: hand-computed cases first, then what must hold for any basket."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.execution.basket import Basket, Limits, fill_basket, make_basket
from strategies.execution.commission import (
    FixedCommission,
    NoCommission,
    PercentCommission,
    PerShareCommission,
)
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import make_costs

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)


def tickets(target, held, lot=1.0):
    target, held = np.array(target, dtype=float), np.array(held, dtype=float)
    return make_basket(target, held, np.broadcast_to(float(lot), target.shape))


def parts(basket):
    return list(zip(basket.column, basket.reduce, basket.increase, strict=True))


def fill(basket, price, *, cash=1000.0, held=None, costs=None, limits=None, mark=None, shares=1.0):
    price = np.array(price, dtype=float)
    held = np.zeros(len(price)) if held is None else np.array(held, dtype=float)
    return fill_basket(
        basket,
        reference=price[basket.column],
        shares_per_unit=np.full(len(basket), shares),
        cash=cash,
        position=held,
        mark=price if mark is None else np.array(mark, dtype=float),
        costs=costs or make_costs(len(price)),
        limits=limits or Limits(),
    )


# Tickets


def test_entries_reductions_exits_and_flips_become_one_ticket_each():
    basket = tickets([10, 4, 0, -5, 7], [0, 10, 3, 5, 7])
    # An entry; 10 -> 4; an exit; 5 -> -5 as an exit of 5 and an opening of 5; 7 stays.
    assert parts(basket) == [(0, 0, 10), (1, -6, 0), (2, -3, 0), (3, -5, -5)]


def test_shorts_mirror_longs():
    basket = tickets([-10, -4, 0, 5], [0, -10, -3, -5])
    assert parts(basket) == [(0, 0, -10), (1, 6, 0), (2, 3, 0), (3, 5, 5)]


def test_quantities_are_cut_towards_zero_to_whole_lots():
    # +10.9 -> +10; -10.9 -> -10; from 10 to 3.5: -6.5 -> -6.
    assert parts(tickets([10.9, -10.9, 3.5], [0, 0, 10])) == [(0, 0, 10), (1, 0, -10), (2, -6, 0)]


def test_a_change_below_one_lot_is_no_ticket():
    assert len(tickets([0.9, 10.9], [0, 10])) == 0


def test_an_exit_is_whole_whatever_its_size():
    assert parts(tickets([0, 0], [0.3, -7.25])) == [(0, -0.3, 0), (1, 7.25, 0)]


def test_a_flip_too_small_to_open_is_an_exit():
    assert parts(tickets([-0.4], [5.5])) == [(0, -5.5, 0)]


def test_crypto_steps_keep_whole_multiples():
    # 0.1 / 1e-8 is 10,000,000 lots up to rounding and stays 0.1; 0.123456789 loses its ninth digit.
    basket = tickets([0.1, 0.123456789], [0, 0], lot=1e-8)
    assert basket.increase == pytest.approx([0.1, 0.12345678], rel=1e-15)


# Fills by hand


def test_an_affordable_basket_fills_whole():
    done = fill(tickets([4, 5], [0, 0]), [100, 100])
    assert (done.size.tolist(), done.price.tolist(), done.scale) == ([4, 5], [100, 100], 1.0)


def test_increases_are_scaled_by_one_factor_to_the_cash_there_is():
    # 8 x 100 + 12 x 100 = 2,000 for 1,000: the factor is 1/2.
    done = fill(tickets([8, 12], [0, 0]), [100, 100])
    assert done.scale == pytest.approx(0.5, rel=1e-9)
    assert done.size.tolist() == [4, 6]


def test_sales_pay_for_purchases_of_the_same_basket():
    # 10 held at 100 are sold and pay for 10 bought at 100 without any cash.
    done = fill(tickets([0, 10], [10, 0]), [100, 100], cash=0.0, held=[10, 0])
    assert (done.size.tolist(), done.scale) == ([-10, 10], 1.0)


def test_commission_and_slippage_are_part_of_what_must_be_paid():
    # Buying x units at 100 x 1.01 = 101 with 1 % on it costs 102.01 a unit: 1,000 / 102.01 =
    # 9.80 units, 9 whole ones. 9 x 101 x 1 % = 9.09.
    costs = make_costs(1, PercentCommission(100), BpsSlippage(100))
    done = fill(tickets([20], [0]), [100], costs=costs)
    assert done.scale == pytest.approx(1000 / 102.01 / 20, rel=1e-9)
    assert done.size.tolist() == [9]
    assert done.price == pytest.approx([101.0])
    assert done.commission == pytest.approx([9.09])


def test_the_cash_buffer_is_a_share_of_the_nav():
    # With a buffer of 10 % of a NAV of 1,000, 900 can be spent: 9 of 10 units.
    done = fill(tickets([10], [0]), [100], limits=Limits(cash_buffer=0.1))
    assert done.scale == pytest.approx(0.9, rel=1e-9)
    assert done.size.tolist() == [9]


def test_short_proceeds_pay_for_nothing():
    # Short 10 x 100 brings 1,000 of cash that is collateral; the long still has only 1,000.
    done = fill(tickets([15, -10], [0, 0]), [100, 100])
    assert done.scale == pytest.approx(2 / 3, rel=1e-9)
    assert done.size.tolist() == [10, -6]


def test_margin_limits_a_short_book():
    # NAV 1,000 must exceed 25 % of gross: under 4,000 short of the 10,000 asked for, so that 39
    # units of 100 and not 40, at which the book would be liquidated.
    done = fill(tickets([-100], [0]), [100])
    assert done.scale == pytest.approx(0.4, rel=1e-8)
    assert done.size.tolist() == [-39]


def test_a_lot_is_not_lost_when_far_too_much_is_ordered():
    # 1,000 pay for exactly 100 units of 10, also when ten million are ordered.
    for wanted in (100, 101, 1e4, 1e7):
        assert fill(tickets([wanted], [0]), [10]).size.tolist() == [100]


def test_margin_counts_what_is_held_and_not_traded():
    # 30 x 100 are short already (with their proceeds in cash): less than 4,000 - 3,000 is left.
    basket = tickets([-30, -100], [-30, 0])
    done = fill(basket, [100, 100], cash=4000.0, held=[-30, 0])
    assert done.size.tolist() == [-9]


def test_a_flip_scales_its_opening_part_only():
    # From +5 to -100: the 5 are sold whole. NAV is 1,500, so under 6,000 may be short: 59 units.
    done = fill(tickets([-100], [5]), [100], held=[5])
    assert done.size.tolist() == [-64]


def test_reductions_fill_even_where_nothing_else_can():
    # Cash is -500 before and -400 after the sale: no increase, but the sale is made.
    done = fill(tickets([9, 5], [10, 0]), [100, 100], cash=-500.0, held=[10, 0])
    assert (done.size.tolist(), done.scale) == ([-1, 0], 0.0)
    assert done.commission.tolist() == [0, 0]


def test_a_minimum_fee_that_cannot_be_paid_fills_nothing():
    done = fill(tickets([1], [0]), [100], cash=101.0, costs=make_costs(1, FixedCommission(200)))
    assert done.size.tolist() == [0]
    assert done.commission.tolist() == [0]


def test_per_share_fees_count_printed_shares():
    # 5 units of 4 printed shares each at 0.01: 0.20.
    costs = make_costs(1, PerShareCommission(0.01))
    done = fill(tickets([5], [0]), [100], costs=costs, shares=4.0)
    assert done.commission == pytest.approx([0.2])


def test_lots_are_cut_after_scaling():
    # Factor 1/1.5: 6.67 -> 6 and 3.33 -> 3 whole units.
    done = fill(tickets([10, 5], [0, 0]), [100, 100])
    assert done.size.tolist() == [6, 3]


def test_unmarked_assets_that_are_not_held_do_no_harm():
    done = fill(tickets([5, 0], [0, 0]), [100, 100], mark=[100, np.nan])
    assert done.size.tolist() == [5]


# What must hold for any basket


@st.composite
def books(draw):
    columns = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    price = np.round(np.exp(rng.normal(3, 1, columns)), 2) + 0.01
    cash = draw(st.sampled_from([1e3, 1e5, 1e6]))
    held = np.round(rng.normal(0, 0.2, columns) * cash / price / columns, 3)
    held[rng.random(columns) < 0.4] = 0.0
    reach = draw(st.sampled_from([0.3, 1.0, 3.0, 8.0]))
    target = rng.normal(0, 1, columns) * reach * cash / price / columns
    target[rng.random(columns) < 0.3] = 0.0
    scheme = draw(
        st.sampled_from(
            [
                NoCommission(),
                PercentCommission(20),
                PercentCommission(10, minimum=5.0),
                PerShareCommission(0.005, 1.0, 100.0),
                FixedCommission(3.0),
            ]
        )
    )
    slip = BpsSlippage(draw(st.sampled_from([0.0, 10.0, 200.0])))
    limits = Limits(draw(st.sampled_from([0.0, 0.05])), draw(st.sampled_from([0.1, 0.25, 0.5])))
    lot = draw(st.sampled_from([1e-8, 0.01, 1.0]))
    basket = make_basket(target, held, np.full(columns, lot))
    return SimpleNamespace(
        basket=basket,
        price=price,
        cash=cash,
        held=held,
        target=target,
        lot=lot,
        costs=make_costs(columns, scheme, slip),
        limits=limits,
    )


def filled(book, **changes):
    names = ("price", "cash", "held", "costs", "limits")
    given = {name: getattr(book, name) for name in names} | changes
    return fill(given.pop("basket", book.basket), given.pop("price"), **given)


def room(book, size, price, commission):
    """Free cash above the buffer, margin above its floor, and NAV after trading `size`."""
    at = book.basket.column
    cash = book.cash - sum(s * p + c for s, p, c in zip(size, price, commission, strict=True))
    position = book.held.copy()
    position[at] += size
    worth = position * book.price
    nav = cash + worth.sum()
    free = cash + worth[worth < 0].sum() - book.limits.cash_buffer * nav
    return free, nav - book.limits.maintenance_margin * np.abs(worth).sum(), nav


def room_at(book, scale):
    """Room after reductions and `scale` of the increases, before lots are cut."""
    size = book.basket.reduce + scale * book.basket.increase
    at = book.basket.column
    price = book.costs.fill_price(at, size, book.price[at])
    free, margin, nav = room(book, size, price, book.costs.commission(at, size, price, size))
    return min(free, margin), nav


@EXAMPLES
@given(books())
def test_tickets_net_to_the_target_within_a_lot(book):
    after = book.held.copy()
    after[book.basket.column] += book.basket.reduce + book.basket.increase
    exits = book.target == 0
    assert np.all(after[exits] == 0)
    assert np.all(np.abs(after - book.target) < book.lot * (1 + 1e-6))
    # Never beyond the target, so that rounding adds no exposure.
    opened = np.abs(after) <= np.maximum(np.abs(book.target), np.abs(book.held)) + 1e-9
    assert np.all(opened)


@EXAMPLES
@given(books())
def test_no_reduction_goes_past_zero_and_no_ticket_is_empty(book):
    held = book.held[book.basket.column]
    assert np.all(book.basket.reduce * held <= 0)
    assert np.all(np.abs(book.basket.reduce) <= np.abs(held))
    assert np.all((book.basket.reduce != 0) | (book.basket.increase != 0))


@EXAMPLES
@given(books())
def test_reductions_are_whole_and_increases_share_one_factor(book):
    done = filled(book)
    opened = done.size - book.basket.reduce
    wanted = done.scale * book.basket.increase
    assert np.all(opened * wanted >= 0), "no ticket turns round"
    assert np.all(np.abs(opened) <= np.abs(book.basket.increase) + 1e-9)
    assert np.all(np.abs(wanted - opened) < book.lot * (1 + 1e-6)), "cut to lots, not more"
    none = book.basket.increase == 0
    assert np.all(done.size[none] == book.basket.reduce[none])
    assert 0.0 <= done.scale <= 1.0


@EXAMPLES
@given(books())
def test_limits_hold_after_the_fills_where_anything_was_increased(book):
    done = filled(book)
    if np.any(done.size != book.basket.reduce):
        free, margin, nav = room(book, done.size, done.price, done.commission)
        assert free >= -1e-9 * abs(nav)
        assert margin > 0


@EXAMPLES
@given(books())
def test_the_factor_is_the_largest_that_the_limits_allow(book):
    done = filled(book)
    left, nav = room_at(book, 1.0)
    if left >= 0 or not book.basket.increase.any():
        assert done.scale == 1.0
        return
    if room_at(book, 0.0)[0] < 0:
        assert done.scale == 0.0
        return
    assert room_at(book, done.scale)[0] >= -1e-9 * abs(nav)
    for more in (1e-8, 1e-6, 1e-4, 1e-2):
        larger = done.scale * (1 + more) + more * 1e-3
        if larger < 1.0:
            assert room_at(book, larger)[0] < 1e-8 * abs(nav)


@EXAMPLES
@given(books(), st.floats(1.0, 3.0))
def test_more_cash_never_fills_less(book, factor):
    limits = Limits(0.0, book.limits.maintenance_margin)
    less = filled(book, limits=limits)
    more = filled(book, cash=book.cash * factor, limits=limits)
    assert more.scale >= less.scale - 1e-9


@EXAMPLES
@given(books(), st.randoms(use_true_random=False))
def test_the_order_of_assets_changes_nothing(book, random):
    order = list(range(len(book.price)))
    random.shuffle(order)
    order = np.array(order)
    lots = np.full(len(order), book.lot)
    shuffled = make_basket(book.target[order], book.held[order], lots)
    one = filled(book)
    two = filled(book, basket=shuffled, price=book.price[order], held=book.held[order])
    assert one.scale == pytest.approx(two.scale, rel=1e-8, abs=1e-12)
    by_asset = np.zeros(len(order)), np.zeros(len(order))
    by_asset[0][book.basket.column] = one.size
    by_asset[1][order[shuffled.column]] = two.size
    # One lot apart at most, where rounding decides about the last of them.
    assert np.abs(by_asset[0] - by_asset[1]).max(initial=0) <= book.lot * 1.001 + 1e-7


@EXAMPLES
@given(books())
def test_filled_prices_are_worse_than_the_reference(book):
    done = filled(book)
    cost = (done.price - book.price[book.basket.column]) * np.sign(done.size)
    assert np.all(cost >= 0)
    assert np.all(done.commission >= 0)
    assert np.all(done.commission[done.size == 0] == 0)


def test_a_basket_takes_its_tickets_by_mask():
    basket = Basket(np.array([3, 5]), np.array([-1.0, 0.0]), np.array([0.0, 2.0]), np.ones(2))
    taken = basket.take(np.array([False, True]))
    assert (taken.column.tolist(), taken.increase.tolist(), len(taken)) == ([5], [2.0], 1)
