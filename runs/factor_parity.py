"""Risk parity across factor exposures as a configuration asks for it, made before the run."""

from __future__ import annotations

import numpy as np

from configs.schema import BacktestConfig
from factors.composite import Scores
from feeds.panel import Panel
from strategies.factor_books import factor_books
from strategies.factor_parity import FactorParity, RiskBudget, factor_parity
from strategies.portfolio_rules import PortfolioRules
from strategies.targets import Signals

__all__ = ["prepare_parity", "risk_budget"]


def prepare_parity(
    config: BacktestConfig,
    panel: Panel,
    scores: Scores,
    signals: Signals,
    rules: PortfolioRules,
) -> FactorParity:
    """Books of every decision; factors' portfolios do not depend on the account.

    A factor with a negative weight is turned round, one with a weight of 0 is no exposure: how
    much of a factor is held follows from its budget of risk, not from the size of its weight.

    Parameters
    ----------
    config : BacktestConfig
    panel : Panel
    scores : Scores
        Of the decision rows.
    signals : Signals
        Their eligible assets and trends; assets are ranked where the run ranks them.
    rules : PortfolioRules
    """
    entries = zip(config.factors.values(), scores.columns, scores.scaled, strict=True)
    signed = {
        column: np.sign(entry.weight) * scaled for entry, column, scaled in entries if entry.weight
    }
    exposures, books = factor_books(
        signed,
        signals.eligible & np.isfinite(signals.score),
        signals.eligible,
        signals.trend,
        panel.asset_class,
        rules,
    )
    budget = risk_budget(config, scores.columns)
    return factor_parity(panel, signals.rows, exposures, books, rules, budget, tuple(signed))


def risk_budget(config: BacktestConfig, columns: tuple[str, ...]) -> RiskBudget:
    """The configured budgets, factors by their columns: ``value_proxy`` for a proxy of value."""
    given = config.portfolio.risk_budget
    column_of = dict(zip(config.factors, columns, strict=True))
    factors = {column_of[name]: share for name, share in given.factors.items()}
    return RiskBudget(factors, dict(given.sleeves), given.streams)
