"""A case of `vanilla_case` run by plain Backtrader and by each lane."""

from __future__ import annotations

import backtrader as bt
import numpy as np

from feeds.panel import Panel
from strategies.execution.account import Account, AccountRules, Plan
from strategies.execution.basket import Limits, make_basket
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.slippage import BpsSlippage
from tests.vanilla_case import CASH, Case

#: So far open that they never bind, as vanilla has none: short proceeds may be spent.
OPEN_LIMITS = Limits(cash_buffer=-100.0, maintenance_margin=1e-6)
_FIELDS = ("open", "high", "low", "close", "volume")


# The strategies


class Trader(bt.Strategy):
    """Trades a case's targets on its decision rows and remembers what it saw on each bar."""

    params = (("case", None),)

    def __init__(self):
        numbers = self.p.case.panel.dates.astype("int64").tolist()
        # Backtrader numbers days from the year 1, NumPy from 1970.
        self._row_of = {719163 + number: row for row, number in enumerate(numbers)}
        self.seen = []

    def prenext(self):
        self.next()

    def next(self):
        row = self._row_of[int(self.datetime[0])]
        self.seen.append((row, self.broker.getcash(), self.broker.getvalue()))
        if row in self.p.case.targets:
            self.trade(row)

    def held(self):
        """(N,) units; an asset without a bar yet is not asked for."""
        return np.array([self.getposition(data).size if len(data) else 0.0 for data in self.datas])


class Hearer(Trader):
    """Remembers the fills and the closed trades that it is told of."""

    def __init__(self):
        super().__init__()
        self.fills, self.closed = [], []

    def notify_order(self, order):
        row, name = self._row_of[int(self.datetime[0])], order.data._name
        for bit in order.executed.iterpending():
            self.fills.append((row, name, bit.size, bit.price, bit.closedcomm + bit.openedcomm))

    def notify_trade(self, trade):
        if trade.isclosed:
            row = self._row_of[int(self.datetime[0])]
            self.closed.append((row, trade.data._name, trade.pnl, trade.pnlcomm))


class SingleOrders(Hearer):
    """The tickets as orders of their own, sales first; open ones are cancelled before."""

    def __init__(self):
        super().__init__()
        self.events, self.cancelled, self.refused = [], [], False

    def trade(self, row):
        for order in self.broker.get_orders_open():
            self.cancel(order)
            self.cancelled.append((row, order.data._name))
        change = self.p.case.change(row, self.held())
        kind = bt.Order.Market if self.p.case.instant == "open" else bt.Order.Close
        for at in sorted(np.flatnonzero(change).tolist(), key=lambda at: change[at] > 0):
            order = self.buy if change[at] > 0 else self.sell
            order(data=self.datas[at], size=abs(change[at]), exectype=kind)

    def notify_order(self, order):
        super().notify_order(order)
        done, status = order.executed, order.getstatusname()
        told = (done.size, done.price, done.value, done.comm, done.pnl, done.dt, done.remsize)
        parts = [tuple(vars(bit).values()) for bit in done.exbits]
        self.events.append((len(self), order.data._name, status, *told, parts))
        self.refused |= status in ("Margin", "Rejected", "Expired")

    def notify_trade(self, trade):
        super().notify_trade(trade)
        told = (trade.status, trade.size, trade.price, trade.value, trade.commission)
        self.events.append((trade.data._name, *told, trade.pnl, trade.pnlcomm, trade.barlen))

    def notify_cashvalue(self, cash, value):
        self.events.append((cash, value))


class Sleeper(Trader):
    """The tickets as one plan; asks to be woken on its decision rows only."""

    @property
    def wake_rows(self):
        return sorted(self.p.case.targets)

    def trade(self, row):
        case, held = self.p.case, self.broker.account.position
        target = held + case.change(row, held)
        basket = make_basket(target, held, np.full(len(held), case.lot))
        self.broker.submit_plan(Plan(row, basket, case.instant))


class Listener(Hearer, Sleeper):
    """The same plans, by a strategy that follows every bar, order and trade."""

    wake_rows = None


# The engines


