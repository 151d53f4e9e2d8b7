"""Figures that hold the factors of a study against each other."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analyzers.factor_results import FactorResults
from analyzers.figures_layout import plot_heat_map, plot_intervals
from analyzers.figures_sleeves import plot_everywhere, plot_frontier, plot_spanning
from analyzers.study_labels import classes_of, number_text, short_label
from analyzers.style import NEGATIVE, PORTFOLIO, percent, short_percent, styled

__all__ = [
    "build_research_figures",
    "plot_costs",
    "plot_regimes",
    "plot_score_correlation",
    "plot_slopes",
    "plot_universes",
]

_WIDE = 1.96
#: Series in a matrix beyond which its numbers are hundredths.
_MANY = 12


def build_research_figures(results: FactorResults) -> dict[str, Figure]:
    """Figures of costs, likeness, regimes, slopes, spanning and universes that have numbers."""
    figures = {}
    if len(results.correlation) > 1:
        names = {
            key: short_label(results.labels.get(key, key)) for key in results.correlation.columns
        }
        figures["factor_correlation"] = _correlation(
            results.correlation.rename(index=names, columns=names),
            "Correlation of factor returns",
            "Returns of one session, before costs, within and across classes",
        )
    for name in classes_of(results):
        for kind, plot, table in (
            ("costs", plot_costs, results.summary),
            ("fama_macbeth", plot_slopes, results.fama_macbeth),
            ("regimes", plot_regimes, results.regimes),
            ("score_correlation", plot_score_correlation, results.score_correlation),
            ("universes", plot_universes, results.universes),
        ):
            if len(table) and (table["asset_class"] == name).any():
                figures[f"{kind}_{file_name(name)}"] = plot(results, name)
    for name, plot in (("spanning", plot_spanning), ("frontier", plot_frontier)):
        if len(getattr(results, name)):
            figures[name] = plot(results)
    if len(results.everywhere_returns.columns):
        figures["everywhere"] = plot_everywhere(results)
    return figures


def file_name(asset_class: str) -> str:
    """An asset class as part of a file's name."""
    return re.sub(r"\W+", "_", asset_class)


@styled
def plot_costs(results: FactorResults, asset_class: str) -> Figure:
    """Mean return a year before and after costs, with what costs may be."""
    table = _of_class(results.summary, asset_class)
    rows = pd.DataFrame(
        {
            "name": [short_label(results.labels.get(name, name)) for name in table["factor"]],
            "gross": table["mean_annual"],
            "net": table["net_mean_annual"],
            "cost": [percent(value, 1) for value in table["cost_annual"]],
            "borrow": [percent(value, 1) for value in table["borrow_annual"]],
            "even, bps": [number_text(value, 0) for value in table["break_even_bps"]],
        }
    )
    _interval(rows, "gross", table["mean_annual"], table["return_t"])
    _interval(rows, "net", table["net_mean_annual"], table["net_t"])
    return plot_intervals(
        rows,
        f"Before and after costs: {asset_class}",
        "Mean return a year, intervals of 95 %; cost and borrow fee a year; break-even one way",
        short_percent,
        {"gross": ("before costs", PORTFOLIO), "net": ("after commission and slippage", NEGATIVE)},
        ("cost", "borrow", "even, bps"),
    )


@styled
def plot_slopes(results: FactorResults, asset_class: str) -> Figure:
    """Fama-MacBeth slopes a year on ranks within (-1/2, 1/2), alone and jointly."""
    table = _of_class(results.fama_macbeth, asset_class)
    wide = table.pivot(index="factor", columns="model").loc[list(dict.fromkeys(table["factor"]))]
    names = [short_label(results.labels.get(name, name)) for name in wide.index]
    rows = pd.DataFrame({"name": names})
    models = [name for name in ("alone", "joint") if ("slope_annual", name) in wide]
    for model in models:
        slope = wide["slope_annual", model].reset_index(drop=True)
        t_stat = wide["t_stat", model].reset_index(drop=True)
        rows[model] = slope
        _interval(rows, model, slope, t_stat)
        rows[f"t, {model}"] = [number_text(value, 1) for value in t_stat]
    looks = {"alone": ("each factor alone", PORTFOLIO), "joint": ("all together", NEGATIVE)}
    return plot_intervals(
        rows,
        f"Fama-MacBeth slopes: {asset_class}",
        f"Return a year from the worst to the best rank, next {results.horizon} sessions; "
        "intervals of 95 %",
        short_percent,
        {name: looks[name] for name in models},
        [f"t, {name}" for name in models],
    )


