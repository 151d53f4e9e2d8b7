"""Small tables in CSV, every cell as the text it is and every row with the line it stands on."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feeds.errors import DataError
from feeds.names import shown
from feeds.suggestions import remedy_for

__all__ = [
    "TextTable",
    "find_column",
    "parse_days",
    "parse_numbers",
    "read_cells",
    "read_text_table",
    "symbols_of",
]

#: A list of all filings of a market in ten years has a quarter of it.
_MAX_BYTES = 1 << 30
_NO_FILE = "name a CSV file"
_MIDNIGHT = re.compile(r"(?<=\d)[ T]00:00:00(\.0+)?$")


@dataclass(frozen=True)
class TextTable:
    """Cells of a table, stripped of spaces around them.

    Parameters
    ----------
    name : str
        The file, for messages.
    cells : dict of str to list of str
        By column of the header; an empty text where the cell is empty. Columns that were
        numbers already are float64 arrays.
    line : (M,) int64 array
        Line on which each row ends, counted from 1 as an editor does.
    """

    name: str
    cells: dict[str, list[str] | np.ndarray]
    line: np.ndarray

    def __len__(self) -> int:
        return len(self.line)

    def texts(self, column: str) -> list[str]:
        """The cells of a column as text."""
        cells = self.cells[column]
        if isinstance(cells, np.ndarray):
            return ["" if value != value else f"{value:.15g}" for value in cells.tolist()]
        return cells

    def place(self, row: int) -> str:
        """File and line of a row, for messages."""
        return f"{self.name}, line {self.line[row]}"


def read_text_table(path: str | Path) -> TextTable:
    """Read a CSV in UTF-8 with a header, packed by gzip where its name ends so.

    Raises
    ------
    DataError
        If the file cannot be read, is empty, no such CSV (an HTML page, UTF-16), cut off before
        the end of its last line, has a column twice, or a row with fewer or more cells than the
        header. The message names file, line and remedy.
    """
    name = str(path)
    text = _decode(_content(Path(path), name), name)
    lines, rows = _rows(text, name)
    if not rows:
        raise DataError(f"{name}: the file is empty", _NO_FILE)
    header = rows.pop(0)
    top = lines.pop(0)
    for column in header:
        if header.count(column) > 1:
            raise DataError(
                f"{name}, line {top}: column {shown(column)} is there twice", "rename one of them"
            )
    for line, row in zip(lines, rows):
        if len(row) != len(header):
            raise DataError(
                f"{name}, line {line}: {len(row)} cells where the header has {len(header)}",
                "complete the row; a cell that holds a comma, such as 1,5, needs quotes",
            )
    columns = zip(*rows) if rows else ([] for _ in header)
    cells = {column: list(values) for column, values in zip(header, columns)}
    return TextTable(name, cells, np.array(lines, dtype=np.int64))


def read_cells(path: str | Path) -> TextTable:
    """Read a Parquet file, where the name ends so, or else a CSV.

    Columns of numbers stay numbers; a day that was kept as its midnight is the day. The line of a
    row of Parquet is its number.

    Raises
    ------
    DataError
        If the file cannot be read, or as for :func:`read_text_table`.
    """
    if not str(path).endswith(".parquet"):
        return read_text_table(path)
    from pyarrow import ArrowException, compute, parquet, types

    try:
        content = parquet.read_table(path)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or 'it is damaged'}", "name a Parquet file"
        ) from None
    except ArrowException:
        raise DataError(f"{path}: not a whole Parquet file", "fetch it again") from None
    cells: dict[str, list[str] | np.ndarray] = {}
    for name, values in zip(content.column_names, content.columns):
        kind = values.type
        if types.is_floating(kind) or types.is_integer(kind):
            cells[name] = compute.cast(values, "float64", safe=False).to_numpy()
        else:
            days = types.is_date(kind) or types.is_timestamp(kind)
            texts = compute.cast(values, "string") if days else values
            cells[name] = [
                "" if value is None else _MIDNIGHT.sub("", str(value).strip())
                for value in texts.to_pylist()
            ]
    return TextTable(str(path), cells, np.arange(1, content.num_rows + 1, dtype=np.int64))


def parse_numbers(table: TextTable, column: str) -> np.ndarray:
    """(M,) float64 numbers of a column; NaN where the cell is empty.

    Raises
    ------
    DataError
        If a cell holds anything but a finite number, naming its line.
    """
    texts = table.cells[column]
    if isinstance(texts, np.ndarray):
        infinite = np.flatnonzero(np.isinf(texts))
        if len(infinite):
            raise DataError(f"{table.place(infinite[0])}: {column} is infinite", "correct the row")
        return texts
    values = np.empty(len(table))
    for row, text in enumerate(texts):
        try:
            values[row] = float(text) if text else np.nan
        except ValueError:
            values[row] = np.inf
        if text and not np.isfinite(values[row]) or "_" in text:
            raise DataError(
                f"{table.place(row)}: {column} {shown(text)} is no number",
                "write it as 1234.5, or leave the cell empty",
            )
    return values


def parse_days(table: TextTable, column: str, empty: bool = False) -> np.ndarray:
    """(M,) datetime64[D] days of a column of ISO dates; NaT where an empty cell is allowed.

    Raises
    ------
    DataError
        If a cell is no date such as 2016-12-30, naming its line.
    """
    texts = table.texts(column)
    known = {text: _day(text) for text in dict.fromkeys(texts)}
    days = np.array([known[text] for text in texts], dtype="datetime64[D]")
    wrong = np.flatnonzero(np.isnat(days))
    wrong = [row for row in wrong.tolist() if texts[row] or not empty]
    if wrong:
        raise DataError(
            f"{table.place(wrong[0])}: {column} {shown(texts[wrong[0]])} is no date",
            "write year-month-day, such as 2016-12-30",
        )
    return days


def _day(text: str) -> np.datetime64:
    if len(text) == 10 and text[4] == text[7] == "-" and text.isascii():
        try:
            return np.datetime64(text, "D")
        except ValueError:
            pass
    return np.datetime64("NaT", "D")


def _content(path: Path, name: str) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{name}: not a plain file", _NO_FILE)
        with open(path, "rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror or error}", _NO_FILE) from None
    if len(content) > _MAX_BYTES:
        raise DataError(f"{name}: larger than 1 GB", "split it by year")
    if not name.endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise DataError(f"{name}: damaged, or cut off", "fetch it again") from None


def _decode(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}, line {line}: not UTF-8 text", "save it as CSV in UTF-8") from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise DataError(f"{name}, line {line}: a NUL byte", "save it as CSV in UTF-8")
    if text.lstrip().startswith(("<", "{", "[")):
        raise DataError(
            f"{name}, line 1: a page or JSON, not a CSV", "fetch the file itself as CSV"
        )
    if text and not text.endswith(("\n", "\r")):
        line = text.count("\n") + 1
        raise DataError(
            f"{name}, line {line}: cut off: the last line has no end",
            "fetch the file again, or end it with a newline if it is whole",
        )
    return text


def _rows(text: str, name: str) -> tuple[list[int], list[list[str]]]:
    """The rows that hold anything, and the line on which each ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if cells not in ([], [""]):
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(
            f"{name}, line {reader.line_num}: not a row of a CSV: {error}",
            "close each quote, and write a quote inside a cell twice",
        ) from None
    return lines, rows


def symbols_of(table: TextTable, column: str) -> np.ndarray:
    """(M,) str array of a column of symbols, none of them empty."""
    symbols = table.texts(column)
    for row, symbol in enumerate(symbols):
        if not symbol:
            raise DataError(f"{table.place(row)}: no symbol", "fill the cell or drop the row")
    return np.array(symbols, dtype=str)


def find_column(
    table: TextTable,
    ours: str,
    names: Sequence[str],
    given: Mapping[str, str],
    needed: bool = True,
) -> str:
    """The file's column of ours; empty where it has none and needs none."""
    if ours in given:
        if given[ours] not in table.cells:
            raise DataError(
                f"{table.name}, line 1: no column {given[ours]!r}, named for {ours}",
                remedy_for(given[ours], list(table.cells)),
            )
        return given[ours]
    lower = {theirs.lower(): theirs for theirs in reversed(table.cells)}
    for name in names:
        if name in lower:
            return lower[name]
    if needed:
        raise DataError(
            f"{table.name}, line 1: no column {ours} is recognised among "
            f"{', '.join(table.cells)[:80]}",
            f"name it: {ours}=<column of the file>",
        )
    return ""
