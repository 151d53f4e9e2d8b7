"""What the trades of a factor's portfolio would have cost under the configured schemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from feeds.panel import Panel
from strategies.execution.costs import TradingCosts

__all__ = ["Charge", "SchemeCharge", "break_even_bps", "net_of_costs"]


class Charge(Protocol):
    """What a study asks of a model of costs."""

    def cost(self, entries: np.ndarray, columns: np.ndarray, trades: np.ndarray) -> np.ndarray:
        """(R, n) cost of each trade as a fraction of capital."""

    def borrow_annual(self, columns: np.ndarray) -> np.ndarray:
        """(n,) fee a year on what is held short."""


@dataclass(frozen=True, eq=False)
class SchemeCharge:
    """Commission and slippage of a run, charged to trades of a constant capital.

    A trade of weight w is a ticket of ``w x capital / close`` units at the close of its entry;
    it pays ``commission + abs(size) x abs(fill price - close)``, over the capital. Every
    portfolio is set back to the capital at each entry, so that schemes with a minimum or a fixed
    fee charge a large book as they charge a small one of the same size. Caps on participation
    are not applied, and what an account has traded lately, which some fees go by, is nothing.

    Parameters
    ----------
    panel : Panel
        (T, N); its last marks are the prices.
    costs : TradingCosts
        Of the N assets.
    borrow : (N,) float64 array
        Fee on shorts, a year.
    capital : float
        In currency.
    """

    panel: Panel
    costs: TradingCosts
    borrow: np.ndarray
    capital: float

    def cost(self, entries: np.ndarray, columns: np.ndarray, trades: np.ndarray) -> np.ndarray:
        """(R, n) cost of each trade as a fraction of capital.

        Parameters
        ----------
        entries : (R,) int array
            Rows of the panel.
        columns : (n,) int array
            Assets of the panel.
        trades : (R, n) array
            Signed changes of weight, of unit capital; NaN is no trade. A trade without a mark
            costs nothing: it was not made.
        """
        charged = np.zeros(np.shape(trades))
        at, place = np.nonzero(np.nan_to_num(trades))
        row, column = np.asarray(entries)[at], np.asarray(columns)[place]
        price = self.panel.mark[row, column]
        priced = np.isfinite(price)
        at, place, row, column, price = (part[priced] for part in (at, place, row, column, price))
        size = trades[at, place] * self.capital / price
        shares = size * self.panel.adjustment_at(row, column) if len(row) else size
        # The adjustment is of the last bar where the session has none.
        shares = np.where(np.isfinite(shares), shares, size)
        fill = self.costs.fill_price(column, size, price, row)
        paid = self.costs.commission(column, size, fill, shares, row)
        charged[at, place] = (paid + np.abs(size) * np.abs(fill - price)) / self.capital
        return charged

    def borrow_annual(self, columns: np.ndarray) -> np.ndarray:
        """(n,) fee a year on what is held short."""
        return self.borrow[columns]


def net_of_costs(
    returns: np.ndarray, decision_rows: np.ndarray, costs: np.ndarray, lag: int = 1
) -> np.ndarray:
    """(T,) returns after the cost of each entry.

    ``(1 + r) (1 - c) - 1`` on the session after the entry at whose close the trades are made:
    the first on which the new holdings earn. An entry on the last row is not charged.

    Parameters
    ----------
    returns : (T,) array
    decision_rows : (R,) int array
    costs : (R,) array
        Fractions of the portfolio's value; NaN is no cost.
    lag : int
        Sessions from the decision to the entry.
    """
    net = np.array(returns, dtype=float)
    booked = np.asarray(decision_rows) + lag + 1
    inside = booked < len(net)
    paid = np.nan_to_num(np.asarray(costs, dtype=float))[inside]
    net[booked[inside]] = (1.0 + net[booked[inside]]) * (1.0 - paid) - 1.0
    return net


def break_even_bps(mean_annual: float, traded_annual: float) -> float:
    """Cost of traded value, in basis points one way, at which nothing is left of the mean.

    Parameters
    ----------
    mean_annual : float
        Mean return a year before costs.
    traded_annual : float
        Bought and sold a year, over the portfolio's value.

    Returns
    -------
    float
        NaN where nothing was earned before costs, or nothing traded.
    """
    if not (mean_annual > 0.0 and traded_annual > 0.0):
        return np.nan
    return 1e4 * mean_annual / traded_annual
