"""Small accounts for the tests of the engine, and a second way to compute their values."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd

from strategies.execution.account import Account, AccountRules, Plan
from strategies.execution.basket import Basket, Limits, fill_basket, make_basket
from strategies.execution.commission import NoCommission
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.slippage import NoSlippage

#: A power of two, so that round sizes stay round.
LOT = 2.0**-30
RETURNS = {"bankruptcy": -1.0, "unknown": -0.3, "merger": 0.0, "data_end": 0.0}


def make_costs(columns, commission=None, slippage=None):
    """One commission and one slippage scheme for every asset."""
    group = np.zeros(columns, dtype=int)
    return TradingCosts(group, (commission or NoCommission(),), (slippage or NoSlippage(),))


def make_account(
    panel,
    *,
    cash=1000.0,
    commission=None,
    slippage=None,
    carry=None,
    buffer=0.0,
    margin=0.25,
    stale_after=10,
    participation_rate=None,
):
    columns = panel.shape[1]
    zeros = np.zeros(columns)
    rules = AccountRules(cash, Limits(buffer, margin), stale_after, RETURNS, participation_rate)
    costs = make_costs(columns, commission, slippage)
    return Account(panel, costs, carry or Carry(zeros, zeros), rules)


def fill_at(
    basket, price, *, cash=1000.0, held=None, costs=None, limits=None, mark=None, shares=1.0
):
    """Fill a basket at given prices (N,), every asset marked at them."""
    price = np.array(price, dtype=float)
    held = np.zeros(len(price)) if held is None else np.array(held, dtype=float)
    value = held * (price if mark is None else np.array(mark, dtype=float))
    value[basket.column] = 0.0
    return fill_basket(
        basket,
        reference=price[basket.column],
        shares_per_unit=np.full(len(basket), shares),
        cash=cash,
        held=held[basket.column],
        others=(value[value > 0].sum(), value[value < 0].sum()),
        costs=costs or make_costs(len(price)),
        limits=limits or Limits(),
    )


def make_plan(account, row, units, *, instant="close", lot=LOT):
    """A plan of `row` that brings the account to `units` (N,)."""
    target = np.asarray(units, dtype=float)
    basket = make_basket(target, account.position, np.broadcast_to(lot, target.shape))
    return Plan(row, basket, instant)


def run_account(account, targets, *, instant="close", lot=LOT):
    """Step the account over its panel; `targets` maps decision rows to units (N,)."""
    for row in range(account.panel.shape[0]):
        account.step(row)
        if row in targets:
            account.submit(make_plan(account, row, targets[row], instant=instant, lot=lot))
    return account


def no_tickets():
    empty = np.zeros(0)
    return Basket(empty.astype(int), empty, empty, empty)


def fills_of(account):
    """(row, symbol, reason, size, price, commission) of every fill, as plain values."""
    rows = []
    for row, _, reason, column, size, price, _, commission in account.journal.fills:
        names = account.panel.assets[column].tolist()
        numbers = (size.tolist(), price.tolist(), commission.tolist())
        rows += [(row, n, reason, *rest) for n, *rest in zip(names, *numbers, strict=True)]
    return rows


def events_of(account, kind):
    return [(row, column) for row, column, name, _ in account.journal.events if name == kind]


def rebuilt_values(tables, starting_cash):
    """Value on each date from fills, carry and prices alone: a ledger of a few lines."""
    prices = tables["prices"]
    paid = tables["carry"].groupby("date")["amount"].sum()
    bought = {date: fills for date, fills in tables["fills"].groupby("date")}
    cash, held, out = starting_cash, pd.Series(0.0, prices.columns), []
    for date, marks in prices.iterrows():
        cash += paid.get(date, 0.0)
        if date in bought:
            fills = bought[date]
            cash -= (fills["size"] * fills["price"] + fills["commission"]).sum()
            held = held.add(fills.groupby("symbol")["size"].sum(), fill_value=0.0)
        out.append(cash + (held * marks)[held != 0].sum())
    return np.array(out)


def add_panel_to(cerebro, panel):
    """The panel's bars as ordinary `PandasData` feeds, each with its own dates."""
    fields = ("open", "high", "low", "close", "volume")
    index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"))
    for column, name in enumerate(panel.assets.tolist()):
        bars = pd.DataFrame({field: getattr(panel, field)[:, column] for field in fields}, index)
        cerebro.adddata(bt.feeds.PandasData(dataname=bars[panel.tradable[:, column]]), name=name)


class Script(bt.Strategy):
    """Runs `act(strategy, row)` at every bar and remembers what became of its orders."""

    params = (("act", None), ("early", False))

    def __init__(self):
        self.row, self.orders, self.values, self.cash = -1, [], [], []

    def prenext(self):
        if self.p.early:
            self.next()

    def next(self):
        self.row += 1
        self.values.append(self.broker.getvalue())
        self.cash.append(self.broker.getcash())
        if self.p.act is not None:
            self.p.act(self, self.row)

    def notify_order(self, order):
        if not order.alive():
            done = order.executed
            status = order.getstatusname()
            self.orders.append((self.row + 1, order.data._name, status, done.size, done.price))


def run_vanilla(panel, act, *, cash=1000.0, early=False, commission=0.0, prepare=None):
    """`act` on plain Backtrader over the panel's bars; returns the strategy."""
    cerebro = bt.Cerebro(stdstats=False)
    add_panel_to(cerebro, panel)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=commission)
    if prepare is not None:
        prepare(cerebro)
    cerebro.addstrategy(Script, act=act, early=early)
    return cerebro.run()[0]
