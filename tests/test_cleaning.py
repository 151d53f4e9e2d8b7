"""Cleaning: each class of faults that concerns rows, stamps, ranges and volume."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from feeds.cleaning import CleaningRules, clean_table
from feeds.series_info import SeriesInfo
from tests.cleaning_case import clean, ordinary, returns, sessions, table_of, told

NAN = float("nan")


def _with(bars: pd.DataFrame, row: int, **cells: float) -> pd.DataFrame:
    bars = bars.copy()
    for name, value in cells.items():
        bars.iloc[row, bars.columns.get_loc(name)] = value
    return bars


def _rules(**actions: str) -> CleaningRules:
    return CleaningRules(actions=actions)


def _unchanged(cleaned, bars: pd.DataFrame) -> None:
    after = cleaned.table.frame("X").rename_axis(bars.index.name)
    pd.testing.assert_frame_equal(after, bars, check_freq=False, check_index_type=False)


@pytest.mark.parametrize("asset_class", ["equity", "crypto"])
def test_bars_without_a_fault_are_left_as_they_are(asset_class):
    bars = ordinary(coin=asset_class == "crypto")
    cleaned = clean(bars, asset_class)
    assert told(cleaned) == [] and cleaned.refused == {}
    assert cleaned.rows_in == cleaned.rows_out == {"X": 60}
    _unchanged(cleaned, bars)


@pytest.mark.parametrize(
    ("fault", "cells"),
    [
        ("empty_row", {"open": NAN, "high": NAN, "low": NAN, "close": NAN, "volume": NAN}),
        ("no_close", {"close": NAN}),
        ("infinite_price", {"close": np.inf}),
        ("non_positive_close", {"close": 0.0}),
        ("non_positive_close", {"close": -100.0}),
    ],
)
def test_a_row_without_a_possible_close_goes(fault, cells):
    bars = ordinary()
    cleaned = clean(_with(bars, 30, **cells))
    day = sessions(31)[30]
    assert told(cleaned) == [(fault, "drop", day)]
    _unchanged(cleaned, bars.drop(bars.index[30]))
    row = cleaned.log.table().iloc[0]
    assert (row["file"], row["line"]) == ("X.csv", 32)


def test_a_fault_that_is_to_refuse_the_symbol_does_and_says_where():
    cleaned = clean(_with(ordinary(), 30, close=-1.0), rules=_rules(non_positive_close="refuse"))
    assert len(cleaned.table) == 0 and cleaned.rows_out == {"X": 0}
    reason = cleaned.refused["X"]
    assert "non_positive_close on 2016-02-17 (X.csv, line 32)" in reason and ";" in reason


def test_a_close_alone_is_a_bar():
    bars = ordinary().assign(open=NAN, high=NAN, low=NAN, volume=NAN)
    cleaned = clean(bars)
    assert told(cleaned) == []
    _unchanged(cleaned, bars)


@pytest.mark.parametrize(
    "cells",
    [
        {"high": 90.0, "low": 110.0},
        {"open": -1.0},
        {"low": 0.0},
        {"high": np.inf},
        {"open": NAN},
        {"open": 500.0},
        # The close is off the range by 5 %, and so was the close before it: neither is believed.
        {"open": 106.0, "high": 106.5, "low": 105.5},
    ],
)
def test_a_range_that_contradicts_itself_is_blanked_and_the_close_stays(cells):
    bars = ordinary(seed=3)
    bars["close"] = 100.0
    bars[["open", "high", "low"]] = 100.0, 101.0, 99.0
    cleaned = clean(_with(bars, 30, **cells), rules=_rules(constant="flag"))
    day = sessions(31)[30]
    assert told(cleaned, "bad_range") == [("bad_range", "repair", day)]
    after = cleaned.table.frame("X")
    assert after["close"].tolist() == [100.0] * 60
    assert after.iloc[30][["open", "high", "low"]].isna().all()
    assert after["open"].notna().sum() == 59


def test_rounding_is_no_fault_and_the_range_then_holds_the_close():
    bars = ordinary()
    high = bars["close"].iloc[30] * (1 - 5e-8)
    bars = _with(bars, 30, high=high, open=high)
    cleaned = clean(bars)
    assert told(cleaned) == []
    row = cleaned.table.frame("X").iloc[30]
    assert row["high"] == row["close"] > high


def test_a_close_that_its_own_range_contradicts_goes():
    """Range 99..101 around the close before: the close of 110 is the wrong one of the two."""
    bars = ordinary()
    before = bars["close"].iloc[29]
    cells = {"open": before, "high": before * 1.01, "low": before * 0.99, "close": before * 1.1}
    cleaned = clean(_with(bars, 30, **cells))
    assert told(cleaned) == [("close_outside_range", "drop", sessions(31)[30])]


def test_two_wrong_closes_in_a_row_do_not_prove_each_other():
    bars = ordinary()
    for row in (30, 31):
        before = bars["close"].iloc[29]
        cells = {"open": before, "high": before * 1.01, "low": before * 0.99}
        bars = _with(bars, row, close=before * 1.1, **cells)
    days = sessions(32)[30:]
    assert told(clean(bars)) == [("close_outside_range", "drop", day) for day in days]


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_close_hundredfold_off_its_range_goes(factor):
    bars = ordinary()
    cleaned = clean(_with(bars, 30, close=bars["close"].iloc[30] * factor))
    assert told(cleaned) == [("close_outside_range", "drop", sessions(31)[30])]


def test_a_close_that_may_be_blanked_instead():
    bars = ordinary()
    before = bars["close"].iloc[29]
    cells = {"open": before, "high": before * 1.01, "low": before * 0.99, "close": before * 1.1}
    cleaned = clean(_with(bars, 30, **cells), rules=_rules(close_outside_range="repair"))
    assert told(cleaned) == [("close_outside_range", "repair", sessions(31)[30])]
    assert cleaned.table.frame("X").iloc[30][["open", "high", "low"]].isna().all()


@pytest.mark.parametrize("volume", [-1.0, np.inf, -np.inf])
def test_a_volume_that_cannot_be_is_blanked(volume):
    bars = ordinary()
    cleaned = clean(_with(bars, 30, volume=volume))
    assert told(cleaned) == [("bad_volume", "repair", sessions(31)[30])]
    _unchanged(cleaned, _with(bars, 30, volume=NAN))


@pytest.mark.parametrize(("action", "left"), [("off", 0.0), ("repair", NAN), ("drop", None)])
def test_a_volume_of_zero_is_what_the_rules_say(action, left):
    bars = _with(ordinary(), 30, volume=0.0)
    cleaned = clean(bars, rules=_rules(zero_volume=action))
    day = sessions(31)[30]
    assert told(cleaned) == ([] if action == "off" else [("zero_volume", action, day)])
    expected = bars.drop(bars.index[30]) if left is None else _with(bars, 30, volume=left)
    _unchanged(cleaned, expected)


def test_the_same_row_twice_stays_once():
    bars = ordinary()
    cleaned = clean(pd.concat([bars.iloc[:31], bars.iloc[30:]]))
    assert told(cleaned) == [("duplicate", "drop", sessions(31)[30])]
    assert cleaned.log.table()["line"].tolist() == [33]
    assert cleaned.rows_in == {"X": 61}
    _unchanged(cleaned, bars)


def test_the_same_row_twice_with_nothing_in_a_cell():
    bars = ordinary().assign(open=NAN, high=NAN, low=NAN)
    cleaned = clean(pd.concat([bars.iloc[:31], bars.iloc[30:]]))
    assert told(cleaned) == [("duplicate", "drop", sessions(31)[30])]


@pytest.mark.parametrize(("action", "left"), [("drop_later", 60), ("drop_both", 59)])
def test_two_rows_for_a_day_that_differ(action, left):
    bars = ordinary()
    other = _with(bars, 30, volume=5.0).iloc[30:31]
    twice = pd.concat([bars.iloc[:31], other, bars.iloc[31:]])
    refused = clean(twice)
    assert "conflict on 2016-02-17 (X.csv, line 33)" in refused.refused["X"]
    assert len(refused.table) == 0 and told(refused) == [("conflict", "flag", "2016-02-17")]
    cleaned = clean(twice, rules=_rules(conflict=action))
    assert cleaned.rows_out == {"X": left}
    assert [row[1] for row in told(cleaned, "conflict")] == ["drop"] * (61 - left)
    if left == 60:
        _unchanged(cleaned, bars)


def test_of_a_day_with_an_empty_row_beside_its_bar_the_bar_stays():
    bars = ordinary()
    empty = _with(bars, 30, open=NAN, high=NAN, low=NAN, close=NAN, volume=NAN).iloc[30:31]
    cleaned = clean(pd.concat([bars.iloc[:30], empty, bars.iloc[30:]]))
    assert told(cleaned) == [("empty_row", "drop", sessions(31)[30])]
    _unchanged(cleaned, bars)


def test_rows_out_of_order_are_sorted_and_told_once():
    bars = ordinary()
    cleaned = clean(bars.iloc[::-1])
    assert [row[:2] for row in told(cleaned)] == [("unsorted", "flag")]
    _unchanged(cleaned, bars)


def test_symbols_that_take_turns_in_a_file_are_in_order():
    """Sorted by day and not by symbol, as many vendors do it: no fault."""
    one, two = ordinary(seed=1), ordinary(seed=2)
    table = table_of(A=one, B=two)
    mixed = table.take(np.argsort(table.time, kind="stable"))
    infos = {name: SeriesInfo(name, "equity") for name in "AB"}
    cleaned = clean_table(mixed, infos)
    assert told(cleaned) == []
    assert cleaned.table.frame("B")["close"].tolist() == two["close"].tolist()


def test_a_time_of_day_that_all_rows_share_is_cut_off():
    bars = ordinary()
    late = bars.set_axis(bars.index + pd.Timedelta(hours=16))
    cleaned = clean(late)
    row = cleaned.log.table().iloc[0]
    assert (row["fault"], row["action"], row["before"], row["after"]) == (
        "time_of_day", "repair", 16 * 3600.0, 0.0,
    )  # fmt: skip
    assert len(cleaned.log.table()) == 1
    _unchanged(cleaned, bars)


def test_stamps_of_several_times_of_day_are_mixed_zones():
    bars = ordinary()
    # Midnight in New York is 05:00 UTC in winter and 04:00 in summer.
    hours = np.where(bars.index < pd.Timestamp("2016-03-13"), 5, 4)
    mixed = bars.set_axis(bars.index + pd.to_timedelta(hours, unit="h"))
    assert "mixed_times on 2016-01-04T05:00:00" in clean(mixed).refused["X"]
    cleaned = clean(mixed, rules=_rules(mixed_times="repair"))
    _unchanged(cleaned, bars)
    assert len(told(cleaned, "mixed_times")) == 60


def test_two_rows_that_fall_on_one_day_when_the_time_is_cut_off_conflict():
    bars = ordinary()
    late = bars.iloc[30:31].assign(volume=1.0)
    late = late.set_axis(late.index + pd.Timedelta(hours=9))
    cleaned = clean(pd.concat([bars, late]), rules=_rules(mixed_times="repair"))
    assert "conflict" in cleaned.refused["X"]


def test_hours_are_no_times_of_day():
    bars = ordinary(48, coin=True).set_axis(pd.date_range("2020-01-01", periods=48, freq="h"))
    cleaned = clean(bars, "crypto", interval="1h")
    assert told(cleaned) == []
    _unchanged(cleaned, bars)


def test_an_hour_without_a_bar_is_missing():
    bars = ordinary(48, coin=True).set_axis(pd.date_range("2020-01-01", periods=48, freq="h"))
    cleaned = clean(bars.drop(bars.index[20]), "crypto", interval="1h")
    rows = cleaned.log.table()
    assert rows["fault"].tolist() == ["missing_day"]
    assert rows["date"].tolist() == [pd.Timestamp("2020-01-01 20:00")]


@pytest.mark.parametrize("holiday", ["2016-01-18", "2016-01-16"])
def test_a_listed_row_on_a_closed_day_goes(holiday):
    bars = ordinary()
    row = bars.iloc[8:9].set_axis([pd.Timestamp(holiday)])
    cleaned = clean(pd.concat([bars, row]).sort_index().rename_axis("date"))
    assert told(cleaned) == [("closed_day", "drop", holiday)]
    _unchanged(cleaned, bars)


def test_a_coin_has_no_closed_day():
    assert told(clean(ordinary(20, coin=True), "crypto")) == []


def test_rows_of_the_time_before_the_calendar_need_only_be_weekdays():
    bars = ordinary(10).set_axis(pd.bdate_range("1985-01-01", periods=10))
    assert told(clean(bars)) == []


@pytest.mark.parametrize(
    ("known", "last", "fault"),
    [
        # 60 sessions from 2016-01-04 end on 2016-03-30: that day is complete at its end in UTC.
        ("2016-03-31T00:00", None, None),
        ("2016-03-30T21:00", "2016-03-30", "unclosed_bar"),
        ("2016-03-29T21:00", "2016-03-30", "future_bar"),
    ],
)
def test_a_bar_that_was_not_complete_is_none(known, last, fault):
    cleaned = clean(ordinary(), known=np.datetime64(known))
    found = told(cleaned, "unclosed_bar", "future_bar")
    if fault is None:
        assert found == []
    else:
        assert (fault, "drop", last) in found


@pytest.mark.parametrize("stamp", ["2100-01-04", "2999-12-31", "9999-01-01"])
def test_a_stamp_that_no_fetch_can_have_is_in_the_future(stamp):
    bars = ordinary()
    index = np.append(bars.index.to_numpy().astype("datetime64[s]")[:-1], np.datetime64(stamp, "s"))
    cleaned = clean(bars.set_axis(pd.DatetimeIndex(index, name="date")))
    assert told(cleaned) == [("future_bar", "drop", stamp)]


def test_a_series_from_before_the_calendar_goes_on_into_it():
    days = pd.bdate_range("1989-12-20", "1990-01-31").drop(["1990-01-01"])
    cleaned = clean(ordinary(len(days)).set_axis(days))
    # The calendar is not known in 1989, where every weekday counts: Christmas was one too.
    assert told(cleaned) == []


def test_an_hour_is_complete_at_its_end():
    bars = ordinary(3, coin=True).set_axis(pd.date_range("2020-01-01", periods=3, freq="h"))
    cleaned = clean(bars, "crypto", interval="1h", known=np.datetime64("2020-01-01T02:30"))
    assert told(cleaned) == [("unclosed_bar", "drop", "2020-01-01")]
    assert len(cleaned.table) == 2


def test_sessions_without_a_row_are_listed_one_by_one():
    bars = ordinary()
    cleaned = clean(bars.drop(bars.index[[30, 31, 40]]))
    days = [sessions(60)[row] for row in (30, 31, 40)]
    assert told(cleaned) == [("missing_day", "missing", day) for day in days]


def test_a_row_that_was_dropped_is_not_missing_too():
    cleaned = clean(_with(ordinary(), 30, close=NAN))
    assert told(cleaned, "missing_day") == []


def test_a_long_gap_is_told_with_its_length():
    bars = ordinary()
    cleaned = clean(bars.drop(bars.index[30:36]))
    row = cleaned.log.table().query("fault == 'gap'").iloc[0]
    # Six sessions are more than max_gap of five.
    assert (row["after"], str(row["date"])[:10]) == (6.0, sessions(37)[36])
    assert told(clean(bars.drop(bars.index[30:35])), "gap") == []


def test_too_many_missing_sessions_are_told_or_refused():
    bars = ordinary().iloc[::2]
    cleaned = clean(bars)
    assert [row[:2] for row in told(cleaned, "too_many_missing")] == [("too_many_missing", "flag")]
    assert "too_many_missing" in clean(bars, rules=_rules(too_many_missing="refuse")).refused["X"]


def test_flat_rows_without_volume_before_the_first_trade_are_no_bars():
    bars = ordinary()
    prices = ["open", "high", "low", "close"]
    bars.iloc[:3, [bars.columns.get_loc(name) for name in prices]] = 0.85
    bars.iloc[:3, bars.columns.get_loc("volume")] = 0.0
    cleaned = clean(bars)
    assert told(cleaned) == [("placeholder", "drop", day) for day in sessions(3)]
    _unchanged(cleaned, bars.iloc[3:])


def test_a_first_row_that_traded_is_no_placeholder():
    bars = _with(ordinary(), 0, volume=0.0)
    assert told(clean(bars)) == []


def test_a_symbol_that_never_traded_is_refused():
    bars = ordinary().assign(open=5.0, high=5.0, low=5.0, close=5.0, volume=0.0)
    cleaned = clean(bars)
    assert "none of its 60 rows" in cleaned.refused["X"]
    assert cleaned.rows_out == {"X": 0} and "drop" not in {row[1] for row in told(cleaned)}


def test_a_symbol_without_rows_is_refused():
    cleaned = clean(ordinary().iloc[:0])
    assert "no row" in cleaned.refused["X"] and len(cleaned.table) == 0


def _stalled(count: int) -> pd.DataFrame:
    """`count` rows from row 30 on that repeat the close of row 29 without volume."""
    bars = ordinary()
    close = bars["close"].iloc[29]
    rows = slice(30, 30 + count)
    for name in ("open", "high", "low", "close"):
        bars.iloc[rows, bars.columns.get_loc(name)] = close
    bars.iloc[rows, bars.columns.get_loc("volume")] = 0.0
    return bars


def test_a_price_carried_on_is_told_until_it_is_stale():
    cleaned = clean(_stalled(12))
    days = sessions(60)
    assert told(cleaned, "carried") == [("carried", "flag", day) for day in days[30:39]]
    assert told(cleaned, "stale") == [("stale", "drop", day) for day in days[39:42]]
    assert told(clean(_stalled(9)), "stale") == []


def test_a_series_that_did_not_trade_for_long_goes_on_as_itself():
    """70 stale sessions are dropped: more than make another series, were there no rows."""
    bars = ordinary(160)
    close = bars["close"].iloc[29]
    for name in ("open", "high", "low", "close"):
        bars.iloc[30:110, bars.columns.get_loc(name)] = close
    bars.iloc[30:110, bars.columns.get_loc("volume")] = 0.0
    cleaned = clean(bars)
    assert cleaned.table.symbols == ("X",) and told(cleaned, "ticker_reuse", "gap") == []
    again = clean_table(cleaned.table, cleaned.infos)
    assert again.table.symbols == ("X",)


def test_the_first_row_of_a_symbol_carries_no_price_of_the_one_before():
    one, two = ordinary(seed=1), ordinary(seed=2)
    prices = ["open", "high", "low", "close"]
    two.iloc[0, [two.columns.get_loc(name) for name in prices]] = one["close"].iloc[-1]
    two.iloc[0, two.columns.get_loc("volume")] = 0.0
    infos = {name: SeriesInfo(name, "equity") for name in "AB"}
    cleaned = clean_table(table_of(A=one, B=two), infos, _rules(placeholder="off"))
    assert told(cleaned) == []


def test_the_same_price_with_volume_is_not_stale():
    bars = _stalled(12)
    bars["volume"] = 1000.0
    assert told(clean(bars), "stale", "carried") == []


def test_a_block_copied_from_earlier_is_dropped_from_its_second_row_on():
    bars = ordinary()
    columns = [bars.columns.get_loc(n) for n in ("open", "high", "low", "close", "volume")]
    bars.iloc[40:44, columns] = bars.iloc[20:24, columns].to_numpy()
    cleaned = clean(bars)
    days = sessions(60)
    assert told(cleaned, "splice") == [("splice", "flag", days[40])] + [
        ("splice", "drop", day) for day in days[41:44]
    ]


def test_one_row_that_equals_another_is_chance():
    bars = ordinary()
    columns = [bars.columns.get_loc(n) for n in ("open", "high", "low", "close", "volume")]
    for to, at in ((40, 20), (41, 25)):
        bars.iloc[to, columns] = bars.iloc[at, columns].to_numpy()
    assert told(clean(bars), "splice") == []


def test_one_price_throughout_is_no_price():
    bars = ordinary().assign(open=5.0, high=5.0, low=5.0, close=5.0)
    assert "constant" in clean(bars).refused["X"]
    assert clean(bars.iloc[:19]).refused == {}
    assert clean(bars.assign(volume=NAN), "reference").refused == {}


def test_more_faulty_rows_than_the_budget_refuse_the_symbol():
    bars = ordinary(100)
    for row in range(20, 26):
        bars = _with(bars, row, close=-1.0)
    reason = clean(bars).refused["X"]
    # Six of 100 rows are more than 5 %.
    assert "6 of 100 rows are faulty" in reason and "max_loss" in reason
    assert clean(_with(bars, 25, close=ordinary(100)["close"].iloc[25])).refused == {}
    kept = clean(bars, rules=_rules(loss="flag"))
    assert kept.rows_out == {"X": 94} and len(told(kept, "loss")) == 1


@pytest.mark.parametrize(("faulty", "refused"), [(4, False), (5, True)])
def test_a_few_faulty_rows_are_never_too_many(faulty, refused):
    """Of 60 rows four are 7 %, yet fewer than min_loss of five."""
    bars = ordinary()
    bars.iloc[20 : 20 + faulty, bars.columns.get_loc("close")] = -1.0
    assert bool(clean(bars).refused) == refused


def test_a_row_with_two_faults_is_dropped_once():
    cleaned = clean(_with(ordinary(), 59, close=NAN), known=np.datetime64("2016-03-30T21:00"))
    assert told(cleaned) == [("no_close", "drop", "2016-03-30")]


def test_rows_that_are_no_loss_do_not_count():
    bars = ordinary(20)
    cleaned = clean(pd.concat([bars] * 3))
    assert cleaned.refused == {} and cleaned.rows_out == {"X": 20}


def test_classes_and_intervals_in_one_table_each_keep_their_rules():
    coin, stock = ordinary(14, coin=True), ordinary(10)
    table = table_of(COIN=coin, STOCK=stock)
    infos = {"COIN": SeriesInfo("COIN", "crypto"), "STOCK": SeriesInfo("STOCK", "equity")}
    cleaned = clean_table(table, infos)
    assert told(cleaned) == [] and cleaned.table.symbols == ("COIN", "STOCK")
    assert cleaned.table.is_sorted() and len(cleaned.table) == 24
    assert cleaned.table.frame("STOCK")["close"].tolist() == stock["close"].tolist()


def test_a_refused_symbol_takes_no_other_with_it():
    table = table_of(A=ordinary(), B=_with(ordinary(), 3, close=NAN))
    infos = {name: SeriesInfo(name, "equity") for name in "AB"}
    cleaned = clean_table(table, infos, _rules(no_close="refuse"))
    assert cleaned.table.symbols == ("A",) and list(cleaned.infos) == ["A"]
    assert list(cleaned.refused) == ["B"] and len(returns(cleaned, "A")) == 59
