"""The small print of a data set: tables as CSV and reports as JSON, the same bytes each time."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import pyarrow

__all__ = ["json_lines", "write_csv", "write_table"]

#: Text larger than this is compressed.
_COMPRESS_OVER = 1_000_000
_LEVEL = 6


def write_csv(path: Path, table: pyarrow.Table, quoted: bool = False) -> None:
    """CSV with the shortest numbers that read back the same; large files are compressed."""
    from pyarrow import csv

    # Symbols, dates and names of faults need no quotes; only paths of files might.
    style = "needed" if quoted else "none"
    options = csv.WriteOptions(include_header=False, quoting_style=style)
    with path.open("wb") as stream:
        stream.write((",".join(table.column_names) + "\n").encode())
        csv.write_csv(table, stream, options)
    if path.stat().st_size > _COMPRESS_OVER:
        # No name and no time in the header: the same content gives the same bytes.
        with path.open("rb") as plain, path.with_name(f"{path.name}.gz").open("wb") as raw:
            with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
                shutil.copyfileobj(plain, packed, 1 << 20)
        path.unlink()


def json_lines(report: Mapping[str, Any]) -> str:
    """JSON with a line for every entry of the first two levels; indenting more takes a second."""
    parts = []
    for name, value in report.items():
        if isinstance(value, dict):
            rows = [
                f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items()
            ]
            text = "{\n" + ",\n".join(rows) + "\n }"
        else:
            text = json.dumps(value, ensure_ascii=False)
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """A small table as CSV, packed where the name ends in .gz; NaN is empty."""
    text = table.to_csv(index=False, lineterminator="\n").encode()
    # No time in the header: the same content gives the same bytes.
    path.write_bytes(gzip.compress(text, _LEVEL, mtime=0) if path.suffix == ".gz" else text)
