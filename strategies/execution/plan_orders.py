"""The tickets of plans as Backtrader's orders, for those who listen to orders and trades."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt
import numpy as np

from strategies.execution.account import Account, Plan
from strategies.execution.orders import PanelBuyOrder, PanelSellOrder, make_order
from strategies.execution.plan_positions import PlanPositions

__all__ = ["PlanOrders", "split_fee"]

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
        #: Stock-like and free: the account knows the fees.
        self._scheme = broker.comminfo[None]

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
        taken = overtakes and waiting.issuperset(columns)
        lives = waiting.difference(columns) if taken else waiting
        for column in [column for column in self._open if column not in lives]:
            self._end(self._open.pop(column), bt.Order.cancel)
        first = np.argsort(basket.increase != 0, kind="stable")
        sizes = (basket.reduce + basket.increase)[first]
        made = self._make(basket.column[first], sizes, plan.reason, plan.instant, owner)
        if taken:
            self._liquidating = False
            self._open.update({order.data.column: order for order in made})
        else:
            for order in made:
                self._end(order, bt.Order.reject)
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
            self._end(self._open.pop(column), bt.Order.margin if short else bt.Order.cancel)
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
        columns = self._account.waiting
        made = self._make(columns, -self._account.position[columns], "liquidation", "close")
        self._open = {order.data.column: order for order in made}

    def _fill(
        self, row, decision_row, reason, column, size, price, reference, commission, waiting
    ) -> None:
        """Execute the orders of fills of one instant."""
        orders = [self._open.get(at) for at in column.tolist()]
        if any(order is None or order.info["reason"] != reason for order in orders):
            # The account decided it in this very session.
            orders = self._make(column, size, reason, "close")
            for order in orders:
                self._accept(order)
        today = float(self._broker.p.clock.numbers[row])
        fills = (size.tolist(), price.tolist(), commission.tolist())
        for order, *fill in zip(orders, *fills, strict=True):
            # A series that has ended is closed on its own last day.
            day = order.data.datetime[0] if reason == "delisting" else today
            self._execute(order, row, day, *fill)
            done, at = order.executed, order.data.column
            if done.remsize and at not in waiting:
                if abs(done.remsize) <= _ROUNDING * abs(order.size):
                    done.remsize = 0.0
                    order.completed()
            self._broker.notify(order)
            if not done.remsize and self._open.get(at) is order:
                del self._open[at]

    def _execute(
        self, order: bt.Order, row: int, day: float, size: float, price: float, commission: float
    ) -> None:
        data = order.data
        entry, psize, pprice, opened, closed = self._positions.book(row, data.column, size, price)
        closed_fee, opened_fee = split_fee(commission, closed, opened)
        order.comminfo = scheme = self._scheme
        order.execute(
            day,
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

    def _make(
        self, columns: np.ndarray, sizes: np.ndarray, reason: str, instant: str, owner: Any = None
    ) -> list[bt.Order]:
        """Submitted orders for some signed units."""
        broker, panel = self._broker, self._account.panel
        row, datas, owners = broker.p.clock.row, broker.cerebro.datas, self._owners
        today, first = self._today(), broker.cerebro.runningstrats[0]
        closes, trades = panel.close[row, columns].tolist(), panel.tradable[row, columns].tolist()
        made = []
        for at, size, close, has_bar in zip(
            columns.tolist(), sizes.tolist(), closes, trades, strict=True
        ):
            data = datas[at]
            now = (close, today) if has_bar else None
            if now is None and not len(data):
                # Not listed yet: it has no close, and no date of its own.
                now = None, today
            owners[at] = whose = owners.get(at, first) if owner is None else owner
            order = make_order(
                PanelBuyOrder if size > 0 else PanelSellOrder,
                whose,
                data,
                abs(size),
                exectype=_EXECTYPE[instant],
                now=now,
            )
            order.info["reason"] = reason
            order.submit()
            broker.notify(order)
            made.append(order)
        return made

    def _today(self) -> float:
        clock = self._broker.p.clock
        return float(clock.numbers[clock.row])

    def _accept(self, order: bt.Order) -> None:
        order.accept()
        self._broker.notify(order)

    def _end(self, order: bt.Order, how: Callable[[bt.Order], Any]) -> None:
        try:
            how(order)
        except IndexError:
            # Not listed yet: Backtrader dates the end by a bar that is not there.
            order.executed.dt = self._today()
        self._broker.notify(order)


def split_fee(commission: float, closed: float, opened: float) -> tuple[float, float]:
    """One ticket's fee on its closing and its opening part, by size.

    Parameters
    ----------
    commission : float
        In currency.
    closed, opened : float
        Signed units, of one sign; at least one of them not 0.

    Returns
    -------
    (closing, opening) : tuple of float

    Notes
    -----
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
