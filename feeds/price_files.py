"""Reading the price files of a data set in batches, without ever holding a whole one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable, concatenate
from feeds.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PRICE_COLUMNS", "Contents", "read_tables", "scan"]

PRICE_COLUMNS = (
    "date", "symbol", "open", "high", "low", "close", "volume", "split_ratio", "dividend",
)  # fmt: skip
REBUILD = "restore the file, or rebuild the set with python -m runs.ingest"
_NUMBERS = (*PRICE_COLUMNS[2:], "market_cap")
#: Rows that are read and folded at a time.
_ROWS = 1 << 17
_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Contents:
    """What a price file holds, known before its bars are read.

    Parameters
    ----------
    symbols : tuple of str
        In the order in which they appear.
    first, last : datetime64[s] or None
        Earliest and latest stamp; None where there is no row.
    together : bool
        Whether all rows of each symbol stand together.
    """

    symbols: tuple[str, ...]
    first: np.datetime64 | None
    last: np.datetime64 | None
    together: bool


def scan(path: Path) -> Contents:
    """Look through the dates and symbols of a price file.

    Raises
    ------
    DataError
        If the file does not read as a table, or lacks a column.
    """
    codes: dict[str, int] = {}
    stamps: list[np.datetime64] = []
    together, last = True, -1
    for batch in _record_batches(path, ("date", "symbol"), rows=4 * _ROWS):
        time, column = _times(path, batch), _coded(path, batch)
        if len(time):
            stamps += [time.min(), time.max()]
            places = column.indices.to_numpy(zero_copy_only=False)
            names = column.dictionary.to_pylist()
            lookup = np.zeros(len(names), dtype=np.int32)
            # In the order of the rows, which need not be that of the dictionary.
            for place in pd.unique(places):
                lookup[place] = codes.setdefault(names[place], len(codes))
            code = lookup[places]
            # A new symbol's code is one above all before it, so codes that never fall are
            # symbols that never come back.
            together &= code[0] >= last and bool(np.all(np.diff(code) >= 0))
            last = int(code[-1])
    first, final = (min(stamps), max(stamps)) if stamps else (None, None)
    return Contents(tuple(codes), first, final, together)


def read_tables(path: Path, contents: Contents, unit: str = "D") -> Iterator[BarTable]:
    """The bars of a price file, in tables of whole symbols.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.csv.gz`` or ``.parquet`` file.
    contents : Contents
        What :func:`scan` found in it.
    unit : {"D", "h"}
        Length of a bar: stamps are cut to it, and each may have one bar.

    Yields
    ------
    BarTable
        Sorted by symbol and time, `symbols` those of `contents`. Some hundred thousand rows,
        more where one symbol has more; the whole file where rows do not stand by symbol.

    Raises
    ------
    DataError
        If a value is no number, or the dates of a symbol are not increasing.
    """
    waiting: list[BarTable] = []
    for table in _tables(path, contents):
        waiting.append(table)
        if contents.together and sum(map(len, waiting)) >= _ROWS:
            whole = concatenate(waiting)
            cut = int(np.searchsorted(whole.code, whole.code[-1]))
            waiting = [whole.take(slice(cut, None))]
            if cut:
                yield _checked(path, whole.take(slice(cut)), unit)
    if waiting:
        yield _checked(path, concatenate(waiting), unit)


def _checked(path: Path, table: BarTable, unit: str) -> BarTable:
    """By symbol, and stamps cut to the unit; refused where they do not increase."""
    if np.any(np.diff(table.code) < 0):
        table = table.take(np.argsort(table.code, kind="stable"))
    time = table.time.astype(f"datetime64[{unit}]")
    stuck = (np.diff(table.code) == 0) & (np.diff(time.view("int64")) <= 0)
    if stuck.any():
        at = int(stuck.argmax()) + 1
        raise DataError(
            f"{path}, row {table.line[at]}: the dates of {table.symbols[table.code[at]]} are "
            "not increasing",
            REBUILD,
        )
    return replace(table, time=time.astype("datetime64[s]"))


def _tables(path: Path, contents: Contents) -> Iterator[BarTable]:
    codes = {symbol: code for code, symbol in enumerate(contents.symbols)}
    row, names, lookup = 1, None, np.empty(0, dtype=np.int32)
    for batch in _record_batches(path, _NUMBERS[:-1] + ("date", "symbol"), ("market_cap",)):
        count, column = batch.num_rows, _coded(path, batch)
        if names is None or not column.dictionary.equals(names):
            names = column.dictionary
            lookup = np.array([codes.get(name, -1) for name in names.to_pylist()], dtype=np.int32)
        yield BarTable(
            symbols=contents.symbols,
            code=lookup[column.indices.to_numpy(zero_copy_only=False)],
            time=_times(path, batch),
            columns={
                name: _numbers(path, batch, name) for name in _NUMBERS if name in batch.schema.names
            },
            files=(str(path),),
            file=np.zeros(count, dtype=np.int32),
            line=np.arange(row, row + count),
        )
        row += count


def _coded(path: Path, batch: pa.RecordBatch) -> pa.DictionaryArray:
    """The symbols of a batch; none is missing."""
    import pyarrow as pa

    column = batch.column("symbol")
    if not pa.types.is_dictionary(column.type):
        with _as_data_errors(path):
            column = column.cast(pa.string()).dictionary_encode()
    if column.null_count:
        raise DataError(f"{path} has a row without a symbol", REBUILD)
    return column


def _times(path: Path, batch: pa.RecordBatch) -> np.ndarray:
    """(M,) datetime64[s]; a stamp with a zone is given in UTC."""
    import pyarrow as pa

    column = batch.column("date")
    if column.null_count:
        raise DataError(f"{path} has a row without a date", REBUILD)
    with _as_data_errors(path):
        if pa.types.is_dictionary(column.type):
            labels = column.dictionary.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False)
            return labels.astype("datetime64[s]")[column.indices.to_numpy(zero_copy_only=False)]
        zone = getattr(column.type, "tz", None)
        times = column.cast(pa.timestamp("s", zone), safe=False)
        return times.to_numpy(zero_copy_only=False).astype("datetime64[s]")


def _numbers(path: Path, batch: pa.RecordBatch, name: str) -> np.ndarray:
    import pyarrow as pa

    with _as_data_errors(path):
        column = batch.column(name).cast(pa.float64())
    return column.to_numpy(zero_copy_only=False)


def _record_batches(
    path: Path, columns: Sequence[str], optional: Sequence[str] = (), rows: int = _ROWS // 2
) -> Iterator[pa.RecordBatch]:
    with _as_data_errors(path):
        if path.suffix == ".parquet":
            yield from _parquet_batches(path, columns, optional, rows)
        else:
            yield from _csv_batches(path, columns, optional)


def _parquet_batches(
    path: Path, columns: Sequence[str], optional: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    wanted = _chosen(path, schema.names, columns, optional)
    text = [name for name in ("date", "symbol") if _is_text(pa, schema.field(name).type)]
    # Buffering ahead keeps every row group that was read until the file is closed.
    with pq.ParquetFile(path, read_dictionary=text, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=rows, columns=wanted, use_threads=False)


def _is_text(pa, kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _csv_batches(
    path: Path, columns: Sequence[str], optional: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.csv

    with pa.input_stream(path, compression="detect") as stream:
        header = stream.read(1 << 16).split(b"\n", 1)[0].decode("utf-8-sig")
    names = next(csv.reader(io.StringIO(header)), [])
    kinds = dict.fromkeys(_NUMBERS, pa.float64())
    kinds |= {"date": pa.timestamp("s"), "symbol": pa.dictionary(pa.int32(), pa.string())}
    convert = pyarrow.csv.ConvertOptions(
        column_types=kinds,
        # Symbols are text (NA is one), and only an empty field is a missing number.
        null_values=[""],
        strings_can_be_null=False,
        include_columns=_chosen(path, names, columns, optional),
    )
    read = pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    with pa.input_stream(path, compression="detect") as stream:
        yield from pyarrow.csv.open_csv(stream, read_options=read, convert_options=convert)


def _chosen(
    path: Path, names: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> list[str]:
    for name in columns:
        if name not in names:
            raise DataError(f"{path} lacks the column {name}", REBUILD)
    return [*columns, *(name for name in optional if name in names)]


@contextmanager
def _as_data_errors(path: Path) -> Iterator[None]:
    """What pyarrow says of a file, as an error that names it."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"cannot read {path}: it is not there", REBUILD) from None
    except (OSError, ValueError, TypeError, NotImplementedError, KeyError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} does not read as a table: {problem}", REBUILD) from None