class ArrayFeed(bt.feed.DataBase):
    """Bars from a list of tuples. `PandasData` reads the same lines from five `.iloc` a bar."""

    params = (("bars", ()),)

    def start(self):
        super().start()
        self._bars = iter(self.p.bars)

    def _load(self):
        bar = next(self._bars, None)
        if bar is None:
            return False
        for line, value in zip(self._written, bar, strict=True):
            line[0] = value
        return True

    @property
    def _written(self):
        lines = self.lines
        return lines.datetime, *(getattr(lines, field) for field in _FIELDS), lines.openinterest


def array_feeds(panel: Panel) -> list[ArrayFeed]:
    """The panel's bars as ordinary feeds, each with its own dates."""
    numbers = 719163.0 + panel.dates.astype("int64")
    feeds = []
    for column in range(panel.shape[1]):
        has_bar = panel.tradable[:, column]
        fields = [getattr(panel, field)[has_bar, column].tolist() for field in _FIELDS]
        count = int(has_bar.sum())
        feeds.append(ArrayFeed(bars=list(zip(numbers[has_bar], *fields, [0.0] * count))))
    return feeds


def run_single_orders(case: Case, cerebro: bt.Cerebro) -> SingleOrders:
    """The case as single orders on a Cerebro that has its feeds."""
    names = case.panel.assets.tolist()
    cerebro.broker.setcash(CASH)
    for number, name in zip(case.group.tolist(), names, strict=True):
        cerebro.broker.setcommission(commission=case.bps[number] / 1e4, name=name)
    if case.slip:
        # Not capped at the bar's high and low, as ours is not.
        cerebro.broker.set_slippage_perc(case.slip / 1e4, slip_open=True, slip_out=True)
    if case.rate is not None:
        cerebro.broker.set_filler(bt.fillers.FixedBarPerc(perc=100 * case.rate))
    cerebro.addstrategy(SingleOrders, case=case)
    return cerebro.run()[0]


def run_vanilla(case: Case) -> SingleOrders:
    """The case on plain Backtrader."""
    cerebro = bt.Cerebro(stdstats=False)
    for feed, name in zip(array_feeds(case.panel), case.panel.assets.tolist(), strict=True):
        cerebro.adddata(feed, name=name)
    return run_single_orders(case, cerebro)


def run_general(case: Case) -> SingleOrders:
    """The same single orders on the panel's clock."""
    return run_single_orders(case, PanelCerebro(case.panel, stdstats=False))


def run_plans(case: Case, kind: type[Sleeper], limits: Limits = OPEN_LIMITS):
    """The case as plans; the strategy and the account."""
    columns = case.panel.shape[1]
    costs = TradingCosts(
        case.group,
        tuple(PercentCommission(bps) for bps in case.bps),
        (BpsSlippage(case.slip),) * 2,
    )
    rules = AccountRules(CASH, limits, 10_000, {"data_end": 0.0}, participation_rate=case.rate)
    account = Account(case.panel, costs, Carry(np.zeros(columns), np.zeros(columns)), rules)
    cerebro = PanelCerebro(case.panel, account)
    cerebro.addstrategy(kind, case=case)
    return cerebro.run()[0], account


def journal_bytes(account: Account) -> dict[str, list]:
    """Everything that an account did, bit for bit, however many rows it settled together."""
    journal = account.journal
    *values, margin = map(np.concatenate, zip(*journal.values)) if journal.values else [np.empty(0)]
    carry = [
        (row, kind, column, amount.hex())
        for rows, kind, columns, amounts in journal.carry
        for row, column, amount in zip(rows.tolist(), columns.tolist(), amounts.tolist())
    ]
    return {
        "fills": [(*fill[:3], *(part.tobytes() for part in fill[3:])) for fill in journal.fills],
        "carry": sorted(carry),
        "values": [part.tobytes() for part in values],
        "margin": margin.tobytes(),
        "positions": [
            (row, column.tobytes(), size.tobytes()) for row, column, size in journal.positions
        ],
        "events": journal.events,
        "end": [account.cash.hex(), account.value.hex(), account.position.tobytes()],
    }
