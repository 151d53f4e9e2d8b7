"""Rebalance dates: the rows in which a strategy decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from feeds.errors import ConfigError

__all__ = ["decision_rows"]

_PERIODS = {"weekly": "W", "monthly": "M", "quarterly": "Q"}


def decision_rows(
    dates: np.ndarray,
    next_session: np.datetime64,
    rule: str | int | Sequence[dt.date],
    start: dt.date,
    *,
    fillable: np.ndarray | None = None,
) -> np.ndarray:
    """Rows in which a strategy decides, from `start` on.

    Whether a session ends its week, month or quarter follows from the calendar alone, the
    session after the last row included, so that cutting the data moves no decision.

    Parameters
    ----------
    dates : (T,) datetime64[D] array
        Sessions of the panel.
    next_session : datetime64[D]
        The session that follows the last of `dates`.
    rule : {"weekly", "monthly", "quarterly"}, int, or sequence of dates
        Last session of each period (weeks end on Sunday), every so many sessions from `start`,
        or explicit dates: each decides on its session, or on the last one before it.
    start : date
        First day on which the strategy may decide.
    fillable : (T,) bool array, optional
        True where the next day can fill the whole book. A decision in another row is put off
        to the next such row.

    Returns
    -------
    (R,) int array
        Increasing.

    Raises
    ------
    ConfigError
        If no session lies on or after `start`, or an explicit date lies before `start` or
        after the data.
    """
    first = int(np.searchsorted(dates, np.datetime64(start)))
    if first == len(dates):
        raise ConfigError(
            f"data.start {start} is after the last session {dates[-1]} of the data",
            "set an earlier data.start",
        )
    if isinstance(rule, int):
        rows = np.arange(first, len(dates), rule)
    elif isinstance(rule, str):
        rows = np.flatnonzero(_ends_period(dates, next_session, rule))
    else:
        rows = _explicit(dates, rule, start)
    rows = rows[rows >= first]
    return rows if fillable is None else _put_off(rows, fillable)


def _ends_period(dates: np.ndarray, next_session: np.datetime64, rule: str) -> np.ndarray:
    period = _period(np.append(dates, next_session), _PERIODS[rule])
    return period[1:] != period[:-1]


def _period(dates: np.ndarray, unit: str) -> np.ndarray:
    if unit == "W":
        # Day 0 of the epoch is a Thursday; weeks run from Monday to Sunday.
        return (dates.astype("datetime64[D]").astype("int64") + 3) // 7
    months = dates.astype("datetime64[M]").astype("int64")
    return months if unit == "M" else months // 3


def _explicit(dates: np.ndarray, wanted: Sequence[dt.date], start: dt.date) -> np.ndarray:
    days = np.array(sorted(wanted), dtype="datetime64[D]")
    rows = np.searchsorted(dates, days, side="right") - 1
    first = max(np.datetime64(start), dates[0])
    outside = (rows < 0) | (days < first) | (days > dates[-1])
    if outside.any():
        raise ConfigError(
            f"portfolio.rebalance date {days[outside][0]} lies outside {first}..{dates[-1]}",
            "drop the date, or change data.start or the data",
        )
    return np.unique(rows)


def _put_off(rows: np.ndarray, fillable: np.ndarray) -> np.ndarray:
    allowed = np.flatnonzero(fillable)
    at = np.searchsorted(allowed, rows)
    return np.unique(allowed[at[at < len(allowed)]])
