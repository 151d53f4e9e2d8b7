"""Figures of what the book earned: growth, drawdown, months, and the price of trading."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.style import (
    DIVERGING,
    LINE,
    MONO,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    label_ends,
    label_margin,
    log_ticks,
    multiple,
    new_figure,
    number_ticks,
    panel,
    percent,
    short,
    short_percent,
    styled,
    times,
    write_legend,
    zero_line,
)

__all__ = ["plot_cost_sensitivity", "plot_drawdown", "plot_growth", "plot_monthly_returns"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Method to its text, colour, line and marker.
_METHODS = {
    "re-priced": ("\u25cf\u2501 re-priced: same fills, other costs", PORTFOLIO, "-", "o"),
    "re-run": ("\u25a0\u254d re-run: strategy run again", NEGATIVE, (0, (5, 1.5)), "s"),
}
# Advance of DejaVu Sans Mono, in ems: a row of numbers is drawn as one string, since each
# piece of text costs about a millisecond.
_MONO_ADVANCE = 0.60205


@styled
def plot_growth(
    returns: pd.DataFrame,
    looks: Mapping[str, tuple[str, object]],
    title: str = "Growth of 1",
    subtitle: str = "",
) -> Figure:
    """Cumulative growth of several return series, each starting at 1.

    Parameters
    ----------
    returns : (T, K) DataFrame
        Session returns by label, the leading series first. NaN counts as 0; a series is drawn
        from the session before its first number.
    looks : mapping
        Label to (colour, line style).
    title, subtitle : str
        What is shown.
    """
    if returns.empty:
        return empty_figure(title, "There are no sessions to show.")
    growth = (1.0 + returns.fillna(0.0)).cumprod().to_numpy()
    growth = np.vstack([np.ones(growth.shape[1]), growth])
    x = days(returns.index)
    x = np.concatenate([x[:1] - 1, x])
    low, high = float(growth.min()), float(growth.max())
    logarithmic = low > 0 and high / low > 2.5
    figure = new_figure(title, subtitle + ("; log scale" if logarithmic else ""), 470)
    begins = np.isfinite(returns.to_numpy()).argmax(axis=0)
    texts = [f"{multiple(growth[-1, k])} {name}" for k, name in enumerate(returns)]
    ax = panel(figure, left=56, right=label_margin(texts), top=66)
    for k in reversed(range(growth.shape[1])):
        colour, dash = looks[returns.columns[k]]
        width = 2.4 if colour == PORTFOLIO else 1.4
        since = slice(begins[k], None)
        ax.plot(x[since], growth[since, k], color=colour, linestyle=dash, linewidth=width)
    if logarithmic:
        ax.set_yscale("log")
        limits = low / 1.04, high * 1.04
        ticks = log_ticks(*limits, times)
    else:
        limits = low - 0.04 * (high - low) - 1e-6, high + 0.04 * (high - low) + 1e-6
        ticks = number_ticks(*limits, times)
    ax.set_ylim(*limits)
    ax.set_xlim(x[0], x[-1])
    zero_line(ax, 1.0)
    draw_ticks(ax, date_ticks(x), ticks)
    colours = [looks[name][0] for name in returns]
    label_ends(ax, list(zip(growth[-1], texts, colours)))
    return figure


@styled
def plot_drawdown(
    drawdowns: pd.DataFrame, looks: Mapping[str, tuple[str, object]], title: str = "Drawdown"
) -> Figure:
    """Loss from the highest value so far; the first column is filled, its trough is marked.

    `drawdowns` is a (T, K) frame of fractions <= 0, `looks` as for `plot_growth`.
    """
    if drawdowns.empty:
        return empty_figure(title, "There are no sessions to show.")
    lead = drawdowns.iloc[:, 0].to_numpy()
    deepest = int(np.argmin(lead))
    subtitle = "Loss from the highest value reached so far"
    if lead[deepest] < 0:
        subtitle += f"; deepest {percent(lead[deepest], 1)} on {drawdowns.index[deepest]:%Y-%m-%d}"
    figure = new_figure(title, subtitle, 380)
    ax = panel(figure, left=66)
    x = days(drawdowns.index)
    for k in reversed(range(drawdowns.shape[1])):
        name = drawdowns.columns[k]
        colour, dash = looks[name]
        values = drawdowns[name].to_numpy()
        if k == 0:
            ax.fill_between(x, values, 0, color=colour, alpha=0.22, linewidth=0)
        ax.plot(x, values, color=colour, linestyle=dash, linewidth=1.3)
    ax.plot(x[deepest], lead[deepest], "o", color=looks[drawdowns.columns[0]][0], ms=6)
    floor = min(1.05 * float(np.nanmin(drawdowns.to_numpy())), -0.01)
    ax.set_ylim(floor, 0)
    ax.set_xlim(x[0], max(x[-1], x[0] + 1))
    draw_ticks(ax, date_ticks(x), number_ticks(floor, 0, short_percent))
    write_legend(ax, [(LINE, str(name), looks[name][0]) for name in drawdowns])
    return figure


@styled
def plot_monthly_returns(table: pd.DataFrame, title: str = "Monthly returns") -> Figure:
    """Heat map of years x months with the year's total in a column of its own.

    `table` has a row a year and columns 1..12 and ``Year``, fractions; a month without
    sessions is NaN and stays white. Colours are centred at 0; the strongest is reached at the
    largest month, and for the totals at the largest year.
    """
    if table.empty:
        return empty_figure(title, "There is no month to show.")
    rows, cell, left = len(table), 58.0, 62
    figure = new_figure(
        title, "Per cent, net of costs; blue above zero, orange below", 98 + 24 * rows
    )
    ax = panel(figure, left=left, right=900 - left - round(13.4 * cell), top=80, bottom=12)
    for columns, values in (
        (np.arange(13.0), table[list(range(1, 13))].to_numpy(dtype=float)),
        (np.array([12.4, 13.4]), table[["Year"]].to_numpy(dtype=float)),
    ):
        limit = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 1.0
        ax.pcolormesh(
            columns,
            np.arange(rows + 1.0),
            np.ma.masked_invalid(values),
            cmap=DIVERGING,
            vmin=-(limit or 1.0),
            vmax=limit or 1.0,
            edgecolors="white",
            linewidth=1.5,
        )
    size = cell / 8 / _MONO_ADVANCE
    for row, (_, months) in enumerate(table.iterrows()):
        line = "".join(_cell(months[month]) for month in range(1, 13))
        for place, text in ((0.0, line), (12.4, _cell(months["Year"]))):
            ax.text(place, row + 0.53, text, family=MONO, fontsize=size, va="center")
    heads = "".join(f"{month:>6}  " for month in _MONTHS).replace(" ", "\u00a0")
    for place, text in ((0.0, heads), (12.4, "\u00a0\u00a0Year")):
        ax.text(place, -0.45, text, family=MONO, fontsize=size, va="center", color=MUTED)
    for row, year in enumerate(table.index):
        ax.text(-0.15, row + 0.53, str(year), color=MUTED, ha="right", va="center")
    ax.set_xlim(0, 13.4)
    ax.set_ylim(rows, 0)
    return figure


def _cell(value: float) -> str:
    """Eight characters, the number ending in the sixth; no-break spaces survive in SVG."""
    if not np.isfinite(value):
        return "\u00a0" * 8
    text = f"{100 * value:.1f}"
    text = "0.0" if text == "-0.0" else text.replace("-", "\u2212")
    return f"{text:>6}  ".replace(" ", "\u00a0")


@styled
def plot_cost_sensitivity(table: pd.DataFrame, title: str = "Performance against cost") -> Figure:
    """CAGR and Sharpe ratio against the scale of commissions and slippage, by method.

    `table` has scale, method, cagr, sharpe and cost_annual; missing values leave gaps.
    """
    if table.empty:
        return empty_figure(title, "Costs were not varied in this run.")
    subtitle = (
        "Commission and slippage together; 1\u00d7 is the configured cost, 0\u00d7 trades free"
    )
    figure = new_figure(title, subtitle, 430)
    columns = (("cagr", "CAGR, a year", 74, 470), ("sharpe", "Sharpe ratio", 530, 24))
    for column, name, left, right in columns:
        ax = panel(figure, left=left, right=right, top=96, bottom=56)
        shown = [_draw_method(ax, table, method, column) for method in _METHODS]
        drawn = np.concatenate(shown)
        scales = sorted(float(scale) for scale in table["scale"].unique())
        low, high = (drawn.min(), drawn.max()) if len(drawn) else (0.0, 1.0)
        pad = 0.06 * (high - low) or 0.01
        ax.set_ylim(low - pad, high + pad)
        ax.set_xlim(scales[0] - 0.05 * scales[-1], scales[-1] * 1.05)
        if low < 0 < high:
            zero_line(ax)
        form = short_percent if column == "cagr" else short
        ticks = [(scale, f"{scale:g}\u00d7") for scale in scales]
        draw_ticks(ax, ticks, number_ticks(low - pad, high + pad, form))
        ax.text(0, 1.03, name, transform=ax.transAxes, fontweight="bold")
        center = (left + 900 - right) / 1800
        figure.text(center, 14 / 430, "multiple of the configured cost", color=MUTED, ha="center")
    for k, (text, colour, _, _) in enumerate(_METHODS.values()):
        figure.text(0.975, 1 - (26 + 20 * k) / 430, text, color=colour, ha="right")
    return figure


def _draw_method(ax: Axes, table: pd.DataFrame, method: str, column: str) -> np.ndarray:
    """Draw one method's line; return its finite values."""
    part = table[table["method"] == method].sort_values("scale")
    values = pd.to_numeric(part[column]).to_numpy(dtype=float)
    _, colour, dash, mark = _METHODS[method]
    ax.plot(
        part["scale"].to_numpy(dtype=float), values, color=colour, linestyle=dash, marker=mark, ms=6
    )
    return values[np.isfinite(values)]
