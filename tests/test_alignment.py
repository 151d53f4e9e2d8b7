"""Whole tables folded at once, against one series at a time; files in any form and order."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import feeds.price_files as price_files
from benchmarks import data_store
from feeds.align import Native, align_bars
from feeds.bar_table import BarTable, concatenate
from feeds.blocks import align_block, panel_of
from feeds.calendars import next_session, sessions
from feeds.errors import DataError
from feeds.folding import fold_table, session_rows
from feeds.price_files import read_tables, scan
from feeds.store import load_dataset, read_native
from feeds.write import write_folder
from tests.little_set import MANIFEST, files

FIRST, LAST = np.datetime64("2021-01-04"), np.datetime64("2021-02-05")
DAYS = np.arange(FIRST, LAST + 1)
COLUMNS = ("open", "high", "low", "close", "volume", "split_ratio", "dividend")
FIELDS = ("open", "high", "low", "close", "volume", "split_factor", "dividend_factor")


@st.composite
def series(draw) -> Native:
    """Bars on some days, weekends among them, with gaps, events and missing ranges."""
    picked = draw(st.lists(st.integers(0, len(DAYS) - 1), max_size=24, unique=True).map(sorted))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = len(picked)
    close = rng.uniform(0.01, 500.0, count)
    holes = draw(st.sampled_from([0.0, 0.3, 1.0]))
    events = draw(st.sampled_from([0.0, 0.2]))

    def given_in_part(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(count) < holes, np.nan, values)

    return Native(
        DAYS[picked],
        open=given_in_part(close * rng.uniform(0.9, 1.1, count)),
        high=given_in_part(close * rng.uniform(1.0, 1.2, count)),
        low=given_in_part(close * rng.uniform(0.8, 1.0, count)),
        close=close,
        volume=given_in_part(rng.uniform(0, 1e7, count)),
        split_ratio=np.where(rng.random(count) < events, rng.choice([2.0, 0.5, 0.1], count), 1.0),
        dividend=np.where(rng.random(count) < events, close * 0.03, 0.0),
        market_cap=given_in_part(close * 1e6),
    )


def table_of(bars: dict[str, Native]) -> BarTable:
    return concatenate([BarTable.from_frame(name, frame_of(own)) for name, own in bars.items()])


def frame_of(own: Native) -> pd.DataFrame:
    names = (*COLUMNS, *(["market_cap"] if own.market_cap is not None else []))
    index = pd.DatetimeIndex(own.dates.astype("datetime64[s]"), name="date")
    return pd.DataFrame({name: getattr(own, name) for name in names}, index=index)


def universe_of(names, **columns) -> pd.DataFrame:
    kinds = ["index" if name.startswith("X") else "equity" for name in names]
    table = pd.DataFrame({"symbol": list(names), "asset_class": kinds, "name": "", "start": ""})
    table = table.assign(end="", end_reason="data_end", volume_unit="units", price_kind="traded")
    return table.assign(**columns)


def block_array(aligned, name: str) -> np.ndarray:
    return np.ones_like(aligned.arrays["close"]) if name in aligned.ones else aligned.arrays[name]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(series(), min_size=1, max_size=6), st.sampled_from(["XNYS", "24/7"]))
def test_a_whole_table_gives_what_each_series_gives_alone(natives, calendar):
    names = [f"S{number}" for number in range(len(natives) - 1)] + ["X"]
    bars = dict(zip(names, natives))
    dates = sessions(calendar, FIRST, LAST)
    aligned = align_block([table_of(bars)], universe_of(names), dates, calendar)
    # Ranges are kept where any asset has an open; none has where `first_open` is past the end.
    ranged = bool((aligned.arrays["first_open"] < len(dates)).any())
    assert ranged == ("open" in aligned.arrays) == ("high" in aligned.arrays)
    for column, name in enumerate(names[:-1]):
        alone = align_bars(bars[name], dates)
        for field in FIELDS if ranged else FIELDS[3:]:
            np.testing.assert_array_equal(
                bits(block_array(aligned, field)[:, column]), bits(alone[field]), err_msg=field
            )
        if "market_cap" in aligned.arrays:
            np.testing.assert_array_equal(
                aligned.arrays["market_cap"][:, column], alone["market_cap"]
            )
        else:
            assert np.isnan(alone["market_cap"]).all()
        np.testing.assert_array_equal(aligned.arrays["tradable"][:, column], alone["tradable"])
        opens = np.flatnonzero(alone["has_open"])
        assert aligned.arrays["first_open"][column] == (opens[0] if len(opens) else len(dates))
    reference = align_bars(bars["X"], dates)["close"]
    np.testing.assert_array_equal(aligned.arrays["reference"][:, 0], reference)


def test_a_factor_that_comes_back_to_one():
    # 2 for 1 on the second day, 1 for 2 on the third: 1, 2, 1, and 1 from then on.
    ratios = np.array([1.0, 2.0, 0.5, 1.0])
    days = DAYS[[0, 1, 2, 4]]
    ones = [np.ones(4) for _ in range(5)]
    own = Native(days, *ones, split_ratio=ratios, dividend=np.zeros(4))
    dates = sessions("XNYS", DAYS[0], DAYS[4])
    aligned = align_block([table_of({"A": own})], universe_of(["A"]), dates, "XNYS")
    assert aligned.arrays["split_factor"][:, 0].tolist() == [1.0, 2.0, 1.0, 1.0, 1.0]


def bits(values: np.ndarray) -> np.ndarray:
    """Every NaN is the same; of numbers each bit counts."""
    return np.where(np.isnan(values), np.nan, values).view("int64")


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.lists(series(), min_size=1, max_size=4),
    st.sampled_from(["XNYS", "24/7"]),
    st.integers(2, len(DAYS) - 1),
    st.booleans(),
)
def test_what_comes_after_a_row_changes_nothing_up_to_it(natives, calendar, place, cut):
    names = [f"S{number}" for number in range(len(natives))]
    bars = dict(zip(names, natives))
    rows = sessions(calendar, FIRST, DAYS[place])
    dates = sessions(calendar, FIRST, LAST)
    changed = {name: after(own, rows[-1], cut=cut, seed=place) for name, own in bars.items()}
    whole = align_block([table_of(bars)], universe_of(names), dates, calendar)
    part = align_block([table_of(changed)], universe_of(names), rows if cut else dates, calendar)
    same_up_to(len(rows), whole, part, calendar)


def after(own: Native, last: np.datetime64, *, cut: bool, seed: int) -> Native:
    """The series without what comes after a day, or with that scrambled and made absurd."""
    later = own.dates > last
    if cut:
        return take(own, ~later)
    rng = np.random.default_rng(seed)
    values = frame_of(own)
    order = rng.permutation(np.flatnonzero(later))
    values.iloc[np.flatnonzero(later)] = values.iloc[order].to_numpy() * rng.uniform(0.1, 9.0)
    made = {name: values[name].to_numpy() for name in values}
    return take(Native(own.dates, **made), ~later | (rng.random(len(later)) < 0.7))


def take(own: Native, rows: np.ndarray) -> Native:
    made = {name: getattr(own, name)[rows] for name in ("dates", *COLUMNS)}
    cap = None if own.market_cap is None else own.market_cap[rows]
    return Native(**made, market_cap=cap)


def same_up_to(rows: int, whole, part, calendar: str) -> None:
    one, two = panel_of(whole, calendar, rows), panel_of(part, calendar, rows)
    for name in (*FIELDS, "market_cap", "tradable", "member", "close_only", "dates", "end_reason"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    assert one.next_session == two.next_session


@pytest.fixture(scope="module")
def bundled():
    folder = Path("data/large_caps_bitcoin")
    universe = load_dataset(folder).universe
    return read_native(folder), universe.assign(start="2013-01-02", end_reason="data_end")


class TestBundled:
    """The bundled set with 25 stocks and 3 coins, cut and scrambled after 60 days."""

    #: Sessions, weekends, holidays, days between vendors, the ends of months and of the set.
    DAYS = [
        "2013-01-02", "2013-01-03", "2013-05-17", "2013-12-31", "2014-06-09", "2014-06-10",
        "2014-11-27", "2014-11-28", "2014-11-29", "2014-11-30", "2014-12-01", "2015-01-05",
        "2015-01-09", "2015-01-10", "2015-01-11", "2015-08-24", "2015-12-26", "2016-02-28",
        "2016-02-29", "2016-05-20", "2016-05-31", "2016-08-02", "2017-01-02", "2017-05-05",
        "2017-05-06", "2017-05-07", "2017-08-01", "2017-09-15", "2017-12-15", "2017-12-16",
        "2017-12-17", "2017-12-22", "2018-02-05", "2018-02-06", "2018-07-04", "2018-12-05",
        "2018-12-24", "2019-01-01", "2019-04-19", "2019-07-20", "2019-07-21", "2019-09-30",
        "2020-01-16", "2020-01-17", "2020-01-18", "2020-01-20", "2020-03-12", "2020-03-13",
        "2020-03-14", "2020-03-15", "2020-03-16", "2020-08-31", "2021-01-01", "2021-02-14",
        "2021-05-19", "2021-07-19", "2021-07-20", "2021-10-26", "2021-10-27", "2021-12-30",
    ]  # fmt: skip

    @pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
    def test_nothing_up_to_the_day_depends_on_what_follows(self, bundled, calendar):
        table, universe = bundled
        dates = sessions(calendar, table.time.min(), np.datetime64("2021-12-31"))
        whole = align_block([table], universe, dates, calendar)
        assert len(set(self.DAYS)) == 60
        for number, day in enumerate(self.DAYS):
            rows = dates[dates <= np.datetime64(day)]
            later = table.time > np.datetime64(day)
            if number % 2:
                rng = np.random.default_rng(number)
                made = {}
                for name, values in table.columns.items():
                    made[name] = values.copy()
                    made[name][later] = rng.permutation(values[later])
                part, upto = table.with_columns(**made), dates
            else:
                part, upto = table.take(~later), rows
            same_up_to(len(rows), whole, align_block([part], universe, upto, calendar), calendar)

    @pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
    def test_an_end_equals_a_cut(self, bundled, calendar):
        table, universe = bundled
        for day in self.DAYS[::6]:
            data = load_dataset(
                "data/large_caps_bitcoin", calendar=calendar, end=pd.Timestamp(day).date()
            )
            rows = data.panel.dates
            part = align_block(
                [table.take(table.time <= np.datetime64(day))], universe, rows, calendar
            )
            cut = panel_of(part, calendar, len(rows))
            for name in FIELDS:
                np.testing.assert_array_equal(getattr(cut, name), getattr(data.panel, name))
            assert data.panel.next_session == next_session(calendar, rows[-1])


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
def test_ranges_that_come_later_do_not_show_before(calendar):
    # Closes alone to the 13th, with a Saturday's 130 above Monday's close; an open on the 14th.
    days = np.arange("2021-01-08", "2021-01-15", dtype="datetime64[D]")
    gone = np.full(len(days), np.nan)
    opens = np.where(days == np.datetime64("2021-01-14"), 104.0, gone)
    close = np.array([100.0, 130.0, 90.0, 100.0, 101.0, 102.0, 105.0])
    plain = {"volume": gone, "split_ratio": np.ones(7), "dividend": np.zeros(7)}
    own = Native(days, open=opens, high=gone, low=gone, close=close, **plain)
    dates = sessions(calendar, days[0], days[-1])
    whole = align_block([table_of({"A": own})], universe_of(["A"]), dates, calendar)
    upto = dates[:-1]
    part = align_block(
        [table_of({"A": take(own, days <= upto[-1])})], universe_of(["A"]), upto, calendar
    )
    same_up_to(len(upto), whole, part, calendar)
    early = panel_of(whole, calendar, len(upto))
    assert early.close_only.all()
    np.testing.assert_array_equal(early.high, early.close)


class TestFiles:
    """The same bars in any form give the same panel."""

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        write_folder(tmp_path / "made", files(), MANIFEST)
        return tmp_path / "made"

    def replaced(self, folder: Path, old: str, new: str, write) -> Path:
        """The folder with a price file rewritten by `write(table, path)`."""
        table = pd.read_csv(folder / old, keep_default_na=False, na_values={"open": [""]})
        numbers = table.columns.drop(["date", "symbol"])
        table[numbers] = table[numbers].apply(pd.to_numeric, errors="coerce")
        (folder / old).unlink()
        write(table, folder / new)
        manifest = json.loads((folder / "manifest.json").read_text())
        del manifest["files"][old]
        digest = hashlib.sha256((folder / new).read_bytes()).hexdigest()
        manifest["files"][new] = {"sha256": digest}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    @pytest.mark.parametrize("size", [1, 2, 5, 1000])
    def test_batches_of_any_size(self, folder, size, monkeypatch):
        whole = load_dataset(folder).panel
        remove_cache(folder)
        monkeypatch.setattr(price_files, "_ROWS", size)
        monkeypatch.setattr(price_files, "_BLOCK_BYTES", 200)
        assert_same(load_dataset(folder).panel, whole)

    def test_tables_hold_whole_symbols_and_few_rows(self, folder, monkeypatch):
        monkeypatch.setattr(price_files, "_ROWS", 4)
        monkeypatch.setattr(price_files, "_BLOCK_BYTES", 200)
        path = folder / "prices_equities.csv"
        found = [
            [table.symbols[code] for code in np.unique(table.code)]
            for table in read_tables(path, scan(path))
        ]
        assert found == [["NA"], ["TRUE"], ["IDX"]]

    def test_rows_by_date_as_well_as_by_symbol(self, folder):
        whole = load_dataset(folder).panel
        name = "prices_equities.csv"
        made = self.replaced(
            folder, name, name, lambda table, path: by_date(table).to_csv(path, index=False)
        )
        assert not scan(folder / name).together
        assert_same(load_dataset(made).panel, whole)

    @pytest.mark.parametrize("kind", ["text", "dictionary", "date32", "us", "ns", "utc", "s"])
    def test_dates_and_symbols_of_parquet_in_any_type(self, folder, kind):
        whole = load_dataset(folder).panel

        def write(table: pd.DataFrame, path: Path) -> None:
            made = pa.Table.from_pandas(table, preserve_index=False)
            days = pa.array(pd.to_datetime(table["date"]).dt.as_unit("s"))
            types = {"date32": pa.date32(), "us": pa.timestamp("us"), "ns": pa.timestamp("ns")}
            if kind in types:
                made = made.set_column(0, "date", days.cast(types[kind]))
            elif kind == "utc":
                made = made.set_column(0, "date", days.cast(pa.timestamp("ms", "UTC")))
            elif kind == "s":
                made = made.set_column(0, "date", days)
            elif kind == "dictionary":
                for place, name in enumerate(("date", "symbol")):
                    made = made.set_column(
                        place, name, made[name].cast(pa.string()).dictionary_encode()
                    )
            pq.write_table(made, path, row_group_size=5)

        made = self.replaced(folder, "prices_equities.csv", "prices_equities.parquet", write)
        assert_same(load_dataset(made).panel, whole)

    def test_compressed_and_with_columns_of_its_own(self, folder):
        whole = load_dataset(folder).panel

        def write(table: pd.DataFrame, path: Path) -> None:
            table.assign(note="a,b\n", extra=1)[table.columns[::-1].tolist() + ["note"]].to_csv(
                path, index=False
            )

        made = self.replaced(folder, "prices_crypto.csv", "prices_crypto.csv.gz", write)
        assert_same(load_dataset(made).panel, whole)

    def test_a_file_without_a_row(self, folder):
        made = self.replaced(
            folder, "prices_crypto.csv", "prices_crypto.csv",
            lambda table, path: table.iloc[:0].to_csv(path, index=False),
        )  # fmt: skip
        panel = load_dataset(made).panel
        assert not panel.tradable[:, 2].any() and panel.tradable[:, 0].all()

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (lambda table: table.drop(columns="low"), "lacks the column low"),
            (lambda table: table.astype({"close": object}).assign(close="x"), "read as a table"),
            (lambda table: table.assign(date="2021-13-01"), "read as a table"),
            (lambda table: pd.concat([table, table.iloc[-1:]]), "row 6: the dates of BTC are not"),
            (lambda table: pd.concat([table, table.iloc[:1]]), "row 6: the dates of BTC are not"),
            (lambda table: table.assign(symbol="NA"), "has bars of NA, and so has prices_eq"),
            (lambda table: table.assign(close=-1.0), "BTC: close -1.0 on 2021-01-08 is not"),
            (lambda table: table.assign(close=np.nan), "BTC: close nan on 2021-01-08 is not"),
        ],
        ids="column number date twice order both negative nan".split(),
    )
    def test_what_is_no_table_of_bars_is_refused(self, folder, form, change, problem):
        def write(table: pd.DataFrame, path: Path) -> None:
            made = change(table)
            if form == "csv":
                made.to_csv(path, index=False)
            else:
                made.to_parquet(path, index=False)

        made = self.replaced(folder, "prices_crypto.csv", f"prices_crypto.{form}", write)
        with pytest.raises(DataError, match=problem) as caught:
            load_dataset(made)
        assert len(str(caught.value).splitlines()) <= 3
        assert not list((folder / ".cache").glob("*"))

    @pytest.mark.parametrize("column", ["date", "symbol"])
    def test_a_row_without_a_date_or_symbol(self, folder, column):
        def write(table: pd.DataFrame, path: Path) -> None:
            table[column] = table[column].astype(object)
            table.loc[2, column] = None
            table.to_parquet(path, index=False)

        made = self.replaced(folder, "prices_crypto.csv", "prices_crypto.parquet", write)
        with pytest.raises(DataError, match=f"without a {column}"):
            load_dataset(made)

    def test_numbers_are_read_to_the_last_bit(self, folder):
        # 17 digits name a double; 0.1 + 0.2 is not 0.3.
        path = folder / "prices_crypto.csv"
        rows = path.read_text().replace(",30,", f",{0.1 + 0.2!r},").replace(",25,", ",1e23,")
        path.write_text(rows)
        table = concatenate(list(read_tables(path, scan(path))))
        assert table["close"].tolist()[1:4] == [0.30000000000000004, 20.0, 1e23]


class TestNative:
    def test_bars_come_as_stored(self, tmp_path):
        write_folder(tmp_path / "made", files(), MANIFEST)
        table = read_native(tmp_path / "made", ["BTC", "NA"])
        coin = table.frame("BTC")
        assert coin["close"].tolist() == [40.0, 30.0, 20.0, 25.0, 26.0]  # the weekend included
        assert coin.index[1] == pd.Timestamp("2021-01-09")
        assert table.frame("NA")["split_ratio"].tolist() == [1, 1, 2, 1, 1, 1, 1]
        held = np.unique(table.code)
        assert {table.symbols[code] for code in held} == {"BTC", "NA"}
        assert table.line[table.code == table.symbols.index("BTC")].tolist() == [1, 2, 3, 4, 5]
        assert table.is_sorted()

    def test_all_symbols_or_none(self, tmp_path):
        write_folder(tmp_path / "made", files(), MANIFEST)
        assert len(read_native(tmp_path / "made")) == 7 + 4 + 7 + 5
        assert len(read_native(tmp_path / "made", ["NONE"])) == 0


def test_positions_of_days_among_sessions():
    rows = sessions("XNYS", np.datetime64("2021-01-07"), np.datetime64("2021-01-12"))
    days = np.arange("2021-01-05", "2021-01-15", dtype="datetime64[D]").astype("datetime64[s]")
    # 5 and 6 are before, 7 and 8 sessions, 9 and 10 a weekend, 11 and 12 sessions, then after.
    assert session_rows(days, rows).tolist() == [-1, -1, 0, 1, -1, -1, 2, 3, -1, -1]


def test_a_table_none_of_whose_days_is_a_session():
    own = Native(DAYS[5:7], *(np.ones(2) for _ in range(6)), dividend=np.zeros(2))
    folded = fold_table(table_of({"A": own}), sessions("XNYS", FIRST, LAST))
    assert len(folded.row) == 0 and all(len(values) == 0 for values in folded.values.values())


class TestBenchmark:
    def test_its_set_is_one(self, tmp_path):
        data_store.write_set(tmp_path / "set", assets=20, count=33)
        panel = load_dataset(tmp_path / "set").panel
        assert panel.shape == (33, 20) and panel.tradable.all()
        # 2 for 1 of every tenth in the middle, dividends of every fifth.
        assert (panel.split_factor[-1] == 2.0).sum() == 2 and panel.split_factor[15, 0] == 1.0
        assert (panel.dividend_factor[-1] > 1.0).sum() == 4

    @pytest.mark.slow
    def test_it_runs(self, capsys):
        options = ["--assets", "30", "--sessions", "20", "--repeats", "1", "--json"]
        data_store.main(options)
        found = json.loads(capsys.readouterr().out)
        assert set(found) == {
            "first_cpu", "first_peak_mb", "open_ms", "open_peak_mb", "private_mb",
        }  # fmt: skip
        assert found["private_mb"] < 1.0


def by_date(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["date", "symbol"], kind="stable")


def remove_cache(folder: Path) -> None:
    for path in sorted((folder / ".cache").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def assert_same(one, two) -> None:
    for name in (*FIELDS, "dates", "tradable", "member", "close_only"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
