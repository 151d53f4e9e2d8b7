"""Palette, fonts, axes and number formats of every figure, in one place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

__all__ = [
    "DIVERGING",
    "INK",
    "MUTED",
    "NEGATIVE",
    "NEUTRAL",
    "PORTFOLIO",
    "UNIVERSE",
    "amount",
    "date_axis",
    "days",
    "empty_figure",
    "factor_colours",
    "label_ends",
    "legend_above",
    "multiple",
    "new_figure",
    "percent",
    "percent_axis",
    "plain_axis",
    "styled",
]

# Okabe and Ito's colours: told apart under the common kinds of colour blindness.
PORTFOLIO = "#0072B2"
NEGATIVE = "#D55E00"
INK = "#222222"
MUTED = "#6B6B6B"
UNIVERSE = "#8C8C8C"
NEUTRAL = "#BFBFBF"
_SERIES = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A5C00", "#004D40")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))

#: Vermilion below zero, blue above; pale enough at both ends for dark numbers on top.
DIVERGING = LinearSegmentedColormap.from_list(
    "vermilion_blue", ["#E8894F", "#F6CDB2", "#FFFFFF", "#B4D5EA", "#57A5D3"]
)

_WIDTH = 900
# Sizes are pixels: at 72 dots an inch a point is one. Hinting is off because it costs a
# third of the time of drawing text and is invisible at this size.
_RC = {
    "figure.dpi": 72,
    "savefig.dpi": 72,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.monospace": ["DejaVu Sans Mono", "Menlo", "Courier New", "monospace"],
    "font.size": 12.5,
    "text.color": INK,
    "text.hinting": "none",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.edgecolor": NEUTRAL,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 12.5,
    "ytick.labelsize": 12.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 12.5,
    "path.simplify_threshold": 0.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "factor-investing-crypto-twist",
}


def styled(function: Callable) -> Callable:
    """Run `function` under the house style, leaving matplotlib's settings as they were."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with mpl.rc_context(_RC):
            return function(*args, **kwargs)

    return wrapper


def new_figure(title: str, subtitle: str = "", height: int = 430) -> Figure:
    """A figure 900 pixels wide with its title and one line under it, and no axes yet."""
    figure = Figure(figsize=(_WIDTH / 72, height / 72))
    figure.text(16 / _WIDTH, 1 - 26 / height, title, fontsize=16, fontweight="bold")
    if subtitle:
        figure.text(16 / _WIDTH, 1 - 47 / height, subtitle, fontsize=12.5, color=MUTED)
    return figure


def plain_axis(
    figure: Figure, left: int = 70, right: int = 24, top: int = 84, bottom: int = 34, **kwargs
) -> Axes:
    """Axes inside margins given in pixels; fixed, since automatic layouts draw twice."""
    height = figure.get_figheight() * 72
    box = (
        left / _WIDTH,
        bottom / height,
        1 - (left + right) / _WIDTH,
        1 - (top + bottom) / height,
    )
    return figure.add_axes(box, **kwargs)


def empty_figure(title: str, reason: str) -> Figure:
    """A figure that says why it has nothing to show."""
    figure = new_figure(title, height=180)
    figure.text(0.5, 0.4, reason, ha="center", va="center", color=MUTED, fontsize=13)
    return figure


def factor_colours(names: Sequence[str]) -> dict[str, tuple[str, object]]:
    """Name to (colour, line style): the same for a factor in every figure of a run."""
    return {
        name: (_SERIES[k % len(_SERIES)], _DASHES[k % len(_DASHES)]) for k, name in enumerate(names)
    }


def days(index: pd.Index) -> np.ndarray:
    """Dates as whole days since 1970, the x of every time plot."""
    return pd.DatetimeIndex(index).values.astype("datetime64[D]").astype(np.float64)


