"""A plan: one basket, decided in one row and filled at one instant of a later one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from feeds.errors import UserError
from feeds.panel import Panel
from strategies.execution.basket import Basket

__all__ = ["Plan", "check_plan"]


@dataclass(frozen=True)
class Plan:
    """A basket decided in one row, to be filled at one instant of a later one.

    Parameters
    ----------
    decision_row : int
        The row whose close was known when the plan was made.
    basket : Basket
        The tickets.
    instant : {"open", "close"}
        Where in the session the whole basket fills.
    reason : str
        ``rebalance``, ``stop`` or ``liquidation``.
    part : int
        Which one of the baskets that a rebalance is spread over, from 1.
    """

    decision_row: int
    basket: Basket
    instant: str
    reason: str = "rebalance"
    part: int = 1


def check_plan(plan: Plan, panel: Panel, row: int) -> None:
    """Refuse a plan that cannot be meant, at the close of `row`, before it is taken.

    Raises
    ------
    UserError
        If the decision lies in a row not seen yet, so that the plan would fill before it was
        made; if the instant is unknown; or if a ticket is not finite, has no lot, is one of two
        in the same asset, or stands for a column that the panel does not have.
    """
    if not 0 <= plan.decision_row <= row:
        raise UserError(
            f"plan decided in row {plan.decision_row}, submitted in row {row}: its fill would not "
            "come after its decision",
            f"give a decision row from 0 to {row}",
        )
    if plan.instant not in ("open", "close"):
        raise UserError(
            f"plan of row {plan.decision_row} fills at {plan.instant!r}", "choose open or close"
        )
    basket = plan.basket
    if len(basket):
        _check_columns(plan, panel.assets)
        # A product with something that is not finite is not finite either, so that two numbers
        # tell of all; the search for the culprit is for the rare case.
        with np.errstate(over="ignore", invalid="ignore"):
            told = float(basket.reduce @ basket.increase) + float(basket.lot @ basket.lot)
        if not math.isfinite(told) or not basket.lot.min() > 0:
            _check_quantities(plan, panel.assets)


def _check_columns(plan: Plan, assets: np.ndarray) -> None:
    column, place = plan.basket.column, f"plan of row {plan.decision_row}"
    ordered = np.count_nonzero(column[1:] > column[:-1]) == len(column) - 1
    first = int(column[0] if ordered else column.min())
    last = int(column[-1] if ordered else column.max())
    if first < 0 or last >= len(assets):
        raise UserError(
            f"{place}: column {first if first < 0 else last} is not in the panel",
            f"its columns are 0 to {len(assets) - 1}",
        )
    if ordered:
        return
    known, counts = np.unique(column, return_counts=True)
    if (counts > 1).any():
        name = assets[known[counts > 1][0]]
        raise UserError(
            f"{place}: {name} has {counts.max()} tickets", "net them into one, as make_basket does"
        )


def _check_quantities(plan: Plan, assets: np.ndarray) -> None:
    basket, place = plan.basket, f"plan of row {plan.decision_row}"
    for kind in ("reduce", "increase", "lot"):
        values = getattr(basket, kind)
        wrong = ~np.isfinite(values) | ((values <= 0) if kind == "lot" else False)
        if wrong.any():
            at = int(wrong.argmax())
            raise UserError(
                f"{place}: {assets[basket.column[at]]} has {kind} {values[at]}",
                "a lot is above 0" if kind == "lot" else "a quantity is a finite number of units",
            )
