"""A factor study: scores of several factors and classes into FactorResults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyzers.factor_performance import equal_weights, factor_correlation
from analyzers.factor_results import FactorResults
from analyzers.study_costs import Charge
from analyzers.study_everywhere import everywhere_tables
from analyzers.study_part import StudyData, StudyPart, StudyRules
from analyzers.study_research import research_tables
from analyzers.study_tables import (
    IC_COLUMNS,
    QUANTILE_COLUMNS,
    SUMMARY_COLUMNS,
    quantile_table,
    stacked,
    summary_row,
)
from factors.holdings import Endings, holding_returns

__all__ = ["StudyRules", "study_factors", "summarize_factors"]

_THIN_COLUMNS = ("asset_class", "factor", "ranked_max", "min_breadth")


def study_factors(
    scores: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    close_marks: np.ndarray,
    dates: np.ndarray,
    rows: np.ndarray,
    rules: StudyRules,
    *,
    labels: Mapping[str, str],
    ends: Endings | None = None,
    charge: Charge | None = None,
    cash_annual: float = 0.0,
    seed: int = 7,
    name: str = "Factor study",
    config: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    command: str = "",
) -> FactorResults:
    """Study each factor within each group of assets.

    Parameters
    ----------
    scores : dict of str to (R, N) array
        By factor column; higher is better. NaN is not ranked: not eligible, or not known.
    groups : dict of str to (N,) bool array
        Assets ranked together, by asset class.
    close_marks : (T, N) array
        Adjusted closes, the last mark carried.
    dates : (T,) datetime64 array
    rows : (R,) int array
        Decision rows, increasing.
    rules : StudyRules
    labels : dict
        Factor column to label.
    ends : Endings, optional
        When series end and at which delisting return. Without them a series that ends keeps
        its last mark.
    charge : Charge, optional
        What trades cost; without it they are free, and net figures are the gross ones.
    cash_annual : float
        Interest on cash, which a market is compared with.
    seed : int
        Of the bootstrap in the test of the frontier.
    name, config, notes, command
        Carried into the results.

    Returns
    -------
    FactorResults
        Portfolios hold cash at no interest over decisions that are too thin; a factor that
        is too thin in a group at every decision is in `thin` alone.
    """
    everything = StudyData(close_marks, dates, rows, np.arange(close_marks.shape[1]), ends, charge)
    parts, thin = _parts(scores, groups, everything, rules, labels)
    first = int(rows[0]) if len(rows) else 0
    gross = _wide({part.key: part.series(part.portfolio.returns) for part in parts}, everything)
    net = _wide({part.key: part.series(part.portfolio.net) for part in parts}, everything)
    quantiles = {part.key: quantile_table(part) for part in parts}
    markets = _markets(scores, groups, everything)
    keys = {part.key: f"{part.label}, {part.group}" for part in parts}
    found = FactorResults(
        name=name,
        config=dict(config or {}),
        factor_returns=gross.iloc[first:],
        quantile_returns={part.key: _quantile_returns(part).iloc[first:] for part in parts},
        ic=stacked([part.decisions for part in parts], IC_COLUMNS),
        quantiles=stacked(list(quantiles.values()), QUANTILE_COLUMNS),
        summary=_summary(parts, quantiles),
        thin=pd.DataFrame(thin, columns=list(_THIN_COLUMNS)),
        correlation=factor_correlation(gross.iloc[first:]),
        labels={**labels, **keys},
        notes=list(notes),
        horizon=rules.horizon,
        periods_per_year=rules.periods_per_year,
        net_returns=net.iloc[first:],
        market_returns=markets.iloc[first:],
        command=command,
        **everywhere_tables(scores, groups, parts, everything, rules),
        **research_tables(parts, gross, markets, rules, cash_annual=cash_annual, seed=seed),
    )
    return found


def summarize_factors(
    scores: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    close_marks: np.ndarray,
    dates: np.ndarray,
    rows: np.ndarray,
    rules: StudyRules,
    *,
    labels: Mapping[str, str],
    ends: Endings | None = None,
    charge: Charge | None = None,
) -> pd.DataFrame:
    """The summary of `study_factors` alone, with the same parameters."""
    everything = StudyData(close_marks, dates, rows, np.arange(close_marks.shape[1]), ends, charge)
    parts, _ = _parts(scores, groups, everything, rules, labels)
    return _summary(parts, {part.key: quantile_table(part) for part in parts})


def _summary(parts: Sequence[StudyPart], quantiles: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    lines = [summary_row(part, quantiles[part.key]) for part in parts]
    return pd.DataFrame(lines, columns=list(SUMMARY_COLUMNS))


def _parts(
    scores: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    everything: StudyData,
    rules: StudyRules,
    labels: Mapping[str, str],
) -> tuple[list[StudyPart], list[tuple[str, str, int, int]]]:
    """What is broad enough to be studied, and what is too thin at every decision."""
    parts, thin = [], []
    for group, members in groups.items():
        data = everything.taken(members)
        for factor, values in scores.items():
            ranked = np.asarray(values)[:, members]
            breadth = np.isfinite(ranked).sum(axis=1)
            broad = (breadth >= rules.min_breadth)[:, None]
            if broad.any():
                kept = np.where(broad, ranked, np.nan)
                parts.append(StudyPart(group, factor, labels[factor], kept, data, rules))
            else:
                thin.append((group, factor, int(breadth.max(initial=0)), rules.min_breadth))
    return parts, thin


def _markets(
    scores: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray], everything: StudyData
) -> pd.DataFrame:
    """(T, groups) returns of the assets with any score, equally weighted at each decision."""
    known = np.zeros((len(everything.rows), len(everything.columns)), dtype=bool)
    for values in scores.values():
        known |= np.isfinite(values)
    found = {}
    for group, members in groups.items():
        data = everything.taken(members)
        held = known[:, members]
        returns = holding_returns(data.marks, data.rows, equal_weights(held), ends=data.ends)
        if held.any():
            returns[: data.rows[np.argmax(held.any(axis=1))] + 2] = np.nan
            found[group] = pd.Series(returns, index=data.index)
    return _wide(found, everything)


def _quantile_returns(part: StudyPart) -> pd.DataFrame:
    return pd.DataFrame(
        {number + 1: part.series(book.returns) for number, book in enumerate(part.quantiles)}
    )


def _wide(columns: Mapping[str, pd.Series], everything: StudyData) -> pd.DataFrame:
    return pd.DataFrame(dict(columns), index=everything.index, dtype=float)
