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
from feeds.calendars import CALENDARS, UNITS, sessions
from feeds.errors import DataError
from feeds.file_checks import check_files
from feeds.panel import Panel
from feeds.price_files import PRICE_COLUMNS, REBUILD, Contents, read_tables, scan
from feeds.set_tables import (
    UNIVERSE_COLUMNS,
    read_daily_figures,
    read_fundamentals,
    read_published,
    read_spells,
    read_universe,
)

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
    folder: str | Path,
    *,
    calendar: str = "XNYS",
    end: dt.date | None = None,
    interval: str = "1d",
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
    interval : {"1d", "1h"}
        Length of the bars that the caller works with. A set of another length is refused: what
        is counted in sessions means something else there. Hours need the calendar 24/7.

    Returns
    -------
    DataSet

    Raises
    ------
    DataError
        If the folder or a file of it is missing, damaged or incomplete, the calendar is
        unknown or does not fit the bars, they are of another length, or no row is left.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    _check_interval(folder, manifest, interval, calendar)
    hashes = check_files(folder, manifest["files"])
    content = hashlib.sha256(
        json.dumps([hashes, manifest["end"], interval], sort_keys=True).encode()
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
        published=read_published(folder, manifest["files"], end),
        universe=universe,
        limits=(*manifest["limits"], *_survivors(manifest)),
        hashes=hashes,
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a data set; `interval` is 1d unless it says otherwise.

    Raises
    ------
    DataError
        If the folder or its manifest is missing or unreadable.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        known = {key: manifest[key] for key in ("name", "files", "limits", "end")}
        if manifest.get("interval", "1d") not in UNITS:
            raise ValueError(f"the interval is {manifest['interval']!r}")
        return {"interval": "1d", **manifest, **known}
    except FileNotFoundError:
        raise DataError(
            f"{folder} is not a data set: it has no manifest.json",
            "name a folder made by python -m runs.ingest, such as data/sp500_crypto",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} does not read as a manifest: {error}", REBUILD) from None


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
            tables = read_tables(path, contents, UNITS[manifest["interval"]])
            parts += [table.take(wanted[table.code]) for table in tables]
    if parts:
        return concatenate(parts)
    return BarTable.from_frame("", pd.DataFrame(columns=list(PRICE_COLUMNS[2:]), dtype=float))


def _align(
    folder: Path, manifest: dict[str, Any], universe: pd.DataFrame, calendar: str, key: str
) -> Aligned:
    """Align the whole set, batch by batch into the files of a new cache."""
    found = _price_contents(folder, manifest)
    spans = [(item.first, item.last) for item in found.values() if item.first is not None]
    if not spans:
        raise DataError(f"{folder}: the data set has no bar", "check its dates")
    interval = manifest["interval"]
    first, last = min(spans)[0], np.datetime64(manifest["end"], "D")
    if interval != "1d":
        # The day is not over with its last bar.
        last = max(stamp for _, stamp in spans)
    dates = sessions(calendar, first, last, interval)
    if not len(dates):
        raise DataError(
            f"{folder}: no {calendar} session in {first.astype('datetime64[D]')}..{last}",
            "widen the dates",
        )
    unit = UNITS[interval]
    tables = (table for path, item in found.items() for table in read_tables(path, item, unit))
    with building_cache(folder, key) as building:
        aligned = align_block(
            tables,
            universe,
            dates,
            calendar,
            filings=read_fundamentals(folder, manifest),
            spells=read_spells(folder, manifest["files"], universe),
            daily=read_daily_figures(folder, manifest["files"]),
            space=building,
        )
        return building.save(aligned)


def _check_interval(folder: Path, manifest: dict[str, Any], interval: str, calendar: str) -> None:
    if calendar not in CALENDARS:
        raise DataError(f"unknown calendar {calendar!r}", f"use one of {', '.join(CALENDARS)}")
    found = manifest["interval"]
    if found != interval:
        asked = "the backtest and the factor study are daily" if interval == "1d" else "not daily"
        raise DataError(
            f"{folder} holds bars of {found}: {asked}",
            (
                f"name a set of {interval} bars; sets of hours serve live signals"
                if interval == "1d"
                else f"name a set of {interval} bars"
            ),
        )
    if found != "1d" and calendar != "24/7":
        raise DataError(
            f"{folder} holds bars of {found}, which do not fit the calendar {calendar}",
            "use the calendar 24/7",
        )


def _survivors(manifest: dict[str, Any]) -> list[str]:
    """What a universe that was drawn up with hindsight does to results, in a sentence."""
    if manifest.get("universe_kind") != "todays_list":
        return []
    source = manifest.get("universe_list")
    day = manifest.get("universe_date")
    drawn_up = " ".join(
        ["drawn up"] + [f"from {source}"] * bool(source) + [f"on {day}"] * bool(day)
    )
    if drawn_up == "drawn up":
        drawn_up = f"drawn up at the end of the data ({manifest['end']}) or later"
    return [
        f"Survivors only: the universe is one list, {drawn_up}; names that had failed or been "
        "dropped by then are missing throughout, which makes past returns look better than "
        "anyone could have earned."
    ]


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


def _rows_up_to(aligned: Aligned, end: dt.date | None, folder: Path) -> int:
    dates = aligned.arrays["dates"]
    if end is None:
        return len(dates)
    rows = int(np.searchsorted(dates, np.datetime64(end, "D") + 1))
    if not rows:
        raise DataError(f"{folder} has no data up to {end}: it starts on {dates[0]}", "end later")
    return rows
