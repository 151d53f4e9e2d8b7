"""Figures of where costs come from."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.cost_sources import COST_KINDS, REST
from analyzers.study_labels import short_label
from analyzers.style import (
    AREA,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PORTFOLIO,
    amount,
    draw_ticks,
    empty_figure,
    new_figure,
    number_ticks,
    panel,
    percent,
    styled,
    zero_line,
)

__all__ = ["plot_sources", "plot_waterfall"]

_COLOURS = {"commission": "#0072B2", "slippage": "#E69F00", "carry": "#009E73"}
_ROW, _HEAD = 20, 34
#: Dimensions shown, in two columns, filled from the top.
_COLUMNS = (
    ("asset class", "side and action", "year", "factor, by score", "factor, by change of score"),
    ("asset",),
)


@styled
def plot_sources(sources: pd.DataFrame) -> Figure:
    """Bars of commission, slippage and carry by part of each dimension.

    `sources` has dimension, part, commission, slippage, carry and total, in currency, positive
    where paid. Carry that was received is drawn to the left.
    """
    title = "Where costs come from"
    if sources.empty or not sources["total"].abs().max() > 0:
        return empty_figure(title, "Nothing was paid.")
    known = sources["dimension"].unique().tolist()
    shown = [[name for name in column if name in known] for column in _COLUMNS]
    sizes = [sum(_HEAD + _ROW * (sources["dimension"] == n).sum() for n in col) for col in shown]
    height = int(102 + max(sizes) + 10)
    subtitle = "Commission, slippage and carry over the whole run; each list adds up to the total"
    figure = new_figure(title, subtitle, height)
    x = 16.0
    for kind, colour in _COLOURS.items():
        figure.text(x / 900, 1 - 68 / height, AREA, color=colour, va="center")
        figure.text((x + 18) / 900, 1 - 68 / height, kind, va="center")
        x += 50 + 7.7 * len(kind)
    widest = sources.groupby("dimension")[list(COST_KINDS)].sum().clip(lower=0).to_numpy().sum(1)
    for column, names in enumerate(shown):
        top = 92.0
        for name in names:
            part = sources[sources["dimension"] == name]
            _draw_bars(figure, part, name, column, top, height, float(widest.max()))
            top += _HEAD + _ROW * len(part)
    return figure


def _draw_bars(
    figure: Figure,
    part: pd.DataFrame,
    name: str,
    column: int,
    top: float,
    height: int,
    whole: float,
) -> None:
    start = 8 + 446 * column
    left, right = start + 178, 900 - start - 376
    figure.text((start + 8) / 900, 1 - (top + 16) / height, name.capitalize(), fontweight="bold")
    bottom = height - top - _HEAD - _ROW * len(part)
    ax = panel(figure, left=left, right=right, top=round(top + _HEAD), bottom=round(bottom))
    # What many assets cost together would leave nothing to see of each: it has its number only.
    rest = part["part"].astype(str).str.startswith(REST).to_numpy() & (len(part) > 1)
    part = part.assign(**{kind: np.where(rest, 0.0, part[kind]) for kind in COST_KINDS})
    most = float(part[list(COST_KINDS)].clip(lower=0).sum(axis=1).max()) or whole
    least = float(part[list(COST_KINDS)].clip(upper=0).sum(axis=1).min())
    ax.set_xlim(min(least, 0.0), most)
    ax.set_ylim(len(part), 0)
    for side in (1, -1):
        base = np.zeros(len(part))
        for kind in COST_KINDS:
            size = part[kind].to_numpy(dtype=float)
            size = np.where(size * side > 0, size, 0.0)
            y = np.arange(len(part)) + 0.5
            ax.barh(y, size, left=base, height=0.68, color=_COLOURS[kind], linewidth=0)
            base = base + size
    across = ax.get_yaxis_transform()
    for number, row in enumerate(part.to_dict("records")):
        text = textwrap.shorten(short_label(str(row["part"])), 22, placeholder="\u2026")
        ax.text(-0.02, number + 0.5, text, ha="right", va="center_baseline", transform=across)
        said = percent(row["share"], 1)
        ax.text(1.02, number + 0.5, said, va="center_baseline", color=MUTED, transform=across)


@styled
def plot_waterfall(steps: pd.DataFrame) -> Figure:
    """From gross to net profit: `steps` has step and amount, in currency, gross first, net last."""
    title = "From gross to net profit"
    if steps.empty:
        return empty_figure(title, "There was no run.")
    figure = new_figure(
        title, "Over the whole run, in currency; the same fills, costs taken off", 380
    )
    ax = panel(figure, left=80)
    amounts = steps["amount"].to_numpy(dtype=float)
    ends = np.append(np.cumsum(amounts[:-1]), amounts[-1])
    starts = np.concatenate([[0.0], ends[:-2], [0.0]])
    low, high = min(0.0, ends.min(), starts.min()), max(0.0, ends.max(), starts.max())
    pad = 0.1 * (high - low) or 1.0
    ax.set_xlim(-0.6, len(steps) - 0.4)
    ax.set_ylim(low - (pad if low < 0 else 0.0), high + pad)
    for place, (first, last) in enumerate(zip(starts.tolist(), ends.tolist())):
        total = place in (0, len(steps) - 1)
        colour = PORTFOLIO if total else NEGATIVE if last < first else _COLOURS["carry"]
        ax.bar(place, last - first, bottom=first, width=0.62, color=colour, linewidth=0)
        if place < len(steps) - 1:
            ax.plot([place + 0.31, place + 0.69], [last, last], color=NEUTRAL, linewidth=0.9)
        _write_amount(ax, place, first, last, amounts[0])
    zero_line(ax)
    ticks = [(float(k), str(name)) for k, name in enumerate(steps["step"])]
    draw_ticks(ax, ticks, number_ticks(*ax.get_ylim(), amount))
    return figure


def _write_amount(ax: Axes, place: int, first: float, last: float, gross: float) -> None:
    """The step's amount above its bar, and its share of the gross profit."""
    text = amount(last - first)
    if gross > 0 and place:
        text += f" ({percent((last - first) / gross, 1)})"
    ax.text(place, max(first, last), text, ha="center", va="bottom")
