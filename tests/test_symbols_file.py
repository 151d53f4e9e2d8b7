"""The symbols file: what it holds, however it is written, and wherever it is."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feeds.errors import DataError
from feeds.sources.request import SymbolRequest
from feeds.symbols_file import ASSET_CLASSES, SYMBOL_COLUMNS, SYMBOL_SOURCES, read_symbols

HEADER = "symbol,asset_class,source,source_symbol,exchange,currency,start,end\n"
ROW = "AAPL,equity,yahoo,,,USD,2010-01-04,2020-12-31\n"
AAPL = SymbolRequest(
    "AAPL", "equity", "yahoo", "AAPL", "", "USD", dt.date(2010, 1, 4), dt.date(2020, 12, 31)
)
Read = Callable[[str | bytes], tuple[SymbolRequest, ...]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read a file s.csv with the given content."""
    monkeypatch.chdir(tmp_path)

    def read_content(content: str | bytes) -> tuple[SymbolRequest, ...]:
        Path("s.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_symbols("s.csv")

    return read_content


class TestWhatItHolds:
    def test_a_row_is_a_request(self, read):
        assert read(HEADER + ROW) == (AAPL,)

    def test_rows_keep_their_order(self, read):
        rows = "".join(f"{name},equity,yahoo,,,,,\n" for name in ("ZM", "AA", "MM"))
        assert [request.symbol for request in read(HEADER + rows)] == ["ZM", "AA", "MM"]

    def test_symbols_are_text(self, read):
        names = ["NA", "NAN", "TRUE", "ON", "NO", "null", "None", "0700", "1e5", "inf", "007"]
        rows = "".join(f"{name},equity,yahoo,,,,,\n" for name in names)
        found = read(HEADER + rows)
        assert [request.symbol for request in found] == names
        assert [request.source_symbol for request in found] == names

    def test_what_is_empty_is_not_given(self, read):
        assert read(HEADER + "AA,index,yahoo,,,,,\n") == (
            SymbolRequest("AA", "index", "yahoo", "AA", "", "", None, None, "1d"),
        )

    def test_columns_may_be_missing_or_in_another_order(self, read):
        text = "source,end,symbol,asset_class\nyahoo,2020-12-31,AA,equity\n"
        assert read(text) == (
            SymbolRequest("AA", "equity", "yahoo", "AA", end=dt.date(2020, 12, 31)),
        )

    def test_the_source_may_call_it_otherwise(self, read):
        text = (
            HEADER + "BTC,crypto,exchange,BTC/USDT:USDT,binance,USDT,,\nSPX,index,yahoo,^GSPC,,,,\n"
        )
        bitcoin, index = read(text)
        assert (bitcoin.source_symbol, bitcoin.exchange) == ("BTC/USDT:USDT", "binance")
        assert index.source_symbol == "^GSPC"

    def test_a_name_of_the_source_need_not_be_latin(self, read):
        assert (
            read(HEADER + "X,crypto,exchange,币安/USDT,binance,,,\n")[0].source_symbol
            == "币安/USDT"
        )

    def test_one_day_is_a_span(self, read):
        (request,) = read(HEADER + "AA,equity,yahoo,,,,2020-02-29,2020-02-29\n")
        assert request.start == request.end == dt.date(2020, 2, 29)

    def test_another_source_can_be_known(self, read, tmp_path):
        text = HEADER + "AA,equity,vendor,,,,,\n"
        with pytest.raises(DataError, match="unknown source 'vendor'"):
            read(text)
        assert read_symbols(tmp_path / "s.csv", sources=("vendor",))[0].source == "vendor"


class TestHowItIsWritten:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"\xef\xbb\xbf" + (HEADER + ROW).encode(), id="byte order mark"),
            pytest.param((HEADER + ROW).replace("\n", "\r\n"), id="CRLF"),
            pytest.param((HEADER + ROW).replace("\n", "\r"), id="CR"),
            pytest.param((HEADER + ROW).rstrip("\n"), id="no end of line at the end"),
            pytest.param((HEADER + ROW).replace(",", " , "), id="spaces around cells"),
            pytest.param(f"\n{HEADER}\n  \n{ROW}\n\n", id="blank lines"),
            pytest.param(HEADER + ROW.replace("AAPL", '"AAPL"'), id="quotes"),
        ],
    )
    def test_it_means_the_same(self, read, content):
        assert read(content) == (AAPL,)


