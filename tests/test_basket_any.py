"""What must hold for the fill of any basket, whatever the prices, costs and limits."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.execution.basket import Limits, make_basket
from strategies.execution.commission import (
    FixedCommission,
    NoCommission,
    PercentCommission,
    PerShareCommission,
)
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import fill_at, make_costs

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)


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
    return fill_at(given.pop("basket", book.basket), given.pop("price"), **given)


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
