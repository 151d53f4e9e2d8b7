"""A run costs the memory of what it holds and records, not that of the panel."""

from __future__ import annotations

import tracemalloc

import numpy as np

from strategies.construction import PortfolioRules, Target
from strategies.execution.account import Account, AccountRules
from strategies.execution.basket import Limits
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from tests.engine_case import RETURNS, make_costs

ROWS, COLUMNS = 4000, 250


def decided(rng):
    """A decile long and a decile short, every 21 rows."""
    rows = np.arange(20, ROWS - 1, 21)
    targets = {}
    for number in range(len(rows)):
        order = rng.permutation(COLUMNS)
        weights = np.zeros(COLUMNS)
        weights[order[:25]], weights[order[-25:]] = 0.02, -0.02
        targets[number] = Target(weights, ())
    every = np.ones((len(rows), COLUMNS))
    return Signals(rows, every > 0, every, every), targets


def test_no_array_of_the_whole_panel_is_made(make_panel):
    # Holes, late listings and a death, so that marks, ages and opens are looked up.
    rng = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (ROWS, COLUMNS)), axis=0))
    open_ = close * 1.001
    close[rng.random(close.shape) < 0.01] = np.nan
    close[:900, :20] = np.nan
    close[2000:, 20:40] = np.nan
    panel = make_panel(close, open_)
    signals, targets = decided(rng)
    rates = Carry(np.full(COLUMNS, 0.01), np.zeros(COLUMNS))
    rules = AccountRules(1e6, Limits(0.0, 0.25), 10, RETURNS, 0.5)
    account = Account(
        panel, make_costs(COLUMNS, PercentCommission(5), BpsSlippage(5)), rates, rules
    )
    for number, row in enumerate(signals.rows.tolist()):
        # Only what has a bar can be wanted.
        weights = np.where(panel.tradable[row], targets[number].weights, 0.0)
        targets[number] = Target(weights, ())
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(
        FactorRebalance,
        panel=panel,
        signals=signals,
        portfolio=PortfolioRules(),
        orders=OrderRules(),
        targets=targets,
    )
    tracemalloc.start()
    try:
        cerebro.run()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # One block of the panel's floats is 8 MB; what is kept is fills and carry.
    assert peak - kept < 0.1 * panel.close.nbytes
    assert {"mark", "age", "adjustment", "raw_close"}.isdisjoint(panel.__dict__)
    assert len(account.journal.fills) > len(signals.rows)
