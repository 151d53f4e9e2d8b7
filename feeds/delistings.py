"""Delistings: which names ended, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.suggestions import remedy_for
from feeds.text_table import find_column, parse_days, read_text_table, symbols_of

__all__ = ["DELISTING_REASONS", "end_reasons", "read_delistings"]

DELISTING_REASONS = ("bankruptcy", "merger", "unknown")

#: Names, in lower case, under which a column is recognised, the best first.
_SYMBOL = ("symbol", "ticker", "old_symbol")
_DATE = ("date", "event_date", "delisting_date", "delisted")
_EVENT = ("event_type", "event", "type")
_REASON = ("reason", "end_reason", "delisting_reason")
_NOTES = ("notes", "note", "comment", "description")
_SUCCESSOR = ("new_symbol", "successor")

#: What a note says of the reason. A bankruptcy is looked for first: what is left of a bankrupt
#: company is often acquired.
_WORDS = {
    "bankruptcy": ("bankrupt", "chapter 11", "chapter 7", "liquidat", "insolven", "receivership"),
    "merger": ("merg", "acqui", "taken private", "take-private", "buyout", "bought by"),
}


def read_delistings(path: str | Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a list of delistings.

    Rows whose event is another, such as a change of ticker, are left out. The reason is that of
    a column `reason`; where there is none, a successor or what the notes say of a bankruptcy or a
    merger tells it, and otherwise it is ``unknown``.

    Parameters
    ----------
    path : path
        CSV, one row an event.
    columns : mapping of str to str, optional
        The file's column of `symbol`, `date`, `event`, `reason`, `notes` and `successor`, where
        the name does not tell.

    Returns
    -------
    DataFrame
        symbol, date (ISO text) and reason, by symbol and date. The reasons are those of
        `DELISTING_REASONS`; a ticker may be delisted twice, by two companies.

    Raises
    ------
    DataError
        If the file is no such table, a date is none, or a given reason is not known, naming file
        and line.
    """
    table = read_text_table(path)
    given = columns or {}
    symbols = symbols_of(table, find_column(table, "symbol", _SYMBOL, given))
    days = parse_days(table, find_column(table, "date", _DATE, given))
    blank = [""] * len(table)
    cells = {
        name: table.cells[column] if column else blank
        for name, column in (
            ("event", find_column(table, "event", _EVENT, given, needed=False)),
            ("reason", find_column(table, "reason", _REASON, given, needed=False)),
            ("notes", find_column(table, "notes", _NOTES, given, needed=False)),
            ("successor", find_column(table, "successor", _SUCCESSOR, given, needed=False)),
        )
    }
    rows = []
    for row, event in enumerate(cells["event"]):
        if event and "delist" not in event.lower():
            continue
        reason = cells["reason"][row].lower()
        if reason and reason not in DELISTING_REASONS:
            raise DataError(
                f"{table.place(row)}: unknown reason {reason[:40]!r}",
                remedy_for(reason, DELISTING_REASONS),
            )
        told = reason or _reason(cells["notes"][row], cells["successor"][row])
        rows.append((symbols[row], str(days[row]), told))
    found = pd.DataFrame(rows, columns=["symbol", "date", "reason"])
    return found.sort_values(["symbol", "date"], kind="stable", ignore_index=True)


def end_reasons(
    delistings: pd.DataFrame,
    ends: Mapping[str, str],
    days: int = 10,
    parents: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Why series ended: the delisting within some days of a series' last bar.

    Parameters
    ----------
    delistings : DataFrame
        As :func:`read_delistings` returns it.
    ends : mapping of str to str
        Last bar of every symbol of the set, ISO.
    days : int
        How far the two may lie apart: an event is often dated after the last trade. One that
        is further away is of another company of that ticker, or of an index that it left.
    parents : mapping of str to str, optional
        Ticker of every series that is a later one of a reused ticker.

    Returns
    -------
    dict of str to str
        Symbol to reason, for those with such an event, in the order of `ends`.
    """
    events = {str(ticker): rows for ticker, rows in delistings.groupby("symbol", sort=True)}
    reasons = {}
    for symbol, end in ends.items():
        rows = events.get((parents or {}).get(symbol, symbol))
        if rows is not None:
            gaps = np.abs((pd.to_datetime(rows["date"]) - pd.Timestamp(end)).dt.days.to_numpy())
            if gaps.min() <= days:
                reasons[symbol] = str(rows["reason"].iloc[int(gaps.argmin())])
    return reasons


def _reason(notes: str, successor: str) -> str:
    text = notes.lower()
    for reason, words in _WORDS.items():
        if any(word in text for word in words):
            return reason
    return "merger" if successor else "unknown"
