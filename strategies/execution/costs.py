"""What trading and holding cost, asset by asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from feeds.panel import Panel
from strategies.execution.commission import COMMISSIONS, Commission, NoCommission
from strategies.execution.schemes import check_scheme_fields, make_scheme
from strategies.execution.slippage import SLIPPAGES, NoSlippage, Slippage

__all__ = ["Carry", "TradingCosts", "make_carry", "make_trading_costs"]


@dataclass(frozen=True)
class TradingCosts:
    """Commission and slippage of each asset.

    Parameters
    ----------
    group : (N,) int array
        Position of each asset's schemes in `commissions` and `slippages`.
    commissions, slippages : tuple
        One scheme an asset class.
    scale : float
        Multiplies both costs; 1 is as configured.
    """

    group: np.ndarray
    commissions: tuple[Commission, ...]
    slippages: tuple[Slippage, ...]
    scale: float = 1.0

    def fill_price(self, column: np.ndarray, size: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(k,) fill prices of tickets in assets `column`, slippage included."""
        price = reference.copy()
        for number, scheme in enumerate(self.slippages):
            at = self.group[column] == number
            if at.any():
                price[at] = scheme.fill_price(size[at], reference[at])
        return price if self.scale == 1.0 else reference + self.scale * (price - reference)

    def commission(
        self, column: np.ndarray, size: np.ndarray, price: np.ndarray, shares: np.ndarray
    ) -> np.ndarray:
        """(k,) commission of tickets in assets `column`, in currency."""
        cost = np.zeros(len(column))
        for number, scheme in enumerate(self.commissions):
            at = self.group[column] == number
            if at.any():
                cost[at] = scheme.charge(size[at], price[at], shares[at])
        return cost if self.scale == 1.0 else self.scale * cost

    def scaled(self, scale: float) -> TradingCosts:
        """The same schemes, their charges multiplied by `scale`."""
        return replace(self, scale=self.scale * scale)


def make_trading_costs(
    panel: Panel,
    commission: Mapping[str, Mapping[str, Any]],
    slippage: Mapping[str, Mapping[str, Any]],
    data: str,
) -> TradingCosts:
    """Schemes for every asset class of the panel; a class not named trades free.

    Raises
    ------
    ConfigError
        If a scheme is unknown, or needs a field that the class's data lack.
    """
    classes = sorted(set(panel.asset_class.tolist()))
    commissions, slippages = [], []
    for name in classes:
        commissions.append(_scheme(COMMISSIONS, commission, "commission", name, panel, data))
        slippages.append(_scheme(SLIPPAGES, slippage, "slippage", name, panel, data))
    group = np.array([classes.index(name) for name in panel.asset_class.tolist()], dtype=np.intp)
    return TradingCosts(group, tuple(commissions), tuple(slippages))


def _scheme(registry, entries, kind: str, asset_class: str, panel: Panel, data: str):
    entry = entries.get(asset_class)
    if entry is None:
        return NoCommission() if kind == "commission" else NoSlippage()
    place = f"costs.{kind}.{asset_class}"
    scheme = make_scheme(registry, entry, place)
    if scheme.fields:
        check_scheme_fields(scheme, panel.select(panel.asset_class == asset_class), place, data)
    return scheme


@dataclass(frozen=True)
class Carry:
    """What holding costs and earns, per calendar day on the prior mark.

    Amounts are positive when received. Shorts pay ``borrow`` and may earn ``rebate`` on their
    proceeds; a class with ``funding`` holds its shorts as perpetuals instead, which receive
    positive funding. Cash that is not short proceeds earns ``interest``.

    Parameters
    ----------
    borrow_annual, funding_annual : (N,) float arrays
        Rates by asset, per year; at most one of the two is not zero.
    cash_annual, short_rebate_annual : float
        Rates per year.
    day_count : int
        Days a year.
    """

    borrow_annual: np.ndarray
    funding_annual: np.ndarray
    cash_annual: float = 0.0
    short_rebate_annual: float = 0.0
    day_count: int = 365

    def accrue(
        self, days: np.ndarray, column: np.ndarray, value: np.ndarray
    ) -> list[tuple[str, np.ndarray]]:
        """Amounts by kind, session and asset, interest on cash apart.

        Parameters
        ----------
        days : (B,) int array
            Calendar days of each session since the one before.
        column : (k,) int array
            Assets held.
        value : (B, k) float array
            Their signed values at the prior mark.

        Returns
        -------
        list of (kind, (B, k) float array)
            Kinds that can be other than zero.
        """
        owed = np.maximum(-value, 0.0)
        year = (days / self.day_count)[:, None]
        rates = {
            "borrow": -self.borrow_annual[column],
            "funding": self.funding_annual[column],
            # A perpetual has no sale proceeds that could earn a rebate.
            "rebate": np.where(self.funding_annual[column] == 0, self.short_rebate_annual, 0.0),
        }
        return [(kind, owed * rate * year) for kind, rate in rates.items() if rate.any()]

    def interest(self, days: float, cash: float, owed: float) -> float:
        """Interest of `days` on cash that is not short proceeds, in currency."""
        return (cash - owed) * self.cash_annual * (days / self.day_count)


def make_carry(
    panel: Panel,
    *,
    borrow_annual: Mapping[str, float],
    funding_annual: Mapping[str, float],
    cash_annual: float,
    short_rebate_annual: float,
    day_count: int,
) -> Carry:
    """Carry of every asset from rates by asset class; a class not named has a rate of zero."""
    classes = panel.asset_class.tolist()
    return Carry(
        np.array([borrow_annual.get(name, 0.0) for name in classes], dtype=float),
        np.array([funding_annual.get(name, 0.0) for name in classes], dtype=float),
        cash_annual,
        short_rebate_annual,
        day_count,
    )
