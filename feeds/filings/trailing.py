"""Flows of the last twelve months, from quarters and years as they were filed.

A quarterly report covers three months of the income statement and, as Regulation S-X 10-01(c)
asks, the fiscal year to date of the cash flows; the fourth quarter is never filed alone. Twelve
months are had by adding to the last year what came since and taking off the same part of the
year before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["DAYS_VALID", "Lookup", "Reports", "trailing_year"]

#: Days after the end of a period for which its twelve months are still the latest: 15 months.
DAYS_VALID = 460
#: Days by which the ends of periods may miss the calendar: a year of 53 weeks moves them by 7.
_SLACK = 20
_YEAR, _QUARTER = 365.25, 91.3125
#: Earlier periods that are tried where the latest has no twelve months.
_EARLIER = 8
#: Days between the periods of two assets where all are in one order; more than any span of dates.
_FAR = 10_000_000


@dataclass(frozen=True, eq=False)
class Reports:
    """M filings that give one figure, by asset and in the order in which they became known.

    Parameters
    ----------
    column : (M,) int array
        Asset.
    period : (M,) int array
        Last day of the period, in days since 1970.
    first : (M,) int array
        First session on which the filing is known.
    value : (M,) float64 array
        Finite.
    months : (M,) float64 array
        Length of the period that a flow covers; NaN where not known.
    """

    column: np.ndarray
    period: np.ndarray
    first: np.ndarray
    value: np.ndarray
    months: np.ndarray

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: np.ndarray) -> Reports:
        """Some filings, by mask or position."""
        return Reports(*(part[rows] for part in vars(self).values()))

    def latest(self) -> np.ndarray:
        """(M,) the latest period of the asset that is known once each filing is."""
        ranked = np.maximum.accumulate(self.column * _FAR + self.period)
        return ranked - self.column * _FAR


class Lookup:
    """Finds the version of a period that was known on some session."""

    def __init__(self, reports: Reports) -> None:
        # Stable: versions of one period stay in the order in which they came.
        order = np.lexsort((reports.period, reports.column))
        self._reports = reports.take(order)
        self._keys = self._reports.column * _FAR + self._reports.period

    def near(
        self, column: np.ndarray, target: np.ndarray, row: np.ndarray, slack: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Latest version, known on a row, of the period that ends nearest to some days.

        Returns
        -------
        value, period, months : (K,) float64 arrays
            NaN where no period ends within `slack` days of its target.
        """
        wanted = column * _FAR + target
        low = np.searchsorted(self._keys, wanted - slack, side="left")
        high = np.searchsorted(self._keys, wanted + slack, side="right")
        found = np.full(len(wanted), -1)
        best = np.full(len(wanted), slack + 1)
        for step in range(int(np.max(high - low, initial=0))):
            at = np.minimum(low + step, len(self._keys) - 1)
            away = np.abs(self._keys[at] - wanted)
            better = (low + step < high) & (self._reports.first[at] <= row) & (away <= best)
            found, best = np.where(better, at, found), np.where(better, away, best)
        if not len(self._keys):
            return tuple(np.full(len(wanted), np.nan) for _ in range(3))
        own, known = self._reports, found >= 0
        parts = (own.value, own.period, own.months)
        return tuple(np.where(known, part[found], np.nan) for part in parts)


