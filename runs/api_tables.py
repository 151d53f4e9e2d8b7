"""Pages of a run's tables, cut out of the CSV files without reading the rest of the rows."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from runs.api_folders import Damaged

__all__ = ["TABLES", "Table", "TableKind", "index_table", "table_page"]

#: Bytes of a row at most: a file without ends of lines is no table.
_LONGEST_ROW = 1 << 20
_ISO = re.compile(rb"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class TableKind:
    """A table's columns: what each row must have, and where the columns by factor stand.

    `dates`, `texts` and `numbers` are names of columns; what is in `optional` may be empty. With
    `by_factor` every other column is a factor's.
    """

    file: str
    columns: tuple[str, ...]
    texts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    by_factor: bool = False


#: By the name in the address.
TABLES = {
    "carry": TableKind(
        "carry.csv", ("date", "symbol", "kind", "amount"), ("symbol", "kind"), ("symbol",)
    ),
    "factor_returns": TableKind("factor_returns.csv", ("date",), by_factor=True),
    "fills": TableKind(
        "fills.csv",
        (
            "date",
            "decision_date",
            "symbol",
            "reason",
            "size",
            "price",
            "reference_price",
            "commission",
            "slippage",
            "shares",
        ),
        ("symbol", "reason"),
        ("decision_date", "shares"),
    ),
    "positions": TableKind(
        "positions.csv",
        ("date", "symbol", "size", "shares", "close", "value"),
        ("symbol",),
        ("shares",),
    ),
    "values": TableKind("values.csv", ("date", "value", "cash", "long", "short", "margin")),
    "weights": TableKind(
        "weights.csv",
        ("decision_date", "symbol", "score", "target_weight"),
        ("symbol",),
        ("score",),
        by_factor=True,
    ),
}


@dataclass(frozen=True)
class Table:
    """Where the rows of a table stand in its file, in the order of their dates.

    Of every few thousand rows the number of one, `marks`, and the byte at which it begins,
    `places`, are known, and so of each of the `dates` the number of the first row, `firsts`. The
    last mark, place and first are those of the end.
    """

    kind: TableKind
    header: list[str]
    marks: list[int]
    places: list[int]
    dates: list[bytes]
    firsts: list[int]

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly."""
        return 80 * len(self.marks) + 110 * len(self.dates) + 2000


def index_table(kind: TableKind, blocks: Iterable[bytes]) -> Table:
    """Find the rows of a CSV file, of which no more than a block is kept at a time.

    Raises
    ------
    Damaged
        If the file is cut off, lacks a column, or its dates are none or out of order.
    """
    rest, place, rows = b"", 0, 0
    table = Table(kind, [], [], [], [], [])
    for block in blocks:
        text = rest + block
        end = text.rfind(b"\n") + 1
        rest = text[end:]
        if len(rest) > _LONGEST_ROW:
            raise Damaged(f"{kind.file} has a row of more than {_LONGEST_ROW >> 10} KB")
        if not end:
            continue
        lines = text[: end - 1].split(b"\n")
        begin, place = place, place + end
        if not table.header:
            begin += len(lines[0]) + 1
            table.header.extend(_header(kind, lines.pop(0)))
        table.marks.append(rows)
        table.places.append(begin)
        rows = _add_dates(table, lines, rows)
    if rest or not table.header:
        raise Damaged(f"{kind.file} is cut off")
    for ends, end in ((table.marks, rows), (table.places, place), (table.firsts, rows)):
        ends.append(end)
    return table


def _add_dates(table: Table, lines: Sequence[bytes], rows: int) -> int:
    """Take up the dates of further rows; how many rows there are then."""
    for date, same in groupby(line[:10] for line in lines):
        if not table.dates or date > table.dates[-1]:
            if not _ISO.fullmatch(date):
                break
            table.dates.append(date)
            table.firsts.append(rows)
        elif date < table.dates[-1]:
            break
        rows += sum(1 for _ in same)
    else:
        return rows
    raise Damaged(f"{table.kind.file} has rows without a date, or not in the order of their dates")


def _header(kind: TableKind, line: bytes) -> list[str]:
    header = line.decode("utf-8", "replace").split(",")
    others = [name for name in header if name not in kind.columns]
    lacking = [name for name in kind.columns if name not in header]
    if lacking or header[0] != kind.columns[0] or len(set(header)) != len(header):
        raise Damaged(f"{kind.file} does not have the columns of such a file")
    if others and not kind.by_factor:
        raise Damaged(f"{kind.file} has columns that such a file does not have")
    return header


def table_page(
    table: Table,
    part: Callable[[int, int], bytes],
    limit: int,
    offset: int,
    start: dt.date | None,
    end: dt.date | None,
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows there are from `start` to `end`, and those of one page.

    `part` gives the bytes of the file from one place to another. Missing values are None; a
    number has the value that the file spells.

    Raises
    ------
    Damaged
        If a row does not have its columns, or a number is none.
    """
    first = table.firsts[bisect_left(table.dates, str(start).encode()) if start else 0]
    last = table.firsts[bisect_right(table.dates, str(end).encode()) if end else -1]
    begin = min(first + offset, max(first, last))
    stop = max(begin, min(begin + limit, last))
    if begin == stop:
        return max(0, last - first), []
    before, after = bisect_right(table.marks, begin) - 1, bisect_left(table.marks, stop)
    lines = part(table.places[before], table.places[after]).split(b"\n")
    skipped = table.marks[before]
    shown = b"\n".join(lines[begin - skipped : stop - skipped])
    return last - first, _rows(table, shown, begin)


def _rows(table: Table, text: bytes, begin: int) -> list[dict[str, Any]]:
    readers = [_reader(table.kind, name) for name in table.header]
    factors = [name not in table.kind.columns for name in table.header]
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise Damaged(f"{table.kind.file} is not text") from None
    rows = []
    for number, cells in enumerate(csv.reader(lines, quoting=csv.QUOTE_NONE), begin + 2):
        try:
            values = [read(cell) for read, cell in zip(readers, cells, strict=True)]
        except ValueError:
            raise Damaged(f"{table.kind.file}, line {number}, is damaged") from None
        rows.append(_row(table, values, factors))
    return rows


def _row(table: Table, values: Sequence[Any], factors: Sequence[bool]) -> dict[str, Any]:
    if not table.kind.by_factor:
        return dict(zip(table.header, values))
    row: dict[str, Any] = {}
    for name, value, of_factor in zip(table.header, values, factors):
        if of_factor:
            row.setdefault("factors", {})[name] = value
        else:
            row[name] = value
    row.setdefault("factors", {})
    return row


def _reader(kind: TableKind, name: str) -> Callable[[str], Any]:
    optional = name in kind.optional or name not in kind.columns
    if name in kind.texts:
        return str if optional else _text
    read = _date if name.endswith("date") else _number
    return (lambda cell: None if cell == "" else read(cell)) if optional else read


def _text(cell: str) -> str:
    if not cell:
        raise ValueError
    return cell


def _date(cell: str) -> str:
    return dt.date.fromisoformat(cell).isoformat()


def _number(cell: str) -> float:
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError
    return number
