"""Ledgers of small paper accounts, of days and of hours, made by hand."""

from __future__ import annotations

from pathlib import Path

from strategies.execution import ledger as ledgers

OPENED = {"note": "opened", "name": "paper", "starting_cash": 1000.0, "config": {}}
#: 10 shares at 50 with 0.5 of commission leave 1000 - 500.5 = 499.5; two shares of B are sold
#: short at 40 for 80: 579.5. At 51 and 39: 579.5 + 510 - 78 = 1011.5.
FIRST = {
    "cash": 579.5,
    "long": 500.0,
    "short": -80.0,
    "value": 999.5,
    "margin": 145.0,
    "closes": {"A": 50.0, "B": 40.0},
}
SECOND = {
    "cash": 579.5,
    "long": 510.0,
    "short": -80.0,
    "value": 1009.5,
    "margin": 147.5,
    "closes": {"A": 51.0},
}


def close(bar: str, noted: dict) -> ledgers.Event:
    rest = {"steps": {}, "digest": "", "pending": [], "lots": {}, "spread": None, "stops": None}
    return ledgers.Event(bar, "note", "", 0, {"note": "close", **noted, **rest})


def fill(symbol: str, shares: float, price: float, paid: float) -> ledgers.Event:
    told = {"shares": shares, "price": price, "paid": paid, "held": shares}
    return ledgers.Event(
        "2021-03-01", "fill", symbol, 0, {"decided": "2021-02-26", "reason": "rebalance", **told}
    )


def write_ledger(path: Path, *further: ledgers.Event) -> Path:
    """A ledger of one bar, and what comes after it."""
    opened = ledgers.Event("2021-03-01", "note", "", 1, {**OPENED, "config_hash": "c"})
    filled = [fill("A", 10, 50, 500.5), fill("B", -2, 40, -80)]
    with ledgers.writing_ledger(path) as ledger:
        ledger.append([opened, *filled, close("2021-03-01", FIRST), *further])
    return path


def write_hourly_ledger(path: Path) -> Path:
    """An account of 1000 that holds nothing, over an evening and a morning."""
    bars = ["2021-03-04T22:00Z", "2021-03-04T23:00Z", "2021-03-05T00:00Z", "2021-03-05T01:00Z"]
    opened = {"note": "opened", "name": "hourly", "starting_cash": 1000.0, "config": {}}
    close = {"note": "close", "cash": 1000.0, "long": 0.0, "short": 0.0, "value": 1000.0}
    rest = {"margin": 0.0, "closes": {}, "steps": {}, "digest": "", "pending": [], "lots": {}}
    told = {**close, **rest, "spread": None, "stops": None}
    first = ledgers.Event(bars[0], "note", "", 1, {**opened, "config_hash": "c"})
    with ledgers.writing_ledger(path) as ledger:
        ledger.append([first, *(ledgers.Event(bar, "note", "", 0, told) for bar in bars)])
    return path
