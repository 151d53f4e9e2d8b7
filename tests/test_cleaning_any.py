"""Cleaning of any bars: idempotent, reconciled, and blind to what comes after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from feeds.bar_table import BarTable
from feeds.cleaning import Cleaned, CleaningRules, clean_table
from feeds.series_info import SeriesInfo
from tests.cleaning_case import ordinary, scaled, table_of

#: Said of a whole series, or of rows that are not there until a later one is.
_OF_WHOLE_SERIES = (
    "missing_day", "constant", "unsorted", "time_of_day", "mixed_times", "mixed_series", "loss",
    "too_many_missing",
)  # fmt: skip
NAN = float("nan")
FEW = settings(derandomize=True, max_examples=50, deadline=None)


def _infos(table: BarTable, asset_class: str) -> dict[str, SeriesInfo]:
    return {name: SeriesInfo(name, asset_class) for name in table.symbols}


@st.composite
def _damage(draw, rows: int):
    """One fault: what is done to which rows, and how much."""
    what = draw(
        st.sampled_from(
            ["scale_one", "scale_rest", "scale_block", "stall", "stall_elsewhere", "copy", "blank",
             "negative", "gap", "close_only", "range", "no_volume", "many_volume", "zero_volume",
             "split", "dividend", "duplicate", "adjusted"]
        )
    )  # fmt: skip
    row = draw(st.integers(0, rows - 1))
    length = draw(st.sampled_from([1, 2, 3, 12, 35, 70]))
    size = draw(st.sampled_from([0.0001, 0.01, 0.1, 0.2, 0.45, 0.67, 1.5, 2, 3, 6, 10, 40, 1000]))
    return what, row, length, size


def _damaged(bars: pd.DataFrame, damages: list) -> pd.DataFrame:
    bars = bars.copy()
    prices = [bars.columns.get_loc(n) for n in ("open", "high", "low", "close")]
    close, volume = bars.columns.get_loc("close"), bars.columns.get_loc("volume")
    gone: list[int] = []
    twice: list[int] = []
    for what, row, length, size in damages:
        rows = slice(row, row + length)
        if what == "scale_one":
            bars.iloc[row, prices] *= size
        elif what == "scale_rest":
            bars.iloc[row:, prices] *= size
        elif what == "scale_block":
            bars.iloc[rows, prices] *= size
        elif what in ("stall", "stall_elsewhere"):
            level = bars.iloc[max(row - 1, 0), close] * (1 if what == "stall" else size)
            bars.iloc[rows, prices], bars.iloc[rows, volume] = level, 0.0
        elif what == "copy" and row > length:
            bars.iloc[rows] = bars.iloc[row - length : row].to_numpy()[: len(bars.iloc[rows])]
        elif what == "blank":
            bars.iloc[rows, close] = NAN
        elif what == "negative":
            bars.iloc[row, close] = -1.0
        elif what == "gap":
            gone += range(row, min(row + length, len(bars)))
        elif what == "close_only":
            bars.iloc[rows, prices[:3]] = NAN
        elif what == "range":
            bars.iloc[row, prices[1]] *= size
        elif what == "no_volume":
            bars.iloc[rows, volume] = NAN
        elif what == "many_volume":
            bars.iloc[rows, volume] *= 30
        elif what == "zero_volume":
            bars.iloc[rows, volume] = 0.0
        elif what == "split":
            bars.iloc[row, bars.columns.get_loc("split_ratio")] = size
        elif what == "dividend":
            bars.iloc[row, bars.columns.get_loc("dividend")] = size
        elif what == "duplicate":
            twice.append(row)
        elif what == "adjusted" and "adjusted" in bars:
            bars.iloc[row:, bars.columns.get_loc("adjusted")] *= size
    order = sorted([row for row in range(len(bars)) if row not in set(gone)] + twice)
    return bars.iloc[order]


@st.composite
def _tables(draw) -> tuple[BarTable, str]:
    """One to three damaged series of a class."""
    asset_class = draw(st.sampled_from(["equity", "crypto", "index"]))
    series = {}
    for name in "ABC"[: draw(st.integers(1, 3))]:
        rows = draw(st.sampled_from([5, 40, 160]))
        bars = ordinary(rows, coin=asset_class == "crypto", seed=draw(st.integers(0, 9)))
        if draw(st.booleans()):
            paid = np.where(np.arange(rows) % 30 == 29, 1.01, 1.0)
            bars["adjusted"] = bars["close"] * np.cumprod(paid) * 0.7
        series[name] = _damaged(bars, draw(st.lists(_damage(rows), max_size=5)))
    return table_of(**series), asset_class


def _rows(cleaned: Cleaned, until: np.datetime64) -> dict[str, tuple[bytes, ...]]:
    """All cells of each series up to a stamp, bit for bit."""
    table = cleaned.table
    cells = [table.time, table.line, *(table[name] for name in sorted(table.columns))]
    bounds = table.bounds()
    found = {}
    for name, first, stop in zip(table.symbols, bounds[:-1], bounds[1:]):
        rows = np.arange(first, stop)[table.time[first:stop] <= until]
        if len(rows):
            found[name] = tuple(values[rows].tobytes() for values in cells)
    return found


def _log(cleaned: Cleaned, until: np.datetime64, without: set[str]) -> list[tuple[object, ...]]:
    rows = cleaned.log.table()
    rows = rows[~rows["fault"].isin(_OF_WHOLE_SERIES) & ~rows["symbol"].isin(without)]
    # The first row of a copied block is noted when the second shows it.
    rows = rows[(rows["fault"] != "splice") | (rows["action"] != "flag")]
    rows = rows[rows["date"].to_numpy().astype("datetime64[s]") <= until]
    return [tuple(map(str, row)) for row in rows.itertuples(index=False)]


def _left(rows: dict[str, tuple], refused: set[str]) -> dict[str, tuple]:
    return {n: values for n, values in rows.items() if n.split(".")[0] not in refused}


def _same_until(one: Cleaned, asset_class: str, other: BarTable, until: np.datetime64) -> None:
    """Cleaned rows and log up to a stamp are those of another table that is equal up to it."""
    two = clean_table(other, _infos(other, asset_class))
    refused = {*one.refused, *two.refused}
    assert _left(_rows(one, until), refused) == _left(_rows(two, until), refused)
    assert _log(one, until, refused) == _log(two, until, refused)


@FEW
@given(_tables())
def test_all_rules_hold_and_rows_are_reconciled(drawn):
    table, asset_class = drawn
    cleaned = clean_table(table, _infos(table, asset_class))
    out = cleaned.table
    assert out.is_sorted() and set(out.symbols) == set(cleaned.infos)
    same = (out.code[1:] == out.code[:-1]) & (out.time[1:] == out.time[:-1])
    assert not same.any()
    closes = out["close"]
    assert np.all((closes > 0) & np.isfinite(closes))
    given_range = np.isfinite(out["high"])
    top, bottom = np.fmax(out["open"], closes), np.fmin(out["open"], closes)
    assert np.all((out["low"] <= bottom)[given_range] & (top <= out["high"])[given_range])
    assert np.all(np.isfinite(out["split_ratio"]) & (out["split_ratio"] > 0))
    assert np.all(np.isfinite(out["dividend"]) & (out["dividend"] >= 0))
    assert "adjusted" not in out.columns
    log = cleaned.log.table()
    drops = log[log["action"] == "drop"]
    # Each row is dropped at most once, and is one of the table's own.
    assert not drops.duplicated(["symbol", "line"]).any()
    for name in table.symbols:
        dropped = int((drops["symbol"] == name).sum())
        rows = cleaned.rows_in[name]
        assert rows == int((table.code == table.symbols.index(name)).sum())
        if name in cleaned.refused:
            assert dropped == 0 and cleaned.rows_out[name] == 0
        else:
            assert rows == cleaned.rows_out[name] + dropped
    assert sum(cleaned.rows_out.values()) == len(out)


@FEW
@given(_tables())
def test_cleaning_what_was_cleaned_changes_nothing(drawn):
    table, asset_class = drawn
    cleaned = clean_table(table, _infos(table, asset_class))
    again = clean_table(cleaned.table, cleaned.infos)
    last = np.datetime64("2100-01-01", "s")
    refused = set(again.refused)
    # What was dropped is gone, so too much of what is left may be missing, and no more.
    assert _left(_rows(again, last), refused) == _left(_rows(cleaned, last), refused)
    log = again.log.table()
    assert set(log["action"]) <= {"flag", "missing"}
    assert not refused


@settings(FEW, max_examples=70)
@given(_tables(), st.data())
def test_rows_after_a_day_change_nothing_up_to_it(drawn, data):
    """Cut off, or scrambled: prices and volume of later rows changed places."""
    table, asset_class = drawn
    assume(len(table))
    days = np.unique(table.time)
    until = days[data.draw(st.integers(0, len(days) - 1))]
    later = np.flatnonzero(table.time > until)
    whole = clean_table(table, _infos(table, asset_class))
    if data.draw(st.booleans()):
        _same_until(whole, asset_class, table.take(table.time <= until), until)
        return
    mixed = np.random.default_rng(data.draw(st.integers(0, 9))).permutation(later)
    columns = {name: values.copy() for name, values in table.columns.items()}
    for name in ("open", "high", "low", "close", "volume"):
        columns[name][later] = columns[name][mixed]
    _same_until(whole, asset_class, table.with_columns(**columns), until)


def _eventful() -> BarTable:
    """A series with every fault that reaches over rows, each some twenty bars from the next."""
    bars = ordinary(400)
    prices = [bars.columns.get_loc(n) for n in ("open", "high", "low", "close")]
    volume = bars.columns.get_loc("volume")
    bars.iloc[20, prices] *= 100
    bars = scaled(bars, slice(40, None), 0.25)
    bars.iloc[40:, volume] *= 4
    bars = scaled(bars, slice(60, 75), 0.2)
    bars.iloc[60:75, volume] *= 0.5
    bars.iloc[100:115, prices] = bars["close"].iloc[99]
    bars.iloc[100:115, volume] = 0.0
    bars.iloc[140:144] = bars.iloc[130:134].to_numpy()
    bars = scaled(bars, slice(160, None), 0.3)
    bars.iloc[160, volume] *= 30
    bars.iloc[180, prices[3]] = NAN
    bars.iloc[180, bars.columns.get_loc("dividend")] = 0.2
    bars.iloc[200, bars.columns.get_loc("split_ratio")] = 2.0
    bars = scaled(bars, slice(200, None), 0.5)
    bars = scaled(bars, slice(260, None), 5.0)
    bars = bars.drop(bars.index[220:260])
    bars["adjusted"] = bars["close"] * np.where(np.arange(len(bars)) < 300, 0.98, 1.0)
    return table_of(X=bars, Y=ordinary(300, seed=2), Z=scaled(ordinary(90), slice(50, 51), 0.1))


#: Rows of the case at which something begins or ends, with one before and one after each.
_EVENTS = (20, 40, 60, 75, 99, 109, 115, 130, 140, 144, 160, 180, 200, 219, 220, 240, 260, 300, 390)
_CUTS = sorted({row + step for row in _EVENTS for step in (-1, 0, 1)})


def test_at_least_fifty_days_are_cut():
    assert len(_CUTS) >= 50


@pytest.mark.parametrize("scramble", [False, True])
def test_each_fault_is_dealt_with_by_what_was_known(scramble):
    table = _eventful()
    whole = clean_table(table, _infos(table, "equity"))
    found = {fault for fault, _ in whole.log.counts()}
    expected = {"spike", "unadjusted_split", "level_change", "stale", "carried", "splice"}
    assert expected | {"real_move", "no_close", "ticker_reuse", "event_moved"} <= found
    assert whole.refused == {}
    days = ordinary(400).index.to_numpy().astype("datetime64[s]")
    rng = np.random.default_rng(1)
    for row in _CUTS:
        if scramble:
            later = np.flatnonzero(table.time > days[row])
            mixed = rng.permutation(later)
            columns = {name: values.copy() for name, values in table.columns.items()}
            for values in columns.values():
                values[later] = values[mixed]
            _same_until(whole, "equity", table.with_columns(**columns), days[row])
        else:
            _same_until(whole, "equity", table.take(table.time <= days[row]), days[row])


def test_the_table_that_is_given_is_not_changed():
    table = _eventful()
    before = {name: values.copy() for name, values in table.columns.items()}
    clean_table(table, _infos(table, "equity"), CleaningRules(actions={"zero_volume": "repair"}))
    for name, values in table.columns.items():
        assert np.array_equal(values, before[name], equal_nan=True)


def test_parts_of_a_table_are_cleaned_as_the_whole():
    table = _eventful()
    infos = _infos(table, "equity")
    whole = clean_table(table, infos)
    last = np.datetime64("2100-01-01", "s")
    rows = {}
    for code, name in enumerate(table.symbols):
        part = table.take(table.code == code)
        part = BarTable(
            (name,), np.zeros_like(part.code), part.time, part.columns, part.files, part.file,
            part.line,
        )  # fmt: skip
        rows |= _rows(clean_table(part, infos), last)
    assert rows == _rows(whole, last)
