"""Our lanes in the comparison."""

from __future__ import annotations

from collections.abc import Callable

import backtrader as bt
import numpy as np

from benchmarks.contest import Engine, Outcome
from benchmarks.panels import CASH, COMMISSION_BPS, LOT, SLIPPAGE_BPS, Case
from benchmarks.rotation import Rotation, plan_of
from feeds.panel import Panel
from strategies.construction import PortfolioRules, Target
from strategies.execution.account import Account, AccountRules
from strategies.execution.basket import Limits
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.slippage import BpsSlippage
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals

__all__ = ["LANES", "Listening", "run_factor"]


class Listening(FactorRebalance):
    """FactorRebalance that is told of every order and every trade."""

    def __init__(self) -> None:
        super().__init__()
        self.orders = self.fills = self.closed = 0
        self.commission = self.profit = 0.0

    def notify_order(self, order: bt.Order) -> None:
        self.orders += 1
        if order.status == order.Completed:
            self.fills += 1
            self.commission += order.executed.comm

    def notify_trade(self, trade: bt.Trade) -> None:
        if trade.isclosed:
            self.closed += 1
            self.profit += trade.pnlcomm


def make_account(panel: Panel) -> Account:
    """An account with the costs of the comparison and no carry."""
    columns = panel.shape[1]
    costs = TradingCosts(
        np.zeros(columns, dtype=np.intp),
        (PercentCommission(COMMISSION_BPS),),
        (BpsSlippage(SLIPPAGE_BPS),),
    )
    rates = np.zeros(columns)
    rules = AccountRules(CASH, Limits(0.0, 0.25), 10, {"data_end": 0.0})
    return Account(panel, costs, Carry(rates, rates), rules)


def signals_of(case: Case) -> tuple[Signals, dict[int, Target]]:
    """The case's weights as targets that are already known; scores are not asked for."""
    nothing = np.broadcast_to(np.nan, case.weights.shape)
    eligible = np.broadcast_to(True, case.weights.shape)
    signals = Signals(case.rows, eligible, nothing, nothing)
    return signals, {number: Target(row, ()) for number, row in enumerate(case.weights)}


def run_factor(
    panel: Panel, signals: Signals, targets: dict[int, Target], kind: type = FactorRebalance
) -> tuple[Account, FactorRebalance]:
    """One run of `kind` over a panel: the factor lane if nothing listens."""
    account = make_account(panel)
    cerebro = PanelCerebro(panel, account, stdstats=False)
    cerebro.addstrategy(
        kind,
        panel=panel,
        signals=signals,
        portfolio=PortfolioRules(),
        orders=OrderRules(lots={"equity": LOT}, fill="next_open"),
        targets=targets,
    )
    return account, cerebro.run()[0]


def run_rotation(panel: Panel, plan: dict) -> tuple[bt.Cerebro, Rotation]:
    """One run of the ordinary strategy on the general lane."""
    cerebro = PanelCerebro(panel, stdstats=False)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION_BPS / 1e4)
    cerebro.broker.set_slippage_perc(SLIPPAGE_BPS / 1e4, slip_open=True, slip_out=True)
    cerebro.addstrategy(Rotation, plan=plan)
    return cerebro, cerebro.run()[0]


def _prepare_factor(kind: type) -> Callable[[Case], Callable[[], Outcome]]:
    def prepare(case: Case) -> Callable[[], Outcome]:
        panel = case.fresh()
        signals, targets = signals_of(case)

        def run() -> Outcome:
            account, _ = run_factor(panel, signals, targets, kind)
            return Outcome(account.value, sum(len(fill[3]) for fill in account.journal.fills))

        return run

    return prepare


def _prepare_rotation(case: Case) -> Callable[[], Outcome]:
    panel, plan = case.fresh(), plan_of(case)

    def run() -> Outcome:
        cerebro, strategy = run_rotation(panel, plan)
        return Outcome(cerebro.broker.getvalue(), strategy.fills)

    return run


LANES = (
    Engine(
        "factor",
        "our factor lane",
        _prepare_factor(FactorRebalance),
        "the yardstick: fills, cash and the value of every day are kept as columns",
    ),
    Engine(
        "listened",
        "our general lane, FactorRebalance, all notifications",
        _prepare_factor(Listening),
        "the same run to the last bit, with an Order and a Trade object for every ticket",
        turns=5,
    ),
    Engine(
        "general",
        "our general lane, ordinary bt.Strategy",
        _prepare_rotation,
        "the class that runs on vanilla Backtrader, with its orders and notifications",
        turns=5,
    ),
)