@styled
def plot_universes(results: FactorResults, asset_class: str) -> Figure:
    """Mean return a year in the full and in the investable universe."""
    table = _of_class(results.universes, asset_class)
    order = list(dict.fromkeys(table["factor"]))
    names = [short_label(results.labels.get(name, name)) for name in order]
    rows = pd.DataFrame({"name": names})
    looks = {
        "full, same dates": ("full universe, same decisions", PORTFOLIO),
        "investable": ("investable", NEGATIVE),
    }
    heads = {"full, same dates": "n, full", "investable": "n, invest."}
    for universe in looks:
        part = table[table["universe"] == universe].set_index("factor")
        part = part.reindex(order).reset_index(drop=True)
        rows[universe] = part["mean_annual"]
        _interval(rows, universe, part["mean_annual"], part["return_t"])
        rows[heads[universe]] = [number_text(value, 0) for value in part["ranked_mean"]]
    return plot_intervals(
        rows,
        f"Full against investable universe: {asset_class}",
        "Mean return a year before costs, intervals of 95 %; n is the mean number of assets",
        short_percent,
        looks,
        tuple(heads.values()),
    )


@styled
def plot_regimes(results: FactorResults, asset_class: str) -> Figure:
    """Sharpe ratio of each factor of a class by the state of its market, and by year."""
    table = _of_class(results.regimes, asset_class)
    heads = list(dict.fromkeys(zip(table["kind"], table["regime"])))
    order = {"trend": 0, "volatility": 1, "year": 2}
    heads.sort(key=lambda head: (order.get(head[0], 3), head[1]))
    wide = table.pivot(index="factor", columns=["kind", "regime"], values="sharpe")
    wide = wide[heads].loc[list(dict.fromkeys(table["factor"]))]
    kinds = [kind for kind, _ in heads]
    blocks = [k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1]]
    names = {"high": "high vol.", "low": "low vol."}
    wide.columns = [names.get(regime, regime) for _, regime in heads]
    wide.index = [short_label(results.labels.get(name, name)) for name in wide.index]
    return plot_heat_map(
        wide,
        f"Sharpe ratio by regime: {asset_class}",
        "Market's return and volatility of the months before, as known then; calendar years",
        _two,
        limit=2.0,
        blocks=blocks,
    )


def plot_score_correlation(results: FactorResults, asset_class: str) -> Figure:
    """Mean rank correlation of each pair of factors' scores within a class."""
    own = _of_class(results.score_correlation, asset_class)
    names = list(dict.fromkeys([*own["factor"], *own["other"]]))
    matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for row in own.to_dict("records"):
        matrix.loc[row["other"], row["factor"]] = row["correlation"]
        matrix.loc[row["factor"], row["other"]] = row["correlation"]
    labels = {name: short_label(results.labels.get(name, name)) for name in names}
    return _correlation(
        matrix.rename(index=labels, columns=labels),
        f"Correlation of scores: {asset_class}",
        "Mean rank correlation of two factors' scores over the decisions",
    )


@styled
def _correlation(matrix: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Lower triangle of a correlation matrix; a large one in hundredths, which take less room."""
    lower = matrix.where(np.tri(len(matrix), dtype=bool))
    if len(matrix) <= _MANY:
        return plot_heat_map(lower, title, subtitle, _two, limit=1.0)
    return plot_heat_map(100.0 * lower, title, f"{subtitle}; in hundredths", _whole, limit=100.0)


def _of_class(table: pd.DataFrame, asset_class: str) -> pd.DataFrame:
    return table[table["asset_class"] == asset_class].reset_index(drop=True)


def _interval(rows: pd.DataFrame, mark: str, mean: pd.Series, t_stat: pd.Series) -> None:
    """Add the ends of a mark's interval of 95 %: the mean and its error, mean over t."""
    error = _WIDE * np.abs(mean.to_numpy(dtype=float) / t_stat.to_numpy(dtype=float))
    rows[f"{mark}_low"] = mean.to_numpy(dtype=float) - error
    rows[f"{mark}_high"] = mean.to_numpy(dtype=float) + error


def _two(value: float) -> str:
    return number_text(value, 2)


def _whole(value: float) -> str:
    return number_text(value, 0)
