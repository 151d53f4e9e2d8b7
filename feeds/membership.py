"""Dated membership: who was in an index when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from feeds.errors import ConfigError, DataError
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
        Symbols of the file of which the set has no bars, in alphabetical order: the set has them
        not, though they were members.
    first_day, first_day_count : datetime64[D], int
        Earliest day of entry and how many names have it: where these are many, it is the day on
        which the list begins rather than their entry.
    """

    table: pd.DataFrame
    findings: tuple[tuple[int, str, str], ...]
    unknown: tuple[str, ...]
    first_day: np.datetime64
    first_day_count: int

    def limits(self) -> tuple[str, ...]:
        """What a user of the set must know, in sentences."""
        if not self.unknown:
            return ()
        count = len(self.unknown)
        return (
            f"{count} of the {count + self.table['symbol'].nunique()} names that were ever "
            f"members have no bars in the set, such as {', '.join(self.unknown[:3])}: where they "
            "fell or failed, the set looks better than the index.",
        )


def read_membership(
    path: str | Path,
    symbols: Collection[str] | None = None,
    options: MembershipOptions | None = None,
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
    known = spells["symbol"].isin(sorted(symbols)) if symbols is not None else None
    unknown = () if known is None else tuple(sorted(set(spells["symbol"][~known])))
    return Membership(
        spells if known is None else spells[known].reset_index(drop=True),
        tuple(sorted([*findings, *merged])),
        unknown,
        start.min(),
        int((start == start.min()).sum()),
    )


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
