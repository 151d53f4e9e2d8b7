"""Data sets as they are drawn: freshness, gaps and repairs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.errors import DataError
from runs.dashboard_files import read_document, read_table, signature

__all__ = ["DataSet", "read_set"]

#: Classes that are traded; indices and reference series are in no class of their own.
_UNIVERSE = ("symbol", "asset_class", "start", "end", "end_reason", "price_kind")


@dataclass(frozen=True, eq=False)
class DataSet:
    """What a data set holds.

    Parameters
    ----------
    manifest : mapping
    symbols : DataFrame
        One row a symbol: symbol, asset_class, first and last (ISO dates of its bars), bars,
        missing (sessions of its class between them without a bar), longest_gap (such sessions in
        a row), end_reason, price_kind. Most missing first.
    classes : DataFrame
        One row a class: symbols, newest and oldest last bar, behind (symbols whose last bar is
        older than the newest), missing.
    coverage : DataFrame
        month, asset_class, symbols: most symbols with a bar on a day of the month.
    repairs : DataFrame
        symbol, action, dates (how many), first, last, reason.
    """

    manifest: Mapping[str, Any]
    symbols: pd.DataFrame
    classes: pd.DataFrame
    coverage: pd.DataFrame
    repairs: pd.DataFrame


def read_set(folder: Path) -> DataSet:
    """Read manifest, universe and the table of adjusted closes.

    Raises
    ------
    DataError
        If one of them is missing or damaged.
    """
    names = [n for n in ("clean_prices.csv", "clean_prices.csv.gz") if (folder / n).is_file()]
    if not names:
        raise DataError(f"{folder}: no clean_prices.csv", "run python -m runs.ingest again")
    used = [folder / name for name in ("manifest.json", "universe.csv", names[0])]
    return _read(*used, tuple(signature(path) for path in used))


@functools.lru_cache(maxsize=8)
def _read(manifest: Path, universe: Path, prices: Path, _: tuple) -> DataSet:
    told = read_document(manifest)
    listed = read_table(universe, _UNIVERSE)
    closes = read_table(prices, dates=["date"]).set_index("date")
    rows, covered = [], {}
    for kind, members in listed.groupby("asset_class", sort=True):
        known = closes.reindex(columns=list(members["symbol"])).notna()
        covered[str(kind)] = known.sum(axis=1)
        rows += _class_rows(members, known)
    symbols = pd.DataFrame(rows).sort_values(
        ["missing", "symbol"], ascending=[False, True], ignore_index=True
    )
    return DataSet(told, symbols, _classes(symbols), _coverage(covered), _repairs(told))


def _class_rows(members: pd.DataFrame, known: pd.DataFrame) -> list[dict[str, Any]]:
    """A session of a class is a day on which at least half of its living series have a bar."""
    bars = known.to_numpy()
    seen = np.maximum.accumulate(bars, axis=0)
    ahead = np.maximum.accumulate(bars[::-1], axis=0)[::-1]
    living = seen & ahead
    session = bars.any(axis=1) & (2 * bars.sum(axis=1) >= living.sum(axis=1))
    absent = living & ~bars & session[:, None]
    days = known.index.strftime("%Y-%m-%d")
    rows = []
    for place, one in enumerate(members.itertuples(index=False)):
        at = np.flatnonzero(bars[:, place])
        rows.append(
            {
                "symbol": one.symbol,
                "asset_class": one.asset_class,
                "first": days[at[0]] if len(at) else None,
                "last": days[at[-1]] if len(at) else None,
                "bars": len(at),
                "missing": int(absent[:, place].sum()),
                "longest_gap": _longest(absent[session, place]),
                "end_reason": one.end_reason,
                "price_kind": one.price_kind,
            }
        )
    return rows


def _longest(flags: np.ndarray) -> int:
    """Length of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _classes(symbols: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for kind, part in symbols.groupby("asset_class", sort=True):
        last = part["last"].dropna()
        newest, oldest = (last.max(), last.min()) if len(last) else (None, None)
        behind = int((last < newest).sum()) if len(last) else 0
        rows.append((kind, len(part), newest, oldest, behind, int(part["missing"].sum())))
    columns = ["asset_class", "symbols", "newest", "oldest", "behind", "missing"]
    return pd.DataFrame(rows, columns=columns)


def _coverage(covered: Mapping[str, pd.Series]) -> pd.DataFrame:
    parts = []
    for kind, count in covered.items():
        monthly = count.groupby(count.index.to_period("M")).max()
        months = monthly.index.to_timestamp()
        parts.append(pd.DataFrame({"month": months, "asset_class": kind, "symbols": monthly}))
    return pd.concat(parts, ignore_index=True)


def _repairs(manifest: Mapping[str, Any]) -> pd.DataFrame:
    rows = []
    for repair in manifest.get("repairs", ()):
        dates = sorted(map(str, repair.get("dates", ())))
        first, last = (dates[0], dates[-1]) if dates else (None, None)
        told = (str(repair.get(name, "")) for name in ("symbol", "action", "reason"))
        symbol, action, reason = told
        rows.append((symbol, action, len(dates), first, last, reason))
    columns = ["symbol", "action", "dates", "first", "last", "reason"]
    return pd.DataFrame(rows, columns=columns)
