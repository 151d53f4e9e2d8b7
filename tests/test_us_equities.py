"""The main job over 3.1 million real bars: it ends, and its books balance."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict

import pyarrow.parquet
import pytest

from runs.backtest import main
from tests.us_equities_case import PRICES, write_us_equities

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("us equities"),
    pytest.mark.skipif(not PRICES.exists(), reason=f"{PRICES.name} is not beside the project"),
]

_CONFIG = """
name: us-equities
data:
  dir: {folder}
  start: 2015-10-01
  end: 2017-03-31
  investable: {{min_price: 2, min_dollar_volume: 500000, min_age: 100}}
benchmark: equal_weight
factors: {{momentum: {{weight: 1, lookback: 126, skip: 21}}}}
preprocess: {{scale: rank, neutralize: null, min_factors: 1}}
portfolio:
  side: long_short
  select: {{quantile: 0.1}}
  weighting: equal
  gross: 1.0
  net: 0.0
  max_weight: 0.05
  rebalance: monthly
execution: {{starting_cash: 10000000, lots: {{equity: 1}}, stale_after: 10}}
costs:
  commission: {{equity: {{scheme: per_share, rate: 0.0035, minimum: 0.35, maximum_bps: 100}}}}
  slippage: {{equity: {{scheme: bps, bps: 5}}}}
  carry: {{borrow_annual: {{equity: 0.005}}}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("us")
    universe = write_us_equities(folder / "data")
    config = folder / "us.yaml"
    config.write_text(_CONFIG.format(folder=folder / "data"))
    out = folder / "out"
    code = main(["--config", str(config), "--out", str(out), "--no-tearsheet", "--quiet"])
    assert code == 0
    bars = pyarrow.parquet.read_metadata(folder / "data" / "prices_equities.parquet").num_rows
    return universe, bars, out


def rows_by_date(path):
    found = defaultdict(list)
    with open(path, newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            found[row["date"]].append(row)
    return found


def test_all_symbols_are_there_and_many_were_traded(run):
    universe, bars, out = run
    assert len(universe) == 7_072
    assert bars > 3_090_000
    assert {"NAN", "TRUE", "ON", "DTV"} <= set(universe["symbol"])
    fills = [row for rows in rows_by_date(out / "fills.csv").values() for row in rows]
    assert len({row["symbol"] for row in fills}) > 1_500
    assert sum(row["reason"] == "delisting" for row in fills) > 10


def test_the_books_balance_on_every_session(run):
    _, _, out = run
    cash = json.loads((out / "metrics.json").read_text())["starting_cash"]
    fills, carry = rows_by_date(out / "fills.csv"), rows_by_date(out / "carry.csv")
    with open(out / "prices.csv", newline="", encoding="utf-8") as stream:
        prices = {row["date"]: row for row in csv.DictReader(stream)}
    held: dict[str, float] = {}
    sessions = 0
    for day, (row,) in rows_by_date(out / "values.csv").items():
        cash += math.fsum(float(item["amount"]) for item in carry.get(day, ()))
        for fill in fills.get(day, ()):
            size, price = float(fill["size"]), float(fill["price"])
            cash -= size * price + float(fill["commission"])
            held[fill["symbol"]] = held.get(fill["symbol"], 0.0) + size
        worth = math.fsum(size * float(prices[day][name]) for name, size in held.items() if size)
        value = float(row["value"])
        assert cash == pytest.approx(float(row["cash"]), abs=1e-9 * value)
        assert cash + worth == pytest.approx(value, rel=1e-9)
        sessions += 1
    assert sessions > 350
