"""Bad files of bars, made by code: what is wrong with each, where, and who must notice.

A fault is either refused by the reader, naming file and line, or read unharmed and left to
cleaning, which knows prices and not only text.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pandas as pd

__all__ = ["FOR_CLEANING", "REFUSED", "Left", "Refused", "good_rows", "text"]

HEADER = "date,open,high,low,close,volume"
SESSIONS = 40


@dataclass(frozen=True)
class Refused:
    """A file that must not be read.

    Parameters
    ----------
    content : bytes
    line : int
        That the message must name; 0 where the whole file is at fault.
    says : str
        A part of the message.
    file : str
        Its name.
    options : mapping of str to str
    """

    content: bytes
    line: int
    says: str
    file: str = "AAPL.csv"
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Left:
    """A file that reads, and whose bars cleaning must mend or refuse.

    Parameters
    ----------
    content : bytes
    fault : str
        What is wrong with the bars.
    lines : tuple of int
        Where.
    rows : int
        That the reader must pass on: all of them.
    file : str
    """

    content: bytes
    fault: str
    lines: tuple[int, ...]
    rows: int
    file: str = "AAPL.csv"


def good_rows(count: int = SESSIONS) -> list[list[str]]:
    """Bars of weekdays from 2020-01-02 on: a price that winds up and down about 100."""
    rows, day = [], dt.date(2020, 1, 2)
    while len(rows) < count:
        if day.weekday() < 5 and day != dt.date(2020, 1, 20) and day != dt.date(2020, 2, 17):
            at = len(rows)
            close = 100.0 + (at * 7 % 11) - 0.25 * (at % 3)
            cells = (close - 0.5, close + 1.25, close - 1.5, close)
            rows.append([day.isoformat(), *(f"{cell:.2f}" for cell in cells), str(10_000 + at)])
        day += dt.timedelta(days=1)
    return rows


def text(rows: list[list[str]], header: str = HEADER, separator: str = ",") -> bytes:
    """Rows as a file."""
    lines = [header, *(separator.join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _cell(row: int, column: int, value: str) -> bytes:
    """The good file with one cell changed; the row's line is its number plus 2."""
    rows = good_rows()
    rows[row][column] = value
    return text(rows)


def _lines(change: Callable[[list[str]], list[str]]) -> bytes:
    """The good file after something was done to its lines."""
    lines = text(good_rows()).decode().splitlines()
    return ("\n".join(change(lines)) + "\n").encode()


def _swap_dates(form: str, start: dt.date = dt.date(2020, 1, 2), count: int = 8) -> bytes:
    """A short file whose dates are written otherwise."""
    days = [start + dt.timedelta(days=at) for at in range(count)]
    return text([[day.strftime(form), "1", "2", "1", "2", "5"] for day in days])


def _gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def _frame(**changed: object) -> pd.DataFrame:
    rows = good_rows(6)
    frame = pd.DataFrame(
        {
            "symbol": "AAPL",
            "date": pd.to_datetime([row[0] for row in rows]),
            "close": [float(row[4]) for row in rows],
        }
    )
    return frame.assign(**changed)


GOOD = text(good_rows())
_LONG = "symbol,date,close"
_ZIP = b"PK\x03\x04" + b"\x00" * 40
_BINANCE = "1577836800000,7195.2,7255.0,7175.2,7200.9,16792.4,1577923199999,1,194010,8946.9,1,0\n"
_KRAKEN = "1577836800,7195.2,7255.0,7175.2,7200.9,592.4,19401\n"

