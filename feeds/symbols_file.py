"""The symbols file: which symbols are fetched, from where, and under which name."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from feeds.errors import DataError
from feeds.names import check_symbol, path_name, shown
from feeds.sources import registry
from feeds.sources.request import SymbolRequest
from feeds.suggestions import remedy_for

__all__ = ["ASSET_CLASSES", "SYMBOL_COLUMNS", "SYMBOL_SOURCES", "read_symbols"]

ASSET_CLASSES = ("equity", "crypto", "index", "reference")
#: The columns, in any order; the first three must be there.
SYMBOL_COLUMNS = (
    "symbol", "asset_class", "source", "source_symbol", "exchange", "currency", "start", "end",
    "sector",
)  # fmt: skip
#: Sources that fetch one symbol at a time.
SYMBOL_SOURCES = tuple(sorted(registry.SYMBOL_SOURCES))

_REQUIRED = SYMBOL_COLUMNS[:3]
#: Far more than a list of every listed symbol needs.
_MAX_BYTES = 16 * 1024 * 1024

_SYMBOL_REMEDY = (
    "use letters, digits and . _ = ^ & $ + -, at most 40; "
    "what the source calls it goes to source_symbol"
)
_EXCHANGE = re.compile(r"([A-Za-z0-9][A-Za-z0-9 ._-]{0,39})?")
_CURRENCY = re.compile(r"([A-Za-z0-9]{2,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_symbols(
    path: str | Path, sources: Collection[str] = SYMBOL_SOURCES
) -> tuple[SymbolRequest, ...]:
    """Read a symbols file.

    A CSV in UTF-8 with a header. Every cell is text: ``NA``, ``TRUE`` and ``ON`` are symbols.
    An empty `source_symbol` is the symbol itself; empty `exchange`, `currency`, `start` and
    `end` are not given, and neither are columns that are missing; `sector` is read by
    :func:`feeds.sectors.read_sectors`. Spaces around a cell and
    blank lines do not count.

    Parameters
    ----------
    path : path
        The file.
    sources : collection of str
        The names that the column `source` may hold.

    Returns
    -------
    tuple of SymbolRequest
        At least one, in the order of the file, for daily bars.

    Raises
    ------
    DataError
        For the first fault, naming file, line and remedy: a file that is missing, empty, too
        large or no such CSV; a column that is unknown, missing or there twice; a row that is
        cut or too long; a cell that does not hold what its column is for; a symbol that is
        there twice.
    """
    name = path_name(Path(path))
    rows = _rows(_decode(_content(Path(path), name), name), name)
    line, header = next(rows, (1, []))
    columns = _check_header(header, f"{name}, line {line}")
    requests: dict[str, SymbolRequest] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        place = f"{name}, line {line}"
        request = _request(_cells(columns, row, place), sources, place)
        if request.symbol in requests:
            raise DataError(
                f"{place}: symbol {request.symbol} is on line {lines[request.symbol]} already",
                "remove one of the two, or give one another name and fill its source_symbol",
            )
        requests[request.symbol], lines[request.symbol] = request, line
    if not requests:
        raise DataError(f"{name}, line {line}: no symbol below the header", "add a row a symbol")
    return tuple(requests.values())


def _content(path: Path, name: str) -> bytes:
    remedy = "name a symbols file, such as configs/symbols.csv"
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{name}: not a plain file", remedy)
        with open(path, "rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{name}: cannot be read: {reason}", remedy) from None
    if len(content) > _MAX_BYTES:
        megabytes = _MAX_BYTES // 1024**2
        raise DataError(f"{name}: larger than {megabytes} MB, too large for symbols", remedy)
    return content


def _decode(content: bytes, name: str) -> str:
    """The text, where it is UTF-8 (a byte order mark is left out) and can be a table."""
    remedy = "save it as CSV in UTF-8"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{name}, line 1: UTF-16 text, not UTF-8", remedy)
    if b"\x00" in content:
        raise DataError(f"{name}, line {_line(content, content.index(0))}: a NUL byte", remedy)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = _line(content, error.start)
        raise DataError(f"{name}, line {line}: not UTF-8 text", remedy) from None
    if not text.strip():
        raise DataError(
            f"{name}, line 1: the file is empty", f"begin it with {','.join(SYMBOL_COLUMNS[:-1])}"
        )
    if text.lstrip().startswith("<"):
        raise DataError(
            f"{name}, line 1: an HTML page, not a CSV", "fetch the file itself, not its web page"
        )
    return text


def _line(content: bytes, at: int) -> int:
    return len(re.findall(rb"\r\n|\r|\n", content[:at])) + 1


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(
                f"{name}, line {line}: not a row of a CSV: {error}",
                "close each quote, and write a quote inside a cell twice",
            ) from None
        if row is None:
            return
        cells = [cell.strip() for cell in row]
        if cells not in ([], [""]):
            yield line, cells


def _check_header(header: list[str], place: str) -> Sequence[str]:
    for separator in (";", "\t", "|"):
        if len(header) == 1 and separator in header[0]:
            raise DataError(
                f"{place}: the cells are separated by {separator!r}, not by ','",
                "save it as CSV with commas between the cells",
            )
    for column in header:
        if column not in SYMBOL_COLUMNS:
            remedy = remedy_for(column, SYMBOL_COLUMNS)
            raise DataError(f"{place}: unknown column {shown(column)}", remedy)
        if header.count(column) > 1:
            raise DataError(f"{place}: column {column} is there twice", "remove one of them")
    for column in _REQUIRED:
        if column not in header:
            raise DataError(f"{place}: no column {column}", "add it to the header and each row")
    return header


def _cells(columns: Sequence[str], row: list[str], place: str) -> dict[str, str]:
    if len(row) < len(columns):
        raise DataError(
            f"{place}: {len(row)} cells where the header has {len(columns)}",
            "complete the row (or the file, if it was cut off here); empty cells need their comma",
        )
    if len(row) > len(columns):
        raise DataError(
            f"{place}: {len(row)} cells where the header has {len(columns)}",
            "remove what is too much; a cell that holds a comma, such as 1,5, needs quotes",
        )
    return {**dict.fromkeys(SYMBOL_COLUMNS, ""), **dict(zip(columns, row))}


def _request(cells: dict[str, str], sources: Collection[str], place: str) -> SymbolRequest:
    """One checked row."""
    check_symbol(cells["symbol"], place, _SYMBOL_REMEDY)
    _check_choice("asset_class", cells["asset_class"], ASSET_CLASSES, place)
    _check_choice("source", cells["source"], sorted(sources), place)
    source_symbol = cells["source_symbol"] or cells["symbol"]
    _check_source_symbol(source_symbol, place)
    _check_form("exchange", cells["exchange"], _EXCHANGE, "kraken or XNYS", place)
    _check_form("currency", cells["currency"], _CURRENCY, "USD", place)
    if cells["source"] == "exchange" and not cells["exchange"]:
        raise DataError(
            f"{place}: source exchange, but no exchange is named",
            "fill the column exchange, for example with kraken",
        )
    start, end = (_date(name, cells[name], place) for name in ("start", "end"))
    if start is not None and end is not None and start > end:
        raise DataError(f"{place}: start {start} is after end {end}", "exchange the two")
    given = {name: cells[name] for name in ("symbol", "asset_class", "source")}
    return SymbolRequest(
        **given,
        source_symbol=source_symbol,
        exchange=cells["exchange"],
        currency=cells["currency"],
        start=start,
        end=end,
    )


def _check_source_symbol(value: str, place: str) -> None:
    """Refuse what would lead elsewhere when it is put into an address: BTC/USDT does not."""
    legible = value.isprintable() and not set(value) & set(" \\?#%")
    if not legible or any(not part.strip(".") for part in value.split("/")):
        raise DataError(
            f"{place}: source_symbol {shown(value)} cannot be a name at a source",
            "write it as the source does, such as BRK-B or BTC/USDT",
        )


def _check_choice(column: str, value: str, known: Sequence[str], place: str) -> None:
    if value not in known:
        problem = f"unknown {column} {shown(value)}" if value else f"{column} is empty"
        raise DataError(f"{place}: {problem}", remedy_for(value, known))


def _check_form(column: str, value: str, form: re.Pattern[str], like: str, place: str) -> None:
    if not form.fullmatch(value):
        raise DataError(
            f"{place}: {column} {shown(value)} cannot be one",
            f"write a name such as {like}, or leave the cell empty",
        )


def _date(column: str, value: str, place: str) -> dt.date | None:
    if not value:
        return None
    try:
        if _DATE.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise DataError(
        f"{place}: {column} {shown(value)} is no date",
        "write year-month-day, such as 2020-01-31, or leave the cell empty",
    )
