"""The beginning of a text file: encoding, separator, header, form, decimal mark and dates."""

from __future__ import annotations

import codecs
import contextlib
import csv
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feeds.errors import DataError
from feeds.names import path_name, shown
from feeds.vendor_files.dates import DateStyle, Stamps, time_of_day
from feeds.vendor_files.faults import check_width
from feeds.vendor_files.forms import FORMS
from feeds.vendor_files.layout import Columns, Layout, by_position, map_columns
from feeds.vendor_files.meaning import meaning_of
from feeds.vendor_files.options import FileOptions
from feeds.vendor_files.streams import LineBlocks, detect_encoding
from feeds.vendor_files.style_choice import choose_style
from feeds.vendor_files.timing import Clock, find_interval

__all__ = ["read_head"]

_HEAD = 256 * 1024
_MOST_ROWS = 1000
_FEW = 10
#: Moments that tell the step between bars.
_ENOUGH = 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_PAGE = re.compile(r"<(?!\w+>[,;\t|])")
_PREAMBLE = re.compile(r"https?://|.*cryptodatadownload", re.IGNORECASE)


@dataclass(frozen=True)
class _Head:
    """The first rows: cells and the number of the first one's line."""

    rows: list[list[str]]
    lines: list[int]
    separator: str


def read_head(
    path: Path, options: FileOptions, stamps: Callable[[Columns, str, str], Iterable[list[str]]]
) -> Layout:
    """Decide how a text file is to be read.

    Parameters
    ----------
    path : Path
    options : FileOptions
    stamps : callable
        From the columns, encoding and separator to all different stamps of the file, some at
        a time; asked only where the first rows do not tell the order of day and month, or the
        step between bars.

    Raises
    ------
    DataError
        If it is no table, its form is not known, or something could only be guessed.
    """
    begin = _first_bytes(path)
    _refuse_pages(path, begin)
    encoding = options.encoding or detect_encoding(begin)
    head = _rows(path, _first_lines(path, encoding, options), options)
    columns, data = _columns(path, head, options)
    if not data.rows:
        place = f"{path_name(path)}, line {head.lines[-1]}"
        raise DataError(f"{place}: no bar below the header", "add its rows")
    decimal = options.decimal or _decimal(path, columns, data)
    texts = [row[columns.place["date"]].strip() for row in data.rows]
    place = f"{path_name(path)}, line {data.lines[0]}"
    style = choose_style(place, texts, options, complete=False)
    if style is None:
        texts = list(itertools.chain(*stamps(columns, encoding, head.separator)))
        style = choose_style(path_name(path), texts, options, complete=True)
    assert style is not None
    local = _local(columns, style, data)
    alike = _one_symbol(columns, data, local)
    if len(np.unique(alike)) < 2 and len(data.rows) >= _MOST_ROWS:
        # So many symbols that the first rows hold only one moment.
        alike = _several(style, stamps(columns, encoding, head.separator))
    interval = find_interval(alike)
    clock, notes = _clock(columns, style, interval.endswith("d"), options)
    meaning = meaning_of(columns, options)
    return Layout(
        path=path,
        columns=columns,
        style=style,
        clock=clock,
        interval=interval,
        volume_unit=meaning.volume_unit,
        price_kind=meaning.price_kind,
        encoding=encoding,
        separator=head.separator,
        decimal=decimal,
        first_line=data.lines[0],
        notes=(*meaning.notes, *notes),
    )


def _first_bytes(path: Path) -> bytes:
    for chunk in LineBlocks(path, "utf-8", 256).raw_chunks():
        return chunk
    raise DataError(f"{path_name(path)}: the file is empty", "fetch the file again")


def _refuse_pages(path: Path, begin: bytes) -> None:
    """Refuse what a server sends instead of a table, before it is looked at as one."""
    text = begin.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    first = text.lstrip()
    place = f"{path_name(path)}, line {text[: len(text) - len(first)].count(chr(10)) + 1}"
    if _PAGE.match(first):
        raise DataError(f"{place}: an HTML or XML page, not a table", "fetch the file itself")
    if first.startswith(("{", "[")):
        raise DataError(f"{place}: JSON, not a table", "fetch it as CSV")


def _first_lines(path: Path, encoding: str, options: FileOptions) -> str:
    """The text of the first lines, a few at least where there are as many."""
    text = ""
    for block, _, _ in LineBlocks(path, encoding, _HEAD, options.last_line):
        text += block.decode("utf-8")
        if text.strip() and text.count("\n") >= _FEW:
            break
    if not text.strip():
        raise DataError(f"{path_name(path)}, line 1: the file is empty", "fetch the file again")
    return text


def _rows(path: Path, text: str, options: FileOptions) -> _Head:
    """The first rows that hold anything."""
    numbered = [
        (at, row.rstrip("\r")) for at, row in enumerate(text.split("\n"), 1) if row.strip()
    ][: _MOST_ROWS + 2]
    first = numbered[0][1].lstrip()
    place = f"{path_name(path)}, line {numbered[0][0]}"
    preamble = bool(_PREAMBLE.match(first))
    numbered = numbered[preamble:]
    if not numbered:
        raise DataError(f"{place}: no header below the first line", "fetch the file again")
    texts = [row for _, row in numbered]
    mark = options.separator or _separator(texts)
    if not mark:
        raise DataError(
            f"{place}: {shown(texts[0])} has one cell, not the columns of a table",
            "fetch the file again, or give its separator",
        )
    rows = [next(csv.reader([row], delimiter=mark)) for row in texts]
    return _Head(rows, [at for at, _ in numbered], mark)


