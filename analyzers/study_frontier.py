"""What a sleeve of another class does to the mean-variance frontier of factor returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyzers.frontier import efficient_frontier, minimum_variance_weights, tangency_weights
from analyzers.frontier_comparison import compare_frontiers

__all__ = ["FRONTIER_COLUMNS", "frontier_tables"]

FRONTIER_COLUMNS = (
    "base", "sleeve", "assets", "rule", "kind", "name", "mean_annual", "volatility", "sharpe",
    "weight", "observations",
)  # fmt: skip
_WEEKS = 52
#: Weeks before the first weights out of sample, and between new ones.
_FIRST, _STEP = 52, 13
_DRAWS = 499
#: Of each curve.
_POINTS = 25
_FREE_ONLY = ("adjusted", "inverse_volatility")
_RULES = {"long only": True, "unconstrained": False}


def frontier_tables(
    weekly: Mapping[str, pd.DataFrame], *, seed: int = 7
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Frontiers of one class's factors and market, without and with those of each other class.

    Parameters
    ----------
    weekly : dict of str to (W, K) DataFrame
        Excess or zero-cost weekly returns by class. Equities are the base where they are among
        them, the first class otherwise.
    seed : int
        Of the bootstrap.

    Returns
    -------
    frontier : DataFrame
        FRONTIER_COLUMNS.
    tests : list of dict
        Rows of ``sleeve_test``: is the largest Sharpe ratio with the sleeve more than without?
    """
    lines: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    base = "equity" if "equity" in weekly else next(iter(weekly), None)
    for sleeve in weekly:
        if sleeve != base:
            own = weekly[base].rename(columns=lambda name: f"{base} {name}")
            more = weekly[sleeve].rename(columns=lambda name: f"{sleeve} {name}")
            both = _varying(pd.concat([own, more], axis=1, join="inner"))
            own = both[[name for name in own if name in both]]
            if 0 < own.shape[1] < both.shape[1] and len(both) > both.shape[1] + 2:
                lines += _lines(base, sleeve, own, both)
                tests += _tests(base, sleeve, own, both, seed)
    return pd.DataFrame(lines, columns=list(FRONTIER_COLUMNS)), tests


def _varying(joined: pd.DataFrame) -> pd.DataFrame:
    """Weeks that know every series, without series that never move in them."""
    known = joined.dropna(axis=1, how="all").dropna()
    return known.loc[:, (known != known.iloc[0]).any()] if len(known) else known


def _lines(base: str, sleeve: str, own: pd.DataFrame, both: pd.DataFrame) -> list[dict[str, Any]]:
    """Curves, tangency and minimum-variance portfolios with their weights, single series."""
    found: list[dict[str, Any]] = []
    head = {"base": base, "sleeve": sleeve, "observations": len(both)}
    for rule, long_only in _RULES.items():
        for assets, returns in (("without", own), ("with", both)):
            place = {**head, "assets": assets, "rule": rule}
            curve = efficient_frontier(
                returns, periods_per_year=_WEEKS, points=_POINTS, long_only=long_only
            )
            for number, row in enumerate(curve.to_dict("records")):
                risk = {name: row[name] for name in ("mean_annual", "volatility")}
                found.append({**place, "kind": "curve", "name": str(number), **risk})
            chosen = {
                "tangency": tangency_weights(returns, long_only=long_only),
                "minimum_variance": minimum_variance_weights(returns, long_only=long_only),
            }
            for kind, weights in chosen.items():
                found.append({**place, "kind": kind, "name": "", **_moments(returns @ weights)})
                found += [
                    {**place, "kind": f"{kind}_weight", "name": name, "weight": float(weight)}
                    for name, weight in weights.items()
                ]
    for name in both:
        place = {**head, "assets": "with", "rule": "", "kind": "series"}
        found.append({**place, "name": name, **_moments(both[name])})
    return found


def _moments(returns: pd.Series) -> dict[str, float]:
    mean = float(returns.mean()) * _WEEKS
    spread = float(returns.std(ddof=1)) * _WEEKS**0.5
    return {
        "mean_annual": mean,
        "volatility": spread,
        "sharpe": mean / spread if spread > 0.0 else np.nan,
    }


def _tests(
    base: str, sleeve: str, own: pd.DataFrame, both: pd.DataFrame, seed: int
) -> list[dict[str, Any]]:
    """Largest Sharpe ratios in sample, corrected for luck, and out of sample."""
    more = both[[name for name in both if name not in own]]
    found = []
    for rule, long_only in _RULES.items():
        compared = compare_frontiers(
            own,
            more,
            periods_per_year=_WEEKS,
            minimum=_FIRST,
            step=_STEP,
            long_only=long_only,
            draws=_DRAWS,
            rng=np.random.default_rng(seed),
        )
        names = {"base": "sharpe_without", "joint": "sharpe_with"}
        table = compared.table.rename(columns=names)
        head = {"tested": sleeve, "benchmarks": base, "rule": rule}
        # What does not depend on the rule, or has no long-only form, stands once.
        kept = table if not long_only else table[~table["measure"].isin(_FREE_ONLY)]
        found += [{**head, **row} for row in kept.to_dict("records")]
        if not long_only:
            least = {"measure": "detectable", "sharpe_with": compared.detectable}
            found.append({**head, **least, "test": "grs", "observations": len(both)})
    return found
