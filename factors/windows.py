"""Prices and returns of past sessions, as of some rows of a panel."""

from __future__ import annotations

import numpy as np

from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = [
    "asked_rows",
    "check_window",
    "close_before",
    "is_fresh",
    "last_known",
    "session_returns",
    "spread",
]

#: Sessions of one week: how long the last value of an asset without a bar is carried. It
#: spans a long weekend of stocks on 24/7 and a short halt on XNYS.
_WEEK = {"XNYS": 5, "24/7": 7}


def asked_rows(panel: Panel, rows: np.ndarray | None) -> np.ndarray:
    """(R,) the rows to compute: those given, or all of them."""
    return np.arange(panel.shape[0]) if rows is None else np.asarray(rows, dtype=np.intp)


def spread(panel: Panel, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T, N) array with (R, N) `values` in `rows` and NaN in the others."""
    if np.array_equal(rows, np.arange(panel.shape[0])):
        return values
    scores = np.full(panel.shape, np.nan)
    scores[rows] = values
    return scores


def is_fresh(panel: Panel, rows: np.ndarray) -> np.ndarray:
    """(R, N) bool: the asset has a bar within the week before, the row itself included.

    An asset is scored on such rows only: never before its first bar, nor after it has been
    silent for more than 5 sessions on XNYS, 7 days on 24/7.
    """
    age = panel.age[rows]
    return (age >= 0) & (age <= _WEEK[panel.calendar])


def close_before(panel: Panel, rows: np.ndarray, sessions: int) -> np.ndarray:
    """(R, N) adjusted close `sessions` rows before each row, or the last within a week.

    NaN where the asset had no bar in that week, or the panel does not reach back so far.
    """
    past = np.maximum(rows - sessions, 0)
    known = is_fresh(panel, past) & (rows >= sessions)[:, None]
    return np.where(known, panel.mark[past], np.nan)


def last_known(panel: Panel, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, N) the value of each row, or of the last bar within a week where it has none.

    NaN where neither is known, or the asset had no bar in that week.
    """
    last_bar = rows[:, None] - np.maximum(panel.age[rows], 0)
    carried = np.take_along_axis(values, last_bar, axis=0)
    known = np.where(np.isfinite(values[rows]), values[rows], carried)
    return np.where(is_fresh(panel, rows), known, np.nan)


def session_returns(panel: Panel) -> np.ndarray:
    """(T, N) simple returns from the bar before to this one.

    NaN where the row has no bar, and where the bar before is more than a week older.
    """
    returns = np.full(panel.shape, np.nan)
    known = panel.tradable[1:] & (panel.age[:-1] >= 0)
    known &= panel.age[:-1] < _WEEK[panel.calendar]
    np.divide(panel.close[1:], panel.mark[:-1], out=returns[1:], where=known)
    returns -= 1.0
    return returns


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
            f"{place}: no window of past sessions",
            "both count sessions back from today: lookback > skip >= 0",
        )
