"""The books of a paper account, worked out from ledger.csv by a few lines of their own.

Nothing of the package reads the ledger here: a row's JSON, a dictionary of shares and a sum of
money. Positions, cash and value of each bar are then held against the notes of the ledger, the
signal and the tables of the record.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from runs.paper import paper
from runs.signal_record import signal_record
from strategies.execution.ledger import reading_ledger
from tests.paper_case import DAYS, live_at, run_to, write_config, write_set

FIRST, LAST = 22, 62
CASES = {
    "daily": (),
    "spread, stops, interest": (
        "portfolio.rebalance={every: 5}",
        "execution.spread_over=3",
        "execution.fill=next_open",
        "portfolio.stops={loss: 0.02, trailing: 0.03, cool_off: 3}",
    ),
    "liquidation in parts": (
        "portfolio.rebalance={every: 6}",
        "execution.maintenance_margin=0.9",
        "execution.starting_cash=1000000",
        "execution.participation_rate=0.004",
    ),
}


def books(path: Path) -> dict[str, tuple[dict[str, float], float, float, float]]:
    """By bar: printed shares, cash, long and short value."""
    cash, shares, marks, found = 0.0, {}, {}, {}
    with open(path, newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        kind, symbol, told = row["kind"], row["symbol"], json.loads(row["payload"])
        if kind == "note" and told["note"] == "opened":
            cash = told["starting_cash"]
        elif kind == "fill":
            # Slippage is in the price; commission is a cost.
            cash -= told["shares"] * told["price"] + told["commission"]
            shares[symbol] = shares.get(symbol, 0.0) + told["shares"]
            marks[symbol] = told["price"]
        elif kind == "carry":
            cash += told["amount"]
        elif kind == "split":
            shares[symbol] *= told["ratio"]
            marks[symbol] /= told["ratio"]
        elif kind == "dividend":
            # Paid on the shares held, and spent at the close of the ex-date at no cost.
            shares[symbol] *= 1.0 + told["per_share"] / told["price"]
        elif kind == "note" and told["note"] == "close":
            marks |= told["closes"]
            held = {name: count for name, count in shares.items() if abs(count) > 1e-9}
            worth = [count * marks[name] for name, count in held.items()]
            sides = sum(one for one in worth if one > 0), sum(one for one in worth if one < 0)
            found[row["bar"]] = (held, cash, *sides)
    return found


_FURTHER = [pytest.param(name, marks=pytest.mark.slow) for name in list(CASES)[1:]]


@pytest.fixture(scope="module", params=["daily", *_FURTHER], ids=str)
def record(request, tmp_path_factory):
    folder, rules = tmp_path_factory.mktemp("books"), CASES[request.param]
    config = write_config(folder, write_set(folder / "set"))
    ledger = folder / "paper.db"
    progress = run_to(ledger, config, DAYS[LAST], *rules, since=DAYS[FIRST])
    out = paper(str(config), rules, ledger=ledger, out=str(folder / "out"), pages=False)[2]
    with reading_ledger(ledger) as opened:
        signal = signal_record(
            live_at(config, DAYS[LAST], *rules), progress.book, opened.events(), opened.head
        )
    return out, books(out / "ledger.csv"), signal


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_bar_has_the_value_that_its_events_make(record):
    out, found, _ = record
    values = rows_of(out / "values.csv")
    assert len(values) >= LAST - FIRST - 5
    for row in values:
        _, cash, long, short = found[row["date"]]
        size = max(long - short, abs(cash), 1.0)
        told = {"cash": cash, "long": long, "short": short, "value": cash + long + short}
        for name, value in told.items():
            assert float(row[name]) == pytest.approx(value, abs=1e-9 * size), (row["date"], name)


def test_the_positions_are_the_shares_that_the_events_make(record):
    out, found, _ = record
    last: dict[str, dict[str, float]] = {}
    for row in rows_of(out / "positions.csv"):
        last.setdefault(row["date"], {})[row["symbol"]] = float(row["shares"])
    assert len(last) > 5
    for day, shares in last.items():
        held = found[day][0]
        # The table tells of a basket, and a bar may have several: the last one stands.
        assert set(held) <= set(shares)
        for name, count in held.items():
            assert shares[name] == pytest.approx(count, rel=1e-9), (day, name)


def test_the_signal_holds_what_the_events_make(record):
    _, found, signal = record
    held, cash, long, short = found[signal["as_of"]]
    value, account = cash + long + short, signal["account"]
    assert account["value"] == pytest.approx(value, rel=1e-11)
    assert account["cash"] == pytest.approx(cash, rel=1e-9)
    assert account["gross"] == pytest.approx((long - short) / value, rel=1e-9)
    assert account["net"] == pytest.approx((long + short) / value, rel=1e-9, abs=1e-12)
    for asset in signal["assets"]:
        weight = held.get(asset["symbol"], 0.0) * (asset["price"] or 0.0) / value
        assert asset["held_weight"] == pytest.approx(weight, rel=1e-9, abs=1e-15)
        assert asset["change"] == pytest.approx(asset["weight"] - weight, abs=1e-12)
