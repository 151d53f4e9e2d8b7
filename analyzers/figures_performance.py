"""Figures of what the book earned: growth, drawdown, months, and the price of trading."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analyzers.style import (
    DIVERGING,
    INK,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    date_axis,
    days,
    empty_figure,
    label_ends,
    legend_above,
    log_axis,
    multiple,
    new_figure,
    percent,
    percent_axis,
    plain_axis,
    styled,
)

__all__ = ["plot_cost_sensitivity", "plot_drawdown", "plot_growth", "plot_monthly_returns"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_METHODS = {
    "re-priced": "same fills, other costs (re-priced)",
    "re-run": "strategy run again (re-run)",
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
        Session returns by label, the leading series first. NaN counts as 0.
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
    figure = new_figure(title, subtitle + (", log scale" if logarithmic else ""), 470)
    ax = plain_axis(figure, left=56, right=246, top=66)
    for k in reversed(range(growth.shape[1])):
        colour, dash = looks[returns.columns[k]]
        ax.plot(x, growth[:, k], color=colour, linestyle=dash, linewidth=2.4 if k == 0 else 1.4)
    if logarithmic:
        log_axis(ax, low, high)
    else:
        ax.yaxis.set_major_formatter(lambda value, _: multiple(value))
    ax.set_ylim(*((low / 1.03, high * 1.05) if logarithmic else (low - 0.02, high + 0.02)))
    ax.axhline(1.0, color=MUTED, linewidth=0.8)
    date_axis(ax, x)
    label_ends(
        ax,
        [
            (growth[-1, k], f"{multiple(growth[-1, k])} {name}", looks[name][0])
            for k, name in enumerate(returns.columns)
        ],
    )
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
    figure = new_figure(title, "Loss from the highest value reached so far", 380)
    ax = plain_axis(figure, left=66)
    x = days(drawdowns.index)
    for k in reversed(range(drawdowns.shape[1])):
        name = drawdowns.columns[k]
        colour, dash = looks[name]
        values = drawdowns[name].to_numpy()
        if k == 0:
            ax.fill_between(x, values, 0, color=colour, alpha=0.22, linewidth=0)
        ax.plot(x, values, color=colour, linestyle=dash, linewidth=1.3, label=name)
    lead = drawdowns.iloc[:, 0].to_numpy()
    deepest = int(np.argmin(lead))
    if lead[deepest] < 0:
        late = x[deepest] > x[0] + 0.7 * (x[-1] - x[0])
        ax.plot(x[deepest], lead[deepest], "o", color=looks[drawdowns.columns[0]][0], ms=5)
        ax.annotate(
            f"{percent(lead[deepest], 1)} on {drawdowns.index[deepest]:%Y-%m-%d}",
            (x[deepest], lead[deepest]),
            (-8 if late else 8, -10),
            textcoords="offset points",
            ha="right" if late else "left",
            va="top",
        )
    floor = float(np.nanmin(drawdowns.to_numpy()))
    ax.set_ylim(min(1.14 * floor, -0.01), 0)
    percent_axis(ax)
    date_axis(ax, x)
    legend_above(ax)
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
    ax = plain_axis(figure, left=left, right=900 - left - round(13.4 * cell), top=80, bottom=12)
    ax.grid(False)
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
            ax.text(place, row + 0.53, text, family="monospace", fontsize=size, va="center")
    ax.set_xlim(0, 13.4)
    ax.set_ylim(rows, 0)
    ax.set_xticks([*(np.arange(12) + 0.5), 12.9], [*_MONTHS, "Year"])
    ax.set_yticks(np.arange(rows) + 0.5, [str(year) for year in table.index])
    ax.xaxis.tick_top()
    for spine in ax.spines.values():
        spine.set_visible(False)
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
    left = plain_axis(figure, left=74, right=900 - 430, top=92, bottom=52)
    right = plain_axis(figure, left=520, right=24, top=92, bottom=52)
    looks = {"re-priced": (PORTFOLIO, "-", "o"), "re-run": (NEGATIVE, (0, (5, 1.5)), "s")}
    for ax, column, name in ((left, "cagr", "CAGR, a year"), (right, "sharpe", "Sharpe ratio")):
        for method, (colour, dash, mark) in looks.items():
            part = table[table["method"] == method].sort_values("scale")
            if len(part):
                ax.plot(
                    part["scale"].to_numpy(dtype=float),
                    pd.to_numeric(part[column]).to_numpy(dtype=float),
                    color=colour,
                    linestyle=dash,
                    marker=mark,
                    label=_METHODS[method],
                )
        scales = sorted(float(scale) for scale in table["scale"].unique())
        ax.set_xticks(scales, [f"{scale:g}\u00d7" for scale in scales])
        ax.set_xlabel("multiple of the configured cost")
        ax.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
        low, high = ax.get_ylim()
        if low < 0 < high:
            ax.axhline(0.0, color=INK, linewidth=0.8)
        ax.text(0, 1.03, name, transform=ax.transAxes, fontweight="bold")
    percent_axis(left, digits=1)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="upper right", bbox_to_anchor=(0.985, 0.985), handlelength=3)
    return figure
