"""What the trades of a study's portfolios cost, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.study_costs import SchemeCharge, break_even_bps, net_of_costs
from factors.holdings import Endings, holding_trades
from strategies.execution.costs import make_trading_costs


def test_a_net_return_is_booked_where_the_holding_first_earns():
    returns = np.array([0.0, 0.0, 0.1, 0.0, 0.2, 0.0])
    net = net_of_costs(returns, np.array([0, 2, 4]), np.array([0.01, 0.02, 0.5]))
    # Entries in rows 1, 3 and 5; the last is never charged.
    np.testing.assert_allclose(net, [0.0, 0.0, 1.1 * 0.99 - 1, 0.0, 1.2 * 0.98 - 1, 0.0])
    np.testing.assert_allclose(net_of_costs(returns, np.array([0]), np.array([np.nan])), returns)


@pytest.mark.parametrize(
    ("mean", "traded", "bps"), [(0.02, 4.0, 50.0), (-0.02, 4.0, np.nan), (0.02, 0.0, np.nan)]
)
def test_break_even_is_the_mean_over_what_is_traded(mean, traded, bps):
    assert break_even_bps(mean, traded) == pytest.approx(bps, nan_ok=True)


def test_trades_pay_the_configured_schemes(make_panel):
    close = np.full((3, 3), 10.0)
    panel = make_panel(close, asset_class=["equity", "equity", "crypto"])
    commission = {
        "equity": {"scheme": "percent", "bps": 2},
        "crypto": {"scheme": "percent", "bps": 20, "minimum": 3.0},
    }
    slippage = {"equity": {"scheme": "bps", "bps": 5}}
    costs = make_trading_costs(panel, commission, slippage, "data")
    charge = SchemeCharge(panel, costs, np.array([0.0, 0.0, 0.08]), 1000.0)
    trades = np.array([[0.5, -0.5, 0.1], [0.0, np.nan, 0.0]])
    cost = charge.cost(np.array([1, 2]), np.array([0, 1, 2]), trades)
    # Bought: 50 units, 5 bps above 10: 0.25 and 2 bps of 500.25. Sold: of 499.75.
    bought, sold = 0.25 + 500.25 * 2e-4, 0.25 + 499.75 * 2e-4
    np.testing.assert_allclose(cost[0], [bought / 1000, sold / 1000, 3.0 / 1000])
    assert not cost[1].any()
    assert charge.borrow_annual(np.array([2, 0])).tolist() == [0.08, 0.0]


def test_a_fee_per_share_counts_printed_shares(make_panel):
    panel = make_panel(np.full((2, 1), 10.0), split_factor=np.full((2, 1), 4.0))
    costs = make_trading_costs(panel, {"equity": {"scheme": "per_share", "rate": 0.01}}, {}, "data")
    charge = SchemeCharge(panel, costs, np.zeros(1), 1000.0)
    # 100 units are 400 printed shares: 4 of 1000.
    assert charge.cost(np.array([1]), np.array([0]), np.array([[1.0]])).tolist() == [[0.004]]


def test_an_asset_without_a_price_costs_nothing(make_panel):
    close = np.array([[np.nan, 10.0], [np.nan, 10.0]])
    panel = make_panel(close)
    costs = make_trading_costs(panel, {"equity": {"scheme": "percent", "bps": 10}}, {}, "data")
    charge = SchemeCharge(panel, costs, np.zeros(2), 1000.0)
    cost = charge.cost(np.array([1]), np.array([0, 1]), np.array([[0.5, 0.5]]))
    np.testing.assert_allclose(cost, [[0.0, 0.0005]])


def test_trades_by_hand():
    marks = np.array([[10.0, 10.0], [10.0, 10.0], [15.0, 10.0], [15.0, 10.0], [15.0, 10.0]])
    weights = np.array([[0.5, -0.5], [0.5, 0.5], [1.0, 0.0]])
    trades = holding_trades(marks, np.array([0, 2, 4]), weights)
    # 1.25 in row 3: A is 0.75 of it, 0.6; B is -0.5, -0.4. The third is never entered.
    np.testing.assert_allclose(trades[:2], [[0.5, -0.5], [0.5 - 0.6, 0.5 + 0.4]])
    assert np.isnan(trades[2]).all()
    ends = Endings(np.array([2, 9]), np.array([0.0, 0.0]))
    closed = holding_trades(marks, np.array([0, 2]), weights[:2], ends=ends)
    # A is cash by then and needs no trade; it cannot be bought again.
    np.testing.assert_allclose(closed[1], [0.0, 0.5 + 0.4])
