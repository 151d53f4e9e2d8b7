"""The files of a data set, written part by part, and read back as a panel."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable, concatenate
from feeds.repairs import RepairLog
from feeds.series_info import SeriesInfo
from feeds.store import load_dataset
from feeds.store_writer import SetWriter

DAYS = ["2020-01-02", "2020-01-03", "2020-01-06"]
MANIFEST = {"name": "made", "title": "made", "limits": ["none"]}


def bars(symbol, closes, days=DAYS, split=None, dividend=None):
    count = len(closes)
    frame = pd.DataFrame(
        {
            "open": closes,
            "high": closes,
            "low": closes,
            "close": closes,
            "volume": [1000.0] * count,
            "split_ratio": split or [1.0] * count,
            "dividend": dividend or [0.0] * count,
        },
        index=pd.DatetimeIndex(days[:count], name="date"),
    )
    return BarTable.from_frame(symbol, frame)


def infos(*symbols, **classes):
    return {name: SeriesInfo(name, classes.get(name, "equity")) for name in symbols}


def write(folder, *parts, form="auto", **more):
    folder.mkdir()
    writer = SetWriter(folder, form)
    for table, known in parts:
        writer.add(table, known)
    return writer.finish(MANIFEST, RepairLog(), {}, **more)


def two_parts():
    # 100 -> 51 with two for one and a payout of 1: the holder has 102 + 2 = 104.
    split = bars("NA", [100.0, 51.0, 52.0], split=[1.0, 2.0, 1.0], dividend=[0.0, 1.0, 0.0])
    coin = bars("BTC", [7000.1, 7300.0, 7400.0])
    return (concatenate([split, coin]), infos("NA", "BTC", BTC="crypto")), (
        bars("TRUE", [5.0, np.nan, 6.0]).take(np.array([0, 2])),
        infos("TRUE"),
    )


def test_prices_stand_as_printed_and_closes_are_adjusted(tmp_path):
    write(tmp_path / "set", *two_parts())
    text = (tmp_path / "set" / "prices_equities.csv").read_text().splitlines()
    assert text[0] == "date,symbol,open,high,low,close,volume,split_ratio,dividend"
    assert text[2] == "2020-01-03,NA,51,51,51,51,1000,2,1"
    assert text[4:] == ["2020-01-02,TRUE,5,5,5,5,1000,1,0", "2020-01-06,TRUE,6,6,6,6,1000,1,0"]
    closes = (tmp_path / "set" / "clean_prices.csv").read_text().splitlines()
    assert closes[0] == "date,NA,BTC,TRUE"
    # 51 x 2 x (1 + 1 / 51) = 104; TRUE has no bar on that day.
    assert closes[2] == "2020-01-03,104,7300,"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_either_form_loads_as_the_same_panel(tmp_path, form):
    write(tmp_path / "set", *two_parts(), form=form)
    panel = load_dataset(tmp_path / "set").panel
    assert panel.assets.tolist() == ["NA", "BTC", "TRUE"]
    assert panel.asset_class.tolist() == ["equity", "crypto", "equity"]
    assert panel.close[:, 0].tolist() == [100.0, 104.0, 52.0 * 2.0 * (1 + 1 / 51.0)]
    assert panel.close[0, 1] == 7000.1
    assert panel.tradable[:, 2].tolist() == [True, False, True]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_bars_give_the_same_bytes(tmp_path, form):
    for name in ("one", "two"):
        write(tmp_path / name, *two_parts(), form=form)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_large_text_is_compressed_and_reads_back_exactly(tmp_path):
    days = pd.date_range("1990-01-01", periods=9000).strftime("%Y-%m-%d").tolist()
    closes = (np.random.default_rng(7).random(9000) * 100 + 1 / 3).tolist()
    many = [bars(name, closes, days) for name in ("A", "B", "C")]
    known = infos("A", "B", "C", A="crypto", B="crypto", C="crypto")
    write(tmp_path / "set", (concatenate(many), known))
    packed = tmp_path / "set" / "prices_crypto.csv.gz"
    rows = gzip.decompress(packed.read_bytes()).decode().splitlines()
    assert len(rows) == 27_001
    assert [float(row.split(",")[5]) for row in rows[1:9001]] == closes
    panel = load_dataset(tmp_path / "set", calendar="24/7").panel
    assert panel.close[:, 2].tolist() == closes


def test_the_manifest_names_every_file_and_the_universe_every_symbol(tmp_path):
    log = RepairLog()
    first, known = two_parts()[0]
    log.add(first, np.array([1]), "spike", "drop")
    folder = tmp_path / "set"
    folder.mkdir()
    writer = SetWriter(folder)
    writer.add(first, known)
    extra = {
        "membership.csv": pd.DataFrame({"symbol": ["NA"], "start": ["2020-01-02"], "end": [""]})
    }
    writer.finish(MANIFEST, log, {"a": 1}, extra, reasons={"NA": "merger"})
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(manifest["files"]) == [
        "clean_prices.csv", "membership.csv", "prices_crypto.csv", "prices_equities.csv",
        "repairs.csv", "report.json", "universe.csv",
    ]  # fmt: skip
    assert manifest["symbols"] == {"equity": 1, "crypto": 1}
    assert (manifest["start"], manifest["end"]) == ("2020-01-02", "2020-01-06")
    universe = pd.read_csv(folder / "universe.csv", keep_default_na=False)
    assert universe["end_reason"].tolist() == ["merger", "data_end"]
    repairs = (folder / "repairs.csv").read_text().splitlines()
    assert repairs[1] == "NA,2020-01-03,spike,drop,,,,,0"
