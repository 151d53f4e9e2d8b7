"""Dated membership: who was in an index when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from feeds.errors import ConfigError, DataError
from feeds.reused_tickers import Later
from feeds.suggestions import remedy_for
from feeds.text_table import TextTable, find_column, parse_days, read_text_table, symbols_of

__all__ = ["Membership", "MembershipOptions", "read_membership"]

#: Names, in lower case, under which a column is recognised, the best first.
_SYMBOL = ("symbol", "ticker")
_START = ("start", "opt-in", "entry", "date_added", "added", "from")
_END = ("end", "opt-out", "exit", "date_removed", "removed", "thru", "to")
_NEVER = np.datetime64("9999-12-31")


@dataclass(frozen=True)
class MembershipOptions:
    """How a list of constituents is to be read.

    Parameters
    ----------
    columns : mapping of str to str
        The file's column of `symbol`, `start` and `end`, where the name does not tell.
    exit : {"first_day_out", "last_day_in"}
        What the day of exit is. Indices change before the open: the leaver's day is that of the
        name which takes its place, and the first on which it is out.
    overlaps : {"merge", "refuse"}
        What is done with spells of one symbol that share days, as when a ticker passed from one
        company to another: a data set knows tickers only.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    exit: Literal["first_day_out", "last_day_in"] = "first_day_out"
    overlaps: Literal["merge", "refuse"] = "merge"

    def __post_init__(self) -> None:
        known = {"exit": ("first_day_out", "last_day_in"), "overlaps": ("merge", "refuse")}
        for name, choices in known.items():
            given = getattr(self, name)
            if given not in choices:
                raise ConfigError(
                    f"unknown {name} {given!r} of a membership file", remedy_for(given, choices)
                )


@dataclass(frozen=True)
class Membership:
    """Spells of membership, and what was found on the way.

    Parameters
    ----------
    table : DataFrame
        symbol, start, end as text, by symbol and start: first and last day, both included; an
        empty end is a spell that still lasts. Spells of a symbol share no day.
    findings : tuple of (int, str, str)
        Line, symbol and what was done about it: rows left out or merged.
    unknown : tuple of str
        Symbols of which the set has no bars though they were members while it lasts, in
        alphabetical order.
    known : int
        Number of those of which it has.
    first_day, first_day_count : datetime64[D], int
        Earliest day of entry and how many names have it: where these are many, it is the day on
        which the list begins rather than their entry.
    """

    table: pd.DataFrame
    findings: tuple[tuple[int, str, str], ...]
    unknown: tuple[str, ...]
    known: int
    first_day: np.datetime64
    first_day_count: int

    def limits(self) -> tuple[str, ...]:
        """What a user of the set must know, in sentences."""
        if not self.unknown:
            return ()
        count = len(self.unknown)
        return (
            f"{count} of the {count + self.known} names that were members have no bars in the "
            f"set, such as {', '.join(self.unknown[:3])}: where they fell or failed, the set looks "
            "better than the index.",
        )


