"""An ordinary Backtrader strategy: the same class runs on vanilla Backtrader and on our lane."""

from __future__ import annotations

import math

import backtrader as bt
import numpy as np

from benchmarks.panels import LOT, Case

__all__ = ["Rotation", "plan_of"]


class Rotation(bt.Strategy):
    """Trades into target weights with market orders, sells first, and listens to everything.

    Parameters
    ----------
    plan : dict
        Bar number to ``[(column, weight), ...]`` of the assets to be held from the next open.

    Attributes
    ----------
    fills, commission : int, float
        Completed orders and what they cost, as told by ``notify_order``.
    refused : int
        Orders that ended otherwise.
    closed, profit : int, float
        Closed trades and what they made after costs, as told by ``notify_trade``.
    """

    params = (("plan", None),)

    def __init__(self) -> None:
        self.fills = self.refused = self.closed = 0
        self.commission = self.profit = 0.0
        self._held: set[int] = set()

    def next(self) -> None:
        wanted = self.p.plan.get(len(self) - 1)
        if wanted is not None:
            self._rotate(dict(wanted))

    def _rotate(self, weights: dict[int, float]) -> None:
        value = self.broker.getvalue()
        reductions, increases = [], []
        for column in sorted(self._held | weights.keys()):
            data = self.datas[column]
            held = self.getposition(data).size
            target = weights.get(column, 0.0) * value / data.close[0]
            if held * target <= 0:
                change = _whole(target) - held
            else:
                change = _whole(target - held)
            part = reductions if abs(held + change) < abs(held) else increases
            part.append((data, change))
        for data, change in reductions + increases:
            if change > 0:
                self.buy(data=data, size=change)
            elif change < 0:
                self.sell(data=data, size=-change)
        self._held = set(weights)

    def notify_order(self, order: bt.Order) -> None:
        if order.status == order.Completed:
            self.fills += 1
            self.commission += order.executed.comm
        elif not order.alive():
            self.refused += 1

    def notify_trade(self, trade: bt.Trade) -> None:
        if trade.isclosed:
            self.closed += 1
            self.profit += trade.pnlcomm


def plan_of(case: Case) -> dict[int, list[tuple[int, float]]]:
    """The weights of a case in the form in which :class:`Rotation` takes them."""
    plan = {}
    for row, weights in zip(case.rows.tolist(), case.weights, strict=True):
        columns = np.flatnonzero(weights)
        plan[row] = list(zip(columns.tolist(), weights[columns].tolist(), strict=True))
    return plan


def _whole(units: float) -> float:
    """Cut towards zero to whole lots."""
    return math.trunc(units / LOT) * LOT
