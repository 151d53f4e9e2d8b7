"""The parts of a page. Only this module imports Streamlit; what is shown is made elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from feeds.errors import UserError
from runs.dashboard_charts import Drawn, svg_of
from runs.dashboard_style import STYLE, elided, facts_html, legend_html

__all__ = [
    "PageSpec",
    "absent",
    "chart",
    "choose",
    "choose_several",
    "columns",
    "document",
    "download",
    "facts",
    "fold",
    "heading",
    "problem",
    "row",
    "search_text",
    "section",
    "serve_pages",
    "state",
    "switch",
    "table",
    "tell",
    "warn",
]

_ABOUT = (
    "Factor Investing with a Crypto Twist. These pages only read what the commands have written."
)
#: Column format to Streamlit's; numbers keep all digits in the download.
_FORMATS = {
    "percent": "%.2f%%",
    "number": "%,.2f",
    "fine": "%.4f",
    "money": "%,.2f",
    "shares": "%.8g",
    "whole": "%,d",
}
_DIGITS = {"percent": 2, "number": 2, "fine": 4, "money": 2}
_ROWS, _ROW = 12, 35


@dataclass(frozen=True)
class PageSpec:
    """A page of the dashboard.

    Parameters
    ----------
    title : str
        In the menu and in the URL.
    draw : callable
    """

    title: str
    draw: Callable[[], None]


def serve_pages(pages: Sequence[PageSpec]) -> None:
    """Draw the page that was asked for beneath the menu of all; ``?page=`` of the URL names it.

    Streamlit's own addresses of pages are not used: opened directly, each asks the server for
    files that are not there before it finds its place.
    """
    by_title = {page.title: page for page in pages}
    st.set_page_config(page_title="Factor dashboard", layout="wide", menu_items={"About": _ABOUT})
    st.html(f"<style>{STYLE}</style>")
    chosen = st.pills(
        "Page",
        list(by_title),
        default=pages[0].title,
        required=True,
        key="page",
        label_visibility="collapsed",
        bind="query-params",
    )
    try:
        by_title[chosen].draw()
    except UserError as error:
        problem(error)


def problem(error: UserError) -> None:
    """What is wrong with a file, and what to do."""
    remedy = f"{error.remedy[:1].upper()}{error.remedy[1:]}"
    st.error(f"**{_plain(error.problem)}**\n\n{_plain(remedy)}.", icon=":material/error:")


def heading(title: str, text: str) -> None:
    """The title of a page and one sentence on what it shows."""
    st.title(title, anchor=False)
    st.caption(text)


def section(title: str, text: str = "") -> None:
    """A part of a page."""
    st.subheader(title, anchor=False)
    if text:
        st.caption(text)


def fold(title: str) -> AbstractContextManager:
    """A part that is shut at first: use it in a ``with`` statement."""
    return st.expander(title)


def row() -> AbstractContextManager:
    """Choices beside one another, where there is room: use it in a ``with`` statement."""
    return st.container(horizontal=True, vertical_alignment="bottom")


def columns(count: int) -> Sequence[AbstractContextManager]:
    """Places beside one another, beneath one another on a narrow screen; two a row at most."""
    rows = [st.columns(2) for _ in range(0, count, 2)]
    return [place for row_of in rows for place in row_of][:count]


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Figures in a row that wraps on a narrow screen."""
    st.html(facts_html(pairs))


def absent(what: str, command: str) -> None:
    """Nothing to show: say so, and which command makes it."""
    st.info(f"**{what}** This command writes it; then load the page again.", icon=":material/info:")
    st.code(command, language="bash", wrap_lines=True)


def warn(text: str) -> None:
    """Something to know before the rest is believed."""
    st.warning(_plain(text), icon=":material/warning:")


def state(level: str, text: str) -> None:
    """How something that runs fares: ``good``, ``rest``, ``warning`` or ``error``."""
    boxes = {
        "good": (st.success, ":material/check_circle:"),
        "rest": (st.info, ":material/pause_circle:"),
        "warning": (st.warning, ":material/warning:"),
        "error": (st.error, ":material/error:"),
    }
    box, icon = boxes[level]
    box(_plain(text), icon=icon)


def tell(text: str) -> None:
    """A sentence in small letters."""
    st.caption(_plain(text))


def choose(label: str, options: Sequence[str], key: str, first: str | None = None) -> str:
    """One of `options`, at first `first` or the first of them."""
    return st.selectbox(label, options, index=options.index(first) if first else 0, key=key)