def read_membership(
    path: str | Path,
    symbols: Collection[str] | None = None,
    options: MembershipOptions | None = None,
    *,
    span: tuple[np.datetime64, np.datetime64] | None = None,
    later: Later | None = None,
) -> Membership:
    """Read a list of constituents with days of entry and exit, several spells a symbol.

    Parameters
    ----------
    path : path
        CSV, one row a spell.
    symbols : collection of str, optional
        Those of the set; spells of others are left out and counted.
    options : MembershipOptions, optional
        Columns and rules.
    span : (datetime64[D], datetime64[D]), optional
        First and last day of the set: who was a member outside it alone is not missed.
    later : Later, optional
        Series of reused tickers: a spell goes over to the series that took the ticker, from its
        first day on.

    Raises
    ------
    DataError
        If the file is no such table, a start is no date, an exit is neither empty nor a date or
        is before its entry, or spells overlap where that is refused; naming file and line.
    """
    options = options or MembershipOptions()
    table = read_text_table(path)
    names = {"symbol": _SYMBOL, "start": _START, "end": _END}
    found = {ours: find_column(table, ours, names[ours], options.columns) for ours in names}
    symbol = symbols_of(table, found["symbol"])
    start = parse_days(table, found["start"])
    leaves = parse_days(table, found["end"], empty=True)
    if not len(table):
        raise DataError(f"{table.name}, line 1: no row below the header", "add a row a spell")
    backwards = np.flatnonzero(leaves < start)
    if len(backwards):
        row = backwards[0]
        raise DataError(
            f"{table.place(row)}: {symbol[row]} leaves on {leaves[row]}, before it enters on "
            f"{start[row]}",
            "exchange the two days, or correct one",
        )
    last = np.where(np.isnat(leaves), _NEVER, leaves)
    if options.exit == "first_day_out":
        last = np.where(np.isnat(leaves), _NEVER, leaves - 1)
    findings = [
        (int(table.line[row]), str(symbol[row]), "never a member: it leaves on its day of entry")
        for row in np.flatnonzero(last < start)
    ]
    rows = np.flatnonzero(last >= start)
    rows = rows[np.lexsort((last[rows].astype("int64"), start[rows].astype("int64"), symbol[rows]))]
    spells, merged = _merged(table, symbol[rows], start[rows], last[rows], rows, options.overlaps)
    if later:
        spells = _handed_over(spells, later)
    had = np.ones(len(spells), dtype=bool)
    if symbols is not None:
        had = spells["symbol"].isin(sorted(symbols)).to_numpy()
    met = had if span is None else _touches(spells, *span)
    return Membership(
        spells[had].reset_index(drop=True),
        tuple(sorted([*findings, *merged])),
        tuple(sorted(set(spells["symbol"][~had & (met | (span is None))]))),
        int(spells["symbol"][had & met].nunique()),
        start.min(),
        int((start == start.min()).sum()),
    )


def _touches(spells: pd.DataFrame, first: np.datetime64, last: np.datetime64) -> np.ndarray:
    """(K,) bool: spells that share a day with the range; ISO dates compare as text."""
    ended = (spells["end"] != "") & (spells["end"] < str(first))
    return (~ended & (spells["start"] <= str(last))).to_numpy()


def _handed_over(spells: pd.DataFrame, later: Later) -> pd.DataFrame:
    """Spells of reused tickers, cut where a later series begins."""
    rows = []
    for symbol, start, end in spells.itertuples(index=False, name=None):
        series = [(str(first), name) for first, name in later.get(symbol, ())]
        begins = ["", *(first for first, _ in series)]
        for name, begin, stop in zip(
            [symbol, *(name for _, name in series)], begins, [*begins[1:], ""]
        ):
            before = str(np.datetime64(stop) - 1) if stop else ""
            first, last = max(start, begin), min(end or before, before or end)
            if not last or first <= last:
                rows.append((name, first, last))
    return pd.DataFrame(sorted(rows), columns=["symbol", "start", "end"])


def _merged(
    table: TextTable,
    symbol: np.ndarray,
    start: np.ndarray,
    last: np.ndarray,
    rows: np.ndarray,
    rule: str,
) -> tuple[pd.DataFrame, list[tuple[int, str, str]]]:
    """Spells in order with those that share a day made one, and what was merged."""
    spells: list[list] = []
    findings = []
    for name, first, end, row in zip(symbol, start, last, rows):
        if spells and spells[-1][0] == name and first <= spells[-1][2]:
            if rule == "refuse":
                raise DataError(
                    f"{table.place(row)}: a spell of {name} from {first} overlaps another",
                    "correct one of the two, or give overlaps=merge",
                )
            findings.append((int(table.line[row]), str(name), "overlaps a spell and is merged"))
            spells[-1][2] = max(spells[-1][2], end)
        else:
            spells.append([name, first, end])
    texts = [
        (str(name), str(first), "" if end == _NEVER else str(end)) for name, first, end in spells
    ]
    return pd.DataFrame(texts, columns=["symbol", "start", "end"]), findings
