"""Weekly returns of equity factors and of coins, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["WEEKS", "Witness"]

WEEKS = 52


@dataclass(frozen=True, eq=False)
class Witness:
    """Weekly returns of equity factors and of coins over the same weeks.

    Parameters
    ----------
    key, label : str
    stocks : (W, K) DataFrame
        Excess or zero-cost returns, the market first; of funds, their returns.
    coins : (W, M) DataFrame
        The market of coins first.
    past : Series
        The stock market's weekly returns, from before the first week where known: regimes need
        a year of it.
    invested : bool
        Whether all series are fully invested portfolios, not excess or zero-cost returns.
    """

    key: str
    label: str
    stocks: pd.DataFrame
    coins: pd.DataFrame
    past: pd.Series
    invested: bool = False

    @classmethod
    def of(
        cls,
        key: str,
        label: str,
        stocks: pd.DataFrame,
        coins: pd.DataFrame,
        past: pd.Series,
        invested: bool = False,
    ) -> Witness:
        """The weeks that know every series."""
        joined = pd.concat([stocks, coins], axis=1, join="inner").dropna()
        return cls(key, label, joined[list(stocks)], joined[list(coins)], past, invested)

    @property
    def mix(self) -> pd.Series:
        """The portfolio of equity factors: equal shares of each, set back every week."""
        return self.stocks.mean(axis=1).rename("mix")

    @property
    def market(self) -> pd.Series:
        """The market of coins."""
        return self.coins.iloc[:, 0]

    @property
    def years(self) -> float:
        """Weeks over 52."""
        return len(self.stocks) / WEEKS
