"""Does one asset class add to the factors of another? Spanning, and the frontier with a sleeve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyzers.return_metrics import session_rate
from analyzers.spanning import grs_test, hac_alpha_test, spanning_alphas
from analyzers.study_frontier import FRONTIER_COLUMNS, frontier_tables
from analyzers.study_part import StudyPart, StudyRules

__all__ = ["WEEKS", "sleeve_tables", "weekly_returns"]

#: Weeks a year.
WEEKS = 52
MARKET = "market"
_SPANNING_COLUMNS = (
    "asset_class", "factor", "benchmarks", "alpha_annual", "t_stat", "p_value", "r_squared",
    "appraisal_annual", "observations", "lags",
)  # fmt: skip
_TEST_COLUMNS = (
    "tested", "benchmarks", "rule", "measure", "sharpe_without", "sharpe_with", "difference",
    "test", "p_value", "p_bootstrap", "observations", "reason",
)  # fmt: skip


def weekly_returns(returns: pd.DataFrame) -> pd.DataFrame:
    """Session returns compounded to weeks that end on Sundays.

    A week counts for a column only where all its sessions are known. Closes of coins and stocks
    are hours apart: over a week that matters little, over a session much.
    """
    if not len(returns):
        return returns
    weeks = returns.index.to_period("W-SUN").to_timestamp(how="end").normalize()
    grown = (1.0 + returns).groupby(weeks).prod() - 1.0
    return grown.where(returns.notna().groupby(weeks).all()).rename_axis("date")


def sleeve_tables(
    by_group: Mapping[str, Sequence[StudyPart]],
    returns: pd.DataFrame,
    markets: pd.DataFrame,
    rules: StudyRules,
    *,
    cash_annual: float = 0.0,
    seed: int = 7,
) -> dict[str, pd.DataFrame]:
    """Tables ``spanning``, ``sleeve_test`` and ``frontier`` of `FactorResults`.

    All on weekly returns: factor portfolios as they are, and each class's equally weighted
    market less the interest on cash.

    Parameters
    ----------
    by_group : dict of str to sequence of StudyPart
        A class too thin for any factor is there with its market alone.
    returns : (T, K) DataFrame
        Session returns, one column a key.
    markets : (T, classes) DataFrame
    rules : StudyRules
    cash_annual : float
    seed : int
        Of the bootstrap.
    """
    rate = session_rate(cash_annual, rules.periods_per_year)
    own = {group: {part.factor: returns[part.key] for part in parts}
           for group, parts in by_group.items()}  # fmt: skip
    classes = [group for group in markets if group != "all"]
    weekly = {}
    for group in classes:
        series = {**own.get(group, {}), MARKET: markets[group] - rate}
        weekly[group] = weekly_returns(pd.DataFrame(series))
    alphas = [_within(group, weekly[group]) for group in classes]
    tests = []
    for group in classes:
        for other in classes:
            if other != group:
                table, joint = _across(group, weekly[group], other, weekly[other])
                alphas.append(table)
                tests += joint
    frontier, compared = frontier_tables(weekly, seed=seed)
    spanning = [table for table in alphas if len(table)]
    return {
        "spanning": (
            pd.concat(spanning, ignore_index=True)
            if spanning
            else pd.DataFrame(columns=list(_SPANNING_COLUMNS))
        ),
        "sleeve_test": pd.DataFrame([*tests, *compared], columns=list(_TEST_COLUMNS)),
        "frontier": frontier.reindex(columns=[*FRONTIER_COLUMNS]),
    }


def _within(group: str, weekly: pd.DataFrame) -> pd.DataFrame:
    """Alpha of each factor on the others of its class and their market."""
    tables = []
    for factor in weekly:
        others = weekly.drop(columns=factor)
        if factor != MARKET and len(others.columns):
            tables.append(_alphas(group, weekly[[factor]], others, f"{group}, the others"))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _across(
    group: str, weekly: pd.DataFrame, other: str, benchmarks: pd.DataFrame
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Alphas of a class's factors and market on all those of another, and whether all are 0."""
    renamed = benchmarks.rename(columns=lambda name: f"{other} {name}")
    table = _alphas(group, weekly, renamed, other)
    joint = []
    for found in (grs_test(weekly, renamed), hac_alpha_test(weekly, renamed)):
        without, joined = (
            ratio * WEEKS**0.5 for ratio in (found.benchmark_sharpe, found.joint_sharpe)
        )
        joint.append(
            {
                "tested": group,
                "benchmarks": other,
                "rule": "unconstrained",
                "measure": "alphas",
                "sharpe_without": without,
                "sharpe_with": joined,
                "difference": joined - without,
                "test": found.name,
                "p_value": found.p_value,
                "observations": found.observations,
                "reason": found.reason,
            }
        )
    return table, joint


def _alphas(group: str, tests: pd.DataFrame, benchmarks: pd.DataFrame, name: str) -> pd.DataFrame:
    table = spanning_alphas(tests, benchmarks, periods_per_year=WEEKS)
    table = table.rename(columns={"test": "factor"}).assign(asset_class=group, benchmarks=name)
    # Alphas beyond the number of weeks are not defined; what is not known stays missing.
    return table.replace({None: np.nan}).reindex(columns=list(_SPANNING_COLUMNS))
