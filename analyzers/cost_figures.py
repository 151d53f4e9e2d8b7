"""Figures of what a strategy keeps under other costs and with more money."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.cost_figures_paths import plot_outcomes, plot_value_bands
from analyzers.cost_figures_sources import plot_sources, plot_waterfall
from analyzers.cost_study import CostStudy
from analyzers.figures_layout import plot_heat_map
from analyzers.figures_performance import plot_cost_sensitivity
from analyzers.style import (
    MUTED,
    amount,
    draw_ticks,
    empty_figure,
    factor_colours,
    log_ticks,
    new_figure,
    number_ticks,
    panel,
    percent,
    short,
    short_percent,
    styled,
    zero_line,
)

__all__ = ["build_cost_figures", "plot_capacity", "plot_grid"]

_MARKS = "os^Dv"
#: Height of the curves of capacity, in pixels.
_DEPTH = 254
#: Logarithm of the multiple at which a colour is full: one cell that pays next to nothing would
#: leave the others white.
_FULL = float(np.log(30.0))


def build_cost_figures(study: CostStudy) -> dict[str, Figure]:
    """Every figure of a cost study by name, in the order of names."""
    grid = study.grid[study.grid["scale"] == 1.0]
    even = study.break_even[study.break_even["method"] == "re-priced"]
    figures = {
        "break_even": plot_grid(
            even,
            "scale",
            "Break-even of the same fills",
            "Multiple of its own cost that a cell bears until it earns what cash does; "
            "blue bears more than it costs",
            lambda value: f"{value:.1f}\u00d7" if value < 1000 else ">999\u00d7",
            np.log,
        ),
        "capacity": plot_capacity(study.capacity, study.capacity_limits),
        "cost_scales": plot_cost_sensitivity(study.scales, "Performance against the scale of cost"),
        "grid_cagr": plot_grid(
            grid,
            "cagr",
            "CAGR by scheme",
            "Commission down, slippage across, run again; colours: against as configured",
            lambda value: percent(value, 2),
        ),
        "grid_drag": plot_grid(
            grid,
            "drag_bps",
            "Cost drag by scheme, basis points a year",
            "Commission, slippage and carry over mean NAV; colours: against as configured",
            lambda value: f"{value:,.0f}",
            np.negative,
        ),
        "grid_sharpe": plot_grid(
            grid,
            "sharpe",
            "Sharpe ratio by scheme",
            "Commission down, slippage across, run again; colours: against as configured",
            lambda value: f"{value:.2f}".replace("-", "\u2212"),
        ),
        "sampled_outcomes": plot_outcomes(study.sampled_paths, study.outcomes),
        "sampled_values": plot_value_bands(study.bands, study.paths),
        "sources": plot_sources(study.sources),
        "waterfall": plot_waterfall(study.waterfall),
    }
    return dict(sorted(figures.items()))


@styled
def plot_grid(
    table: pd.DataFrame,
    column: str,
    title: str,
    subtitle: str,
    form: Callable[[float], str],
    shade: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Figure:
    """A heat map of the grid: a row a commission scheme, a column a slippage scheme.

    Parameters
    ----------
    table : DataFrame
        commission, slippage and `column`; a row a cell, the configured one first.
    form : callable
        Writes a number.
    shade : callable, optional
        From numbers to colours around zero; by default the numbers. Colours are taken against
        the first cell, except the logarithms of `numpy.log`, which have a zero of their own.
    """
    if table.empty or not np.isfinite(table[column]).any():
        return empty_figure(title, "There is no number to show.")
    rows, columns = (list(dict.fromkeys(table[name])) for name in ("commission", "slippage"))
    wide = table.pivot(index="commission", columns="slippage", values=column)
    wide = wide.loc[rows, columns]
    numbers = wide.to_numpy(dtype=float)
    shown = numbers if shade is None else shade(numbers)
    shown = shown if shade is np.log else shown - shown[0, 0]
    shades = pd.DataFrame(shown, wide.index, wide.columns)
    limit = _FULL if shade is np.log else None
    return plot_heat_map(wide, title, subtitle, form, shades=shades, limit=limit)


@styled
def plot_capacity(curve: pd.DataFrame, limits: pd.DataFrame) -> Figure:
    """CAGR and Sharpe ratio against capital, a line a model of impact.

    Parameters
    ----------
    curve : DataFrame
        model, capital, cagr, sharpe, return_over_cash; NaN leaves a gap.
    limits : DataFrame
        model, level, capital: half of the return over cash, marked where it is known.
    """
    title = "Performance against capital"
    if curve.empty:
        return empty_figure(title, "The data set has no volumes: capacity is not known.")
    subtitle = "Run again with more money, its own trades moving prices; log scale"
    looks = factor_colours(list(dict.fromkeys(curve["model"])))
    foot = 70 + 20 * len(looks)
    height = 96 + _DEPTH + foot
    figure = new_figure(title, subtitle, height)
    form = {"return_over_cash": short_percent, "sharpe": short}
    names = {"return_over_cash": "Return over cash, a year", "sharpe": "Sharpe ratio"}
    for column, left, right in (("return_over_cash", 74, 480), ("sharpe", 530, 24)):
        ax = panel(figure, left=left, right=right, top=96, bottom=foot)
        _draw_curves(ax, curve, column, looks, form[column])
        ax.text(0, 1.03, names[column], transform=ax.transAxes, fontweight="bold")
        if column == "return_over_cash":
            _mark_limits(ax, limits, looks)
    for number, (name, (colour, _)) in enumerate(looks.items()):
        y = (foot - 66 - 20 * number) / height
        figure.text(74 / 900, y, _mark_text(number), color=colour)
        figure.text(94 / 900, y, f"{name}{_capacity_text(limits, name)}")
    return figure


def _draw_curves(
    ax: Axes,
    curve: pd.DataFrame,
    column: str,
    looks: dict[str, tuple[str, object]],
    form: Callable[[float], str],
) -> None:
    values = curve[column].to_numpy(dtype=float)
    known = np.append(values[np.isfinite(values)], 0.0)
    # A curve that falls off a cliff would flatten the part that matters.
    low = max(float(known.min()), -1.0 * max(float(known.max()), 0.01))
    pad = 0.06 * (float(known.max()) - low) or 0.01
    ax.set_xscale("log")
    capital = curve["capital"].to_numpy(dtype=float)
    ax.set_xlim(capital.min() / 1.2, capital.max() * 1.2)
    ax.set_ylim(low - pad, float(known.max()) + pad)
    for number, (name, (colour, dash)) in enumerate(looks.items()):
        part = curve[curve["model"] == name]
        ax.plot(
            part["capital"],
            part[column],
            color=colour,
            linestyle=dash,
            marker=_MARKS[number % len(_MARKS)],
            ms=5,
            clip_on=True,
        )
    zero_line(ax)
    x = log_ticks(capital.min(), capital.max(), amount)
    x = [tick for tick in x if np.isclose(np.log10(tick[0]) % 1, 0)]
    y = number_ticks(low - pad, float(known.max()) + pad, form)
    draw_ticks(ax, x, y)
    ax.text(0.5, -40 / _DEPTH, "capital", color=MUTED, ha="center", transform=ax.transAxes)


def _mark_limits(ax: Axes, limits: pd.DataFrame, looks: dict[str, tuple[str, object]]) -> None:
    for row in limits.to_dict("records"):
        if np.isfinite(row["capital"]):
            colour = looks[row["model"]][0]
            ax.plot([row["capital"]], [row["level"]], "x", color=colour, ms=10, mew=2.2)


def _mark_text(number: int) -> str:
    return "\u25cf\u25a0\u25b2\u25c6\u25bc"[number % 5]


def _capacity_text(limits: pd.DataFrame, model: str) -> str:
    """Where half and all of the return over cash is gone, for the legend."""
    said = []
    for row in limits[limits["model"] == model].to_dict("records"):
        word = "half" if "half" in row["meaning"] else "all"
        known = np.isfinite(row["capital"])
        said.append(
            f"{word} gone at {amount(row['capital'])}" if known else f"{word}: {row['note']}"
        )
    return f": {'; '.join(said)}" if said else ""
