"""The parts of a page. Only this module imports Streamlit; what is shown is made elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from feeds.errors import UserError

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
    "search_text",
    "section",
    "serve_pages",
    "switch",
    "table",
    "tell",
    "warn",
]

_ABOUT = "Factor Investing with a Crypto Twist. These pages only read what the commands have written."
#: Column format to Streamlit's; numbers keep all digits in the download.
_FORMATS = {"percent": "percent", "number": "%.2f", "fine": "%.4f", "money": "localized"}
_WHOLE = "whole"
_ROWS, _ROW = 12, 35


@dataclass(frozen=True)
class PageSpec:
    """A page of the dashboard.

    Parameters
    ----------
    title, address : str
        In the menu and in the URL.
    icon : str
        A Material symbol's name.
    draw : callable
    """

    title: str
    address: str
    icon: str
    draw: Callable[[], None]


def serve_pages(pages: Sequence[PageSpec]) -> None:
    """Draw the page that was asked for, with the menu of all."""
    st.set_page_config(
        page_title="Factor dashboard",
        page_icon=":material/monitoring:",
        layout="wide",
        menu_items={"About": _ABOUT},
    )
    built = [
        st.Page(
            _guarded(page.draw),
            title=page.title,
            icon=f":material/{page.icon}:",
            url_path=page.address,
            default=number == 0,
        )
        for number, page in enumerate(pages)
    ]
    st.navigation(built).run()


def _guarded(draw: Callable[[], None]) -> Callable[[], None]:
    """A page that tells what is wrong with a file, and what to do about it."""

    def guarded() -> None:
        try:
            draw()
        except UserError as error:
            st.error(f"**{_plain(error.problem)}**\n\n{_plain(error.remedy)}", icon=":material/error:")

    return guarded


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


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Figures in a row that wraps on a narrow screen."""
    with st.container(horizontal=True):
        for label, value in pairs:
            st.metric(_plain(label), _plain(value), width=158, border=True)


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


def choose(label: str, options: Sequence[str], key: str) -> str:
    """One of `options`, the first unless another was chosen."""
    return st.selectbox(label, options, key=key)


def choose_several(label: str, options: Sequence[str], chosen: Sequence[str], key: str) -> list[str]:
    """Some of `options`, at first `chosen`, in the order of choice."""
    return st.multiselect(label, options, default=list(chosen), key=key)


def switch(label: str, key: str, on: bool = False) -> bool:
    """Yes or no."""
    return st.toggle(label, value=on, key=key)


def search_text(label: str, key: str) -> str:
    """What was typed, lower case."""
    return st.text_input(label, key=key).strip().lower()


def chart(drawn: Any) -> None:
    """A chart as wide as the page; its menu saves it."""
    st.altair_chart(drawn, width="stretch")


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
        Column to ``percent`` (of a fraction), ``number``, ``fine``, ``money`` or ``whole``.
    """
    labels, formats = labels or {}, formats or {}
    columns = {
        name: _column(labels.get(name, name.replace("_", " ")), formats.get(name))
        for name in shown.columns
    }
    st.dataframe(
        shown,
        column_config=columns,
        hide_index=True,
        width="stretch",
        height=_ROW * (min(len(shown), _ROWS) + 1) + 3,
    )
    content = shown.to_csv(index=False, lineterminator="\n").encode()
    download("Table as CSV", content, file, "text/csv")


def download(label: str, content: bytes, file: str, kind: str) -> None:
    """A button that saves `content` under the name `file`."""
    st.download_button(
        label, content, file, kind, key=f"save {file}", icon=":material/download:", on_click="ignore"
    )


def document(page: bytes, height: int = 900) -> None:
    """A page of HTML in a frame of its own, which can reach nothing around it."""
    st.iframe(f"data:text/html;base64,{base64.b64encode(page).decode()}", height=height)


def _column(label: str, form: str | None) -> Any:
    if form is None:
        return st.column_config.Column(label)
    if form == _WHOLE:
        return st.column_config.NumberColumn(label, format="%d")
    return st.column_config.NumberColumn(label, format=_FORMATS[form])


def _plain(text: str) -> str:
    """Text whose characters mean nothing to Markdown: names come from files."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+-!|$~:" else letter for letter in text)