def trailing_year(
    filings: Reports, flows: Sequence[tuple[Reports, bool]]
) -> tuple[np.ndarray, np.ndarray]:
    """Twelve months of some flows up to the latest period that has them, as known each time.

    The latest period counts for which, of what is known, one of these can be had of each flow:

    1. the year itself (12 months). One that ends within 320 days of a year before it is the stub
       of a changed fiscal year, and is none;
    2. the last year, plus the quarters since, minus the same quarters of the year before; all of
       them must be known, and the year must be 3, 6 or 9 months back;
    3. four quarters, where the fourth is filed alone.

    Where the last period has none of them, that of an earlier one counts. Periods are matched
    within 20 days, which lets a year have 53 weeks and no fiscal year end move by a month.

    Parameters
    ----------
    filings : Reports
        M filings, after each of which it is asked what is known.
    flows : sequence of (Reports, bool)
        F flows: the filings that give it, with the months that they cover: 12 a year, 3 a
        quarter, 6 and 9 half a year and three quarters, which count as the fiscal year to date;
        and whether what a report of three months gives is the fiscal year to date, as for cash
        flows.

    Returns
    -------
    values : (F, M) float64 array
        What is known once each filing is, of one period for all flows; NaN where there are no
        twelve months.
    period : (M,) float64 array
        The day on which they end.
    """
    values, period = np.full((len(flows), len(filings)), np.nan), np.full(len(filings), np.nan)
    if not len(filings):
        return values, period
    years = [_Years(reports, to_date) for reports, to_date in flows]
    keys = np.unique(filings.column * _FAR + filings.period)
    latest = filings.column * _FAR + filings.latest()
    at = np.searchsorted(keys, latest)
    for step in range(_EARLIER + 1):
        key = keys[np.maximum(at - step, 0)]
        rows = np.isnan(period) & (at >= step) & (latest - key <= DAYS_VALID)
        rows = np.flatnonzero(rows)
        if not len(rows):
            break
        column, row = filings.column[rows], filings.first[rows]
        day = key[rows] - column * _FAR
        found = np.stack([own.ending(column, day, row) for own in years])
        whole = np.isfinite(found).all(axis=0)
        values[:, rows[whole]], period[rows[whole]] = found[:, whole], day[whole]
    return values, period


class _Years:
    """Twelve months ending with a period, of what was known on a session."""

    def __init__(self, reports: Reports, to_date: bool) -> None:
        self._annual = Lookup(reports.take(reports.months == 12))
        self._interim = Lookup(reports.take(np.isin(reports.months, (3, 6, 9))))
        self._to_date = to_date

    def ending(self, column: np.ndarray, day: np.ndarray, row: np.ndarray) -> np.ndarray:
        """(K,) flows of the twelve months up to some days; NaN where they cannot be had."""
        filed = self._annual.near(column, day, row, 0)[0]
        out = np.where(self._is_stub(column, day, row), np.nan, filed)
        undecided = np.isnan(filed)
        for quarters in (1, 2, 3):
            before = _back(day, quarters * _QUARTER)
            year, ended, _ = self._annual.near(column, before, row, _SLACK)
            here = undecided & np.isfinite(year)
            # The last report of a year says where the fiscal year begins, stub or not.
            undecided &= ~here
            if here.any():
                asked = column[here], day[here], row[here]
                stub = self._is_stub(asked[0], ended[here].astype(np.int64), asked[2])
                total = year[here] + self._change(*asked, quarters)
                out[here] = np.where(stub, np.nan, total)
        if undecided.any() and not self._to_date:
            asked = column[undecided], day[undecided], row[undecided]
            out[undecided] = self._quarters(*asked, 4)
        return out

    def _is_stub(self, column: np.ndarray, day: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Whether another year ends 45 to 320 days before."""
        return np.isfinite(self._annual.near(column, _back(day, 182.5), row, 137)[0])

    def _change(
        self, column: np.ndarray, day: np.ndarray, row: np.ndarray, quarters: int
    ) -> np.ndarray:
        """Flows of the fiscal year to date less those of the same part of the year before."""
        now, _, months = self._interim.near(column, day, row, 0)
        ago = _back(day, _YEAR)
        before, _, same = self._interim.near(column, ago, row, _SLACK)
        whole = (months == same) & ((months == 3 * quarters) | (self._to_date & (months == 3)))
        summed = np.full(len(day), np.nan)
        alone = ~whole & (months == 3)
        if alone.any():
            asked = column[alone], row[alone]
            summed[alone] = self._quarters(asked[0], day[alone], asked[1], quarters)
            summed[alone] -= self._quarters(asked[0], ago[alone], asked[1], quarters)
        return np.where(whole, now - before, summed)

    def _quarters(
        self, column: np.ndarray, day: np.ndarray, row: np.ndarray, count: int
    ) -> np.ndarray:
        """Sum of some quarters, the last of which ends with a day; NaN where one is missing."""
        total = np.zeros(len(day))
        for place in range(count):
            end = _back(day, place * _QUARTER)
            value, _, months = self._interim.near(column, end, row, _SLACK)
            total += np.where(months == 3, value, np.nan)
        return total


def _back(day: np.ndarray, days: float) -> np.ndarray:
    return day - round(days)
