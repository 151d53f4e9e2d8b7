"""A slow look at lines that did not read: which one is at fault, and what is wrong with it."""

from __future__ import annotations

import csv
import re

from feeds.errors import DataError
from feeds.names import check_symbol, shown
from feeds.vendor_files.blocks import symbol_of
from feeds.vendor_files.dates import Stamps, time_of_day
from feeds.vendor_files.layout import Layout

__all__ = ["THOUSANDS", "check_width", "find_fault"]

#: A number with or without commas between its thousands.
THOUSANDS = r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?([eE][+-]?\d+)?"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_EMPTY = re.compile(r"|[+-]?nan", re.IGNORECASE)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_MONEY = re.compile(r"[$€£¥₿]|\b(USD|EUR|GBP|BTC)\b")


def find_fault(
    content: bytes, line: int, layout: Layout, stamps: Stamps, pair: bool
) -> DataError | None:
    """The first fault in some lines, or None.

    Parameters
    ----------
    content : bytes
        Whole lines.
    line : int
        Number of the first one.
    pair : bool
        Whether a symbol may be written BTC/USD.
    """
    for at, row in enumerate(content.decode("utf-8", "replace").split("\n")[:-1], line):
        if row.strip():
            try:
                _check_row(row.rstrip("\r"), layout, stamps, pair, f"{layout.name}, line {at}")
            except DataError as error:
                return error
    return None


def _check_row(row: str, layout: Layout, stamps: Stamps, pair: bool, place: str) -> None:
    columns = layout.columns
    try:
        cells = next(csv.reader([row], delimiter=layout.separator, strict=True))
    except csv.Error as error:
        raise DataError(
            f"{place}: not a row of a table: {error}",
            "close each quote, and write a quote inside a cell twice",
        ) from None
    check_width(cells, len(columns.header), place, layout.separator)
    if tuple(cell.strip() for cell in cells) == columns.header:
        raise DataError(
            f"{place}: the header again: two files were put together", "give the files apart"
        )
    if "symbol" in columns.place:
        check_symbol(symbol_of(cells[columns.place["symbol"]], pair), place)
    _check_stamp(cells, layout, stamps, place)
    for at, name in columns.numbers():
        _check_number(cells[at], name, layout, place)


def check_width(cells: list[str], width: int, place: str, separator: str) -> None:
    """Refuse a row that has not as many cells as the header."""
    if len(cells) < width:
        raise DataError(
            f"{place}: {len(cells)} cells where the header has {width}",
            "complete the row (or the file, if it was cut off here)",
        )
    if len(cells) > width:
        raise DataError(
            f"{place}: {len(cells)} cells where the header has {width}",
            f"remove what is too much; a cell that holds {separator!r}, such as 1,5, needs quotes",
        )


def _check_stamp(cells: list[str], layout: Layout, stamps: Stamps, place: str) -> None:
    import numpy as np

    text = cells[layout.columns.place["date"]]
    try:
        local, offset = stamps.one(text)
        if "time" in layout.columns.place:
            text = cells[layout.columns.place["time"]]
            local += time_of_day(text)
        zone = np.array([offset]) if layout.style.zone else None
        layout.clock.times(np.array([local]), zone)
    except ValueError as error:
        raise DataError(
            f"{place}: date {shown(text)}: {error}",
            f"write it as {layout.style}, or mend the file",
        ) from None


def _check_number(cell: str, name: str, layout: Layout, place: str) -> None:
    form = layout.columns.form
    if _EMPTY.fullmatch(cell) or cell in form.missing:
        return
    cell = cell.strip(" \t")
    if not cell:
        raise DataError(f"{place}: {name} holds only spaces", "leave the cell empty")
    pattern = THOUSANDS if form.thousands else _NUMBER
    if layout.decimal == ",":
        pattern = pattern.replace(r"\.", ",")
    place = f"{place}: {name} {shown(cell)}"
    if _INFINITE.fullmatch(cell):
        raise DataError(f"{place} is not finite", "leave the cell empty if it is not known")
    if not re.fullmatch(pattern, cell, re.ASCII):
        raise DataError(*_not_a_number(cell, layout.decimal == "." and not form.thousands, place))
    plain = cell.replace(",", "" if form.thousands else ".")
    if float(plain) in (float("inf"), float("-inf")):
        raise DataError(f"{place} is too large for a number", "mend the cell")


def _not_a_number(cell: str, could_be_comma: bool, place: str) -> tuple[str, str]:
    """Problem and remedy of a text among numbers."""
    if _MONEY.search(cell):
        return f"{place} has a currency in it", "write the number alone"
    if could_be_comma and re.fullmatch(r"[+-]?\d+,\d+", cell):
        return f"{place} has a comma", "give decimal=, or write the number without the comma"
    if re.fullmatch(r"[+-]?\d{1,3}([ '.,]\d{3})+([.,]\d*)?", cell):
        return f"{place} has marks between its thousands", "write the number without them"
    if cell.endswith("%"):
        return f"{place} is a percentage", "write the number alone"
    return f"{place} is no number", "leave the cell empty if it is not known"
