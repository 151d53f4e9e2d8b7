"""One factor among one class's assets: its portfolios, their trades, and how it ranks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analyzers.factor_performance import long_short_weights, quantile_weights
from analyzers.factor_results import study_key
from analyzers.information import information_coefficients, rank_autocorrelation
from analyzers.study_costs import Charge, net_of_costs
from factors.holdings import Endings, holding_returns, holding_trades

__all__ = ["Book", "StudyData", "StudyPart", "StudyRules", "delisted_marks"]


@dataclass(frozen=True)
class StudyRules:
    """How factors are compared.

    Parameters
    ----------
    quantile : float
        Share of the ranked assets on each side of a factor's own portfolio.
    min_breadth : int
        Ranked assets below which a decision is left out.
    horizon : int
        Sessions of the information coefficients' returns.
    periods_per_year : int
        252 or 365.
    """

    quantile: float
    min_breadth: int
    horizon: int
    periods_per_year: int

    @property
    def quantiles(self) -> int:
        """As many as fit the side: 5 for 0.2."""
        return max(2, round(1.0 / self.quantile))


@dataclass(frozen=True, eq=False)
class StudyData:
    """The prices of one class that its factors are studied on.

    Parameters
    ----------
    marks : (T, n) array
        Adjusted closes, the last mark carried.
    dates : (T,) datetime64 array
    rows : (R,) int array
        Decision rows, increasing.
    columns : (n,) int array
        Where the assets stand among all.
    ends : Endings or None
        Of the n assets; without them a series that ends keeps its last mark.
    charge : Charge or None
        Costs; without it trades are free.
    """

    marks: np.ndarray
    dates: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    ends: Endings | None = None
    charge: Charge | None = None

    @property
    def index(self) -> pd.DatetimeIndex:
        """(T,) sessions."""
        return pd.DatetimeIndex(self.dates.astype("datetime64[ns]"), name="date")

    @cached_property
    def closed_marks(self) -> np.ndarray:
        """(T, n) marks with the delisting returns of ended series in them."""
        return delisted_marks(self.marks, self.ends)

    def taken(self, members: np.ndarray) -> StudyData:
        """The same for some of the assets, given as a mask."""
        ends = self.ends
        if ends is not None:
            ends = Endings(ends.row[members], ends.result[members])
        marks, columns = self.marks[:, members], self.columns[members]
        return StudyData(marks, self.dates, self.rows, columns, ends, self.charge)

    def book(self, weights: np.ndarray) -> Book:
        """Returns, trades and costs of a portfolio of (R, n) target weights."""
        returns = holding_returns(self.marks, self.rows, weights, ends=self.ends)
        trades = holding_trades(self.marks, self.rows, weights, ends=self.ends)
        cost = np.where(np.isfinite(trades).all(axis=1), 0.0, np.nan)
        borrow = 0.0
        if self.charge is not None:
            last = len(self.marks) - 1
            charged = self.charge.cost(np.minimum(self.rows + 1, last), self.columns, trades)
            cost = cost + charged.sum(axis=1)
            shorts = np.maximum(-np.nan_to_num(weights), 0.0)
            borrow = shorts @ self.charge.borrow_annual(self.columns)
            borrow = float(borrow.mean()) if len(borrow) else 0.0
        net = net_of_costs(returns, self.rows, cost)
        return Book(returns, net, np.abs(trades).sum(axis=1) / 2.0, cost, borrow)


@dataclass(frozen=True, eq=False)
class Book:
    """What one portfolio earned and traded.

    Parameters
    ----------
    returns, net : (T,) float64 arrays
        Before and after commissions and slippage.
    turnover : (R,) float64 array
        Half the sum of absolute trades at each entry; NaN where never entered.
    cost : (R,) float64 array
        Of each entry, over the portfolio's value.
    borrow_annual : float
        Mean fee a year on the target shorts; not in `net`.
    """

    returns: np.ndarray
    net: np.ndarray
    turnover: np.ndarray
    cost: np.ndarray
    borrow_annual: float


@dataclass(frozen=True, eq=False)
class StudyPart:
    """One factor among one group's assets; `scores` (R, n) are NaN on thin decisions."""

    group: str
    factor: str
    label: str
    scores: np.ndarray
    data: StudyData
    rules: StudyRules

    @property
    def key(self) -> str:
        """Its name in wide tables."""
        return study_key(self.group, self.factor)

    @cached_property
    def breadth(self) -> np.ndarray:
        """(R,) ranked assets; 0 on thin decisions."""
        return np.isfinite(self.scores).sum(axis=1)

    @cached_property
    def portfolio(self) -> Book:
        """The factor's own long-short portfolio."""
        return self.data.book(long_short_weights(self.scores, self.rules.quantile))

    @cached_property
    def quantiles(self) -> list[Book]:
        """Equally weighted quantiles, worst first."""
        weights = quantile_weights(self.scores, self.rules.quantiles)
        return [self.data.book(book) for book in weights]

    def series(self, returns: np.ndarray) -> pd.Series:
        """Session returns, NaN up to and including the entry of the first broad decision."""
        first = self.data.rows[np.argmax(self.breadth > 0)] + 1
        known = np.array(returns, dtype=float)
        known[: first + 1] = np.nan
        return pd.Series(known, index=self.data.index, name=self.key)

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """One row a broad decision: breadth, coefficients, persistence, turnover and cost."""
        given = (self.scores, self.data.closed_marks, self.data.rows, self.rules.horizon)
        table = pd.DataFrame(
            {
                "decision_date": self.data.index[self.data.rows],
                "asset_class": self.group,
                "factor": self.factor,
                "ranked": self.breadth,
                "ic": information_coefficients(*given, lag=1).to_numpy(),
                "ic_untraded": information_coefficients(*given, lag=0).to_numpy(),
                "rank_autocorrelation": rank_autocorrelation(self.scores),
                "turnover_half": self.portfolio.turnover,
                "cost": self.portfolio.cost,
            }
        )
        return table[self.breadth > 0]


def delisted_marks(marks: np.ndarray, ends: Endings | None) -> np.ndarray:
    """(T, N) marks that fall by the delisting return on the row on which a series is closed.

    Parameters
    ----------
    marks : (T, N) array
        The last mark carried.
    ends : Endings or None
    """
    if ends is None or not (ends.result != 0.0).any():
        return marks
    closed = np.array(marks, dtype=float)
    for column in np.flatnonzero((ends.result != 0.0) & (ends.row < len(marks))):
        closed[ends.row[column] :, column] *= 1.0 + ends.result[column]
    return closed
