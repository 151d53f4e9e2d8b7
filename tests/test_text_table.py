"""Small tables: every cell as text, every fault with its line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from feeds.errors import DataError
from feeds.text_table import (
    find_column,
    parse_days,
    parse_numbers,
    read_text_table,
    symbols_of,
)


def table(tmp_path, content: bytes | str, name: str = "file.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_text_table(path)


def test_cells_are_text_and_lines_those_of_an_editor(tmp_path):
    text = '\ufeffsymbol, value\r\nNA,1\r\n\r\nTRUE," 1,5 "\r\n"a\nb",1e5\r\n'
    found = table(tmp_path, text)
    assert found.cells == {"symbol": ["NA", "TRUE", "a\nb"], "value": ["1", "1,5", "1e5"]}
    # Line 3 is empty; the last row ends on line 6, its cell holds a newline.
    assert found.line.tolist() == [2, 4, 6]
    assert found.place(1).endswith("file.csv, line 4")
    packed = table(tmp_path, gzip.compress(text.encode()), "file.csv.gz")
    assert packed.cells == found.cells
    assert len(table(tmp_path, "symbol,value\n")) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"a,a\n1,2\n", "line 1: column 'a' is there twice"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cells where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3: 3 cells where the header has 2"),
        (b"a,b\n1,2\n3,4", "line 3: cut off"),
        (b'a,b\n1,2\n3,"4\n', "line 3: not a row of a CSV"),
        (b"<html>\n", "line 1: a page or JSON"),
        (b'{"error": 1}\n', "line 1: a page or JSON"),
        (b"a,b\n1,\xff\n", "line 2: not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        (b"a,b\n1,2\n\x00,1\n", "line 3: a NUL byte"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(DataError, match=message) as caught:
        table(tmp_path, content)
    assert caught.value.remedy and str(tmp_path) in caught.value.problem


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot read .*none.csv: No such file"):
        read_text_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="not a plain file"):
        read_text_table(tmp_path)
    with pytest.raises(DataError, match="damaged, or cut off"):
        table(tmp_path, gzip.compress(b"a,b\n1,2\n" * 50)[:-9], "file.csv.gz")


def test_numbers_are_finite_or_missing(tmp_path):
    found = table(tmp_path, "a,b\n1.5,x\n,y\n-1e3,z\n")
    assert parse_numbers(found, "a").tolist() == pytest.approx([1.5, np.nan, -1000.0], nan_ok=True)
    for text in ("N/A", "nan", "inf", "1e400", "1_000", "1.000,5", "$5", "-"):
        wrong = table(tmp_path, f'a,b\n1,2\n"{text}",3\n')
        with pytest.raises(DataError, match="line 3: a .* is no number"):
            parse_numbers(wrong, "a")


def test_days_are_iso_days(tmp_path):
    found = table(tmp_path, "a,b\n2016-02-29,\n2016-12-30,2017-01-03\n")
    assert parse_days(found, "a").astype(str).tolist() == ["2016-02-29", "2016-12-30"]
    assert np.isnat(parse_days(found, "b", empty=True)).tolist() == [True, False]
    with pytest.raises(DataError, match="line 2: b '' is no date"):
        parse_days(found, "b")
    for text in (
        "2017-02-29",
        "29.02.2016",
        "2016/02/29",
        "20160229",
        "2016-02-29T10:00",
        "16-1-1",
    ):
        with pytest.raises(DataError, match="line 2: a .* is no date"):
            parse_days(table(tmp_path, f"a,b\n{text},1\n"), "a")


def test_columns_are_recognised_in_any_case_or_named(tmp_path):
    found = table(tmp_path, "Ticker,Day\nNA,2016-12-30\n")
    assert find_column(found, "symbol", ("symbol", "ticker"), {}) == "Ticker"
    assert find_column(found, "symbol", ("symbol",), {"symbol": "Day"}) == "Day"
    assert find_column(found, "end", ("end",), {}, needed=False) == ""
    assert symbols_of(found, "Ticker").tolist() == ["NA"]
    with pytest.raises(DataError, match="line 1: no column end is recognised among Ticker, Day"):
        find_column(found, "end", ("end",), {})
    with pytest.raises(DataError, match="line 1: no column 'Dai', named for end\n.*Day"):
        find_column(found, "end", ("end",), {"end": "Dai"})
    with pytest.raises(DataError, match="line 2: no symbol"):
        symbols_of(table(tmp_path, "a,b\n,1\n"), "a")
