"""Vendor files on disk, checked against the recipe's sha256 and read by form.

Every reader returns one frame of bars a symbol: index date (datetime64[s], increasing as in
the file), columns open, high, low, close, volume, float64, NaN where the file has nothing.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.recipe import RawFile, Recipe
from feeds.sources.request import BAR_COLUMNS

__all__ = ["Raw", "fetch", "read_raw"]

#: What a file of bars has; events come from recipes.
_COLUMNS = BAR_COLUMNS[:5]
Bars = dict[str, pd.DataFrame]


@dataclass
class Raw:
    """What was read: bars by source and symbol, tables by source, checksums by path."""

    bars: dict[str, Bars] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)


def fetch(recipe: Recipe, folder: Path, end: pd.Timestamp, trust: bool = False) -> Raw:
    """Read every raw file of `recipe`, none of its rows after `end`.

    Parameters
    ----------
    recipe : Recipe
        Names the files, their checksums and their forms.
    folder : Path
        What the recipe's paths are relative to.
    end : Timestamp
        Later rows are cut before anything else looks at them.
    trust : bool
        Whether a file may differ from its checksum; the real one is kept either way.

    Raises
    ------
    DataError
        If a file is missing, differs from its checksum, or does not read as its form.
    """
    raw = Raw()
    for name, item in recipe.raw.items():
        content = _content(folder / item.path, item, trust)
        raw.sha256[item.path] = hashlib.sha256(content).hexdigest()
        result = read_raw(item, content, end)
        if isinstance(result, pd.DataFrame):
            raw.tables[name] = result
        else:
            raw.bars[name] = result
    return raw


def read_raw(item: RawFile, content: bytes, end: pd.Timestamp) -> Bars | pd.DataFrame:
    """Read the bytes of one raw file by its form; rows after `end` are cut first.

    Raises
    ------
    DataError
        If the bytes are no such table: an HTML page, a missing column, a cut archive.
    """
    try:
        table = _table(item, content)
        reader, date = _FORMS[item.form]
        date = table.columns[0] if date is None else date
        return reader(_cut(table, date, end), item.options)
    except KeyError as error:
        raise DataError(f"{item.path}: no column {error} for the form {item.form}") from None
    except (ValueError, EOFError, OSError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{item.path} does not read as {item.form}: {problem}", "fetch the file again"
        ) from None


def _content(path: Path, item: RawFile, trust: bool) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}",
            f"--raw must hold {item.path}, from the package {item.package}",
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != item.sha256 and not trust:
        raise DataError(
            f"{path} has sha256 {found[:12]}..., the recipe expects {item.sha256[:12]}...",
            f"take the file from {item.package}, or pass --trust-raw to use it as it is",
        )
    return content


def _table(item: RawFile, content: bytes) -> pd.DataFrame:
    if item.path.endswith(".gz"):
        content = gzip.decompress(content)
    elif item.path.endswith(".bz2"):
        content = bz2.decompress(content)
    if content.lstrip()[:1] == b"<":
        raise ValueError("it is an HTML page")
    # Symbols are text: NA is Nano Labs and not a missing value.
    text = {name: str for name in ("symbol", "name", "opt-in", "opt-out")}
    return pd.read_csv(
        io.BytesIO(content),
        dtype=text,
        keep_default_na=False,
        na_values={} if item.form == "constituents" else [""],
        encoding="utf-8-sig",
        low_memory=False,
    )


def _cut(table: pd.DataFrame, date: str, end: pd.Timestamp) -> pd.DataFrame:
    days = pd.to_datetime(table[date], format="%Y-%m-%d", errors="raise").dt.as_unit("s")
    kept = table.assign(**{date: days})[(days <= end).to_numpy()]
    return kept.reset_index(drop=True)


def _frame(dates: pd.Series, **columns: pd.Series | np.ndarray) -> pd.DataFrame:
    data = {
        name: pd.to_numeric(columns[name], errors="coerce") if name in columns else np.nan
        for name in _COLUMNS
    }
    frame = pd.DataFrame({name: np.asarray(value) for name, value in data.items()}, index=dates)
    return frame.astype("float64").rename_axis("date")


def _wide_returns(table: pd.DataFrame, options: dict[str, str]) -> Bars:
    """Total returns chained to a level: `base` on the session `base_date` before the first."""
    base, date = float(options["base"]), pd.Timestamp(options["base_date"]).as_unit("s")
    dates = pd.concat([pd.Series([date]), table.iloc[:, 0]], ignore_index=True)
    bars = {}
    for symbol in table.columns[1:]:
        growth = 1.0 + pd.to_numeric(table[symbol], errors="coerce").to_numpy()
        known = np.where(np.isfinite(growth), growth, 1.0)
        level = np.concatenate([[base], base * np.cumprod(known)])
        level[1:][~np.isfinite(growth)] = np.nan
        bars[str(symbol)] = _frame(dates, close=level)
    return bars


def _wide_close(table: pd.DataFrame, options: dict[str, str]) -> Bars:
    dates = table.iloc[:, 0]
    return {str(name): _frame(dates, close=table[name]) for name in table.columns[1:]}


def _wide_volume(table: pd.DataFrame, options: dict[str, str]) -> Bars:
    dates = table.iloc[:, 0]
    return {str(name): _frame(dates, volume=table[name]) for name in table.columns[1:]}


def _wide_ohlcv(table: pd.DataFrame, options: dict[str, str]) -> Bars:
    """Columns ``BTC:open`` and so on; a symbol's days before its first quote are no rows."""
    symbols = list(dict.fromkeys(name.split(":")[0] for name in table.columns[1:]))
    bars = {}
    for symbol in symbols:
        columns = {name: table[f"{symbol}:{name}"] for name in _COLUMNS}
        frame = _frame(table.iloc[:, 0], **columns)
        bars[symbol] = frame[frame.notna().any(axis=1).to_numpy()]
    return bars


def _long_ohlcv(table: pd.DataFrame, options: dict[str, str]) -> Bars:
    """Split-adjusted OHLCV and a fully adjusted close: prices are scaled to the latter.

    Volume becomes dollars, printed shares x close, both split-adjusted by the vendor.
    """
    bars = {}
    for symbol, rows in table.groupby("symbol", sort=False):
        scale = rows["adjusted"] / rows["close"]
        prices = {name: rows[name] * scale for name in ("open", "high", "low")}
        bars[str(symbol)] = _frame(
            rows["date"], close=rows["adjusted"], volume=rows["volume"] * rows["close"], **prices
        )
    return bars


def _yahoo(table: pd.DataFrame, options: dict[str, str]) -> Bars:
    columns = {name: table[name.title()] for name in _COLUMNS}
    return {options["symbol"]: _frame(table["Date"], **columns)}


def _as_table(table: pd.DataFrame, options: dict[str, str]) -> pd.DataFrame:
    return table


_FORMS: dict[str, tuple[Callable[..., Bars | pd.DataFrame], str | None]] = {
    "wide_returns": (_wide_returns, None),
    "wide_close": (_wide_close, None),
    "wide_volume": (_wide_volume, None),
    "wide_ohlcv": (_wide_ohlcv, None),
    "long_ohlcv": (_long_ohlcv, "date"),
    "yahoo": (_yahoo, "Date"),
    "constituents": (_as_table, "opt-in"),
    "monthly_factors": (_as_table, None),
}
