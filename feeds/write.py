"""Writing a data set: fixed formats, a manifest, and a swap that a kill cannot tear."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.align import Native, adjustment_factors
from feeds.atomic import check_replaceable, replacing_folder
from feeds.store import PRICE_COLUMNS

__all__ = ["adjusted_closes", "check_output", "table_bytes", "price_rows", "write_folder"]

#: Significant digits of prices: an adjusted level needs no more, a printed one keeps all.
_DIGITS = {"adjusted": 7, "index": 7, "traded": 12}
#: Significant digits of volume: money needs no more, counted units keep all.
_VOLUME_DIGITS = {"currency": 6, "units": 12}
#: Tables of prices larger than this are compressed.
_COMPRESS_OVER = 1_000_000
_LARGE = ("prices_", "clean_prices")
#: Level 9 takes twice as long and saves a third of a percent.
_LEVEL = 7


def price_rows(bars: dict[str, pd.DataFrame], universe: pd.DataFrame) -> bytes:
    """The content of a prices file: one symbol after the other, in the universe's order.

    Opens, highs and lows that the vendor did not give stay empty.
    """
    parts = [",".join(PRICE_COLUMNS)]
    kinds = universe.set_index("symbol")
    for symbol, frame in bars.items():
        form = f".{_DIGITS[kinds.at[symbol, 'price_kind']]}g"
        days = _day_texts(frame.index)
        columns = [_texts(frame[name], form) for name in ("open", "high", "low", "close")]
        volume = f".{_VOLUME_DIGITS[kinds.at[symbol, 'volume_unit']]}g"
        columns.append(_texts(frame["volume"], volume))
        columns.append(_texts(frame["split_ratio"], ".12g"))
        columns.append(_texts(frame["dividend"], ".12g"))
        parts += [f"{day},{symbol},{','.join(row)}" for day, row in zip(days, zip(*columns))]
    return ("\n".join(parts) + "\n").encode()


def adjusted_closes(bars: dict[str, pd.DataFrame]) -> bytes:
    """The content of clean_prices.csv: adjusted closes, a column a symbol, NaN left empty."""
    rows = pd.DatetimeIndex(np.unique(np.concatenate([f.index.to_numpy() for f in bars.values()])))
    columns = []
    for frame in bars.values():
        split, payout = adjustment_factors(native(frame))
        closes = pd.Series(frame["close"].to_numpy() * split * payout, index=frame.index)
        columns.append(_texts(closes.reindex(rows), ".7g"))
    labels = _day_texts(rows)
    lines = [",".join(["date", *bars])]
    lines += [f"{day},{','.join(row)}" for day, row in zip(labels, zip(*columns))]
    return ("\n".join(lines) + "\n").encode()


def native(frame: pd.DataFrame) -> Native:
    """A frame of raw bars as arrays."""
    columns = {name: frame[name].to_numpy(dtype="float64") for name in PRICE_COLUMNS[2:]}
    return Native(frame.index.to_numpy().astype("datetime64[D]"), **columns)


def table_bytes(table: pd.DataFrame) -> bytes:
    """A small table as CSV."""
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n", float_format="%.10g")
    return text.getvalue().encode()


def check_output(out: Path) -> None:
    """Refuse a place that cannot be written, or that holds something else.

    Raises
    ------
    OutputError
        If `out` is a file, is a folder that is no data set, holds files that no data set
        has, or cannot be written.
    """
    try:
        known = json.loads((out / "manifest.json").read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        known = {}
    names = {name.split("/")[0] for name in known}
    check_replaceable(out, {*names, "manifest.json", ".cache", "raw"}, "data set")


def write_folder(out: Path, files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Write a whole data set beside `out` and swap it in.

    Large tables of prices are compressed and named ``.csv.gz``. The manifest gets each file's
    sha256 and row count. A kill leaves the old folder or the new one.

    Raises
    ------
    OutputError
        If anything cannot be written; what was there is untouched.
    """
    with replacing_folder(out) as building:
        entries = {}
        for name, content in files.items():
            rows = content.count(b"\n") - 1
            if len(content) > _COMPRESS_OVER and name.startswith(_LARGE):
                name, content = f"{name}.gz", _gzip(content)
            (building / name).write_bytes(content)
            entries[name] = {"rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        text = json.dumps({**manifest, "files": entries}, indent=1, ensure_ascii=False)
        (building / "manifest.json").write_bytes((text + "\n").encode())


def _day_texts(days: pd.Index) -> list[str]:
    return days.to_numpy().astype("datetime64[D]").astype(str).tolist()


def _texts(values: pd.Series, form: str) -> list[str]:
    unique = values.iloc[:1]
    if len(values) and (values.isna().all() or (values == unique.iloc[0]).all()):
        text = "" if values.isna().all() else format(float(unique.iloc[0]), form)
        return [text] * len(values)
    return ["" if value != value else format(value, form) for value in values.tolist()]


def _gzip(content: bytes) -> bytes:
    """gzip with a header that says neither when, by whom nor on what it was made."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(content) + packer.flush()
    tail = zlib.crc32(content).to_bytes(4, "little") + (len(content) % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + body + tail
