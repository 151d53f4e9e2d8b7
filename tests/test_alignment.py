"""Whole tables folded at once, against one series at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.align import Native, align_bars
from feeds.bar_table import BarTable, concatenate
from feeds.blocks import align_block, panel_of
from feeds.calendars import next_session, sessions
from feeds.folding import fold_table, session_rows
from feeds.store import load_dataset, read_native

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


def test_positions_of_days_among_sessions():
    rows = sessions("XNYS", np.datetime64("2021-01-07"), np.datetime64("2021-01-12"))
    days = np.arange("2021-01-05", "2021-01-15", dtype="datetime64[D]").astype("datetime64[s]")
    # 5 and 6 are before, 7 and 8 sessions, 9 and 10 a weekend, 11 and 12 sessions, then after.
    assert session_rows(days, rows).tolist() == [-1, -1, 0, 1, -1, -1, 2, 3, -1, -1]


def test_a_table_none_of_whose_days_is_a_session():
    own = Native(DAYS[5:7], *(np.ones(2) for _ in range(6)), dividend=np.zeros(2))
    folded = fold_table(table_of({"A": own}), sessions("XNYS", FIRST, LAST))
    assert len(folded.row) == 0 and all(len(values) == 0 for values in folded.values.values())
