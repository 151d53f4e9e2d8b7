"""Differential: the same plans give vanilla Backtrader's fills, cash and values.

Vanilla gets the tickets as single orders, reductions first, on `PandasData` feeds. Only plans
that it fills whole are compared: what it refuses, and why we differ, is tested by name in
`test_intended_differences.py`.
"""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.execution.account import Account, AccountRules, Plan
from strategies.execution.basket import Basket, Limits
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.slippage import BpsSlippage

CASH = 1_000_000.0
#: A power of two: sizes are then exact, and vanilla's split of a flip into a closing and an
#: opening part leaves no rounding dust behind as a partial fill.
LOT = 2.0**-16


class Planned(bt.Strategy):
    """Trades target weights on given rows, through plans or through single orders."""

    params = (("weights", None), ("instant", "open"), ("by_plan", True))

    def __init__(self):
        self.seen, self.fills = [], []
        self.row = -1

    def _getminperstatus(self):
        self._minperstatus = -1
        return -1

    def prenext(self):
        self.next()

    def next(self):
        self.row += 1
        self.seen.append((self.broker.getcash(), self.broker.getvalue()))
        weights = self.p.weights.get(self.row)
        if weights is not None:
            held = np.array([self.broker.getposition(data).size for data in self.datas])
            price = np.array([data.close[0] for data in self.datas])
            change = np.round((weights * self.broker.getvalue() / price - held) / LOT)
            self.trade(held, change * LOT)

    def trade(self, held, change):
        target = held + change
        closing = np.where(held * target <= 0, -held, np.where(abs(target) < abs(held), change, 0))
        opening = change - closing
        if self.p.by_plan:
            at = np.flatnonzero(change)
            basket = Basket(at, closing[at], opening[at], np.full(len(at), LOT))
            self.broker.submit_plan(Plan(self.row, basket, self.p.instant))
            return
        kind = bt.Order.Market if self.p.instant == "open" else bt.Order.Close
        first = [at for at in np.flatnonzero(change) if opening[at] == 0]
        then = [at for at in np.flatnonzero(change) if opening[at] != 0]
        for at in first + then:
            order = self.buy if change[at] > 0 else self.sell
            order(data=self.datas[at], size=abs(change[at]), exectype=kind)

    def notify_order(self, order):
        if order.status == order.Completed:
            ticket = order.executed
            self.fills.append(
                (len(self) - 1, order.data._name, ticket.size, ticket.price, ticket.comm)
            )
        elif order.status in (order.Margin, order.Rejected, order.Canceled, order.Expired):
            self.fills.append("refused")


def run_vanilla(panel, weights, instant, bps, slip):
    cerebro = bt.Cerebro(stdstats=False)
    for column, name in enumerate(panel.assets):
        frame = pd.DataFrame(
            {
                field: getattr(panel, field)[:, column]
                for field in ("open", "high", "low", "close", "volume")
            },
            index=pd.DatetimeIndex(panel.dates.astype("datetime64[ns]")),
        )
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=str(name))
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=bps / 1e4)
    if slip:
        # Not capped at the bar's high and low, as ours is not.
        cerebro.broker.set_slippage_perc(slip / 1e4, slip_open=True, slip_out=True)
    cerebro.addstrategy(Planned, weights=weights, instant=instant, by_plan=False)
    return cerebro.run()[0]


def run_ours(panel, weights, instant, bps, slip):
    columns = panel.shape[1]
    costs = TradingCosts(
        np.zeros(columns, dtype=int), (PercentCommission(bps),), (BpsSlippage(slip),)
    )
    rules = AccountRules(CASH, Limits(0.0, 0.05), 10, {"data_end": 0.0})
    account = Account(panel, costs, Carry(np.zeros(columns), np.zeros(columns)), rules)
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(Planned, weights=weights, instant=instant)
    return cerebro.run()[0], account


def ledger(panel, fills):
    """A plain re-computation of cash and value from fills, row by row."""
    cash, held, rows = CASH, dict.fromkeys(panel.assets.tolist(), 0.0), []
    for row in range(panel.shape[0]):
        for at, name, size, price, commission in fills:
            if at == row:
                cash -= size * price + commission
                held[name] += size
        worth = sum(
            size * panel.close[row, column]
            for column, (name, size) in enumerate(held.items())
            if size
        )
        rows.append((cash, cash + worth))
    return np.array(rows)


def flat_fills(account):
    rows = []
    for row, _, _, column, size, price, _, commission in account.journal.fills:
        names = account.panel.assets[column].tolist()
        rows += [(row, *ticket) for ticket in zip(names, size, price, commission, strict=True)]
    return rows


@st.composite
def cases(draw):
    columns, rows = draw(st.integers(2, 8)), draw(st.integers(8, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    gross = draw(st.sampled_from([0.3, 0.5, 0.9]))
    long_short = draw(st.booleans())
    decisions = sorted(draw(st.sets(st.integers(0, rows - 2), min_size=1, max_size=5)))
    weights = {}
    for row in decisions:
        raw = rng.normal(size=columns) if long_short else rng.random(columns)
        raw[rng.random(columns) < 0.25] = 0.0
        if np.abs(raw).sum() > 0:
            weights[row] = raw / np.abs(raw).sum() * gross
    instant = draw(st.sampled_from(["open", "close"]))
    bps = draw(st.sampled_from([0.0, 5.0, 30.0]))
    # Vanilla applies no slippage to orders at the close.
    slip = draw(st.sampled_from([0.0, 10.0])) if instant == "open" else 0.0
    return (rows, columns), seed, weights, instant, bps, slip


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_plans_fill_as_in_vanilla_backtrader(case, make_panel):
    shape, seed, weights, instant, bps, slip = case
    panel = make_panel(shape=shape, seed=seed)
    vanilla = run_vanilla(panel, weights, instant, bps, slip)
    assert "refused" not in vanilla.fills, "the cases are small enough to be filled whole"
    ours, account = run_ours(panel, weights, instant, bps, slip)
    fills = flat_fills(account)
    assert sorted(row[:2] for row in fills) == sorted(row[:2] for row in vanilla.fills)
    ordered = sorted(fills), sorted(vanilla.fills)
    for mine, theirs in zip(*ordered, strict=True):
        assert mine[2:] == pytest.approx(theirs[2:], rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(ours.seen, vanilla.seen, rtol=1e-9)
    np.testing.assert_allclose(ours.seen, ledger(panel, fills), rtol=1e-9)
