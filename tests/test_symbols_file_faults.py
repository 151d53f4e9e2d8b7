"""Faults of a symbols file, one a test: each is named with its file, line and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.errors import DataError
from feeds.symbols_file import SYMBOL_COLUMNS, read_symbols

HEADER = "symbol,asset_class,source,source_symbol,exchange,currency,start,end\n"
ROW = "AAPL,equity,yahoo,,,USD,2010-01-04,2020-12-31\n"
COMPLETE = "complete the row (or the file, if it was cut off here); empty cells need their comma"
TOO_MUCH = "remove what is too much; a cell that holds a comma, such as 1,5, needs quotes"
NAMES = (
    "use letters, digits and . _ = ^ & $ + -, at most 40; "
    "what the source calls it goes to source_symbol"
)
DATES = "write year-month-day, such as 2020-01-31, or leave the cell empty"
AS_SOURCE = "write it as the source does, such as BRK-B or BTC/USDT"
UTF8 = "save it as CSV in UTF-8"


Refused = Callable[[str | bytes], str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """The message for a file s.csv: one line for the problem, one for the remedy."""
    monkeypatch.chdir(tmp_path)

    def message(content: str | bytes) -> str:
        Path("s.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(DataError) as caught:
            read_symbols("s.csv")
        assert len(str(caught.value).splitlines()) == 2 and caught.value.remedy
        return str(caught.value)

    return message


#: Content, what is said of it, and the remedy.
FILES = {
    "empty": (b"", "line 1: the file is empty", f"begin it with {HEADER.strip()}"),
    "blank": (" \n\n", "line 1: the file is empty", f"begin it with {HEADER.strip()}"),
    "only a mark": (
        b"\xef\xbb\xbf",
        "line 1: the file is empty",
        f"begin it with {HEADER.strip()}",
    ),
    "only a header": (HEADER, "line 1: no symbol below the header", "add a row a symbol"),
    "UTF-16": ((HEADER + ROW).encode("utf-16"), "line 1: UTF-16 text, not UTF-8", UTF8),
    "UTF-16, big end first": (
        b"\xfe\xff" + HEADER.encode("utf-16-be"),
        "line 1: UTF-16 text, not UTF-8",
        UTF8,
    ),
    "UTF-16 without a mark": (HEADER.encode("utf-16-le"), "line 1: a NUL byte", UTF8),
    "NUL": (HEADER + ROW + "A\x00A,equity,yahoo,,,,,\n", "line 3: a NUL byte", UTF8),
    "NUL after CRLF": (b"a\r\nb\r\n\x00", "line 3: a NUL byte", UTF8),
    "Latin-1": (
        (HEADER + ROW).encode() + b"\xe9,equity,yahoo,,,,,\n",
        "line 3: not UTF-8 text",
        UTF8,
    ),
    "HTML": (
        "\n<!DOCTYPE html>\n<html><body>Not found, sorry</body></html>\n",
        "line 1: an HTML page, not a CSV",
        "fetch the file itself, not its web page",
    ),
    "semicolons": (
        (HEADER + ROW).replace(",", ";"),
        "line 1: the cells are separated by ';', not by ','",
        "save it as CSV with commas between the cells",
    ),
    "tabs": (
        (HEADER + ROW).replace(",", "\t"),
        r"line 1: the cells are separated by '\t', not by ','",
        "save it as CSV with commas between the cells",
    ),
    "a quote that is not closed": (
        HEADER + ROW + '"AA,equity,yahoo,,,,,\n' + ROW,
        "line 3: not a row of a CSV: unexpected end of data",
        "close each quote, and write a quote inside a cell twice",
    ),
    "a quote in the middle": (
        HEADER + ROW + '"A"A,equity,yahoo,,,,,\n',
        "line 3: not a row of a CSV: ',' expected after '\"'",
        "close each quote, and write a quote inside a cell twice",
    ),
    "a misspelt column": (
        HEADER.replace("asset_class", "aset_class") + ROW,
        "line 1: unknown column 'aset_class'",
        "did you mean asset_class?",
    ),
    "a column in capitals": (
        HEADER.replace("symbol,asset", "Symbol,asset") + ROW,
        "line 1: unknown column 'Symbol'",
        "did you mean symbol?",
    ),
    "a column of another kind": (
        HEADER.replace("\n", ",industry_code\n") + ROW,
        "line 1: unknown column 'industry_code'",
        f"known: {', '.join(SYMBOL_COLUMNS)}",
    ),
    "a column without a name": (
        HEADER.replace("\n", ",\n") + ROW.replace("\n", ",\n"),
        "line 1: unknown column ''",
        f"known: {', '.join(SYMBOL_COLUMNS)}",
    ),
    "a column twice": (
        HEADER.replace("start", "end") + ROW,
        "line 1: column end is there twice",
        "remove one of them",
    ),
    "no column of classes": (
        "symbol,source\nAA,yahoo\n",
        "line 1: no column asset_class",
        "add it to the header and each row",
    ),
    "no header": (ROW, "line 1: unknown column 'AAPL'", f"known: {', '.join(SYMBOL_COLUMNS)}"),
    "a short row": (
        HEADER + ROW + "AA,equity,yahoo\n",
        "line 3: 3 cells where the header has 8",
        COMPLETE,
    ),
    "cut off": ((HEADER + ROW)[:-24], "line 2: 6 cells where the header has 8", COMPLETE),
    "a decimal comma": (
        HEADER + ROW + "AA,equity,yahoo,,,USD,1,5,2020-01-01\n",
        "line 3: 9 cells where the header has 8",
        TOO_MUCH,
    ),
    "a decimal comma in quotes": (
        HEADER + ROW + 'AA,equity,yahoo,,,USD,"1,5",2020-01-01\n',
        "line 3: start '1,5' is no date",
        DATES,
    ),
    "a symbol twice": (
        HEADER + ROW + "\nBB,equity,yahoo,,,,,\nAAPL,crypto,yahoo,X,,,,\n",
        "line 5: symbol AAPL is on line 2 already",
        "remove one of the two, or give one another name and fill its source_symbol",
    ),
    "a row after a cell of two lines": (
        HEADER + '"A\nA",equity,yahoo,,,,,\n',
        r"line 2: symbol 'A\nA' cannot be a name",
        NAMES,
    ),
}


@pytest.mark.parametrize(("content", "problem", "remedy"), FILES.values(), ids=FILES)
def test_a_file_is_refused(refused: Refused, content, problem: str, remedy: str) -> None:
    assert refused(content) == f"s.csv, {problem}\n{remedy}"


#: Symbol to currency of a row, what is said of it, and the remedy.
CELLS = {
    "no symbol": (",equity,yahoo,X,,,,", "symbol is empty", NAMES),
    "a path": ("../x,equity,yahoo,,,,,", "symbol '../x' cannot be a name", NAMES),
    "a path from the root": ("/etc/x,equity,yahoo,,,,,", "symbol '/etc/x' cannot be a name", NAMES),
    "a path of Windows": (
        "..\\x,equity,yahoo,,,,,",
        r"symbol '..\\x' cannot be a name",
        NAMES,
    ),
    "the folder above": ("..,equity,yahoo,,,,,", "symbol '..' cannot be a name", NAMES),
    "a hidden file": (".x,equity,yahoo,,,,,", "symbol '.x' cannot be a name", NAMES),
    "a pair as our name": (
        "BTC/USD,crypto,exchange,,kraken,,,",
        "symbol 'BTC/USD' cannot be a name",
        NAMES,
    ),
    "a formula": ("=1+1,equity,yahoo,,,,,", "symbol '=1+1' cannot be a name", NAMES),
    "two words": ("BRK B,equity,yahoo,,,,,", "symbol 'BRK B' cannot be a name", NAMES),
    "a comment": ("# tech,equity,yahoo,,,,,", "symbol '# tech' cannot be a name", NAMES),
    "the name of a column of tables": (
        "date,equity,yahoo,,,,,",
        "symbol 'date' cannot be a name",
        NAMES,
    ),
    "a mark that cannot be seen": (
        "A\u200bA,equity,yahoo,,,,,",
        r"symbol 'A\u200bA' cannot be a name",
        NAMES,
    ),
    "letters that look alike": (
        "\u0410APL,equity,yahoo,,,,,",
        "symbol '\u0410APL' cannot be a name",
        NAMES,
    ),
    "much too long": (
        f"{'A' * 41},equity,yahoo,,,,,",
        f"symbol '{'A' * 39}... cannot be a name",
        NAMES,
    ),
    "an unknown class": (
        "AA,stock,yahoo,,,,,",
        "unknown asset_class 'stock'",
        "known: equity, crypto, index, reference",
    ),
    "a misspelt class": (
        "AA,Equity,yahoo,,,,,",
        "unknown asset_class 'Equity'",
        "did you mean equity?",
    ),
    "no class": (
        "AA,,yahoo,,,,,",
        "asset_class is empty",
        "known: equity, crypto, index, reference",
    ),
    "a misspelt source": ("AA,equity,yaho,,,,,", "unknown source 'yaho'", "did you mean yahoo?"),
    "an unknown source": (
        "AA,equity,stooq,,,,,",
        "unknown source 'stooq'",
        "known: exchange, files, yahoo",
    ),
    "no source": ("AA,equity,,,,,,", "source is empty", "known: exchange, files, yahoo"),
    "an exchange that is not named": (
        "BTC,crypto,exchange,BTC/USD,,,,",
        "source exchange, but no exchange is named",
        "fill the column exchange, for example with kraken",
    ),
    "a path as an exchange": (
        "BTC,crypto,exchange,BTC/USD,../x,,,",
        "exchange '../x' cannot be one",
        "write a name such as kraken or XNYS, or leave the cell empty",
    ),
    "a sign as a currency": (
        "AA,equity,yahoo,,,US$,,",
        "currency 'US$' cannot be one",
        "write a name such as USD, or leave the cell empty",
    ),
    "a path at the source": (
        "AA,equity,yahoo,../../x,,,,",
        "source_symbol '../../x' cannot be a name at a source",
        AS_SOURCE,
    ),
    "a path at the source's root": (
        "AA,equity,yahoo,/x,,,,",
        "source_symbol '/x' cannot be a name at a source",
        AS_SOURCE,
    ),
    "a question to the source": (
        "AA,equity,yahoo,AA?range=1d,,,,",
        "source_symbol 'AA?range=1d' cannot be a name at a source",
        AS_SOURCE,
    ),
    "a start of another form": (
        "AA,equity,yahoo,,,,01/02/2020,",
        "start '01/02/2020' is no date",
        DATES,
    ),
    "a start in short": ("AA,equity,yahoo,,,,20200102,", "start '20200102' is no date", DATES),
    "an end that is cut off": (
        "AA,equity,yahoo,,,,,2020-12-3",
        "end '2020-12-3' is no date",
        DATES,
    ),
    "an end that is no day": (
        "AA,equity,yahoo,,,,,2021-02-29",
        "end '2021-02-29' is no date",
        DATES,
    ),
    "an end with an hour": (
        "AA,equity,yahoo,,,,,2021-01-01T00:00",
        "end '2021-01-01T00:00' is no date",
        DATES,
    ),
    "an end before the start": (
        "AA,equity,yahoo,,,,2020-01-02,2020-01-01",
        "start 2020-01-02 is after end 2020-01-01",
        "exchange the two",
    ),
}


@pytest.mark.parametrize(("row", "problem", "remedy"), CELLS.values(), ids=CELLS)
def test_a_cell_is_refused(refused: Refused, row: str, problem: str, remedy: str) -> None:
    assert refused(f"{HEADER}{ROW}{row}\n{ROW}") == f"s.csv, line 3: {problem}\n{remedy}"
