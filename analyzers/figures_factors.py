"""Figures of the factors: correlation, exposures, attribution, and the latest ranks."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

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
    new_figure,
    percent,
    percent_axis,
    plain_axis,
    styled,
)

__all__ = [
    "plot_attribution",
    "plot_factor_correlation",
    "plot_latest_ranks",
    "plot_rolling_exposures",
]

_SPACE = "\u00a0"  # plain runs of spaces collapse in SVG
_SIDE_COLOURS = {"long": PORTFOLIO, "short": NEGATIVE}


@styled
def plot_factor_correlation(
    correlation: pd.DataFrame, title: str = "Factor correlation", subtitle: str = ""
) -> Figure:
    """Lower triangle of a (K, K) correlation matrix, coloured from -1 to 1; NaN is blank."""
    count = len(correlation)
    if count < 2:
        return empty_figure(title, "A correlation needs two series or more.")
    names = [textwrap.fill(str(name), 24) for name in correlation.index]
    cell = min(110, 640 // count)
    height = 110 + max(38, min(64, cell)) * count
    figure = new_figure(title, subtitle, height)
    ax = plain_axis(figure, left=210, right=900 - 210 - cell * count, top=66, bottom=44)
    ax.grid(False)
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
        text = f"{lower[row, column]:.2f}".replace("-", "\u2212")
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center")
    ax.set_ylim(count, 0)
    ax.set_yticks(edges[:-1] + 0.5, names)
    short = [textwrap.shorten(str(name), max(6, cell // 8), placeholder="\u2026") for name in names]
    ax.set_xticks(edges[:-1] + 0.5, short)
    for spine in ax.spines.values():
        spine.set_visible(False)
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
    upper = plain_axis(figure, left=66, right=190, top=78, bottom=206)
    lower = plain_axis(figure, left=66, right=190, top=356, bottom=34)
    x = days(exposures.index)
    betas = exposures.drop(columns="alpha_annual")
    for name in betas:
        colour, dash = looks[name]
        upper.plot(x, betas[name].to_numpy(), color=colour, linestyle=dash)
    upper.axhline(0.0, color=MUTED, linewidth=0.8)
    upper.text(0, 1.03, "Exposure (slope)", transform=upper.transAxes, color=MUTED)
    alpha = exposures["alpha_annual"].to_numpy()
    lower.plot(x, alpha, color=PORTFOLIO)
    lower.fill_between(x, alpha, 0, color=PORTFOLIO, alpha=0.2, linewidth=0)
    lower.axhline(0.0, color=MUTED, linewidth=0.8)
    lower.text(0, 1.05, "Alpha, a year", transform=lower.transAxes, color=MUTED)
    percent_axis(lower)
    date_axis(upper, x, labels=False)
    date_axis(lower, x)
    label_ends(upper, [_end(betas[name], f"{name}", looks[name][0]) for name in betas])
    label_ends(lower, [(alpha[-1], f"{percent(alpha[-1], 1)} alpha", PORTFOLIO)])
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
    ax = plain_axis(figure, left=66, right=240, top=70)
    x = days(contributions.index)
    parts = contributions.drop(columns="total", errors="ignore")
    for name in parts:
        colour, dash = looks[name]
        ax.plot(x, parts[name].to_numpy(), color=colour, linestyle=dash)
    ends = [_end(parts[name], name, looks[name][0], 1) for name in parts]
    if "total" in contributions:
        ax.plot(x, contributions["total"].to_numpy(), color=INK, linewidth=2.4)
        ends.append(_end(contributions["total"], "Total", INK, 1))
    ax.axhline(0.0, color=MUTED, linewidth=0.8)
    percent_axis(ax)
    date_axis(ax, x)
    label_ends(ax, ends)
    return figure


def _end(values: pd.Series, name: str, colour: str, digits: int | None = None):
    last = float(values.iloc[-1])
    number = f"{last:.2f}".replace("-", "\u2212") if digits is None else percent(last, digits)
    return last, f"{number} {textwrap.shorten(name, 26, placeholder=chr(0x2026))}", colour


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

    `ranks` is best first, with symbol, asset_class, `factors`, score, rank, side and
    target_weight. Longs are blue, shorts orange, and what is not held grey.
    """
    if ranks.empty:
        return empty_figure(title, "No asset was ranked at the latest decision.")
    top, bottom = ranks.head(rows), ranks.iloc[max(rows, len(ranks) - rows) :]
    heads = [textwrap.wrap(labels.get(name, name), 13)[:3] for name in factors]
    depth = max([len(head) for head in heads], default=1)
    lines = depth + 1 + len(top) + (len(bottom) + 1 if len(bottom) else 0)
    pitch = 19
    figure = new_figure(title, subtitle, 76 + pitch * lines)
    size = figure.get_figheight() * 72

    def write(line: int, text: str, colour: str, weight: str = "normal") -> None:
        figure.text(
            16 / 900,
            1 - (72 + pitch * line) / size,
            text.replace(" ", _SPACE),
            family="monospace",
            fontsize=12,
            color=colour,
            fontweight=weight,
        )

    for k in range(depth):
        words = [head[k - depth + len(head)] if k >= depth - len(head) else "" for head in heads]
        ends = ("rank", "symbol", "class"), ("score", "side", "weight")
        left, right = ends if k == depth - 1 else (("", "", ""), ("", "", ""))
        write(k, _row(left, words, right), MUTED, "bold")
    line = depth
    for part in (top, bottom):
        for record in part.to_dict("records"):
            colour = _SIDE_COLOURS.get(str(record["side"]), MUTED)
            write(line, _record(record, factors), colour)
            line += 1
        if part is top and len(bottom):
            hidden = len(ranks) - len(top) - len(bottom)
            write(line, f"      ... {hidden} between ..." if hidden else "", MUTED)
            line += 1
    return figure


def _row(left: Sequence[str], middle: Sequence[str], right: Sequence[str]) -> str:
    cells = "".join(f"{text[:13]:>14}" for text in middle)
    return f"{left[0]:>5} {left[1]:<8}{left[2]:<8}{cells}{right[0]:>9}  {right[1]:<6}{right[2]:>9}"


def _record(record: Mapping[str, object], factors: Sequence[str]) -> str:
    rank, symbol = f"{record['rank']:.0f}", str(record["symbol"])[:8]
    return _row(
        (rank, symbol, str(record["asset_class"])[:7]),
        [_number(record[name]) for name in factors],
        (_number(record["score"]), str(record["side"] or ""), percent(record["target_weight"], 2)),
    )


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "\u2212") if np.isfinite(value) else "n/a"
