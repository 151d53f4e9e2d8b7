"""Palette, fonts, axes and number formats of every figure, in one place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

__all__ = [
    "AREA",
    "DASHED",
    "DIVERGING",
    "FONT_STACKS",
    "INK",
    "LINE",
    "MONO",
    "MUTED",
    "NEGATIVE",
    "NEUTRAL",
    "PORTFOLIO",
    "Ticks",
    "UNIVERSE",
    "amount",
    "date_ticks",
    "days",
    "draw_ticks",
    "empty_figure",
    "factor_colours",
    "label_ends",
    "label_margin",
    "log_ticks",
    "multiple",
    "new_figure",
    "number_ticks",
    "panel",
    "percent",
    "short",
    "short_percent",
    "styled",
    "times",
    "write_legend",
    "zero_line",
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

# Fonts that matplotlib brings along; one name each, since every further name is looked up for
# every piece of text.
SANS, MONO = "DejaVu Sans", "DejaVu Sans Mono"
#: Fonts of equal widths for a reader's browser, by the font that a figure was laid out in.
FONT_STACKS = {
    SANS: "'DejaVu Sans', Verdana, Arial, sans-serif",
    MONO: "'DejaVu Sans Mono', Menlo, 'Courier New', monospace",
}

#: Ticks are positions with their labels.
Ticks = list[tuple[float, str]]
LINE, DASHED, AREA = "\u2501\u2501", "\u254d\u254d", "\u25a0"

_WIDTH = 900
_CHARACTER = 7.7  # pixels, about, of text of the usual size
_BELOW = {"ha": "center", "va": "top"}
_BESIDE = {"ha": "right", "va": "center_baseline"}
# Sizes are pixels: at 72 dots an inch a point is one. Hinting is off because it costs a
# third of the time of drawing text and is invisible at this size.
_HOUSE = {
    "figure.dpi": 72,
    "savefig.dpi": 72,
    "font.family": [SANS],
    "font.size": 12.5,
    "text.color": INK,
    "text.hinting": "none",
    "text.parse_math": False,
    "axes.grid": False,
    "lines.linewidth": 1.6,
    "path.simplify_threshold": 0.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "factor-investing-crypto-twist",
}
#: Settings of the process, not of a picture.
_PROCESS = ("backend", "docstring", "interactive", "timezone", "tk.", "toolbar", "webagg")
#: Everything else, so that no user's file and no other library changes a picture.
_RC = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith(_PROCESS)} | _HOUSE


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


def panel(figure: Figure, left: int = 70, right: int = 24, top: int = 84, bottom: int = 34) -> Axes:
    """Axes inside margins given in pixels, to be given ticks by `draw_ticks`.

    Margins are fixed because an automatic layout draws everything twice.
    """
    height = figure.get_figheight() * 72
    box = (
        left / _WIDTH,
        bottom / height,
        1 - (left + right) / _WIDTH,
        1 - (top + bottom) / height,
    )
    ax = figure.add_axes(box)
    ax.set_axis_off()
    return ax


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


def date_ticks(x: np.ndarray) -> Ticks:
    """Ticks at years, quarters or months within days `x`, whichever gives at least four."""
    first, last = float(x[0]), float(x[-1])
    for step in (120, 60, 24, 12, 6, 3, 1):
        if (last - first) / 30.4 / step >= 4.0:
            break
    form = "%Y" if step >= 12 else "%b %Y"
    start = int(np.datetime64(int(first), "D").astype("datetime64[M]").astype(int)) // step * step
    months = np.arange(start, start + int((last - first) / 28) + 2 * step, step)
    ticks = months.astype("datetime64[M]").astype("datetime64[D]").astype(float)
    kept = ticks[(ticks >= first) & (ticks <= last)]
    if len(kept) < 2:
        kept, form = np.unique([first, last]), "%Y-%m-%d"
    stamps = pd.DatetimeIndex(kept.astype("datetime64[D]"))
    return list(zip(kept.tolist(), stamps.strftime(form)))


def number_ticks(low: float, high: float, form: Callable[[float], str], count: int = 7) -> Ticks:
    """About `count` round numbers between two limits, written by `form`."""
    rough = (high - low) / count
    size = 10.0 ** np.floor(np.log10(rough)) if rough > 0 else 1.0
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough * 0.999)
    ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return [(tick, form(tick)) for tick in (ticks + 0.0).tolist()]


def log_ticks(low: float, high: float, form: Callable[[float], str]) -> Ticks:
    """Round numbers between two positive limits of a log scale, written by `form`."""
    mantissas = (1, 1.5, 2, 3, 5, 7) if high / low < 30 else (1, 2, 5) if high / low < 1e3 else (1,)
    grid = [m * 10.0**k for k in range(-8, 13) for m in mantissas]
    return [(tick, form(tick)) for tick in grid if low <= tick <= high]


def draw_ticks(ax: Axes, x: Ticks, y: Ticks) -> None:
    """Grid lines, a base line and tick labels, for limits that are final.

    Matplotlib's own axes would spend more time on ticks than on all that they frame.
    """
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    across, down = ax.get_yaxis_transform(), ax.get_xaxis_transform()
    grid = [[(place, bottom), (place, top)] for place, _ in x]
    grid += [[(left, place), (right, place)] for place, _ in y]
    colours = ["#E6E6E6"] * len(grid) + [NEUTRAL]
    base = [(left, bottom), (right, bottom)]
    lines = LineCollection([*grid, base], colors=colours, linewidths=0.8, zorder=0.5)
    ax.add_collection(lines, autolim=False)
    height, width = (side * 72 for side in ax.figure.get_size_inches()[::-1])
    box = ax.get_position()
    for place, text in x:
        ax.text(place, -6 / (box.height * height), text, color=MUTED, transform=down, **_BELOW)
    for place, text in y:
        ax.text(-7 / (box.width * width), place, text, color=MUTED, transform=across, **_BESIDE)


def zero_line(ax: Axes, level: float = 0.0) -> None:
    """A thin line at `level`, across the axes."""
    ax.axhline(level, color=MUTED, linewidth=0.8)


def percent(value: float, digits: int = 0) -> str:
    """A fraction as text: ``0.1234`` is ``12 %`` and NaN is ``n/a``."""
    if value is None or not np.isfinite(value):
        return "n/a"
    text = f"{100 * value:,.{digits}f}"
    return ("0" if float(text.replace(",", "")) == 0 else text).replace("-", "\u2212") + "\u202f%"


def multiple(value: float) -> str:
    """A growth factor as text: ``1.2`` is ``1.2x``."""
    return f"{value:.2f}\u00d7" if value < 10 else f"{value:,.1f}\u00d7"


def times(value: float) -> str:
    """A tick of growth with the digits it needs: ``1.5`` is ``1.5x``."""
    return f"{value:,.4g}\u00d7"


def amount(value: float) -> str:
    """Money in currency, shortened: ``1250000`` is ``1.25M``."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.3g}{letter}".replace("-", "\u2212")
    return f"{value:,.3g}".replace("-", "\u2212")


def short(value: float) -> str:
    """A tick with the digits it needs: ``0.25`` is ``0.25``."""
    return f"{round(value, 9):,g}".replace("-", "\u2212")


def short_percent(value: float) -> str:
    """A tick in per cent with the digits it needs: ``0.025`` is ``2.5 %``."""
    return f"{round(100 * value, 6):,g}".replace("-", "\u2212") + "\u202f%"


def write_legend(ax: Axes, entries: Sequence[tuple[str, str, str]]) -> None:
    """One line of (mark, text, colour) above the axes, where it covers nothing.

    Marks are `LINE`, `DASHED` or `AREA`.
    """
    box = ax.get_position()
    width, height = (side * 72 for side in ax.figure.get_size_inches())
    x, y = box.x0 * width, (box.y1 * height + 13) / height
    for mark, text, colour in entries:
        ax.figure.text(x / width, y, mark, color=colour, va="center", fontweight="bold")
        ax.figure.text((x + 22) / width, y, text, va="center")
        x += 42 + _CHARACTER * len(text)


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


def label_margin(texts: Sequence[str]) -> int:
    """Pixels to keep free on the right for labels by `label_ends`."""
    return round(24 + _CHARACTER * max((len(text) for text in texts), default=0))


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
