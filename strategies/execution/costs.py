"""What trading costs, asset by asset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from feeds.panel import Panel
from strategies.execution.carry import Carry, make_carry
from strategies.execution.commission import Commission, NoCommission
from strategies.execution.market import Market
from strategies.execution.registry import COMMISSIONS, SLIPPAGES
from strategies.execution.schemes import check_scheme_fields, make_scheme
from strategies.execution.slippage import (
    NoSlippage,
    Slippage,
    positive,
    remarks_of,
    smallest_volume_limit,
)
from strategies.execution.tickets import Tickets

if TYPE_CHECKING:
    from strategies.execution.ticks import Ticks

__all__ = ["Carry", "TicketCosts", "TradingCosts", "make_carry", "make_trading_costs"]

#: All the tickets of a basket.
_ALL = slice(None)
#: Symbols that a remark names.
_NAMED = 8


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
    market : Market, optional
        What is known of the assets before a fill, for schemes that ask.
    ticks : Ticks, optional
        Steps of printed prices that fills are rounded to; what rounding costs is slippage.
    """

    group: np.ndarray
    commissions: tuple[Commission, ...]
    slippages: tuple[Slippage, ...]
    scale: float = 1.0
    market: Market | None = None
    ticks: Ticks | None = None

    @cached_property
    def count_shares(self) -> bool:
        """Whether a commission is charged by printed shares."""
        return any("split_factor" in scheme.fields for scheme in self.commissions)

    @cached_property
    def has_remarks(self) -> bool:
        """Whether any scheme may have something to say of a fill."""
        return any(hasattr(scheme, "remarks") for scheme in self.slippages)

    @cached_property
    def volume_limit(self) -> np.ndarray | None:
        """(N,) share of a session's volume that slippage lets a ticket fill; None for no limit."""
        limits = [smallest_volume_limit([scheme]) for scheme in self.slippages]
        if all(limit is None for limit in limits):
            return None
        return np.array([np.inf if limit is None else limit for limit in limits])[self.group]

    def of(
        self,
        column: np.ndarray,
        row: int | np.ndarray = 0,
        trades: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> TicketCosts:
        """The costs of tickets in assets `column` at session `row`, their schemes looked up once.

        Parameters
        ----------
        trades : callable, optional
            (k,) assets to what the account traded of their classes lately; see
            :attr:`~strategies.execution.tickets.Tickets.traded_value`.
        """
        if len(self.commissions) == 1:
            return TicketCosts(self, ((0, slice(None)),), column, row, trades)
        group = self.group[column]
        first = int(group[0]) if len(group) else 0
        if (group == first).all():
            return TicketCosts(self, ((first, slice(None)),), column, row, trades)
        numbers = range(len(self.commissions))
        masks = ((number, group == number) for number in numbers)
        parts = tuple((number, at) for number, at in masks if at.any())
        return TicketCosts(self, parts, column, row, trades)

    def fill_price(
        self,
        column: np.ndarray,
        size: np.ndarray,
        reference: np.ndarray,
        row: int | np.ndarray = 0,
    ) -> np.ndarray:
        """(k,) fill prices of tickets in assets `column`, slippage included."""
        return self.of(column, row).fill_price(size, reference)

    def commission(
        self,
        column: np.ndarray,
        size: np.ndarray,
        price: np.ndarray,
        shares: np.ndarray,
        row: int | np.ndarray = 0,
    ) -> np.ndarray:
        """(k,) commission of tickets in assets `column`, in currency."""
        return self.of(column, row).commission(size, price, shares)

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
    column, row, trades
        As in :meth:`TradingCosts.of`.
    """

    def __init__(
        self,
        costs: TradingCosts,
        parts: tuple[tuple[int, np.ndarray | slice], ...],
        column: np.ndarray,
        row: int | np.ndarray,
        trades: Callable[[np.ndarray], np.ndarray] | None,
    ) -> None:
        self._costs, self._parts = costs, parts
        self._column, self._row, self._trades = column, row, trades
        self._only = parts[0][0] if len(parts) == 1 else None

    def fill_price(self, size: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(k,) fill prices, slippage included."""
        schemes, scale = self._costs.slippages, self._costs.scale
        if self._only is not None:
            price = schemes[self._only].fill_price(self._tickets(size, reference))
        else:
            price = reference.copy()
            for number, at in self._parts:
                price[at] = schemes[number].fill_price(self._tickets(size, reference, at))
        if self._costs.ticks is not None:
            price = self._costs.ticks.rounded(price, size, self._column, self._row)
        if scale == 1.0:
            return price
        return positive(reference + scale * (price - reference), reference)

    def commission(
        self,
        size: np.ndarray,
        price: np.ndarray,
        shares: np.ndarray,
        reference: np.ndarray | None = None,
    ) -> np.ndarray:
        """(k,) commissions, in currency; the fill price stands in for a reference not given."""
        schemes, scale = self._costs.commissions, self._costs.scale
        reference = price if reference is None else reference
        if self._only is not None:
            cost = schemes[self._only].charge(
                self._tickets(size, reference, price=price, shares=shares)
            )
        else:
            cost = np.zeros(len(size))
            for number, at in self._parts:
                cost[at] = schemes[number].charge(
                    self._tickets(size, reference, at, price=price[at], shares=shares[at])
                )
        return cost if scale == 1.0 else scale * cost

    def remarks(self, size: np.ndarray, reference: np.ndarray, assets: np.ndarray) -> list[str]:
        """A sentence on each group of tickets that slippage could not price by its formula."""
        found = []
        for number, at in self._parts:
            tickets = self._tickets(size, reference, at)
            for mask, why in remarks_of(self._costs.slippages[number], tickets):
                names = assets[tickets.columns[mask]].tolist()
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                found.append(f"{why}: {', '.join(names[:_NAMED])}{more}")
        return found

    def _tickets(
        self,
        size: np.ndarray,
        reference: np.ndarray,
        at: np.ndarray | slice = _ALL,
        *,
        price: np.ndarray | None = None,
        shares: np.ndarray | None = None,
    ) -> Tickets:
        column, row = self._column, self._row
        if at is not _ALL:
            size, reference, column = size[at], reference[at], column[at]
            row = row[at] if isinstance(row, np.ndarray) else row
        market = self._costs.market
        return Tickets(size, reference, column, row, price, shares, market, self._trades)


def make_trading_costs(
    panel: Panel,
    commission: Mapping[str, Mapping[str, Any]],
    slippage: Mapping[str, Mapping[str, Any]],
    data: str,
    seed: int = 7,
    market: Market | None = None,
) -> TradingCosts:
    """Schemes for every asset class of the panel; a class not named trades free.

    Parameters
    ----------
    panel : Panel
    commission, slippage : mapping
        Entry of the configuration by asset class.
    data : str
        Folder of the data set: for messages, and for native bars of coins when a scheme asks.
    seed : int
        Of schemes that draw and are given none of their own.
    market : Market, optional
        What other costs of the same panel know of it already.

    Raises
    ------
    ConfigError
        If a scheme is unknown, or needs a field that the class's data lack.
    """
    classes = sorted(set(panel.asset_class.tolist()))
    commissions, slippages = [], []
    for name in classes:
        commissions.append(_scheme(COMMISSIONS, commission, "commission", name, panel, data, seed))
        slippages.append(_scheme(SLIPPAGES, slippage, "slippage", name, panel, data, seed))
    group = np.array([classes.index(name) for name in panel.asset_class.tolist()], dtype=np.intp)
    return TradingCosts(
        group, tuple(commissions), tuple(slippages), market=market or Market(panel, data)
    )


def _scheme(registry, entries, kind: str, asset_class: str, panel: Panel, data: str, seed: int):
    entry = entries.get(asset_class)
    if entry is None:
        return NoCommission() if kind == "commission" else NoSlippage()
    place = f"costs.{kind}.{asset_class}"
    scheme = make_scheme(registry, entry, place, {"seed": seed})
    if scheme.fields:
        of_class = panel.select(panel.asset_class == asset_class)
        check_scheme_fields(scheme, entry["scheme"], of_class, place, data)
    return scheme
