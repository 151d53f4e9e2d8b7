"""A strategy that writes down what it is told of plans, and how to run it, for the tests."""

from __future__ import annotations

from dataclasses import replace

import backtrader as bt
import numpy as np

from strategies.execution.account import Account, Plan
from strategies.execution.cerebro import PanelCerebro
from tests.engine_case import make_account, make_plan

NAN = float("nan")
SUBMITTED, ACCEPTED, PARTIAL, COMPLETED = "Submitted", "Accepted", "Partial", "Completed"


class Listener(bt.Strategy):
    """Submits plans on some rows and writes down whatever it is told."""

    params = (("plans", None),)

    def __init__(self):
        self.orders, self.trades, self.heard, self.funds, self.made = [], [], [], [], []

    @property
    def row(self):
        return self.broker.p.clock.row

    def notify_order(self, order):
        done = order.executed
        self.heard.append((self.row, order.data._name, order.getstatusname(), done.size))
        self.orders.append(order)

    def notify_trade(self, trade):
        self.trades.append((self.row, trade.data._name, trade.status_names[trade.status], trade))

    def notify_fund(self, cash, value, fundvalue, shares):
        self.funds.append((cash, value, fundvalue, shares))

    def prenext(self):
        self.next()

    def next(self):
        plan = self.p.plans.get(self.row)
        if plan is not None:
            plan = plan(self.broker.account) if callable(plan) else plan
            self.made += self.broker.submit_plan(plan)


def account_over(panel, *, participation_rate=None, **options):
    """An account for the tests, under a cap on volume if one is given."""
    account = make_account(panel, **options)
    rules = replace(account.rules, participation_rate=participation_rate)
    return Account(panel, account.costs, account.carry, rules)


def listen(panel, plans, *, analyzers=(), strategies=1, **account):
    """Run `plans`, {row: units (N,) or a plan}, before a listener; the listener."""
    book = account_over(panel, **account)
    given = {
        row: plan if isinstance(plan, Plan) or callable(plan) else to_units(row, plan)
        for row, plan in plans.items()
    }
    cerebro = PanelCerebro(panel, book)
    cerebro.addstrategy(Listener, plans=given)
    for _ in range(strategies - 1):
        cerebro.addstrategy(Listener, plans={})
    for analyzer, options in analyzers:
        cerebro.addanalyzer(analyzer, **options)
    return cerebro.run()[0]


def to_units(row, units, instant="open", **lot):
    return lambda account: make_plan(account, row, units, instant=instant, **lot)


def at_close(row, units):
    return to_units(row, units, "close")


def life(listener, name):
    """(row, status, executed size) of each notification about one asset."""
    return [(row, status, size) for row, of, status, size in listener.heard if of == name]


def orders_of(listener, name, status):
    return [
        order
        for order in listener.orders
        if order.data._name == name and order.getstatusname() == status
    ]


def only(found):
    assert len(found) == 1
    return found[0]


def flat(make_panel, close, **fields):
    """A panel whose opens are its closes, but traded."""
    close = np.array(close, dtype=float)
    return make_panel(close, close.copy(), **fields)
