"""What an account has traded lately, by which exchanges grade their fees."""

from __future__ import annotations

import numpy as np

from strategies.execution.journal import Journal

__all__ = ["DAYS", "TradedValue", "trailing_values"]

#: Calendar days that exchanges look back.
DAYS = 30


class TradedValue:
    """Traded value of an account's asset classes before a session, from its journal.

    Fills of the calendar days from :data:`DAYS` before a session up to the day before it count,
    each with ``abs(size) x price``. A series that ended was not traded.

    Parameters
    ----------
    journal : Journal
    dates : (T,) datetime64[D] array
    group : (N,) int array
        Number of each asset's class.
    """

    def __init__(self, journal: Journal, dates: np.ndarray, group: np.ndarray) -> None:
        self._journal, self._group = journal, group
        self._days = dates.astype("datetime64[D]").astype("int64")
        self._known: tuple[int, np.ndarray] = (-1, np.zeros(0))

    def before(self, row: int, column: np.ndarray) -> np.ndarray:
        """(k,) traded value of the classes of some assets before a session, in currency."""
        if self._known[0] != row:
            self._known = row, self._sums(row)
        return self._known[1][self._group[column]]

    def _sums(self, row: int) -> np.ndarray:
        """(G,) by class."""
        today, sums = self._days[row], np.zeros(int(self._group.max(initial=0)) + 1)
        for at, _, reason, column, size, price, _, _ in reversed(self._journal.fills):
            if self._days[at] < today - DAYS:
                break
            if self._days[at] < today and reason != "delisting":
                value = np.abs(size) * price
                sums += np.bincount(self._group[column], value, minlength=len(sums))
        return sums


def trailing_values(days: np.ndarray, group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """What :class:`TradedValue` gives for each of the fills of a whole run, at once.

    Parameters
    ----------
    days : (k,) int or datetime64[D] array
        Days of the fills, not decreasing.
    group : (k,) int array
        Number of each asset's class.
    value : (k,) float array
        ``abs(size) x price`` in currency; 0 for what is not to count.

    Returns
    -------
    (k,) float64 array
        Value of the class's fills of the 30 calendar days before that of each fill.
    """
    days = np.asarray(days).astype("int64")
    out = np.zeros(len(days))
    for number in np.unique(group).tolist():
        at = (group == number).nonzero()[0]
        own = days[at]
        total = np.concatenate([[0.0], np.cumsum(value[at])])
        first, stop = np.searchsorted(own, own - DAYS), np.searchsorted(own, own)
        # Differences of sums leave a trace where nothing was traded.
        out[at] = np.where(stop > first, total[stop] - total[first], 0.0)
    return out
