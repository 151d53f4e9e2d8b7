"""Files of daily figures, such as active addresses, value transferred and funding rates."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.names import shown
from feeds.panel import Panel
from feeds.reused_tickers import Later, series_of
from feeds.suggestions import remedy_for
from feeds.text_table import (
    TextTable,
    find_column,
    parse_days,
    parse_numbers,
    read_cells,
    symbols_of,
)

__all__ = ["DailyFigures", "read_daily_files"]

#: Names, in lower case, under which a column is recognised, the best first.
_DATE = ("date", "day", "time", "timestamp")
_SYMBOL = ("symbol", "ticker", "asset", "coin")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: Names that mean something else wherever a panel is read.
_TAKEN = {item.name for item in fields(Panel)} | {"date", "symbol"}
_MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?(Z|\+00:?00)?$")
_PICK = "pick and rename columns: --figure NAME=COLUMN"


@dataclass(frozen=True, eq=False)
class DailyFigures:
    """Figures of days as files give them.

    Parameters
    ----------
    table : DataFrame
        date (datetime64), symbol, and columns of numbers, by symbol and date; a day of a symbol
        once.
    files : tuple of str
        Where they come from.
    """

    table: pd.DataFrame
    files: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""
        return tuple(self.table.columns.drop(["date", "symbol"]))

    def of_set(
        self,
        symbols: Collection[str],
        start: np.datetime64 | None = None,
        end: np.datetime64 | None = None,
        later: Later | None = None,
    ) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The figures of a set's symbols in its range, dates as text, and what became of the rest.

        Raises
        ------
        DataError
            If no row is left.
        """
        days = self.table["date"].to_numpy().astype("datetime64[D]")
        names = self.table["symbol"].to_numpy(dtype=object)
        if later:
            names = series_of(names, days, later)
        table = self.table.assign(symbol=names)
        known = table["symbol"].isin(sorted(symbols)).to_numpy()
        inside = np.ones(len(table), dtype=bool)
        inside &= True if start is None else days >= start
        inside &= True if end is None else days <= end
        kept = table[known & inside].sort_values(["symbol", "date"], kind="stable")
        if kept.empty:
            raise DataError(
                f"{', '.join(self.files)}: no figure is of a symbol and a day of the set",
                "name symbols as the set does, or leave --figures out",
            )
        told = {
            "files": list(self.files),
            "figures": list(self.names),
            "rows_in": len(table),
            "rows_out": len(kept),
            "rows_of_other_symbols": int((~known).sum()),
            "rows_outside_the_range": int((known & ~inside).sum()),
            "symbols": int(kept["symbol"].nunique()),
        }
        dates = kept["date"].dt.strftime("%Y-%m-%d")
        return kept.assign(date=dates).reset_index(drop=True), told


def read_daily_files(
    paths: Sequence[str | Path], columns: Mapping[str, str] | None = None
) -> DailyFigures:
    """Read files of daily figures, CSV (also .gz) or Parquet: date, symbol, and numbers.

    A figure of a day is taken as known at the end of that day in UTC. Several files may have
    different figures; a figure is in one file.

    Parameters
    ----------
    paths : sequence of path
        At least one.
    columns : mapping of str to str, optional
        The files' column of each figure that is wanted, and of ``date`` and ``symbol`` where the
        name does not tell. Without a figure named, every other column is one.

    Raises
    ------
    DataError
        If a file cannot be read, a column is missing, a name cannot be a figure's, a cell does not
        hold what its column is for, or a day of a symbol is there twice; naming file and line.
    """
    given = dict(columns or {})
    read = [read_cells(path) for path in paths]
    for name, column in given.items():
        if not any(column in table.cells for table in read):
            raise DataError(
                f"{read[0].name}, line 1: no column {column!r}, named for {name}",
                remedy_for(column, list(read[0].cells)),
            )
    frames = [_frame(table, given) for table in read]
    whole = frames[0]
    for frame, path in zip(frames[1:], paths[1:]):
        twice = [name for name in frame.columns[2:] if name in whole.columns]
        if twice:
            raise DataError(f"{path}: {twice[0]} is in another file too", "leave one of them out")
        whole = whole.merge(frame, how="outer", on=["date", "symbol"])
    whole = whole.sort_values(["symbol", "date"], kind="stable", ignore_index=True)
    return DailyFigures(whole, tuple(map(str, paths)))


def _frame(table: TextTable, given: Mapping[str, str]) -> pd.DataFrame:
    own = {name: column for name, column in given.items() if column in table.cells}
    date = find_column(table, "date", _DATE, own)
    symbol = find_column(table, "symbol", _SYMBOL, own)
    if set(given) - {"date", "symbol"}:
        wanted = {name: own[name] for name in own if name not in ("date", "symbol")}
    else:
        wanted = {name.lower(): name for name in table.cells if name not in (date, symbol)}
    if not wanted:
        raise DataError(f"{table.name}, line 1: no column holds a figure", _PICK)
    for name, column in wanted.items():
        if not _NAME.fullmatch(name) or name in _TAKEN:
            why = "means something else" if name in _TAKEN else "is no name of a figure"
            raise DataError(f"{table.name}, line 1: {shown(column)} {why}", _PICK)
    table.cells[date] = [_MIDNIGHT.sub("", text) for text in table.texts(date)]
    days = parse_days(table, date)
    frame = pd.DataFrame(
        {"date": days.astype("datetime64[s]"), "symbol": symbols_of(table, symbol)}
    )
    frame = frame.assign(**{name: parse_numbers(table, wanted[name]) for name in wanted})
    twice = frame.duplicated(["symbol", "date"]).to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise DataError(
            f"{table.place(row)}: {frame['symbol'].iloc[row]} has {days[row]} twice",
            "keep one row a day",
        )
    return frame
