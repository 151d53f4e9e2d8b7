"""``runs.ingest --symbols-file`` with the real clients against local servers, end to end."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import runs.ingest_symbols
from feeds.sources.exchange import Exchange
from feeds.store import load_dataset
from runs.ingest import main
from tests.exchange_server import DAY, Fault, Listing, serve
from tests.yahoo_case import LATER, UTC, SourceMaker, running_server

NOON = dt.datetime(2024, 3, 10, 12, 30, tzinfo=UTC)
HEAD = "symbol,asset_class,source,source_symbol,exchange,currency,start\n"


def ms(day: str) -> int:
    return int(np.datetime64(day, "D").astype(int)) * DAY


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder to work in, and both servers behind the sources of the command."""
    monkeypatch.chdir(tmp_path)
    with (
        serve(int(NOON.timestamp()) * 1000) as exchange,
        running_server(tmp_path / "cookies") as yahoo,
    ):
        exchange.markets = {"BTCUSDT": Listing("BTC", "USDT", ms("2024-01-01"))}
        settings = {"rateLimit": 1}
        sources = {
            "exchange": Exchange(
                now=lambda: NOON, address=exchange.address, settings=settings, timeout=2.0
            ),
            "yahoo": SourceMaker(yahoo)(now=LATER, timeout=2.0),
        }
        monkeypatch.setattr(runs.ingest_symbols, "open_source", sources.__getitem__)
        yield tmp_path, exchange


def ingest(*arguments: str) -> int:
    return main(["--symbols-file", "symbols.csv", "--out", "set", *arguments, "--quiet"])


def report() -> dict:
    return json.loads(Path("set/report.json").read_text())["symbols"]


def test_stocks_and_coins_become_one_set_and_the_rest_is_named(place):
    folder, exchange = place
    (folder / "symbols.csv").write_text(
        HEAD + "ACME,equity,yahoo,,,USD,\nBTC,crypto,exchange,BTC/USDT,binance,USDT,2024-02-01\n"
        "GONE,crypto,exchange,GONE/USDT,binance,USDT,\n"
    )
    assert ingest() == 1
    told = report()
    assert [told[name]["fetch"]["status"] for name in ("ACME", "BTC", "GONE")] == [
        "new", "new", "failed",
    ]  # fmt: skip
    assert told["GONE"]["fetch"]["fault"] == "unknown_symbol"
    prices = pd.read_csv("set/prices_equities.csv")
    # Printed prices, the splits of 4 and 2, and dividends a printed share.
    assert prices["close"].tolist() == [400.0, 404.0, 102.0, 104.0, 53.0]
    assert prices["split_ratio"].tolist() == [1.0, 1.0, 4.0, 1.0, 2.0]
    adjusted = pd.read_csv("set/clean_prices.csv", index_col="date")["ACME"].dropna()
    # Returns of the holder: 404 to four shares of 102, and 104 to two of 53.
    assert adjusted.iloc[2] / adjusted.iloc[1] == pytest.approx(102 * 4 / 404, rel=1e-12)
    assert adjusted.iloc[4] / adjusted.iloc[3] == pytest.approx(53 * 2 / 104, rel=1e-12)
    manifest = json.loads(Path("set/manifest.json").read_text())
    assert manifest["series"]["ACME"]["vendor"].startswith("yfinance ")
    assert manifest["series"]["BTC"]["lot"] and manifest["series"]["BTC"]["tick"]
    assert manifest["fetch_time"] and "Yahoo" in manifest["licence"]
    limits = " ".join(load_dataset("set").limits)
    assert "USDT are taken as dollars" in limits and "list" in limits
    assert told["BTC"]["end"] == "2024-03-09"


def test_hours_go_the_same_way(place):
    folder, _ = place
    (folder / "symbols.csv").write_text(
        HEAD + "BTC,crypto,exchange,BTC/USDT,binance,USDT,2024-03-08\n"
    )
    assert ingest("--interval", "1h") == 0
    panel = load_dataset("set", calendar="24/7", interval="1h").panel
    assert str(panel.dates[0]) == "2024-03-08T00" and str(panel.dates[-1]) == "2024-03-10T11"
    assert panel.shape == (60, 1) and panel.tradable.all()
    assert panel.periods_per_year == 8760


def test_a_second_run_adds_what_came_and_a_vendor_that_is_down_leaves_the_set(place):
    folder, exchange = place
    (folder / "symbols.csv").write_text(
        HEAD + "BTC,crypto,exchange,BTC/USDT,binance,USDT,2024-02-01\n"
    )
    assert ingest("--end", "2024-02-29") == 0
    assert report()["BTC"]["end"] == "2024-02-29"
    assert ingest() == 0
    assert report()["BTC"]["fetch"]["status"] == "updated"
    assert report()["BTC"]["end"] == "2024-03-09"
    before = Path("set/prices_crypto.csv").read_bytes()
    exchange.faults = [Fault("status 400", "klines")]
    assert ingest() == 1
    told = report()["BTC"]
    assert told["fetch"]["status"] == "stale" and told["fetch"]["problem"]
    assert Path("set/prices_crypto.csv").read_bytes() == before
