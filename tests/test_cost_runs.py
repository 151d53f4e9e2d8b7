"""Every fee of a bundled run, computed again from its fills by plain loops.

Nothing of `strategies` is called here but to make the run: rates, formulas and windows are
written down a second time, from the published schedules and the files of the data set.
"""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.cost_runs_case import classes_of, fills_of, make_run, make_study


@pytest.fixture(scope="module")
def study():
    return make_study()


@pytest.fixture(scope="module")
def run(study):
    return make_run(study)


@pytest.fixture(scope="module")
def classes(study):
    return classes_of(study)


def traded_before(rows, day) -> float:
    """Traded value of the thirty days before a day."""
    first = day - pd.Timedelta(days=30)
    return sum(
        abs(row["size"]) * row["price"]
        for row in rows
        if first <= row["date"] < day and row["reason"] != "delisting"
    )


def tier(tiers, traded):
    return [rates for start, *rates in tiers if start <= traded][-1]


KRAKEN = [(0, 16, 26), (5e4, 14, 24), (1e5, 12, 22), (2.5e5, 10, 20), (5e5, 8, 18), (1e6, 6, 16)]
COINBASE = [(0, 40, 60), (1e4, 25, 40), (5e4, 15, 25), (1e5, 10, 20), (1e6, 8, 18)]
OWN = [(0, 10, 30), (2e4, 5, 15), (6e4, 1, 7)]


def section_31(row):
    rate = 18.4 if row["date"] < pd.Timestamp("2016-02-16") else 21.8
    return max(-row["size"], 0) * row["price"] * rate / 1e6


def activity(row):
    return min(max(-row["shares"], 0) * 0.000119, 5.95)


def up(amount):
    return math.ceil(round(amount * 100, 7)) / 100


def per_share(row, rate, minimum):
    value = abs(row["size"]) * row["price"]
    return min(max(abs(row["shares"]) * rate, minimum), 0.01 * value)


def bank(row):
    value, shares = abs(row["size"]) * row["price"], abs(row["shares"])
    if value / shares < 1:
        return max(0.04 * value, 39)
    for end, amount, rate in (
        (2500, 29.5, 0.017),
        (6000, 55.5, 0.0066),
        (22_000, 75.5, 0.0034),
        (50_000, 99.5, 0.0022),
        (500_000, 154.5, 0.0011),
        (math.inf, 254.5, 0.0009),
    ):
        if value <= end:
            break
    most = 0.54 * min(shares, 100) + 0.55 * max(shares - 100, 0)
    return max(min(amount + rate * value, most), 0.04 * shares, 39)


def tiered_ibkr(row):
    own = per_share(row, 0.0035, 0.35)
    return (
        own * (1 + 0.000175 + 0.000563)
        + abs(row["shares"]) * 0.0002
        + section_31(row)
        + activity(row)
    )


def value_of(row):
    return abs(row["size"]) * row["price"]


def by_size(row):
    value = value_of(row)
    return max(value * 0.003 if value < 3000 else 4 + value * 0.001, 2.5)


#: Name, parameters, and the fee of a fill given what was traded in the thirty days before it.
FEES = {
    "percent": ({"bps": 20, "minimum": 5}, lambda row, _: max(value_of(row) * 0.002, 5)),
    "fixed": ({"amount": 4.95}, lambda row, _: 4.95),
    "per_share": (
        {"rate": 0.5, "minimum": 1, "maximum_bps": 100},
        lambda row, _: min(max(abs(row["shares"]) * 0.5, 1), value_of(row) * 0.01),
    ),
    "tiered": (
        {
            "tiers": [{"from": f, "maker_bps": m, "taker_bps": t} for f, m, t in OWN],
            "maker_share": 0.25,
        },
        lambda row, traded: value_of(row)
        * (0.25 * tier(OWN, traded)[0] + 0.75 * tier(OWN, traded)[1])
        / 1e4,
    ),
    "by_size": (
        {
            "brackets": [{"from": 0, "bps": 30}, {"from": 3000, "bps": 10, "amount": 4}],
            "minimum": 2.5,
        },
        lambda row, _: by_size(row),
    ),
    "kraken_pro": ({}, lambda row, traded: value_of(row) * tier(KRAKEN, traded)[1] / 1e4),
    "coinbase_exchange": (
        {"maker_share": 1},
        lambda row, traded: value_of(row) * tier(COINBASE, traded)[0] / 1e4,
    ),
    "binance_spot": ({}, lambda row, _: value_of(row) * 0.001),
    "zero_commission": ({}, lambda row, _: up(section_31(row)) + up(activity(row))),
    "ibkr_pro_fixed": (
        {},
        lambda row, _: per_share(row, 0.005, 1) + section_31(row) + activity(row),
    ),
    "ibkr_pro_tiered": ({}, lambda row, _: tiered_ibkr(row)),
    "commerce_bank": ({}, lambda row, _: bank(row)),
    "none": ({}, lambda row, _: 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FEES))
def test_every_fee_follows_from_the_fills(run, classes, name):
    parameters, fee = FEES[name]
    entry = {"scheme": name, **parameters}
    slippage = {"crypto": {"scheme": "bps", "bps": 10}}
    tables = run({"crypto": entry, "equity": {"scheme": "percent", "bps": 2}}, slippage)
    rows = fills_of(tables, classes, "crypto")
    assert len(rows) >= 20
    for row in rows:
        expected = (
            0.0 if row["reason"] == "delisting" else fee(row, traded_before(rows, row["date"]))
        )
        assert row["commission"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    for row in fills_of(tables, classes, "equity"):
        assert row["commission"] == pytest.approx(value_of(row) * 0.0002, rel=1e-9)
    if name in ("tiered", "kraken_pro", "coinbase_exchange"):
        tiers = {"tiered": OWN, "kraken_pro": KRAKEN, "coinbase_exchange": COINBASE}[name]
        reached = {tuple(tier(tiers, traded_before(rows, row["date"]))) for row in rows}
        assert len(reached) > 1, "the account has to change its tier"