REFUSED: dict[str, Refused] = {
    # Not a table, or not all of it.
    "empty": Refused(b"", 0, "the file is empty"),
    "blank": Refused(b" \n\n\t\n", 1, "the file is empty"),
    "only a byte order mark": Refused(b"\xef\xbb\xbf", 1, "the file is empty"),
    "only a header": Refused(text([]), 1, "no bar below the header"),
    "cut off in a number": Refused(GOOD[:-4], 41, "no newline"),
    "cut off in a row": Refused(GOOD[: GOOD.rindex(b",") - 9], 41, "no newline"),
    "cut off in a row, a newline put after it": Refused(
        GOOD[: GOOD.rindex(b",") - 9] + b"\n", 41, "cells where the header has 6"
    ),
    "no newline at the end": Refused(GOOD[:-1], 41, "no newline"),
    "a web page": Refused(b"<!DOCTYPE html>\n<html><body>429</body></html>\n", 1, "HTML"),
    "a web page, in capitals": Refused(b"<HTML><BODY>Not found</BODY></HTML>\n", 1, "HTML"),
    "XML": Refused(b'<?xml version="1.0"?>\n<Error>AccessDenied</Error>\n', 1, "XML"),
    "JSON": Refused(b'{"chart": {"error": "Not Found"}}\n', 1, "JSON"),
    "JSON, a list": Refused(b"[[1577836800000, 7195.2]]\n", 1, "JSON"),
    "an error in words": Refused(b"Exceeded the daily hits limit\n", 1, "has one cell"),
    "an archive": Refused(_ZIP, 0, "an archive", "AAPL.zip"),
    "an archive called CSV": Refused(_ZIP, 1, "a NUL byte"),
    "gzip called CSV": Refused(_gz(GOOD), 1, "NUL byte"),
    "another kind of file": Refused(GOOD, 0, "not a kind of file", "AAPL.xlsx"),
    "gzip cut off": Refused(_gz(GOOD)[:-20], 0, "damaged or cut off", "AAPL.csv.gz"),
    "gzip with a wrong checksum": Refused(
        _gz(GOOD)[:-8] + b"\x00\x00\x00\x00" + _gz(GOOD)[-4:], 0, "CRC", "AAPL.csv.gz"
    ),
    "CSV called gzip": Refused(GOOD, 0, "Not a gzipped file", "AAPL.csv.gz"),
    "Parquet cut off": Refused(_parquet(_frame())[:-30], 0, "Parquet", "AAPL.parquet"),
    "Parquet with a broken footer": Refused(
        _parquet(_frame())[:-12] + b"\xff" * 4 + _parquet(_frame())[-8:], 0, "Parquet", "A.parquet"
    ),
    "CSV called Parquet": Refused(GOOD, 0, "Parquet", "AAPL.parquet"),
    "Parquet without rows": Refused(_parquet(_frame()[:0]), 0, "no bar in it", "A.parquet"),
    "Parquet with prices as text": Refused(
        _parquet(_frame(close=["1.5", "2", "3", "4", "5", "x"])), 0, "not numbers", "A.parquet"
    ),
    "Parquet without a date in a row": Refused(
        _parquet(_frame(date=pd.to_datetime(["2020-01-02", "2020-01-03", None] * 2))),
        3, "there is no date", "A.parquet",
    ),
    "Parquet without a symbol in a row": Refused(
        _parquet(_frame(symbol=["A", "A", "A", "A", None, "A"])), 5, "symbol is empty", "A.parquet"
    ),
    # Bytes and characters.
    "UTF-16 without its mark": Refused(GOOD.decode().encode("utf-16-le"), 1, "NUL byte"),
    "a NUL byte": Refused(_cell(9, 4, "10\x003.5"), 11, "a NUL byte"),
    "Latin-1": Refused(
        GOOD.replace(b",10005\n", b",10005\xe9\n"), 7, "not text in UTF-8"
    ),
    "Latin-1 in a column that is not read": Refused(
        b"date,name,close\n2020-01-02,Nestl\xc3\xa9,1\n2020-01-03,Nestl\xe9,2\n", 3, "UTF-8"
    ),
    "UTF-16 cut off in a character": Refused(
        GOOD.decode().encode("utf-16")[:-3], 41, "not text in utf-16"
    ),
    "lines that end with a carriage return": Refused(
        GOOD.replace(b"\n", b"\r"), 1, "carriage return"
    ),
    "a carriage return in a line": Refused(_cell(5, 1, "1\r1"), 7, "carriage return"),
    "a quote that is not closed": Refused(_cell(12, 0, '"2020-01-21'), 14, "quote"),
    "a quote within a cell": Refused(_cell(12, 1, '"1"2'), 14, "quote within"),
    # Rows and columns.
    "a cell too few": Refused(_lines(lambda x: [*x[:8], x[8].rsplit(",", 1)[0], *x[9:]]), 9, "5 c"),
    "a cell too many": Refused(_cell(3, 5, "10,5"), 5, "7 cells where the header has 6"),
    "decimal commas without quotes": Refused(_cell(3, 4, "101,5"), 5, "7 cells"),
    "a separator at the end of a row": Refused(_cell(3, 5, "10,"), 5, "7 cells"),
    "a cell too many in every row": Refused(
        GOOD.replace(b"\n", b",\n").replace(b"volume,", b"volume"), 2, "7 cells where the header"
    ),
    "the header again": Refused(_lines(lambda x: [*x[:20], x[0], *x[20:]]), 21, "header again"),
    "no header": Refused(GOOD.split(b"\n", 1)[1], 1, "there is no header"),
    "no header, columns of another count": Refused(_KRAKEN[:-7].encode() + b"\n", 1, "no header"),
    "a column there twice": Refused(
        GOOD.replace(b"volume", b"close"), 1, "column 'close' is there twice"
    ),
    "columns of no known form": Refused(b"a,b,c\n1,2,3\n", 1, "no form of bars is known"),
    "no column of closes": Refused(b"date,open,volume\n2020-01-02,1,2\n", 1, "no form of bars"),
    "a form that it is not": Refused(
        GOOD, 1, "not written as BTC:open", options={"form": "wide_bars"}
    ),
    "a column that is not there": Refused(
        GOOD, 1, "no column 'Last' for close", options={"columns": "close=Last"}
    ),
    "a blank symbol": Refused(f"{_LONG}\nA,2020-01-02,1\n,2020-01-03,2\n".encode(), 3, "empty"),
    "a path as a symbol": Refused(f"{_LONG}\n../x,2020-01-02,1\n".encode(), 2, "'../x'"),
    "a formula as a symbol": Refused(f"{_LONG}\n=cmd(),2020-01-02,1\n".encode(), 2, "'=cmd()'"),
    "a symbol with a space": Refused(f"{_LONG}\nBRK B,2020-01-02,1\n".encode(), 2, "'BRK B'"),
    "a symbol called date": Refused(f"{_LONG}\ndate,2020-01-02,1\n".encode(), 2, "'date'"),
    "a name that is no symbol": Refused(GOOD, 0, "'my file'", "my file.csv"),
    "a formula in a wide header": Refused(b"date,A,=B()\n2020-01-02,1,2\n", 1, "'=B()'"),
    # Numbers.
    "a word among numbers": Refused(_cell(6, 4, "closed"), 8, "close 'closed' is no number"),
    "N/A in a Yahoo file": Refused(
        b"Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,1,1,1,1,N/A\n", 2, "volume 'N/A'"
    ),
    "a question mark": Refused(_cell(6, 5, "?"), 8, "volume '?' is no number"),
    "a number too large": Refused(_cell(6, 4, "1e400"), 8, "too large"),
    "infinite": Refused(_cell(6, 4, "inf"), 8, "not finite"),
    "a dollar sign": Refused(_cell(6, 4, "$101.5"), 8, "currency"),
    "a currency": Refused(_cell(6, 4, "101.5 USD"), 8, "currency"),
    "commas between thousands": Refused(_cell(6, 5, '"10,006"'), 8, "comma"),
    "points between thousands": Refused(_cell(6, 5, "1.010.006"), 8, "thousands"),
    "a percentage": Refused(_cell(6, 4, "3%"), 8, "percentage"),
    "hexadecimal": Refused(_cell(6, 5, "0x10"), 8, "no number"),
    "digits parted by an underscore": Refused(_cell(6, 5, "10_006"), 8, "no number"),
    "spaces for a number": Refused(_cell(6, 4, "  "), 8, "close holds only spaces"),
    "digits of another script": Refused(_cell(6, 5, "\u0663"), 8, "no number"),
    "a space that cannot be seen": Refused(_cell(6, 4, "101.5\u00a0"), 8, "no number"),
    "a letter O for a zero": Refused(_cell(6, 4, "1O1.5"), 8, "no number"),
    "two decimal points": Refused(_cell(6, 4, "101.5.1"), 8, "no number"),
    "a comma that may be either": Refused(
        b"date;close;volume\n2020-01-02;1,234;5\n2020-01-03;1,235;6\n",
        2, "decimal comma or one between thousands",
    ),
    "thousands that are none": Refused(
        b'Date,Open*,High,Low,Close**,Volume,Market Cap\n"Apr 28, 2013",1,1,1,"1,23",-,1\n',
        2, "no number",
    ),
    # Dates.
    "no such day": Refused(_cell(20, 0, "2020-02-30"), 22, "no such day"),
    "no such day in the first row": Refused(_cell(0, 0, "2020-02-30"), 2, "no such day"),
    "a thirteenth month": Refused(_cell(20, 0, "2020-13-01"), 22, "no such day"),
    "no date": Refused(_cell(20, 0, ""), 22, "there is no date"),
    "a date in words": Refused(_cell(20, 0, "yesterday"), 22, "not written as YYYY-MM-DD"),
    "years of two digits": Refused(_swap_dates("%d/%m/%y"), 2, "two digits"),
    "a year of two digits": Refused(_cell(20, 0, "31/01/20"), 22, "two digits"),
    "day or month first": Refused(_swap_dates("%d/%m/%Y", count=4), 0, "day or the month first"),
    "two ways to write a date": Refused(_cell(20, 0, "31/01/2020"), 22, "two ways"),
    "two ways, the order of the parts": Refused(
        _swap_dates("%d/%m/%Y", dt.date(2020, 1, 12)) + b"01/22/2020,1,2,1,2,5\n", 10, "no such"
    ),
    "a time of day only in one row": Refused(_cell(20, 0, "2020-01-31 00:00:00"), 22, "two ways"),
    "an offset in some rows": Refused(
        b"date,close\n2020-01-01 00:00:00+00:00,1\n2020-01-01 01:00:00,2\n", 3, "two ways"
    ),
    "no such hour": Refused(
        b"date,close\n2020-01-01 00:00:00,1\n2020-01-01 25:00:00,2\n", 3, "no such day or time"
    ),
    "a time that clocks skip": Refused(
        b"date,close\n2020-03-08 01:00:00,1\n2020-03-08 02:30:00,2\n2020-03-08 03:30:00,2\n",
        3, "skip or repeat", options={"timezone": "America/New_York"},
    ),
    "a day that is not over": Refused(
        b"snapped_at,price,market_cap,total_volume\n2020-01-01 00:00:00 UTC,1,2,3\n"
        b"2020-01-02 13:05:11 UTC,1,2,3\n", 3, "not a midnight",
    ),
    "milliseconds after microseconds": Refused(
        (_BINANCE.replace("1577836800000", "1577836800000000") + _BINANCE).encode(),
        2, "two units of time",
    ),
    "a stamp with a fraction": Refused(
        (_KRAKEN + _KRAKEN.replace("1577836800,", "1577836800.5,")).encode(), 2, "not a count",
    ),
    "a time of day that is none": Refused(
        b"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        b"AAPL.US,60,20200102,160000,1,1,1,1,5,0\nAAPL.US,60,20200102,176000,1,1,1,1,5,0\n",
        3, "no time of day",
    ),
}  # fmt: skip


