"""Orders of Backtrader's own kind, made at a tenth of its cost.

``bt.BuyOrder(...)`` goes through Backtrader's metaclasses, which look up and set every
parameter one by one, works out the end of the session and fills two records. A large basket
spends most of its time there. The classes here *are* Backtrader's, with the same attributes and
methods; only the way in which one is made and copied differs.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from functools import cached_property
from typing import Any

import backtrader as bt
from backtrader.order import OrderData, OrderExecutionBit
from backtrader.utils import AutoOrderedDict

__all__ = ["PanelBuyOrder", "PanelOrderData", "PanelSellOrder", "make_order"]

_BUY, _CREATED, _MARKET = bt.Order.Buy, bt.Order.Created, bt.Order.Market
_COMPLETED, _PARTIAL = bt.Order.Completed, bt.Order.Partial
_TRAILING = (bt.Order.StopTrail, bt.Order.StopTrailLimit)
_ALIVE = (bt.Order.Created, bt.Order.Submitted, bt.Order.Accepted, bt.Order.Partial)
#: What Backtrader takes for the end of a day order.
_END_OF_DAY = dt.time(23, 59, 59, 9999)


class _Executions:
    """The list of a record's executions, made when it is first asked for: it is not small."""

    def __get__(self, record: PanelOrderData | None, owner: type | None = None) -> Any:
        if record is None:
            return self
        record.exbits = made = deque()
        return made


class PanelOrderData(OrderData):
    """What was asked for, or what was done: ``OrderData`` made and copied in one go."""

    # Until something is executed: a record carries what differs, which makes it light to copy.
    p1 = p2 = psize = pprice = 0
    value = comm = pnl = 0.0
    margin = None
    exbits = _Executions()

    def __init__(
        self,
        dt: float | None = None,
        size: float = 0,
        price: float | None = 0.0,
        pricelimit: float | None = 0.0,
        remsize: float = 0,
        pclose: float | None = 0.0,
        trailamount: float | None = 0.0,
        trailpercent: float | None = 0.0,
    ) -> None:
        self.pclose, self.dt, self.size, self.remsize = pclose, dt, size, remsize
        self._plimit = pricelimit
        # Each of the two prices stands in for the other where only one is given.
        self.price = price if price or not pricelimit else pricelimit
        self.pricelimit = pricelimit if pricelimit else price
        self.trailamount, self.trailpercent = trailamount, trailpercent

    def clone(self) -> PanelOrderData:
        """A copy that lists as pending the executions since the last copy."""
        self.p1, self.p2 = self.p2, len(self.exbits)
        twin = object.__new__(type(self))
        twin.__dict__ = self.__dict__.copy()
        return twin


class _Lean:
    """The methods of an order that are called for each one at each bar."""

    # Until they are set: most orders live without.
    broker = comminfo = None
    triggered = False
    position = 0
    _limitoffset = 0.0

    def clone(self) -> _Lean:
        """The order as it is now, as a notification keeps it."""
        twin = object.__new__(type(self))
        twin.__dict__ = members = self.__dict__.copy()
        members["executed"] = self.executed.clone()
        return twin

    def execute(
        self,
        dt: float,
        size: float,
        price: float,
        closed: float,
        closedvalue: float,
        closedcomm: float,
        opened: float,
        openedvalue: float,
        openedcomm: float,
        margin: float | None,
        pnl: float,
        psize: float,
        pprice: float,
    ) -> None:
        """Book one execution and what it did to the position."""
        done = self.executed
        if size:
            parts = closed, closedvalue, closedcomm, opened, openedvalue, openedcomm
            done.addbit(OrderExecutionBit(dt, size, price, *parts, pnl, psize, pprice))
            done.margin = margin
        self.status = _PARTIAL if done.remsize else _COMPLETED

    def alive(self) -> bool:
        """Whether the order can still be filled."""
        return self.status in _ALIVE

    @cached_property
    def dteos(self) -> float:
        """End of the session in which the order was made, as Backtrader numbers days."""
        if self.p.simulated:
            return 0.0
        data = self.data
        made = bt.num2date(self._made, tz=data.datetime._tz)
        end = data.p.sessionend
        closing = made.replace(
            hour=end.hour, minute=end.minute, second=end.second, microsecond=end.microsecond
        )
        return data.date2num(closing if closing >= made else closing + dt.timedelta(days=1))


class PanelBuyOrder(_Lean, bt.BuyOrder):
    """A ``bt.BuyOrder``; made by :func:`make_order`."""


class PanelSellOrder(_Lean, bt.SellOrder):
    """A ``bt.SellOrder``; made by :func:`make_order`."""


