"""Figures of the research report: rank correlations, spreads, frontier and sleeves by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.frontier import efficient_frontier
from analyzers.research_witness import WEEKS, Witness
from analyzers.style import (
    LINE,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    UNIVERSE,
    Ticks,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    factor_colours,
    new_figure,
    number_ticks,
    panel,
    short,
    short_percent,
    styled,
    write_legend,
    zero_line,
)

__all__ = ["plot_coefficients", "plot_frontiers", "plot_sleeves", "plot_spreads"]

#: Sample and universe to label, colour and marker of the dot.
_SAMPLES = {
    ("us", "investable"): ("US stocks, investable", PORTFOLIO, "o"),
    ("sp500", "full"): ("S&P 500 names", "#56B4E9", "s"),
    ("coins", "full"): ("coins, all", NEGATIVE, "o"),
    ("coins", "investable"): ("coins, investable", "#E69F00", "s"),
}
_WHISKER = 1.959964
_MARK = "\u25cf"


@styled
def plot_coefficients(table: pd.DataFrame) -> Figure:
    """Mean rank IC of each measure by sample, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        sample, universe, label, ic_mean, ic_t; one row a measure and sample. Measures stand in
        order of first sight; where coins were studied, those that coins have.
    """
    found = table[table["ic_mean"].notna()]
    coins = found.loc[found["sample"] == "coins", "label"]
    found = found[found["label"].isin(coins)] if len(coins) else found
    keyed = {
        key: found[(found["sample"] == key[0]) & (found["universe"] == key[1])].set_index("label")
        for key in _SAMPLES
    }
    keyed = {key: part for key, part in keyed.items() if len(part)}
    labels = list(dict.fromkeys(found["label"]))
    title = "Does the score rank next week's returns?"
    if not keyed or not labels:
        return empty_figure(title, "No sample was broad enough.")
    figure = new_figure(
        title,
        "Mean rank correlation of score and the return of the week after, 95 % interval",
        126 + 42 * len(labels),
    )
    ax = panel(figure, left=200, right=24, top=92, bottom=34)
    edge = 0.0
    for k, (key, part) in enumerate(keyed.items()):
        _, colour, marker = _SAMPLES[key]
        known = [label for label in labels if label in part.index]
        means = part.loc[known, "ic_mean"].to_numpy(dtype=float)
        wide = np.abs(means / part.loc[known, "ic_t"].to_numpy(dtype=float)) * _WHISKER
        y = np.array([labels.index(label) for label in known]) + 0.17 * (k - (len(keyed) - 1) / 2)
        ax.hlines(y, means - wide, means + wide, color=colour, linewidth=1.6)
        ax.plot(means, y, linestyle="", marker=marker, color=colour, markersize=6)
        edge = max(edge, np.nanmax(np.abs(means) + wide, initial=0.0))
    edge = 1.05 * edge or 0.1
    ax.set_xlim(-edge, edge)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.axvline(0.0, color=MUTED, linewidth=0.8)
    rows = [(float(k), label) for k, label in enumerate(labels)]
    draw_ticks(ax, number_ticks(-edge, edge, short), rows)
    write_legend(ax, [(_MARK, _SAMPLES[key][0], _SAMPLES[key][1]) for key in keyed])
    return figure


@styled
def plot_spreads(classes: Mapping[str, pd.DataFrame]) -> Figure:
    """Sums of weekly spreads, one panel a class with a scale of its own.

    Parameters
    ----------
    classes : dict of str to (W, K) DataFrame
        Weekly returns by title of the panel; the columns of all panels share their colours.
        NaN is no return.
    """
    title = "Best less worst fifth, summed week by week"
    known = {name: frame.dropna(how="all") for name, frame in classes.items()}
    known = {name: frame for name, frame in known.items() if len(frame) > 1}
    if not known:
        return empty_figure(title, "There are no weeks to show.")
    subtitle = "Net of commission, slippage and borrowing; not compounded; scales differ"
    figure = new_figure(title, subtitle, 430)
    names = list(dict.fromkeys(name for frame in known.values() for name in frame))
    looks = factor_colours(names)
    wide = (900 - 66 - 24 - 90 * (len(known) - 1)) / len(known)
    for k, (name, frame) in enumerate(known.items()):
        left = round(66 + k * (wide + 90))
        ax = panel(figure, left=left, right=round(900 - left - wide), top=118, bottom=36)
        total = frame.fillna(0.0).cumsum().where(frame.ffill().notna())
        x = days(frame.index)
        for column in frame:
            colour, dash = looks[column]
            ax.plot(x, total[column].to_numpy(), color=colour, linestyle=dash)
        _limits(ax, total.to_numpy(), short_percent, date_ticks(x)[:: 1 + (len(known) > 1)], x)
        ax.text(0, 1.03, name, transform=ax.transAxes, fontweight="bold")
        if k == 0:
            first = ax
    _legend(first, [(LINE, column, looks[column][0]) for column in names], 78)
    return figure


def _limits(ax: Axes, values: np.ndarray, form, ticks: Ticks, x: np.ndarray) -> None:
    low, high = min(0.0, np.nanmin(values)), max(0.0, np.nanmax(values))
    pad = 0.05 * (high - low) or 0.01
    ax.set_ylim(low - pad, high + pad)
    ax.set_xlim(x[0], max(x[-1], x[0] + 1e-9))
    zero_line(ax)
    draw_ticks(ax, ticks, number_ticks(low - pad, high + pad, form))


def _legend(ax: Axes, entries: Sequence[tuple[str, str, str]], below: int) -> None:
    """A line of (mark, text, colour) under the subtitle, `below` pixels from the top."""
    figure = ax.figure
    height = figure.get_figheight() * 72
    x = 16.0
    for mark, text, colour in entries:
        figure.text(x / 900, 1 - below / height, mark, color=colour, va="center",
                    fontweight="bold")  # fmt: skip
        figure.text((x + 22) / 900, 1 - below / height, text, va="center")
        x += 38 + 7.4 * len(text)


@styled
def plot_frontiers(witness: Witness) -> Figure:
    """Long-only frontier of the equity factors, without and with coins, and its members.

    The figure ends a little beyond the most volatile equity factor: coins alone lie far outside.
    """
    stocks = witness.stocks
    widest = 1.12 * float(stocks.std(ddof=1).max()) * WEEKS**0.5
    both = pd.concat([stocks, witness.coins], axis=1)
    title = "Mean and volatility of mixes, with and without coins"
    curves = {
        "equity factors alone": (stocks, PORTFOLIO, "-"),
        "with coins": (both, NEGATIVE, (0, (5, 1.5))),
    }
    figure = new_figure(
        title, f"{witness.label}, {len(stocks)} weeks, long only, in sample: means of the past", 430
    )
    ax = panel(figure, left=66, right=24, top=96, bottom=52)
    top = 0.0
    for frame, colour, dash in curves.values():
        curve = efficient_frontier(frame, periods_per_year=WEEKS, points=201, long_only=True)
        shown = curve[curve["volatility"] <= widest]
        ax.plot(shown["volatility"], shown["mean_annual"], color=colour, linestyle=dash,
                linewidth=2.0)  # fmt: skip
        top = max(top, float(shown["mean_annual"].max()))
    mean, spread = stocks.mean() * WEEKS, stocks.std(ddof=1) * WEEKS**0.5
    ax.plot(spread, mean, linestyle="", marker="o", color=UNIVERSE, markersize=6)
    low = min(0.0, float(mean.min()))
    for name in stocks:
        # The higher of two neighbours is named above its dot, the lower one below.
        near = [other for other in stocks if other != name
                and abs(spread[other] - spread[name]) < 0.06 * widest
                and abs(mean[other] - mean[name]) < 0.06 * (top - low)]  # fmt: skip
        place = {"ha": "center", "va": "bottom" if mean[name] >= mean[near].max() else "top"}
        step = 0.025 * (top - low) * (1 if place["va"] == "bottom" else -1)
        x, y = (
            (spread[name], mean[name] + step) if near else (spread[name] + widest / 90, mean[name])
        )
        ax.text(x, y, name, color=MUTED, **(place if near else {"va": "center"}))
    ax.set_xlim(0.0, widest)
    ax.set_ylim(low - 0.08 * (top - low), top + 0.05 * (top - low))
    zero_line(ax)
    draw_ticks(ax, number_ticks(0.0, widest, short_percent), number_ticks(low, top, short_percent))
    figure.text(0.5, 12 / 430, "volatility, a year", ha="center", color=MUTED)
    write_legend(ax, [(LINE, name, colour) for name, (_, colour, _) in curves.items()])
    return figure


@styled
def plot_sleeves(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Sharpe ratio, share of variance and deepest loss against the share of crypto.

    Parameters
    ----------
    table : DataFrame
        witness, share, sharpe, variance_share, max_drawdown; one sleeve.
    labels : mapping
        Witness to its text.
    """
    title = "A sleeve of crypto in a portfolio of equity factors"
    if table.empty:
        return empty_figure(title, "There are no joint weeks.")
    figure = new_figure(
        title, "Share of capital in the market of coins, set back every week; in sample", 400
    )
    columns = (
        ("sharpe", "Sharpe ratio", short),
        ("variance_share", "Share of variance", short_percent),
        ("max_drawdown", "Deepest loss", short_percent),
    )
    looks = factor_colours(list(dict.fromkeys(table["witness"])))
    shares = sorted(set(table["share"]))
    ticks = [(share, short_percent(share)) for share in shares if share not in (0.01,)]
    for k, (column, name, form) in enumerate(columns):
        left = 60 + k * 288
        ax = panel(figure, left=left, right=900 - left - 214, top=124, bottom=50)
        for witness, part in table.groupby("witness", sort=False):
            colour, dash = looks[witness]
            ax.plot(part["share"], part[column], color=colour, linestyle=dash, marker="o",
                    markersize=4)  # fmt: skip
        _limits(ax, table[column].to_numpy(dtype=float), form, ticks, np.array([0.0, shares[-1]]))
        ax.text(0, 1.04, name, transform=ax.transAxes, fontweight="bold")
        if k == 0:
            first = ax
    _legend(first, [(LINE, labels[name], looks[name][0]) for name in looks], 78)
    figure.text(0.5, 12 / 400, "share of capital in crypto", ha="center", color=MUTED)
    return figure
