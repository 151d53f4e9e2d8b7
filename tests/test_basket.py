"""Tickets and their fill, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.execution.basket import Basket, Limits, make_basket
from strategies.execution.commission import (
    FixedCommission,
    PercentCommission,
    PerShareCommission,
)
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import fill_at, make_costs


def tickets(target, held, lot=1.0):
    target, held = np.array(target, dtype=float), np.array(held, dtype=float)
    return make_basket(target, held, np.broadcast_to(float(lot), target.shape))


def parts(basket):
    return list(zip(basket.column, basket.reduce, basket.increase, strict=True))


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
    done = fill_at(tickets([4, 5], [0, 0]), [100, 100])
    assert (done.size.tolist(), done.price.tolist(), done.scale) == ([4, 5], [100, 100], 1.0)


def test_increases_are_scaled_by_one_factor_to_the_cash_there_is():
    # 8 x 100 + 12 x 100 = 2,000 for 1,000: the factor is 1/2.
    done = fill_at(tickets([8, 12], [0, 0]), [100, 100])
    assert done.scale == pytest.approx(0.5, rel=1e-9)
    assert done.size.tolist() == [4, 6]


def test_sales_pay_for_purchases_of_the_same_basket():
    # 10 held at 100 are sold and pay for 10 bought at 100 without any cash.
    done = fill_at(tickets([0, 10], [10, 0]), [100, 100], cash=0.0, held=[10, 0])
    assert (done.size.tolist(), done.scale) == ([-10, 10], 1.0)


def test_commission_and_slippage_are_part_of_what_must_be_paid():
    # Buying x units at 100 x 1.01 = 101 with 1 % on it costs 102.01 a unit: 1,000 / 102.01 =
    # 9.80 units, 9 whole ones. 9 x 101 x 1 % = 9.09.
    costs = make_costs(1, PercentCommission(100), BpsSlippage(100))
    done = fill_at(tickets([20], [0]), [100], costs=costs)
    assert done.scale == pytest.approx(1000 / 102.01 / 20, rel=1e-9)
    assert done.size.tolist() == [9]
    assert done.price == pytest.approx([101.0])
    assert done.commission == pytest.approx([9.09])


def test_the_cash_buffer_is_a_share_of_the_nav():
    # With a buffer of 10 % of a NAV of 1,000, 900 can be spent: 9 of 10 units.
    done = fill_at(tickets([10], [0]), [100], limits=Limits(cash_buffer=0.1))
    assert done.scale == pytest.approx(0.9, rel=1e-9)
    assert done.size.tolist() == [9]


def test_short_proceeds_pay_for_nothing():
    # Short 10 x 100 brings 1,000 of cash that is collateral; the long still has only 1,000.
    done = fill_at(tickets([15, -10], [0, 0]), [100, 100])
    assert done.scale == pytest.approx(2 / 3, rel=1e-9)
    assert done.size.tolist() == [10, -6]


def test_margin_limits_a_short_book():
    # NAV 1,000 must exceed 25 % of gross: under 4,000 short of the 10,000 asked for, so that 39
    # units of 100 and not 40, at which the book would be liquidated.
    done = fill_at(tickets([-100], [0]), [100])
    assert done.scale == pytest.approx(0.4, rel=1e-8)
    assert done.size.tolist() == [-39]


def test_a_lot_is_not_lost_when_far_too_much_is_ordered():
    # 1,000 pay for exactly 100 units of 10, also when ten million are ordered.
    for wanted in (100, 101, 1e4, 1e7):
        assert fill_at(tickets([wanted], [0]), [10]).size.tolist() == [100]


def test_margin_counts_what_is_held_and_not_traded():
    # 30 x 100 are short already (with their proceeds in cash): less than 4,000 - 3,000 is left.
    basket = tickets([-30, -100], [-30, 0])
    done = fill_at(basket, [100, 100], cash=4000.0, held=[-30, 0])
    assert done.size.tolist() == [-9]


def test_a_flip_scales_its_opening_part_only():
    # From +5 to -100: the 5 are sold whole. NAV is 1,500, so under 6,000 may be short: 59 units.
    done = fill_at(tickets([-100], [5]), [100], held=[5])
    assert done.size.tolist() == [-64]


def test_reductions_fill_even_where_nothing_else_can():
    # Cash is -500 before and -400 after the sale: no increase, but the sale is made.
    done = fill_at(tickets([9, 5], [10, 0]), [100, 100], cash=-500.0, held=[10, 0])
    assert (done.size.tolist(), done.scale) == ([-1, 0], 0.0)
    assert done.commission.tolist() == [0, 0]


def test_a_minimum_fee_that_cannot_be_paid_fills_nothing():
    done = fill_at(tickets([1], [0]), [100], cash=101.0, costs=make_costs(1, FixedCommission(200)))
    assert done.size.tolist() == [0]
    assert done.commission.tolist() == [0]


def test_per_share_fees_count_printed_shares():
    # 5 units of 4 printed shares each at 0.01: 0.20.
    costs = make_costs(1, PerShareCommission(0.01))
    done = fill_at(tickets([5], [0]), [100], costs=costs, shares=4.0)
    assert done.commission == pytest.approx([0.2])


def test_lots_are_cut_after_scaling():
    # Factor 1/1.5: 6.67 -> 6 and 3.33 -> 3 whole units.
    done = fill_at(tickets([10, 5], [0, 0]), [100, 100])
    assert done.size.tolist() == [6, 3]


def test_unmarked_assets_that_are_not_held_do_no_harm():
    done = fill_at(tickets([5, 0], [0, 0]), [100, 100], mark=[100, np.nan])
    assert done.size.tolist() == [5]


def test_a_basket_takes_its_tickets_by_mask():
    basket = Basket(np.array([3, 5]), np.array([-1.0, 0.0]), np.array([0.0, 2.0]), np.ones(2))
    taken = basket.take(np.array([False, True]))
    assert (taken.column.tolist(), taken.increase.tolist(), len(taken)) == ([5], [2.0], 1)
