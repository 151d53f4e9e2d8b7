"""Rows of a Parquet file, read in batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feeds.errors import DataError
from feeds.names import check_symbol, path_name, shown
from feeds.vendor_files.blocks import Block, Codes, Tally, melt
from feeds.vendor_files.dates import UNITS, DateStyle, Stamps
from feeds.vendor_files.layout import Columns, Layout, map_columns
from feeds.vendor_files.meaning import meaning_of
from feeds.vendor_files.options import FileOptions
from feeds.vendor_files.streams import digest
from feeds.vendor_files.style_choice import choose_style
from feeds.vendor_files.timing import Clock, find_interval

__all__ = ["ParquetReader"]

_BATCH = 131_072
_AGAIN = "fetch the file again"


class ParquetReader:
    """Reads one Parquet file; see ``blocks.RowReader``. A line is a row, counted from 1.

    Raises
    ------
    DataError
        If the file is damaged, or a column does not hold what it is for.
    """

    def __init__(self, path: Path, options: FileOptions) -> None:
        self._path, self.name = path, path_name(path)
        with self._guarded(), self._opened() as file:
            schema = file.schema_arrow
            columns = map_columns(path, _date_first(schema.names), options, 0)
            self._names = {at: _date_first(schema.names)[at] for at in range(len(schema.names))}
            self._check_types(schema, columns)
            self.layout = self._decide(file, columns, options)
        fixed = [columns.symbol] if columns.symbol else []
        self.codes = Codes([*fixed, *dict.fromkeys(symbol for _, symbol, _ in columns.wide)])
        self._stamps = Stamps(self.layout.style)
        self.tally = Tally()

    def blocks(self) -> Iterator[Block]:
        """All rows, in the order of the file; of a wide table, the cells that are filled."""
        columns = self.layout.columns
        names = [self._names[at] for at in self._used(columns)]
        self.tally = Tally(sha256=digest(self._path))
        self.tally.single_precision = self._single
        row = 1
        with self._guarded():
            for batch in self._batches(names):
                lines = np.arange(row, row + len(batch), dtype=np.int64)
                row += len(batch)
                yield self._block(batch, lines)

    def scan(self) -> Iterator[np.ndarray] | None:
        """The codes of all rows, from the one column; None for a wide table."""
        return None if self.layout.columns.wide else self._scan()

    def _scan(self) -> Iterator[np.ndarray]:
        row = 1
        name = self._names[self.layout.columns.place["symbol"]]
        with self._guarded():
            for batch in self._batches([name]):
                yield self._symbols(batch.column(0), row)
                row += len(batch)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Damage may show wherever the file is read."""
        try:
            yield
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            problem = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise DataError(f"{self.name}: does not read as Parquet: {problem}", _AGAIN) from None

    def _opened(self) -> pq.ParquetFile:
        return pq.ParquetFile(
            self._path, read_dictionary=self._text_columns(), page_checksum_verification=True
        )

    def _text_columns(self) -> list[str]:
        """Columns of text, which are read as numbers into a list of the different texts."""
        schema = pq.read_schema(self._path)
        return [item.name for item in schema if _is_text(item.type)]

    def _batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        with self._opened() as file:
            for batch in file.iter_batches(_BATCH, columns=names, use_threads=False):
                yield batch.select(names)

    def _used(self, columns: Columns) -> list[int]:
        return sorted({*columns.place.values(), *(at for at, _ in columns.numbers())})

    def _check_types(self, schema: pa.Schema, columns: Columns) -> None:
        for at, ours in columns.numbers():
            kind = schema.field(self._names[at]).type
            if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or _decimal(kind)):
                raise DataError(
                    f"{self.name}: column {shown(self._names[at])} holds {kind}, not numbers",
                    f"write {ours} as a column of numbers",
                )
        if "symbol" in columns.place:
            kind = schema.field(self._names[columns.place["symbol"]]).type
            if not _is_text(kind):
                raise DataError(f"{self.name}: the symbols are {kind}, not text", "write text")
        prices = [at for at, ours in columns.numbers() if ours not in ("volume", "market_cap")]
        kinds = [schema.field(self._names[at]).type for at in prices]
        self._single = any(kind in (pa.float32(), pa.float16()) for kind in kinds)

    def _decide(self, file: pq.ParquetFile, columns: Columns, options: FileOptions) -> Layout:
        date = self._date = self._names[columns.place["date"]]
        names = [date]
        if "symbol" in columns.place:
            names.append(self._names[columns.place["symbol"]])
        batches = file.iter_batches(2000, columns=names, use_threads=False)
        head = next(batches, None)
        if head is None or not len(head):
            raise DataError(f"{self.name}: no bar in it", "add its rows")
        head = head.select(names)
        style = self._style(head.column(0), file, options)
        local, offset = _clock_of(head.column(0), style, Stamps(style), self.name, 1)
        one = local
        if len(names) == 2:
            code = head.column(1).indices.to_numpy(zero_copy_only=False)
            one = local[code == code[0]]
        if len(np.unique(one)) < 2 and len(local) < file.metadata.num_rows:
            # So many symbols that the first rows hold only one moment.
            every = file.read([date], use_threads=False).column(0).combine_chunks()
            one = _clock_of(every, style, Stamps(style), self.name, 1)[0]
        interval = find_interval(one)
        moments = offset is not None or bool(style.epoch)
        naive = not (moments or interval.endswith("d"))
        notes = [f"stamps are taken as {options.timezone or 'UTC'}"] if naive else []
        if self._single:
            notes.append("prices have single precision: about 7 digits")
        meaning = meaning_of(columns, options)
        daily = interval.endswith("d")
        clock = Clock(daily, options.timezone, moments, columns.form.day_after)
        return Layout(
            self._path, columns, style, clock, interval, meaning.volume_unit, meaning.price_kind,
            notes=(*meaning.notes, *notes),
        )  # fmt: skip

    def _style(self, dates: pa.Array, file: pq.ParquetFile, options: FileOptions) -> DateStyle:
        kind = dates.type
        if pa.types.is_date(kind):
            return DateStyle("days")
        if pa.types.is_timestamp(kind):
            return DateStyle("stamps", time="clock", zone=bool(kind.tz))
        if not (pa.types.is_integer(kind) or _is_text(kind)):
            raise DataError(f"{self.name}: the dates are {kind}", "write dates or time stamps")
        style = choose_style(f"{self.name}, row 1", _texts(dates), options, complete=False)
        if style is None:
            every = file.read([self._date], use_threads=False).column(0).combine_chunks()
            style = choose_style(self.name, _texts(every), options, complete=True)
        assert style is not None
        return style

    def _block(self, batch: pa.RecordBatch, lines: np.ndarray) -> Block:
        columns = self.layout.columns
        at = {name: place for place, name in enumerate(batch.schema.names)}
        dates = batch.column(at[self._names[columns.place["date"]]])
        time = self._times(dates, int(lines[0]))
        numbers = {
            ours: _float64(batch.column(at[self._names[place]]))
            for place, ours in columns.numbers()
        }
        if columns.wide:
            return self._melted(numbers, time, lines)
        if "symbol" in columns.place:
            cells = batch.column(at[self._names[columns.place["symbol"]]])
            code = self._symbols(cells, int(lines[0]))
        else:
            code = np.zeros(len(lines), dtype=np.int32)
        self.tally.rows += len(lines)
        self.tally.count(numbers)
        return Block(code, time, lines, numbers)

    def _times(self, dates: pa.Array, row: int) -> np.ndarray:
        local, offset = _clock_of(dates, self.layout.style, self._stamps, self.name, row)
        try:
            return self.layout.clock.times(local, offset)
        except ValueError as error:
            raise DataError(f"{self.name}, rows from {row} on: date: {error}", _AGAIN) from None

    def _symbols(self, cells: pa.DictionaryArray, row: int) -> np.ndarray:
        if cells.null_count:
            at = row + int(np.argmax(cells.is_null().to_numpy(zero_copy_only=False)))
            raise DataError(f"{self.name}, row {at}: symbol is empty", "fill it or remove the row")
        index = cells.indices.to_numpy()
        try:
            return self.codes.of_rows(index, cells.dictionary)
        except DataError:
            for at, text in enumerate(cells.to_pylist(), row):
                check_symbol(text.strip(), f"{self.name}, row {at}")
            raise

    def _melted(self, numbers: dict[str, np.ndarray], time: np.ndarray, lines: np.ndarray) -> Block:
        wide = self.layout.columns.wide
        cells = self.codes.grid(wide, len(lines))
        for code, (at, _, ours) in zip(self.codes.of([symbol for _, symbol, _ in wide]), wide):
            cells[ours][code] = numbers[self.layout.columns.header[at]]
        return melt(cells, time, lines, self.tally)


