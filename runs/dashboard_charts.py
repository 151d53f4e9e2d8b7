"""Charts of the dashboard: Vega-Lite specifications, drawn by the browser in the page's theme.

Altair writes them; nothing is fetched to draw or to save them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

__all__ = ["Drawn", "bars", "heat_map", "lines", "svg_of"]

#: Okabe and Ito's colours, those that stand out on white and on near black.
_COLOURS = ("#3A8FD0", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#8C8CE0", "#B59B00", "#8C8C8C")
#: Series beyond the colours take them again with dashes, then with dots.
_DASHES = ([1, 0], [6, 3], [2, 2])
_DIVERGING = ("#D55E00", "#BFBFBF", "#3A8FD0")
_HEIGHT = 260
_SAVED_WIDTH = 900
#: Stamps in the order of dates, hours by the clock of 24.
_STAMPS = (
    "timeFormat(datum.value, {year: '%Y', quarter: '%b', month: '%b', week: '%d %b', "
    "date: '%d %b', day: '%d %b', hours: '%H:%M', minutes: '%H:%M'})"
)
#: Series or bars that a text alternative names.
_TOLD = 8


@dataclass(frozen=True)
class Drawn:
    """A chart and what stands for it where it is not seen.

    Parameters
    ----------
    chart : altair.Chart or altair.LayerChart
        Without a legend: Vega's knows neither the width of a page nor of its names.
    legend : list of (str, str, str)
        Name, colour and border style (``solid``, ``dashed``, ``dotted``) of each series; empty
        for one.
    told : str
        The figures in words.
    """

    chart: Any
    legend: list[tuple[str, str, str]]
    told: str


def lines(
    table: pd.DataFrame,
    x: str,
    y: str,
    series: str,
    *,
    form: str = ".2f",
    axis_form: str | None = None,
    logarithmic: bool = False,
    logarithmic_x: bool = False,
    zero: bool = False,
    title_x: str | None = None,
    height: int = _HEIGHT,
) -> Drawn:
    """One line a series.

    Parameters
    ----------
    table : DataFrame
        Long; rows without a value are left out.
    x, y, series : str
        Columns; `x` holds dates or numbers.
    form, axis_form : str
        d3 format of `y`, and of its axis where that differs.
    logarithmic, logarithmic_x : bool
        Scale of each axis.
    zero : bool
        Whether the axis of `y` reaches 0.
    title_x : str, optional
        Of the axis of numbers; the column's name unless given.
    """
    shown = table[[x, y, series]].dropna()
    dated = pd.api.types.is_datetime64_any_dtype(shown[x])
    scale = alt.Scale(type="log" if logarithmic else "linear", zero=zero, nice=not logarithmic)
    order = list(dict.fromkeys(shown[series]))
    encoded: dict[str, Any] = {
        "x": alt.X(
            _typed(x, "T" if dated else "Q"),
            title=None if dated else title_x or x,
            scale=alt.Scale(type="log") if logarithmic_x else alt.Undefined,
            axis=_axis_of_dates() if dated else _axis_of_numbers(logarithmic_x),
        ),
        "y": alt.Y(
            _typed(y, "Q"),
            title=None,
            scale=scale,
            axis=alt.Axis(format=axis_form or form, tickCount=height // 50),
        ),
        "color": _colour(series, order),
        "tooltip": [
            (
                _tip_of_dates(x, shown[x])
                if dated
                else alt.Tooltip(_typed(x, "Q"), title=title_x or x)
            ),
            alt.Tooltip(_typed(series, "N"), title=series),
            alt.Tooltip(_typed(y, "Q"), title=y, format=form),
        ],
    }
    if len(order) > len(_COLOURS):
        dashes = [_DASHES[k // len(_COLOURS) % len(_DASHES)] for k in range(len(order))]
        encoded["strokeDash"] = alt.StrokeDash(
            _typed(series, "N"), scale=alt.Scale(domain=order, range=dashes), legend=None
        )
    chart = alt.Chart(shown).mark_line(strokeWidth=1.6, clip=True).encode(**encoded)
    return Drawn(_finished(chart, height), _named(order), _lines_told(shown, x, y, series, form))


def bars(
    table: pd.DataFrame,
    category: str,
    value: str,
    *,
    series: str | None = None,
    form: str = ".1%",
    axis_form: str | None = None,
) -> Drawn:
    """Level bars in the order of the table, beside one another where there are `series`."""
    shown = table[[category, value, *([series] if series else [])]].dropna()
    names = list(dict.fromkeys(shown[category]))
    order = list(dict.fromkeys(shown[series])) if series else []
    encoded: dict[str, Any] = {
        "y": alt.Y(
            _typed(category, "N"),
            sort=names,
            title=None,
            axis=alt.Axis(labelLimit=150, labelOverlap=False, ticks=False),
        ),
        "x": alt.X(
            _typed(value, "Q"),
            title=None,
            axis=alt.Axis(format=axis_form or form, tickCount=5, labelOverlap=True),
        ),
        "tooltip": [
            alt.Tooltip(_typed(category, "N"), title=category),
            *([alt.Tooltip(_typed(series, "N"), title=series)] if series else []),
            alt.Tooltip(_typed(value, "Q"), title=value, format=form),
        ],
    }
    if series:
        encoded["yOffset"] = alt.YOffset(_typed(series, "N"), sort=order)
        encoded["color"] = _colour(series, order)
    else:
        encoded["color"] = alt.value(_COLOURS[0])
    height = len(names) * (14 + 9 * max(len(order), 1)) + 45
    told = [
        f"{' '.join(map(str, row[:-1]))} {_written(row[-1], form)}"
        for row in shown[[category, *([series] if series else []), value]].itertuples(index=False)
    ]
    chart = _finished(alt.Chart(shown).mark_bar().encode(**encoded), height)
    return Drawn(chart, _named(order), _listed(told))


def heat_map(
    table: pd.DataFrame, *, form: str = ".2f", limits: tuple[float, float, float] | None = None
) -> Drawn:
    """A table as coloured cells with their numbers; index and columns are names.

    Parameters
    ----------
    limits : (float, float, float)
        Values of the lowest, middle and highest colour; those of correlations unless given.
    """
    down_names, names = [str(one) for one in table.index], [str(one) for one in table.columns]
    named = table.set_axis(down_names, axis=0).set_axis(names, axis=1).rename_axis("row")
    long = named.reset_index().melt("row", var_name="column", value_name="value").dropna()
    across = alt.X(
        "column:N",
        sort=names,
        title=None,
        axis=alt.Axis(labelAngle=-40, labelLimit=130, labelOverlap=False),
    )
    down = alt.Y("row:N", sort=down_names, title=None, axis=alt.Axis(labelLimit=130))
    tips = ["row:N", "column:N", alt.Tooltip("value:Q", format=form)]
    base = alt.Chart(long).encode(x=across, y=down, tooltip=tips)
    scale = alt.Scale(domain=list(limits or (-1.0, 0.0, 1.0)), range=list(_DIVERGING), clamp=True)
    colour = alt.Color("value:Q", scale=scale, legend=None)
    text = base.mark_text(fontSize=11).encode(text=alt.Text("value:Q", format=form))
    drawn = alt.layer(
        base.mark_rect().encode(color=colour), text.encode(color=alt.value("#111111"))
    )
    told = [
        f"{row.row} with {row.column} {_written(row.value, form)}"
        for row in long.itertuples(index=False)
    ]
    return Drawn(_finished(drawn, 90 + 34 * len(down_names)), [], _listed(told))


def svg_of(drawn: Drawn, title: str) -> bytes:
    """The chart as an SVG file on white, 900 pixels wide, with its title and its legend."""
    import vl_convert

    chart = drawn.chart.copy(deep=True)
    if drawn.legend:
        # Seven pixels a letter and forty for the line: no name is cut.
        widest = 40 + 7 * max(len(name) for name, _, _ in drawn.legend)
        columns = max(1, min(len(drawn.legend), _SAVED_WIDTH // widest))
        legend = alt.Legend(orient="bottom", title=None, columns=columns, labelLimit=0)
        chart.encoding.color.legend = legend
        if chart.encoding.strokeDash is not alt.Undefined:
            chart.encoding.strokeDash.legend = legend
    with alt.data_transformers.disable_max_rows():
        chart = chart.properties(width=_SAVED_WIDTH, title=title, background="white")
        return vl_convert.vegalite_to_svg(chart.to_dict()).encode()


def _axis_of_dates() -> alt.Axis:
    return alt.Axis(tickCount=6, labelOverlap=True, grid=False, labelExpr=_STAMPS)


def _axis_of_numbers(logarithmic: bool) -> alt.Axis:
    form = "~s" if logarithmic else "~g"
    return alt.Axis(tickCount=6, labelOverlap=True, grid=False, format=form)


def _tip_of_dates(x: str, dates: pd.Series) -> alt.Tooltip:
    form = "%Y-%m-%d" if (dates == dates.dt.normalize()).all() else "%Y-%m-%d %H:%M"
    return alt.Tooltip(_typed(x, "T"), title=x, format=form)


def _colour(name: str, order: Sequence[str]) -> alt.Color:
    """The first series has the first colour in every chart."""
    chosen = [_COLOURS[k % len(_COLOURS)] for k in range(len(order))]
    scale = alt.Scale(domain=list(order), range=chosen)
    return alt.Color(_typed(name, "N"), sort=list(order), scale=scale, legend=None)


def _named(order: Sequence[str]) -> list[tuple[str, str, str]]:
    if len(order) < 2:
        return []
    count = len(_COLOURS)
    styles = ("solid", "dashed", "dotted")
    return [
        (str(name), _COLOURS[k % count], styles[k // count % len(styles)])
        for k, name in enumerate(order)
    ]


def _lines_told(shown: pd.DataFrame, x: str, y: str, series: str, form: str) -> str:
    told = []
    for name, part in shown.groupby(series, sort=False):
        last = part.iloc[-1]
        low, high = (_written(one, form) for one in (part[y].min(), part[y].max()))
        at = f"{last[x]:%Y-%m-%d}" if isinstance(last[x], pd.Timestamp) else f"{last[x]:g}"
        told.append(f"{name} {_written(last[y], form)} at {at}, between {low} and {high}")
    return _listed(told)


def _listed(told: Sequence[str]) -> str:
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return "; ".join(told[:_TOLD]) + more


def _written(value: float, form: str) -> str:
    return format(value, form)


def _typed(column: str, kind: str) -> str:
    """A column in Altair's shorthand, in which some characters mean something."""
    escaped = "".join(f"\\{letter}" if letter in ".[]:\\" else letter for letter in column)
    return f"{escaped}:{kind}"


def _finished(chart: Any, height: int) -> Any:
    return chart.properties(height=height, width="container")
