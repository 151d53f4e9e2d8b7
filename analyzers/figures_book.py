"""Figures of what the book held and traded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analyzers.style import (
    INK,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    amount,
    date_axis,
    days,
    empty_figure,
    legend_above,
    new_figure,
    percent,
    percent_axis,
    plain_axis,
    styled,
)

__all__ = ["plot_exposure", "plot_sleeve_weights", "plot_turnover"]

_CLASS_COLOURS = {"equity": "#0072B2", "crypto": "#E69F00"}
_OTHER_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#7A5C00")


@styled
def plot_exposure(values: pd.DataFrame, title: str = "Value and exposure") -> Figure:
    """Account value, and long, short, gross and net holdings as shares of it.

    `values` is indexed by date with value, long (>= 0) and short (<= 0), in currency.
    """
    if values.empty:
        return empty_figure(title, "There are no sessions to show.")
    figure = new_figure(title, "Top: account value, in currency; bottom: holdings over value", 520)
    upper = plain_axis(figure, left=66, top=66, bottom=302)
    lower = plain_axis(figure, left=66, top=268, bottom=34)
    x, nav = days(values.index), values["value"].to_numpy(dtype=float)
    upper.plot(x, nav, color=PORTFOLIO)
    upper.yaxis.set_major_formatter(lambda value, _: amount(value))
    upper.yaxis.get_major_locator().set_params(nbins=4)
    date_axis(upper, x, labels=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        long, short = (values[side].to_numpy(dtype=float) / nav for side in ("long", "short"))
    lower.fill_between(x, long, 0, color=PORTFOLIO, alpha=0.28, linewidth=0, label="Long")
    lower.fill_between(x, short, 0, color=NEGATIVE, alpha=0.28, linewidth=0, label="Short")
    lower.plot(x, long - short, color=INK, linewidth=1.2, label="Gross")
    lower.plot(x, long + short, color=MUTED, linewidth=1.2, linestyle=(0, (4, 1.5)), label="Net")
    lower.axhline(0.0, color=MUTED, linewidth=0.8)
    percent_axis(lower)
    date_axis(lower, x)
    legend_above(lower)
    return figure


@styled
def plot_sleeve_weights(sleeves: pd.DataFrame, title: str = "Target weights by sleeve") -> Figure:
    """Stacked target weights over decisions: longs upwards, shorts downwards.

    `sleeves` is indexed by decision date with ``<class>_long`` (>= 0), ``<class>_short``
    (<= 0) and ``cash``; each holds until the next decision. NaN counts as 0.
    """
    if sleeves.empty:
        return empty_figure(title, "There was no rebalance.")
    subtitle = "Share of account value decided at each rebalance; longs above zero, shorts below"
    figure = new_figure(title, subtitle, 420)
    ax = plain_axis(figure, left=66)
    x = days(sleeves.index)
    x = np.append(x, x[-1] + (x[-1] - x[-2] if len(x) > 1 else 30))
    classes = list(dict.fromkeys(name.rsplit("_", 1)[0] for name in sleeves if name != "cash"))
    others = iter(_OTHER_COLOURS * 4)
    colours = {name: _CLASS_COLOURS.get(name) or next(others) for name in classes}
    for side, alpha in (("long", 0.85), ("short", 0.45)):
        base = np.zeros(len(x))
        for name in classes:
            column = f"{name}_{side}"
            if column not in sleeves or not sleeves[column].fillna(0.0).any():
                continue
            part = sleeves[column].fillna(0.0).to_numpy(dtype=float)
            top = base + np.append(part, part[-1])
            ax.fill_between(
                x,
                base,
                top,
                step="post",
                color=colours[name],
                alpha=alpha,
                linewidth=0,
                label=f"{name.capitalize()} {side}",
            )
            base = top
    if "cash" in sleeves:
        cash = sleeves["cash"].to_numpy(dtype=float)
        ax.step(
            x,
            np.append(cash, cash[-1]),
            where="post",
            color=INK,
            linewidth=1.1,
            linestyle=(0, (4, 1.5)),
            label="Cash",
        )
    ax.axhline(0.0, color=MUTED, linewidth=0.8)
    percent_axis(ax)
    date_axis(ax, x)
    legend_above(ax)
    return figure


@styled
def plot_turnover(turnover: pd.Series, title: str = "Turnover at each rebalance") -> Figure:
    """Bars of traded value over account value, buys and sells both counted.

    `turnover` is indexed by fill date, fractions; the first is the book being built and is
    left out of the mean that is drawn.
    """
    if turnover.empty:
        return empty_figure(title, "There was no rebalance.")
    subtitle = "Traded value over account value, buys and sells both counted"
    figure = new_figure(title, subtitle, 350)
    ax = plain_axis(figure, left=66)
    x, heights = days(turnover.index), turnover.to_numpy(dtype=float)
    width = 0.8 * float(np.median(np.diff(x))) if len(x) > 1 else 20.0
    # One collection: a patch for each bar would cost ten times as much to draw.
    ax.vlines(x, 0, heights, color=PORTFOLIO, linewidth=max(1.0, 780 * width / _span(x)))
    if len(heights) > 1:
        mean = float(np.mean(heights[1:]))
        label = f"Mean after the first: {percent(mean)}"
        ax.axhline(mean, color=NEGATIVE, linewidth=1.4, linestyle=(0, (5, 1.5)), label=label)
    ax.set_ylim(0, 1.08 * float(heights.max()) or 1.0)
    percent_axis(ax)
    date_axis(ax, np.array([x[0] - 15, x[-1] + 15]))
    legend_above(ax)
    return figure


def _span(x: np.ndarray) -> float:
    return float(x[-1] - x[0]) + 30.0
