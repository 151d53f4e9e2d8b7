"""The same study under other costs or another capital, and what its runs are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analyzers.cost_break_even import COST_FIGURES, CostBasis, cost_figures
from feeds.errors import ConfigError
from runs.assemble import Study, execute
from strategies.execution.costs import make_trading_costs

__all__ = [
    "TABLES",
    "Progress",
    "cost_basis",
    "figures_of",
    "run_again",
    "with_capital",
    "with_costs",
]

#: Tables of a run that its figures need.
TABLES = ("values", "fills", "carry")
#: Told of a stage: its name, steps done and steps in all.
Progress = Callable[[str, int, int], None]
Entries = Mapping[str, Mapping[str, Any]]


def with_costs(study: Study, commission: Entries, slippage: Entries) -> Study:
    """The same study under other schemes, by asset class; targets are shared.

    Raises
    ------
    ConfigError
        If a scheme is unknown, or needs what the data lack.
    """
    config = study.config
    market = study.costs.market
    made = make_trading_costs(
        study.panel, commission, slippage, config.data.dir, config.seed, market
    )
    # Ticks are those of the study.
    costs = replace(study.costs, commissions=made.commissions, slippages=made.slippages)
    return replace(study, costs=costs)


def with_capital(study: Study, capital: float) -> Study:
    """The same study with another starting capital, in currency."""
    config = study.config
    execution = config.execution.model_copy(update={"starting_cash": float(capital)})
    return replace(study, config=config.model_copy(update={"execution": execution}))


def cost_basis(study: Study, sessions: pd.DatetimeIndex) -> CostBasis:
    """What the figures of a run from the first to the last of `sessions` are held against."""
    config, panel = study.config, study.panel
    at = np.searchsorted(panel.dates, sessions.to_numpy().astype("datetime64[D]"))
    days = np.diff(panel.dates[at].astype("datetime64[D]").astype("int64"))
    start = float(config.execution.starting_cash)
    final = start
    if len(days):
        nothing = np.zeros(0, dtype=np.intp)
        none_held = np.zeros((len(days), 0))
        after, _ = study.carry.settle(days, start, nothing, none_held, int(at[1]))
        final = float(after[-1])
    return CostBasis(start, final, panel.periods_per_year, study.carry.cash_annual)


def run_again(study: Study, scale: float = 1.0) -> dict[str, Any] | None:
    """The tables of a run at `scale` times its costs; None where nothing could be traded."""
    try:
        return execute(study, scale, TABLES).tables
    except ConfigError:
        # Costs that no lot can bear, or money for none: an answer, not a mistake.
        return None


def figures_of(study: Study, tables: Mapping[str, Any] | None) -> dict[str, float]:
    """Performance and cost of a run, from its tables; NaN where there are none."""
    if tables is None:
        return dict.fromkeys(COST_FIGURES, np.nan)
    values = tables["values"]
    basis = cost_basis(study, values.index)
    return cost_figures(values["value"], tables["fills"], tables["carry"], basis)
