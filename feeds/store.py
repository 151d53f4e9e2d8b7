"""The store: a data set is a folder of cleaned CSV files and a manifest.

Reading checks every file against the manifest; the aligned arrays come from a cache that is
keyed by the content.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.align import Native
from feeds.blocks import align_block, panel_of
from feeds.cache import Aligned, cache_key, load_cached, save_cached
from feeds.calendars import CALENDARS
from feeds.errors import DataError
from feeds.fundamentals import FUNDAMENTAL_COLUMNS, check_fundamentals
from feeds.panel import Panel

__all__ = [
    "DataSet",
    "load_dataset",
    "read_fundamentals",
    "read_manifest",
    "read_prices",
    "read_universe",
]

PRICE_COLUMNS = (
    "date", "symbol", "open", "high", "low", "close", "volume", "split_ratio", "dividend",
)  # fmt: skip
UNIVERSE_COLUMNS = (
    "symbol", "asset_class", "name", "start", "end", "end_reason", "volume_unit", "price_kind",
)  # fmt: skip
_REBUILD = "restore the file, or rebuild the set with python -m runs.ingest"


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
    hashes = _check_files(folder, manifest)
    content = hashlib.sha256(
        json.dumps([hashes, manifest["end"]], sort_keys=True).encode()
    ).hexdigest()
    key = cache_key(content, calendar)
    aligned = load_cached(folder, key)
    if aligned is None:
        covers_to = np.datetime64(manifest["end"], "D")
        bars = read_prices(folder, manifest)
        filings = read_fundamentals(folder, manifest)
        aligned = align_block(bars, read_universe(folder), covers_to, calendar, filings)
        save_cached(folder, key, aligned)
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
        universe=read_universe(folder),
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
        raise DataError(f"{path} does not read as a manifest: {error}", _REBUILD) from None


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


def read_prices(folder: Path, manifest: dict[str, Any]) -> dict[str, Native]:
    """Native bars by symbol from the set's price files.

    Raises
    ------
    DataError
        If a column is missing, a value is no number, or dates are not increasing.
    """
    bars: dict[str, Native] = {}
    for name in manifest["files"]:
        if not name.startswith("prices_"):
            continue
        path = folder / name
        numbers = {column: "float64" for column in (*PRICE_COLUMNS[2:], "market_cap")}
        if name.endswith(".parquet"):
            table = pd.read_parquet(path)
        else:
            # Symbols are text (NA is one), and only an empty field is a missing number.
            table = _read_csv(
                path,
                PRICE_COLUMNS,
                dtype={"date": "category", "symbol": "category", **numbers},
                keep_default_na=False,
                na_values={column: [""] for column in numbers},
            )
        bars.update(_natives(path, table))
    return bars


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


def _natives(path: Path, table: pd.DataFrame) -> dict[str, Native]:
    labels = table["date"].astype("category").cat
    days = np.asarray(labels.categories, dtype="datetime64[D]")[labels.codes.to_numpy()]
    symbols = table["symbol"].astype("category").cat
    codes = symbols.codes.to_numpy()
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(symbols.categories) + 1))
    numbers = [name for name in (*PRICE_COLUMNS[2:], "market_cap") if name in table.columns]
    columns = {name: table[name].to_numpy(dtype="float64") for name in numbers}
    out = {}
    for code, symbol in enumerate(symbols.categories):
        rows = order[bounds[code] : bounds[code + 1]]
        dates = days[rows]
        if np.any(np.diff(dates.astype("int64")) <= 0):
            raise DataError(f"{path}: the dates of {symbol} are not increasing", _REBUILD)
        out[str(symbol)] = Native(dates, **{name: column[rows] for name, column in columns.items()})
    return out


def _check_files(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    hashes = {}
    for name in sorted(manifest["files"]):
        path = folder / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}", _REBUILD) from None
        expected = manifest["files"][name]["sha256"]
        if found != expected:
            raise DataError(
                f"{path} is damaged or was edited: sha256 {found[:12]}..., the manifest has "
                f"{expected[:12]}...",
                _REBUILD,
            )
        hashes[name] = found
    return hashes


def _read_csv(path: Path, columns: tuple[str, ...], **options: Any) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, **options)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", _REBUILD) from None
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"{path} does not read as a table: {problem}", _REBUILD) from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path} lacks the column {missing[0]}", _REBUILD)
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
