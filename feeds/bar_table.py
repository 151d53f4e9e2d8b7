"""Bars of many symbols as one table of columns, each row with the place it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import pandas as pd

from feeds.sources.request import BAR_COLUMNS

__all__ = ["OPTIONAL_COLUMNS", "BarTable", "concatenate"]

#: What a source may give besides :data:`BAR_COLUMNS`: the cap in currency, and the vendor's
#: own fully adjusted close.
OPTIONAL_COLUMNS = ("market_cap", "adjusted")


@dataclass(frozen=True, eq=False)
class BarTable:
    """M bars of S symbols, in the order in which they were read unless said otherwise.

    Parameters
    ----------
    symbols : tuple of str
        Names, unique; a name need not have a row.
    code : (M,) int32 array
        Position of the row's symbol in `symbols`.
    time : (M,) datetime64[s] array
        The session's day at midnight for daily bars, the start of the bar in UTC for shorter
        ones.
    columns : dict of str to (M,) float64 array
        All of :data:`BAR_COLUMNS`, and those of :data:`OPTIONAL_COLUMNS` that the source has.
        NaN where it gave nothing.
    files : tuple of str
        Files the rows were read from; empty where they came over a network.
    file : (M,) int32 array
        Position in `files`; -1 where there is none.
    line : (M,) int64 array
        Line of a text file, or row of a Parquet file, counted from 1; 0 where there is none.
    """

    symbols: tuple[str, ...]
    code: np.ndarray
    time: np.ndarray
    columns: dict[str, np.ndarray]
    files: tuple[str, ...]
    file: np.ndarray
    line: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    @classmethod
    def from_frame(cls, symbol: str, bars: pd.DataFrame) -> BarTable:
        """The bars of one symbol that did not come from a file; index as in ``RawSeries``."""
        names = [name for name in (*BAR_COLUMNS, *OPTIONAL_COLUMNS) if name in bars.columns]
        return cls(
            symbols=(symbol,),
            code=np.zeros(len(bars), dtype=np.int32),
            time=bars.index.to_numpy().astype("datetime64[s]"),
            columns={name: bars[name].to_numpy(dtype="float64") for name in names},
            files=(),
            file=np.full(len(bars), -1, dtype=np.int32),
            line=np.zeros(len(bars), dtype=np.int64),
        )

    def take(self, rows: np.ndarray | slice) -> BarTable:
        """Some rows, by mask, position or slice; all symbols stay."""
        return replace(
            self,
            code=self.code[rows],
            time=self.time[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            file=self.file[rows],
            line=self.line[rows],
        )

    def with_columns(self, **columns: np.ndarray) -> BarTable:
        """The same rows with some columns added or replaced."""
        return replace(self, columns={**self.columns, **columns})

    def compact(self) -> BarTable:
        """The same rows, with only the symbols that have one."""
        present = np.bincount(self.code, minlength=len(self.symbols)) > 0
        if present.all():
            return self
        code = (np.cumsum(present, dtype=np.int32) - 1)[self.code]
        return replace(self, symbols=tuple(compress(self.symbols, present)), code=code)

    def order(self) -> np.ndarray | None:
        """(M,) positions that sort by symbol and time, stable; None where they are sorted."""
        if self.is_sorted():
            return None
        return np.lexsort((self.time.view("int64"), self.code))

    def is_sorted(self) -> bool:
        """Whether the rows stand by symbol, in the order of `symbols`, and time within one."""
        later = np.diff(self.time.view("int64")) >= 0
        step = np.diff(self.code)
        return bool(np.all((step > 0) | ((step == 0) & later)))

    def sorted(self) -> BarTable:
        """By symbol and time; rows of the same symbol and time keep their order."""
        order = self.order()
        return self if order is None else self.take(order)

    def bounds(self) -> np.ndarray:
        """(S + 1,) first row of each symbol of a sorted table, and the number of rows."""
        return np.searchsorted(self.code, np.arange(len(self.symbols) + 1))

    def frame(self, symbol: str) -> pd.DataFrame:
        """The rows of one symbol: index date, float64 columns."""
        rows = np.flatnonzero(self.code == self.symbols.index(symbol))
        index = pd.DatetimeIndex(self.time[rows], name="date")
        return pd.DataFrame(
            {name: values[rows] for name, values in self.columns.items()}, index=index
        )


def concatenate(tables: Sequence[BarTable]) -> BarTable:
    """One table of all rows, the tables one after the other.

    Symbols and files that several tables have become one; a column that only some have is NaN
    in the rows of the others.
    """
    if len(tables) == 1:
        return tables[0]
    symbols = _merged([table.symbols for table in tables])
    files = _merged([table.files for table in tables])
    known = {name for table in tables for name in table.columns}
    names = [name for name in (*BAR_COLUMNS, *OPTIONAL_COLUMNS) if name in known]
    return BarTable(
        symbols=symbols,
        code=np.concatenate([_renumbered(t.code, t.symbols, symbols) for t in tables]),
        time=np.concatenate([table.time for table in tables]),
        columns={
            name: np.concatenate([_column(table, name) for table in tables]) for name in names
        },
        files=files,
        file=np.concatenate([_renumbered(t.file, t.files, files) for t in tables]),
        line=np.concatenate([table.line for table in tables]),
    )


def _merged(names: list[tuple[str, ...]]) -> tuple[str, ...]:
    if all(own == names[0] for own in names):
        return names[0]
    return tuple(dict.fromkeys(name for own in names for name in own))


def _renumbered(codes: np.ndarray, old: tuple[str, ...], new: tuple[str, ...]) -> np.ndarray:
    """The codes of `old` as codes of `new`; -1 stays."""
    if old == new[: len(old)]:
        return codes
    places = {name: place for place, name in enumerate(new)}
    return np.array([*(places[name] for name in old), -1], dtype=np.int32)[codes]


def _column(table: BarTable, name: str) -> np.ndarray:
    if name in table.columns:
        return table.columns[name]
    return np.full(len(table), np.nan)
