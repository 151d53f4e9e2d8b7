"""Every fee and price of a bundled run, computed again from its files by plain loops.

Nothing of `strategies` is called here but to make the run: rates, formulas and windows are
written down a second time, from the published schedules and the files of the data set.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from runs.assemble import execute, prepare
from runs.collect import collect
from strategies.execution.costs import make_trading_costs
from tests.engine_case import rebuilt_values

ROOT = Path(__file__).parents[1]
SET = ROOT / "data" / "sp500_crypto"
STOCKS = (
    "MMM ABT AAPL AMZN T BAC BA CVX CSCO KO DIS XOM F GE GS HD INTC IBM JNJ JPM MCD MRK MSFT NKE"
)
UNIVERSE = f"data.universe=[{', '.join([*STOCKS.split(), 'BTC', 'ETH'])}]"
#: A year of weeks, so that coins trade often, and with half of the book, so that they trade much.
DATES = [
    UNIVERSE,
    "data.start=2015-06-01",
    "data.end=2016-06-30",
    "portfolio.rebalance=weekly",
    "portfolio.sleeves={equity: 0.5, crypto: 0.5}",
]


@pytest.fixture(scope="module")
def study():
    return prepare(load_config(str(ROOT / "configs" / "backtest.yaml"), DATES))


@pytest.fixture(scope="module")
def run(study):
    """Tables of a run under other costs."""
    market = study.costs.market

    def execute_with(commission, slippage):
        costs = make_trading_costs(
            study.panel, commission, slippage, str(SET), seed=5, market=market
        )
        tables = execute(replace(study, costs=costs)).tables
        rebuilt = rebuilt_values(tables, study.config.execution.starting_cash)
        np.testing.assert_allclose(rebuilt, tables["values"]["value"], rtol=1e-9)
        return tables

    return execute_with


@pytest.fixture(scope="module")
def classes(study):
    return dict(zip(study.panel.assets.tolist(), study.panel.asset_class.tolist(), strict=True))


def fills_of(tables, classes, of_class) -> list[dict]:
    """Fills of one class, in order, as plain dicts."""
    rows = tables["fills"].to_dict("records")
    return [row for row in rows if classes[row["symbol"]] == of_class]


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


# Slippage


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
    import zlib

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


# Holding


def test_carry_by_schedule_follows_from_positions_and_prices(study):
    overrides = [
        UNIVERSE,
        "portfolio.max_weight=1.0",
        "data.start=2015-12-01",
        "data.end=2016-03-31",
        "costs.carry.cash_annual={series: rf, spread_annual: 0.001}",
        "costs.carry.short_rebate_annual=[{from: 2015-12-15, rate: 0.001}, {from: 2016-01-16, "
        "rate: 0.003}]",
        "costs.carry.borrow_annual={equity: {by: dollar_volume, tiers: [{from: 0, rate: 0.05}, "
        "{from: 7.0e+8, rate: 0.005}]}, crypto: [{from: 2015-01-01, rate: 0.2}, {from: 2016-02-01, "
        "rate: 0.1}]}",
    ]
    config = load_config(str(ROOT / "configs" / "backtest.yaml"), overrides)
    whole = prepare(config)
    execution = execute(whole)
    tables, panel = execution.tables, whole.panel
    rebuilt = rebuilt_values(tables, config.execution.starting_cash)
    np.testing.assert_allclose(rebuilt, tables["values"]["value"], rtol=1e-9)
    rf = pd.read_csv(SET / "published_monthly.csv", index_col="date")["rf"]
    rf.index = pd.PeriodIndex(pd.DatetimeIndex(rf.index), freq="M")
    classes = dict(zip(panel.assets.tolist(), panel.asset_class.tolist(), strict=True))
    volume = pd.DataFrame(panel.volume, pd.DatetimeIndex(panel.dates), panel.assets)
    prices, fills, values = tables["prices"], tables["fills"], tables["values"]
    carry = tables["carry"].set_index(["date", "kind", "symbol"])["amount"]
    held = dict.fromkeys(prices.columns, 0.0)
    checked = dict.fromkeys((0.05, 0.005, "rebate", "interest"), 0)
    for before, date in zip(values.index, values.index[1:], strict=False):
        for row in fills[fills["date"] == before].itertuples():
            held[row.symbol] += row.size
        days, short = (date - before).days, 0.0
        for name, units in held.items():
            worth = -units * prices.at[before, name] if units < -1e-12 else 0.0
            short += worth
            if not worth:
                continue
            if classes[name] == "crypto":
                rate = 0.2 if before < pd.Timestamp("2016-02-01") else 0.1
            else:
                lately = volume[name].loc[:before].tail(63).fillna(0.0).sum() / 63
                rate = 0.05 if lately < 7e8 else 0.005
            rebate = 0.001 if before < pd.Timestamp("2016-01-16") else 0.003
            found = carry[date, "borrow", name], carry[date, "rebate", name]
            expected = -worth * rate * days / 365, worth * rebate * days / 365
            assert found == pytest.approx(expected, rel=1e-9)
            checked[rate] += 1
            checked["rebate"] += 1
        month = before.to_period("M")
        rate = rf[month] / month.days_in_month * 365 + 0.001
        expected = (values.at[before, "cash"] - short) * rate * days / 365
        assert carry[date, "interest", ""] == pytest.approx(expected, rel=1e-9)
        checked["interest"] += 1
    assert min(checked.values()) >= 20, checked
    result = collect(whole, execution, "command")
    assert result.metrics["cash_annual"] == whole.carry.cash_annual
    assert len(set(whole.carry.cash_rates.tolist())) > 3
