"""The parts of a page. Only this module imports Streamlit; what is shown is made elsewhere."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from feeds.errors import UserError
from runs.dashboard_charts import svg_of

__all__ = [
    "PageSpec",
    "absent",
    "chart",
    "choose",
    "choose_several",
    "document",
    "download",
    "facts",
    "fold",
    "heading",
    "row",
    "search_text",
    "section",
    "serve_pages",
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
    "percent": "percent",
    "number": "%.2f",
    "fine": "%.4f",
    "money": "localized",
    "shares": "%.8g",
    "whole": "%d",
}
#: Less air above the page, and the figures of `facts`; colours are the theme's.
_STYLE = """
.stMainBlockContainer {padding-top: 4.2rem; padding-bottom: 2rem; max-width: 1400px}
.facts {display: grid; grid-template-columns: repeat(auto-fill, minmax(9.4rem, 1fr)); gap: .6rem;
  margin: .2rem 0}
.facts > div {border: 1px solid rgba(128, 128, 128, .35); border-radius: .5rem;
  padding: .5rem .75rem;
  min-width: 0}
.facts small {display: block; opacity: .7}
.facts b {font-size: 1.25rem; overflow-wrap: anywhere}
@media (max-width: 640px) {
  .stMainBlockContainer {padding-left: 1rem; padding-right: 1rem}
  .stMainBlockContainer h1 {font-size: 2rem}
}
"""
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
    st.html(f"<style>{_STYLE}</style>")
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
        st.error(f"**{_plain(error.problem)}**\n\n{_plain(error.remedy)}", icon=":material/error:")


def heading(title: str, text: str) -> None:
    """The title of a page and one sentence on what it shows."""
    st.title(title)
    st.caption(text)


def section(title: str, text: str = "") -> None:
    """A part of a page."""
    st.subheader(title)
    if text:
        st.caption(text)


def fold(title: str) -> AbstractContextManager:
    """A part that is shut at first: use it in a ``with`` statement."""
    return st.expander(title)


def row() -> AbstractContextManager:
    """Choices beside one another, where there is room: use it in a ``with`` statement."""
    return st.container(horizontal=True, vertical_alignment="bottom")


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Figures in a row that wraps on a narrow screen."""
    cells = "".join(
        f"<div><small>{html.escape(label)}</small><b>{html.escape(value)}</b></div>"
        for label, value in pairs
    )
    st.html(f'<div class="facts">{cells}</div>')


def absent(what: str, command: str) -> None:
    """Nothing to show: say so, and which command makes it."""
    st.info(f"**{what}** This command writes it; then load the page again.", icon=":material/info:")
    st.code(command, language="bash")


def warn(text: str) -> None:
    """Something to know before the rest is believed."""
    st.warning(_plain(text), icon=":material/warning:")


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


def chart(drawn: Any, title: str, file: str) -> None:
    """A chart as wide as the page, and its download; drawn for it only when it is asked for."""
    st.altair_chart(drawn, width="stretch")
    _save("Figure as SVG", partial(svg_of, drawn, title), f"{file}.svg", "image/svg+xml")


def table(
    shown: pd.DataFrame,
    file: str,
    *,
    labels: Mapping[str, str] | None = None,
    formats: Mapping[str, str] | None = None,
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
    """
    labels, formats = labels or {}, formats or {}
    columns = {
        name: _column(labels.get(name, name.replace("_", " ")), formats.get(name))
        for name in shown.columns
    }
    money = [name for name, form in formats.items() if form == "money"]
    st.dataframe(
        shown.assign(**{name: shown[name].astype(float).round(2) for name in money}),
        column_config=columns,
        hide_index=True,
        width="stretch",
        height=_ROW * (min(len(shown), _ROWS) + 1) + 3,
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


def document(page: bytes, height: int = 900) -> None:
    """A page of HTML in a frame of its own, which can reach nothing around it."""
    st.iframe(f"data:text/html;base64,{base64.b64encode(page).decode()}", height=height)


def _column(label: str, form: str | None) -> Any:
    if form is None:
        return st.column_config.Column(label)
    return st.column_config.NumberColumn(label, format=_FORMATS[form])


def _plain(text: str) -> str:
    """Text whose characters mean nothing to Markdown: names come from files."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_{}[]<>()#+-!|$~:" else letter for letter in text
    )