def choose_several(
    label: str, options: Sequence[str], chosen: Sequence[str], key: str
) -> list[str]:
    """Some of `options`, at first `chosen`, in the order of choice."""
    return st.multiselect(label, options, default=list(chosen), key=key)


def switch(label: str, key: str, on: bool = False) -> bool:
    """Yes or no."""
    return st.toggle(label, value=on, key=key)


def search_text(label: str, key: str) -> str:
    """What was typed, lower case."""
    return st.text_input(label, key=key).strip().lower()


def chart(drawn: Drawn, title: str, file: str) -> None:
    """A chart as wide as the page beneath its legend, and its download; told in words as well.

    The file is drawn only when it is asked for.
    """
    if drawn.legend:
        st.html(legend_html(drawn.legend))
    # Not as `alt`, which every button of the toolbar would repeat.
    told = drawn.chart.properties(description=f"{title}: {drawn.told}")
    st.altair_chart(told, width="stretch")
    _save("Figure as SVG", partial(svg_of, drawn, title), f"{file}.svg", "image/svg+xml")


def table(
    shown: pd.DataFrame,
    file: str,
    *,
    labels: Mapping[str, str] | None = None,
    formats: Mapping[str, str] | None = None,
    pinned: Sequence[str] = (),
    hidden: Collection[str] = (),
) -> None:
    """A table that sorts by a click on a column, and its download as CSV.

    Parameters
    ----------
    shown : DataFrame
        The index is not shown.
    file : str
        Name of the download, and key of the button.
    labels : mapping, optional
        Column to its heading; columns keep their names in the download.
    formats : mapping, optional
        Column to ``percent`` (of a fraction), ``number``, ``fine``, ``money``, ``shares`` or
        ``whole``: what is shown; the download has every digit.
    pinned : sequence of str
        Columns that stay where they are when a narrow screen is moved to the side.
    hidden : collection of str
        Columns of the download that are not shown.
    """
    labels, formats = labels or {}, formats or {}
    columns = {
        name: _column(labels.get(name, name.replace("_", " ")), formats.get(name), name in pinned)
        for name in shown.columns
    }
    st.dataframe(
        _shortened(_rounded(shown, formats), pinned),
        column_config=columns,
        column_order=[name for name in shown.columns if name not in hidden],
        hide_index=True,
        width="stretch",
        height=_ROW * (min(len(shown), _ROWS) + 1) + 3,
        placeholder="–",
        # Widths of columns are measured once for each key.
        key=f"table {file}",
        alt=f"{file}, {len(shown):,} rows",
    )
    _save("Table as CSV", partial(_csv, shown), file, "text/csv")


def download(label: str, content: bytes, file: str, kind: str) -> None:
    """A button that saves `content` under the name `file`."""
    _save(label, content, file, kind)


def _save(label: str, content: bytes | Callable[[], bytes], file: str, kind: str) -> None:
    st.download_button(
        label,
        content,
        file,
        kind,
        key=f"save {file}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def document(page: bytes, title: str, height: int = 900) -> None:
    """A page of HTML in a frame of its own, which can reach nothing around it."""
    address = f"data:text/html;base64,{base64.b64encode(page).decode()}"
    st.iframe(address, height=height, alt=title)


def _rounded(shown: pd.DataFrame, formats: Mapping[str, str]) -> pd.DataFrame:
    """Fractions in percent, since Streamlit's own leaves out zeros; none is a negative zero."""
    told = {}
    for name, form in formats.items():
        if name in shown and form in _DIGITS:
            scaled = shown[name].astype(float) * (100.0 if form == "percent" else 1.0)
            told[name] = scaled.round(_DIGITS[form]) + 0.0
    return shown.assign(**told)


def _shortened(shown: pd.DataFrame, pinned: Sequence[str]) -> pd.DataFrame:
    """Long names in columns that stay, so that a narrow screen has room for the rest.

    What tells names apart is often at their end.
    """
    names = [one for one in pinned if one in shown and shown[one].dtype.kind not in "biufM"]
    return shown.assign(**{one: shown[one].map(elided, na_action="ignore") for one in names})


def _column(label: str, form: str | None, pinned: bool) -> Any:
    if form is None:
        return st.column_config.Column(label, pinned=pinned)
    return st.column_config.NumberColumn(label, format=_FORMATS[form], pinned=pinned)


def _plain(text: str) -> str:
    """Text whose characters mean nothing to Markdown: names come from files."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_{}[]<>()#+-!|$~:" else letter for letter in text
    )
