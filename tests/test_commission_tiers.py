"""Tiers and presets of real venues against charges worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.errors import ConfigError
from strategies.execution.presets_brokers import (
    CommerceBankCommission,
    IbkrProFixedCommission,
    IbkrProTieredCommission,
    ZeroCommission,
)
from strategies.execution.presets_exchanges import (
    BinanceSpotCommission,
    CoinbaseExchangeCommission,
    KrakenProCommission,
)
from strategies.execution.registry import COMMISSIONS
from strategies.execution.regulatory import SECTION_31, TRADING_ACTIVITY
from strategies.execution.schemes import make_scheme
from strategies.execution.tickets import Tickets


class Day:
    """A market that knows the date of every row alone."""

    def __init__(self, date: str) -> None:
        self.date = np.datetime64(date)

    def dates(self, rows: np.ndarray) -> np.ndarray:
        return np.full(len(rows), self.date)


def charge(scheme, size, price, *, shares=None, traded=0.0, date="2016-06-01"):
    size, price = np.array(size, dtype=float), np.array(price, dtype=float)
    told = Tickets(
        size,
        price,
        price=price,
        shares=size if shares is None else np.array(shares, dtype=float),
        market=Day(date),
        trades=lambda columns: np.full(len(columns), traded),
    )
    return scheme.charge(told).tolist()


def made(name, **parameters):
    return make_scheme(COMMISSIONS, {"scheme": name, **parameters}, "here")


TIERS = [
    {"from": 0, "maker_bps": 10, "taker_bps": 20},
    {"from": 50_000, "maker_bps": 5, "taker_bps": 12},
    {"from": 1_000_000, "maker_bps": 0, "taker_bps": 4},
]


@pytest.mark.parametrize(
    ("traded", "bps"),
    [(0.0, 20), (49_999.99, 20), (50_000.0, 12), (999_999.0, 12), (1e6, 4), (1e9, 4)],
)
def test_a_tier_begins_at_its_traded_value(traded, bps):
    # 10 x 100 = 1,000: 20 bps are 2.00, 12 are 1.20, 4 are 0.40; bought or sold.
    found = charge(made("tiered", tiers=TIERS), [10, -10, 0], [100, 100, 100], traded=traded)
    assert found == pytest.approx([bps / 10, bps / 10, 0.0])


def test_a_share_of_fills_as_maker_mixes_the_rates():
    # 0.25 x 10 + 0.75 x 20 = 17.5 bps of 1,000.
    scheme = made("tiered", tiers=TIERS, maker_share=0.25)
    assert charge(scheme, [10], [100]) == pytest.approx([1.75])


def test_a_ticket_pays_by_its_own_size():
    scheme = made(
        "by_size",
        brackets=[{"from": 0, "bps": 50}, {"from": 5000, "bps": 20, "amount": 8}],
        minimum=15,
    )
    # 1,000: 5.00, raised to 15; 4,999.99: 25.00; 5,000: 8 + 10 = 18; 20,000 sold: 8 + 40 = 48.
    found = charge(scheme, [10, 49.9999, 50, -200, 0], [100] * 5)
    assert found == pytest.approx([15.0, 24.99995, 18.0, 48.0, 0.0])


@pytest.mark.parametrize(
    ("name", "parameters", "problem"),
    [
        ("tiered", {"tiers": TIERS[1:]}, "here: tiers do not begin at 0"),
        (
            "tiered",
            {"tiers": [TIERS[0], TIERS[2], TIERS[1]]},
            "here: tiers from 0, 1e+06, 50000 do",
        ),
        ("tiered", {"tiers": [TIERS[0], TIERS[0]]}, "here: tiers from 0, 0 do not increase"),
        ("tiered", {"tiers": []}, r"here.tiers is \[\]"),
        ("tiered", {"tiers": 5}, "here.tiers is 5"),
        ("tiered", {"tiers": [5]}, r"here.tiers\[0\] is 5"),
        ("tiered", {"tiers": [{"from": 0, "maker_bps": 1}]}, r"here.tiers\[0\] lacks taker_bps"),
        (
            "tiered",
            {"tiers": [{"from": 0, "maker_bps": 1, "taker_bsp": 1}]},
            r"here.tiers\[0\].taker_bsp is not a parameter of tiers\[0\]",
        ),
        (
            "tiered",
            {"tiers": [{"from": 0, "maker_bps": 1, "taker_bps": "2"}]},
            r"here.tiers\[0\].taker_bps is '2'",
        ),
        ("tiered", {"tiers": TIERS, "maker_share": 1.5}, "here: maker_share 1.5 is not a share"),
        ("by_size", {"brackets": [{"from": 1, "bps": 1}]}, "here: brackets do not begin at 0"),
        ("kraken_pro", {"maker_share": 2}, "here: maker_share 2 is not a share"),
        ("zero_commission", {"round_up": 1}, "here.round_up is 1"),
        ("commerce_bank", {"bps": 1}, "here.bps is not a parameter of scheme commerce_bank"),
    ],
)
def test_wrong_tiers_are_refused_with_their_place(name, parameters, problem):
    with pytest.raises(ConfigError, match=problem.replace("+", r"\+")) as caught:
        made(name, **parameters)
    assert len(str(caught.value).splitlines()) == 2


# Exchanges


@pytest.mark.parametrize(
    ("scheme", "traded", "maker", "taker"),
    [
        (KrakenProCommission, 0, 16, 26),
        (KrakenProCommission, 50_000, 14, 24),
        (KrakenProCommission, 100_000, 12, 22),
        (KrakenProCommission, 250_000, 10, 20),
        (KrakenProCommission, 500_000, 8, 18),
        (KrakenProCommission, 1e6, 6, 16),
        (KrakenProCommission, 2.5e6, 4, 14),
        (KrakenProCommission, 5e6, 2, 12),
        (KrakenProCommission, 1e7, 0, 10),
        (CoinbaseExchangeCommission, 9_999, 40, 60),
        (CoinbaseExchangeCommission, 1e4, 25, 40),
        (CoinbaseExchangeCommission, 5e4, 15, 25),
        (CoinbaseExchangeCommission, 1e5, 10, 20),
        (CoinbaseExchangeCommission, 1e6, 8, 18),
        (CoinbaseExchangeCommission, 15e6, 6, 16),
        (CoinbaseExchangeCommission, 75e6, 3, 12),
        (CoinbaseExchangeCommission, 25e7, 0, 8),
        (CoinbaseExchangeCommission, 4e8, 0, 5),
    ],
)
def test_exchanges_charge_the_rates_of_their_schedule(scheme, traded, maker, taker):
    # 2 x 5,000 = 10,000, of which a basis point is 1.
    assert charge(scheme(), [2], [5000], traded=traded) == pytest.approx([taker])
    assert charge(scheme(1.0), [-2], [5000], traded=traded) == pytest.approx([maker])


def test_binance_without_a_level_is_ten_basis_points():
    assert charge(BinanceSpotCommission(), [2, -2, 0], [5000] * 3) == pytest.approx([10, 10, 0])


# Regulatory fees


def test_nothing_is_charged_for_what_is_bought():
    assert charge(ZeroCommission(), [1000, 0], [50, 50]) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        # 1,000 shares at 50 = 50,000. Section 31: 50,000 x 12.70 / 1e6 = 0.635 -> 0.64; TAF:
        # 1,000 x 0.000075 = 0.075 -> 0.08.
        ("2010-03-31", 0.72),
        # From April 1st 16.90: 0.845 -> 0.85; and 0.08.
        ("2010-04-01", 0.93),
        # 21.80: 1.09; TAF 0.000119: 0.119 -> 0.12.
        ("2016-12-30", 1.21),
        # 5.10: 0.255 -> 0.26; TAF of 2022 0.000130: 0.13.
        ("2022-01-03", 0.39),
        # Section 31 is zero; TAF 0.000166: 0.166 -> 0.17.
        ("2025-05-14", 0.17),
        # Before the tables: their first rows, 15.30: 0.765 -> 0.77, and 0.08.
        ("1999-01-04", 0.85),
    ],
)
def test_fees_of_a_sale_go_by_its_date(date, expected):
    assert charge(ZeroCommission(), [-1000], [50], date=date) == pytest.approx([expected])


def test_fees_are_rounded_up_to_a_cent_unless_told_otherwise():
    # One share at 10: 10 x 21.80 / 1e6 = 0.000218 and 0.000119, a cent each.
    assert charge(ZeroCommission(), [-1], [10]) == pytest.approx([0.02])
    assert charge(ZeroCommission(round_up=False), [-1], [10]) == pytest.approx([0.000337])
    # 50 x 1e6 / 21.8 ... a fee of whole cents stays so: 100,000 x 21.80 / 1e6 = 2.18; and
    # 1,000 x 0.000119 = 0.119 -> 0.12.
    assert charge(ZeroCommission(), [-1000], [100]) == pytest.approx([2.30])


def test_the_activity_fee_has_a_maximum_and_counts_printed_shares():
    # 100,000 units of 4 printed shares: 400,000 x 0.000119 = 47.60, at most 5.95; Section 31:
    # 100,000 x 1 x 21.80 / 1e6 = 2.18.
    found = charge(ZeroCommission(), [-1e5], [1.0], shares=[-4e5])
    assert found == pytest.approx([2.18 + 5.95])


def test_the_tables_are_in_order_and_plausible():
    for table in (SECTION_31, TRADING_ACTIVITY):
        days = [row[0] for row in table]
        assert days == sorted(set(days))
    assert all(0 <= rate < 30 for _, rate in SECTION_31)
    # The maximum is reached at 50,000 shares, to rounding.
    assert all(
        most / rate == pytest.approx(50_000, rel=0.003) for _, rate, most in TRADING_ACTIVITY
    )


# Brokers


def test_ibkr_fixed_has_a_minimum_and_a_maximum():
    # The schedule's own examples: 100 at 25: 0.50, raised to 1.00; 1,000 at 25: 5.00; 1,000 at
    # 0.25: 5.00, at most 1 % of 250 = 2.50. 3 at 10: minimum 1.00, but at most 0.30.
    scheme = IbkrProFixedCommission()
    found = charge(scheme, [100, 1000, 1000, 3, 0], [25, 25, 0.25, 10, 25])
    assert found == pytest.approx([1.0, 5.0, 2.5, 0.3, 0.0])


def test_ibkr_passes_the_fees_of_a_sale_on():
    # 1,000 at 25: 5.00 + 25,000 x 21.80 / 1e6 = 0.545 + 1,000 x 0.000119 = 0.119.
    assert charge(IbkrProFixedCommission(), [-1000], [25]) == pytest.approx([5.664])
    assert charge(IbkrProFixedCommission(regulatory=False), [-1000], [25]) == pytest.approx([5.0])


def test_ibkr_tiered_adds_clearing_and_what_is_passed_through():
    # 1,000 at 25: c = 3.50; clearing 0.20; c x 0.000738 = 0.002583.
    scheme = IbkrProTieredCommission()
    assert charge(scheme, [1000], [25]) == pytest.approx([3.702583])
    # 10 at 25: c = 0.35, clearing 0.002, 0.35 x 0.000738 = 0.0002583.
    assert charge(scheme, [10, 0], [25, 25]) == pytest.approx([0.3522583, 0.0])
    # Exchange fees of 0.003 a share; and the fees of a sale, 0.545 + 0.119.
    found = charge(IbkrProTieredCommission(exchange_per_share=0.003), [-1000], [25])
    assert found == pytest.approx([3.702583 + 3.0 + 0.664])


@pytest.mark.parametrize(
    ("monthly", "rate"),
    [(3e5, 0.0035), (300_001, 0.002), (3e6, 0.002), (2e7, 0.0015), (1e8, 0.001), (2e8, 0.0005)],
)
def test_ibkr_tiered_takes_the_rate_of_the_month(monthly, rate):
    # 10,000 shares at 25: c = 10,000 x rate, clearing 2.00.
    own = 1e4 * rate
    found = charge(IbkrProTieredCommission(monthly_shares=monthly), [1e4], [25])
    assert found == pytest.approx([own + 2.0 + own * 0.000738])


@pytest.mark.parametrize(
    ("size", "price", "expected"),
    [
        # 1,000: 29.50 + 17 = 46.50, at most 0.54 x 20 = 10.80, at least 39.
        (20, 50, 39.0),
        # 200 at 10 = 2,000: 29.50 + 34 = 63.50; at most 54 + 55 = 109.
        (200, 10, 63.5),
        # 2,500, the end of the first bracket: 29.50 + 42.50 = 72; a cent more: 55.50 + 16.50.
        (250, 10, 72.0),
        (250, 10.04, 55.5 + 2510 * 0.0066),
        # 20,000: 75.50 + 68 = 143.50; 40,000: 99.50 + 88 = 187.50; 200,000: 154.50 + 220 = 374.50.
        (500, 40, 143.5),
        (-1000, 40, 187.5),
        (2000, 100, 374.5),
        # 1,000,000: 254.50 + 900 = 1,154.50.
        (10_000, 100, 1154.5),
        # 10,000 shares at 2 = 20,000: 143.50, but at least 0.04 a share = 400.
        (10_000, 2, 400.0),
        # Below a dollar 4 %: 5,000 x 0.50 x 0.04 = 100; 100 x 0.50 x 0.04 = 2, at least 39.
        (5000, 0.5, 100.0),
        (100, 0.5, 39.0),
        (0, 50, 0.0),
    ],
)
def test_the_bank_charges_by_the_size_of_the_ticket(size, price, expected):
    assert charge(CommerceBankCommission(), [size], [price]) == pytest.approx([expected])


# All of them


PARAMETERS = {
    "by_size": {"brackets": [{"from": 0, "bps": 30}, {"from": 1e4, "bps": 30, "amount": 5}]},
    "fixed": {"amount": 3},
    "per_share": {"rate": 0.005, "minimum": 1, "maximum_bps": 100},
    "percent": {"bps": 10, "minimum": 1},
    "tiered": {"tiers": TIERS},
}


@pytest.mark.parametrize("name", sorted(COMMISSIONS))
def test_no_scheme_charges_less_for_more_nor_for_nothing(name):
    scheme = made(name, **PARAMETERS.get(name, {}))
    if name in ("commerce_bank",):
        # Its brackets overlap: 2,510 dollars pay less than 2,500.
        sizes = np.array([600.0, 1000.0, 2000.0, 10_000.0])
    else:
        sizes = np.array([1e-6, 1.0, 10.0, 99.0, 101.0, 1e4, 1e6])
    price = np.full(len(sizes), 40.0)
    for side in (1.0, -1.0):
        found = charge(scheme, side * sizes, price)
        assert (np.diff(found) >= 0).all() and min(found) >= 0.0
    assert charge(scheme, [0.0], [40.0]) == [0.0]
    every = np.concatenate([sizes, -sizes])
    alone = [charge(scheme, [size], [40.0])[0] for size in every]
    assert charge(scheme, every, np.full(len(every), 40.0)) == alone
