"""What a run has collected: raw bars, where they are, and what became of each symbol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from feeds.bar_table import BarTable, concatenate
from feeds.errors import DataError
from feeds.ingestion.outcome import SymbolOutcome
from feeds.ingestion.plan import cut_to
from feeds.ingestion.raw_file import bars_bytes, parse_bars, sha256_of
from feeds.ingestion.raw_store import (
    RAW,
    RawEntry,
    RawStore,
    bar_table,
    index_bytes,
    link_or_copy,
)
from feeds.series_info import SeriesInfo

__all__ = ["Collected", "Kept"]

_INDEX = "index.json"
#: Rows of a part: large enough for whole-column work, small beside what the cleaning needs.
_PART_ROWS = 300_000
_REVISION_COLUMNS = ["symbol", "date", "column", "before", "after"]


@dataclass(frozen=True)
class Kept:
    """One symbol of the new set.

    Parameters
    ----------
    entry : RawEntry
        Of the file that the new set gets.
    path : Path
        Where its bars are now.
    uncut : str
        sha256 of the file at `path` where it holds more days than are asked for; else empty.
    """

    entry: RawEntry
    path: Path
    uncut: str = ""

    def bars(self) -> pd.DataFrame:
        """The bars asked for.

        Raises
        ------
        DataError
            If the file is not what it was when it was looked at.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {self.path}: {error.strerror}", "run again") from None
        if sha256_of(content) != (self.uncut or self.entry.sha256):
            raise DataError(f"{self.path} changed while it was used", "run again")
        bars = parse_bars(content)
        return cut_to(bars, self.entry.request) if self.uncut else bars


@dataclass(frozen=True)
class Collected:
    """Raw bars of a symbols file, complete as far as they could be had.

    Parameters
    ----------
    outcomes : tuple of SymbolOutcome
        One a symbol, in the order of the symbols file.
    removed : tuple of str
        Symbols of the stored set that are not asked for any more, in alphabetical order.
    kept : tuple of Kept
        Those that have bars, in the order of the symbols file.
    out : Path
        The data set.
    changed : bool
        Whether the stored set has other raw bars than these, or says other things of them.
    """

    outcomes: tuple[SymbolOutcome, ...]
    removed: tuple[str, ...]
    kept: tuple[Kept, ...]
    out: Path
    changed: bool

    @property
    def infos(self) -> dict[str, SeriesInfo]:
        """What is known of each symbol that has bars."""
        return {item.entry.request.symbol: item.entry.info for item in self.kept}

    @property
    def fetched(self) -> str:
        """The latest time, in UTC, at which any of the bars were fetched."""
        return max(item.entry.fetched for item in self.kept)

    @property
    def revisions(self) -> pd.DataFrame:
        """Every stored value that was replaced: symbol, date, column, before, after."""
        rows = [
            (outcome.symbol, *difference)
            for outcome in self.outcomes
            for difference in outcome.differences
        ]
        return pd.DataFrame(rows, columns=_REVISION_COLUMNS)

    def series(self) -> Iterator[tuple[SeriesInfo, BarTable]]:
        """Each symbol's bars, in the order of the symbols file; lines are those of its raw file.

        Raises
        ------
        DataError
            If a file is not what it was.
        """
        for item in self.kept:
            yield item.entry.info, bar_table(item.entry, item.bars())

    def parts(self, rows: int = _PART_ROWS) -> Iterator[tuple[dict[str, SeriesInfo], BarTable]]:
        """The same in parts of whole symbols, each of at least `rows` rows but for the last."""
        infos: dict[str, SeriesInfo] = {}
        tables: list[BarTable] = []
        for info, table in self.series():
            infos[info.symbol] = info
            tables.append(table)
            if sum(map(len, tables)) >= rows:
                yield infos, concatenate(tables)
                infos, tables = {}, []
        if tables:
            yield infos, concatenate(tables)

    def place_raw(self, folder: Path) -> None:
        """Put the raw bars and their index into the new folder of the data set.

        Files that are there already get a second name, so that nothing is copied; whoever
        replaces the folder has everything in it flushed to disk first.

        Parameters
        ----------
        folder : Path
            The new folder; its ``raw`` is made.

        Raises
        ------
        OSError
            If it cannot be written.
        DataError
            If a file is not what it was.
        """
        place = folder / RAW
        place.mkdir()
        for item in self.kept:
            if item.uncut:
                (place / item.entry.file).write_bytes(bars_bytes(item.bars()))
            else:
                link_or_copy(item.path, place / item.entry.file)
        (place / _INDEX).write_bytes(index_bytes(item.entry for item in self.kept))

    def is_stored(self) -> bool:
        """Whether the data set has these bars by now."""
        stored = RawStore(self.out / RAW).entries
        return all(stored.get(item.entry.request.symbol) == item.entry for item in self.kept)
