"""From filings to named figures, each known from the first session after its filing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from feeds.figures import Events
from feeds.filings.trailing import DAYS_VALID, Lookup, Reports, trailing_year
from feeds.fundamentals import FUNDAMENTAL_COLUMNS

__all__ = ["filed_figures"]

#: Flows, and whether a quarterly report gives them for the fiscal year to date where nothing
#: says what they cover.
_FLOWS = {
    "net_income": False, "revenue": False, "operating_income": False,
    "operating_cash_flow": True, "investing_cash_flow": True, "financing_cash_flow": True,
}  # fmt: skip
#: Accruals are the first less the second.
_ACCRUED = ("net_income", "operating_cash_flow")
#: Figures of which the value a year before is given too.
_GROWING = ("assets", "book_equity")
#: A fiscal year ends within so many days of a year after the one before.
_YEAR, _SLACK = 365, 45
#: Columns that are no figure to rank by, or that the panel has as fields of its own.
_NO_LEVEL = (*FUNDAMENTAL_COLUMNS, "eps", "months", "cash_flow_months")


def filed_figures(
    filings: pd.DataFrame, assets: Sequence[str], dates: np.ndarray
) -> dict[str, Events]:
    """What filings say, by name of the figure.

    * Every column of numbers, such as ``assets`` and ``cash``: of the latest period among the
      filings known that give it, in the version known. It stays until the next one.
    * ``net_income_ttm``, ``revenue_ttm``, ``operating_income_ttm``, ``operating_cash_flow_ttm``,
      ``investing_cash_flow_ttm`` and ``financing_cash_flow_ttm``: twelve months, as
      :func:`feeds.filings.trailing.trailing_year` says, for 15 months after they ended. They need
      the column ``months``. Cash flows are those of the fiscal year to date, unless a column
      ``cash_flow_months`` says what each covers. ``accruals_ttm`` is net income less operating
      cash flow of one and the same twelve months, the latest that both have.
    * ``assets_year_ago`` and ``book_equity_year_ago``: of the period that ended a year before the
      latest known, within 45 days; not known where no filing of that period is.

    Parameters
    ----------
    filings : DataFrame
        As :func:`feeds.fundamentals.check_fundamentals` returns it.
    assets : sequence of str
        N symbols; filings of others are left out.
    dates : (T,) datetime64[D] array
        Sessions.
    """
    place = _Places(filings, assets, dates)
    out, flows = {}, {}
    for name in filings.columns:
        if name in _FLOWS:
            flow = _flow(filings, place, name)
            if flow is not None:
                flows[name] = flow
                values, period = trailing_year(flow[0], [flow])
                out[f"{name}_ttm"] = _valid(flow[0], values[0], period, dates)
        elif name not in _NO_LEVEL or name in _GROWING:
            reports = place.reports(filings[name].to_numpy(float))
            if name not in _NO_LEVEL:
                out[name] = _level(reports)
            if name in _GROWING:
                out[f"{name}_year_ago"] = _year_ago(reports)
    if {*_ACCRUED} <= set(flows):
        earned, received = (filings[name].to_numpy(float) for name in _ACCRUED)
        either = place.reports(np.where(np.isnan(earned), received, earned))
        values, period = trailing_year(either, [flows[name] for name in _ACCRUED])
        out["accruals_ttm"] = _valid(either, values[0] - values[1], period, dates)
    return out


def _flow(filings: pd.DataFrame, place: _Places, name: str) -> tuple[Reports, bool] | None:
    """The filings that give a flow, and whether those of three months are the year to date."""
    to_date, covers = _FLOWS[name], "months"
    if to_date and "cash_flow_months" in filings:
        to_date, covers = False, "cash_flow_months"
    if covers not in filings:
        return None
    months = filings[covers].to_numpy(float)
    return place.reports(filings[name].to_numpy(float), months), to_date


class _Places:
    """Filings by asset and in the order in which they became known."""

    def __init__(self, filings: pd.DataFrame, assets: Sequence[str], dates: np.ndarray) -> None:
        column = pd.Index(list(assets)).get_indexer(filings["symbol"])
        first = np.searchsorted(dates, _days(filings["known_from"]))
        rows = np.flatnonzero((column >= 0) & (first < len(dates)))
        # Stable: the table is in the order in which filings became known.
        self._rows = rows[np.argsort(column[rows], kind="stable")]
        self._column, self._first = column[self._rows], first[self._rows]
        self._period = _days(filings["period_end"]).astype("int64")[self._rows]

    def reports(self, values: np.ndarray, months: np.ndarray | None = None) -> Reports:
        """The filings that give a figure."""
        values = values[self._rows]
        covers = np.full(len(values), np.nan) if months is None else months[self._rows]
        own = Reports(self._column, self._period, self._first, values, covers)
        return own.take(np.isfinite(values))


def _level(reports: Reports) -> Events:
    latest = reports.take(reports.period == reports.latest())
    return Events(latest.first, latest.column, latest.value)


def _year_ago(reports: Reports) -> Events:
    target = reports.latest() - _YEAR
    value, _, _ = Lookup(reports).near(reports.column, target, reports.first, _SLACK)
    return _changes(reports.first, reports.column, value)


def _valid(reports: Reports, value: np.ndarray, period: np.ndarray, dates: np.ndarray) -> Events:
    """Twelve months until they are too old."""
    sessions = len(dates)
    days = dates.astype("datetime64[D]").astype("int64")
    known = np.isfinite(value)
    over = np.full(len(value), sessions)
    over[known] = np.searchsorted(days, period[known] + DAYS_VALID, side="right")
    over = np.maximum(over, reports.first)
    following = np.full(len(value), sessions)
    same = reports.column[1:] == reports.column[:-1]
    following[:-1][same] = reports.first[1:][same]
    ends = np.flatnonzero(known & (over < following))
    row = np.concatenate([reports.first, over[ends]])
    column = np.concatenate([reports.column, reports.column[ends]])
    order = np.lexsort((row, column))
    value = np.concatenate([value, np.full(len(ends), np.nan)])
    return _changes(row[order], column[order], value[order])


def _changes(row: np.ndarray, column: np.ndarray, value: np.ndarray) -> Events:
    """Events by asset and row that say something new; before the first of them is nothing."""
    last = np.append((row[1:] != row[:-1]) | (column[1:] != column[:-1]), True)
    row, column, value = (part[last[: len(part)]] for part in (row, column, value))
    begins = np.append(True, column[1:] != column[:-1])[: len(value)]
    before = np.where(begins, np.nan, np.append(np.nan, value[:-1])[: len(value)])
    new = (value != before) & ~(np.isnan(value) & np.isnan(before))
    return Events(row[new], column[new], value[new])


def _days(column: pd.Series) -> np.ndarray:
    return column.to_numpy().astype("datetime64[D]")
