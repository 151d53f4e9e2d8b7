"""Which names are common stock of operating companies, as far as filings and payouts tell.

Published factors leave out real estate trusts, partnerships, funds and all but one class of a
company's shares by codes that no free data set has. What such names do shows: they pay out what
they earn and more, and their balance sheets are unclassified.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feeds.errors import DataError
from feeds.panel import Panel

__all__ = ["Vehicles", "distributing_vehicles", "other_share_classes", "payout_yield"]


_YEAR = {"XNYS": 252, "24/7": 365}


@dataclass(frozen=True)
class Vehicles:
    """What tells a vehicle that passes its income on from a company that keeps some of it.

    Parameters
    ----------
    property_equity : float
        Least share of equity in assets of real estate trusts. Banks have a tenth.
    property_revenue : tuple of float
        Revenue a year over assets of real estate trusts: rents are more than interest and less
        than sales.
    property_yield : float
        Least payout a year of real estate trusts, a fraction of the price.
    fund_yield : float
        Least payout of anything else with an unclassified balance sheet: mortgage trusts,
        business development companies. Banks and insurers pay less.
    income_yield, income_payout : float
        Least payout, and payout over net income, of any name: partnerships pay out of cash flow
        more than they earn, because depreciation lowers earnings and not the cash.
    """

    property_equity: float = 0.3
    property_revenue: tuple[float, float] = (0.03, 0.2)
    property_yield: float = 0.02
    fund_yield: float = 0.06
    income_yield: float = 0.05
    income_payout: float = 1.25


def payout_yield(panel: Panel, rows: np.ndarray, largest: float = 0.05) -> np.ndarray:
    """Regular payouts of the last year over the prices at which they were paid, a rate a year.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array
    largest : float
        A single payout above this fraction of the price is special, a spin-off as a rule, and
        does not count.

    Returns
    -------
    (R, N) float64 array
        A fraction; scaled to a year where the panel begins less than a year before. Zero for a
        name that pays nothing.
    """
    year = _YEAR[panel.calendar]
    growth = np.ones(panel.shape)
    growth[1:] = panel.dividend_factor[1:] / panel.dividend_factor[:-1]
    paid = np.where((growth > 1.0) & (growth <= 1.0 + largest), growth - 1.0, 0.0)
    total = np.cumsum(paid, axis=0)
    before = np.where((rows >= year)[:, None], total[np.maximum(rows - year, 0)], 0.0)
    sessions = np.minimum(rows + 1, year)[:, None]
    return (total[rows] - before) * (year / sessions)


def distributing_vehicles(
    panel: Panel,
    rows: np.ndarray,
    caps: np.ndarray,
    net_income: np.ndarray,
    revenue: np.ndarray,
    rules: Vehicles = Vehicles(),
) -> np.ndarray:
    """Real estate trusts, mortgage trusts, partnerships and the like.

    Parameters
    ----------
    panel : Panel
        With the figures ``assets`` and ``current_assets``, and book equity.
    rows : (R,) int array
    caps : (R, N) array
        Market caps.
    net_income, revenue : (R, N) arrays
        Rates a year.
    rules : Vehicles

    Returns
    -------
    (R, N) bool array
        False where too little is known to tell.
    """
    if panel.book_equity is None:
        raise DataError(
            "vehicles are told by their balance sheets, and the set has no book equity",
            "ingest the set with --fundamentals",
        )
    assets, book = panel.figure("assets")[rows], panel.book_equity[rows]
    unclassified = np.isfinite(assets) & ~np.isfinite(panel.figure("current_assets")[rows])
    paid = payout_yield(panel, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        turnover = revenue / assets
        estate = unclassified & (book / assets >= rules.property_equity)
        estate &= (turnover >= rules.property_revenue[0]) & (turnover <= rules.property_revenue[1])
        estate &= paid >= rules.property_yield
        fund = unclassified & (paid >= rules.fund_yield)
        income = (paid >= rules.income_yield) & (paid * caps > rules.income_payout * net_income)
    return estate | fund | income


def other_share_classes(assets: np.ndarray, book: np.ndarray, traded: np.ndarray) -> np.ndarray:
    """Names whose company is counted by another class of its shares already.

    Two names with the same total assets and the same book equity, to the last unit of currency,
    are classes of one company, and its share count and book belong to both together. The class
    that trades most stays.

    Parameters
    ----------
    assets, book : (R, N) arrays
        Figures as known on each row; NaN is not known.
    traded : (R, N) array
        Traded value; NaN is none.

    Returns
    -------
    (R, N) bool array
        True for all but one of each company's classes; of equals the first in order stays.
    """
    repeated = np.zeros(assets.shape, dtype=bool)
    volume = np.where(np.isfinite(traded), traded, -1.0)
    for line in range(len(assets)):
        known = np.flatnonzero(np.isfinite(assets[line]) & np.isfinite(book[line]))
        order = known[np.lexsort((-volume[line, known], book[line, known], assets[line, known]))]
        same = np.diff(assets[line, order]) == 0
        same &= np.diff(book[line, order]) == 0
        repeated[line, order[1:][same]] = True
    return repeated
