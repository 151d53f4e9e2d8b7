"""Charts of the dashboard: Vega-Lite specifications, drawn by the browser in the page's theme.

Altair writes them; nothing is fetched to draw or to save them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

__all__ = ["bars", "heat_map", "lines", "svg_of"]

#: Okabe and Ito's colours, those that stand out on white and on near black.
_COLOURS = ("#3A8FD0", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#8C8CE0", "#B59B00", "#8C8C8C")
_DIVERGING = ("#D55E00", "#BFBFBF", "#3A8FD0")
_HEIGHT = 300
_SAVED_WIDTH = 900


def lines(
    table: pd.DataFrame,
    x: str,
    y: str,
    series: str,
    *,
    form: str = ".2f",
    logarithmic: bool = False,
    logarithmic_x: bool = False,
    height: int = _HEIGHT,
) -> alt.Chart:
    """One line a series.

    Parameters
    ----------
    table : DataFrame
        Long; rows without a value are left out.
    x, y, series : str
        Columns; `x` holds dates or numbers.
    form : str
        d3 format of `y`.
    logarithmic, logarithmic_x : bool
        Scale of each axis.
    """
    shown = table[[x, y, series]].dropna()
    dated = pd.api.types.is_datetime64_any_dtype(shown[x])
    across = alt.X(
        _typed(x, "T" if dated else "Q"),
        title=None if dated else x,
        scale=alt.Scale(type="log") if logarithmic_x else alt.Undefined,
        axis=alt.Axis(tickCount=6, labelOverlap=True, grid=False),
    )
    scale = alt.Scale(type="log" if logarithmic else "linear", zero=False, nice=not logarithmic)
    tips = [
        alt.Tooltip(_typed(x, "T" if dated else "Q"), title=x),
        alt.Tooltip(_typed(series, "N"), title=series),
        alt.Tooltip(_typed(y, "Q"), title=y, format=form),
    ]
    return _finished(
        alt.Chart(shown)
        .mark_line(strokeWidth=1.6, clip=True)
        .encode(
            x=across,
            y=alt.Y(_typed(y, "Q"), title=None, scale=scale, axis=alt.Axis(format=form)),
            color=_colour(series, shown[series]),
            tooltip=tips,
        ),
        height,
    )


def bars(
    table: pd.DataFrame,
    category: str,
    value: str,
    *,
    series: str | None = None,
    form: str = ".1%",
) -> alt.Chart:
    """Level bars in the order of the table, beside one another where there are `series`."""
    shown = table[[category, value, *([series] if series else [])]].dropna()
    names = list(dict.fromkeys(shown[category]))
    count = len(dict.fromkeys(shown[series])) if series else 1
    encoded: dict[str, Any] = {
        "y": alt.Y(
            _typed(category, "N"),
            sort=names,
            title=None,
            axis=alt.Axis(labelLimit=150, ticks=False),
        ),
        "x": alt.X(_typed(value, "Q"), title=None, axis=alt.Axis(format=form, tickCount=5)),
        "tooltip": [
            alt.Tooltip(_typed(category, "N"), title=category),
            *([alt.Tooltip(_typed(series, "N"), title=series)] if series else []),
            alt.Tooltip(_typed(value, "Q"), title=value, format=form),
        ],
    }
    if series:
        encoded["yOffset"] = alt.YOffset(
            _typed(series, "N"), sort=list(dict.fromkeys(shown[series]))
        )
        encoded["color"] = _colour(series, shown[series])
    else:
        encoded["color"] = alt.value(_COLOURS[0])
    height = max(120, len(names) * (14 + 9 * count) + 40)
    return _finished(alt.Chart(shown).mark_bar().encode(**encoded), height)


def heat_map(
    table: pd.DataFrame, *, form: str = ".2f", limits: tuple[float, float, float] | None = None
) -> alt.LayerChart:
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
    return _finished(drawn, 90 + 38 * len(down_names))


def svg_of(chart: Any, title: str) -> bytes:
    """The chart as an SVG file on white, 900 pixels wide, with its title."""
    import vl_convert

    with alt.data_transformers.disable_max_rows():
        told = chart.properties(width=_SAVED_WIDTH, title=title, background="white").to_dict()
    return vl_convert.vegalite_to_svg(told).encode()


def _colour(name: str, values: pd.Series) -> alt.Color:
    """The first series has the first colour in every chart."""
    order: Sequence[str] = list(dict.fromkeys(values))
    chosen = [_COLOURS[k % len(_COLOURS)] for k in range(len(order))]
    legend = alt.Legend(orient="bottom", title=None, columns=2, labelLimit=170, offset=4)
    return alt.Color(
        _typed(name, "N"),
        sort=order,
        scale=alt.Scale(domain=order, range=chosen),
        legend=legend if len(order) > 1 else None,
    )


def _typed(column: str, kind: str) -> str:
    """A column in Altair's shorthand, in which some characters mean something."""
    escaped = "".join(f"\\{letter}" if letter in ".[]:\\" else letter for letter in column)
    return f"{escaped}:{kind}"


def _finished(chart: Any, height: int) -> Any:
    return chart.properties(height=height, width="container")
