"""Pages of a run's tables, cut out of the CSV files without reading the rest of the rows."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runs.api_folders import Damaged

__all__ = ["TABLES", "Table", "TableKind", "index_table", "table_page"]

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
    """A table as bytes, and where its rows begin. Rows stand in the order of their dates."""

    kind: TableKind
    header: list[str]
    content: bytes
    starts: list[int]
    dates: list[bytes]

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly."""
        return len(self.content) + 90 * len(self.dates) + 200


def index_table(kind: TableKind, content: bytes) -> Table:
    """Find the rows of a CSV file.

    Raises
    ------
    Damaged
        If the file is cut off, lacks a column, or its dates are none or out of order.
    """
    if not content.endswith(b"\n"):
        raise Damaged(f"{kind.file} is cut off")
    starts = [0]
    starts.extend(match.end() for match in re.finditer(b"\n", content))
    header = _header(kind, content[: starts[1] - 1])
    dates = [content[start : start + 10] for start in starts[1:-1]]
    if dates != sorted(dates) or not all(map(_ISO.fullmatch, dates)):
        raise Damaged(f"{kind.file} has rows without a date, or not in the order of their dates")
    return Table(kind, header, content, starts[1:], dates)


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
    table: Table, limit: int, offset: int, start: dt.date | None, end: dt.date | None
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows there are from `start` to `end`, and those of one page.

    Missing values are None; a number has the value that the file spells.

    Raises
    ------
    Damaged
        If a row does not have its columns, or a number is none.
    """
    first = bisect_left(table.dates, str(start).encode()) if start else 0
    last = bisect_right(table.dates, str(end).encode()) if end else len(table.dates)
    begin = min(first + offset, max(first, last))
    stop = max(begin, min(begin + limit, last))
    text = table.content[table.starts[begin] : table.starts[stop]]
    return max(0, last - first), _rows(table, text, begin)


def _rows(table: Table, text: bytes, begin: int) -> list[dict[str, Any]]:
    readers = [_reader(table.kind, name) for name in table.header]
    factors = [name not in table.kind.columns for name in table.header]
    try:
        lines = text.decode("utf-8").split("\n")[:-1]
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
