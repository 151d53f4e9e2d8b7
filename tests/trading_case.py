"""`FactorRebalance` on small panels, with rules of trading and stops."""

from __future__ import annotations

import numpy as np

from strategies.construction import PortfolioRules
from strategies.execution.cerebro import PanelCerebro
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from tests.engine_case import fills_of, make_account

LONG = PortfolioRules(quantile=1.0, min_breadth=1)


def run(
    panel,
    scores,
    *,
    portfolio=LONG,
    account=None,
    eligible=None,
    shortable=None,
    stops=None,
    kind=FactorRebalance,
    **orders,
):
    """Scores by decision row, run on the engine at closes; the strategy and the account."""
    rows = np.array(sorted(scores))
    score = np.array([scores[row] for row in rows.tolist()], dtype=float)
    may = np.isfinite(score) & panel.tradable[rows] if eligible is None else np.array(eligible)
    account = account or make_account(panel)
    cerebro = PanelCerebro(panel, account)
    orders = {"fill": "next_close", "lots": {"equity": 1.0}, **orders}
    cerebro.addstrategy(
        kind,
        panel=panel,
        signals=Signals(rows, may, score, score, shortable=shortable),
        portfolio=portfolio,
        orders=OrderRules(**orders),
        stops=stops,
    )
    return cerebro.run()[0], account


def sizes(account):
    """(row, symbol, size) of every fill."""
    return [(row, name, size) for row, name, _, size, _, _ in fills_of(account)]


def trades(account):
    """(row, symbol, reason, size) of every fill."""
    return [(row, name, why, size) for row, name, why, size, _, _ in fills_of(account)]
