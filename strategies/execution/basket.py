"""One basket of tickets, filled at one instant: reductions whole, increases by one factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strategies.execution.costs import TicketCosts, TradingCosts

__all__ = ["Basket", "BasketFill", "Limits", "fill_basket", "make_basket", "whole_lots"]

#: Relative slack under which a limit counts as met: rounding, not money.
_SLACK = 1e-12
#: By how much a fill stays above the margin, relative: a book at it is liquidated.
_ABOVE = 1e-9
#: Room, relative to what is held and to cash, above which rounding cannot decide about a limit.
_CLEAR = 1e-9


@dataclass(frozen=True)
class Basket:
    """Tickets of one plan, one an asset.

    Parameters
    ----------
    column : (k,) int array
        Assets.
    reduce : (k,) float array
        Signed units that bring a position towards zero; never past it.
    increase : (k,) float array
        Signed units that open or enlarge a position.
    lot : (k,) float array
        Smallest quantity of an increase, in the same units.
    whole : bool
        Whether all increases are known to be whole lots, so that nobody need cut them again.
    """

    column: np.ndarray
    reduce: np.ndarray
    increase: np.ndarray
    lot: np.ndarray
    whole: bool = False

    def __len__(self) -> int:
        return len(self.column)

    def take(self, mask: np.ndarray) -> Basket:
        """The tickets where `mask` is True."""
        parts = (self.column, self.reduce, self.increase, self.lot)
        return Basket(*(part[mask] for part in parts), self.whole)


@dataclass(frozen=True)
class Limits:
    """What must hold after every fill.

    Parameters
    ----------
    cash_buffer : float
        Share of NAV kept as cash that is not short proceeds.
    maintenance_margin : float
        NAV must exceed this share of gross exposure.
    """

    cash_buffer: float = 0.0
    maintenance_margin: float = 0.25


@dataclass(frozen=True)
class BasketFill:
    """What a basket did: (k,) signed `size`, `price` with slippage, `commission`; `scale`.

    `limit` is ``cash`` or ``margin``, whichever kept every increase from filling; else empty.
    """

    size: np.ndarray
    price: np.ndarray
    commission: np.ndarray
    scale: float
    limit: str = ""


def make_basket(
    target: np.ndarray, held: np.ndarray, lot: np.ndarray, column: np.ndarray | None = None
) -> Basket:
    """Netted tickets from the position `held` to `target`, in whole lots.

    Parameters
    ----------
    target, held, lot : (k,) float arrays
        Signed target units, signed units held, smallest quantity.
    column : (k,) int array, optional
        The assets that the arrays are of; all N of them unless given.

    Notes
    -----
    Quantities are cut towards zero to whole lots. An exit is whole whatever its size, and a
    flip is an exit and an opening in one ticket.
    """
    crosses = held * target <= 0
    change = target - held
    shrinks = (np.abs(target) < np.abs(held)) > crosses
    moved = whole_lots(np.where(crosses, target, change), lot)
    reduce = np.where(crosses, -held, np.where(shrinks, moved, 0.0))
    increase = np.where(shrinks, 0.0, moved)
    if column is None:
        column = np.arange(len(held))
    # Both parts of a ticket have the same sign.
    asked = reduce + increase
    if np.count_nonzero(asked) == len(held):
        return Basket(column, reduce, increase, lot, True)
    traded = asked.nonzero()[0]
    return Basket(column[traded], reduce[traded], increase[traded], lot[traded], True)


def fill_basket(
    basket: Basket,
    *,
    reference: np.ndarray,
    shares_per_unit: np.ndarray | None,
    cash: float,
    held: np.ndarray,
    others: tuple[float, float],
    costs: TradingCosts | TicketCosts,
    limits: Limits,
) -> BasketFill:
    """Fill reductions whole and as much of the increases as cash and margin allow.

    All increases, on both sides, are scaled by one factor, so that the book keeps its
    proportions and neutrality. The factor is the largest for which, after the fills, cash
    that is not short proceeds is at least ``cash_buffer x NAV`` and NAV above
    ``maintenance_margin x gross``; quantities are then cut to whole lots.

    Parameters
    ----------
    reference, shares_per_unit : (k,) float arrays
        The tickets' reference prices and printed shares per unit; None, where no scheme asks
        for printed shares.
    cash : float
        Before the fills.
    held : (k,) float array
        Units held of the tickets' assets before the fills.
    others : (float, float)
        Long and short value of all that is held and not traded, at the instant of the fill.
    costs : TradingCosts or TicketCosts
        Of the panel's assets, or of these very tickets.
    """
    if isinstance(costs, TradingCosts):
        costs = costs.of(basket.column)
    after = _Afterwards(basket, reference, shares_per_unit, cash, held, others, costs, limits)
    asked = basket.reduce + basket.increase
    price, commission = after.charges(asked)
    scale = 1.0
    if not after.is_clear(asked, price, commission):
        scale = after.largest_scale(after.room_after(asked, price, commission))
    if scale == 1.0 and basket.whole:
        return BasketFill(asked, price, commission, scale)
    wanted = basket.increase if scale == 1.0 else scale * basket.increase
    size = basket.reduce + whole_lots(wanted, basket.lot)
    price, commission = after.charges(size)
    limit = ""
    if scale < 1.0 and not (size != basket.reduce).any():
        limit = after.tighter_limit()
    return BasketFill(size, price, commission, scale, limit)


def whole_lots(quantity: np.ndarray, lot: np.ndarray) -> np.ndarray:
    """Cut towards zero to whole lots; a quotient within rounding of a whole one keeps it."""
    lots = quantity / lot
    near = np.rint(lots)
    close = np.abs(lots - near) <= 1e-9 + 1e-15 * np.abs(near)
    return np.where(close, near, np.trunc(lots)) * lot


class _Afterwards:
    """The state of the account after a basket whose increases are scaled."""

    def __init__(self, basket, reference, shares_per_unit, cash, held, others, costs, limits):
        self.basket, self.reference, self.shares_per_unit = basket, reference, shares_per_unit
        self.cash, self.held, self.limits = cash, held, limits
        self.other_long, self.other_short = others
        self.costs = costs

    def charges(self, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        price = self.costs.fill_price(size, self.reference)
        shares = size if self.shares_per_unit is None else size * self.shares_per_unit
        return price, self.costs.commission(size, price, shares, self.reference)

    def is_clear(self, size: np.ndarray, price: np.ndarray, commission: np.ndarray) -> bool:
        """Whether both limits hold by so much that no order of summing could say otherwise."""
        cash = self.cash - float(size @ price) - float(np.add.reduce(commission))
        after = self.held + size
        net = float(after @ self.reference) + self.other_long + self.other_short
        gross = float(np.abs(after) @ self.reference) + self.other_long - self.other_short
        nav = cash + net
        free_cash = cash - (gross - net) / 2 - self.limits.cash_buffer * nav
        margin = nav - self.limits.maintenance_margin * gross
        return min(free_cash, margin) > _CLEAR * (gross + abs(self.cash) + abs(cash))

    def room(self, scale: float) -> tuple[float, float, float]:
        """Free cash above the buffer, NAV above the margin, and NAV, in currency."""
        size = self.basket.reduce + scale * self.basket.increase
        return self.room_after(size, *self.charges(size))

    def room_after(
        self, size: np.ndarray, price: np.ndarray, commission: np.ndarray
    ) -> tuple[float, float, float]:
        cash = self.cash - float(size @ price) - float(np.add.reduce(commission))
        value = (self.held + size) * self.reference
        long, short = _sums_by_side(value)
        long, short = self.other_long + long, self.other_short + short
        nav = cash + long + short
        free_cash = cash + short - self.limits.cash_buffer * nav
        margin = nav - self.limits.maintenance_margin * (1.0 + _ABOVE) * (long - short)
        return free_cash, margin, nav

    def tighter_limit(self) -> str:
        free_cash, margin, _ = self.room(0.0)
        return "cash" if free_cash <= margin else "margin"

    def largest_scale(self, asked: tuple[float, float, float]) -> float:
        """The largest factor that the limits allow; `asked` is the room at a factor of 1."""
        low, high, at_high = 0.0, 1.0, _slack(asked)
        if at_high >= 0 or not np.count_nonzero(self.basket.increase):
            return 1.0
        at_low = _slack(self.room(low))
        if at_low < 0:
            return 0.0
        # Against the room there is, not against what was asked for: a lot must not be lost to
        # the search when ten thousand times too much is ordered.
        enough = 1e-12 * at_low
        # The slack is close to linear in the scale, so interpolation, held back by a hair to
        # land on the side that keeps the limits, needs a few steps; minimum fees make jumps,
        # which every third step halves.
        for step in range(120):
            share = (1 - 1e-11) * at_low / (at_low - at_high) if step % 3 < 2 else 0.5
            middle = low + (high - low) * share
            if at_low <= enough or not low < middle < high:
                break
            at_middle = _slack(self.room(middle))
            if at_middle >= 0:
                low, at_low = middle, at_middle
            else:
                high, at_high = middle, at_middle
        return low


def _slack(room: tuple[float, float, float]) -> float:
    """How far the tighter limit is from binding, in currency; negative when broken."""
    free_cash, margin, nav = room
    return min(free_cash, margin) + _SLACK * abs(nav)


def _sums_by_side(value: np.ndarray) -> tuple[float, float]:
    """Sums of what is above and of what is below zero."""
    above = value > 0
    if np.count_nonzero(above) == len(value):
        return float(np.add.reduce(value)), 0.0
    return float(np.add.reduce(value[above])), float(np.add.reduce(value[value < 0]))
