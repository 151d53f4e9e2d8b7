"""Reading filings: a row a filing, with the day on which it became public."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from feeds.errors import DataError
from feeds.filings.options import FIGURES, LENGTHS, REQUIRED, FilingOptions, known_names
from feeds.suggestions import remedy_for
from feeds.text_table import TextTable, parse_days, parse_numbers, read_cells

__all__ = ["Filings", "read_filings"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: Columns of fundamentals.csv that are not the file's to name.
_OURS = (*REQUIRED, "shares_as_of", "known_from")
#: The market's clock: a filing at 23:30 in UTC is one of that day in New York.
_MARKET = "America/New_York"
_MONTHS = {
    12: ("FY", "10-K", "10-KT", "20-F", "40-F", "A", "Y", "ANNUAL"),
    6: ("H1", "H2", "S", "SEMI-ANNUAL"),
    3: ("Q1", "Q2", "Q3", "Q4", "10-Q", "10-QT", "Q", "QUARTERLY"),
}
_SPELT = {name: float(months) for months, names in _MONTHS.items() for name in names}


@dataclass(frozen=True, eq=False)
class Filings:
    """M filings in the order of the file.

    Parameters
    ----------
    file : str
        Where they come from.
    symbol : (M,) object array of str
    period_end, filed : (M,) datetime64[D] arrays
        End of the period reported, and day in New York on which it became public.
    shares_as_of : (M,) datetime64[D] array
        Day in whose shares `shares` and `eps` count; the day of filing where the file has none.
    figures : dict of str to (M,) float64 array
        In the file's units; NaN where it has none. `months` is the length of the period that
        flows such as net income cover, `cash_flow_months` that of cash flows.
    line : (M,) int64 array
        Line of a text file, row of a Parquet file, from 1.
    columns : dict of str to str
        The file's column of each of ours.
    """

    file: str
    symbol: np.ndarray
    period_end: np.ndarray
    filed: np.ndarray
    shares_as_of: np.ndarray
    figures: dict[str, np.ndarray]
    line: np.ndarray
    columns: dict[str, str]

    def __len__(self) -> int:
        return len(self.line)

    def take(self, rows: np.ndarray) -> Filings:
        """Some filings, by mask or position."""
        return replace(
            self,
            symbol=self.symbol[rows],
            period_end=self.period_end[rows],
            filed=self.filed[rows],
            shares_as_of=self.shares_as_of[rows],
            figures={name: values[rows] for name, values in self.figures.items()},
            line=self.line[rows],
        )

    def with_figures(self, **figures: np.ndarray) -> Filings:
        """The same filings with some figures added or replaced."""
        return replace(self, figures={**self.figures, **figures})


def read_filings(path: str | Path, options: FilingOptions | None = None) -> Filings:
    """Read a file of filings, CSV (also .gz) or Parquet.

    Columns are those that `options` names, or else recognised by name. Dates are ISO days. The
    filing may carry a time, as accepted at the regulator: with an offset it is converted to New
    York, without one it is taken as New York's. Only its day counts.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing, or a cell does not hold what its column
        is for, naming file, line and remedy.
    """
    options = options or FilingOptions()
    name = str(path)
    table = read_cells(path)
    columns = _columns(table, options.columns)
    symbols = table.texts(columns["symbol"])
    for row, symbol in enumerate(symbols):
        if not symbol:
            raise DataError(f"{table.place(row)}: no symbol", "fill the cell or drop the row")
    filed = _filing_days(table, columns["filed"])
    as_of = filed
    if "shares_as_of" in columns:
        given = parse_days(table, columns["shares_as_of"], empty=True)
        as_of = np.where(np.isnat(given), filed, given)
    figures = {}
    for ours in columns:
        if ours in LENGTHS:
            figures[ours] = _months(table, columns[ours])
        elif ours not in _OURS:
            figures[ours] = parse_numbers(table, columns[ours])
    return Filings(
        name,
        np.array(symbols, dtype=object),
        parse_days(table, columns["period_end"]),
        filed,
        as_of,
        figures,
        table.line,
        columns,
    )


def _columns(table: TextTable, given: Mapping[str, str]) -> dict[str, str]:
    """The file's column of each of ours."""
    for ours, theirs in given.items():
        if not _NAME.fullmatch(ours) or ours == "known_from":
            raise DataError(
                f"{table.name}: {ours!r} cannot be a figure's name",
                f"use one of {', '.join(FIGURES)}, or small letters, digits and _",
            )
        if theirs and theirs not in table.cells:
            raise DataError(
                f"{table.name}, line 1: no column {theirs!r}, named for {ours}",
                remedy_for(theirs, list(table.cells)),
            )
    lower = {theirs.lower(): theirs for theirs in reversed(table.cells)}
    found = {}
    for ours in (*REQUIRED, "shares_as_of", *FIGURES):
        names = (lower[name] for name in known_names(ours) if name in lower)
        theirs = given.get(ours, next(names, ""))
        if theirs:
            found[ours] = theirs
        elif ours in REQUIRED:
            raise DataError(
                f"{table.name}, line 1: no column {ours} is recognised among "
                f"{', '.join(table.cells)[:80]}",
                f"name it: {ours}=<column of the file>",
            )
    found |= {ours: theirs for ours, theirs in given.items() if theirs and ours not in found}
    if not set(found) - set(_OURS):
        raise DataError(
            f"{table.name}, line 1: no figure is recognised",
            "name one, such as book_equity=<column of the file>",
        )
    return found


def _filing_days(table: TextTable, column: str) -> np.ndarray:
    texts = table.texts(column)
    known = {text: _market_day(text) for text in dict.fromkeys(texts)}
    for row, text in enumerate(texts):
        if known[text] is None:
            raise DataError(
                f"{table.place(row)}: {column} {text[:40]!r} is no date",
                "write year-month-day, with or without a time: 2016-02-29T16:31:00",
            )
    return np.array([known[text] for text in texts], dtype="datetime64[D]")


def _market_day(text: str) -> dt.date | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo is None else moment.astimezone(_zone())).date()


@functools.cache
def _zone() -> ZoneInfo:
    return ZoneInfo(_MARKET)


def _months(table: TextTable, column: str) -> np.ndarray:
    """Months that the flows of a filing cover: a number, or what the period is called."""
    texts = table.texts(column)
    values = np.empty(len(texts))
    for row, text in enumerate(texts):
        # An amendment covers what it amends.
        value = _SPELT.get(text.upper().removesuffix("/A")) if text else np.nan
        if value is None and text in ("3", "6", "9", "12"):
            value = float(text)
        if value is None:
            raise DataError(
                f"{table.place(row)}: {column} {text[:40]!r} is no length of a period",
                "use 3, 6, 9 or 12, FY or Q1..Q4, or leave the column out: months=",
            )
        values[row] = value
    return values
