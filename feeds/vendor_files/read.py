"""Vendor files to bars: parts of whole symbols, one after the other, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from feeds.bar_table import BarTable, concatenate
from feeds.errors import DataError
from feeds.names import path_name
from feeds.vendor_files.blocks import Block, RowReader
from feeds.vendor_files.gather import PART_ROWS, whole_symbols
from feeds.vendor_files.meaning import bars_of, meaning_of
from feeds.vendor_files.options import FileOptions
from feeds.vendor_files.places import find_files
from feeds.vendor_files.reading import FileReading, Reading

__all__ = ["describe", "read_parts"]

_MEMORY = 96 * 1024 * 1024
_REVERSED = "newest first: turned round"


def read_parts(
    paths: Sequence[Path],
    options: FileOptions | None = None,
    *,
    memory: int = _MEMORY,
    spill: Path | None = None,
    reading: Reading | None = None,
) -> Iterator[BarTable]:
    """Read files and folders.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders whose files are read in the order of their names.
    options : FileOptions, optional
        What is not to be detected.
    memory : int
        Bytes of rows that may be held. A symbol is never cut: one that alone needs more is
        held as a whole.
    spill : Path, optional
        Folder of temporary files, which a large file needs that is not sorted by symbol; the
        system's where not given.
    reading : Reading, optional
        Is filled with what was detected and counted; a file's entry is there when its first
        part is, and complete when the last one is.

    Yields
    ------
    BarTable
        Some 260,000 rows, all rows of their symbols; symbols as they are first seen, the rows
        of each in the order of the file, oldest first where the file has the newest first.
        NaN where a cell is empty; `split_ratio` 1 and `dividend` 0 where there is none.

    Raises
    ------
    DataError
        At the first fault, naming file, line and remedy. Parts that came before it are of a
        file that cannot be trusted.
    OutputError
        If there is no room for temporary files.
    """
    options = options or FileOptions()
    reading = Reading() if reading is None else reading
    files, reading.ignored = find_files(paths)
    pending: list[BarTable] = []
    rows = 0
    for path in files:
        for table in _tables(path, options, memory, spill, reading):
            pending.append(table)
            rows += len(table)
            # A part of a large file ends with a symbol, a little before the full number.
            if rows >= PART_ROWS * 3 // 4:
                yield concatenate(pending)
                pending, rows = [], 0
    if pending:
        yield concatenate(pending)


def describe(paths: Sequence[Path], options: FileOptions | None = None) -> Reading:
    """What is detected in files, without reading all their rows.

    Raises
    ------
    DataError
        As :func:`read_parts`, of the beginning of each file.
    """
    reading = Reading()
    files, reading.ignored = find_files(paths)
    for path in files:
        reading.files.append(FileReading.of(_reader(path, options or FileOptions()).layout))
    return reading


def _reader(path: Path, options: FileOptions) -> RowReader:
    # Each brings its part of pyarrow with it.
    if path.name.lower().endswith(".parquet"):
        from feeds.vendor_files.parquet import ParquetReader

        return ParquetReader(path, options)
    from feeds.vendor_files.text import TextReader

    return TextReader(path, options)


def _tables(
    path: Path, options: FileOptions, memory: int, spill: Path | None, reading: Reading
) -> Iterator[BarTable]:
    before = _state(path)
    reader = _reader(path, options)
    entry = FileReading.of(reader.layout)
    reading.files.append(entry)
    meaning = meaning_of(reader.layout.columns, options)
    notes = dict.fromkeys(entry.notes)
    for block in whole_symbols(reader, memory, spill):
        block, turned = _oldest_first(block)
        if turned:
            notes[_REVERSED] = None
        order = np.argsort(block.time, kind="stable") if meaning.work == "unsplit" else None
        form = reader.layout.columns.form
        columns = bars_of(meaning, block.columns, form.none_is_zero, order)
        table = _table(block, columns, reader.codes.symbols, entry.path)
        reading.claim(table.symbols)
        entry.symbols += len(table.symbols)
        entry.notes = tuple(notes)
        yield table
    if _state(path) != before:
        raise DataError(f"{path_name(path)}: changed while it was read", "read it again")
    tally = reader.tally
    entry.rows, entry.sha256, entry.empty = tally.rows, tally.sha256, tally.empty
    entry.single_precision = tally.single_precision
    entry.notes = tuple(dict.fromkeys([*notes, *tally.notes]))
    if not tally.rows:
        raise DataError(f"{entry.path}: no bar in it", "give a file with bars")


def _state(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _oldest_first(block: Block) -> tuple[Block, bool]:
    """The rows turned round where symbols have their newest first, single slips apart."""
    step = np.diff(block.time.view("int64"))[np.diff(block.code) == 0]
    if np.count_nonzero(step < 0) <= 9 * np.count_nonzero(step > 0):
        return block, False
    block = block.take(np.arange(len(block))[::-1])
    return block.take(np.argsort(block.code, kind="stable")), True


def _table(
    block: Block, columns: dict[str, np.ndarray], symbols: Sequence[str], path: str
) -> BarTable:
    """Rows sorted by symbol as a table that knows its own symbols only."""
    new = np.diff(block.code, prepend=-1) != 0
    code = np.cumsum(new, dtype=np.int32) - 1
    return BarTable(
        symbols=tuple(symbols[at] for at in block.code[new]),
        code=code.astype(np.int32, copy=False),
        time=block.time,
        columns=columns,
        files=(path,),
        file=np.zeros(len(block), dtype=np.int32),
        line=block.line,
    )
