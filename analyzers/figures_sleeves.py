"""Figures across asset classes: spanning, the frontier with a sleeve, value and momentum."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.factor_results import FactorResults
from analyzers.figures_layout import few_ticks, frame, panel_grid, plot_intervals, write_marks
from analyzers.study_labels import factor_labels, number_text
from analyzers.style import (
    LINE,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    date_ticks,
    days,
    number_ticks,
    percent,
    short,
    short_percent,
    styled,
    times,
)

__all__ = ["plot_everywhere", "plot_frontier", "plot_spanning"]


@styled
def plot_spanning(results: FactorResults) -> Figure:
    """Alpha a year of each factor on those of its own class, and of the other one."""
    table = results.spanning.dropna(subset=["alpha_annual"]).reset_index(drop=True)
    rows = pd.DataFrame(
        {
            "name": factor_labels(results, table),
            "group": table["asset_class"] + table["benchmarks"],
            "t_stat": table["t_stat"],
            "on": [_short_benchmark(name) for name in table["benchmarks"]],
            "alpha": [percent(value, 1) for value in table["alpha_annual"]],
            "R\u00b2": [number_text(value, 2) for value in table["r_squared"]],
        }
    )
    return plot_intervals(
        rows,
        "Spanning: what a factor adds to others",
        "Weekly returns on the others of its class and its market, or on all of another class",
        short,
        {"t_stat": ("t-statistic of alpha; dashed at 2", PORTFOLIO)},
        ("on", "alpha", "R\u00b2"),
        (-2.0, 2.0),
    )


@styled
def plot_everywhere(results: FactorResults) -> Figure:
    """Growth of value, momentum and both in each class, and over all classes."""
    table = results.everywhere_returns
    figure, axes = panel_grid(
        "Value and momentum everywhere",
        "Growth of 1 of rank-weighted portfolios, one unit long and one short, before costs",
        list(table.columns),
        3,
    )
    for ax, name in zip(axes, table):
        known = table[name].dropna()
        grown, x = (1.0 + known).cumprod().to_numpy(), days(known.index)
        ax.plot(x, grown, color=PORTFOLIO, linewidth=1.4)
        ticks = few_ticks(date_ticks(x))
        frame(ax, (x[0], max(x[-1], x[0] + 1)), grown, ticks, times, level=1.0)
    return figure


@styled
def plot_frontier(results: FactorResults) -> Figure:
    """Least volatility for each mean, without and with a sleeve of another class."""
    table = results.frontier
    cases = list(dict.fromkeys(zip(table["base"], table["sleeve"])))
    rules = [name for name in dict.fromkeys(table["rule"]) if name]
    panels = [(base, sleeve, rule) for base, sleeve in cases for rule in rules]
    figure, axes = panel_grid(
        "Frontier of factor returns with and without a sleeve",
        f"Weekly returns of {int(table['observations'].max())} common weeks, a year; "
        "mean over volatility, in sample: too good",
        [f"{base} and {sleeve}: {rule}" for base, sleeve, rule in panels],
        2,
        260,
        44,
    )
    for ax, (base, sleeve, rule) in zip(axes, panels):
        own = table[(table["base"] == base) & (table["sleeve"] == sleeve)]
        _draw_frontier(ax, own, rule)
    write_marks(
        figure,
        [
            (LINE, "without the sleeve", PORTFOLIO),
            (LINE, "with it", NEGATIVE),
            ("\u25c6", "largest Sharpe ratio", MUTED),
            ("\u25cf", "a single series", MUTED),
        ],
    )
    return figure


def _draw_frontier(ax: Axes, table: pd.DataFrame, rule: str) -> None:
    shown = table[table["rule"] == rule]
    for assets, colour in (("without", PORTFOLIO), ("with", NEGATIVE)):
        own = shown[shown["assets"] == assets]
        curve, best = (own[own["kind"] == kind] for kind in ("curve", "tangency"))
        ax.plot(curve["volatility"], curve["mean_annual"], color=colour, linewidth=2.0)
        ax.plot(best["volatility"], best["mean_annual"], "D", color=colour, ms=7)
    drawn = table[table["kind"] == "series"]
    base = drawn[drawn["name"].str.startswith(f"{table['base'].iloc[0]} ")]
    # A coin far out would press everything else into a corner: its part of the curve is cut.
    right = 1.5 * float(base["volatility"].max())
    near = pd.concat([drawn, shown[shown["kind"].isin(["curve", "tangency"])]])
    near = near[near["volatility"] <= right]
    dots = near[near["kind"] == "series"]
    ax.plot(dots["volatility"], dots["mean_annual"], "o", color=MUTED, ms=4.5)
    ticks = number_ticks(0.0, right, short_percent, 5)
    values = near["mean_annual"].to_numpy(dtype=float)
    frame(ax, (0.0, right), values, ticks, short_percent, count=6)
    ax.text(
        0.5, -0.13, "volatility a year", ha="center", va="top", color=MUTED, transform=ax.transAxes
    )


def _short_benchmark(name: str) -> str:
    return "others" if name.endswith(", the others") else name
