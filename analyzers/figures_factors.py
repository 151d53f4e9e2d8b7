"""Figures of the factors: correlation, exposures, attribution, and the latest ranks."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.presentation import format_score, rank_groups
from analyzers.style import (
    DIVERGING,
    INK,
    MONO,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    Ticks,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    label_ends,
    label_margin,
    new_figure,
    number_ticks,
    panel,
    percent,
    short,
    short_percent,
    styled,
    zero_line,
)

__all__ = [
    "plot_attribution",
    "plot_factor_correlation",
    "plot_latest_ranks",
    "plot_rolling_exposures",
]

_SPACE = "\u00a0"  # plain runs of spaces collapse in SVG
_BLANK = ("", "", "", "")
_HEADS = ("rank", "symbol", "class"), ("score", "side", "weight", "price")
_SIDE_COLOURS = {"long": PORTFOLIO, "short": NEGATIVE}


@styled
def plot_factor_correlation(
    correlation: pd.DataFrame, title: str = "Factor correlation", subtitle: str = ""
) -> Figure:
    """Lower triangle of a (K, K) correlation matrix, coloured from -1 to 1; NaN is blank."""
    count = len(correlation)
    if count < 2:
        return empty_figure(title, "A correlation needs two series or more.")
    cell = min(112, 640 // count)
    tall = max(38, min(58, cell))
    figure = new_figure(title, subtitle, 66 + tall * count + 76)
    ax = panel(figure, left=226, right=900 - 226 - cell * count, top=66, bottom=76)
    lower = np.where(np.tri(count, dtype=bool), correlation.to_numpy(dtype=float), np.nan)
    edges = np.arange(count + 1.0)
    ax.pcolormesh(
        edges,
        edges,
        np.ma.masked_invalid(lower),
        cmap=DIVERGING,
        vmin=-1,
        vmax=1,
        edgecolors="white",
        linewidth=1.5,
    )
    for row, column in np.argwhere(np.isfinite(lower)):
        text = f"{lower[row, column] + 0.0:.2f}"
        text = "0.00" if text == "-0.00" else text.replace("-", "\u2212")
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center")
    ax.set_xlim(0, count)
    ax.set_ylim(count, 0)
    for k, name in enumerate(map(str, correlation.index)):
        beside = {"ha": "right", "va": "center", "color": MUTED}
        ax.text(-0.1, k + 0.5, textwrap.fill(name, 26), **beside)
        under = {"ha": "center", "va": "top", "color": MUTED}
        ax.text(k + 0.5, count + 0.1, textwrap.fill(name, max(5, cell // 8)), **under)
    return figure


@styled
def plot_rolling_exposures(
    exposures: pd.DataFrame,
    looks: Mapping[str, tuple[str, object]],
    title: str = "Rolling factor exposures",
    subtitle: str = "",
) -> Figure:
    """Betas above, annualised alpha below, of regressions over a moving window.

    `exposures` is indexed by the window's last date with one column a factor (slopes) and
    ``alpha_annual`` (fraction a year); `looks` maps factor to (colour, line style).
    """
    if len(exposures) < 2:
        return empty_figure(title, "The run is shorter than one window of the regression.")
    figure = new_figure(title, subtitle, 520)
    betas, x = exposures.drop(columns="alpha_annual"), days(exposures.index)
    alpha = exposures["alpha_annual"]
    ends = [_end(betas[name], name, looks[name][0], _two_digits) for name in betas]
    margin = label_margin([text for _, text, _ in ends])
    dates = date_ticks(x)
    upper = panel(figure, left=66, right=margin, top=84, bottom=206)
    for name in betas:
        colour, dash = looks[name]
        upper.plot(x, betas[name].to_numpy(), color=colour, linestyle=dash)
    _frame(upper, betas, [(day, "") for day, _ in dates], short, 6)
    label_ends(upper, ends)
    lower = panel(figure, left=66, right=margin, top=362, bottom=34)
    lower.plot(x, alpha.to_numpy(), color=PORTFOLIO)
    lower.fill_between(x, alpha.to_numpy(), 0, color=PORTFOLIO, alpha=0.2, linewidth=0)
    _frame(lower, alpha.to_frame(), dates, short_percent, 4)
    label_ends(lower, [_end(alpha, "alpha", PORTFOLIO, _percent)])
    for ax, text in ((upper, "Exposure: slope on each factor"), (lower, "Alpha, a year")):
        ax.text(0, 1.04, text, transform=ax.transAxes, color=MUTED)
    return figure


@styled
def plot_attribution(
    contributions: pd.DataFrame,
    looks: Mapping[str, tuple[str, object]],
    title: str = "Alpha attribution",
    subtitle: str = "",
) -> Figure:
    """Cumulative contribution of each factor, alpha and residual to the summed return.

    `contributions` is indexed by date with one column a part, fractions; the column
    ``total``, where there, is drawn thick and equals the sum of the others.
    """
    if len(contributions) < 2:
        return empty_figure(title, "There are too few periods to attribute.")
    figure = new_figure(title, subtitle, 450)
    x = days(contributions.index)
    shown = {name: looks.get(name, (INK, "-")) for name in contributions}
    ends = [
        _end(contributions[name], name, colour, _percent) for name, (colour, _) in shown.items()
    ]
    left = 66 if contributions.abs().max().max() < 10 else 92
    ax = panel(figure, left=left, right=label_margin([text for _, text, _ in ends]), top=70)
    for name, (colour, dash) in shown.items():
        width = 2.4 if name == "total" else 1.5
        values = contributions[name].to_numpy()
        ax.plot(x, values, color=colour, linestyle=dash, linewidth=width)
    _frame(ax, contributions, date_ticks(x), short_percent, 7)
    label_ends(ax, ends)
    return figure


def _frame(
    ax: Axes, drawn: pd.DataFrame, dates: Ticks, form: Callable[[float], str], count: int
) -> None:
    """Limits around the drawn values and zero, with ticks and a line at zero."""
    values = drawn.to_numpy(dtype=float)
    low, high = min(0.0, np.nanmin(values)), max(0.0, np.nanmax(values))
    pad = 0.05 * (high - low) or 0.01
    x = days(drawn.index)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(low - pad, high + pad)
    zero_line(ax)
    draw_ticks(ax, dates, number_ticks(low - pad, high + pad, form, count))


def _end(values: pd.Series, name: str, colour: str, form: Callable[[float], str]):
    """Last value, its label and colour, as `label_ends` takes them."""
    last = float(values.iloc[-1])
    text = textwrap.shorten(str(name), 36, placeholder="\u2026")
    return last, f"{form(last) if np.isfinite(last) else 'n/a'} {text}", colour


def _two_digits(value: float) -> str:
    return f"{value:.2f}".replace("-", "\u2212")


def _percent(value: float) -> str:
    return percent(value, 1)


@styled
def plot_latest_ranks(
    ranks: pd.DataFrame,
    factors: Sequence[str],
    labels: Mapping[str, str],
    title: str = "Latest ranks and signals",
    subtitle: str = "",
    rows: int = 12,
) -> Figure:
    """Table of the best and the worst assets of the latest decision, with their scores.

    A last group has holdings that are larger than these, or not ranked (a thin sleeve's).
    `ranks` is best first, with symbol, asset_class, `factors`, score, rank, side and
    target_weight. Longs are blue, shorts orange, and what is not held grey.
    """
    if ranks.empty:
        return empty_figure(title, "No asset was ranked at the latest decision.")
    groups = rank_groups(ranks, rows)
    width = min(20, (118 - len(_row(_BLANK, (), _BLANK, 0))) // max(1, len(factors)))
    heads = [textwrap.wrap(labels.get(name, name), width - 2)[:3] for name in factors]
    depth = max([len(head) for head in heads], default=1)
    lines = depth + sum(len(group) + 1 for group in groups)
    pitch = 19
    figure = new_figure(title, subtitle, 76 + pitch * lines)
    size = figure.get_figheight() * 72

    def write(line: int, text: str, colour: str, weight: str = "normal") -> None:
        figure.text(
            16 / 900,
            1 - (72 + pitch * line) / size,
            text.replace(" ", _SPACE),
            family=MONO,
            fontsize=12,
            color=colour,
            fontweight=weight,
        )

    for k in range(depth):
        words = [head[k - depth + len(head)] if k >= depth - len(head) else "" for head in heads]
        left, right = _HEADS if k == depth - 1 else (_BLANK, _BLANK)
        write(k, _row(left, words, right, width), MUTED, "bold")
    line = depth
    for group in groups:
        for record in group.to_dict("records"):
            colour = _SIDE_COLOURS.get(str(record["side"]), MUTED)
            write(line, _record(record, factors, width), colour)
            line += 1
        # A blank line between the groups.
        line += 1
    return figure


def _row(left: Sequence[str], middle: Sequence[str], right: Sequence[str], width: int) -> str:
    cells = "".join(f"{text[:width - 1]:>{width}}" for text in middle)
    start = f"{left[0]:>5} {left[1]:<8}{left[2]:<8}"
    return f"{start}{cells}{right[0]:>9}  {right[1]:<6}{right[2]:>9}{right[3]:>13}"


def _record(record: Mapping[str, object], factors: Sequence[str], width: int) -> str:
    weight, price = percent(record["target_weight"], 2), f"{record['price']:,.2f}"
    side = record["side"] if isinstance(record["side"], str) else ""
    return _row(
        (
            f"{record['rank']:.0f}" if np.isfinite(record["rank"]) else "\u2013",
            str(record["symbol"])[:7],
            str(record["asset_class"])[:7],
        ),
        [format_score(record[name]) for name in factors],
        (format_score(record["score"]), side, weight, price),
        width,
    )
