"""Sessions of the two calendars: the exchange's own (XNYS) and every day or hour (24/7)."""

from __future__ import annotations

import warnings

import numpy as np

from feeds.errors import DataError

__all__ = ["CALENDARS", "UNITS", "is_session", "next_session", "sessions"]

#: The calendars a panel can have.
CALENDARS = ("XNYS", "24/7")
#: Unit of the dates of each length of bar.
UNITS = {"1d": "D", "1h": "h"}
_FIRST = np.datetime64("1990-01-01")
#: Sessions by first and last year.
_KNOWN: dict[tuple[int, int], np.ndarray] = {}
_LONGEST_CLOSURE = np.timedelta64(20, "D")


def sessions(
    calendar: str, start: np.datetime64, end: np.datetime64, interval: str = "1d"
) -> np.ndarray:
    """Sessions of `calendar` from `start` to `end`, both included.

    Sessions are the exchange's, whether or not any asset traded on them.

    Parameters
    ----------
    calendar : {"XNYS", "24/7"}
        New York Stock Exchange, or every calendar day.
    start, end : datetime64
        Days, or hours for hourly bars; for XNYS between 1990 and one year from the
        exchange_calendars release.
    interval : {"1d", "1h"}
        Length of a bar. Hours are those of UTC, of the calendar 24/7 alone.

    Returns
    -------
    (T,) datetime64[D] or datetime64[h] array
        Strictly increasing; empty where the range holds no session.

    Raises
    ------
    DataError
        If the calendar or interval is unknown, XNYS is asked for hours, or for days before 1990.
    """
    _check(calendar)
    if interval not in UNITS:
        raise DataError(f"unknown interval {interval!r}", f"use one of {', '.join(UNITS)}")
    first, last = (np.datetime64(stamp, UNITS[interval]) for stamp in (start, end))
    if calendar == "24/7":
        return np.arange(first, last + 1)
    if interval != "1d":
        raise DataError(f"{interval} bars do not fit the calendar XNYS", "use the calendar 24/7")
    if first < _FIRST:
        raise DataError(f"XNYS sessions start in 1990, {first} was asked for", "cut the data")
    # So far that the session after the last is known too.
    days = _xnys_years(_year(first), _year(last + _LONGEST_CLOSURE))
    return days[(days >= first) & (days <= last)]


def next_session(calendar: str, stamp: np.datetime64) -> np.datetime64:
    """The first session of `calendar` after `stamp`: for 24/7 the next day or, where `stamp` is
    an hour, the next hour."""
    _check(calendar)
    if calendar == "24/7":
        return stamp + 1 if stamp.dtype == "datetime64[h]" else np.datetime64(stamp, "D") + 1
    first = np.datetime64(stamp, "D") + 1
    days = _xnys_years(_year(first), _year(first + _LONGEST_CLOSURE))
    return days[np.searchsorted(days, first)]


def is_session(days: np.ndarray) -> np.ndarray:
    """(D,) bool array: whether the New York Stock Exchange trades on each of the days."""
    days = np.asarray(days, dtype="datetime64[D]")
    return np.isin(days, sessions("XNYS", days.min(), days.max()))


def _check(calendar: str) -> None:
    if calendar not in CALENDARS:
        raise DataError(f"unknown calendar {calendar!r}", f"use one of {', '.join(CALENDARS)}")


def _year(day: np.datetime64) -> int:
    return day.astype(object).year


def _xnys_years(first: int, last: int) -> np.ndarray:
    """Sessions of whole years: asked for many times, computed once."""
    for (known_first, known_last), days in tuple(_KNOWN.items()):
        if known_first <= first and last <= known_last:
            return days
    # Imported here: a warm cache never needs it.
    from exchange_calendars.exchange_calendar_xnys import XNYSExchangeCalendar

    # Its rules alone: the calendar itself also works out when each session opens and closes,
    # which takes three times as long and is used nowhere.
    rules = object.__new__(XNYSExchangeCalendar)
    with warnings.catch_warnings():
        # The library's own use of pandas is not ours to warn of.
        warnings.simplefilter("ignore", DeprecationWarning)
        ends = f"{first}-01-01", f"{last}-12-31"
        regular = rules.regular_holidays.holidays(*ends).to_numpy()
        closed = np.append(regular, np.array(rules.adhoc_holidays, dtype=regular.dtype))
    days = np.arange(ends[0], np.datetime64(ends[1]) + 1, dtype="datetime64[D]")
    days = days[np.is_busday(days, rules.weekmask, closed.astype("datetime64[D]"))]
    _KNOWN[first, last] = days
    return days