def _separator(texts: Sequence[str]) -> str:
    """The mark that parts the first lines into equally many cells; else the header's."""
    some = texts[:20]
    counts = {}
    for mark in "\t;|,":
        cells = [len(next(csv.reader([text], delimiter=mark))) for text in some]
        if len(set(cells)) == 1 and cells[0] > 1:
            return mark
        counts[mark] = cells[0]
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] > 1 else ""


def _columns(path: Path, head: _Head, options: FileOptions) -> tuple[Columns, _Head]:
    """The columns, and the rows below the header."""
    first, line = head.rows[0], head.lines[0]
    forced = FORMS.get(options.form)
    if not _is_data(first):
        columns = map_columns(path, first, options, line)
        return columns, _fitting(path, head, 1, len(first))
    digits = len(first[0].strip())
    for name, lengths in (("binance", (13, 16)), ("kraken", (9, 10))):
        form = FORMS[name]
        if len(first) == len(form.header) and digits in lengths and forced in (None, form):
            return by_position(path, form, options), _fitting(path, head, 0, len(first))
    raise DataError(
        f"{path_name(path)}, line {line}: there is no header, and no form without one has "
        f"{len(first)} such columns",
        "write the columns' names into a first line, such as date,open,high,low,close,volume",
    )


def _fitting(path: Path, head: _Head, first: int, cells: int) -> _Head:
    """Rows from `first` on that have all cells; others are refused when they are read."""
    kept = [at for at in range(first, len(head.rows)) if len(head.rows[at]) == cells]
    if not kept and first < len(head.rows):
        place = f"{path_name(path)}, line {head.lines[first]}"
        check_width(head.rows[first], cells, place, head.separator)
    lines = head.lines[first : first + 1] + [head.lines[at] for at in kept[1:]]
    return _Head([head.rows[at] for at in kept], lines, head.separator)


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a first line is a bar: most cells are numbers, the first is too."""
    digits = [bool(re.match(r"[\"' ]*[-+.]?\d", cell)) for cell in cells]
    return sum(digits) * 2 > len(digits) and digits[0]


def _decimal(path: Path, columns: Columns, head: _Head) -> str:
    """The decimal mark; a comma only where no number has a dot."""
    if columns.form.thousands:
        return "."
    comma, place = [], ""
    for line, row in zip(head.lines, head.rows):
        for at, name in columns.numbers():
            cell = row[at].strip()
            if _COMMA.fullmatch(cell):
                comma.append(cell)
                place = place or f"{path_name(path)}, line {line}: {name} {shown(cell)}"
            elif "." in cell and _NUMBER.fullmatch(cell):
                return "."
    if comma and all(_THOUSANDS.fullmatch(cell) for cell in comma):
        raise DataError(
            f"{place} may have a decimal comma or one between thousands",
            "give decimal=, or decimal=. and write the numbers without marks between thousands",
        )
    return "," if comma and head.separator != "," else "."


def _clock(
    columns: Columns, style: DateStyle, daily: bool, options: FileOptions
) -> tuple[Clock, list[str]]:
    """How stamps become times."""
    moments = style.zone or bool(style.epoch)
    clock = Clock(daily, options.timezone, moments, columns.form.day_after)
    if daily or moments or not (style.time or "time" in columns.place):
        return clock, []
    return clock, [f"stamps are taken as {options.timezone or 'UTC'}"]


def _several(style: DateStyle, texts: Iterable[list[str]]) -> np.ndarray:
    """Local seconds of the first stamps that read; at least two different ones, if there are."""
    stamps = Stamps(style)
    seconds: set[int] = set()
    for text in itertools.chain(*texts):
        with contextlib.suppress(ValueError):
            seconds.add(stamps.one(text)[0])
        if len(seconds) >= _ENOUGH:
            break
    return np.array(sorted(seconds), dtype=np.int64)


def _local(columns: Columns, style: DateStyle, head: _Head) -> np.ndarray:
    """Local seconds of the first rows; those that do not read are left to the rows' reader."""
    stamps, seconds = Stamps(style), []
    if "time" not in columns.place:
        with contextlib.suppress(ValueError):
            return stamps.seconds([row[columns.place["date"]] for row in head.rows])[0]
    for row in head.rows:
        try:
            moment = stamps.one(row[columns.place["date"]])[0]
            if "time" in columns.place:
                moment += time_of_day(row[columns.place["time"]])
        except ValueError:
            moment = seconds[-1] if seconds else 0
        seconds.append(moment)
    return np.array(seconds, dtype=np.int64)


def _one_symbol(columns: Columns, head: _Head, local: np.ndarray) -> np.ndarray:
    """Stamps of the first row's symbol."""
    at = columns.place.get("symbol")
    if at is None:
        return local
    first = head.rows[0][at]
    return local[[row[at] == first for row in head.rows]]
