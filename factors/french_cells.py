"""Rules of Kenneth French's portfolios, and factors made from the returns of their cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from feeds.errors import ConfigError

__all__ = ["CELLS", "FrenchFactors", "FrenchRules"]

#: Size by characteristic, low to high.
CELLS = ("small_low", "small_middle", "small_high", "big_low", "big_middle", "big_high")
#: The factor that each sort gives: its high cells less its low ones.
_SPREADS = {"value": "hml", "momentum": "umd", "profitability": "rmw", "investment": "cma"}
#: Sorts whose small less big cells make up SMB.
_SIZES = {"value": ("value",), "mean": ("value", "profitability", "investment")}


@dataclass(frozen=True)
class FrenchRules:
    """How the portfolios are made; the defaults are what any data set with books allows.

    Parameters
    ----------
    rebalance : {"monthly", "june"}
        When size, value, profitability and investment are sorted: at each month's end, or at
        the end of June as published. Momentum is always sorted monthly.
    book_over : {"current", "december"}
        The cap under the book: that of the rebalance, or of the December before, as published;
        where the panel begins after it, of the panel's first month's end. It is today's share
        count at the price of then, on one basis of splits.
    breakpoint_names : int
        Breakpoints come from this many of the largest names. French takes NYSE names.
    fewest_names : int
        Names of the breakpoint universe with a known characteristic that a sort needs; with
        fewer its cells are empty.
    size_quantile : float
        Quantile of the caps that parts small from big.
    quantiles : tuple of two floats
        Quantiles that part low, middle and high.
    conditional : bool
        Whether low and high are told apart within small and within big; published sorts are
        independent.
    weighting : {"value", "equal"}
        Weights within cells and market at the rebalance; they drift until the next one.
    smb : {"value", "mean"}
        Small less big of the value sort (three factors), or the mean over the sorts by value,
        profitability and investment that are known (five factors).
    lookback_months, skip_months : int
        Momentum is P(end of month m - skip) / P(end of month m - lookback) - 1 at the end of m:
        12 and 1 are French's prior 2 to 12 of the month that follows.
    min_price : float
        Least raw close of a name at its rebalance.
    min_cap, max_cap : float
        Bounds of its cap; beyond them a share count is taken to be wrong.
    proceeds : {"spread", "cash"}
        What becomes of the proceeds of series that end between rebalances.
    """

    rebalance: Literal["monthly", "june"] = "monthly"
    book_over: Literal["current", "december"] = "current"
    breakpoint_names: int = 1700
    fewest_names: int = 10
    size_quantile: float = 0.5
    quantiles: tuple[float, float] = (0.3, 0.7)
    conditional: bool = False
    weighting: Literal["value", "equal"] = "value"
    smb: Literal["value", "mean"] = "value"
    lookback_months: int = 12
    skip_months: int = 1
    min_price: float = 0.0
    min_cap: float = 0.0
    max_cap: float = np.inf
    proceeds: Literal["spread", "cash"] = "spread"

    def __post_init__(self) -> None:
        if self.book_over == "december" and self.rebalance != "june":
            raise ConfigError(
                "book_over december does not go with monthly sorts",
                "the cap of December is that of sorts at the end of June: rebalance june",
            )
        if not 0 <= self.skip_months < self.lookback_months:
            raise ConfigError(
                f"momentum from {self.lookback_months} to {self.skip_months} months ago is empty",
                "lookback_months > skip_months >= 0",
            )


@dataclass(frozen=True, eq=False)
class FrenchFactors:
    """Returns of the portfolios, and of the factors made from them.

    Parameters
    ----------
    cells : dict of str to DataFrame
        ``market`` with one column, and by sort (``value``, ``momentum``, ``profitability``,
        ``investment``) the six of `CELLS`: session returns, NaN before the first rebalance and
        where a cell is empty.
    breadth : DataFrame
        Names in each of them by date of rebalance.
    next_session : datetime64
        The session after the last: where it is of the same month, that month is not complete.
    rules : FrenchRules
    """

    cells: dict[str, pd.DataFrame]
    breadth: pd.DataFrame
    next_session: np.datetime64
    rules: FrenchRules = field(default_factory=FrenchRules)

    def returns(self, rf: pd.Series | None = None, *, monthly: bool = False) -> pd.DataFrame:
        """Factor returns by session, or by month.

        Parameters
        ----------
        rf : Series, optional
            Riskless returns of the same periods. With them the market is in excess of it and
            its column ``mkt_rf``; without ``mkt``.
        monthly : bool
            Cells are compounded over each complete month, and factors formed from those, as the
            published monthly series are; the index is calendar month ends.

        Returns
        -------
        DataFrame
            ``mkt`` or ``mkt_rf``, and of ``smb, hml, umd, rmw, cma`` those whose sorts are
            there. NaN where a cell is.
        """
        cells = self.cells
        if monthly:
            cells = {name: _monthly(table, self.next_session) for name, table in cells.items()}
        market = cells["market"]["market"]
        found = {"mkt" if rf is None else "mkt_rf": market}
        if rf is not None:
            found["mkt_rf"] = market - rf.reindex(market.index)
        sizes = [_small_less_big(cells[name]) for name in _SIZES[self.rules.smb] if name in cells]
        if sizes:
            found["smb"] = pd.concat(sizes, axis=1).mean(axis=1).where(sizes[0].notna())
        for name, factor in _SPREADS.items():
            if name in cells:
                found[factor] = _high_less_low(cells[name])
        return pd.DataFrame(found)


def _small_less_big(cells: pd.DataFrame) -> pd.Series:
    small, big = list(CELLS[:3]), list(CELLS[3:])
    return cells[small].mean(axis=1, skipna=False) - cells[big].mean(axis=1, skipna=False)


def _high_less_low(cells: pd.DataFrame) -> pd.Series:
    high, low = ["small_high", "big_high"], ["small_low", "big_low"]
    return cells[high].mean(axis=1, skipna=False) - cells[low].mean(axis=1, skipna=False)


def _monthly(cells: pd.DataFrame, next_session: np.datetime64) -> pd.DataFrame:
    """Cells compounded over calendar months; a month with a session not known is NaN."""
    months = cells.index.to_period("M")
    growth = (1.0 + cells).groupby(months).apply(lambda table: table.prod(skipna=False))
    if growth.index[-1] == pd.Timestamp(next_session).to_period("M"):
        growth = growth.iloc[:-1]
    growth.index = growth.index.to_timestamp(how="end").normalize()
    return (growth - 1.0).rename_axis("date")
