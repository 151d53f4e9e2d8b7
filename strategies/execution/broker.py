"""Backtrader's broker for single orders over a panel: the same arithmetic, fewer things touched."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.execution.open_positions import OpenPositions, is_ordinary
from strategies.execution.orders import PanelBuyOrder, PanelSellOrder, make_order

__all__ = ["PanelBroker"]


class PanelBroker(bt.brokers.BackBroker):
    """Trades every kind of order as Backtrader's own broker does, to the last bit.

    A bar touches the open positions and the pending orders instead of every position ever
    touched; orders are made without their metaclass. What the shortcut does not cover
    (futures-like schemes, interest, an order or fund history, ``shortcash=False``) goes through
    Backtrader's own code.

    Parameters
    ----------
    panel : Panel
    clock : Clock
        The clock of the feeds.
    """

    params = (("panel", None), ("clock", None))

    def init(self) -> None:
        super().init()
        self._open: OpenPositions | None = None

    def buy(self, owner, data, size, price=None, plimit=None, **options):
        return self._place(PanelBuyOrder, owner, data, size, price, plimit, **options)

    def sell(self, owner, data, size, price=None, plimit=None, **options):
        return self._place(PanelSellOrder, owner, data, size, price, plimit, **options)

    def _place(
        self,
        kind,
        owner,
        data,
        size,
        price,
        plimit,
        exectype=None,
        valid=None,
        tradeid=0,
        oco=None,
        trailamount=None,
        trailpercent=None,
        parent=None,
        transmit=True,
        histnotify=False,
        _checksubmit=True,
        **info: Any,
    ):
        order = make_order(
            kind,
            owner,
            data,
            size,
            price=price,
            pricelimit=plimit,
            exectype=exectype,
            valid=valid,
            tradeid=tradeid,
            trailamount=trailamount,
            trailpercent=trailpercent,
            parent=parent,
            transmit=transmit,
            histnotify=histnotify,
        )
        if info:
            order.addinfo(**info)
        self._ocoize(order, oco)
        return self.submit(order, check=_checksubmit)

    def addcommissioninfo(self, comminfo, name=None):
        self._open = None
        return super().addcommissioninfo(comminfo, name)

    def setcommission(self, *args, **kwargs):
        self._open = None
        return super().setcommission(*args, **kwargs)

    def next(self) -> None:
        if not self._is_covered():
            self._open = None
            super().next()
            return
        while self._toactivate:
            self._toactivate.popleft().activate()
        if self.submitted and self.p.checksubmit:
            self.check_submitted()
        self._stamp()
        if self.pending:
            self._work_pending()
        self._get_value()

    def _is_covered(self) -> bool:
        return (
            self.p.shortcash
            and not self._userhist
            and not self._fundhist
            and all(map(is_ordinary, self.comminfo.values()))
        )

    def _held(self) -> OpenPositions:
        if self._open is None:
            self._open = OpenPositions(self.positions, self)
        return self._open

    def _stamp(self) -> None:
        """What Backtrader notes on each position at each of its bars."""
        held, row = self._held(), self.p.clock.row
        if not len(held):
            return
        now = bt.num2date(self.p.clock.numbers[row])
        fresh = self.p.panel.tradable[row, held.column].tolist()
        for position, has_bar in zip(held.positions, fresh, strict=True):
            if has_bar:
                position.datetime = now

    def _work_pending(self) -> None:
        """Try every pending order once, in their order; what stays alive waits on."""
        # None marks the end: orders may leave the queue while it is gone through.
        self.pending.append(None)
        while (order := self.pending.popleft()) is not None:
            if order.expire():
                self.notify(order)
                self._ococheck(order)
                self._bracketize(order, cancel=True)
            elif not order.active():
                self.pending.append(order)
            else:
                self._try_exec(order)
                if order.alive():
                    self.pending.append(order)
                elif order.status == bt.Order.Completed:
                    self._bracketize(order)

    def _ococheck(self, order) -> None:
        """Cancel the rest of an order's group; alone in it, there is no queue to search."""
        group = self._ocos[self._ocos[order.ref]]
        if self._ocol.get(group) == [order.ref]:
            del self._ocol[group]
        else:
            super()._ococheck(order)

    def _execute(self, order, ago=None, **details):
        if ago is not None:
            self._open = None
        return super()._execute(order, ago=ago, **details)

    def _get_value(self, datas=None, lever: bool = False) -> float:
        while self._cash_addition:
            added = self._cash_addition.popleft()
            self._fundshares += added / self._fundval
            self.cash += added
        if datas:
            return self._value_of(datas, lever)
        held = self._held()
        if not self._is_covered():
            return self._value_among(held.feeds, lever)
        close = held.closes(self.p.panel, self.p.clock.row)
        for position, price in zip(held.positions, close.tolist(), strict=True):
            position.adjbase = price
        market, own, self._unrealized = held.totals(close)
        self._value = self.cash + own
        self._fundval = self._value / self._fundshares
        self._valuemkt, self._valuemktlever = own, market
        self._valuelever = self.cash + market
        self._leverage = market / (own or 1.0)
        return self._valuelever if lever else self._value

    def _value_of(self, datas, lever: bool) -> float:
        """Value held in some feeds; those without a position are not asked for a price."""
        held = [data for data in datas if self.positions[data].size]
        if len(datas) > 1:
            return self._value_among(held, lever)
        return super()._get_value(datas=datas, lever=lever) if held else 0.0

    def _value_among(self, feeds, lever: bool) -> float:
        """Backtrader's own arithmetic over some positions, as if there were no others."""
        everything = self.positions
        self.positions = {data: everything[data] for data in feeds}
        try:
            return super()._get_value(lever=lever)
        finally:
            self.positions = everything
