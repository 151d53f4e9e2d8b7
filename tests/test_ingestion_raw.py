"""Raw files: the same to the last bit, names that do not meet, damage that is noticed."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import DataError
from feeds.ingestion.durable import write_durably
from feeds.ingestion.raw_file import bars_bytes, checked_bars, file_name, parse_bars, sha256_of
from feeds.ingestion.raw_store import RawEntry, RawStore, entry_of, index_bytes, link_or_copy
from feeds.sources.request import BAR_COLUMNS, RawSeries, SymbolRequest
from tests.ingestion_case import NOW, Vendor, coin

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def bars(values: list[list[float]], hours: bool = False, cap: bool = False) -> pd.DataFrame:
    columns = [*BAR_COLUMNS, *(["market_cap"] if cap else [])]
    index = pd.date_range("2020-02-27", periods=len(values), freq="h" if hours else "D")
    return checked_bars(pd.DataFrame(values, columns=columns, index=index))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.data(), st.booleans(), st.booleans())
def test_what_is_read_is_what_was_written_to_the_last_bit(data, hours, cap):
    width = len(BAR_COLUMNS) + cap
    row = st.lists(FLOATS, min_size=width, max_size=width)
    table = bars(data.draw(st.lists(row, min_size=1, max_size=8)), hours, cap)
    again = parse_bars(bars_bytes(table))
    assert again.index.equals(table.index) and again.index.dtype == "datetime64[s]"
    assert list(again.columns) == list(table.columns) and (again.dtypes == "float64").all()
    old, new = table.to_numpy(), again.to_numpy()
    missing = np.isnan(old)
    assert (np.isnan(new) == missing).all()
    assert (old.view("int64") == new.view("int64"))[~missing].all()


def test_the_text_is_plain():
    table = bars([[0.1 + 0.2, 1e300, 5e-324, -0.0, np.nan, 1.0, 0.0]])
    assert bars_bytes(table).decode() == (
        "date,open,high,low,close,volume,split_ratio,dividend\n"
        "2020-02-27,0.30000000000000004,1e+300,5e-324,-0.0,,1.0,0.0\n"
    )
    hour = bars([[1.0] * 7] * 14, hours=True)
    assert bars_bytes(hour).decode().splitlines()[14].startswith("2020-02-27T13:00:00Z,1.0,")


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("AAPL", "AAPL.csv"),
        ("BRK.B", "BRK.B.csv"),
        ("^GSPC", "^GSPC.csv"),
        ("NA", "NA.csv"),
        ("0700.HK", "0700.HK.csv"),
        ("CONE", "CONE.csv"),
    ],
)
def test_names_that_stand_for_themselves(symbol, name):
    assert file_name(symbol) == name


@pytest.mark.parametrize(
    "symbol", ["CON", "NUL", "COM1", "LPT9", "CON.A", "AUX.B", "aapl", "BTC/USD"]
)
def test_names_that_need_a_digest(symbol):
    digest = sha256_of(symbol.encode())[:8]
    assert file_name(symbol) == f"{symbol.replace('/', '_')}~{digest}.csv"


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    st.lists(
        st.text("aAbBcCoOnN./\\:*~_ ^$-", min_size=1, max_size=4),
        min_size=2,
        max_size=40,
        unique=True,
    )
)
def test_no_two_symbols_share_a_file_also_where_case_does_not_count(symbols):
    names = [file_name(symbol) for symbol in symbols]
    assert len({name.casefold() for name in names}) == len(symbols)
    assert all(os.sep not in name and not name.startswith(".") for name in names)


def entry(symbol: str = "BTC", **given) -> tuple[RawEntry, bytes, pd.DataFrame]:
    series = Vendor().fetch(coin(symbol, **given))
    series = replace(series, lot=1e-5, tick=0.01, notes=("one", "two"))
    content = bars_bytes(series.bars)
    return entry_of(series, series.request, series.bars, content, NOW), content, series.bars


def store(folder: Path, *made: tuple[RawEntry, bytes, pd.DataFrame]) -> RawStore:
    folder.mkdir()
    for item, content, _ in made:
        (folder / item.file).write_bytes(content)
    (folder / "index.json").write_bytes(index_bytes(item for item, *_ in made))
    return RawStore(folder)


def test_what_is_known_of_a_series_comes_back(tmp_path):
    days = {"start": dt.date(2024, 1, 5), "end": dt.date(2024, 3, 1), "exchange": "kraken"}
    made = entry("NA", **days)
    again = store(tmp_path / "raw", made, entry("aapl")).entries
    assert again["NA"] == made[0] and list(again) == ["NA", "aapl"]
    assert (made[0].first, made[0].last, made[0].rows) == ("2024-01-05", "2024-03-01", 57)
    info = again["NA"].info
    assert (info.lot, info.tick, info.notes, info.timezone) == (1e-5, 0.01, ("one", "two"), "UTC")
    assert info.exchange == "kraken" and not info.listed
    assert again["NA"].fetched_at == NOW


def test_the_bars_come_back_and_damage_is_noticed(tmp_path):
    made = entry()
    found = store(tmp_path / "raw", made)
    pd.testing.assert_frame_equal(found.bars("BTC"), made[2], check_freq=False)
    path = tmp_path / "raw" / "BTC.csv"
    for content in (made[1][:-1], made[1] + b"\n", made[1].replace(b"100", b"101", 1), b""):
        path.write_bytes(content)
        assert found.bars("BTC") is None and not found.is_intact("BTC")
    path.unlink()
    assert found.bars("BTC") is None


def test_a_folder_that_is_not_there_has_nothing(tmp_path):
    assert RawStore(tmp_path / "raw").entries == {}
    (tmp_path / "file").write_text("x")
    assert RawStore(tmp_path / "file").entries == {}


def spoil(change) -> bytes:
    index = json.loads(index_bytes([entry()[0]]))
    change(index)
    return json.dumps(index).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"\xff\xfe",
        spoil(lambda index: index.update(format=2)),
        spoil(lambda index: index["symbols"]["BTC"].pop("sha256")),
        spoil(lambda index: index["symbols"]["BTC"].update(file="../../etc/passwd")),
        spoil(lambda index: index["symbols"]["BTC"].update(fetched="2024-01-01")),
        spoil(lambda index: index["symbols"]["BTC"]["request"].update(start="never")),
        spoil(lambda index: index["symbols"].update(ETH=index["symbols"]["BTC"])),
        spoil(lambda index: index["symbols"].update(BTC=None)),
    ],
)
def test_an_index_that_is_none_is_refused_by_name(tmp_path, content):
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(DataError, match="no index of raw bars") as caught:
        RawStore(tmp_path)
    assert str(tmp_path / "index.json") in caught.value.problem
    assert str(tmp_path) in caught.value.remedy and len(str(caught.value).splitlines()) <= 3


def test_where_there_are_no_links_a_copy_does(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"bars")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert os.path.samefile(tmp_path / "a", tmp_path / "b")

    def refuse(*names: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == b"bars"
    assert not os.path.samefile(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    write_durably(path, b"old")

    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(OSError):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old" and [item.name for item in tmp_path.iterdir()] == ["file"]


def test_other_columns_are_left_out_and_units_of_time_do_not_matter():
    index = pd.DatetimeIndex(["2020-01-01", "2020-01-02"]).as_unit("ns")
    table = pd.DataFrame({name: [1, 2] for name in (*BAR_COLUMNS, "adj", "x")}, index=index)
    checked = checked_bars(table)
    assert tuple(checked.columns) == BAR_COLUMNS
    assert checked.index.dtype == "datetime64[s]" and checked.index.name == "date"
    assert (checked.dtypes == "float64").all()


def test_a_series_of_a_request_without_names_has_none():
    request = SymbolRequest("X", "equity", "vendor", "X", currency="EUR")
    series = RawSeries(request, entry()[2], "units", "traded", "", "", "v", "l")
    content = bars_bytes(series.bars)
    # The symbols file's currency stands in for one that the vendor does not say.
    assert entry_of(series, request, series.bars, content, NOW).info.currency == "EUR"
