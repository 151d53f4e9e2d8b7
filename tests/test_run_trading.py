"""Whole runs on bundled data with every rule of trading on at once: books, rules, no look-ahead."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from feeds.errors import ConfigError
from runs.assemble import execute, prepare
from runs.backtest import backtest

CONFIG = "configs/backtest.yaml"
EVERYTHING = (
    "data.start=2015-01-01",
    "data.end=2016-06-30",
    "portfolio.no_trade_band=0.002",
    "portfolio.band_to=edge",
    "portfolio.trade_fraction=0.8",
    "portfolio.turnover_budget=0.5",
    "portfolio.stops={loss: 0.1, trailing: 0.15, drawdown: 0.4, cool_off: 25, barred: spread}",
    "execution.min_ticket={equity: 3000, crypto: 200}",
    "execution.ticks={crypto: 0.05}",
    "execution.spread_over=3",
    "execution.short_available={equity: {min_dollar_volume: 2.0e+8}, crypto: false}",
    "execution.unborrowable=spread",
    "execution.participation_rate={equity: 0.00005}",
    "costs.carry.cash_annual=0.01",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "everything"
    return backtest(CONFIG, EVERYTHING, str(out), pages=False)


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_books_balance_to_a_billionth(run):
    _, folder = run
    cash = json.loads((folder / "metrics.json").read_text())["starting_cash"]
    fills, carry = {}, {}
    for row in read(folder, "fills.csv"):
        fills.setdefault(row["date"], []).append(row)
    for row in read(folder, "carry.csv"):
        carry.setdefault(row["date"], []).append(float(row["amount"]))
    prices = {row["date"]: row for row in read(folder, "prices.csv")}
    held: dict[str, float] = {}
    for row in read(folder, "values.csv"):
        cash += math.fsum(carry.get(row["date"], ()))
        for fill in fills.get(row["date"], ()):
            size = float(fill["size"])
            cash -= size * float(fill["price"]) + float(fill["commission"])
            held[fill["symbol"]] = held.get(fill["symbol"], 0.0) + size
        marks = prices[row["date"]]
        worth = math.fsum(size * float(marks[name]) for name, size in held.items() if size)
        value = float(row["value"])
        assert cash == pytest.approx(float(row["cash"]), abs=1e-9 * value)
        assert cash + worth == pytest.approx(value, rel=1e-9)


def test_every_rule_was_at_work(run):
    result, _ = run
    kinds = set(result.events["kind"])
    assert kinds >= {"stop", "barred", "unborrowable", "min_ticket", "turnover_budget"}
    assert kinds >= {"participation"}
    reasons = result.fills["reason"].value_counts()
    assert reasons["stop"] > 50 and reasons["rebalance"] > 500
    # Parts of one decision fill on several sessions.
    of_decision = result.fills[result.fills["reason"] == "rebalance"].groupby("decision_date")
    assert of_decision["date"].nunique().max() >= 3


def test_fills_come_after_their_decisions_and_stops_are_whole_exits(run):
    result, _ = run
    fills = result.fills
    assert (fills["decision_date"] < fills["date"]).all()
    held: dict[str, float] = {}
    struck = {
        (event.date, event.symbol) for event in result.events.itertuples() if event.kind == "stop"
    }
    for fill in fills.itertuples():
        before = held.get(fill.symbol, 0.0)
        held[fill.symbol] = before + fill.size
        if fill.reason == "stop":
            assert (fill.decision_date, fill.symbol) in struck
            assert before * fill.size < 0
            # It reduces and never passes zero.
            assert abs(fill.size) <= abs(before) * (1 + 1e-12)


def test_no_short_is_opened_in_what_cannot_be_borrowed(run):
    """Coins are never short, and no stock below the floor is sold short at a decision."""
    result, _ = run
    short = result.weights[result.weights["target_weight"] < 0]
    assert len(short) and {result.asset_class[name] for name in short["symbol"]} == {"equity"}
    study = prepare(load_config(CONFIG, EVERYTHING))
    panel = study.panel
    column = {name: at for at, name in enumerate(panel.assets.tolist())}
    row = {day: at for at, day in enumerate(panel.dates.astype("datetime64[D]").tolist())}
    for one in short.iloc[::7].itertuples():
        at = row[one.decision_date.date()]
        traded = panel.dollar_volume[at - 62 : at + 1, column[one.symbol]]
        assert np.median(np.nan_to_num(traded)) >= 2e8


def test_ticks_are_whole_steps_against_the_trader(run):
    result, _ = run
    coins = result.fills[[result.asset_class[name] == "crypto" for name in result.fills["symbol"]]]
    assert len(coins) > 10
    steps = coins["price"] / 0.05
    assert np.allclose(steps, steps.round(), atol=1e-6)
    assert ((coins["price"] - coins["reference_price"]) * coins["size"] >= 0).all()


def test_stopped_assets_are_not_wanted_before_their_time(run):
    result, _ = run
    sessions = {day: at for at, day in enumerate(result.values.index)}
    wanted = result.weights[result.weights["target_weight"] != 0]
    wanted = set(zip(wanted["decision_date"], wanted["symbol"], strict=True))
    decided = sorted({day for day, _ in wanted if day in sessions})
    struck = result.events[result.events["kind"] == "stop"]
    checked = 0
    for event in struck.itertuples():
        for day in decided:
            if 0 <= sessions[day] - sessions[event.date] <= 25:
                assert (day, event.symbol) not in wanted
                checked += 1
    assert checked > 50


def test_a_future_that_is_not_there_changes_no_decision_and_no_fill(run):
    whole, _ = run
    for end in ("2015-08-25", "2016-02-10"):
        changes = [*EVERYTHING, f"data.end={end}"]
        tables = execute(prepare(load_config(CONFIG, changes))).tables
        kept = whole.fills[whole.fills["date"] <= end].reset_index(drop=True)
        pd.testing.assert_frame_equal(tables["fills"], kept, check_exact=True)
        values = whole.values[whole.values.index <= end]
        pd.testing.assert_frame_equal(tables["values"], values, check_exact=True, check_freq=False)


# What is refused


@pytest.mark.parametrize(
    ("change", "problem", "remedy"),
    [
        (
            "execution.spread_over=25",
            "execution.spread_over 25 is longer than the 19 sessions",
            "set it to 19 or less",
        ),
        (
            "execution.short_available={equity: {min_market_cap: 1000}}",
            "execution.short_available.equity.min_market_cap: data/sp500_crypto has no market caps",
            "use min_dollar_volume",
        ),
        (
            "execution.short_available={equity: {figure: lendable}}",
            "execution.short_available.equity.figure: data/sp500_crypto has no figure 'lendable'",
            "",
        ),
        (
            "execution.short_available={equity: {min_dollar_volumes: 1}}",
            "unknown key execution.short_available.equity.min_dollar_volumes",
            "did you mean min_dollar_volume?",
        ),
        (
            "execution.short_available={equity: yes please}",
            "execution.short_available.equity: 'yes please' is not true or false",
            "",
        ),
        (
            "execution.ticks={crypto: 5000}",
            "execution.ticks.crypto 5000 is above the median printed close of crypto",
            "choose a step well below it",
        ),
        (
            "execution.participation_rate={equity: 2}",
            "execution.participation_rate.equity: 2 is not at most 1",
            "",
        ),
        ("execution.participation_rate=0", "execution.participation_rate: 0 is not above 0", ""),
        (
            "execution.participation_rate={bond: 0.1}",
            "execution.participation_rate.bond: there is no asset class of this name",
            "",
        ),
        (
            "execution.ticks={equty: 0.01}",
            "unknown asset class 'equty'",
            "did you mean equity?",
        ),
        (
            "execution.min_ticket={equity: 2000000}",
            "execution.min_ticket.equity 2e+06 exceeds the whole book of 1e+06",
            "lower it",
        ),
        (
            "execution.min_ticket={bond: 5}",
            "execution.min_ticket.bond: there is no asset class of this name",
            "",
        ),
        (
            "portfolio.band_to=edge",
            "portfolio.band_to edge needs a no_trade_band above 0",
            "give the band its width",
        ),
        (
            "portfolio.stops={cool_off: 5}",
            "portfolio.stops has none of loss, trailing and drawdown",
            "give one of them",
        ),
        (
            "portfolio.stops={loss: 0.2, cool_off: next_rebalanse}",
            "portfolio.stops.cool_off: next_rebalanse is not one of 'next_rebalance'",
            "did you mean next_rebalance?",
        ),
        (
            "portfolio.stops={loss: 1.5}",
            "portfolio.stops.loss: 1.5 is not below 1",
            "adverse move",
        ),
        ("portfolio.trade_fraction=0", "portfolio.trade_fraction: 0 is not above 0", ""),
        ("portfolio.turnover_budget=-1", "portfolio.turnover_budget: -1 is not above 0", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(change, problem, remedy):
    with pytest.raises(ConfigError) as error:
        prepare(load_config(CONFIG, [change]))
    assert problem in error.value.problem
    assert remedy in (error.value.remedy or "")
    assert len(str(error.value).splitlines()) <= 3
