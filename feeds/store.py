"""The store: a data set is a folder of cleaned files and a manifest.

Reading checks every file against the manifest; the aligned arrays come from a cache that is
keyed by the content.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable, concatenate
from feeds.blocks import align_block, panel_of
from feeds.cache import Aligned, building_cache, cache_key, load_cached
from feeds.calendars import CALENDARS, sessions
from feeds.errors import DataError
from feeds.file_checks import check_files
from feeds.fundamentals import FUNDAMENTAL_COLUMNS, check_fundamentals
from feeds.panel import Panel
from feeds.price_files import PRICE_COLUMNS, REBUILD, Contents, read_tables, scan
from feeds.spells import MEMBERSHIP_COLUMNS, check_spells

__all__ = [
    "PRICE_COLUMNS",
    "UNIVERSE_COLUMNS",
    "DataSet",
    "load_dataset",
    "read_fundamentals",
    "read_manifest",
    "read_native",
    "read_universe",
]

UNIVERSE_COLUMNS = (
    "symbol", "asset_class", "name", "start", "end", "end_reason", "volume_unit", "price_kind",
)  # fmt: skip


@dataclass(frozen=True)
class DataSet:
    """A data set, loaded.

    Parameters
    ----------
    name : str
        As in the manifest.
    folder : Path
        Where it is.
    panel : Panel
        Tradable classes only, in the order of universe.csv, from the first day of the data.
    reference : DataFrame
        Index: the panel's dates; closes of indices and reference series, one column a symbol;
        NaN where there is no bar.
    published : DataFrame or None
        Index: month ends; mkt_rf, smb, hml, mom, rf as decimals.
    universe : DataFrame
        universe.csv, text.
    limits : tuple of str
        What the set lacks, in sentences.
    hashes : dict of str to str
        sha256 of each file.
    """

    name: str
    folder: Path
    panel: Panel
    reference: pd.DataFrame
    published: pd.DataFrame | None
    universe: pd.DataFrame
    limits: tuple[str, ...]
    hashes: dict[str, str] = field(default_factory=dict)


def load_dataset(
    folder: str | Path, *, calendar: str = "XNYS", end: dt.date | None = None
) -> DataSet:
    """Load a data set, aligned on one calendar.

    Parameters
    ----------
    folder : path
        A folder written by ``runs.ingest``.
    calendar : {"XNYS", "24/7"}
        XNYS folds the days between two sessions into the next one; 24/7 has every day.
    end : date, optional
        Later rows are left out: what remains equals a set ingested up to that date.

    Returns
    -------
    DataSet

    Raises
    ------
    DataError
        If the folder or a file of it is missing, damaged or incomplete, the calendar is
        unknown, or no row is left.
    """
    folder = Path(folder)
    if calendar not in CALENDARS:
        raise DataError(f"unknown calendar {calendar!r}", f"use one of {', '.join(CALENDARS)}")
    manifest = read_manifest(folder)
    hashes = check_files(folder, manifest["files"])
    content = hashlib.sha256(
        json.dumps([hashes, manifest["end"]], sort_keys=True).encode()
    ).hexdigest()
    key = cache_key(content, calendar)
    universe = read_universe(folder)
    aligned = load_cached(folder, key)
    if aligned is None:
        aligned = _align(folder, manifest, universe, calendar, key)
    rows = _rows_up_to(aligned, end, folder)
    panel = panel_of(aligned, calendar, rows)
    return DataSet(
        name=manifest["name"],
        folder=folder,
        panel=panel,
        reference=pd.DataFrame(
            aligned.arrays["reference"][:rows],
            index=pd.DatetimeIndex(panel.dates.astype("datetime64[s]"), name="date"),
            columns=aligned.meta["reference"],
        ),
        published=_published(folder, manifest, end),
        universe=universe,
        limits=tuple(manifest["limits"]),
        hashes=hashes,
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a data set.

    Raises
    ------
    DataError
        If the folder or its manifest is missing or unreadable.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {**manifest, **{key: manifest[key] for key in ("name", "files", "limits", "end")}}
    except FileNotFoundError:
        raise DataError(
            f"{folder} is not a data set: it has no manifest.json",
            "name a folder made by python -m runs.ingest, such as data/sp500_crypto",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} does not read as a manifest: {error}", REBUILD) from None


def read_universe(folder: Path) -> pd.DataFrame:
    """universe.csv as text; empty where a date is not known.

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


