"""Backtrader's broker for single orders over a panel: the same arithmetic, fewer things touched."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

import backtrader as bt

from strategies.execution.open_positions import OpenPositions, WatchedPosition, is_ordinary
from strategies.execution.orders import PanelBuyOrder, PanelSellOrder, make_order
from strategies.execution.stock_fills import StockFill, fill_stock, split_size

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
        self.positions = defaultdict(partial(WatchedPosition, self._forget))
        self._open: OpenPositions | None = None
        self._covered: bool | None = None
        self._sent_twice: set[int] = set()

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
        self._covered = None
        self._forget()
        return super().addcommissioninfo(comminfo, name)

    def setcommission(self, *args, **kwargs):
        self._covered = None
        self._forget()
        return super().setcommission(*args, **kwargs)

    def next(self) -> None:
        if not self._is_covered():
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
        """Whether nothing is there that only Backtrader's own code covers."""
        if self._covered is None:
            self._covered = all(map(is_ordinary, self.comminfo.values()))
        return self.p.shortcash and not self._userhist and not self._fundhist and self._covered

    def _forget(self) -> None:
        self._open = None

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
                self._end(order)
            elif not order.active():
                self.pending.append(order)
            else:
                self._try_exec(order)
                if order.alive():
                    self.pending.append(order)
                elif order.status == bt.Order.Completed:
                    self._bracketize(order)

    def _end(self, order) -> None:
        """Tell of an order that will not be filled any more; what hangs on it goes with it."""
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    def transmit(self, order, check=True):
        # A child that comes later sends its parent again: it is in the queue twice then.
        if order.status != bt.Order.Created:
            self._sent_twice.add(order.ref)
        return super().transmit(order, check)

    def _ococheck(self, order) -> None:
        """Cancel the rest of an order's group; alone in it, there is no queue to search."""
        group = self._ocos[self._ocos[order.ref]]
        if self._ocol.get(group) == [order.ref] and order.ref not in self._sent_twice:
            del self._ocol[group]
        else:
            super()._ococheck(order)

    def check_submitted(self) -> None:
        """Accept the orders whose fill at the price they were made at leaves cash."""
        if not self._is_covered():
            super().check_submitted()
            return
        cash, imagined = self.cash, {}
        while self.submitted:
            order = self.submitted.popleft()
            if self._take_children(order) is None:
                continue
            cash = self._imagine(order, cash, imagined)
            if cash >= 0.0:
                self.submit_accept(order)
                continue
            order.margin()
            self._end(order)

    def _imagine(self, order, cash: float, imagined: dict) -> float:
        """Cash after a fill that is not made."""
        data, size = order.data, order.executed.remsize
        if data not in imagined:
            imagined[data] = self.positions[data].size
        at_open = self.p.coo and order.exectype == bt.Order.Market
        price = data.open[0] if at_open else order.created.price
        opened, closed = split_size(imagined[data], size)
        imagined[data] += size
        scheme = self.getcommissioninfo(data)
        return fill_stock(scheme, opened, closed, price, price, 0, cash).cash

    def _try_exec(self, order) -> None:
        if order.exectype != bt.Order.Market or self.p.slip_perc or self.p.slip_fixed:
            super()._try_exec(order)
        else:
            # Without slippage the high and low of the bar are not looked at.
            self._try_exec_market(order, order.data.open[0], None, None)

    def _execute(self, order, ago=None, price=None, cash=None, position=None, dtcoc=None):
        if ago is None or self.p.filler or order.data._compensate or not self._is_covered():
            return super()._execute(order, ago, price, cash, position, dtcoc)
        return None if price is None else self._fill(order, price, ago)

    def _fill(self, order, price: float, ago: int) -> None:
        """Fill all that is left of an order, or what closes if the rest cannot be paid."""
        data, size = order.data, order.executed.remsize
        scheme, position = self.getcommissioninfo(data), self.positions[data]
        held, entry = position.size, position.price
        opened, closed = split_size(held, size)
        profit = -closed * (price - entry) * scheme.p.mult
        fill = fill_stock(scheme, opened, closed, price, entry, profit, self.cash)
        paid = not opened or fill.cash >= 0.0
        self.cash = fill.cash if paid else fill.cash_after_closing
        if opened and paid:
            position.adjbase = price
        if not paid:
            fill = fill._replace(opened=0, opened_value=0.0, opened_commission=0.0)
        if closed or fill.opened:
            self._book(order, position, scheme, fill, price, profit, ago)
        if not paid:
            order.margin()
            self._end(order)

    def _book(self, order, position, scheme, fill: StockFill, price, profit, ago: int) -> None:
        data, asked = order.data, order.executed.remsize
        size, held = fill.closed + fill.opened, position.size
        scheme.confirmexec(size, price)
        position.update(size, price, data.datetime.datetime())
        # As asked for, also where the opening part could not be paid.
        after = (position.size, position.price) if size == asked else (held + asked, price)
        interest = self.d_credit.pop(data, 0.0) if fill.closed and self.p.int2pnl else 0.0
        order.execute(
            data.datetime[ago],
            size,
            price,
            fill.closed,
            fill.closed_value,
            fill.closed_commission + interest,
            fill.opened,
            fill.opened_value,
            fill.opened_commission,
            scheme.margin,
            profit,
            *after,
        )
        order.addcomminfo(scheme)
        self.notify(order)
        self._ococheck(order)

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
