"""Figures of what the book held and traded."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from analyzers.style import (
    AREA,
    DASHED,
    INK,
    LINE,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    amount,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    log_ticks,
    new_figure,
    number_ticks,
    panel,
    percent,
    short_percent,
    styled,
    write_legend,
    zero_line,
)

__all__ = ["plot_exposure", "plot_sleeve_weights", "plot_turnover"]

_CLASS_COLOURS = {"equity": "#0072B2", "crypto": "#E69F00"}
_DASH = (0, (4, 1.5))
_OTHER_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#7A5C00")


@styled
def plot_exposure(values: pd.DataFrame, title: str = "Value and exposure") -> Figure:
    """Account value, and long, short, gross and net holdings as shares of it.

    `values` is indexed by date with value, long (>= 0) and short (<= 0), in currency.
    """
    if values.empty:
        return empty_figure(title, "There are no sessions to show.")
    figure = new_figure(title, "Top: account value, in currency; bottom: holdings over value", 520)
    upper = panel(figure, left=66, top=66, bottom=302)
    lower = panel(figure, left=66, top=268, bottom=34)
    x, nav = days(values.index), values["value"].to_numpy(dtype=float)
    dates = date_ticks(x)
    upper.plot(x, nav, color=PORTFOLIO)
    low, high = float(nav.min()), float(nav.max())
    if low > 0 and high / low > 8:
        upper.set_yscale("log")
        limits = low / 1.1, high * 1.1
        ticks = log_ticks(*limits, amount)
    else:
        pad = 0.05 * (high - low) or 1.0
        limits = low - pad, high + pad
        ticks = number_ticks(*limits, amount, 4)
    _limit(upper, x, *limits)
    draw_ticks(upper, [(day, "") for day, _ in dates], ticks)
    with np.errstate(divide="ignore", invalid="ignore"):
        long, short = (values[side].to_numpy(dtype=float) / nav for side in ("long", "short"))
    lower.fill_between(x, long, 0, color=PORTFOLIO, alpha=0.28, linewidth=0)
    lower.fill_between(x, short, 0, color=NEGATIVE, alpha=0.28, linewidth=0)
    lower.plot(x, long - short, color=INK, linewidth=1.2)
    if short.any():
        lower.plot(x, long + short, color=MUTED, linewidth=1.2, linestyle=_DASH)
    low, high = min(0.0, np.nanmin(short)), max(0.01, np.nanmax(long - short))
    _limit(lower, x, 1.05 * low, 1.05 * high)
    zero_line(lower)
    draw_ticks(lower, dates, number_ticks(1.05 * low, 1.05 * high, short_percent))
    entries = [(AREA, "Long", "#A6CBE3"), (LINE, "Gross", INK)]
    if short.any():
        entries += [(AREA, "Short", "#F3C3A0"), (DASHED, "Net", MUTED)]
    write_legend(lower, entries)
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
    ax = panel(figure, left=66)
    x = days(sleeves.index)
    x = np.append(x, x[-1] + (x[-1] - x[-2] if len(x) > 1 else 30))
    size = sleeves.drop(columns="cash", errors="ignore").abs().sum()
    # The largest class is next to zero, where its changes are easiest to read.
    classes = size.groupby(lambda name: name.rsplit("_", 1)[0]).sum()
    classes = classes.sort_values(ascending=False, kind="stable").index
    others = iter(_OTHER_COLOURS * 4)
    colours = {name: _CLASS_COLOURS.get(name) or next(others) for name in classes}
    entries, low, high = [], 0.0, 0.01
    for side, alpha in (("long", 0.85), ("short", 0.45)):
        base = np.zeros(len(x))
        for name in classes:
            part = sleeves.get(f"{name}_{side}", pd.Series(0.0, sleeves.index)).fillna(0.0)
            if not part.any():
                continue
            top = base + np.append(part, part.iloc[-1])
            colour = to_hex(1 - alpha * (1 - np.array(to_rgb(colours[name]))))
            ax.fill_between(x, base, top, step="post", color=colour, linewidth=0)
            entries.append((AREA, f"{name.capitalize()} {side}", colour))
            base = top
        low, high = min(low, base.min()), max(high, base.max())
    if "cash" in sleeves:
        cash = sleeves["cash"].to_numpy(dtype=float)
        cash = np.append(cash, cash[-1])
        ax.step(x, cash, where="post", color=INK, linewidth=1.1, linestyle=_DASH)
        entries.append((DASHED, "Cash", INK))
        low, high = min(low, np.nanmin(cash)), max(high, np.nanmax(cash))
    _limit(ax, x, 1.05 * low, 1.05 * high)
    zero_line(ax)
    draw_ticks(ax, date_ticks(x), number_ticks(1.05 * low, 1.05 * high, short_percent))
    write_legend(ax, entries)
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
    ax = panel(figure, left=66)
    x, heights = days(turnover.index), turnover.to_numpy(dtype=float)
    width = 0.8 * float(np.median(np.diff(x))) if len(x) > 1 else 20.0
    span = float(x[-1] - x[0]) + 2 * width
    # One collection: a patch for each bar would cost ten times as much to draw.
    ax.vlines(x, 0, heights, color=PORTFOLIO, linewidth=max(1.0, 810 * width / span))
    ceiling = 1.05 * float(heights.max()) or 1.0
    _limit(ax, np.array([x[0] - width, x[-1] + width]), 0.0, ceiling)
    draw_ticks(ax, date_ticks(x), number_ticks(0.0, ceiling, short_percent))
    if len(heights) > 1:
        mean = float(np.mean(heights[1:]))
        ax.axhline(mean, color=NEGATIVE, linewidth=1.6, linestyle=_DASH)
        write_legend(ax, [(DASHED, f"Mean after the first: {percent(mean, 1)}", NEGATIVE)])
    return figure


def _limit(ax: Axes, x: np.ndarray, low: float, high: float) -> None:
    ax.set_xlim(x[0], max(x[-1], x[0] + 1))
    ax.set_ylim(low, high)
