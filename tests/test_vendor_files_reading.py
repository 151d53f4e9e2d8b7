"""Whole symbols in bounded memory, places of files, and what a file may not do in silence."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.bar_table import BarTable, concatenate
from feeds.errors import DataError, OutputError, UserError
from feeds.vendor_files import gather, parquet, text
from feeds.vendor_files.options import parse_options
from feeds.vendor_files.read import read_parts
from feeds.vendor_files.reading import Reading
from tests.fault_corpus import good_rows
from tests.fault_corpus import text as as_text

GOOD = as_text(good_rows())


def read(path: Path, **options: str) -> BarTable:
    return concatenate(list(read_parts([path], parse_options(options))))


def refusal(*paths: Path, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        list(read_parts(paths, parse_options(options)))
    assert caught.value.remedy and len(str(caught.value).splitlines()) == 2
    return caught.value.problem


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and parts of a few rows, so that a small file is a large one."""
    monkeypatch.setattr(text, "_BLOCK", 300)
    monkeypatch.setattr(parquet, "_BATCH", 7)
    monkeypatch.setattr(gather, "PART_ROWS", 20)
    monkeypatch.setattr("feeds.vendor_files.read.PART_ROWS", 20)


def long_frame(order: str) -> pd.DataFrame:
    """60 bars of 9 symbols of different lengths; closes count the rows."""
    lengths = {"D": 3, "A": 11, "NA": 1, "C": 9, "B": 6, "Z": 20, "Y": 2, "X": 7, "W": 1}
    rows = [
        (name, np.datetime64("2020-01-01") + day) for name, n in lengths.items() for day in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["symbol", "date"])
    if order == "by day":
        frame = frame.sort_values(["date"], kind="stable", ignore_index=True)
    return frame.assign(close=np.arange(1.0, len(frame) + 1.0))


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("order", ["by symbol", "by day"])
def test_parts_hold_whole_symbols(order: str, kind: str, small: None, tmp_path: Path) -> None:
    frame = long_frame(order)
    path = tmp_path / f"all.{kind}"
    if kind == "parquet":
        frame.to_parquet(path, row_group_size=13)
    else:
        frame.to_csv(path, index=False)
    spill = tmp_path / "spill"
    spill.mkdir()
    reading = Reading()
    parts = list(read_parts([path], memory=2000, spill=spill, reading=reading))
    assert len(parts) >= 3 and max(map(len, parts)) < 50
    seen = [symbol for part in parts for symbol in part.symbols]
    assert seen == list(dict.fromkeys(frame["symbol"]))
    table = concatenate(parts)
    for symbol, rows in frame.groupby("symbol"):
        own = table.code == table.symbols.index(symbol)
        assert list(table["close"][own]) == list(rows["close"])
        assert (table.time[own] == rows["date"].to_numpy()).all()
        first = 1 if kind == "parquet" else 2
        assert list(table.line[own]) == list(rows.index + first)
    assert not list(spill.iterdir())
    assert reading.files[0].rows == 60 and reading.files[0].symbols == 9


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_symbol_that_comes_back_where_a_block_begins(
    kind: str, small: None, tmp_path: Path
) -> None:
    # Batches of 7 rows: A and B fill the first ones, and a later one begins with A again.
    names = ["A"] * 20 + ["B"] * 22 + ["A"] * 14 + ["C"] * 7
    frame = pd.DataFrame({"symbol": names, "date": pd.Timestamp("2020-01-02"), "close": 1.0})
    frame["date"] += pd.to_timedelta(np.arange(len(frame)), unit="D")
    path = tmp_path / f"all.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    parts = list(read_parts([path], memory=700, spill=tmp_path))
    assert [symbol for part in parts for symbol in part.symbols] == ["A", "B", "C"]
    assert len(concatenate(parts)) == 63


def test_a_symbol_longer_than_a_part_is_not_cut(small: None, tmp_path: Path) -> None:
    names = ["A"] * 90 + ["B"] * 5 + ["C"] * 70
    days = np.datetime64("2020-01-01") + np.arange(len(names))
    frame = pd.DataFrame({"symbol": names, "date": days, "close": 1.0})
    frame.to_csv(tmp_path / "all.csv", index=False)
    parts = list(read_parts([tmp_path / "all.csv"], memory=700, spill=tmp_path))
    assert [(part.symbols, len(part)) for part in parts] == [(("A", "B"), 95), (("C",), 70)]