def _scale(rows: list[list[str]], first: int, last: int, factor: float, columns: str) -> None:
    """Multiply prices (o, h, l, c) and volumes (v) of some rows."""
    places = {"o": 1, "h": 2, "l": 3, "c": 4, "v": 5}
    for row in rows[first:last]:
        for column in columns:
            row[places[column]] = f"{float(row[places[column]]) * factor:.4f}"


def _put(rows: list[list[str]], row: int, **cells: str) -> None:
    places = {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}
    for name, value in cells.items():
        rows[row][places[name]] = value


def _cells(row: list[str]) -> dict[str, str]:
    """A row's cells but its date."""
    return dict(zip(("open", "high", "low", "close", "volume"), row[1:]))


def _left(change: Callable[[list[list[str]]], object], fault: str, *lines: int) -> Left:
    rows = good_rows()
    change(rows)
    return Left(text(rows), fault, lines, len(rows))


FOR_CLEANING: dict[str, Left] = {
    "a row there twice": _left(lambda r: r.insert(11, r[10]), "duplicate", 13),
    "two rows for a day": _left(
        lambda r: r.insert(11, [r[10][0], "9", "9", "9", "9", "1"]), "conflict", 12, 13
    ),
    "rows out of order": _left(lambda r: r.insert(5, r.pop(20)), "unsorted", 7, 8),
    "an empty row": _left(
        lambda r: _put(r, 9, open="", high="", low="", close="", volume=""), "empty", 11
    ),
    "no close": _left(lambda r: _put(r, 9, close=""), "no_close", 11),
    "nan for a close": _left(lambda r: _put(r, 9, close="nan"), "no_close", 11),
    "a close of zero": _left(lambda r: _put(r, 9, close="0"), "not_positive", 11),
    "a close below zero": _left(lambda r: _put(r, 9, close="-101.5"), "not_positive", 11),
    "an open of zero": _left(lambda r: _put(r, 9, open="0.0"), "range", 11),
    "high below low": _left(lambda r: _put(r, 9, high="90", low="120"), "range", 11),
    "close above high": _left(lambda r: _put(r, 9, close="140.00"), "range", 11),
    "open below low": _left(lambda r: _put(r, 9, open="60.00"), "range", 11),
    "volume below zero": _left(lambda r: _put(r, 9, volume="-5"), "volume", 11),
    "a print of a hundredfold": _left(lambda r: _scale(r, 9, 10, 100.0, "ohlc"), "spike", 11),
    "a close of a hundredfold": _left(lambda r: _scale(r, 9, 10, 100.0, "ch"), "spike", 11),
    "a print of a hundredth": _left(lambda r: _scale(r, 9, 10, 0.01, "ohlc"), "spike", 11),
    "a split that is not in the prices": _left(
        lambda r: (_scale(r, 20, 40, 0.5, "ohlc"), _scale(r, 20, 40, 2.0, "v")), "split", 22
    ),
    "a reverse split that is not in the prices": _left(
        lambda r: (_scale(r, 20, 40, 10.0, "ohlc"), _scale(r, 20, 40, 0.1, "v")), "split", 22
    ),
    "another company under the ticker": _left(
        lambda r: (
            _scale(r, 20, 40, 0.07, "ohlc"),
            [row.__setitem__(0, row[0].replace("2020", "2022")) for row in r[20:]],
        ),
        "ticker_reuse", 22,
    ),
    "a redenomination": _left(lambda r: _scale(r, 20, 40, 1000.0, "ohlc"), "redenomination", 22),
    "a price carried on": _left(
        lambda r: [
            _put(r, at, open="95", high="95", low="95", close="95", volume="0")
            for at in range(15, 32)
        ],
        "stale", *range(17, 34),
    ),
    "a stretch copied from before": _left(
        lambda r: [_put(r, at, **_cells(r[at - 12])) for at in range(20, 30)],
        "splice", *range(22, 32),
    ),
    "a row on a Sunday": _left(
        lambda r: r.insert(2, ["2020-01-05", *r[1][1:]]), "closed_day", 4
    ),
    "a row on a holiday": _left(
        lambda r: r.insert(12, ["2020-01-20", *r[11][1:]]), "closed_day", 14
    ),
    "a missing week": _left(lambda r: r.__delitem__(slice(10, 15)), "missing_day", 12),
    "a time of day in daily bars": Left(
        text([[f"{row[0]} {'16' if at == 9 else '00'}:00:00", *row[1:]]
              for at, row in enumerate(good_rows())]),
        "time_of_day", (11,), SESSIONS,
    ),
    "a dividend below zero": Left(
        text([[*row, "-0.5" if at == 9 else "0"] for at, row in enumerate(good_rows())],
             HEADER + ",dividend"),
        "event", (11,), SESSIONS,
    ),
    "a split of nothing": Left(
        text([[*row, "0" if at == 9 else "1"] for at, row in enumerate(good_rows())],
             HEADER + ",split_ratio"),
        "event", (11,), SESSIONS,
    ),
    "a day in the future": _left(lambda r: _put(r, 39, date="2120-01-01"), "future", 41),
    "infinite in Parquet": Left(
        _parquet(_frame(close=[1.0, 2.0, float("inf"), 4.0, 5.0, 6.0])),
        "infinite", (3,), 6, "A.parquet",
    ),
}  # fmt: skip