class TestWhereItIs:
    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(DataError) as caught:
            read_symbols(tmp_path / "none.csv")
        assert str(caught.value) == (
            f"{tmp_path}/none.csv: cannot be read: No such file or directory\n"
            "name a symbols file, such as configs/symbols.csv"
        )

    def test_a_folder(self, tmp_path):
        with pytest.raises(DataError, match=": not a plain file"):
            read_symbols(tmp_path)

    def test_a_device_that_never_ends(self):
        with pytest.raises(DataError, match="/dev/zero: not a plain file"):
            read_symbols("/dev/zero")

    def test_a_name_that_cannot_be_one(self):
        with pytest.raises(DataError, match=r"'a\\x00b': cannot be read: embedded null byte"):
            read_symbols("a\x00b")

    def test_a_name_of_two_lines_is_told_on_one(self, tmp_path):
        path = tmp_path / "a\nb.csv"
        path.write_text("")
        with pytest.raises(DataError) as caught:
            read_symbols(path)
        assert len(str(caught.value).splitlines()) == 2

    def test_a_file_of_another_size(self, tmp_path):
        path = tmp_path / "s.csv"
        with open(path, "wb") as stream:
            stream.truncate(17 * 1024**2)
        with pytest.raises(DataError, match="larger than 16 MB, too large for symbols"):
            read_symbols(path)


NAME = st.from_regex(r"[A-Za-z0-9^$][A-Za-z0-9._=^&$+-]{0,39}", fullmatch=True)
DAYS = st.lists(st.dates(), min_size=2, max_size=2).map(sorted)


@st.composite
def requests(draw: st.DrawFn) -> SymbolRequest:
    symbol = draw(NAME.filter(lambda name: name != "date"))
    start, end = (draw(st.sampled_from([day, None])) for day in draw(DAYS))
    return SymbolRequest(
        symbol,
        draw(st.sampled_from(ASSET_CLASSES)),
        draw(st.sampled_from(SYMBOL_SOURCES)),
        draw(st.sampled_from([symbol, "^GSPC", "BTC/USDT", "BRK-B"])),
        draw(st.sampled_from(["kraken", "XNYS"])),
        draw(st.sampled_from(["USD", "GBp", ""])),
        start,
        end,
    )


@settings(derandomize=True, max_examples=60, deadline=None)
@given(wanted=st.lists(requests(), min_size=1, max_size=6, unique_by=lambda item: item.symbol))
def test_what_is_written_is_read(tmp_path_factory, wanted: list[SymbolRequest]) -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([name for name in SYMBOL_COLUMNS if name != "sector"])
    # The last field of a request, its interval, is no column.
    rows.writerows(["" if cell is None else cell for cell in astuple(item)[:-1]] for item in wanted)
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(text.getvalue().encode())
    assert read_symbols(path) == tuple(wanted)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    content=st.binary(max_size=80)
    | st.text('AB,"\n\r;/.\x00\ufeff ', max_size=60).map(lambda text: (HEADER + text).encode())
    | st.integers(0, len(HEADER + ROW + ROW)).map(lambda size: (HEADER + ROW + ROW)[:size].encode())
)
@example(content=b'"' + b"A" * 140_000)
def test_any_other_file_is_refused_with_its_line(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        found = read_symbols(path)
    except DataError as error:
        assert str(error).startswith(f"{path}, line ")
        assert len(str(error).splitlines()) == 2
    else:
        # A cut that leaves whole rows, or one inside the last, empty or complete cell.
        assert {request.symbol for request in found} == {"AAPL"}


class TestTheOneThatComesWithTheProject:
    @pytest.fixture
    def bundled(self) -> tuple[SymbolRequest, ...]:
        return read_symbols(Path(__file__).parent.parent / "configs" / "symbols.csv")

    def test_it_has_stocks_funds_and_coins(self, bundled):
        counts = {
            (source, kind): sum((r.source, r.asset_class) == (source, kind) for r in bundled)
            for source in SYMBOL_SOURCES
            for kind in ASSET_CLASSES
        }
        assert {key: count for key, count in counts.items() if count} == {
            ("exchange", "crypto"): 5,
            ("yahoo", "equity"): 19,
            ("yahoo", "index"): 1,
            ("yahoo", "reference"): 1,
        }

    def test_it_shows_what_a_source_may_call_a_symbol(self, bundled):
        renamed = {r.symbol: r.source_symbol for r in bundled if r.symbol != r.source_symbol}
        assert renamed == {
            "BRK.B": "BRK-B",
            "SPX": "^GSPC",
            **{name: f"{name}/USDT" for name in ("BTC", "ETH", "LTC", "XRP", "ADA")},
        }

    def test_each_says_from_when_and_in_which_currency(self, bundled):
        assert all(r.start is not None and r.end is None for r in bundled)
        assert [r.currency for r in bundled] == ["USD"] * 21 + ["USDT"] * 5