def _date_first(names: list[str]) -> list[str]:
    """The columns as they stand, but an index that pandas wrote last comes first."""
    index = [name for name in names if name.startswith("__index_level_")]
    return index + [name for name in names if name not in index]


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _decimal(kind: pa.DataType) -> bool:
    return pa.types.is_decimal(kind)


def _texts(dates: pa.Array) -> list[str]:
    """The different stamps as text."""
    values = dates.dictionary if _is_text(dates.type) else dates.unique()
    return [str(value).strip() for value in values.drop_null().to_pylist()]


def _float64(cells: pa.Array) -> np.ndarray:
    if _decimal(cells.type):
        cells = cells.cast(pa.float64())
    values = cells.to_numpy(zero_copy_only=False)
    return values.astype(np.float64, copy=False)


def _clock_of(
    dates: pa.Array, style: DateStyle, stamps: Stamps, name: str, row: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Local seconds, and offsets from UTC where the stamps tell them."""
    if dates.null_count:
        at = row + int(np.argmax(dates.is_null().to_numpy(zero_copy_only=False)))
        raise DataError(f"{name}, row {at}: there is no date", "fill it or remove the row")
    if style.days in ("days", "stamps"):
        return _typed(dates)
    if _is_text(dates.type):
        texts, index = dates.dictionary.to_pylist(), dates.indices.to_numpy()
    else:
        values, index = np.unique(dates.to_numpy(), return_inverse=True)
        texts = [str(value) for value in values]
    try:
        local, offset = stamps.seconds(texts)
    except ValueError:
        raise _bad_stamp(texts, index, stamps, name, row) from None
    return local[index], offset[index] if style.zone else None


def _typed(dates: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
    if pa.types.is_date(dates.type):
        return dates.to_numpy(zero_copy_only=False).astype("datetime64[s]").astype(np.int64), None
    kind = dates.type
    utc = dates.cast(pa.int64()).to_numpy() // UNITS[kind.unit]
    if not kind.tz:
        return utc, None
    clock = pc.local_timestamp(dates).cast(pa.int64()).to_numpy() // UNITS[kind.unit]
    return clock, clock - utc


def _bad_stamp(
    texts: list[str], index: np.ndarray, stamps: Stamps, name: str, row: int
) -> DataError:
    for at, place in enumerate(index, row):
        try:
            stamps.one(texts[place])
        except ValueError as error:
            return DataError(
                f"{name}, row {at}: date {shown(texts[place])}: {error}",
                f"write it as {stamps.style}",
            )
    return DataError(f"{name}: a date does not read", _AGAIN)
