"""Kenneth French's factors: market, SMB, HML, UMD, RMW and CMA from 2x3 sorts.

Cells are bought at the close of the rebalance day and held to the next one, as published
portfolios are; nothing here is traded, costs nothing and waits for no fill. What is sorted on
was public at that close.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from factors.french_cells import CELLS, FrenchFactors, FrenchRules
from factors.holdings import Endings
from factors.sorts import (
    assign_buckets,
    breakpoints,
    cell_returns,
    cell_weights,
    conditional_buckets,
    cross_buckets,
    largest,
)
from factors.windows import is_fresh
from feeds.errors import DataError
from feeds.panel import Panel

__all__ = ["french_factors", "month_end_rows"]


def french_factors(
    panel: Panel,
    rules: FrenchRules = FrenchRules(),
    *,
    caps: np.ndarray | None = None,
    book: np.ndarray | None = None,
    profit: np.ndarray | None = None,
    growth: np.ndarray | None = None,
    eligible: np.ndarray | None = None,
    ends: Endings | None = None,
) -> FrenchFactors:
    """Sort, weigh and hold the portfolios of French's factors.

    Parameters
    ----------
    panel : Panel
    rules : FrenchRules
    caps : (T, N) array, optional
        What size, weights and breakpoints go by; the panel's ``market_cap`` unless given. A
        proxy must be called one by the caller.
    book : (T, N) array, optional
        Book equity as known on each row; the panel's unless given. Without either there are no
        sorts but momentum. Books that are not positive are in no value sort.
    profit : (T, N) array, optional
        Profit a year, sorted as profit / book (RMW).
    growth : (T, N) array, optional
        Growth of total assets over a year; low growth is the high side (CMA).
    eligible : (T, N) bool array, optional
        Names that are sorted and held; only rows of rebalances are read. A name without a bar
        within the week before never is.
    ends : Endings, optional
        Closes ended series at their delisting returns, which an index that drops its members
        does as well.

    Returns
    -------
    FrenchFactors
        Row t depends on rows up to t, provided that `ends` are booked when known.

    Raises
    ------
    DataError
        If there are no caps, or the panel has no complete month.
    """
    caps = panel.market_cap if caps is None else caps
    if caps is None:
        raise DataError(
            "the data set has no market caps to sort and weigh by",
            "ingest it with share counts, or pass a proxy such as traded value",
        )
    months = month_end_rows(panel)
    rows = months
    if rules.rebalance == "june":
        rows = months[panel.dates[months].astype("datetime64[M]").astype(int) % 12 == 5]
    if not len(rows):
        raise DataError(
            f"no {rules.rebalance} rebalance lies in {panel.dates[0]}..{panel.dates[-1]}",
            "use monthly sorts, or more data",
        )
    maker = _Maker(panel, rules, caps, eligible, ends)
    maker.add_market(months)
    book = panel.book_equity if book is None else book
    if book is not None:
        known = np.where(book[rows] > 0, book[rows], np.nan)
        over = maker.caps_at(rows)
        if rules.book_over == "december":
            over = over * _price_ratio(panel, rows, _december_rows(panel, months, rows))
        maker.add_sort("value", rows, known / over)
        if profit is not None:
            maker.add_sort("profitability", rows, profit[rows] / known)
        if growth is not None:
            maker.add_sort("investment", rows, -growth[rows])
    maker.add_sort("momentum", months, _prior_return(panel, months, rules))
    breadth = pd.DataFrame(maker.breadth).rename_axis("date")
    return FrenchFactors(maker.cells, breadth, panel.next_session, rules)


class _Maker:
    """Adds one sort after the other to the cells and their breadth."""

    def __init__(
        self,
        panel: Panel,
        rules: FrenchRules,
        caps: np.ndarray,
        eligible: np.ndarray | None,
        ends: Endings | None,
    ) -> None:
        self.panel, self.rules, self.ends = panel, rules, ends
        self._caps, self._eligible = caps, eligible
        self.index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"), name="date")
        self.cells: dict[str, pd.DataFrame] = {}
        self.breadth: dict[str, pd.Series] = {}

    def caps_at(self, rows: np.ndarray) -> np.ndarray:
        """(R, N) caps of the names that may be held on some rows; NaN of the others."""
        rules, caps = self.rules, self._caps[rows]
        with np.errstate(invalid="ignore"):
            held = (caps > 0) & (caps >= rules.min_cap) & (caps <= rules.max_cap)
            if rules.min_price > 0:
                held &= self.panel.raw_close[rows] >= rules.min_price
        held &= is_fresh(self.panel, rows)
        if self._eligible is not None:
            held &= self._eligible[rows]
        return np.where(held, caps, np.nan)

    def add_market(self, rows: np.ndarray) -> None:
        caps = self.caps_at(rows)
        self._add("market", rows, np.where(np.isfinite(caps), 0, -1), caps, ["market"])

    def add_sort(self, name: str, rows: np.ndarray, values: np.ndarray) -> None:
        rules, caps = self.rules, self.caps_at(rows)
        values = np.where(np.isfinite(caps), values, np.nan)
        universe = largest(caps, rules.breakpoint_names)
        fewest = rules.fewest_names
        size = assign_buckets(caps, breakpoints(caps, universe, [rules.size_quantile], fewest))
        if rules.conditional:
            second = conditional_buckets(values, size, universe, rules.quantiles, fewest)
        else:
            edges = breakpoints(values, universe, rules.quantiles, fewest)
            second = assign_buckets(values, edges)
        self._add(name, rows, cross_buckets(size, second, 3), caps, list(CELLS))

    def _add(
        self, name: str, rows: np.ndarray, cells: np.ndarray, caps: np.ndarray, columns: list[str]
    ) -> None:
        amounts = caps if self.rules.weighting == "value" else None
        weights = cell_weights(cells, len(columns), amounts)
        held = cell_returns(
            self.panel.close, rows, weights, ends=self.ends, proceeds=self.rules.proceeds
        )
        self.cells[name] = pd.DataFrame(held, index=self.index, columns=columns)
        self.breadth[name] = pd.Series((cells >= 0).sum(axis=1), index=self.index[rows])


def month_end_rows(panel: Panel) -> np.ndarray:
    """(R,) rows of the last sessions of months; a month that goes on after the panel has none."""
    months = np.append(panel.dates, panel.next_session).astype("datetime64[M]")
    return np.flatnonzero(months[1:] != months[:-1])


def _december_rows(panel: Panel, months: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R,) last row of the December before each row, or the first month's end of the panel."""
    decembers = months[panel.dates[months].astype("datetime64[M]").astype(int) % 12 == 11]
    place = np.searchsorted(decembers, rows) - 1
    first = np.full(len(rows), months[0])
    if not len(decembers):
        return first
    return np.where(place >= 0, decembers[np.maximum(place, 0)], first)


def _price_ratio(panel: Panel, rows: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """(R, N) price of an earlier row over that of `rows`, adjusted for splits alone."""
    now = panel.mark[rows] / panel.dividend_factor[rows]
    then = np.where(is_fresh(panel, earlier), panel.mark[earlier], np.nan)
    return then / panel.dividend_factor[earlier] / now


def _prior_return(panel: Panel, months: np.ndarray, rules: FrenchRules) -> np.ndarray:
    """(R, N) return over the months from `lookback_months` to `skip_months` ago."""
    values = np.full((len(months), panel.shape[1]), np.nan)
    if len(months) <= rules.lookback_months:
        return values
    start, stop = (
        np.where(is_fresh(panel, months), panel.mark[months], np.nan)[: len(months) - back]
        for back in (rules.lookback_months, rules.skip_months)
    )
    first = rules.lookback_months - rules.skip_months
    values[rules.lookback_months :] = stop[first:] / start - 1.0
    return values
