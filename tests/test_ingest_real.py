"""The real sets beside the project through the command: every row in or in the report."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.calendars import sessions
from feeds.store import load_dataset
from runs.ingest import main

SHARED = Path(__file__).parents[2] / "shared" / "data"
STOCKS, COINS = SHARED / "us_equities_prices.parquet", SHARED / "crypto_daily.csv.gz"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("ingest real"),
    pytest.mark.skipif(not STOCKS.exists(), reason=f"{STOCKS.name} is not beside the project"),
]


def ingest(raw, asset_class, out):
    arguments = ["--raw", str(raw), "--asset-class", asset_class, "--out", str(out), "--quiet"]
    assert main(["--source", "files", *arguments]) == 0
    return out


def findings(folder):
    (path,) = folder.glob("repairs.csv*")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def stocks(tmp_path_factory):
    folder = ingest(STOCKS, "equity", tmp_path_factory.mktemp("us") / "set")
    raw = pd.read_parquet(STOCKS)
    kept = pd.read_parquet(folder / "prices_equities.parquet")
    report = json.loads((folder / "report.json").read_text())
    return folder, raw, kept, findings(folder), report


def test_rows_in_are_rows_out_and_rows_reported(stocks):
    _, raw, kept, found, report = stocks
    refused = [name for name, told in report["symbols"].items() if "refused" in told]
    gone = int(raw["symbol"].isin(refused).sum())
    dropped = [row for row in found if row["action"] == "drop"]
    assert len(raw) == len(kept) + len(dropped) + gone
    totals = report["totals"]
    assert totals["rows_in"] == len(raw) and totals["rows_out"] == len(kept)
    assert (totals["rows_dropped"], totals["rows_refused"]) == (len(dropped), gone)
    assert totals["symbols_refused"] == len(refused) < 20


def test_each_dropped_row_is_that_of_the_file(stocks):
    _, raw, kept, found, _ = stocks
    dropped = [row for row in found if row["action"] == "drop"]
    rows = raw.iloc[[int(row["line"]) - 1 for row in dropped]]
    assert rows["symbol"].tolist() == [row["symbol"] for row in dropped]
    assert rows["date"].dt.strftime("%Y-%m-%d").tolist() == [row["date"] for row in dropped]
    # None of them is in the set, under its own name or that of a later company.
    days = kept["date"].astype(str)
    names = kept["symbol"].astype(str).str.replace(r"\.\d+$", "", regex=True)
    there = set(zip(names, days))
    assert not there & {(row["symbol"], row["date"]) for row in dropped}


def test_what_was_kept_is_as_printed(stocks):
    _, raw, kept, _, _ = stocks
    names = kept["symbol"].astype(str)
    own = names.isin(raw["symbol"].unique())
    kept = kept[own].assign(symbol=names[own], date=pd.to_datetime(kept["date"][own]))
    columns = ["open", "high", "low", "close", "volume"]
    both = kept.merge(raw, on=["symbol", "date"], suffixes=("", "_raw"))
    assert len(both) == len(kept)
    for name in columns:
        given, printed = both[name].to_numpy(), both[f"{name}_raw"].to_numpy(dtype="float64")
        known = np.isfinite(given)
        np.testing.assert_array_equal(given[known], printed[known])
        assert (~known).sum() < 50


def test_every_session_of_a_series_has_a_bar_or_a_line(stocks):
    _, _, kept, found, _ = stocks
    days = sessions("XNYS", np.datetime64("2015-03-20"), np.datetime64("2017-03-31"))
    stamps = kept["date"].to_numpy().astype("datetime64[D]")
    assert np.isin(stamps, days).all()
    told = defaultdict(set)
    for row in found:
        told[row["symbol"]].add(row["date"])
    codes, names = pd.factorize(kept["symbol"].astype(str))
    place = np.searchsorted(days, stamps)
    order = np.lexsort((place, codes))
    codes, place = codes[order], place[order]
    holes = np.flatnonzero((np.diff(codes) == 0) & (np.diff(place) > 1))
    assert len(holes) > 1000
    for hole in holes:
        own = told[names[codes[hole]].split(".")[0]] | told[names[codes[hole]]]
        for missing in days[place[hole] + 1 : place[hole + 1]]:
            assert str(missing) in own, (names[codes[hole]], missing)


def test_the_dead_the_reused_and_the_oddly_named(stocks):
    folder, raw, _, found, report = stocks
    panel = load_dataset(folder).panel
    names = panel.assets.tolist()
    assert {"NAN", "ON", "TRUE", "DTV", "DTV.2"} <= set(names)
    # AT&T bought DirecTV on 2015-07-24; another security had the ticker from October 2016 on.
    old, new = names.index("DTV"), names.index("DTV.2")
    assert str(panel.dates[panel.tradable[:, old]][-1]) == "2015-07-24"
    assert str(panel.dates[panel.tradable[:, new]][0]) == "2016-10-21"
    last = raw.groupby("symbol")["date"].max()
    dead = last[last < "2017-03-01"].index
    universe = pd.read_csv(folder / "universe.csv", keep_default_na=False).set_index("symbol")
    kept = [name for name in dead if name in universe.index]
    assert len(kept) > 900
    assert (universe.loc[kept, "end_reason"] == "unknown").all()
    holidays = [row for row in found if row["fault"] == "closed_day"]
    off = ~np.isin(
        raw["date"].to_numpy().astype("datetime64[D]"),
        sessions("XNYS", np.datetime64("2015-03-20"), np.datetime64("2017-03-31")),
    )
    assert len(holidays) == off.sum() - 1 or len(holidays) == off.sum()
    # A tenth of the price for one day in November 2016.
    assert ("APFH", "2016-11-10", "spike", "drop") in {
        (row["symbol"], row["date"], row["fault"], row["action"]) for row in found
    }


def test_total_returns_are_the_vendor_s(stocks):
    folder, raw, _, _, _ = stocks
    panel = load_dataset(folder).panel
    prices = raw.assign(symbol=raw["symbol"].astype(str))
    for symbol in ("AAPL", "JNJ", "KO", "NFLX"):
        own = prices[prices["symbol"] == symbol].set_index("date")["adj_close"]
        column = panel.assets.tolist().index(symbol)
        ours = pd.Series(panel.close[:, column], index=pd.DatetimeIndex(panel.dates)).dropna()
        theirs = own.reindex(ours.index)
        ratio = (ours / ours.iloc[0]) / (theirs / theirs.iloc[0])
        assert abs(ratio - 1).max() < 2e-3, symbol


def test_bitconnect_is_there_through_its_collapse(tmp_path):
    folder = ingest(COINS, "crypto", tmp_path / "coins")
    panel = load_dataset(folder, calendar="24/7").panel
    column = panel.assets.tolist().index("BCC")
    close = pd.Series(panel.close[:, column], index=pd.DatetimeIndex(panel.dates)).dropna()
    raw = pd.read_csv(COINS, keep_default_na=False)
    raw = raw[raw["symbol"] == "BCC"].set_index("date")["close"].astype(float)
    assert len(close) == len(raw)
    np.testing.assert_array_equal(close.to_numpy(), raw.to_numpy())
    assert close.pct_change(fill_method=None).min() < -0.8
    found = findings(folder)
    assert not [row for row in found if row["symbol"] == "BCC" and row["action"] == "drop"]
