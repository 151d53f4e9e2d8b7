"""Every price of a bundled run, computed again from stored bars by plain loops.

Nothing of `strategies` is called here but to make the run: rates, formulas and windows are
written down a second time, from the published schedules and the files of the data set.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import pandas as pd
import pytest

from tests.cost_runs_case import SET, classes_of, fills_of, make_run, make_study


@pytest.fixture(scope="module")
def study():
    return make_study()


@pytest.fixture(scope="module")
def run(study):
    return make_run(study)


@pytest.fixture(scope="module")
def classes(study):
    return classes_of(study)


@pytest.fixture(scope="module")
def coins():
    """Native bars of the coins as stored: one frame a symbol, on its own days."""
    table = pd.read_csv(SET / "prices_crypto.csv", parse_dates=["date"], keep_default_na=False,
                        na_values=[""])  # fmt: skip
    return {name: bars.set_index("date") for name, bars in table.groupby("symbol")}


@pytest.fixture(scope="module")
def stocks():
    table = pd.read_csv(SET / "prices_equities.csv.gz", parse_dates=["date"], keep_default_na=False,
                        na_values=[""])  # fmt: skip
    return {name: bars.set_index("date") for name, bars in table.groupby("symbol")}


def coin_days(coins, row, count):
    """The `count` calendar days before a fill, days without a bar included."""
    days = pd.date_range(end=row["date"] - pd.Timedelta(days=1), periods=count)
    return coins[row["symbol"]].reindex(days)


def stock_sessions(study, stocks, row, count):
    dates = pd.DatetimeIndex(study.panel.dates)
    at = dates.get_loc(row["date"])
    return stocks[row["symbol"]].reindex(dates[max(at - count, 0) : at])


def deviation(closes):
    logs = np.log(closes.to_numpy())
    steps = [b - a for a, b in zip(logs, logs[1:], strict=False) if not math.isnan(b - a)]
    mean = sum(steps) / len(steps)
    return math.sqrt(sum((step - mean) ** 2 for step in steps) / (len(steps) - 1))


def square_root(volatility, volume, size):
    return 2 / 3 * volatility * math.sqrt(abs(size) / volume)


def almgren(volatility, volume, size):
    share = abs(size) / volume
    return volatility * (0.314 * share / 2 + 0.142 * share**0.6)


def two_day_spread(name, first, second):
    (h1, l1, c1), (h2, l2, _) = (
        [math.log(bar[key]) for key in ("high", "low", "close")] for bar in (first, second)
    )
    if name == "abdi_ranaldo":
        middle = (h1 + l1) / 2, (h2 + l2) / 2
        return math.sqrt(max(4 * (c1 - middle[0]) * (c1 - middle[1]), 0.0))
    # The second day's range is moved by a gap beyond the close before it.
    gap = max(l2 - c1, 0.0) + min(h2 - c1, 0.0)
    h2, l2 = h2 - gap, l2 - gap
    beta = (h1 - l1) ** 2 + (h2 - l2) ** 2
    gamma = (max(h1, h2) - min(l1, l2)) ** 2
    k = 3 - 2 * math.sqrt(2)
    alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
    return max(2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)), 0.0)


def check_prices(rows, cost):
    """Each price is the reference and the cost of its fill, to 1e-9; most are by formula."""
    assert len(rows) >= 20
    for row in rows:
        away = 0.0 if row["reason"] == "delisting" else math.copysign(cost(row), row["size"])
        expected = row["reference_price"] * (1 + away)
        if row["reason"] != "delisting":
            assert row["price"] == pytest.approx(expected, rel=1e-9)
        distance = abs(row["size"]) * abs(row["price"] - row["reference_price"])
        assert row["slippage"] == pytest.approx(distance, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("name", "law"), [("square_root", square_root), ("almgren", almgren)])
def test_impact_on_coins_follows_from_their_own_days(run, classes, coins, name, law):
    entry = {"scheme": name, "window": 30}
    if name == "almgren":
        entry["liquidity_factor"] = False
    tables = run({}, {"crypto": entry})

    def cost(row):
        closes = coin_days(coins, row, 31)["close"]
        volume = coin_days(coins, row, 30)["volume"].fillna(0.0).mean()
        # Coins are never redenominated here: a unit is a coin.
        return law(deviation(closes), volume, row["shares"])

    check_prices(fills_of(tables, classes, "crypto"), cost)
    assert not (tables["events"]["kind"] == "estimate").any()


def test_impact_on_stocks_follows_from_their_sessions(study, run, classes, stocks):
    tables = run({}, {"equity": {"scheme": "square_root", "window": 40, "coefficient": 0.7}})
    rows = fills_of(tables, classes, "equity")

    def cost(row):
        closes = stock_sessions(study, stocks, row, 41)["close"]
        dollars = stock_sessions(study, stocks, row, 40)["volume"].fillna(0.0).mean()
        volume = dollars / row["reference_price"]
        return 0.7 * square_root(deviation(closes), volume, row["size"])

    check_prices(rows[::9], cost)


@pytest.mark.parametrize("name", ["corwin_schultz", "abdi_ranaldo"])
def test_half_spreads_follow_from_native_bars(run, classes, coins, name):
    entry = {"scheme": "half_spread", "estimator": name, "window": 21, "floor_bps": 3}
    tables = run({}, {"crypto": entry})

    def cost(row):
        bars = coin_days(coins, row, 22)[["high", "low", "close"]]
        found = []
        for first, second in zip(
            bars.to_dict("records"), bars.to_dict("records")[1:], strict=False
        ):
            known = not any(math.isnan(value) for value in (*first.values(), *second.values()))
            if known and second["high"] > second["low"] and first["high"] > first["low"]:
                found.append(two_day_spread(name, first, second))
        return min(max(sum(found) / len(found) / 2, 3e-4), 0.05)

    check_prices(fills_of(tables, classes, "crypto"), cost)


def test_volume_share_follows_from_the_session_and_is_capped(run, classes, coins):
    entry = {"scheme": "volume_share", "price_impact": 5, "volume_limit": 0.01}
    tables = run({}, {"crypto": entry})
    rows = fills_of(tables, classes, "crypto")

    def cost(row):
        volume = coins[row["symbol"]]["volume"].get(row["date"], math.nan)
        if not volume > 0:
            return 10e-4
        return 5 * (row["shares"] / volume) ** 2

    check_prices(rows, cost)


@pytest.mark.parametrize("distribution", ["lognormal", "gamma"])
def test_samples_follow_from_their_draws(run, classes, distribution):
    from scipy.stats import gamma

    entry = {"scheme": "sampled", "mean_bps": 12, "distribution": distribution, "dispersion": 0.5}
    tables = run({}, {"equity": entry})
    mask = 2**64 - 1

    def mixed(state):
        # SplitMix64 in whole numbers.
        state = (state + 0x9E3779B97F4A7C15) & mask
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
        return state ^ (state >> 31)

    def uniform(seed, row):
        day = (row["date"] - pd.Timestamp("1970-01-01")).days
        state = mixed(seed)
        for key in (day, zlib.crc32(row["symbol"].encode())):
            state = mixed((state + key) & mask)
        return ((state >> 12) + 0.5) / 2**52

    def cost(row):
        u = uniform(5, row)
        if distribution == "gamma":
            return 12e-4 * gamma(4, scale=0.25).ppf(u)
        z = math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * uniform(5 ^ 0x5DEECE66D, row))
        variance = math.log(1.25)
        return 12e-4 * math.exp(math.sqrt(variance) * z - variance / 2)

    check_prices(fills_of(tables, classes, "equity")[::7], cost)
