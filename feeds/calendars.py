"""Sessions of the two calendars: the exchange's own (XNYS) and every day (24/7)."""

from __future__ import annotations

import datetime as dt
import functools
import warnings

import numpy as np

from feeds.errors import DataError

__all__ = ["CALENDARS", "is_session", "next_session", "sessions"]

#: The calendars a panel can have.
CALENDARS = ("XNYS", "24/7")
_FIRST = np.datetime64("1990-01-01")
_LONGEST_CLOSURE = np.timedelta64(20, "D")


def sessions(calendar: str, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    """Sessions of `calendar` from `start` to `end`, both included.

    Sessions are the exchange's, whether or not any asset traded on them.

    Parameters
    ----------
    calendar : {"XNYS", "24/7"}
        New York Stock Exchange, or every calendar day.
    start, end : datetime64
        Days; for XNYS between 1990 and one year from the exchange_calendars release.

    Returns
    -------
    (T,) datetime64[D] array
        Strictly increasing; empty where the range holds no session.

    Raises
    ------
    DataError
        If the calendar is unknown, or XNYS is asked for days before 1990.
    """
    first, last = np.datetime64(start, "D"), np.datetime64(end, "D")
    if calendar not in CALENDARS:
        raise DataError(f"unknown calendar {calendar!r}", f"use one of {', '.join(CALENDARS)}")
    if calendar == "24/7":
        return np.arange(first, last + 1)
    if first < _FIRST:
        raise DataError(f"XNYS sessions start in 1990, {first} was asked for", "cut the data")
    return _xnys(first, last)


def next_session(calendar: str, day: np.datetime64) -> np.datetime64:
    """The first session of `calendar` after `day`."""
    first = np.datetime64(day, "D") + 1
    return sessions(calendar, first, first + _LONGEST_CLOSURE)[0]


def is_session(days: np.ndarray) -> np.ndarray:
    """(D,) bool array: whether the New York Stock Exchange trades on each of the days."""
    days = np.asarray(days, dtype="datetime64[D]")
    return np.isin(days, sessions("XNYS", days.min(), days.max()))


def _xnys(first: np.datetime64, last: np.datetime64) -> np.ndarray:
    days = _xnys_years(first.astype(object).year, last.astype(object).year)
    return days[(days >= first) & (days <= last)]


@functools.lru_cache(maxsize=8)
def _xnys_years(first: int, last: int) -> np.ndarray:
    """Sessions of whole years: asked for many times, computed once."""
    # Imported here: it costs half a second, and a warm cache never needs it.
    import exchange_calendars

    with warnings.catch_warnings():
        # The library's own use of pandas is not ours to warn of.
        warnings.simplefilter("ignore", DeprecationWarning)
        exchange = exchange_calendars.get_calendar(
            "XNYS", start=dt.date(first, 1, 1), end=dt.date(last, 12, 31)
        )
    return exchange.sessions.tz_localize(None).to_numpy().astype("datetime64[D]")