def test_empty_lines_count_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    path.write_text("date,close\n\n2020-01-02,1\n\n\n2020-01-03,2\n\n")
    assert list(read(path).line) == [3, 6]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_newest_first_is_turned_round_for_each_symbol(kind: str, tmp_path: Path) -> None:
    rows = [("B", f"2020-01-0{day}", day) for day in (9, 8, 7)]
    rows += [("A", f"2020-01-0{day}", day * 10) for day in (6, 3)]
    frame = pd.DataFrame(rows, columns=["symbol", "date", "close"])
    path = tmp_path / f"all.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    table = read(path)
    assert table.symbols == ("B", "A") and list(table.code) == [0, 0, 0, 1, 1]
    assert list(table["close"]) == [7.0, 8.0, 9.0, 30.0, 60.0] and table.is_sorted()
    assert list(table.line - (kind == "csv")) == [3, 2, 1, 5, 4]


def test_a_wide_file_in_blocks_is_the_same(small: None, tmp_path: Path) -> None:
    frame = long_frame("by day").pivot(index="date", columns="symbol", values="close")
    frame.to_csv(tmp_path / "wide.csv")
    table = concatenate(list(read_parts([tmp_path / "wide.csv"], memory=2000, spill=tmp_path)))
    for symbol in frame.columns:
        own = table["close"][table.code == table.symbols.index(symbol)]
        assert list(own) == list(frame[symbol].dropna())


def test_temporary_files_are_gone_when_the_reader_stops(small: None, tmp_path: Path) -> None:
    long_frame("by day").to_csv(tmp_path / "all.csv", index=False)
    spill = tmp_path / "spill"
    spill.mkdir()
    parts = read_parts([tmp_path / "all.csv"], memory=2000, spill=spill)
    next(parts)
    assert not list(spill.iterdir())
    parts.close()


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.vendor_files.streams._LONGEST_LINE", 1000)
    monkeypatch.setattr("feeds.vendor_files.head._HEAD", 300)
    path = tmp_path / "KO.csv"
    path.write_text("date,close\n2020-01-02," + "1" * 2000 + "\n")
    assert "line longer than 16 MB" in refusal(path)


