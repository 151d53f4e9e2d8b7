"""Bars of many symbols folded into the sessions of a calendar, a whole table at a time.

The same numbers as :func:`feeds.align.align_bars`, which says what they mean, one symbol at a
time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feeds.adjustment import table_factors
from feeds.bar_table import BarTable

__all__ = ["Folded", "fold_table", "session_rows"]


@dataclass(frozen=True)
class Folded:
    """K bars, each on a session.

    Parameters
    ----------
    row : (K,) int64 array
        Position of the session.
    code : (K,) int32 array
        The symbol's code in the table; bars stand by symbol and session.
    values : dict of (K,) float64 arrays
        ``open``, ``high``, ``low``, ``close`` adjusted forward, ``volume``, ``split_factor``,
        ``dividend_factor``, and ``market_cap`` where the table has it.
    has_open : (K,) bool array
        Whether the session day's own open was given.
    """

    row: np.ndarray
    code: np.ndarray
    values: dict[str, np.ndarray]
    has_open: np.ndarray

    def take(self, rows: np.ndarray) -> Folded:
        """Some bars, by mask."""
        values = {name: column[rows] for name, column in self.values.items()}
        return Folded(self.row[rows], self.code[rows], values, self.has_open[rows])


def session_rows(days: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    """(M,) int64 position of each day among `sessions`, -1 where it is none of them."""
    first, last = sessions[0].astype("int64"), sessions[-1].astype("int64")
    lookup = np.full(last - first + 2, -1)
    lookup[sessions.astype("int64") - first] = np.arange(len(sessions))
    offset = days.astype(sessions.dtype).astype("int64") - first
    # The last place stands for all days outside.
    return lookup[np.where((offset < 0) | (offset > last - first), len(lookup) - 1, offset)]


def fold_table(table: BarTable, sessions: np.ndarray) -> Folded:
    """Fold bars into sessions.

    Parameters
    ----------
    table : BarTable
        M bars of whole symbols, by symbol and strictly increasing time.
    sessions : (T,) datetime64[D] or datetime64[h] array
        The panel's rows.
    """
    row = session_rows(table.time, sessions)
    if row.size and row.min() < 0:
        kept = _folds_somewhere(row >= 0, table.code)
        if not kept.all():
            table, row = table.take(kept), row[kept]
    own = np.flatnonzero(row >= 0)
    split, payout = table_factors(table)
    values = {"split_factor": split[own], "dividend_factor": payout[own]}
    scale = split * payout
    close = table["close"] * scale
    has_open = np.isfinite(table["open"][own])
    values["open"] = np.where(has_open, table["open"][own] * scale[own], close[own])
    # The close stands in for a range that was not given.
    high = np.where(np.isfinite(table["high"]), table["high"] * scale, close)
    low = np.where(np.isfinite(table["low"]), table["low"] * scale, close)
    known = np.isfinite(table["volume"])
    volume = np.where(known, table["volume"], np.nan)
    if len(own) < len(row):
        # Every row left is on a session or before a session of its symbol.
        starts = np.concatenate([[0], own[:-1] + 1])
        high, low = np.maximum.reduceat(high, starts), np.minimum.reduceat(low, starts)
        volume = _summed(volume, known, starts)
    values |= {"high": high, "low": low, "close": close[own], "volume": volume}
    if "market_cap" in table.columns:
        values["market_cap"] = table["market_cap"][own]
    return Folded(row[own], table.code[own], values, has_open)


def _folds_somewhere(own: np.ndarray, code: np.ndarray) -> np.ndarray:
    """(M,) whether a session bar of the same symbol is at or after the row."""
    ends = np.flatnonzero(own)
    if not len(ends):
        return np.zeros(len(own), dtype=bool)
    following = np.searchsorted(ends, np.arange(len(own)))
    found = following < len(ends)
    return found & (code[ends[np.minimum(following, len(ends) - 1)]] == code)


def _summed(volume: np.ndarray, known: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Volume summed over each fold; NaN only where no day of it is known."""
    total = np.add.reduceat(np.where(known, volume, 0.0), starts)
    counted = np.add.reduceat(known.astype(np.int64), starts)
    return np.where(counted > 0, total, np.nan)
