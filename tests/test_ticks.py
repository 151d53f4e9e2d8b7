"""Ticks: printed prices in whole steps, against the trader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from feeds.errors import ConfigError
from strategies.execution.slippage import BpsSlippage
from strategies.execution.ticks import make_ticks
from tests.engine_case import fills_of, make_account, make_costs, run_account


def rounded(panel, price, size, *, row=0, tick=0.01):
    ticks = make_ticks(panel, {"equity": tick}, "data")
    column = np.arange(len(price))
    return ticks.rounded(np.array(price), np.array(size), column, row).tolist()


def test_buys_are_rounded_up_and_sales_down(make_panel):
    panel = make_panel(np.full((2, 4), 10.0))
    # 10.004 is between 10.00 and 10.01; a price on the grid stays where it is.
    prices = rounded(panel, [10.004, 10.004, 10.01, 10.01], [1.0, -1.0, 2.0, -2.0])
    assert prices == pytest.approx([10.01, 10.00, 10.01, 10.01], rel=1e-15)


def test_the_step_is_of_the_price_printed_on_that_row(make_panel):
    # After a 2-for-1 split a unit at 20.03 is two shares at 10.015: 10.02 to buy, 2 x 10.02.
    split = np.array([[1.0, 1.0], [2.0, 2.0]])
    panel = make_panel(np.full((2, 2), 20.0), split_factor=split)
    assert rounded(panel, [20.03, 20.03], [1.0, -1.0], row=1) == pytest.approx([20.04, 20.02])
    assert rounded(panel, [20.03, 20.03], [1.0, -1.0], row=0) == pytest.approx([20.03, 20.03])


def test_dividends_reinvested_are_part_of_a_unit(make_panel):
    # A unit of 1.25 shares at 12.51 is 10.008 a share: 10.01 to buy is 12.5125 a unit.
    panel = make_panel(np.full((1, 1), 12.5), dividend_factor=np.full((1, 1), 1.25))
    assert rounded(panel, [12.51], [1.0]) == pytest.approx([12.5125])


def test_a_price_below_one_tick_stays(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    assert rounded(panel, [0.004], [-1.0]) == [0.004]
    assert rounded(panel, [0.004], [1.0]) == [0.01]


def test_what_has_no_printed_price_is_not_rounded(make_panel):
    panel = make_panel(np.full((1, 2), 10.0), price_kind=np.array(["traded", "index"]))
    assert rounded(panel, [10.004, 10.004], [1.0, 1.0]) == pytest.approx([10.01, 10.004])


def test_classes_without_a_tick_are_not_rounded(make_panel):
    panel = make_panel(np.full((1, 2), 10.0), asset_class=["equity", "crypto"])
    assert rounded(panel, [10.004, 10.004], [1.0, 1.0]) == pytest.approx([10.01, 10.004])
    assert make_ticks(panel, {}, "data") is None


def test_rounding_is_part_of_the_slippage_of_a_fill(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    account = make_account(panel)
    # 4 bps on 10 is 10.004, in steps of a cent 10.01: 1 cent a unit of slippage.
    costs = make_costs(1, slippage=BpsSlippage(4))
    account.costs = replace(costs, ticks=make_ticks(panel, {"equity": 0.01}, "data"))
    run_account(account, {0: [5.0], 1: [0.0]})
    assert [fill[4] for fill in fills_of(account)] == pytest.approx([10.01, 9.99], rel=1e-12)
    assert account.cash == pytest.approx(1000.0 - 5 * 0.02, rel=1e-12)


def test_rounding_scales_with_the_costs(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    costs = replace(
        make_costs(1, slippage=BpsSlippage(4)), ticks=make_ticks(panel, {"equity": 0.01}, "data")
    )
    for scale, price in ((0.0, 10.0), (0.5, 10.005), (2.0, 10.02)):
        args = np.array([0]), np.array([1.0]), np.array([10.0])
        assert costs.scaled(scale).fill_price(*args) == pytest.approx([price], rel=1e-12)


def test_a_step_above_the_usual_price_is_refused(make_panel):
    panel = make_panel(np.array([[10.0, 400.0], [12.0, 400.0], [14.0, 400.0]]))
    with pytest.raises(ConfigError) as error:
        make_ticks(panel, {"equity": 300.0}, "data/x")
    # The median of 10, 12, 14, and 400 thrice is 207.
    assert error.value.problem == (
        "execution.ticks.equity 300 is above the median printed close of equity, 207"
    )
    assert error.value.remedy == "choose a step well below it, such as 0.1"
    assert make_ticks(panel, {"equity": 100.0}, "data/x") is not None


def test_a_class_without_printed_prices_is_refused(make_panel):
    panel = make_panel(np.full((2, 1), 10.0), price_kind=np.array(["adjusted"]))
    with pytest.raises(ConfigError, match="has adjusted or index prices of equity only"):
        make_ticks(panel, {"equity": 0.01}, "data/x")
    assert make_ticks(panel, {"crypto": 0.01}, "data/x") is None