def test_no_room_for_temporary_files(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_frame("by day").to_csv(tmp_path / "all.csv", index=False)
    with pytest.raises(OutputError, match="no room for temporary files in .*none"):
        list(read_parts([tmp_path / "all.csv"], memory=2000, spill=tmp_path / "none"))
    with open("/dev/full", "wb") as full:
        monkeypatch.setattr(gather.tempfile, "TemporaryFile", lambda **_: full)
        with pytest.raises(OutputError, match="No space left"):
            list(read_parts([tmp_path / "all.csv"], memory=2000))
        monkeypatch.undo()


def test_a_fault_of_a_large_file_has_its_line(small: None, tmp_path: Path) -> None:
    lines = long_frame("by symbol").to_csv(index=False).splitlines()
    lines[47] = lines[47].rsplit(",", 1)[0] + ",x"
    path = tmp_path / "all.csv"
    path.write_text("\n".join(["", *lines[:9], "", "  ", *lines[9:], "", ""]) + "\n")
    # One blank line before the header and two after line 9 move list position 47 to line 51.
    assert refusal(path) == f"{path}, line 51: close 'x' is no number"


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    days = pd.bdate_range("2000-01-03", periods=2000).strftime("%Y-%m-%d")
    peaks = []
    for symbols in (40, 240):
        path = tmp_path / "big.csv"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("symbol,date,open,high,low,close,volume\n")
            for at in range(symbols):
                row = f",{100 + at}.25,{103 + at}.5,{99 + at}.75,{101 + at}.5,{10_000 + at}\n"
                stream.write("".join(f"S{at},{day}{row}" for day in days))
        code = (
            "import resource, sys; from pathlib import Path\n"
            "from feeds.vendor_files import gather, read, text\n"
            "text._BLOCK, gather.PART_ROWS, read.PART_ROWS = 2**20, 30_000, 30_000\n"
            "rows = sum(len(part) for part in read.read_parts([Path(sys.argv[1])], memory=2**20))\n"
            "print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        rows, peak = map(int, done.stdout.split())
        assert rows == symbols * 2000
        peaks.append(peak)
    # The 400,000 rows more are 30 MB as numbers and 20 MB as text.
    assert peaks[1] - peaks[0] < 8_000


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_a_file_cut_off_anywhere_is_no_file(ending: str, tmp_path: Path) -> None:
    whole = as_text(good_rows(6))
    if ending == "csv.gz":
        whole = gzip.compress(whole, mtime=0)
    elif ending == "parquet":
        frame = pd.DataFrame({"date": pd.bdate_range("2020-01-02", periods=3), "close": 1.5})
        frame.to_parquet(tmp_path / "x.parquet")
        whole = (tmp_path / "x.parquet").read_bytes()
    path = tmp_path / f"KO.{ending}"
    path.write_bytes(whole)
    full = read(path)
    for end in range(0, len(whole), 1 if ending != "parquet" else 7):
        path.write_bytes(whole[:end])
        try:
            table = read(path)
        except DataError as error:
            assert str(error).startswith(str(path))
            continue
        # What ends with a row cannot be told from a shorter file.
        assert ending == "csv" and whole[end - 1 : end] == b"\n"
        assert np.array_equal(table["close"], full["close"][: len(table)])


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    at=st.integers(0, len(GOOD) - 1),
    put=st.binary(min_size=0, max_size=3),
    cut=st.integers(0, 12),
)
def test_damage_is_a_refusal_or_other_bars_but_never_a_crash(
    at: int, put: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(GOOD[:at] + put + GOOD[at + cut :])
    try:
        table = read(path)
    except UserError as error:
        assert len(str(error).splitlines()) <= 3
        return
    assert all(np.isfinite(v[~np.isnan(v)]).all() for v in table.columns.values())


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(at=st.floats(0, 1), value=st.integers(0, 255), again=st.floats(0, 1))
def test_damaged_parquet_is_a_refusal_or_other_bars_but_never_a_crash(
    at: float, value: int, again: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    long_frame("by symbol").to_parquet(path)
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] = value
    content[int(again * (len(content) - 1))] ^= value
    path.write_bytes(content)
    try:
        read(path)
    except UserError as error:
        assert len(str(error).splitlines()) <= 3 and path.name in str(error)


def test_parquet_with_checksums_shows_any_change(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    frame = long_frame("by symbol")
    frame.to_parquet(path, write_page_checksum=True, compression=None)
    content = bytearray(path.read_bytes())
    content[content.index(np.float64(30.0).tobytes())] ^= 1
    path.write_bytes(content)
    assert "does not read as Parquet" in refusal(path)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    mark=st.sampled_from([b"\n", b"\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoted=st.booleans(),
)
def test_every_number_comes_back_exactly(
    values: list[float], separator: str, mark: bytes, encoding: str, quoted: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    days = np.datetime64("2020-01-01") + np.arange(len(values))
    quote = '"' if quoted else ""
    lines = [f"date{separator}close"]
    lines += [f"{quote}{day}{quote}{separator}{quote}{value!r}{quote}"
              for day, value in zip(days, values)]  # fmt: skip
    content = "".join(line + mark.decode() for line in lines).encode(encoding)
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    path.write_bytes(content)
    table = read(path)
    assert table["close"].tolist() == values and (table.time == days).all()


def test_encodings_are_told(tmp_path: Path) -> None:
    content = GOOD.decode().replace("volume", "volume,name").replace("\n2", ",\n2")
    for name, encoding in (("a", "utf-8-sig"), ("b", "utf-16"), ("c", "utf-16")):
        (tmp_path / f"{name}.csv").write_bytes(GOOD.decode().encode(encoding))
    (tmp_path / "d.csv").write_bytes(b"date,close,name\n2020-01-02,1.5,caf\xe9\n")
    reading = Reading()
    list(read_parts([tmp_path / f"{n}.csv" for n in "abc"], reading=reading))
    assert [file.encoding for file in reading.files] == ["utf-8-sig", "utf-16", "utf-16"]
    assert read(tmp_path / "d.csv", encoding="latin-1")["close"][0] == 1.5
    assert content


def test_decimal_commas_where_they_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    path.write_text("date;close;volume\n2020-01-02;1,5;1000\n2020-01-03;12,25;2000\n")
    reading = Reading()
    table = concatenate(list(read_parts([path], reading=reading)))
    assert list(table["close"]) == [1.5, 12.25] and reading.files[0].decimal == ","
    path.write_text('date,close\n2020-01-02,"1,5"\n')
    assert "'1,5' has a comma" in refusal(path)
    assert read(path, decimal=",")["close"][0] == 1.5


def test_the_order_of_day_and_month_is_looked_for_in_all_of_the_file(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.vendor_files.head._HEAD", 100)
    path = tmp_path / "KO.csv"
    rows = [f"0{month}/0{day}/2020,1" for month in range(1, 6) for day in range(1, 10)]
    path.write_text("\n".join(["date,close", *rows, "06/13/2020,1"]) + "\n")
    assert str(read(path).time[9])[:10] == "2020-02-01"
    path.write_text("\n".join(["date,close", *rows]) + "\n")
    assert "may have the day or the month first" in refusal(path)
    assert str(read(path, date_order="dmy").time[9])[:10] == "2020-01-02"
    assert str(read(path, date_format="%m/%d/%Y").time[9])[:10] == "2020-02-01"


def test_two_digits_of_a_year_only_where_the_format_is_given(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    path.write_text("date,close\n28-Apr-13,1\n")
    assert "two digits" in refusal(path)
    assert str(read(path, date_format="%d-%b-%y").time[0])[:10] == "2013-04-28"


def test_daily_stamps_of_a_local_midnight_are_days(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    rows = ["2020-03-05 00:00:00-05:00,1", "2020-03-06 00:00:00-05:00,2"]
    rows += ["2020-03-09 00:00:00-04:00,3"]
    path.write_text("\n".join(["date,close", *rows]) + "\n")
    assert [str(t) for t in read(path).time] == [
        "2020-03-05T00:00:00", "2020-03-06T00:00:00", "2020-03-09T00:00:00",
    ]  # fmt: skip


def test_daily_stamps_with_a_time_keep_the_clock_of_their_zone(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    # Four in the afternoon in New York: 21:00 UTC in winter, 20:00 in summer.
    stamps = ["2020-03-05 21:00:00Z", "2020-03-06 21:00:00Z", "2020-03-09 20:00:00Z"]
    local = ["2020-03-05T16:00:00", "2020-03-06T16:00:00", "2020-03-09T16:00:00"]
    path.write_text("date,close\n" + "".join(f"{stamp},1\n" for stamp in stamps))
    assert [str(t) for t in read(path, timezone="America/New_York").time] == local
    path.write_text("date,close\n" + "".join(f"{stamp.replace('T', ' ')},1\n" for stamp in local))
    assert [str(t) for t in read(path, timezone="America/New_York").time] == local


def test_hours_become_utc(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    hours = ["2020-03-06 09:30:00", "2020-03-06 10:30:00", "2020-03-09 09:30:00"]
    path.write_text("date,close\n" + "".join(f"{hour},1\n" for hour in hours))
    # New York is 5 hours behind until 2020-03-08, then 4.
    utc = ["2020-03-06T14:30:00", "2020-03-06T15:30:00", "2020-03-09T13:30:00"]
    assert [str(t) for t in read(path, timezone="America/New_York").time] == utc
    assert [str(t) for t in read(path).time] == [hour.replace(" ", "T") for hour in hours]
    offsets = [f"{hour}{'-05:00' if '-06 ' in hour else '-04:00'}" for hour in hours]
    path.write_text("date,close\n" + "".join(f"{hour},1\n" for hour in offsets))
    assert [str(t) for t in read(path).time] == utc


def test_a_folder_is_read_by_name_and_each_symbol_once(tmp_path: Path) -> None:
    for name in ("KO", "AAPL", "NA"):
        (tmp_path / f"{name}.csv").write_bytes(GOOD)
    (tmp_path / "notes.doc").write_text("nothing")
    (tmp_path / ".hidden.csv").write_text("nothing")
    (tmp_path / "deep").mkdir()
    reading = Reading()
    table = concatenate(list(read_parts([tmp_path], reading=reading)))
    assert table.symbols == ("AAPL", "KO", "NA") and len(table) == 120
    assert set(table.file[table.code == 1]) == {1}
    assert [Path(name).name for name in reading.ignored] == ["deep", "notes.doc"]
    (tmp_path / "KO.txt").write_bytes(GOOD)
    assert refusal(tmp_path) == f"{tmp_path}/KO.txt: symbol KO is in {tmp_path}/KO.csv too"


def test_places_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no file of bars" in refusal(tmp_path / "empty")
    assert "No such file" in refusal(tmp_path / "none.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert "not a plain file" in refusal(tmp_path / "pipe.csv")
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    assert "symbolic links" in refusal(tmp_path / "a.csv")
    (tmp_path / "KO.csv").write_bytes(GOOD)
    (tmp_path / "link.csv").symlink_to(tmp_path / "KO.csv")
    assert "the same file as" in refusal(tmp_path / "KO.csv", tmp_path / "link.csv")
    assert "the same file as" in refusal(tmp_path / "KO.csv", tmp_path / "KO.csv")
    (tmp_path / "empty" / "KO.zip").write_bytes(b"PK")
    assert "KO.zip: an archive" in refusal(tmp_path / "empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "KO.csv").write_bytes(GOOD)
    (tmp_path / "KO.csv").chmod(0)
    assert "Permission denied" in refusal(tmp_path / "KO.csv")


@pytest.mark.parametrize("name", ["KO.csv", "KO.parquet"])
def test_an_error_of_the_disk_names_the_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(GOOD)

    def fails(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", fails)
    monkeypatch.setattr(parquet.pq, "read_schema", fails)
    assert "Permission denied" in refusal(tmp_path / name)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "KO.csv"
    path.write_bytes(GOOD)
    parts = read_parts([path, path.with_name("NA.csv")])
    path.with_name("NA.csv").write_bytes(GOOD)
    monkey = os.stat(path).st_mtime_ns
    original = gather.whole_symbols

    def touching(*arguments: object) -> object:
        for block in original(*arguments):  # type: ignore[arg-type]
            os.utime(path, ns=(monkey, monkey + 10**9))
            yield block

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feeds.vendor_files.read.whole_symbols", touching)
        with pytest.raises(DataError, match="changed while it was read"):
            list(parts)


OPTIONS = {
    ("form", "yaho"): "option form cannot be 'yaho'",
    ("fomr", "yahoo"): "unknown option 'fomr' of files",
    ("columns", "close"): "'close' is not ours=theirs",
    ("columns", "klose=Last"): "unknown column 'klose'",
    ("separator", ":"): "option separator cannot be ':'",
    ("encoding", "latin-99"): "'latin-99' is unknown",
    ("encoding", "base64"): "'base64' is unknown",
    ("timezone", "Mars"): "'Mars' is unknown",
    ("timezone", "../etc"): "'../etc' is unknown",
    ("symbol", "a b"): "option symbol cannot be 'a b'",
    ("date_format", "%H"): "does not hold a year, a month and a day",
    ("decimal", "x"): "option decimal cannot be 'x'",
    ("volume_unit", "shares"): "option volume_unit cannot be 'shares'",
    ("price_kind", "real"): "option price_kind cannot be 'real'",
    ("date_order", "ydm"): "option date_order cannot be 'ydm'",
}


@pytest.mark.parametrize(("name", "value"), OPTIONS)
def test_options_that_cannot_be(name: str, value: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_options({name: value})
    assert OPTIONS[name, value] in caught.value.problem and caught.value.remedy


def test_options_that_can() -> None:
    given_ = {"separator": "tab", "encoding": "latin-1", "columns": "close=Last, date=Day"}
    options = parse_options(given_)
    assert (options.separator, options.encoding) == ("\t", "iso8859-1")
    assert options.columns == {"close": "Last", "date": "Day"}
