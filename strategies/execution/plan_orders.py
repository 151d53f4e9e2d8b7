"""The tickets of plans as Backtrader's orders, for those who listen to orders and trades."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np

from strategies.execution.account import Account, Plan
from strategies.execution.orders import PanelBuyOrder, PanelSellOrder, make_order
from strategies.execution.plan_positions import PlanPositions

__all__ = ["PlanOrders"]

_EXECTYPE = {"open": bt.Order.Market, "close": bt.Order.Close}
#: What is left of an order up to this share of it is rounding.
_ROUNDING = 1e-12


class PlanOrders:
    """One order a ticket, which lives as the account's journal says.

    Nothing is decided here. An order is *Submitted* when its plan is, *Accepted* at the next
    session and *Completed* when its ticket is filled whole. Filled in part it is *Partial*, and
    waits for the rest or is *Canceled* with what it got. A ticket of which the scale factor left
    nothing ends as *Margin*; one that a new plan, a liquidation or the end of its series
    overtakes as *Canceled*; one of a plan that the account does not take as *Rejected*. What the
    account does by itself, liquidations and delistings, appears as orders, too:
    ``order.info.reason`` tells them apart.

    Parameters
    ----------
    broker : PlanBroker
        Is told of every change, and knows the feeds and strategies.
    account : Account
    positions : PlanPositions
        Of the same account.
    """

    def __init__(self, broker: Any, account: Account, positions: PlanPositions) -> None:
        self._broker, self._account, self._positions = broker, account, positions
        positions.follow()
        self._events = len(account.journal.events)
        #: The orders of the plan that is under way, by column.
        self._open: dict[int, bt.Order] = {}
        self._owners: dict[int, Any] = {}
        self._liquidating = False

    @property
    def open(self) -> list[bt.Order]:
        """Orders that may still be filled."""
        return list(self._open.values())

    def submit(self, plan: Plan, owner: Any) -> list[bt.Order]:
        """Hand `plan` to the account; its orders, reductions first."""
        account, basket = self._account, plan.basket
        overtakes = not (self._liquidating and self._open)
        account.submit(plan)
        self._new_events()
        columns, waiting = basket.column.tolist(), set(account.waiting.tolist())
        taken = overtakes and waiting == set(columns)
        for column in [*self._open] if taken else [c for c in self._open if c not in waiting]:
            self._end(column, bt.Order.cancel)
        sizes = (basket.reduce + basket.increase).tolist()
        made = []
        for at in np.argsort(basket.increase != 0, kind="stable").tolist():
            order = self._make(columns[at], sizes[at], plan.reason, plan.instant, owner)
            made.append(order)
            if taken:
                self._open[columns[at]] = order
            else:
                order.reject()
                self._broker.notify(order)
        if taken:
            self._liquidating = False
        return made

    def step(self, row: int) -> None:
        """Bring the account and its orders to the close of `row`."""
        for order in self._open.values():
            if order.status == bt.Order.Submitted:
                self._accept(order)
        self._account.step(row)
        cancelled, liquidated = self._new_events()
        waiting = set() if liquidated else set(self._account.waiting.tolist())
        for fills in self._positions.new_fills():
            self._fill(*fills, waiting)
        for column in [column for column in self._open if column not in waiting]:
            # What was filled in part, or overtaken, is not for want of money.
            short = column not in cancelled and not self._open[column].executed.size
            self._end(column, bt.Order.margin if short else bt.Order.cancel)
        if liquidated:
            self._liquidate()

    def _new_events(self) -> tuple[set[int], bool]:
        """Columns whose tickets were cancelled, and whether a liquidation was ordered."""
        events = self._account.journal.events
        new = events[self._events :]
        self._events = len(events)
        cancelled = {column for _, column, kind, _ in new if kind == "cancelled"}
        return cancelled, any(kind == "liquidation" for _, _, kind, _ in new)

    def _liquidate(self) -> None:
        self._liquidating = True
        for column in self._account.waiting.tolist():
            size = -float(self._account.position[column])
            self._open[column] = self._make(column, size, "liquidation", "close", None)

    def _fill(
        self, row, decision_row, reason, column, size, price, reference, commission, waiting
    ) -> None:
        """Execute the orders of fills of one instant."""
        fills = (column.tolist(), size.tolist(), price.tolist(), commission.tolist())
        for at, units, paid, fee in zip(*fills, strict=True):
            order = self._open.get(at)
            if order is None or order.info["reason"] != reason:
                # The account decided it in this very session.
                order = self._make(at, units, reason, "close", None)
                self._accept(order)
            self._execute(order, row, at, units, paid, fee)
            left = order.executed.remsize
            if order.status == bt.Order.Partial and at not in waiting:
                if abs(left) <= _ROUNDING * abs(order.size):
                    order.executed.remsize = 0.0
                    order.completed()
            self._broker.notify(order)
            if order.status == bt.Order.Completed and self._open.get(at) is order:
                del self._open[at]

    def _execute(
        self, order: bt.Order, row: int, column: int, size: float, price: float, commission: float
    ) -> None:
        entry, psize, pprice, opened, closed = self._positions.book(row, column, size, price)
        closed_fee, opened_fee = _split(commission, closed, opened)
        data = order.data
        scheme = self._broker.getcommissioninfo(data)
        order.execute(
            data.datetime[0],
            size,
            price,
            closed,
            -closed * entry,
            closed_fee,
            opened,
            opened * price,
            opened_fee,
            scheme.margin,
            -closed * (price - entry),
            psize,
            pprice,
        )
        order.comminfo = scheme

    def _make(self, column: int, size: float, reason: str, instant: str, owner: Any) -> bt.Order:
        """A submitted order for `size` signed units."""
        cerebro = self._broker.cerebro
        if owner is None:
            owner = self._owners.get(column, cerebro.runningstrats[0])
        self._owners[column] = owner
        kind = PanelBuyOrder if size > 0 else PanelSellOrder
        data, exectype = cerebro.datas[column], _EXECTYPE[instant]
        # An asset that is not listed yet has neither a close nor a date.
        order = make_order(kind, owner, data, abs(size), exectype=exectype, simulated=not len(data))
        order.p.simulated = False
        order.info["reason"] = reason
        order.submit()
        self._broker.notify(order)
        return order

    def _accept(self, order: bt.Order) -> None:
        order.accept()
        self._broker.notify(order)

    def _end(self, column: int, how: Any) -> None:
        order = self._open.pop(column)
        how(order)
        self._broker.notify(order)


def _split(commission: float, closed: float, opened: float) -> tuple[float, float]:
    """One ticket's fee on its closing and its opening part, by size.

    The larger part is rounded and the smaller is the difference, which is then exact: the two
    add up to the fee to the last bit.
    """
    if not closed or not opened:
        return (commission, 0.0) if closed else (0.0, commission)
    share = closed / (closed + opened)
    if share >= 0.5:
        part = commission * share
        return part, commission - part
    part = commission * (1.0 - share)
    return commission - part, part
