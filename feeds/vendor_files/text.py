"""Rows of a text file: parsed a block at a time, and looked at line by line only after a fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from feeds.errors import DataError
from feeds.vendor_files.blocks import Block, Codes, Tally, melt
from feeds.vendor_files.dates import Stamps, time_of_day
from feeds.vendor_files.faults import THOUSANDS, find_fault
from feeds.vendor_files.head import read_head
from feeds.vendor_files.layout import Columns
from feeds.vendor_files.options import FileOptions
from feeds.vendor_files.streams import LineBlocks

__all__ = ["EMPTY", "TextReader"]

#: Bytes of text that are parsed at once.
_BLOCK = 4 * 1024 * 1024
_TEXT = pa.dictionary(pa.int32(), pa.string())
#: Texts that are no number in every form.
EMPTY = ("", "nan", "NaN")


class TextReader:
    """Reads one text file; see ``blocks.RowReader``.

    Raises
    ------
    DataError
        At the first row that is not as the file's form, naming its line.
    """

    def __init__(self, path: Path, options: FileOptions) -> None:
        self._last_line = options.last_line
        self.layout = read_head(path, options, lambda *where: _all_stamps(path, options, *where))
        columns = self.layout.columns
        self._pair = columns.form.name == "cryptodatadownload"
        self._width = len(columns.header)
        fixed = [columns.symbol] if columns.symbol else []
        self.codes = Codes([*fixed, *dict.fromkeys(symbol for _, symbol, _ in columns.wide)])
        self._stamps = Stamps(self.layout.style)
        self.tally = Tally()

    def blocks(self) -> Iterator[Block]:
        """All rows, in the order of the file; of a wide table, the cells that are filled."""
        self.tally = Tally()
        layout = self.layout
        stream = LineBlocks(layout.path, layout.encoding, _BLOCK, self._last_line)
        for content, line, count in stream:
            above = min(max(layout.first_line - line, 0), count)
            if above:
                content, line, count = _below(content, above), line + above, count - above
            if count:
                yield self._guarded(content, line, count)
        self.tally.sha256 = stream.sha256
        if stream.unfinished:
            done = {"keep": "kept", "drop": "left out"}[self._last_line]
            self.tally.notes.append(f"the last line has no newline: it is {done}")

    def scan(self) -> Iterator[np.ndarray] | None:
        """None: to find a text's symbols costs almost as much as to read it all."""
        return None

    def _guarded(self, content: bytes, line: int, count: int) -> Block:
        """Some lines' rows; where they do not read, the fault that a slow look at them finds."""
        try:
            return self._block(content, line, count)
        except (pa.ArrowInvalid, ValueError, DataError) as error:
            fault = find_fault(content, line, self.layout, self._stamps, self._pair)
            if fault is None:
                last = line + count - 1
                problem = str(error).splitlines()[0]
                fault = DataError(
                    f"{self.layout.name}, lines {line} to {last}: {problem}", "mend the file"
                )
            raise fault from None

    def _table(self, content: bytes, line: int, count: int) -> tuple[pa.Table, np.ndarray]:
        """The columns of some lines that are read, and the number of each row's line."""
        try:
            table = self._parse(content)
        except pa.ArrowInvalid:
            table = None
        if table is not None and table.num_rows == count:
            return table, np.arange(line, line + count, dtype=np.int64)
        # Only lines without anything on them may be told apart from rows.
        content, lines = _filled(content, line)
        table = self._parse(content)
        if table.num_rows != len(lines):
            raise ValueError(f"{table.num_rows} rows in {len(lines)} lines")
        return table, lines

    def _parse(self, content: bytes) -> pa.Table:
        layout, columns = self.layout, self.layout.columns
        types: dict[str, pa.DataType] = {}
        for at, _ in columns.numbers():
            types[f"c{at}"] = pa.string() if columns.form.thousands else pa.float64()
        for ours in ("date", "time", "symbol"):
            if ours in columns.place:
                types[f"c{columns.place[ours]}"] = _TEXT
        if layout.style.epoch:
            types[f"c{columns.place['date']}"] = pa.int64()
        return csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(
                column_names=[f"c{at}" for at in range(self._width)],
                use_threads=False,
                block_size=len(content) + 1,
            ),
            parse_options=csv.ParseOptions(delimiter=layout.separator),
            convert_options=csv.ConvertOptions(
                column_types=types,
                null_values=[*EMPTY, *columns.form.missing],
                decimal_point=layout.decimal,
                include_columns=[*types],
                # The stream has looked already.
                check_utf8=False,
            ),
        )

    def _symbols(self, column: pa.ChunkedArray) -> np.ndarray:
        cells = column.combine_chunks()
        return self.codes.of_rows(cells.indices.to_numpy(), cells.dictionary, self._pair)

    def _block(self, content: bytes, line: int, count: int) -> Block:
        columns = self.layout.columns
        table, lines = self._table(content, line, count)
        time = self._times(table)
        if columns.wide:
            return self._melted(table, time, lines)
        numbers = {
            name: self._numbers(table.column(f"c{at}"), name) for at, name in columns.numbers()
        }
        if "symbol" in columns.place:
            code = self._symbols(table.column(f"c{columns.place['symbol']}"))
        else:
            code = np.zeros(len(lines), dtype=np.int32)
        self.tally.rows += len(lines)
        self.tally.count(numbers)
        return Block(code, time, lines, numbers)

    def _times(self, table: pa.Table) -> np.ndarray:
        place, layout = self.layout.columns.place, self.layout
        cells = table.column(f"c{place['date']}").combine_chunks()
        if layout.style.epoch:
            if cells.null_count:
                raise ValueError("there is no date")
            return layout.clock.times(_seconds(cells.to_numpy(), layout.style.epoch), None)
        local, offset = self._stamps.seconds(cells.dictionary.to_pylist())
        index = cells.indices.to_numpy()
        if "time" in place:
            clock = table.column(f"c{place['time']}").combine_chunks()
            past = np.array([time_of_day(text) for text in clock.dictionary.to_pylist()])
            local = local[index] + past[clock.indices.to_numpy()]
            return layout.clock.times(local, None)
        times = layout.clock.times(local, offset if layout.style.zone else None)
        return times[index]

    def _numbers(self, column: pa.ChunkedArray, name: str) -> np.ndarray:
        if self.layout.columns.form.thousands:
            column = _without_thousands(column, self.layout.columns.form.missing)
        # A copy lets the parser's own, much larger, memory go at once.
        values = np.array(column.combine_chunks().to_numpy(zero_copy_only=False))
        if np.isinf(values).any():
            raise ValueError(f"{name} is not finite")
        return values

    def _melted(self, table: pa.Table, time: np.ndarray, lines: np.ndarray) -> Block:
        wide = self.layout.columns.wide
        cells = self.codes.grid(wide, len(lines))
        for code, (at, _, ours) in zip(self.codes.of([symbol for _, symbol, _ in wide]), wide):
            cells[ours][code] = self._numbers(table.column(f"c{at}"), ours)
        return melt(cells, time, lines, self.tally)


