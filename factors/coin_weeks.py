"""The weeks of Liu, Tsyvinski and Wu (2022): 52 a year from January 1st, the last one longer."""

from __future__ import annotations

import numpy as np

from feeds.errors import DataError

__all__ = ["week_end_rows", "week_ends", "week_labels", "week_numbers", "week_starts"]

_WEEKS = 52
_DAYS = 7


def week_labels(dates: np.ndarray) -> np.ndarray:
    """Label of the week that each date belongs to, ``yyyyww``.

    Week 1 is January 1st to 7th whatever its weekday, and so on by seven days; week 52 lasts
    from December 24th (23rd in a leap year) to the 31st: 8 days, or 9.

    Parameters
    ----------
    dates : (T,) datetime64 array
        Days, or hours.

    Returns
    -------
    (T,) int64 array
        ``201452`` for 2014-12-31.

    References
    ----------
    Liu, Tsyvinski and Wu (2022), "Common Risk Factors in Cryptocurrency", Journal of Finance 77.
    """
    days = np.asarray(dates).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    since = (days - years.astype("datetime64[D]")).astype(np.int64)
    week = np.minimum(since // _DAYS, _WEEKS - 1) + 1
    return (years.astype(np.int64) + 1970) * 100 + week


def week_starts(labels: np.ndarray) -> np.ndarray:
    """(W,) datetime64[D] first day of each week.

    Raises
    ------
    DataError
        If a label's week is not within 1 to 52.
    """
    years, weeks = _split(labels)
    return years.astype("datetime64[D]") + _DAYS * (weeks - 1)


def week_ends(labels: np.ndarray) -> np.ndarray:
    """(W,) datetime64[D] last day of each week: December 31st for week 52.

    Raises
    ------
    DataError
        If a label's week is not within 1 to 52.
    """
    years, weeks = _split(labels)
    last = (years + 1).astype("datetime64[D]") - 1
    return np.where(weeks == _WEEKS, last, years.astype("datetime64[D]") + _DAYS * weeks - 1)


def week_numbers(labels: np.ndarray) -> np.ndarray:
    """(W,) int64 running numbers of weeks: one more than the week before, across years too.

    Raises
    ------
    DataError
        If a label's week is not within 1 to 52.
    """
    years, weeks = _split(labels)
    return (years.astype(np.int64) + 1970) * _WEEKS + weeks - 1


def week_end_rows(dates: np.ndarray, next_session: np.datetime64) -> np.ndarray:
    """Rows that are the last of their week.

    The last of `dates` ends its week where the next session is in another one, so that a week
    is complete as soon as it is over, and never before.

    Parameters
    ----------
    dates : (T,) datetime64 array
        Sessions of a panel, increasing.
    next_session : datetime64
        The session after the last of them.

    Returns
    -------
    (W,) int64 array
        Increasing. The first week may have begun before the first of the dates.
    """
    labels = week_labels(np.append(dates, next_session))
    return np.flatnonzero(labels[1:] != labels[:-1])


def _split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Years as datetime64[Y], and weeks 1 to 52."""
    labels = np.asarray(labels, dtype=np.int64)
    weeks = labels % 100
    wrong = (weeks < 1) | (weeks > _WEEKS)
    if wrong.any():
        raise DataError(
            f"week label {labels[wrong].flat[0]} is not a year and a week from 01 to 52",
            "201452 is the last week of 2014",
        )
    return (labels // 100 - 1970).astype("datetime64[Y]"), weeks