# Orders are compared with Backtrader's by their parameters, too: one class for both.
PanelBuyOrder.params, PanelSellOrder.params = bt.BuyOrder.params, bt.SellOrder.params


def make_order(
    cls: type[bt.Order],
    owner: Any,
    data: Any,
    size: float,
    price: float | None = None,
    pricelimit: float | None = None,
    exectype: int | None = None,
    valid: Any = None,
    tradeid: int = 0,
    trailamount: float | None = None,
    trailpercent: float | None = None,
    parent: bt.Order | None = None,
    transmit: bool = True,
    histnotify: bool = False,
    simulated: bool = False,
    oco: bt.Order | None = None,
    now: tuple[float | None, float] | None = None,
) -> bt.Order:
    """What ``bt.BuyOrder(...)`` or ``bt.SellOrder(...)`` would give.

    Parameters
    ----------
    cls : type
        :class:`PanelBuyOrder` or :class:`PanelSellOrder`.
    owner : bt.Strategy
        Who is notified.
    data : bt.feed.AbstractDataBase
        Any feed.
    size : float
        Positive, as it is given to ``buy`` and ``sell``.
    price, pricelimit, exectype, valid, tradeid, trailamount, trailpercent, parent, transmit
        As for ``bt.Strategy.buy``.
    histnotify, simulated, oco
        As for ``bt.Order``.
    now : (close, day number), optional
        Of the feed's latest bar, from who knows them; read from the feed otherwise.

    Returns
    -------
    bt.Order
        With the next of Backtrader's reference numbers.

    Raises
    ------
    IndexError
        From the feed, if it has no bar yet.

    Notes
    -----
    ``dteos``, which few orders are asked for, is worked out when it is first read.
    """
    params = object.__new__(cls.params)
    params.owner, params.data, params.size, params.price = owner, data, size, price
    params.pricelimit, params.exectype, params.valid = pricelimit, exectype, valid
    params.tradeid, params.oco, params.parent, params.transmit = tradeid, oco, parent, transmit
    params.trailamount, params.trailpercent = trailamount, trailpercent
    params.simulated, params.histnotify = simulated, histnotify
    ref = next(cls.refbasis)
    if simulated:
        now = price, 0.0
    elif now is None:
        now = data.close[0], data.datetime[0]
    order = _order_of(cls, params, ref, *now)
    if exectype in _TRAILING:
        _start_trail(order)
    if valid is not None:
        order.valid = _valid_until(valid, data)
    return order


def _order_of(
    cls: type[bt.Order], params: Any, ref: int, close: float | None, made: float
) -> bt.Order:
    """An order made at day number `made`, where the close was `close`."""
    order = object.__new__(cls)
    order.params = order.p = params
    # Read at each bar: found here, they need not be searched for among the parameters.
    order.owner, order.data, order.tradeid = params.owner, params.data, params.tradeid
    order.valid, order.parent, order.transmit = params.valid, params.parent, params.transmit
    order.exectype = _MARKET if params.exectype is None else params.exectype
    order.size = size = params.size if cls.ordtype == _BUY else -params.size
    order.ref, order.info, order.status = ref, AutoOrderedDict(), _CREATED
    order._active = params.parent is None
    order._plimit = limit = params.pricelimit
    order._made = made
    order.created = PanelOrderData(
        made,
        size,
        close if not params.price and not limit else params.price,
        limit,
        0,
        close,
        params.trailamount,
        params.trailpercent,
    )
    order.executed = PanelOrderData(remsize=size)
    # All copies share one list; that of what was asked for stays empty, and is seldom looked at.
    order.executed.exbits = deque()
    return order


def _start_trail(order: bt.Order) -> None:
    """A trailing stop starts at its distance from the price that it was given."""
    asked = order.created
    order._limitoffset = asked.price - asked.pricelimit
    price, asked.price = asked.price, float("inf") if order.isbuy() else float("-inf")
    order.trailadjust(price)


def _valid_until(valid: Any, data: Any) -> Any:
    """The day number up to which an order is good; a number is kept as it was given.

    Backtrader adds a number to the present time and forgets the sum.
    """
    if isinstance(valid, dt.date):
        return data.date2num(valid)
    if not isinstance(valid, dt.timedelta):
        if valid:
            # Only its error is wanted: what is no number is refused now, not at a later bar.
            _ = data.datetime[0] + valid
        return valid
    if valid:
        return data.date2num(data.datetime.datetime() + valid)
    return data.date2num(dt.datetime.combine(data.datetime.date(), _END_OF_DAY))