def _below(content: bytes, lines: int) -> bytes:
    """What follows after some lines."""
    at = 0
    for _ in range(lines):
        at = content.find(b"\n", at) + 1
        if not at:
            return b""
    return content[at:]


def _filled(content: bytes, line: int) -> tuple[bytes, np.ndarray]:
    """The lines that hold anything, and their numbers."""
    rows = content.split(b"\n")[:-1]
    kept = [at for at, row in enumerate(rows) if row.strip()]
    lines = np.array(kept, dtype=np.int64) + line
    return b"".join(rows[at] + b"\n" for at in kept) or b"\n", lines


def _seconds(counts: np.ndarray, unit: int) -> np.ndarray:
    """Seconds since 1970; all counts must be in the same unit."""
    if ((counts < 10**8 * unit) | (counts >= 10**10 * unit)).any():
        raise ValueError("two units of time")
    return counts // unit


def _without_thousands(column: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray:
    """Numbers written 1,234.5; commas elsewhere are a fault."""
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    unknown = pc.is_in(texts, value_set=pa.array([*EMPTY, *missing]))
    texts = pc.if_else(unknown, None, texts)
    good = pc.match_substring_regex(texts, f"^{THOUSANDS}$")
    if not pc.all(good, min_count=0).as_py():
        raise ValueError("a number is not written as such")
    return pc.replace_substring(texts, ",", "").cast(pa.float64())


def _all_stamps(
    path: Path, options: FileOptions, columns: Columns, encoding: str, separator: str
) -> Iterator[list[str]]:
    """Every different stamp of a file, as they are first seen, a list a block."""
    seen: set[str] = set()
    at, width = columns.place["date"], len(columns.header)
    for content, _, _ in LineBlocks(path, encoding, _BLOCK, options.last_line):
        cells = dict.fromkeys(_cells(content, at, width, separator))
        yield [text for text in cells if text not in seen and any(map(str.isdigit, text))]
        seen.update(cells)


def _cells(content: bytes, at: int, width: int, separator: str) -> list[str]:
    """The cells of one column, those of rows with another width left out."""
    table = csv.read_csv(
        pa.BufferReader(content),
        read_options=csv.ReadOptions(
            column_names=[f"c{place}" for place in range(width)],
            use_threads=False,
            block_size=len(content) + 1,
        ),
        parse_options=csv.ParseOptions(delimiter=separator, invalid_row_handler=lambda row: "skip"),
        convert_options=csv.ConvertOptions(
            column_types={f"c{at}": _TEXT}, include_columns=[f"c{at}"]
        ),
    )
    cells = table.column(0).combine_chunks()
    return [text.strip() for text in cells.dictionary.to_pylist()]