def date_axis(ax: Axes, x: np.ndarray, labels: bool = True) -> None:
    """Ticks at years, quarters or months, whichever gives three to twelve of them."""
    first, last = float(x[0]), float(x[-1])
    step, form = 12, "%Y"
    for step, form in ((120, "%Y"), (60, "%Y"), (24, "%Y"), (12, "%Y"), (3, "%b %Y"), (1, "%b %Y")):
        if (last - first) / 30.4 / step >= 3.5:
            break
    start = np.datetime64(int(first), "D").astype("datetime64[M]").astype(int) // step * step
    months = np.arange(start, start + (last - first) / 28 + 2 * step, step, dtype=int)
    ticks = months.astype("datetime64[M]").astype("datetime64[D]").astype(float)
    kept = ticks[(ticks >= first - 5) & (ticks <= last + 5)]
    if len(kept) < 2:
        kept, form = np.array([first, last]), "%Y-%m-%d"
    stamps = pd.DatetimeIndex(kept.astype("datetime64[D]"))
    ax.set_xticks(kept, [stamp.strftime(form) for stamp in stamps] if labels else [""] * len(kept))
    ax.set_xlim(first, last if last > first else first + 1)


def percent(value: float, digits: int = 0) -> str:
    """A fraction as text: ``0.1234`` is ``12 %`` and NaN is ``n/a``."""
    if value is None or not np.isfinite(value):
        return "n/a"
    text = f"{100 * value:,.{digits}f}"
    return ("0" if float(text.replace(",", "")) == 0 else text).replace("-", "\u2212") + "\u202f%"


def multiple(value: float) -> str:
    """A growth factor as text: ``1.2`` is ``1.2x``."""
    return f"{value:.2f}\u00d7" if value < 10 else f"{value:,.1f}\u00d7"


def amount(value: float) -> str:
    """Money in currency, shortened: ``1250000`` is ``1.25M``."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.3g}{letter}".replace("-", "\u2212")
    return f"{value:,.3g}".replace("-", "\u2212")


def percent_axis(ax: Axes, axis: str = "y", digits: int = 0) -> None:
    """Show an axis of fractions in per cent."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_formatter(FuncFormatter(lambda value, _: percent(value, digits)))


def log_axis(ax: Axes, low: float, high: float) -> None:
    """A log scale ticked at round multiples; minor ticks would only cost time."""
    ax.set_yscale("log")
    grid = np.array([base * 10.0**k for k in range(-6, 9) for base in (1, 1.5, 2, 3, 5, 7)])
    ticks = grid[(grid >= low * 0.97) & (grid <= high * 1.03)]
    if len(ticks) > 8:
        ticks = np.array([t for t in ticks if f"{t:e}"[:3] in ("1.0", "2.0", "5.0")])
    ax.set_yticks(ticks, [f"{tick:,g}\u00d7" for tick in ticks])
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())


def legend_above(ax: Axes, columns: int = 6) -> None:
    """A one-line legend between title and axes, where it covers nothing."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(-0.005, 1.0),
            ncols=columns,
            borderaxespad=0.2,
            columnspacing=1.4,
            handlelength=1.8,
            handletextpad=0.5,
        )


def label_ends(ax: Axes, ends: Sequence[tuple[float, str, str]], gap: int = 17) -> None:
    """Name lines at their right ends, moved apart so that no two labels overlap.

    Parameters
    ----------
    ends : sequence of (y, text, colour)
        Last value of each line in data units; the axes' limits must be final.
    gap : int
        Least distance of two labels in pixels.
    """
    height = ax.get_position().height * ax.figure.get_figheight() * 72
    ends = [end for end in ends if np.isfinite(end[0])]
    ends = sorted(ends, key=lambda end: (end[0], end[1]))
    to_axes = ax.transScale + ax.transLimits
    pixels = [to_axes.transform((0, end[0]))[1] * height for end in ends]
    for position, (_, text, colour) in zip(_spread(pixels, gap, height), ends):
        ax.text(1.008, position / height, text, color=colour, transform=ax.transAxes, va="center")


def _spread(positions: list[float], gap: float, height: float) -> list[float]:
    """Ascending positions at least `gap` apart, moved as little as a sweep each way needs."""
    placed: list[float] = []
    for position in positions:
        placed.append(max(position, placed[-1] + gap) if placed else max(position, gap / 2))
    ceiling = height - gap / 2
    for k in reversed(range(len(placed))):
        placed[k] = min(placed[k], ceiling)
        ceiling = placed[k] - gap
    return placed
