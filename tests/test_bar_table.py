"""The table of bars: order, places, and several tables as one."""

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable, concatenate
from feeds.repairs import REPAIR_COLUMNS, RepairLog
from feeds.sources.request import BAR_COLUMNS


def table(symbol, days, first=1.0, **more):
    index = pd.DatetimeIndex(days, name="date")
    bars = pd.DataFrame({name: first + np.arange(len(days)) for name in BAR_COLUMNS}, index=index)
    return BarTable.from_frame(symbol, bars.assign(**more))


def test_a_frame_comes_back_as_it_went_in():
    made = table("NA", ["2020-01-02", "2020-01-03"])
    frame = made.frame("NA")
    assert list(frame.columns) == list(BAR_COLUMNS)
    assert frame["close"].tolist() == [1.0, 2.0]
    assert frame.index[0] == pd.Timestamp("2020-01-02")
    assert made.line.tolist() == [0, 0] and made.file.tolist() == [-1, -1]


def test_sorting_is_stable_and_says_where_symbols_begin():
    one = table("B", ["2020-01-03", "2020-01-02", "2020-01-02"])
    two = table("A", ["2020-01-02"], first=9.0)
    both = concatenate([one, two, table("B", ["2020-01-01"], first=5.0)])
    assert not both.is_sorted()
    made = both.sorted()
    assert made.is_sorted() and made.sorted() is made
    # B first, as it came first; 5 stood last, 2 and 3 share a day and keep their order.
    assert made["close"].tolist() == [5.0, 2.0, 3.0, 1.0, 9.0]
    assert made.bounds().tolist() == [0, 4, 5]


def test_a_column_that_only_some_tables_have_is_unknown_in_the_others():
    both = concatenate([table("A", ["2020-01-02"], market_cap=7.0), table("B", ["2020-01-02"])])
    assert both["market_cap"][0] == 7.0 and np.isnan(both["market_cap"][1])


def test_files_of_several_tables_keep_their_rows():
    def read(name, symbol, line):
        made = table(symbol, ["2020-01-02"])
        where = {"file": np.zeros(1, dtype=np.int32), "line": np.array([line])}
        return BarTable(made.symbols, made.code, made.time, made.columns, (name,), **where)

    both = concatenate([read("a.csv", "A", 2), read("b.csv", "B", 3), table("C", ["2020-01-02"])])
    assert [both.files[place] if place >= 0 else "" for place in both.file] == [
        "a.csv",
        "b.csv",
        "",
    ]
    assert both.line.tolist() == [2, 3, 0]


def test_the_log_names_the_row_and_its_place():
    made = table("A", ["2020-01-02", "2020-01-03"])
    log = RepairLog()
    log.add(made, np.array([False, True]), "no_close", "drop")
    log.add(made, np.array([0]), "bad_range", "repair", "high", np.array([1.0]), np.array([2.0]))
    log.add(made, np.array([], dtype=int), "nothing", "drop")
    log.add_missing(np.array(["A"]), np.array(["2020-01-06"], dtype="datetime64[s]"), "missing_day")
    rows = log.table()
    assert tuple(rows.columns) == REPAIR_COLUMNS
    assert rows["fault"].tolist() == ["bad_range", "no_close", "missing_day"]
    assert rows.loc[0, ["column", "before", "after"]].tolist() == ["high", 1.0, 2.0]
    assert log.counts() == {
        ("bad_range", "repair"): 1,
        ("missing_day", "missing"): 1,
        ("no_close", "drop"): 1,
    }
