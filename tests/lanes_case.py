"""`FactorRebalance` over any panel, asleep between its decisions or followed by somebody."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import backtrader as bt
import numpy as np

from analyzers.recorder import Recorder
from feeds.panel import Panel
from strategies.construction import PortfolioRules
from strategies.execution.account import Account, AccountRules
from strategies.execution.basket import Limits
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from strategies.stops import StopRules
from tests.engine_case import RETURNS, make_costs
from tests.vanilla_case import punch


@dataclass(frozen=True, eq=False)
class World:
    """A panel, scores by decision row, rules, and how to open an account over it."""

    panel: Panel
    signals: Signals
    portfolio: PortfolioRules
    orders: OrderRules
    open_account: Callable[[], Account]
    stops: StopRules | None = None


def any_world(make_panel, seed: int) -> World:
    """A panel with holes and ends, a book that may be scaled or liquidated, costs and carry.

    Some rebalance in parts, give up what loses, or trade a part of what they want.
    """
    rng = np.random.default_rng(seed)
    shape = rows, columns = int(rng.integers(12, 45)), int(rng.integers(2, 9))
    close = 50 * np.exp(np.cumsum(rng.normal(0, rng.choice([0.02, 0.15]), shape), axis=0))
    punch(close, rng, rng.choice([0.0, 0.7]))
    panel = make_panel(
        close,
        close * np.exp(rng.normal(0, 0.01, shape)),
        calendar=str(rng.choice(["24/7", "XNYS"])),
        end_reason=rng.choice(["bankruptcy", "unknown", "merger", "data_end"], columns),
        volume=np.where(np.isfinite(close), rng.choice([0.0, 300.0, 9e3], shape), np.nan),
    )
    at = np.sort(rng.choice(rows, size=rng.integers(1, 8), replace=False))
    score = rng.normal(size=(len(at), columns))
    score[rng.random(score.shape) < 0.2] = np.nan
    signals = Signals(at, np.isfinite(score) & panel.tradable[at], score, score)
    side, gross = [("long_only", 1.0), ("long_only", 1.3), ("long_short", 3.6)][rng.integers(3)]
    portfolio = PortfolioRules(side=side, quantile=0.5, gross=gross, min_breadth=2)
    lots, fill = {"equity": float(rng.choice([1e-8, 1.0]))}, str(rng.choice(["auto", "next_close"]))
    # Every fourth one, so that the wilder of the others are still liquidated.
    extra = _trading(seed) if seed % 4 == 2 else {}
    stops = _stops(seed) if seed % 4 == 2 else None
    orders = OrderRules(lots, fill, **extra)
    return World(panel, signals, portfolio, orders, _account(rng, panel), stops)


def _trading(seed: int) -> dict:
    rng = np.random.default_rng([seed, 1])
    return {
        "spread_over": int(rng.choice([1, 1, 2, 4])),
        "trade_fraction": float(rng.choice([1.0, 1.0, 0.5])),
        "turnover_budget": [None, None, 0.4][rng.integers(3)],
        "min_ticket": {"equity": float(rng.choice([0.0, 5000.0]))},
    }


def _stops(seed: int) -> StopRules | None:
    rng = np.random.default_rng([seed, 2])
    rules = StopRules(loss=0.1, trailing=0.15, cool_off=int(rng.integers(0, 9)))
    return rules if rng.random() < 0.7 else None


def _account(rng: np.random.Generator, panel: Panel) -> Callable[[], Account]:
    columns = panel.shape[1]
    half = np.arange(columns) % 2 * 1.0
    rates = (half * 0.1, (1 - half) * 0.2, 0.03, 0.01) if rng.random() < 0.5 else (half * 0,) * 2
    costs = make_costs(
        columns,
        PercentCommission(rng.choice([0.0, 20.0]), 1.0),
        BpsSlippage(rng.choice([0.0, 25.0])),
    )
    rules = AccountRules(
        100_000.0,
        Limits(rng.choice([0.0, 0.1])),
        int(rng.choice([2, 1000])),
        RETURNS,
        0.5 if rng.random() < 0.3 else None,
    )
    return lambda: Account(panel, costs, Carry(*rates), rules)


def run_world(world: World, kind: type[FactorRebalance] = FactorRebalance, prepare=None):
    """The world on the panel engine, with our own analyzer; the strategy and the account."""
    account = world.open_account()
    cerebro = PanelCerebro(world.panel, account)
    cerebro.addstrategy(
        kind,
        panel=world.panel,
        signals=world.signals,
        portfolio=world.portfolio,
        orders=world.orders,
        stops=world.stops,
    )
    cerebro.addanalyzer(Recorder, _name="recorder")
    if prepare is not None:
        prepare(cerebro)
    return cerebro.run()[0], account


# Those who listen


class HearsOrders(FactorRebalance):
    heard = 0

    def notify_order(self, order):
        self.heard += 1


class HearsTrades(FactorRebalance):
    heard = 0

    def notify_trade(self, trade):
        self.heard += 1


class HearsCash(FactorRebalance):
    heard = 0

    def notify_cashvalue(self, cash, value):
        self.heard += 1


class HearsFund(FactorRebalance):
    heard = 0

    def notify_fund(self, cash, value, fundvalue, shares):
        self.heard += 1


class FollowsBars(FactorRebalance):
    heard = 0

    def next(self):
        self.heard += 1
        super().next()


#: Strategies that listen themselves.
LISTENING = (HearsOrders, HearsTrades, HearsCash, HearsFund, FollowsBars)


def analyzer(kind):
    return lambda cerebro: cerebro.addanalyzer(kind)


def observer(kind):
    return lambda cerebro: cerebro.addobserver(kind)


def timer(cerebro):
    cerebro.add_timer(bt.Timer.SESSION_START)


def writer(cerebro):
    cerebro.addwriter(bt.WriterFile, out=io.StringIO(), csv=True)


#: What else can be attached to a run and wants to know of its bars or orders.
ATTACHED = {
    "TradeAnalyzer": analyzer(bt.analyzers.TradeAnalyzer),
    "Transactions": analyzer(bt.analyzers.Transactions),
    "TimeReturn": analyzer(bt.analyzers.TimeReturn),
    "DrawDown": analyzer(bt.analyzers.DrawDown),
    "Value": observer(bt.observers.Value),
    "Trades": observer(bt.observers.Trades),
    "timer": timer,
    "writer": writer,
}


def count_steps(monkeypatch) -> Counter:
    """How often any account is stepped from now on."""
    steps, step = Counter(), Account.step

    def counted(self, row):
        steps["rows"] += 1
        step(self, row)

    monkeypatch.setattr(Account, "step", counted)
    return steps
