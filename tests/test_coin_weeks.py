"""The 52 weeks of a coin year: labels, first and last days, leap years, complete weeks."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.coin_weeks import (
    week_end_rows,
    week_ends,
    week_labels,
    week_numbers,
    week_starts,
)
from feeds.errors import DataError

days = st.dates(datetime.date(1999, 1, 1), datetime.date(2101, 12, 31))


def day(text: str) -> np.datetime64:
    return np.datetime64(text, "D")


@pytest.mark.parametrize(
    ("date", "label"),
    [
        ("2014-01-01", 201401),
        ("2014-01-07", 201401),
        ("2014-01-08", 201402),
        ("2014-12-23", 201451),  # day 357 = 51 x 7
        ("2014-12-24", 201452),  # day 358
        ("2014-12-31", 201452),  # day 365: week 52 has 365 - 357 = 8 days
        ("2015-01-01", 201501),
        ("2016-02-29", 201609),  # day 60 = 8 x 7 + 4
        ("2016-12-22", 201651),  # a leap year is a day ahead after February
        ("2016-12-23", 201652),
        ("2016-12-31", 201652),  # day 366: week 52 has 9 days
        ("2000-12-31", 200052),
        ("1969-12-31", 196952),
    ],
)
def test_labels_by_hand(date: str, label: int) -> None:
    assert week_labels(np.array([day(date)])).tolist() == [label]


def test_days_a_week() -> None:
    for year, last in ((2014, 8), (2016, 9), (1900, 8), (2000, 9)):
        dates = np.arange(day(f"{year}-01-01"), day(f"{year + 1}-01-01"))
        labels, counts = np.unique(week_labels(dates), return_counts=True)
        assert labels.tolist() == [100 * year + week for week in range(1, 53)]
        assert counts.tolist() == [7] * 51 + [last]


def test_first_and_last_days_by_hand() -> None:
    labels = np.array([201401, 201451, 201452, 201609, 201652])
    assert week_starts(labels).astype(str).tolist() == [
        "2014-01-01", "2014-12-17", "2014-12-24", "2016-02-26", "2016-12-23",
    ]  # fmt: skip
    assert week_ends(labels).astype(str).tolist() == [
        "2014-01-07", "2014-12-23", "2014-12-31", "2016-03-03", "2016-12-31",
    ]  # fmt: skip


@settings(derandomize=True, max_examples=200)
@given(days)
def test_a_day_lies_within_its_week_and_weeks_follow_each_other(date: datetime.date) -> None:
    stamp = np.array([np.datetime64(date, "D")])
    label = week_labels(stamp)
    start, end = week_starts(label), week_ends(label)
    assert start[0] <= stamp[0] <= end[0]
    following = week_labels(end + 1)
    assert week_starts(following) == end + 1
    assert week_numbers(following) == week_numbers(label) + 1


def test_hours_are_labelled_by_their_day() -> None:
    hours = np.array(["2014-01-07T23", "2014-01-08T00"], dtype="datetime64[h]")
    assert week_labels(hours).tolist() == [201401, 201402]


def test_a_week_is_complete_once_it_is_over() -> None:
    dates = np.arange(day("2014-01-05"), day("2014-01-22"))  # to the 21st, which ends week 3
    assert dates[week_end_rows(dates, dates[-1] + 1)].astype(str).tolist() == [
        "2014-01-07", "2014-01-14", "2014-01-21",
    ]  # fmt: skip
    # A day earlier the third week is not over.
    assert week_end_rows(dates[:-1], dates[-1]).tolist() == [2, 9]
    assert week_end_rows(dates[:0], dates[0]).tolist() == []


def test_sessions_end_a_week_on_its_last_session() -> None:
    # Thursday 2 to Friday 10 January 2014: Tuesday 7 ends week 1, Tuesday 14 would end week 2.
    dates = np.busday_offset(day("2014-01-02"), np.arange(7))
    assert dates[week_end_rows(dates, day("2014-01-13"))].astype(str).tolist() == ["2014-01-07"]
    # Christmas week: Wednesday 31 December 2014 ends week 52 where Friday 2 January follows.
    dates = np.array(["2014-12-29", "2014-12-30", "2014-12-31"], dtype="datetime64[D]")
    assert week_end_rows(dates, day("2015-01-02")).tolist() == [2]


@pytest.mark.parametrize("label", [201400, 201453, 201499])
def test_a_label_that_is_no_week_is_refused(label: int) -> None:
    for function in (week_starts, week_ends, week_numbers):
        with pytest.raises(DataError, match=f"week label {label}"):
            function(np.array([201401, label]))
