"""Sectors of symbols, from any table that has them beside the symbol."""

from __future__ import annotations

from pathlib import Path

from feeds.errors import DataError
from feeds.text_table import find_column, read_cells, symbols_of

__all__ = ["SECTOR_LIMIT", "read_sectors"]

#: What a user of sectors must know.
SECTOR_LIMIT = (
    "Sectors are those of one list on all dates: a company that changed its business has its "
    "present sector throughout."
)
_SYMBOL = ("symbol", "ticker")
_SECTOR = ("sector", "gics_sector", "industry")


def read_sectors(path: str | Path, needed: bool = True) -> dict[str, str]:
    """The sector of each symbol; of other columns nothing is read.

    Parameters
    ----------
    path : path
        CSV (also .gz) or Parquet with the columns symbol and sector. A symbol may be there
        several times, as in a list of members with its spells, always with one sector.
    needed : bool
        Whether a file without a sector is an error; otherwise nothing is known.

    Returns
    -------
    dict of str to str
        Those that are known, by symbol in alphabetical order.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing, or a symbol has two sectors; naming file
        and line.
    """
    table = read_cells(path)
    column = find_column(table, "sector", _SECTOR, {}, needed)
    if not column:
        return {}
    symbols = symbols_of(table, find_column(table, "symbol", _SYMBOL, {}))
    found: dict[str, str] = {}
    for row, (symbol, sector) in enumerate(zip(symbols.tolist(), table.texts(column))):
        if sector and found.setdefault(symbol, sector) != sector:
            raise DataError(
                f"{table.place(row)}: {symbol} has the sectors {found[symbol]!r} and {sector!r}",
                "keep one of them",
            )
    return dict(sorted(found.items()))
