"""A neutral book while one of its assets has no bar: what trades hedges what does not.

This module is part of :class:`Account`: what it reads of the plans that wait is the account's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from feeds.bar_labels import bar_label
from strategies.execution.account import Account
from strategies.execution.basket import Basket, make_basket
from strategies.execution.plan import Plan
from strategies.hedge import Hedge, HedgeLimits, hedged_weights, is_past
from strategies.trading import OrderRules, drop_small_tickets

__all__ = ["GapRules", "hedge_gap"]


@dataclass(frozen=True, eq=False)
class GapRules:
    """What a book is kept to while not all of it trades.

    Parameters
    ----------
    neutral : mapping
        ``dollar`` and ``beta`` to the tolerance of the targets; None where not asked for.
    drifted : mapping
        Likewise, to the drift past which a book is traded back.
    max_weight : float
    orders : OrderRules
        Lots, least tickets and the instant of a hedge that no plan asked for.
    betas : callable
        ``betas(columns (k,)) -> (k,)`` as of the close before the fill, 1 where not known.
    due : bool
        Whether the close before asked for a hedge, since the book had drifted.
    """

    neutral: Mapping[str, float | None]
    drifted: Mapping[str, float | None]
    max_weight: float
    orders: OrderRules
    betas: Callable[[np.ndarray], np.ndarray]
    due: bool = False


def hedge_gap(account: Account, row: int, rules: GapRules) -> dict[str, Any] | None:
    """Put a hedge in the place of the rebalance that waits, where not all of the book trades.

    A rebalance of which an asset has no bar is void, and the assets that trade are brought to
    the weights closest to those that it wanted, in squares, that make the whole book neutral
    with what is missing at its last mark. The same is done from what is held where a hedge is
    due, or where a holding that is closed in this row since its series has ended, or a stop,
    takes the book past ``drifted``. Where no hedge makes it neutral, nothing is traded while it
    is not past ``drifted``; else the smallest change of what is held that brings it back to
    there, or nearest to it.

    Parameters
    ----------
    account : Account
        At the close of the row before; a plan is submitted to it.
    row : int
        The bar of the fill. Of it nothing is read but which assets have a bar: an exchange says
        so to whoever asks it to trade. Weights, betas and values are those of the close before.
    rules : GapRules

    Returns
    -------
    dict or None
        What a ledger notes of it; None where the account goes on as it would.
    """
    view = _View(account, row)
    if not account.is_open or account._pending.is_liquidation or not len(view.column):
        return None
    disturbed = view.plan is None and rules.due or view.closed.any() or view.stopped.any()
    if not view.incomplete and not (disturbed and view.past(view.expected, rules)):
        return None
    found, basket = _hedge(account, view, rules)
    if view.plan is None and not len(basket) and found.neutral:
        return None
    note = _told(view, rules, found, basket)
    instant = view.plan.instant if view.plan is not None else _instant(rules.orders)
    account.submit(Plan(row - 1, basket, instant))
    return note


class _View:
    """What is held and waits at the close before a bar, and what of it trades at the bar."""

    def __init__(self, account: Account, row: int) -> None:
        panel, pending = account.panel, account._pending
        self.account, self.row = account, row
        #: The rebalance that waits.
        self.plan = next((one for one in pending.in_order if one.reason == "rebalance"), None)
        touched = account.position != 0
        touched[pending.column] = True
        self.column = column = touched.nonzero()[0]
        held = account.position[column]
        self.tradable = panel.tradable[row, column]
        ages = panel.ages(row, row + 1, column)[0]
        #: Closed in this row, before anything is filled: the account does so by its own rule.
        self.closed = (held != 0) & (ages >= account.rules.stale_after)
        self.stopped = np.zeros(len(column), dtype=bool)
        #: Units after all that waits, and after what of it can be filled.
        self.asked = held.copy()
        for plan in pending.in_order:
            at = np.searchsorted(column, plan.basket.column)
            self.asked[at] += plan.basket.reduce + plan.basket.increase
            if plan.reason == "stop":
                self.stopped[at] = True
        filled = np.where(self.tradable, self.asked, held)
        self.marks = panel.mark_at(row - 1, column)
        self._value = account.value
        self.held = self.weights(held)
        self.expected = self.weights(np.where(self.closed, 0.0, filled))
        self.free = self.tradable & ~self.stopped

    @property
    def missing(self) -> np.ndarray:
        """(k,) bool: held or wanted, without a bar, and not closed now."""
        return ~self.tradable & ~self.closed

    @property
    def incomplete(self) -> bool:
        """Whether a rebalance waits that cannot be filled whole."""
        if self.plan is None:
            return False
        return not self.tradable[np.searchsorted(self.column, self.plan.basket.column)].all()

    def weights(self, units: np.ndarray) -> np.ndarray:
        return units * self.marks / self._value

    def units(self, weights: np.ndarray) -> np.ndarray:
        return weights * self._value / self.marks[self.free]

    def exposure(self, weights: np.ndarray, rules: GapRules) -> dict[str, float | None]:
        """Net weight, sum of weight x beta (None where not asked for), and gross."""
        beta = None
        if rules.neutral["beta"] is not None:
            beta = float(np.add.reduce(weights * rules.betas(self.column)))
        net, gross = float(np.add.reduce(weights)), float(np.add.reduce(np.abs(weights)))
        return {"dollar": net, "beta": beta, "gross": gross}

    def past(self, weights: np.ndarray, rules: GapRules) -> bool:
        return is_past(self.exposure(weights, rules), rules.drifted)


def _hedge(account: Account, view: _View, rules: GapRules) -> tuple[Hedge, Basket]:
    """The weights of what trades, and the tickets to them."""
    free, fixed = view.free, np.where(view.free, 0.0, view.expected)
    exposed = view.exposure(fixed, rules)
    rest = exposed["dollar"], exposed["beta"] or 0.0, exposed["gross"]
    beta = np.ones(int(free.sum()))
    if rules.neutral["beta"] is not None:
        beta = rules.betas(view.column[free])
    wanted, held = view.weights(view.asked), view.held
    # No more than was wanted of the whole, or is held where nothing was.
    gross = float(np.add.reduce(np.abs(wanted)))
    limits = HedgeLimits(**rules.neutral, gross=gross, max_weight=rules.max_weight)
    found = hedged_weights(wanted[free], held[free], beta, rest, limits)
    if not found.neutral:
        kept = held[free]
        if view.past(np.where(free, held, view.expected), rules):
            # Too little of it trades for more than the way back to where no bar would decide.
            gross = max(gross, float(np.add.reduce(np.abs(held))))
            limits = HedgeLimits(**rules.drifted, gross=gross, max_weight=rules.max_weight)
            kept = hedged_weights(kept, kept, beta, rest, limits).weights
        # Otherwise it stays as it is: half a rebalance would only take it further.
        found = Hedge(kept, found.neutral, found.gross)
    return found, _basket(account, view, rules, found.weights)


def _basket(account: Account, view: _View, rules: GapRules, weights: np.ndarray) -> Basket:
    panel, column, price = account.panel, view.column[view.free], view.marks[view.free]
    held, classes = account.position[column], panel.asset_class[column].tolist()
    same = weights == view.held[view.free]
    printed = panel.price_kind[column] == "traded"
    adjustment = np.where(printed, panel.adjustment_at(view.row - 1, column), 1.0)
    lot = np.array([rules.orders.lots.get(name, 1e-8) for name in classes]) / adjustment
    basket = make_basket(np.where(same, held, view.units(weights)), held, lot, column)
    least = np.array([rules.orders.min_ticket.get(name, 0.0) for name in classes])
    if not least.any():
        return basket
    at = np.searchsorted(column, basket.column)
    basket, _ = drop_small_tickets(basket, held[at], price[at], least[at], account.value)
    return basket


def _told(view: _View, rules: GapRules, found: Hedge, basket: Basket) -> dict[str, Any]:
    """What was asked for, what takes its place, and why, in symbols and printed shares."""
    panel, names = view.account.panel, view.account.panel.assets
    after = view.expected.copy()
    after[view.free] = found.weights
    asked = {} if view.plan is None else _shares(view, view.plan.basket)
    missing, closed = (names[view.column[part]].tolist() for part in (view.missing, view.closed))
    return {
        "note": "hedged",
        "detail": _why(view, found, missing, closed, basket),
        "rebalance": None if view.plan is None else bar_label(panel.dates[view.plan.decision_row]),
        "missing": missing,
        "closed": closed,
        "asked": asked,
        "instead": _shares(view, basket),
        "weights": dict(zip(names[view.column].tolist(), after.tolist(), strict=True)),
        "before": view.exposure(view.held, rules),
        "after": view.exposure(after, rules),
        "neutral": found.neutral,
    }


def _shares(view: _View, basket: Basket) -> dict[str, float]:
    panel = view.account.panel
    shares = basket.reduce + basket.increase
    shares = shares * panel.adjustment_at(view.row - 1, basket.column)
    return dict(zip(panel.assets[basket.column].tolist(), shares.tolist(), strict=True))


def _why(view: _View, found: Hedge, missing: list[str], closed: list[str], basket: Basket) -> str:
    parts = [f"{', '.join(missing)} without a bar"] if missing else []
    parts += [f"{', '.join(closed)} closed"] if closed else []
    parts += ["a stop"] if view.stopped.any() else []
    what = f"{len(basket)} tickets keep the book neutral"
    if view.plan is not None:
        what = f"{len(basket)} tickets in place of {len(view.plan.basket)} keep the book neutral"
    if not found.neutral:
        what = f"{len(basket)} tickets, and the book is not neutral: too little of it trades"
    elif not found.gross:
        what += ", with more gross than was wanted"
    return f"{'; '.join(parts) or 'drifted'}: {what}"


def _instant(orders: OrderRules) -> str:
    return "open" if orders.fill == "next_open" else "close"
