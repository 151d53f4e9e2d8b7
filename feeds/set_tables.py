"""The tables of a data set beside its prices, read and checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError
from feeds.fundamentals import FUNDAMENTAL_COLUMNS, check_fundamentals
from feeds.price_files import REBUILD
from feeds.spells import MEMBERSHIP_COLUMNS, check_spells

__all__ = [
    "FIGURES_FILE",
    "UNIVERSE_COLUMNS",
    "read_daily_figures",
    "read_fundamentals",
    "read_published",
    "read_spells",
    "read_universe",
]

UNIVERSE_COLUMNS = (
    "symbol", "asset_class", "name", "start", "end", "end_reason", "volume_unit", "price_kind",
)  # fmt: skip
#: Daily figures of a set, whatever form the file has.
FIGURES_FILE = "figures"
_FIGURE_COLUMNS = ("date", "symbol")
_PUBLISHED = ("date", "mkt_rf", "smb", "hml", "mom", "rf")
_FILED_TEXT = ("symbol", "period_end", "known_from", "shares_as_of")


def read_universe(folder: Path) -> pd.DataFrame:
    """universe.csv as text; empty where a date is not known. It may have more columns.

    Raises
    ------
    DataError
        If a column is missing or a symbol is there twice.
    """
    path = folder / "universe.csv"
    table = _read_csv(path, UNIVERSE_COLUMNS, dtype=str, keep_default_na=False)
    twice = table["symbol"][table["symbol"].duplicated()]
    if len(twice):
        raise DataError(f"{path} has {twice.iloc[0]} twice", "keep one row a symbol")
    return table


def read_fundamentals(folder: Path, manifest: dict[str, Any]) -> pd.DataFrame | None:
    """The set's filings, checked; None where it has none.

    Columns beside the contract's are numbers: net income, assets and so on.

    Raises
    ------
    DataError
        If a column is missing, a value is no number or a row cannot be true.
    """
    if "fundamentals.csv" not in manifest["files"]:
        return None
    path = folder / "fundamentals.csv"
    names = _read_csv(path, FUNDAMENTAL_COLUMNS, nrows=0).columns
    numbers = [name for name in names if name not in _FILED_TEXT]
    table = _read_csv(
        path,
        FUNDAMENTAL_COLUMNS,
        dtype=dict.fromkeys(_FILED_TEXT, str) | dict.fromkeys(numbers, "float64"),
        keep_default_na=False,
        na_values={name: [""] for name in numbers},
    )
    return check_fundamentals(path, table, read_universe(folder))


def read_daily_figures(folder: Path, files: Collection[str]) -> pd.DataFrame | None:
    """Figures of days: date (datetime64), symbol and numbers; None where the set has none.

    Raises
    ------
    DataError
        If a column is missing, a value is no number, or a date is none.
    """
    name = next((name for name in files if name.partition(".")[0] == FIGURES_FILE), None)
    if name is None:
        return None
    path = folder / name
    if name.endswith(".parquet"):
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}", REBUILD) from None
        lacking = [column for column in _FIGURE_COLUMNS if column not in table.columns]
        if lacking:
            raise DataError(f"{path} lacks the column {lacking[0]}", REBUILD)
    else:
        names = _read_csv(path, _FIGURE_COLUMNS, nrows=0).columns.drop(list(_FIGURE_COLUMNS))
        table = _read_csv(
            path,
            _FIGURE_COLUMNS,
            dtype={"date": str, "symbol": str} | dict.fromkeys(names, "float64"),
            keep_default_na=False,
            na_values={name: [""] for name in names},
        )
    table["date"] = pd.to_datetime(table["date"], errors="coerce", format="%Y-%m-%d")
    if table["date"].isna().any():
        line = int(table["date"].isna().to_numpy().argmax()) + 2
        raise DataError(f"{path}, line {line}: the date is none", REBUILD)
    return table


def read_spells(
    folder: Path, files: Collection[str], universe: pd.DataFrame
) -> pd.DataFrame | None:
    """Dated membership, checked; None where the set has no membership.csv.

    Raises
    ------
    DataError
        If a column is missing or a row cannot be true.
    """
    if "membership.csv" not in files:
        return None
    path = folder / "membership.csv"
    table = _read_csv(path, MEMBERSHIP_COLUMNS, dtype=str, keep_default_na=False)
    return check_spells(path, table, universe)


def read_published(
    folder: Path, files: Collection[str], end: dt.date | None
) -> pd.DataFrame | None:
    """Published monthly factors up to a day, as decimals; None where the set has none."""
    if "published_monthly.csv" not in files:
        return None
    table = _read_csv(folder / "published_monthly.csv", _PUBLISHED)
    table["date"] = pd.to_datetime(table["date"]).dt.as_unit("s")
    table = table.set_index("date").astype("float64")
    return table if end is None else table[table.index <= pd.Timestamp(end)]


def _read_csv(path: Path, columns: tuple[str, ...], **options: Any) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, **options)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", REBUILD) from None
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"{path} does not read as a table: {problem}", REBUILD) from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path} lacks the column {missing[0]}", REBUILD)
    return table
