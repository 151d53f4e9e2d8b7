"""Commission schemes against charges worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.errors import ConfigError
from strategies.execution.commission import (
    FixedCommission,
    NoCommission,
    PercentCommission,
    PerShareCommission,
)
from strategies.execution.costs import make_trading_costs
from strategies.execution.registry import COMMISSIONS
from strategies.execution.tickets import Tickets

SIZE = np.array([100.0, -100.0, 1.0, 0.0])
PRICE = np.array([50.0, 50.0, 50.0, 50.0])


def charge(scheme, size=SIZE, price=PRICE, shares=None):
    shares = size if shares is None else shares
    return scheme.charge(Tickets(size, price, price=price, shares=shares)).tolist()


def test_none_charges_nothing():
    assert charge(NoCommission()) == [0.0, 0.0, 0.0, 0.0]


def test_percent_is_basis_points_of_traded_value():
    # 100 x 50 x 20/10,000 = 10, bought or sold; 1 x 50 x 20/10,000 = 0.10.
    assert charge(PercentCommission(bps=20)) == [10.0, 10.0, 0.1, 0.0]


def test_percent_minimum_applies_to_tickets_that_trade():
    # 10 is above the minimum of 2.5, 0.10 is raised to it, nothing traded costs nothing.
    assert charge(PercentCommission(bps=20, minimum=2.5)) == [10.0, 10.0, 2.5, 0.0]


def test_per_share_counts_shares_whatever_the_price():
    # 100 x 0.005 = 0.50; 1 x 0.005 = 0.005.
    assert charge(PerShareCommission(rate=0.005)) == [0.5, 0.5, 0.005, 0.0]


def test_per_share_minimum():
    assert charge(PerShareCommission(rate=0.005, minimum=1.0)) == [1.0, 1.0, 1.0, 0.0]


def test_per_share_maximum_prevails_over_the_minimum():
    # Caps of 1 %: 100 x 50 x 100/10,000 = 50, not reached by 1.00; 1 x 50 x 1 % = 0.50 < 1.00.
    scheme = PerShareCommission(rate=0.005, minimum=1.0, maximum_bps=100)
    assert charge(scheme) == [1.0, 1.0, 0.5, 0.0]


def test_per_share_maximum_of_penny_shares():
    # 10,000 shares at 0.02: 10,000 x 0.005 = 50, capped at 1 % of 200 = 2.
    scheme = PerShareCommission(rate=0.005, maximum_bps=100)
    assert charge(scheme, np.array([1e4]), np.array([0.02])) == [2.0]


def test_per_share_counts_printed_shares_after_a_split():
    # 100 adjusted units after a 4-for-1 split are 400 printed shares: 400 x 0.005 = 2. The
    # traded value is that of the units: 100 x 200 = 20,000, so a 1 bp maximum is 2 as well.
    size, price = np.array([100.0]), np.array([200.0])
    assert charge(PerShareCommission(rate=0.005), size, price, size * 4) == [2.0]
    assert charge(PerShareCommission(0.005, 0.0, 0.5), size, price, size * 4) == [1.0]


def test_fixed_is_the_same_for_every_ticket():
    assert charge(FixedCommission(4.95)) == [4.95, 4.95, 4.95, 0.0]


def test_the_registry_names_every_scheme():
    assert sorted(COMMISSIONS) == [
        "binance_spot",
        "by_size",
        "coinbase_exchange",
        "commerce_bank",
        "fixed",
        "ibkr_pro_fixed",
        "ibkr_pro_tiered",
        "kraken_pro",
        "none",
        "per_share",
        "percent",
        "tiered",
        "zero_commission",
    ]


def mixed(make_panel, **fields):
    return make_panel(shape=(5, 3), asset_class=["crypto", "equity", "equity"], **fields)


def test_each_class_pays_by_its_own_scheme(make_panel):
    costs = make_trading_costs(
        mixed(make_panel),
        {"equity": {"scheme": "fixed", "amount": 1}, "crypto": {"scheme": "percent", "bps": 20}},
        {"crypto": {"scheme": "bps", "bps": 10}},
        "data",
    )
    column, size = np.array([2, 0]), np.array([10.0, -10.0])
    price = costs.fill_price(column, size, np.array([100.0, 100.0]))
    # Equity has no slippage scheme; the coin sells at 100 x (1 - 0.001) = 99.9.
    np.testing.assert_allclose(price, [100.0, 99.9], rtol=1e-15)
    # Fixed 1; 10 x 99.9 x 0.002 = 1.998: commission is on the price with slippage in it.
    np.testing.assert_allclose(costs.commission(column, size, price, size), [1.0, 1.998])


def test_scaled_costs_multiply_both_charges(make_panel):
    costs = make_trading_costs(
        mixed(make_panel),
        {"equity": {"scheme": "fixed", "amount": 3}},
        {"equity": {"scheme": "bps", "bps": 10}},
        "data",
    )
    column, size, reference = np.array([1]), np.array([10.0]), np.array([100.0])
    for scale, price, fee in ((0.0, 100.0, 0.0), (1.0, 100.1, 3.0), (2.0, 100.2, 6.0)):
        scaled = costs.scaled(scale)
        filled = scaled.fill_price(column, size, reference)
        assert filled == pytest.approx([price], rel=1e-14)
        assert scaled.commission(column, size, filled, size) == pytest.approx([fee])
    assert costs.scaled(2).scaled(0.5).scale == 1.0


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"bps": 5}, "costs.commission.equity has no scheme"),
        ({"scheme": "procent", "bps": 5}, "costs.commission.equity.scheme 'procent' is unknown"),
        ({"scheme": "percent"}, "costs.commission.equity lacks bps"),
        ({"scheme": "percent", "bps": 5, "minimun": 1}, "minimun is not a parameter"),
        ({"scheme": "percent", "bps": -5}, "costs.commission.equity.bps is -5"),
        ({"scheme": "percent", "bps": "5"}, "costs.commission.equity.bps is '5'"),
        ({"scheme": "percent", "bps": True}, "costs.commission.equity.bps is True"),
        ({"scheme": "percent", "bps": float("inf")}, "costs.commission.equity.bps is inf"),
    ],
)
def test_a_wrong_entry_is_refused_by_value_and_place(make_panel, entry, problem):
    with pytest.raises(ConfigError, match=problem.replace(".", r"\.")) as caught:
        make_trading_costs(mixed(make_panel), {"equity": entry}, {}, "data")
    assert caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3


def test_per_share_is_refused_where_no_printed_shares_are_known(make_panel):
    panel = mixed(make_panel, price_kind=np.array(["traded", "index", "adjusted"]))
    entry = {"scheme": "per_share", "rate": 0.005}
    with pytest.raises(ConfigError, match="equity: scheme per_share needs split_factor, which"):
        make_trading_costs(panel, {"equity": entry}, {}, "data/sample")
    make_trading_costs(panel, {"crypto": entry}, {}, "data/sample")
