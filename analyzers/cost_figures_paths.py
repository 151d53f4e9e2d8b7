"""Figures of sampled slippage: fans of value over time, and where the paths end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.style import (
    AREA,
    INK,
    LINE,
    NEGATIVE,
    PORTFOLIO,
    amount,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    new_figure,
    number_ticks,
    panel,
    short,
    short_percent,
    styled,
    write_legend,
    zero_line,
)

__all__ = ["plot_outcomes", "plot_value_bands"]

_WIDE, _NARROW = "#CFE3F1", "#8DBEDD"
_BINS = 40


@styled
def plot_value_bands(bands: pd.DataFrame, paths: int) -> Figure:
    """Value over time and, below, its distance from the configured run, for each noise.

    `bands` has noise, date, configured and p5, p25, p50, p75, p95, in currency.
    """
    title = "Value under sampled slippage"
    if bands.empty:
        return empty_figure(title, "Nothing was sampled.")
    names = list(dict.fromkeys(bands["noise"]))
    subtitle = f"Percentiles of {paths:,} paths; below, the distance from the configured run"
    figure = new_figure(title, subtitle, 540)
    spread = _relative(bands).drop(columns=["noise", "date"]).to_numpy()
    limit = 1.08 * float(np.nanmax(np.abs(spread))) or 0.01
    for number, name in enumerate(names):
        part = bands[bands["noise"] == name].reset_index(drop=True)
        left = 74 + 440 * number
        right = 900 - left - 360
        upper = panel(figure, left=left, right=right, top=118, bottom=270)
        lower = panel(figure, left=left, right=right, top=318, bottom=34)
        figure.text(left / 900, 1 - 82 / 540, f"Noise: {name}", fontweight="bold")
        _draw_fan(upper, part, part["configured"].to_numpy(), amount, None)
        away = _relative(part)
        _draw_fan(lower, away, np.zeros(len(part)), short_percent, limit)
        if number == 0:
            entries = [(AREA, "5 to 95 %", _WIDE), (AREA, "25 to 75 %", _NARROW)]
            write_legend(upper, [*entries, (LINE, "median", PORTFOLIO)])
        if number == 1:
            write_legend(upper, [(LINE, "as configured", INK)])
    return figure


def _relative(part: pd.DataFrame) -> pd.DataFrame:
    """Percentiles as distances from the configured value, as a share of it."""
    levels = [name for name in part if name.startswith("p")]
    away = part[levels].div(part["configured"], axis=0) - 1.0
    return away.assign(noise=part["noise"], date=part["date"])


def _draw_fan(ax: Axes, part: pd.DataFrame, line: np.ndarray, form, limit: float | None) -> None:
    x = days(pd.DatetimeIndex(part["date"]))
    ax.fill_between(x, part["p5"], part["p95"], color=_WIDE, linewidth=0)
    ax.fill_between(x, part["p25"], part["p75"], color=_NARROW, linewidth=0)
    ax.plot(x, part["p50"], color=PORTFOLIO, linewidth=1.2)
    ax.plot(x, line, color=INK, linewidth=1.0, linestyle=(0, (1.5, 1.2)))
    if limit is None:
        low, high = float(part["p5"].min()), float(part["p95"].max())
        pad = 0.05 * (high - low) or 1.0
        low, high = low - pad, high + pad
    else:
        low, high = -limit, limit
    ax.set_xlim(x[0], max(x[-1], x[0] + 1))
    ax.set_ylim(low, high)
    ticks = date_ticks(x)
    draw_ticks(ax, ticks[:: max(1, -(-len(ticks) // 6))], number_ticks(low, high, form, 4))


@styled
def plot_outcomes(paths: pd.DataFrame, outcomes: pd.DataFrame) -> Figure:
    """Histograms of Sharpe ratio and CAGR over the paths, with their percentiles.

    Parameters
    ----------
    paths : DataFrame
        noise, cagr, sharpe; NaN is left out.
    outcomes : DataFrame
        noise, metric, configured, p5 ... p95.
    """
    title = "Where the sampled paths end"
    if paths.empty:
        return empty_figure(title, "Nothing was sampled.")
    names = list(dict.fromkeys(paths["noise"]))
    subtitle = "Paths by outcome; lines at the 5th, 50th and 95th percentile, dashed as configured"
    height = 70 + 190 * len(names)
    figure = new_figure(title, subtitle, height)
    shown = (("sharpe", "Sharpe ratio", short), ("cagr", "CAGR, a year", short_percent))
    for column, (metric, label, form) in enumerate(shown):
        known = paths[metric].to_numpy(dtype=float)
        known = known[np.isfinite(known)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        edges = np.linspace(low, high if high > low else low + 1e-9, _BINS + 1)
        for number, name in enumerate(names):
            top = 102 + 190 * number
            left = 30 + 440 * column
            ax = panel(figure, left, 900 - left - 400, top, height - top - 120)
            values = paths.loc[paths["noise"] == name, metric].to_numpy(dtype=float)
            row = outcomes[(outcomes["noise"] == name) & (outcomes["metric"] == metric)].iloc[0]
            _draw_histogram(ax, values[np.isfinite(values)], edges, row, form)
            heading = f"{label}, {name}"
            figure.text(left / 900, 1 - (top - 12) / height, heading, fontweight="bold")
    return figure


def _draw_histogram(ax: Axes, values: np.ndarray, edges: np.ndarray, row, form) -> None:
    counts, _ = np.histogram(values, edges)
    ax.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=_NARROW, linewidth=0)
    pad = 0.04 * (edges[-1] - edges[0])
    ax.set_xlim(edges[0] - pad, edges[-1] + pad)
    ax.set_ylim(0, 1.1 * max(int(counts.max(initial=0)), 1))
    for level in ("p5", "p50", "p95"):
        ax.axvline(row[level], color=PORTFOLIO, linewidth=1.2)
    ax.axvline(row["configured"], color=NEGATIVE, linewidth=1.4, linestyle=(0, (4, 2)))
    zero_line(ax)
    draw_ticks(ax, number_ticks(edges[0] - pad, edges[-1] + pad, form, 5), [])
