"""Pages that a command has written, to be saved or shown as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runs import dashboard_view as view
from runs.dashboard_files import read_bytes

__all__ = ["show_pages"]


def show_pages(written: Mapping[str, Path], key: str) -> None:
    """One of the pages, by name: a download, and the page itself where it is asked for.

    Parameters
    ----------
    written : mapping
        Name shown to file; a name ``run · page`` is saved as ``run-page``.
    key : str
        Of the choices.
    """
    name = next(iter(written))
    if len(written) > 1:
        name = view.choose("Page", list(written), f"{key} page")
    content = read_bytes(written[name])
    with view.row():
        view.download("Save this page", content, name.replace(" · ", "-"), "text/html")
        shown = view.switch("Show it here", f"{key} shown")
    if shown:
        view.document(content, name)
