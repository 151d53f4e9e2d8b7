"""Writing a data set: fixed formats, a manifest, and a swap that a kill cannot tear."""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.align import Native, adjustment_factors
from feeds.errors import OutputError
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
        has, or its parent cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file", "name a folder with --out")
    if out.is_dir() and any(out.iterdir()):
        try:
            known = set(json.loads((out / "manifest.json").read_text())["files"])
        except (OSError, ValueError, KeyError, TypeError):
            raise OutputError(
                f"{out} is not empty and is no data set", "name a new folder with --out"
            ) from None
        strange = sorted({p.name for p in out.iterdir()} - known - {"manifest.json", ".cache"})
        if strange:
            raise OutputError(
                f"{out} holds {strange[0]}, which is no part of the data set",
                "move it away, or name another folder with --out",
            )
    parent = _existing_parent(out)
    if not os.access(parent, os.W_OK | os.X_OK) or (out.is_dir() and not os.access(out, os.W_OK)):
        raise OutputError(f"cannot write to {out if out.is_dir() else parent}", "change --out")


def write_folder(out: Path, files: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Write a whole data set beside `out` and swap it in.

    Large tables of prices are compressed and named ``.csv.gz``. The manifest gets each file's
    sha256 and row count. A kill leaves the old folder or the new one.

    Raises
    ------
    OutputError
        If anything cannot be written; what was there is untouched.
    """
    building = out.with_name(f".{out.name}.building-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out)
        building.mkdir()
        entries = {}
        for name, content in files.items():
            rows = content.count(b"\n") - 1
            if len(content) > _COMPRESS_OVER and name.startswith(_LARGE):
                name, content = f"{name}.gz", _gzip(content)
            _write(building / name, content)
            entries[name] = {"rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        text = json.dumps({**manifest, "files": entries}, indent=1, ensure_ascii=False)
        _write(building / "manifest.json", (text + "\n").encode())
        _sync(building)
        _swap(building, out)
        _sync(out.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}", "change --out"
        ) from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


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


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(building: Path, out: Path) -> None:
    if not out.exists():
        os.rename(building, out)
        return
    if _exchange(building, out):
        return
    # No exchange on this system: two renames, the old folder kept until the new one is in.
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    os.rename(out, old)
    try:
        os.rename(building, out)
    except OSError:
        os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, two: Path) -> bool:
    """Exchange two folders in one step (Linux); False where the system cannot."""
    at_here, exchange = -100, 2
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return rename(at_here, os.fsencode(one), at_here, os.fsencode(two), exchange) == 0


def _remove_leftovers(out: Path) -> None:
    """Remove what killed runs left beside `out`."""
    for path in out.parent.glob(f".{out.name}.building-*"):
        process = path.name.rsplit("-", 1)[1]
        if not (process.isdigit() and _alive(int(process))):
            shutil.rmtree(path, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _existing_parent(path: Path) -> Path:
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    return parent
