"""What trading and holding cost, asset by asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from feeds.panel import Panel
from strategies.execution.commission import COMMISSIONS, Commission, NoCommission
from strategies.execution.schemes import check_scheme_fields, make_scheme
from strategies.execution.slippage import SLIPPAGES, NoSlippage, Slippage

__all__ = ["Carry", "TicketCosts", "TradingCosts", "make_carry", "make_trading_costs"]


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

    @cached_property
    def count_shares(self) -> bool:
        """Whether a commission is charged by printed shares."""
        return any("split_factor" in scheme.fields for scheme in self.commissions)

    def of(self, column: np.ndarray) -> TicketCosts:
        """The costs of tickets in assets `column`, their schemes looked up once."""
        if len(self.commissions) == 1:
            return TicketCosts(self, ((0, slice(None)),))
        group = self.group[column]
        first = int(group[0]) if len(group) else 0
        if (group == first).all():
            return TicketCosts(self, ((first, slice(None)),))
        numbers = range(len(self.commissions))
        masks = ((number, group == number) for number in numbers)
        return TicketCosts(self, tuple((number, at) for number, at in masks if at.any()))

    def fill_price(self, column: np.ndarray, size: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(k,) fill prices of tickets in assets `column`, slippage included."""
        return self.of(column).fill_price(size, reference)

    def commission(
        self, column: np.ndarray, size: np.ndarray, price: np.ndarray, shares: np.ndarray
    ) -> np.ndarray:
        """(k,) commission of tickets in assets `column`, in currency."""
        return self.of(column).commission(size, price, shares)

    def scaled(self, scale: float) -> TradingCosts:
        """The same schemes, their charges multiplied by `scale`."""
        return replace(self, scale=self.scale * scale)


class TicketCosts:
    """The costs of the tickets of one basket.

    Parameters
    ----------
    costs : TradingCosts
        The schemes.
    parts : tuple of (int, mask)
        Which tickets each scheme is for.
    """

    def __init__(
        self, costs: TradingCosts, parts: tuple[tuple[int, np.ndarray | slice], ...]
    ) -> None:
        self._costs, self._parts = costs, parts
        self._only = parts[0][0] if len(parts) == 1 else None

    def fill_price(self, size: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(k,) fill prices, slippage included."""
        schemes, scale = self._costs.slippages, self._costs.scale
        if self._only is not None:
            price = schemes[self._only].fill_price(size, reference)
        else:
            price = reference.copy()
            for number, at in self._parts:
                price[at] = schemes[number].fill_price(size[at], reference[at])
        return price if scale == 1.0 else reference + scale * (price - reference)

    def commission(self, size: np.ndarray, price: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """(k,) commissions, in currency."""
        schemes, scale = self._costs.commissions, self._costs.scale
        if self._only is not None:
            cost = schemes[self._only].charge(size, price, shares)
        else:
            cost = np.zeros(len(size))
            for number, at in self._parts:
                cost[at] = schemes[number].charge(size[at], price[at], shares[at])
        return cost if scale == 1.0 else scale * cost


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

    def is_free(self, has_shorts: bool) -> bool:
        """Whether nothing is paid or earned on a book with shorts, or one without."""
        return self.cash_annual == 0 and not (has_shorts and self._rates)

    def settle(
        self, days: np.ndarray, cash: float, column: np.ndarray, worth: np.ndarray
    ) -> tuple[np.ndarray, list[tuple[str, np.ndarray, np.ndarray]]]:
        """Carry of some sessions in which nothing is traded.

        Parameters
        ----------
        days : (B,) int array
            Calendar days of each session since the one before.
        cash : float
            Before the first of them.
        column : (k,) int array
            Assets held.
        worth : (B, k) float array
            Their signed values at the prior mark, contiguous by row.

        Returns
        -------
        cash : (B,) float array
            After each session.
        amounts : list of (kind, (m,) int array, (B, m) float array)
            Kinds that are other than zero, their assets and amounts; column -1 is cash.
        """
        owed = np.maximum(-worth, 0.0)
        year = (days / self.day_count)[:, None]
        received, amounts = [], []
        for kind, rates in self._rates.items():
            rate = rates[column]
            paid = ((rate != 0) & (worth[0] < 0)).nonzero()[0]
            if len(paid):
                amount = owed * rate * year
                received.append(np.add.reduce(amount, axis=1))
                amounts.append((kind, column[paid], amount.take(paid, axis=1)))
        if self.cash_annual != 0:
            after, interest = self._with_interest(days, cash, owed, received)
            amounts.append(("interest", np.array([-1]), interest[:, None]))
        elif received:
            # The same sums in the same order as session by session.
            steps = np.column_stack(received).ravel()
            after = np.add.accumulate(np.concatenate([[cash], steps]))
            after = after[len(received) :: len(received)]
        else:
            after = np.full(len(days), cash)
        return after, amounts

    def _with_interest(
        self, days: np.ndarray, cash: float, owed: np.ndarray, received: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(B,) cash after each session and (B,) interest, on cash that is not short proceeds."""
        after, interest = np.empty(len(days)), np.empty(len(days))
        for number, short in enumerate(np.add.reduce(owed, axis=1).tolist()):
            share = int(days[number]) / self.day_count
            interest[number] = (cash - short) * self.cash_annual * share
            for of_kind in received:
                cash += float(of_kind[number])
            cash += float(interest[number])
            after[number] = cash
        return after, interest

    @cached_property
    def _rates(self) -> dict[str, np.ndarray]:
        """(N,) rates by kind, for those that are not zero throughout."""
        rates = {
            "borrow": -self.borrow_annual,
            "funding": self.funding_annual,
            # A perpetual has no sale proceeds that could earn a rebate.
            "rebate": np.where(self.funding_annual == 0, self.short_rebate_annual, 0.0),
        }
        return {kind: rate for kind, rate in rates.items() if rate.any()}


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
