"""Outputs, a ledger and a data set made by hand, and the dashboard over them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strategies.execution.ledger import Event, writing_ledger
from tests.api_case import ROOT, TABLES, write_run, write_signals

FACTORS = ("equity size", "equity momentum")
#: Three stocks and a coin; the 6th is a Saturday.
CLOSES = """date,A,B,C,BTC
2021-03-01,10,20,,500
2021-03-02,11,21,30,510
2021-03-03,,22,31,520
2021-03-04,,23,,530
2021-03-05,12,24,32,540
2021-03-06,,,,550
"""
UNIVERSE = """symbol,asset_class,name,start,end,end_reason,volume_unit,price_kind
A,equity,A,2021-03-01,2021-03-05,data_end,units,traded
B,equity,B,2021-03-01,2021-03-05,data_end,units,traded
C,equity,C,2021-03-02,2021-03-05,data_end,units,traded
BTC,crypto,Bitcoin,2021-03-01,2021-03-06,data_end,units,traded
"""
REPAIR = {"symbol": "A", "action": "drop", "dates": ["2021-03-04", "2021-03-03"], "reason": "0 < 1"}


def write_all(outputs: Path) -> Path:
    """Two runs, signals, a ledger, a factor study and a cost study; a data set beside them."""
    write_run(outputs / "small")
    # Twice the value on the same holdings, a day later.
    later = TABLES["values.csv"].replace("2021-03-01,1000.5", "2021-03-01,2000.5")
    write_run(outputs / "other", values=later)
    (outputs / "small" / "summary.html").write_text("<h1>A page of the run</h1>")
    write_signals(outputs, assets=30)
    write_ledger(outputs / "paper.db")
    write_study(outputs)
    write_costs(outputs / "costs" / "small")
    write_set(outputs.parent / "data" / "little")
    return outputs


def write_ledger(path: Path) -> None:
    """Two bars: 10 A bought at 50 from 1000 with 0.5 of commission and 0.5 of slippage."""
    rest = {"steps": {}, "digest": "", "lots": {}, "spread": None, "stops": None, "short": 0.0}
    ticket = {"decided": "2021-03-02", "instant": "close", "reason": "rebalance"}
    waits = [{**ticket, "tickets": {"A": [-4.0, 0.0, 1.0], "B": [0.0, 3.0, 1.0]}}]
    filled = {"shares": 10.0, "price": 50.0, "reference": 49.95, "commission": 0.5, "paid": 500.5}
    filled |= {"held": 10.0, "reason": "rebalance", "decided": "2021-02-26"}
    opened = {"note": "opened", "name": "paper", "starting_cash": 1000.0, "config": {}}
    first = {"cash": 499.5, "long": 500.0, "value": 999.5, "margin": 125.0, "pending": []}
    # Interest of 0.25 and a close of 51: 499.75 + 510 = 1009.75.
    second = {"cash": 499.75, "long": 510.0, "value": 1009.75, "margin": 127.5, "pending": waits}
    with writing_ledger(path) as ledger:
        ledger.append(
            [
                Event("2021-03-01", "note", "", 0, {**opened, "config_hash": "c"}),
                Event("2021-03-01", "fill", "A", 0, filled),
                Event("2021-03-01", "note", "", 1, _close(first, 50.0) | rest),
                Event("2021-03-02", "carry", "", 0, {"carry": "interest", "amount": 0.25}),
                Event("2021-03-02", "note", "", 0, {"note": "scaled", "detail": "by 0.9"}),
                Event("2021-03-02", "note", "", 1, _close(second, 51.0) | rest),
            ]
        )


def _close(noted: dict, price: float) -> dict:
    return {"note": "close", **noted, "closes": {"A": price}}


def write_mixed_ledger(path: Path) -> None:
    """Two bars of a stock that is held and a coin that is short, of the set ``little``.

    10 A bought at 50 and 0.1 BTC sold short at 2000, from 1000 and without costs: cash 700. On
    the next bar A is at 55 and BTC at 1500: long 550, short -150, value 1100.
    """
    rest = {"steps": {}, "digest": "", "lots": {}, "spread": None, "stops": None, "pending": []}
    opened = {"note": "opened", "name": "small", "starting_cash": 1000.0, "config": {}}
    opened |= {"config_hash": "c", "data": {"name": "little", "calendar": "XNYS"}}
    bought = {"shares": 10.0, "price": 50.0, "reference": 50.0, "commission": 0.0, "paid": 500.0}
    bought |= {"held": 10.0, "reason": "rebalance", "decided": "2021-03-02"}
    sold = {**bought, "shares": -0.1, "price": 2000.0, "reference": 2000.0, "paid": -200.0}
    first = {"cash": 700.0, "long": 500.0, "short": -200.0, "value": 1000.0, "margin": 0.0}
    second = {"cash": 700.0, "long": 550.0, "short": -150.0, "value": 1100.0, "margin": 0.0}
    marks = {"closes": {"A": 50.0, "BTC": 2000.0}}, {"closes": {"A": 55.0, "BTC": 1500.0}}
    with writing_ledger(path) as ledger:
        ledger.append(
            [
                Event("2021-03-03", "note", "", 0, opened),
                Event("2021-03-03", "fill", "A", 0, bought),
                Event("2021-03-03", "fill", "BTC", 0, {**sold, "held": -0.1}),
                Event("2021-03-03", "note", "", 1, {"note": "close", **first, **marks[0], **rest}),
                Event("2021-03-04", "note", "", 0, {"note": "close", **second, **marks[1], **rest}),
            ]
        )


def write_study(folder: Path) -> None:
    """The tables of a factor study in the folder of outputs, where they are by default."""
    returns = "date,equity size,equity momentum\n2021-03-01,,\n2021-03-02,0.1,-0.5\n"
    (folder / "factor_returns.csv").write_text(f"{returns}2021-03-03,0.1,\n")
    (folder / "correlation.csv").write_text(
        "factor,equity size,equity momentum\nequity size,1,-0.25\nequity momentum,-0.25,1\n"
    )
    rows = [f"2021-{month:02d}-26,equity,size,30,{month / 100}" for month in range(1, 13)]
    (folder / "ic.csv").write_text(
        "\n".join(["decision_date,asset_class,factor,ranked,ic", *rows, ""])
    )
    (folder / "factor_summary.csv").write_text(
        "asset_class,factor,label,decisions,cagr\nequity,size,Size,12,0.125\n"
    )


def write_costs(folder: Path) -> None:
    """The tables of a cost study: two schemes each, two scales."""
    folder.mkdir(parents=True)
    head = "commission,slippage,scale,cagr,return_over_cash,volatility,sharpe,final_value"
    rows = [
        f"{paid},{slipped},{scale},{0.1 - cost * scale},0.05,0.2,0.5,1100"
        for scale in (1.0, 2.0)
        for paid, slipped, cost in (
            ("none", "none", 0.0),
            ("none", "5 bps", 0.01),
            ("20 bps", "none", 0.02),
            ("20 bps", "5 bps", 0.03),
        )
    ]
    (folder / "grid.csv").write_text("\n".join([head, *rows, ""]))
    (folder / "scales.csv").write_text("method,scale,cagr\nre-run,0,0.12\nre-run,1,0.1\n")
    (folder / "sources.csv").write_text(
        "dimension,part,commission,slippage,carry,total,share\nasset class,equity,1,2,0,3,1\n"
    )
    (folder / "capacity.csv").write_text("model,capital,cagr\nroot,1000,0.1\nroot,100000,0.05\n")
    (folder / "break_even.csv").write_text("commission,slippage,bps\nnone,5 bps,317.4\n")


def write_set(folder: Path) -> None:
    """A data set as the store has it, without the bars themselves."""
    folder.mkdir(parents=True)
    (folder / "clean_prices.csv").write_text(CLOSES)
    (folder / "universe.csv").write_text(UNIVERSE)
    told = {"title": "Three stocks and a coin", "repairs": [REPAIR], "limits": ["Made by hand."]}
    (folder / "manifest.json").write_text(json.dumps(told))


@contextmanager
def serving(outputs: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``python -m runs.dashboard`` on a port that is free: its address and process."""
    log = outputs.parent / "dashboard.log"
    command = [sys.executable, "-m", "runs.dashboard", "--outputs", str(outputs), "--port", "0"]
    with open(log, "w") as stream:
        process = subprocess.Popen(
            [*command, "--data", str(outputs.parent / "data")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, "HOME": str(outputs.parent)},
        )
    try:
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said + log.read_text()
        _wait_for(found[0])
        yield found[0], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _wait_for(address: str) -> None:
    """Until it answers: the address is told just before the server listens."""
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer")