def read_native(folder: str | Path, symbols: Collection[str] | None = None) -> BarTable:
    """The bars of a data set on their own days, as stored: nothing adjusted, nothing folded.

    Parameters
    ----------
    folder : path
        A data set.
    symbols : collection of str, optional
        Whose bars; of all symbols by default. A symbol may have none.

    Returns
    -------
    BarTable
        By symbol and time.

    Raises
    ------
    DataError
        If the folder or a price file is missing, damaged or incomplete.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    check_files(folder, manifest["files"])
    found, parts = _price_contents(folder, manifest), []
    for path, contents in found.items():
        wanted = np.array([symbols is None or name in symbols for name in contents.symbols])
        if wanted.any():
            tables = read_tables(path, contents)
            parts += [table.take(wanted[table.code]) for table in tables]
    if parts:
        return concatenate(parts)
    return BarTable.from_frame("", pd.DataFrame(columns=list(PRICE_COLUMNS[2:]), dtype=float))


def read_fundamentals(folder: Path, manifest: dict[str, Any]) -> pd.DataFrame | None:
    """The set's filings, checked; None where it has none.

    Raises
    ------
    DataError
        If a column is missing or a row cannot be true.
    """
    if "fundamentals.csv" not in manifest["files"]:
        return None
    path = folder / "fundamentals.csv"
    numbers = {"book_equity": "float64", "shares": "float64"}
    text = {name: str for name in FUNDAMENTAL_COLUMNS if name not in numbers}
    table = _read_csv(
        path,
        FUNDAMENTAL_COLUMNS,
        dtype=text | numbers,
        keep_default_na=False,
        na_values={name: [""] for name in numbers},
    )
    return check_fundamentals(path, table, read_universe(folder))


def _align(
    folder: Path, manifest: dict[str, Any], universe: pd.DataFrame, calendar: str, key: str
) -> Aligned:
    """Align the whole set, batch by batch into the files of a new cache."""
    found = _price_contents(folder, manifest)
    firsts = [contents.first for contents in found.values() if contents.first is not None]
    if not firsts:
        raise DataError(f"{folder}: the data set has no bar", "check its dates")
    last = np.datetime64(manifest["end"], "D")
    dates = sessions(calendar, min(firsts), last)
    if not len(dates):
        raise DataError(
            f"{folder}: no {calendar} session in {min(firsts).astype('datetime64[D]')}..{last}",
            "widen the dates",
        )
    tables = (table for path, item in found.items() for table in read_tables(path, item))
    with building_cache(folder, key) as building:
        aligned = align_block(
            tables,
            universe,
            dates,
            calendar,
            filings=read_fundamentals(folder, manifest),
            spells=_read_spells(folder, manifest, universe),
            allocate=building.array,
        )
        return building.save(aligned)


def _price_contents(folder: Path, manifest: dict[str, Any]) -> dict[Path, Contents]:
    """What each price file holds; a symbol has its bars in one of them."""
    found: dict[Path, Contents] = {}
    owners: dict[str, str] = {}
    for name in manifest["files"]:
        if name.startswith("prices_"):
            found[folder / name] = scan(folder / name)
            for symbol in found[folder / name].symbols:
                if symbol in owners:
                    raise DataError(
                        f"{folder / name} has bars of {symbol}, and so has {owners[symbol]}",
                        "keep them in one file",
                    )
                owners[symbol] = name
    return found


def _read_spells(
    folder: Path, manifest: dict[str, Any], universe: pd.DataFrame
) -> pd.DataFrame | None:
    if "membership.csv" not in manifest["files"]:
        return None
    path = folder / "membership.csv"
    table = _read_csv(path, MEMBERSHIP_COLUMNS, dtype=str, keep_default_na=False)
    return check_spells(path, table, universe)


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


def _rows_up_to(aligned: Aligned, end: dt.date | None, folder: Path) -> int:
    dates = aligned.arrays["dates"]
    if end is None:
        return len(dates)
    rows = int(np.searchsorted(dates, np.datetime64(end, "D"), side="right"))
    if not rows:
        raise DataError(f"{folder} has no data up to {end}: it starts on {dates[0]}", "end later")
    return rows


def _published(folder: Path, manifest: dict[str, Any], end: dt.date | None) -> pd.DataFrame | None:
    if "published_monthly.csv" not in manifest["files"]:
        return None
    columns = ("date", "mkt_rf", "smb", "hml", "mom", "rf")
    table = _read_csv(folder / "published_monthly.csv", columns)
    table["date"] = pd.to_datetime(table["date"]).dt.as_unit("s")
    table = table.set_index("date").astype("float64")
    return table if end is None else table[table.index <= pd.Timestamp(end)]
