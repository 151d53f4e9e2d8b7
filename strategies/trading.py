"""From target units to what is traded of them: bands, partial trades, a turnover budget, minima."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from strategies.cross_section import Report
from strategies.execution.basket import Basket

__all__ = ["OrderRules", "drop_small_tickets", "units_to_hold"]


@dataclass(frozen=True)
class OrderRules:
    """How weights become tickets.

    Parameters
    ----------
    lots : mapping
        Asset class to smallest quantity, in printed shares where they are known.
    fill : {"auto", "next_open", "next_close"}
        ``auto`` fills at the next open where one class trades and every asset of the basket
        has a traded open, else at the next close.
    no_trade_band : float
        A drift of weight up to this is not traded. Entries, exits and changes of side always
        are.
    band_to : {"target", "edge"}
        How far a drift beyond the band is traded.
    trade_fraction : float
        Share of each trade that is made at one rebalance, in (0, 1].
    turnover_budget : float, optional
        Largest sum of absolute changes of weight of one rebalance (two-way); None for no limit.
    min_ticket : mapping
        Asset class to the least value of a ticket, in currency.
    spread_over : int
        Sessions over which a rebalance is spread, in equal parts.
    barred : {"cash", "spread"}
        What becomes of the weight of assets that were stopped.
    """

    lots: Mapping[str, float] = field(default_factory=dict)
    fill: str = "auto"
    no_trade_band: float = 0.0
    band_to: str = "target"
    trade_fraction: float = 1.0
    turnover_budget: float | None = None
    min_ticket: Mapping[str, float] = field(default_factory=dict)
    spread_over: int = 1
    barred: str = "cash"

    @property
    def trades_whole(self) -> bool:
        """Whether every trade is made whole."""
        return self.no_trade_band == 0 and self.trade_fraction == 1 and self.turnover_budget is None


def units_to_hold(
    target: np.ndarray,
    held: np.ndarray,
    price: np.ndarray,
    value: float,
    *,
    rules: OrderRules,
    least: np.ndarray,
    urgent: np.ndarray,
) -> tuple[np.ndarray, tuple[Report, ...]]:
    """Units after the part of each trade that a rebalance makes.

    The stages act in this order: the band leaves small drifts alone, or trades them to its
    edge; a fraction of what is left is traded, as in Garleanu and Pedersen (2013); all of it is
    scaled by one factor to the turnover budget.

    Parameters
    ----------
    target, held : (k,) float arrays
        Signed units.
    price : (k,) float array
        Closes of the decision row.
    value : float
        Account value at that close, above zero.
    rules : OrderRules
    least : (k,) float array
        Smallest sensible ticket, in units: an exit of which less would be traded is made whole,
        so that no position is halved for good.
    urgent : (k,) bool array
        Positions that have to go: traded whole whatever fraction and budget say, and first of
        what the budget allows. Their targets are zero.

    Returns
    -------
    units : (k,) float array
        Exactly `target` where the trade is made whole, exactly `held` where none is made.
    reports : tuple of (str, str, str)
        What the budget cut.
    """
    if rules.trades_whole:
        return target, ()
    change = np.abs(target - held) * price / value
    made = _beyond_band(target, held, change, rules)
    if rules.trade_fraction < 1:
        part = made * rules.trade_fraction
        tail = (target == 0) & (part * np.abs(held) < least)
        made = np.where(urgent | tail, made, part)
    reports: tuple[Report, ...] = ()
    if rules.turnover_budget is not None:
        made, reports = _within_budget(made, change, urgent, rules.turnover_budget)
    partly = np.where(made == 0, held, held + made * (target - held))
    return np.where(made == 1, target, partly), reports


def _beyond_band(
    target: np.ndarray, held: np.ndarray, change: np.ndarray, rules: OrderRules
) -> np.ndarray:
    """(k,) share of each trade that the band leaves, from 0 to 1."""
    made = np.ones(len(target))
    if rules.no_trade_band == 0:
        return made
    drifts = held * target > 0
    made[drifts & (change <= rules.no_trade_band)] = 0.0
    if rules.band_to == "edge":
        far = drifts & (change > rules.no_trade_band)
        made[far] = 1.0 - rules.no_trade_band / change[far]
    return made


def _within_budget(
    made: np.ndarray, change: np.ndarray, urgent: np.ndarray, budget: float
) -> tuple[np.ndarray, tuple[Report, ...]]:
    """Shares of trades scaled so that the sum of changes is within the budget."""
    turnover = made * change
    first, rest = float(turnover[urgent].sum()), float(turnover[~urgent].sum())
    room = max(budget - first, 0.0)
    if rest <= room and first <= budget:
        return made, ()
    scale = room / rest if rest else 1.0
    detail = f"trades of {first + rest:.4f} of NAV scaled by {scale:.4f} to {budget:g}"
    if first > budget:
        detail = f"exits that have to be made take {first:.4f} of NAV, more than {budget:g}"
    return np.where(urgent, made, made * scale), (("", "turnover_budget", detail),)


def drop_small_tickets(
    basket: Basket, held: np.ndarray, price: np.ndarray, least: np.ndarray, value: float
) -> tuple[Basket, tuple[Report, ...]]:
    """The tickets of at least their class's minimum, and every full exit.

    Parameters
    ----------
    basket : Basket
        k tickets.
    held, price : (k,) float arrays
        Signed units held, and closes of the decision row.
    least : (k,) float array
        Least value of a ticket, in currency.
    value : float
        Account value at that close, for the report.
    """
    worth = np.abs(basket.reduce + basket.increase) * price
    exits = (basket.increase == 0) & (basket.reduce == -held)
    kept = exits | (worth >= least)
    if kept.all():
        return basket, ()
    lost = float(worth[~kept].sum()) / value
    count = len(kept) - np.count_nonzero(kept)
    noun = "ticket" if count == 1 else "tickets"
    detail = f"{count} {noun} below the minimum left out, {lost:.6f} of NAV"
    return basket.take(kept), (("", "min_ticket", detail),)
