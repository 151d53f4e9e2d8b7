"""Hours in which New York trades, as the bars of vendors name them in UTC."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from feeds.calendars import is_session

__all__ = ["is_session_hour"]

_NEW_YORK = ZoneInfo("America/New_York")
#: Bars begin at half past: from 9:30 to 15:30.
_FIRST, _LAST = 9, 15


def is_session_hour(hours: np.ndarray) -> np.ndarray:
    """Whether a stock has a bar that begins within each of some hours.

    Parameters
    ----------
    hours : (H,) datetime64[h] array
        In UTC, increasing or not; at least one.

    Returns
    -------
    (H,) bool array
        True on sessions of the New York Stock Exchange from 9:30 to 16:00 there. Days on which
        it closes early count whole: the hours after are waited for like any gap.
    """
    hours = np.asarray(hours, dtype="datetime64[h]")
    days, place = np.unique(hours.astype("datetime64[D]"), return_inverse=True)
    # The offset changes at 2:00 on a Sunday: it is that of noon on every day that trades.
    offset = np.array([_offset(day) for day in days])
    first = days.astype("datetime64[h]") + (_FIRST - offset)
    since = (hours - first[place]).astype("int64")
    return is_session(days)[place] & (since >= 0) & (since <= _LAST - _FIRST)


def _offset(day: np.datetime64) -> int:
    """Hours of New York's clock before UTC's, at noon: -4 or -5."""
    noon = (day.astype("datetime64[h]") + 12).astype("datetime64[s]").astype(object)
    told = noon.replace(tzinfo=ZoneInfo("UTC")).astimezone(_NEW_YORK).utcoffset()
    return int(told.total_seconds()) // 3600
