"""The script that Streamlit runs for each visit: which page, and where it reads.

Started by :mod:`runs.dashboard`, which hands the places over as arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from runs.dashboard_comparison import runs_page
from runs.dashboard_files import Places
from runs.dashboard_pages import data_page, signals_page
from runs.dashboard_portfolio import account_page
from runs.dashboard_studies import costs_page, factors_page
from runs.dashboard_view import PageSpec, serve_pages

__all__ = ["show"]


def show(arguments: Sequence[str]) -> None:
    """Draw the page that was asked for.

    Parameters
    ----------
    arguments : sequence of str
        Folder of outputs, folder of data sets, and the ledger where one was named.
    """
    outputs, data, *ledger = map(Path, arguments)
    places = Places(outputs, data, ledger[0] if ledger else None)
    pages = (
        ("Signals", signals_page),
        ("Portfolio", account_page),
        ("Runs", runs_page),
        ("Factors", factors_page),
        ("Costs", costs_page),
        ("Data", data_page),
    )
    serve_pages([PageSpec(title, partial(draw, places)) for title, draw in pages])


if __name__ == "__main__":
    show(sys.argv[1:])
