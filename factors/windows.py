"""Prices and returns of past sessions, as of each row of a panel."""

from __future__ import annotations

import numpy as np

from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = [
    "check_window",
    "is_fresh",
    "lagged",
    "recent",
    "recent_close",
    "session_returns",
    "year_of_sessions",
]

#: Sessions of one week: how long the last value of an asset without a bar is carried. It
#: spans a long weekend of stocks on 24/7 and a short halt on XNYS.
_WEEK = {"XNYS": 5, "24/7": 7}


def is_fresh(panel: Panel) -> np.ndarray:
    """(T, N) bool: the asset has a bar within the last week, itself included.

    An asset is scored on such rows only: never before its first bar, nor after it went
    silent for more than 5 sessions on XNYS, 7 days on 24/7.
    """
    return (panel.age >= 0) & (panel.age <= _WEEK.get(panel.calendar, 5))


def recent(panel: Panel, values: np.ndarray) -> np.ndarray:
    """(T, N) values of each row, or of the last bar where the row has none.

    NaN where the asset is not fresh, and where neither value is known.
    """
    rows = np.arange(len(values))[:, None]
    carried = np.take_along_axis(values, rows - np.maximum(panel.age, 0), axis=0)
    known = np.where(np.isfinite(values), values, carried)
    return np.where(is_fresh(panel), known, np.nan)


def recent_close(panel: Panel) -> np.ndarray:
    """(T, N) adjusted closes, carried for at most a week; NaN elsewhere."""
    return np.where(is_fresh(panel), panel.mark, np.nan)


def lagged(values: np.ndarray, sessions: int) -> np.ndarray:
    """(T, N) the values of `sessions` rows before; NaN in the first rows."""
    past = np.full(values.shape, np.nan)
    if sessions < len(values):
        past[sessions:] = values[: len(values) - sessions]
    return past


def session_returns(panel: Panel) -> np.ndarray:
    """(T, N) simple returns from the bar before to this one.

    NaN where the row has no bar, or the bar before is more than a week older.
    """
    returns = panel.close / lagged(recent_close(panel), 1) - 1.0
    return np.where(panel.tradable, returns, np.nan)


def year_of_sessions(panel: Panel) -> int:
    """Sessions of one year: 252 on XNYS, 365 on 24/7."""
    return panel.periods_per_year


def check_window(name: str, lookback: int, skip: int = 0) -> None:
    """Refuse a window that ends before it starts.

    Raises
    ------
    ConfigError
        Unless ``0 <= skip < lookback``.
    """
    if not 0 <= skip < lookback:
        place = f"factors.{name}: lookback {lookback}" + (f" and skip {skip}" if skip else "")
        raise ConfigError(
            f"{place} span no window of past sessions",
            "the lookback counts sessions back from today and exceeds the skip, which is not "
            "negative",
        )
