"""Names of bars: a day is written 2026-01-05, an hour by its start in UTC, 2026-01-05T14:00Z."""

from __future__ import annotations

import datetime as dt

import numpy as np

__all__ = ["bar_day", "bar_label", "bar_stamp"]


def bar_label(stamp: np.datetime64) -> str:
    """The name of a bar: an ISO date, or date and hour in UTC where bars are hours.

    Names of one length of bar sort as their times do.
    """
    if np.datetime_data(stamp.dtype)[0] == "h":
        return f"{stamp}:00Z"
    return str(stamp.astype("datetime64[D]"))


def bar_stamp(label: str) -> np.datetime64:
    """The time that a name stands for: datetime64[h] of an hour, datetime64[D] of a day.

    Raises
    ------
    ValueError
        If it is no name of a bar.
    """
    if label.endswith(":00Z"):
        return np.datetime64(label.removesuffix(":00Z"), "h")
    return np.datetime64(label, "D")


def bar_day(label: str) -> dt.date:
    """The day of a bar, in UTC where bars are hours.

    Raises
    ------
    ValueError
        If it is no name of a bar.
    """
    return dt.date.fromisoformat(label[:10])
