"""Tickets: what a scheme of commission or slippage is told of the trades of one instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from strategies.execution.draws import normal_draws, uniform_draws
from strategies.execution.market import WINDOW, Market

__all__ = ["Tickets"]


@dataclass(frozen=True, eq=False)
class Tickets:
    """The tickets of one basket at one fill, one an asset, read-only.

    What a scheme needs of the market is estimated when it is asked for, from bars before the
    fill session alone; only :attr:`volume` is the session's own. Estimates are NaN where they
    are not known, and for tickets without a market.

    Parameters
    ----------
    size : (k,) float array
        Signed adjusted units; positive is bought.
    reference : (k,) float array
        The open or close of the fill session.
    column : (k,) int array, optional
        Assets of the panel; 0, 1, ... unless given.
    row : int or (k,) int array
        Row of the fill session, the same for all or one a ticket.
    price : (k,) float array, optional
        Fill prices, slippage included; for commissions only.
    shares : (k,) float array, optional
        Signed printed shares; for commissions only. They are given for certain where a
        commission declares ``split_factor``; others may get `size` in their place.
    market : Market, optional
        The panel's estimates.
    trades : callable, optional
        (k,) assets to (k,) values; see :attr:`traded_value`.
    """

    size: np.ndarray
    reference: np.ndarray
    column: np.ndarray | None = None
    row: int | np.ndarray = 0
    price: np.ndarray | None = None
    shares: np.ndarray | None = None
    market: Market | None = None
    trades: Callable[[np.ndarray], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.size)

    @property
    def columns(self) -> np.ndarray:
        """(k,) assets of the panel."""
        return np.arange(len(self.size)) if self.column is None else self.column

    @property
    def rows(self) -> np.ndarray:
        """(k,) rows of the fill session."""
        return np.broadcast_to(np.asarray(self.row), self.size.shape)

    @property
    def dates(self) -> np.ndarray:
        """(k,) datetime64[D] fill sessions; NaT without a market."""
        if self.market is None:
            return np.full(len(self), np.datetime64("NaT", "D"))
        return self.market.dates(self.rows)

    @property
    def traded_value(self) -> np.ndarray:
        """(k,) what the account traded in the asset's class in the 30 days before the fill day.

        In currency, ``abs(size) x price`` of the fills of the calendar days from 30 days before
        up to the day before, those of ended series left out; 0 where no account is asked.
        """
        return np.zeros(len(self)) if self.trades is None else self.trades(self.columns)

    def volatility(self, window: int = WINDOW) -> np.ndarray:
        """(k,) standard deviation of daily log returns of the last `window` native days."""
        return self._estimate("volatility", window)

    def average_volume(self, window: int = WINDOW) -> np.ndarray:
        """(k,) mean volume of the last `window` native days, in adjusted units a day."""
        return self._units(self._estimate("average_volume", window))

    @property
    def volume(self) -> np.ndarray:
        """(k,) volume of the fill session's own native day, in adjusted units."""
        return self._units(self._estimate("volume", 1))

    def spread(self, estimator: str = "corwin_schultz", window: int = WINDOW) -> np.ndarray:
        """(k,) proportional bid-ask spread, the mean of the last `window` native days."""
        return self._estimate(estimator, window)

    @property
    def shares_outstanding(self) -> np.ndarray:
        """(k,) shares outstanding as known before the fill session, in adjusted units."""
        return self._estimate("shares_outstanding", 1)

    @property
    def market_cap(self) -> np.ndarray:
        """(k,) market cap as known before the fill session, in currency."""
        return self._estimate("market_cap", 1)

    def uniform(self, seed: int) -> np.ndarray:
        """(k,) draws from (0, 1), of the seed, the fill day and the asset alone."""
        return uniform_draws(seed, *self._keys())

    def normal(self, seed: int) -> np.ndarray:
        """(k,) standard normal draws, of the seed, the fill day and the asset alone."""
        return normal_draws(seed, *self._keys())

    def _keys(self) -> tuple[np.ndarray, np.ndarray]:
        if self.market is None:
            return self.rows, self.columns
        return self.market.keys(self.rows, self.columns)

    def _estimate(self, name: str, window: int) -> np.ndarray:
        if self.market is None:
            return np.full(len(self), np.nan)
        return self.market.estimate(name, self.row, self.columns, window)

    def _units(self, volume: np.ndarray) -> np.ndarray:
        """Volume in adjusted units: what is counted in currency is divided by the price."""
        if self.market is None:
            return volume
        return np.where(self.market.in_currency[self.columns], volume / self.reference, volume)
