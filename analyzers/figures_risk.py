"""The figure of realised contributions to risk against their budgets."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.risk_contributions import RESIDUAL, WINDOW
from analyzers.risk_gaps import BOOKS, exposure_label, mean_absolute_gap
from analyzers.style import (
    AREA,
    DASHED,
    INK,
    NEUTRAL,
    date_ticks,
    days,
    draw_ticks,
    empty_figure,
    factor_colours,
    new_figure,
    number_ticks,
    panel,
    percent,
    short_percent,
    styled,
    zero_line,
)

__all__ = ["plot_risk_contributions"]

_TITLE = "Realised contributions to risk"
_DASH = (0, (4, 1.5))
_RIGHT = 214
_HEIGHT = 650


@styled
def plot_risk_contributions(table: pd.DataFrame) -> Figure:
    """Stacked contributions over time with their budgets, and those of the equal-weighted book.

    Parameters
    ----------
    table : DataFrame
        date, book, kind, exposure, budget, contribution; the kind ``realised`` is drawn.
    """
    realised = table[table["kind"] == "realised"]
    names = [name for name in dict.fromkeys(realised["exposure"]) if name != RESIDUAL]
    if not names:
        return empty_figure(_TITLE, f"The run is shorter than a window of {WINDOW} sessions.")
    colours = {name: look[0] for name, look in factor_colours(names).items()} | {RESIDUAL: NEUTRAL}
    subtitle = (
        f"Shares of the variance of {WINDOW} sessions up to each date; what lowers it is "
        "stacked below zero"
    )
    figure = new_figure(_TITLE, subtitle, _HEIGHT)
    places = ((96, 318), (386, 34))
    parts = {name: realised[realised["book"] == name] for name in BOOKS}
    limits = _limits(list(parts.values()))
    for (name, heading), (top, bottom) in zip(BOOKS.items(), places):
        ax = panel(figure, left=66, right=_RIGHT, top=top, bottom=bottom)
        _stack(ax, parts[name], colours, limits)
        gap = percent(mean_absolute_gap(table, "realised", name), 1)
        text = f"{heading}: {gap} from budget in the mean"
        figure.text(66 / 900, 1 - (top - 14) / _HEIGHT, text, fontweight="bold")
    _legend(figure, colours)
    return figure


def _limits(parts: list[pd.DataFrame]) -> tuple[float, float]:
    low, high = 0.0, 1.0
    for part in parts:
        for sign in (1.0, -1.0):
            kept = part["contribution"].where(sign * part["contribution"] > 0, 0.0)
            sums = kept.groupby(part["date"]).sum()
            low, high = min(low, sums.min()), max(high, sums.max())
    return float(low) * 1.03, float(high) * 1.03


def _stack(
    ax: Axes, part: pd.DataFrame, colours: dict[str, str], limits: tuple[float, float]
) -> None:
    wide = part.pivot(index="date", columns="exposure", values=["budget", "contribution"])
    wide = wide.fillna(0.0)
    x = days(wide.index)
    above, below, budget = np.zeros((3, len(x)))
    for name in (name for name in colours if name in wide["contribution"]):
        share = wide["contribution"][name].to_numpy()
        for base, sign in ((above, 1.0), (below, -1.0)):
            edge = base + np.where(sign * share > 0, share, 0.0)
            ax.fill_between(x, base, edge, color=colours[name], linewidth=0)
            base[:] = edge
        if name != RESIDUAL:
            budget = budget + wide["budget"][name].to_numpy()
            ax.plot(x, budget, color=INK, linewidth=1.1, linestyle=_DASH)
    ax.set_xlim(x[0], max(x[-1], x[0] + 1))
    ax.set_ylim(*limits)
    zero_line(ax)
    draw_ticks(ax, date_ticks(x), number_ticks(*limits, short_percent))


def _legend(figure: Figure, colours: dict[str, str]) -> None:
    """Beside the panels, in the order of the stack from its top."""
    entries = [(AREA, exposure_label(name, {}), colours[name]) for name in reversed(colours)]
    entries.append((DASHED, "Budgets, stacked", INK))
    left = 900 - _RIGHT + 14
    for number, (mark, text, colour) in enumerate(entries):
        y = 1 - (110 + 23 * number) / _HEIGHT
        figure.text(left / 900, y, mark, color=colour, va="center", fontweight="bold")
        figure.text((left + 24) / 900, y, text, va="center")
