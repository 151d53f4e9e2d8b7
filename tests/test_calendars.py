"""Sessions against dates known from the exchange's own calendar."""

from __future__ import annotations

import warnings

import exchange_calendars
import numpy as np
import pytest

from feeds.calendars import is_session, next_session, sessions
from feeds.errors import DataError


def test_a_year_of_sessions():
    # 2016 had 252 trading days.
    assert len(sessions("XNYS", np.datetime64("2016-01-01"), np.datetime64("2016-12-31"))) == 252


@pytest.mark.parametrize(
    "day",
    ["2012-10-29", "2012-10-30", "2007-01-02", "2018-12-05", "2016-03-25", "2014-07-04"],
    ids=["Sandy", "Sandy", "Ford", "Bush", "Good Friday", "Independence Day"],
)
def test_closures(day):
    days = sessions("XNYS", np.datetime64(day) - 5, np.datetime64(day) + 5)
    assert np.datetime64(day) not in days and len(days) >= 4


@pytest.mark.parametrize(
    ("calendar", "day", "expected"),
    [
        ("XNYS", "2016-12-30", "2017-01-03"),  # Monday the 2nd was a holiday
        ("XNYS", "2021-01-15", "2021-01-19"),
        ("24/7", "2016-12-30", "2016-12-31"),
    ],
)
def test_next_session(calendar, day, expected):
    assert next_session(calendar, np.datetime64(day)) == np.datetime64(expected)


def test_every_day_of_the_other_calendar():
    days = sessions("24/7", np.datetime64("2016-02-27"), np.datetime64("2016-03-01"))
    assert days.astype(str).tolist() == ["2016-02-27", "2016-02-28", "2016-02-29", "2016-03-01"]


def test_no_session_in_a_weekend():
    days = sessions("XNYS", np.datetime64("2021-01-09"), np.datetime64("2021-01-10"))
    assert len(days) == 0


def test_an_unknown_calendar_is_refused():
    with pytest.raises(DataError, match="'XLON'"):
        sessions("XLON", np.datetime64("2021-01-09"), np.datetime64("2021-01-10"))


def test_which_days_are_sessions():
    # Friday, Saturday, a Monday that is Martin Luther King's day, Tuesday.
    days = np.array(["2020-01-17", "2020-01-18", "2020-01-20", "2020-01-21"], dtype="datetime64[D]")
    assert is_session(days).tolist() == [True, False, False, True]


def test_the_sessions_are_those_of_the_library_s_whole_calendar() -> None:
    first, last = np.datetime64("1990-01-01"), np.datetime64("2027-06-30")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = exchange_calendars.get_calendar("XNYS", start="1990-01-01", end="2027-06-30")
    expected = library.sessions.tz_localize(None).to_numpy().astype("datetime64[D]")
    np.testing.assert_array_equal(sessions("XNYS", first, last), expected)
