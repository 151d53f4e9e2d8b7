"""Figures of our factors beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.published import shared_periods
from analyzers.style import (
    DASHED,
    INK,
    LINE,
    MUTED,
    NEGATIVE,
    PORTFOLIO,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    factor_colours,
    label_ends,
    label_margin,
    new_figure,
    number_ticks,
    panel,
    percent,
    short_percent,
    styled,
    zero_line,
)

__all__ = ["plot_cumulative", "plot_differences", "plot_scatter"]

_ROW, _TOP, _GAP = 206, 98, 34
_LEFT, _MIDDLE, _RIGHT = 62, 72, 22


@styled
def plot_cumulative(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    notes: Mapping[str, str],
    title: str = "Summed returns of the factors, as built and as published",
    subtitle: str = "",
) -> Figure:
    """Summed returns of each factor, ours and theirs, a small panel each.

    `ours` and `published` are tables of returns by date; factors are the columns of `notes`,
    whose texts stand in the panels.
    """
    pairs = _pairs(ours, published, notes)
    if not pairs:
        return empty_figure(title, "No factor is known in both series.")
    figure, axes = _grid(title, subtitle, len(pairs))
    for ax, (name, both) in zip(axes, pairs.items()):
        summed = both.cumsum()
        x = days(summed.index)
        ax.plot(x, summed["published"].to_numpy(), color=NEGATIVE, linewidth=1.4)
        ax.plot(x, summed["ours"].to_numpy(), color=PORTFOLIO, linewidth=1.4, dashes=(4, 1.6))
        values = summed.to_numpy()
        low, high = _limits(ax, x, min(0.0, values.min()), max(0.0, values.max()))
        zero_line(ax)
        draw_ticks(ax, _thinned(date_ticks(x)), number_ticks(low, high, short_percent, 4))
        _name(ax, name, notes[name])
    for place, mark, text, colour in (
        (16, LINE, "published", NEGATIVE),
        (136, DASHED, "ours", PORTFOLIO),
    ):
        height = figure.get_figheight() * 72
        figure.text(place / 900, 1 - 70 / height, f"{mark} {text}", color=colour)
    return figure


@styled
def plot_scatter(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    notes: Mapping[str, str],
    title: str = "Each period: the published return across, ours up",
    subtitle: str = "",
) -> Figure:
    """Returns of each period, theirs across and ours up, with the line of equality.

    Parameters as in `plot_cumulative`; labels of periods need not be dates.
    """
    pairs = _pairs(ours, published, notes)
    if not pairs:
        return empty_figure(title, "No factor is known in both series.")
    figure, axes = _grid(title, subtitle, len(pairs))
    for ax, (name, both) in zip(axes, pairs.items()):
        theirs, own = both["published"].to_numpy(), both["ours"].to_numpy()
        far = 1.06 * max(np.abs(theirs).max(), np.abs(own).max(), 1e-4)
        ax.set_xlim(-far, far)
        ax.set_ylim(-far, far)
        ax.plot([-far, far], [-far, far], color=MUTED, linewidth=0.8)
        ax.scatter(theirs, own, s=7, color=PORTFOLIO, alpha=0.55, linewidths=0)
        ticks = number_ticks(-far, far, short_percent, 4)
        draw_ticks(ax, ticks, ticks)
        _name(ax, name, notes[name])
    return figure


@styled
def plot_differences(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    notes: Mapping[str, str],
    title: str = "What is left: ours less the published, summed",
    subtitle: str = "",
) -> Figure:
    """Summed difference of each factor in one panel. Parameters as in `plot_cumulative`."""
    pairs = _pairs(ours, published, notes)
    if not pairs:
        return empty_figure(title, "No factor is known in both series.")
    gaps = {name: (both["ours"] - both["published"]).cumsum() for name, both in pairs.items()}
    looks = factor_colours(list(gaps))
    figure = new_figure(title, subtitle, 400)
    texts = {
        name: f"{percent(float(gap.iloc[-1]), 1)} {_title(name)}" for name, gap in gaps.items()
    }
    ax = panel(figure, left=66, right=label_margin(list(texts.values())), top=72, bottom=36)
    for name, gap in gaps.items():
        ax.plot(days(gap.index), gap.to_numpy(), color=looks[name][0], linestyle=looks[name][1])
    everything = np.concatenate([gap.to_numpy() for gap in gaps.values()])
    x = days(pd.DatetimeIndex(sorted({day for gap in gaps.values() for day in gap.index})))
    low, high = _limits(ax, x, min(0.0, everything.min()), max(0.0, everything.max()))
    zero_line(ax)
    draw_ticks(ax, date_ticks(x), number_ticks(low, high, short_percent, 6))
    label_ends(
        ax, [(float(gap.iloc[-1]), texts[name], looks[name][0]) for name, gap in gaps.items()]
    )
    return figure


def _pairs(
    ours: pd.DataFrame, published: pd.DataFrame, notes: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Both series of each factor that has two common periods or more."""
    found = {
        name: shared_periods(ours[name], published[name])
        for name in notes
        if name in ours and name in published
    }
    return {name: both for name, both in found.items() if len(both) > 1}


def _grid(title: str, subtitle: str, count: int) -> tuple[Figure, list[Axes]]:
    """A figure of two columns of small panels."""
    lines = (count + 1) // 2
    height = _TOP + lines * _ROW
    figure = new_figure(title, subtitle, height)
    width = (900 - _LEFT - _MIDDLE - _RIGHT) // 2
    axes = []
    for number in range(count):
        line, column = divmod(number, 2)
        left = _LEFT + column * (width + _MIDDLE)
        top = _TOP + line * _ROW
        axes.append(panel(figure, left, 900 - left - width, top, height - top - _ROW + _GAP + 16))
    return figure, axes


def _limits(ax: Axes, x: np.ndarray, low: float, high: float) -> tuple[float, float]:
    pad = 0.06 * (high - low) or 0.01
    ax.set_xlim(x[0], max(x[-1], x[0] + 1))
    ax.set_ylim(low - pad, high + pad)
    return low - pad, high + pad


def _thinned(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """At most four of the ticks, so that labels of small panels stay apart."""
    return ticks[:: max(1, -(-len(ticks) // 4))]


def _name(ax: Axes, name: str, note: str) -> None:
    ax.text(0, 1.05, _title(name), transform=ax.transAxes, color=INK, fontweight="bold")
    ax.text(1, 1.05, note, transform=ax.transAxes, color=MUTED, ha="right", fontsize=11.5)


def _title(name: str) -> str:
    return "MKT\u2212RF" if name == "mkt_rf" else str(name).upper()
