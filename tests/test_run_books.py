"""The four bundled configurations: their folders balance, by scripts that share no code."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from runs.backtest import backtest

CONFIGS = ("backtest", "long_only", "large_caps_bitcoin", "crypto")
COLUMNS = {
    "values.csv": "date,value,cash,long,short,margin",
    "fills.csv": "date,decision_date,symbol,reason,size,price,reference_price,commission,"
    "slippage,shares",
    "carry.csv": "date,symbol,kind,amount",
    "positions.csv": "date,symbol,size,shares,close,value",
}


@pytest.fixture(scope="module", params=CONFIGS)
def run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / request.param
    result, folder = backtest(f"configs/{request.param}.yaml", out=str(out), pages=False)
    return request.param, result, folder


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def by_date(rows: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(row["date"], []).append(row)
    return found


def test_values_follow_from_cash_fills_carry_and_prices(run):
    _, _, folder = run
    cash = json.loads((folder / "metrics.json").read_text())["starting_cash"]
    fills, carry = by_date(read(folder, "fills.csv")), by_date(read(folder, "carry.csv"))
    prices = {row["date"]: row for row in read(folder, "prices.csv")}
    held: dict[str, float] = {}
    for row in read(folder, "values.csv"):
        day = row["date"]
        cash += math.fsum(float(item["amount"]) for item in carry.get(day, ()))
        for fill in fills.get(day, ()):
            size = float(fill["size"])
            cash -= size * float(fill["price"]) + float(fill["commission"])
            held[fill["symbol"]] = held.get(fill["symbol"], 0.0) + size
        worth = [size * float(prices[day][name]) for name, size in held.items() if size]
        value = float(row["value"])
        assert cash == pytest.approx(float(row["cash"]), abs=1e-9 * value)
        assert cash + math.fsum(worth) == pytest.approx(value, rel=1e-9)
        long = math.fsum(amount for amount in worth if amount > 0)
        assert long == pytest.approx(float(row["long"]), abs=1e-9 * value)
        assert float(row["short"]) <= 0 <= float(row["long"])


def test_files_have_the_columns_that_are_promised(run):
    _, _, folder = run
    for name, header in COLUMNS.items():
        assert (folder / name).read_text(encoding="utf-8").splitlines()[0] == header
    weights = (folder / "weights.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert weights[:3] == ["decision_date", "symbol", "score"]
    assert weights[-1] == "target_weight"


def test_names_trade_between_their_universe_dates_after_their_decision(run):
    name, result, folder = run
    universe = {
        row["symbol"]: row for row in read(Path(result.config["data"]["dir"]), "universe.csv")
    }
    for fill in read(folder, "fills.csv"):
        dates = universe[fill["symbol"]]
        assert dates["start"] <= fill["date"] <= dates["end"]
        assert fill["decision_date"] < fill["date"]
    if name != "crypto":
        classes = {universe[fill["symbol"]]["asset_class"] for fill in read(folder, "fills.csv")}
        assert classes == {"equity", "crypto"}


def test_what_is_held_has_the_history_its_factors_need(run):
    _, result, folder = run
    needed = result.config["preprocess"]["min_factors"]
    columns = list(result.labels)
    for row in read(folder, "weights.csv"):
        if float(row["target_weight"]) != 0 and row["score"]:
            assert sum(row[name] != "" for name in columns) >= needed


def test_every_fee_is_what_its_scheme_says(run):
    _, result, folder = run
    costs = result.config["costs"]
    kinds = {
        row["symbol"]: row["asset_class"]
        for row in read(Path(result.config["data"]["dir"]), "universe.csv")
    }
    for fill in read(folder, "fills.csv"):
        kind = kinds[fill["symbol"]]
        size, price = float(fill["size"]), float(fill["price"])
        reference = float(fill["reference_price"])
        fee = abs(size) * price * costs["commission"][kind]["bps"] / 10_000
        assert float(fill["commission"]) == pytest.approx(fee, rel=1e-9)
        slip = abs(size) * reference * costs["slippage"][kind]["bps"] / 10_000
        assert float(fill["slippage"]) == pytest.approx(slip, rel=1e-9)
        assert (price - reference) * size >= 0


def test_carry_is_the_rate_on_the_prior_mark(run):
    """Borrow of 0.5 % and 8 % a year of 365 days, by calendar days since the session before."""
    _, result, folder = run
    rates = result.config["costs"]["carry"]["borrow_annual"]
    if not rates:
        assert read(folder, "carry.csv") == []
        return
    kinds = {
        row["symbol"]: row["asset_class"]
        for row in read(Path(result.config["data"]["dir"]), "universe.csv")
    }
    dates = [day.date() for day in result.values.index]
    sizes = result.fills.pivot_table(index="date", columns="symbol", values="size", aggfunc="sum")
    held = sizes.reindex(result.values.index).fillna(0.0).cumsum()
    before = {str(day): number - 1 for number, day in enumerate(dates)}
    rows = read(folder, "carry.csv")
    assert rows and {row["kind"] for row in rows} == {"borrow"}
    for row in rows[:: max(1, len(rows) // 500)]:
        at = before[row["date"]]
        days = (dates[at + 1] - dates[at]).days
        symbol = row["symbol"]
        owed = -held[symbol].iloc[at] * result.prices[symbol].iloc[at]
        fee = owed * rates[kinds[symbol]] * days / 365
        assert float(row["amount"]) == pytest.approx(-fee, rel=1e-9)


def test_no_promised_number_is_missing(run):
    _, result, folder = run
    for name in ("values.csv", "positions.csv", "prices.csv"):
        for row in read(folder, name):
            blank = [key for key, text in row.items() if text == "" and key != "shares"]
            # A price is blank only before the first bar of an asset held later.
            assert not blank or name == "prices.csv"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert len(metrics) == 27
    assert all(value is None or value == value for value in metrics.values())


def test_weights_keep_the_limits_of_the_configuration(run):
    name, result, _ = run
    portfolio = result.config["portfolio"]
    weights = result.weights.pivot(index="decision_date", columns="symbol", values="target_weight")
    assert weights.abs().max().max() <= portfolio["max_weight"] + 1e-12
    assert (weights.abs().sum(axis=1) <= portfolio["gross"] + 1e-12).all()
    if portfolio["side"] == "long_only":
        assert weights.min().min() >= 0
        assert (result.values["cash"] >= -1e-11 * result.values["value"]).all()
    for kind, cap in portfolio["max_class_weight"].items():
        assert (result.sleeves[f"{kind}_long"] <= cap + 1e-12).all()
    if name == "backtest":
        equity = result.sleeves["equity_long"] + result.sleeves["equity_short"]
        assert equity.abs().max() <= 1e-12
