"""One file of raw bars: a CSV that holds what was fetched to the last bit."""

from __future__ import annotations

import hashlib
import io
import re

import numpy as np
import pandas as pd

from feeds.bar_table import OPTIONAL_COLUMNS
from feeds.errors import DataError
from feeds.sources.request import BAR_COLUMNS

__all__ = ["bars_bytes", "checked_bars", "file_name", "parse_bars", "sha256_of"]

#: Names that are devices on some systems, with any ending.
_DEVICES = {"CON", "PRN", "AUX", "NUL"} | {f"{n}{i}" for n in ("COM", "LPT") for i in range(10)}
#: Names that stand for themselves. No small letters: some systems do not tell them apart.
_PLAIN = re.compile(r"[A-Z0-9^$][A-Z0-9._=^&$+-]*")


def file_name(symbol: str) -> str:
    """The file of a symbol; no two symbols share one, also where case does not count.

    ``AAPL.csv``, and with a part of the sha256 where the symbol has small letters, is the name
    of a device, or holds what a file's name cannot: ``brk~b1946ac9.csv``.
    """
    if _PLAIN.fullmatch(symbol) and symbol.partition(".")[0] not in _DEVICES:
        return f"{symbol}.csv"
    plain = re.sub(r"[^A-Za-z0-9._=^&$+-]|^[.-]", "_", symbol)
    return f"{plain}~{sha256_of(symbol.encode())[:8]}.csv"


def sha256_of(content: bytes) -> str:
    """Hexadecimal sha256."""
    return hashlib.sha256(content).hexdigest()


def checked_bars(bars: pd.DataFrame) -> pd.DataFrame:
    """Bars in the one form that is stored; what any source hands over is looked at here.

    Parameters
    ----------
    bars : DataFrame
        As in :class:`~feeds.sources.request.RawSeries`; those of
        :data:`~feeds.bar_table.OPTIONAL_COLUMNS` may be there too, others are left out.

    Returns
    -------
    DataFrame
        Index ``date``, datetime64[s], increasing; float64 columns. NaN stays.

    Raises
    ------
    DataError
        If it is no such table, or has no row.
    """
    if not isinstance(bars, pd.DataFrame) or not isinstance(bars.index, pd.DatetimeIndex):
        raise DataError("the bars are no table by date")
    missing = [name for name in BAR_COLUMNS if name not in bars.columns]
    if missing:
        raise DataError(f"the bars have no column {missing[0]}")
    if bars.empty:
        raise DataError("there are no bars")
    if bars.index.tz is not None or bars.index.hasnans:
        raise DataError("the dates of the bars have a time zone, or one is missing")
    if not (bars.index.is_monotonic_increasing and bars.index.is_unique):
        raise DataError("the bars are not in order of time, or two have the same time")
    names = [*BAR_COLUMNS, *(name for name in OPTIONAL_COLUMNS if name in bars.columns)]
    try:
        data = {name: bars[name].to_numpy(dtype="float64") for name in names}
    except (ValueError, TypeError):
        raise DataError("the bars hold what is no number") from None
    return pd.DataFrame(data, index=bars.index.as_unit("s").rename("date"))


def bars_bytes(bars: pd.DataFrame) -> bytes:
    """The content of a file: a header, then a bar a line; NaN is empty.

    Floats are the shortest text that reads back as the same number; times are days, or stamps
    in UTC such as ``2020-01-02T13:00:00Z`` where any has a time of day.
    """
    seconds = bars.index.to_numpy().astype("datetime64[s]")
    days = seconds.astype("datetime64[D]")
    daily = bool((seconds == days).all())
    times = days.astype(str) if daily else np.char.add(seconds.astype(str), "Z")
    columns = [_texts(bars[name].to_numpy()) for name in bars.columns]
    lines = [",".join(["date", *bars.columns]), *map(",".join, zip(times.tolist(), *columns))]
    return ("\n".join(lines) + "\n").encode()


def _texts(values: np.ndarray) -> list[str]:
    return ["" if value != value else repr(value) for value in values.tolist()]


def parse_bars(content: bytes) -> pd.DataFrame:
    """The bars of a file, equal to those it was made from to the last bit.

    The caller has compared its sha256: no damage is looked for here.
    """
    # Its numbers are rounded correctly, which is what an exact copy needs; imported late since
    # much of the package does without.
    from pyarrow import csv, float64, string

    names = content[: content.index(b"\n")].decode().split(",")
    table = csv.read_csv(
        io.BytesIO(content),
        csv.ReadOptions(use_threads=False),
        convert_options=csv.ConvertOptions(
            column_types={name: string() if name == "date" else float64() for name in names},
            null_values=[""],
        ),
    )
    times = table["date"].to_numpy().astype("U19").astype("datetime64[s]")
    index = pd.DatetimeIndex(times, name="date")
    # A column of nulls becomes NaN.
    return pd.DataFrame({name: table[name].to_numpy() for name in names[1:]}, index=index)
