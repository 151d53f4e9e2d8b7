"""Plans that wait for their fill: one rebalance or liquidation, and stops beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from strategies.execution.basket import Basket
from strategies.execution.plan import Plan

__all__ = ["PendingPlans"]

#: Nothing to trade: the columns of no ticket.
_NONE = np.zeros(0, dtype=np.intp)


class PendingPlans:
    """The plans that an account has taken and not filled yet; no asset has two tickets.

    A rebalance takes the place of the one before it. A stop is added to what waits, and takes
    the place of the tickets of its own assets only.
    """

    def __init__(self) -> None:
        self._plans: tuple[Plan, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._plans)

    @property
    def column(self) -> np.ndarray:
        """(k,) assets whose tickets wait."""
        if len(self._plans) < 2:
            return self._plans[0].basket.column if self._plans else _NONE
        return np.concatenate([plan.basket.column for plan in self._plans])

    @property
    def is_liquidation(self) -> bool:
        return any(plan.reason == "liquidation" for plan in self._plans)

    @property
    def in_order(self) -> tuple[Plan, ...]:
        """The plans as they fill: opens before closes, stops before what they pay for."""
        if len(self._plans) < 2:
            return self._plans
        return tuple(
            sorted(self._plans, key=lambda plan: (plan.instant == "close", plan.reason != "stop"))
        )

    def add(self, plan: Plan) -> list[int]:
        """Take a plan, an empty one only to cancel what it replaces; the columns cancelled."""
        cancelled: list[int] = []
        if plan.reason != "stop":
            kept = tuple(one for one in self._plans if one.reason == "stop")
            for one in self._plans:
                # A further part of a rebalance takes over what the parts before it left.
                goes_on = plan.part > 1 and one.decision_row == plan.decision_row
                if one.reason != "stop" and not goes_on:
                    cancelled += one.basket.column.tolist()
            self._plans = kept
        cancelled += self.drop(plan.basket.column)
        if len(plan.basket):
            self._plans += (plan,)
        return cancelled

    def drop(self, columns: np.ndarray) -> list[int]:
        """Cancel the tickets of some assets; the columns that had one."""
        cancelled: list[int] = []
        for plan in self._plans:
            gone = np.isin(plan.basket.column, columns)
            if gone.any():
                cancelled += plan.basket.column[gone].tolist()
                self.keep(plan, plan.basket.take(~gone))
        return cancelled

    def keep(self, plan: Plan, later: Basket | None) -> None:
        """Leave of a plan the tickets that still wait, None or an empty basket for none."""
        left = (replace(plan, basket=later),) if later is not None and len(later) else ()
        kept = [left if one is plan else (one,) for one in self._plans]
        self._plans = tuple(one for plans in kept for one in plans)

    def clear(self) -> list[int]:
        """Cancel everything; the columns that had a ticket."""
        cancelled = self.column.tolist()
        self._plans = ()
        return cancelled
