"""What a study asks of all its factors: decay, slopes, likeness of scores, regimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyzers.decay import half_life, ic_by_window, ic_decay, spread_by_horizon
from analyzers.fama_macbeth import fama_macbeth
from analyzers.information import forward_returns, overlap_lags, rank_correlation
from analyzers.regimes import returns_by_regime, trend_regime, volatility_regime, year_regime
from analyzers.regression import automatic_lags
from analyzers.study_part import StudyPart, StudyRules
from analyzers.study_sleeves import sleeve_tables
from analyzers.study_tables import stacked
from factors.preprocess import rank_scale

__all__ = ["horizons_of", "research_tables"]

#: Sessions by which the decay is measured: a day to a year.
_HORIZONS = {252: (1, 5, 10, 21, 63, 126, 252), 365: (1, 7, 14, 30, 91, 182, 365)}
_DECAY_COLUMNS = (
    "asset_class", "factor", "horizon", "ic_mean", "ic_sd", "icir", "ic_t", "lags",
    "observations", "spread_annual", "spread_t", "ic_half_life",
)  # fmt: skip
_LIKENESS_COLUMNS = ("asset_class", "factor", "other", "correlation", "decisions")
_SLOPE_COLUMNS = (
    "asset_class", "model", "factor", "slope", "slope_annual", "t_stat", "r_squared", "dates",
    "assets_mean", "lags",
)  # fmt: skip
_REGIME_COLUMNS = (
    "asset_class", "factor", "kind", "regime", "mean_annual", "volatility", "sharpe", "t_stat",
    "observations", "share", "difference_annual", "difference_t",
)  # fmt: skip


def horizons_of(rules: StudyRules) -> tuple[int, ...]:
    """Sessions of the decay, the study's own horizon among them."""
    periods = rules.periods_per_year
    known = _HORIZONS.get(periods) or tuple(
        sorted({max(1, round(share * periods / 252)) for share in _HORIZONS[252]})
    )
    return tuple(sorted({*known, rules.horizon}))


def research_tables(
    parts: Sequence[StudyPart],
    returns: pd.DataFrame,
    markets: pd.DataFrame,
    rules: StudyRules,
    *,
    cash_annual: float = 0.0,
    seed: int = 7,
) -> dict[str, Any]:
    """The tables of `FactorResults` that look at several factors, or several horizons.

    Parameters
    ----------
    parts : sequence of StudyPart
    returns : (T, K) DataFrame
        Session returns before costs, one column a key.
    markets : (T, classes) DataFrame
        Equally weighted assets of each class.
    rules : StudyRules
    cash_annual : float
        Interest on cash, which a market is compared with.
    seed : int
        Of the bootstrap in the test of the frontier.
    """
    by_group: dict[str, list[StudyPart]] = {}
    for part in parts:
        by_group.setdefault(part.group, []).append(part)
    return {
        "decay": stacked([_decay(part) for part in parts], _DECAY_COLUMNS),
        "score_correlation": _likeness(by_group),
        "fama_macbeth": stacked([_slopes(group) for group in by_group.values()], _SLOPE_COLUMNS),
        "regimes": stacked(
            [_regimes(group, returns, markets, rules) for group in by_group.values()],
            _REGIME_COLUMNS,
        ),
        **sleeve_tables(by_group, returns, markets, rules, cash_annual=cash_annual, seed=seed),
    }


