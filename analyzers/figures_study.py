"""Figures of a factor study: growth, quantiles, information coefficients, correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analyzers.factor_results import FactorResults, study_key
from analyzers.figures_factors import plot_factor_correlation
from analyzers.figures_performance import plot_growth
from analyzers.style import (
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    factor_colours,
    label_ends,
    label_margin,
    new_figure,
    number_ticks,
    panel,
    short,
    short_percent,
    styled,
    zero_line,
)

__all__ = ["build_study_figures", "plot_information_coefficients", "plot_quantile_returns"]

_ROLLING = 12


def build_study_figures(results: FactorResults) -> dict[str, Figure]:
    """Every figure of a factor study by name, in the order of names."""
    labels = {key: results.labels.get(key, key) for key in results.factor_returns}
    returns = results.factor_returns.rename(columns=labels)
    quantiles = results.quantiles[results.quantiles["quantile"] != "spread"]
    return {
        "factor_correlation": plot_factor_correlation(
            results.correlation.rename(index=labels, columns=labels),
            "Correlation of factor returns",
            "Returns of one session, whole study",
        ),
        "factor_growth": plot_growth(
            returns,
            factor_colours(list(returns)),
            f"Growth of 1: {results.name}",
            "Each factor's own long-short portfolio, without costs",
        ),
        "information_coefficients": plot_information_coefficients(
            _by_key(results.ic, "decision_date", "ic").rename(columns=labels), results.horizon
        ),
        "quantile_returns": plot_quantile_returns(
            _by_key(quantiles, "quantile", "mean_annual").rename(columns=labels)
        ),
    }


@styled
def plot_quantile_returns(means: pd.DataFrame) -> Figure:
    """Mean return a year of each quantile of each factor, worst quantile first.

    `means` is indexed by quantile (1..Q) with one column a factor, fractions; NaN leaves a gap.
    """
    title = "Return by quantile"
    if means.empty:
        return empty_figure(title, "No cross-section was broad enough for quantiles.")
    subtitle = "Mean return a year of equally weighted quantiles, without costs; worst score first"
    figure = new_figure(title, subtitle, 400)
    x = means.index.to_numpy(dtype=float)
    ticks = [(place, f"Q{place:.0f}") for place in x.tolist()]
    _draw(figure, means, x, ticks, short_percent, marker="o")
    return figure


@styled
def plot_information_coefficients(coefficients: pd.DataFrame, horizon: int) -> Figure:
    """Rank correlation of score and later return, averaged over twelve decisions.

    `coefficients` is indexed by decision date with one column a factor; NaN is left out.
    """
    title = "Information coefficients"
    smooth = coefficients.rolling(_ROLLING, min_periods=_ROLLING).mean().dropna(how="all")
    if len(smooth) < 2:
        return empty_figure(title, f"There are fewer than {_ROLLING + 1} decisions.")
    subtitle = (
        f"Spearman correlation of score and the next {horizon} sessions' return, "
        f"mean of {_ROLLING} decisions"
    )
    figure = new_figure(title, subtitle, 400)
    x = days(smooth.index)
    _draw(figure, smooth, x, date_ticks(x), short)
    return figure


def _draw(figure: Figure, table: pd.DataFrame, x: np.ndarray, ticks, form, **options) -> None:
    looks = factor_colours(list(table))
    last = {name: float(table[name].dropna().iloc[-1]) for name in table if table[name].any()}
    ax = panel(figure, left=66, right=label_margin(list(last)), top=72, bottom=38)
    for name in table:
        colour, dash = looks[name]
        ax.plot(x, table[name].to_numpy(dtype=float), color=colour, linestyle=dash, **options)
    values = table.to_numpy(dtype=float)
    low, high = min(0.0, np.nanmin(values)), max(0.0, np.nanmax(values))
    pad = 0.06 * (high - low) or 0.01
    ax.set_ylim(low - pad, high + pad)
    ax.set_xlim(x[0], max(x[-1], x[0] + 1))
    zero_line(ax)
    draw_ticks(ax, ticks, number_ticks(low - pad, high + pad, form))
    label_ends(ax, [(end, name, looks[name][0]) for name, end in last.items()])


def _by_key(table: pd.DataFrame, index: str, values: str) -> pd.DataFrame:
    """A long table of asset_class and factor as one column a key, in order of first sight."""
    keys = [study_key(*pair) for pair in zip(table["asset_class"], table["factor"])]
    wide = table.assign(key=keys).pivot(index=index, columns="key", values=values)
    return wide[list(dict.fromkeys(keys))].sort_index().astype(float)
