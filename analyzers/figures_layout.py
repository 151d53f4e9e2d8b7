"""Layouts that stay readable with many factors: small multiples, rows of intervals, heat maps."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.style import (
    DIVERGING,
    INK,
    MUTED,
    NEUTRAL,
    Ticks,
    draw_ticks,
    new_figure,
    number_ticks,
    panel,
    zero_line,
)

__all__ = [
    "few_ticks",
    "frame",
    "panel_grid",
    "plot_heat_map",
    "plot_intervals",
    "write_marks",
]

_WIDTH = 900
_LEFT, _GAP = 56, 18
_TITLE = 24
_ROW = 22
_COLUMN = 76


def panel_grid(
    title: str,
    subtitle: str,
    names: Sequence[str | None],
    columns: int = 3,
    height: int = 140,
    foot: int = 26,
    head: int = 84,
) -> tuple[Figure, list[Axes | None]]:
    """A figure of small panels, filled row by row, each under its name.

    Parameters
    ----------
    title, subtitle : str
    names : sequence of str or None
        Of the panels; None leaves a place empty.
    columns : int
        Panels in a row.
    height : int
        Of one panel, pixels.
    foot : int
        Kept free under each panel for its ticks, pixels.
    head : int
        Kept free above the panels, pixels.

    Returns
    -------
    figure : Figure
    axes : list of Axes or None
        In the order of `names`.
    """
    rows = -(-len(names) // columns)
    pitch = _TITLE + height + foot
    total = head + rows * pitch + 8
    figure = new_figure(title, subtitle, total)
    width = (_WIDTH - 16) / columns
    axes: list[Axes | None] = []
    for number, name in enumerate(names):
        row, column = divmod(number, columns)
        if name is None:
            axes.append(None)
            continue
        left = 8 + column * width
        top = head + row * pitch + _TITLE
        right = round(_WIDTH - left - width + _GAP)
        ax = panel(figure, round(left + _LEFT), right, top, round(total - top - height))
        room = int((width - 16) / 7.9)
        text = textwrap.shorten(name, room, placeholder="\u2026")
        figure.text((left + 8) / _WIDTH, 1 - (top - 9) / total, text, fontweight="bold")
        axes.append(ax)
    return figure, axes


def frame(
    ax: Axes,
    limits: tuple[float, float],
    values: np.ndarray,
    x_ticks: Ticks,
    form: Callable[[float], str],
    *,
    level: float | None = 0.0,
    count: int = 4,
) -> None:
    """Limits around finite `values` and `level`, with ticks and a line at the level."""
    known = values[np.isfinite(values)]
    if level is not None:
        known = np.append(known, level)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    pad = 0.08 * (high - low) or 0.01
    ax.set_xlim(*limits)
    ax.set_ylim(low - pad, high + pad)
    if level is not None:
        zero_line(ax, level)
    draw_ticks(ax, x_ticks, number_ticks(low - pad, high + pad, form, count))


def few_ticks(ticks: Ticks) -> Ticks:
    """Every second, third, ... tick, so that the labels fit under a small panel."""
    longest = max((len(text) for _, text in ticks), default=0)
    most = 5 if longest <= 4 else 3 if longest <= 8 else 2
    return ticks[:: max(1, -(-len(ticks) // most))]


def write_marks(figure: Figure, entries: Sequence[tuple[str, str, str]]) -> None:
    """One line of (mark, text, colour) under the subtitle: what the colours mean."""
    height = figure.get_figheight() * 72
    x, y = 16.0, 1 - 67 / height
    for mark, text, colour in entries:
        figure.text(x / _WIDTH, y, mark, color=colour, va="center", fontweight="bold")
        figure.text((x + 24) / _WIDTH, y, text, va="center", color=INK)
        x += 46 + 7.4 * len(text)


def plot_intervals(
    rows: pd.DataFrame,
    title: str,
    subtitle: str,
    form: Callable[[float], str],
    looks: Mapping[str, tuple[str, str]],
    heads: Sequence[str] = (),
    limits_at: Sequence[float] = (),
) -> Figure:
    """A row a name: points, intervals around them, and columns of text on the right.

    Parameters
    ----------
    rows : DataFrame
        ``name``; ``group``, where a blank line goes before a new one; for each mark of `looks`
        a column of values and, where there, ``<mark>_low`` and ``<mark>_high``; one column of
        text for each of `heads`.
    title, subtitle : str
    form : callable
        Writes the ticks.
    looks : mapping of str to (text, colour)
        Marks, in the order drawn.
    heads : sequence of str
        Columns of text.
    limits_at : sequence of float
        Where thin dashed lines are drawn beside the one at zero.
    """
    starts = rows["group"].ne(rows["group"].shift()).to_numpy() if "group" in rows else None
    gaps = np.zeros(len(rows)) if starts is None else np.cumsum(starts) - 1.0
    place = np.arange(len(rows)) + 0.6 * gaps
    depth = place[-1] + 1.0
    figure = new_figure(title, subtitle, round(112 + _ROW * depth + 34))
    beside = _COLUMN * len(heads)
    ax = panel(figure, left=238, right=30 + beside, top=104, bottom=34)
    marks = [name for name in looks if name in rows]
    bounds = [name for mark in marks for name in (mark, f"{mark}_low", f"{mark}_high")]
    values = rows[[name for name in bounds if name in rows]].to_numpy(dtype=float)
    known = np.concatenate([values[np.isfinite(values)], [0.0], limits_at])
    pad = 0.05 * (known.max() - known.min()) or 0.01
    limits = float(known.min() - pad), float(known.max() + pad)
    ax.set_xlim(*limits)
    ax.set_ylim(depth - 0.4, -0.6)
    ax.axvline(0.0, color=MUTED, linewidth=0.9)
    for level in limits_at:
        ax.axvline(level, color=NEUTRAL, linewidth=1.0, linestyle=(0, (4, 3)))
    draw_ticks(ax, number_ticks(*limits, form, 6), [])
    step = 0.26 if len(marks) > 1 else 0.0
    for number, mark in enumerate(marks):
        y = place + step * (number - (len(marks) - 1) / 2)
        colour = looks[mark][1]
        if f"{mark}_low" in rows:
            ax.hlines(y, rows[f"{mark}_low"], rows[f"{mark}_high"], color=colour, linewidth=1.6)
        ax.plot(rows[mark], y, "os"[number % 2], color=colour, ms=5.5)
    _write_rows(ax, rows, place, heads, beside)
    write_marks(figure, [("\u25cf\u25a0"[k % 2], *looks[mark]) for k, mark in enumerate(marks)])
    return figure


def _write_rows(
    ax: Axes, rows: pd.DataFrame, place: np.ndarray, heads: Sequence[str], beside: int
) -> None:
    """Names on the left of the axes, and numbers on their right."""
    width = ax.get_position().width * _WIDTH
    across = ax.get_yaxis_transform()
    for y, name in zip(place.tolist(), rows["name"]):
        text = textwrap.shorten(str(name), 29, placeholder="\u2026")
        ax.text(-10 / width, y, text, ha="right", va="center_baseline", transform=across)
    for number, head in enumerate(heads):
        x = 1 + (24 + _COLUMN * (number + 1) - 10) / width
        ax.text(x, -0.95, head, ha="right", va="center", color=MUTED, transform=across)
        for y, text in zip(place.tolist(), rows[head]):
            ax.text(x, y, text, ha="right", va="center_baseline", transform=across)


def plot_heat_map(
    values: pd.DataFrame,
    title: str,
    subtitle: str,
    form: Callable[[float], str],
    *,
    limit: float | None = None,
    blocks: Sequence[int] = (),
    shades: pd.DataFrame | None = None,
) -> Figure:
    """A matrix in colours around zero, with its numbers; NaN is blank.

    Parameters
    ----------
    values : (K, C) DataFrame
        Row and column labels are shown; long ones are cut short, columns numbered where they
        repeat the rows.
    title, subtitle : str
    form : callable
        Writes a number.
    limit : float, optional
        Where the colours end; the largest absolute value unless given.
    blocks : sequence of int
        Columns before which a gap is left, as between regimes of two kinds.
    shades : (K, C) DataFrame, optional
        What the colours show, around zero; the numbers themselves unless given.
    """
    count, wide = values.shape
    numbered = wide > 6 and list(values.index) == list(values.columns)
    left = 236
    gap = np.zeros(wide)
    for start in blocks:
        gap[start:] += 0.25
    cell = min(96.0, (_WIDTH - left - 20) / (wide + (gap[-1] if wide else 0)))
    tall = 26 if numbered or wide > 6 else 30
    head = 96 if numbered else 108
    figure = new_figure(title, subtitle, round(head + tall * count + 16))
    edge = _WIDTH - left - round(cell * (wide + gap[-1]))
    ax = panel(figure, left=left, right=edge, top=head, bottom=16)
    drawn = values.to_numpy(dtype=float)
    coloured = drawn if shades is None else shades.to_numpy(dtype=float)
    known = np.abs(coloured[np.isfinite(coloured)])
    limit = limit or (float(known.max()) if len(known) else 1.0) or 1.0
    for column in range(wide):
        x = column + gap[column]
        ax.pcolormesh(
            [x, x + 1],
            np.arange(count + 1.0),
            np.ma.masked_invalid(coloured[:, [column]]),
            cmap=DIVERGING,
            vmin=-limit,
            vmax=limit,
            edgecolors="white",
            linewidth=1.2,
        )
    ax.set_xlim(0, wide + (gap[-1] if wide else 0))
    ax.set_ylim(count, 0)
    longest = max((len(form(value)) for value in drawn[np.isfinite(drawn)]), default=1)
    size = max(7.0, min(12.5, 1.5 * cell / max(longest, 2)))
    for row, column in np.argwhere(np.isfinite(drawn)):
        x = column + gap[column] + 0.5
        text = form(drawn[row, column])
        ax.text(x, row + 0.52, text, ha="center", va="center", fontsize=size)
    names = [f"({k + 1}) {name}" for k, name in enumerate(values.index)]
    for row, name in enumerate(names if numbered else map(str, values.index)):
        text = textwrap.shorten(name, 31, placeholder="\u2026")
        ax.text(-0.1, row + 0.5, text, ha="right", va="center", color=INK)
    for column, name in enumerate(map(str, values.columns)):
        text = f"({column + 1})" if numbered else textwrap.fill(name, max(5, int(cell / 7.6)))
        x = column + gap[column] + 0.5
        ax.text(x, -0.2, text, ha="center", va="bottom", color=MUTED, fontsize=min(12.5, size + 2))
    return figure


def blank(ax: Axes, reason: str) -> None:
    """Say in a panel why it has nothing to show."""
    text = textwrap.fill(reason, 30)
    ax.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, transform=ax.transAxes)
    ax.axhline(0.0, color=NEUTRAL, linewidth=0.0)