def _decay(part: StudyPart) -> pd.DataFrame:
    """IC and quantile spread over each horizon; the half-life stands on every row."""
    rules, data = part.rules, part.data
    given = (part.scores, data.closed_marks, data.rows)
    horizons = horizons_of(rules)
    ic = ic_decay(*given, horizons)
    spread = spread_by_horizon(
        *given, rules.quantiles, horizons, periods_per_year=rules.periods_per_year
    )
    month = max(1, rules.periods_per_year // 12)
    windows = ic_by_window(*given, tuple(range(0, 12 * month + 1, month)))
    ages = (windows["start"] + windows["stop"]) / 2.0
    table = pd.DataFrame(
        {
            "asset_class": part.group,
            "factor": part.factor,
            "horizon": ic["horizon"],
            "ic_mean": ic["mean"],
            "ic_sd": ic["sd"],
            "icir": ic["icir"],
            "ic_t": _tested(ic),
            "lags": ic["lags"].astype(int),
            "observations": ic["observations"].astype(int),
            "spread_annual": spread["spread_annual"],
            "spread_t": _tested(spread),
            "ic_half_life": half_life(ages.to_numpy(), windows["mean"].to_numpy()),
        }
    )
    return table[list(_DECAY_COLUMNS)]


def _tested(table: pd.DataFrame) -> pd.Series:
    """t-statistics, missing where the decisions hold fewer than two windows apart."""
    return table["t_stat"].where(table["observations"] >= 2 * (table["lags"] + 1))


def _likeness(by_group: Mapping[str, Sequence[StudyPart]]) -> pd.DataFrame:
    """Mean rank correlation of two factors' scores over the decisions that rank both."""
    lines = []
    for group, parts in by_group.items():
        for number, part in enumerate(parts):
            for other in parts[number + 1 :]:
                found = rank_correlation(part.scores, other.scores)
                known = found[np.isfinite(found)]
                mean = float(known.mean()) if len(known) else np.nan
                lines.append((group, part.factor, other.factor, mean, len(known)))
    return pd.DataFrame(lines, columns=list(_LIKENESS_COLUMNS))


def _slopes(parts: Sequence[StudyPart]) -> pd.DataFrame:
    """Fama-MacBeth slopes on ranks within (-1/2, 1/2): each factor alone, then all together."""
    data, rules = parts[0].data, parts[0].rules
    ahead = forward_returns(data.closed_marks, data.rows, rules.horizon)
    ranks = {part.factor: rank_scale(part.scores) for part in parts}
    models = [("alone", {name: values}) for name, values in ranks.items()]
    if len(ranks) > 1:
        models.append(("joint", ranks))
    floor = overlap_lags(data.rows, rules.horizon)
    lines = []
    for model, exposures in models:
        minimum = max(rules.min_breadth, len(exposures) + 3)
        lags = max(floor, automatic_lags(len(data.rows)))
        fit = fama_macbeth(ahead, exposures, lags=lags, minimum=minimum)
        used = fit.slopes.notna().all(axis=1)
        assets = float(fit.assets[used].mean()) if used.any() else np.nan
        for name in exposures:
            slope = float(fit.means[name])
            lines.append(
                (
                    parts[0].group, model, name, slope,
                    slope * rules.periods_per_year / rules.horizon, float(fit.t_stats[name]),
                    fit.r_squared, fit.dates, assets, fit.lags,
                )
            )  # fmt: skip
    return pd.DataFrame(lines, columns=list(_SLOPE_COLUMNS))


def _regimes(
    parts: Sequence[StudyPart], returns: pd.DataFrame, markets: pd.DataFrame, rules: StudyRules
) -> pd.DataFrame:
    """Returns of a class's factors by the state of its market, and by year."""
    group, periods = parts[0].group, rules.periods_per_year
    market = markets[group].dropna()
    own = returns[[part.key for part in parts]].reindex(market.index)
    kinds = {
        "trend": trend_regime(market, max(2, periods // 2)),
        "volatility": volatility_regime(market, max(5, periods // 4), max(5, periods)),
        "year": year_regime(market.index),
    }
    tables = []
    names = {part.key: part.factor for part in parts}
    for kind, regime in kinds.items():
        table = returns_by_regime(own, regime, periods_per_year=periods)
        table = table.assign(asset_class=group, kind=kind, factor=table["factor"].map(names))
        tables.append(table.reindex(columns=list(_REGIME_COLUMNS)))
    return stacked(tables, _REGIME_COLUMNS)
