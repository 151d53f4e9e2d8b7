"""Every bad file is refused with file, line and remedy, or read unharmed for cleaning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tests.fault_corpus as corpus
from feeds.bar_table import concatenate
from feeds.errors import DataError
from feeds.vendor_files.options import parse_options
from feeds.vendor_files.read import read_parts


def test_there_are_enough_and_each_differs() -> None:
    contents = [case.content for case in corpus.REFUSED.values()]
    contents += [case.content for case in corpus.FOR_CLEANING.values()]
    assert len(corpus.REFUSED) >= 60 and len(corpus.FOR_CLEANING) >= 25
    # Three faults are the good file itself under a name, a form or a column that it has not.
    assert len(set(contents)) >= len(contents) - 8


def test_the_good_file_reads(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_bytes(corpus.text(corpus.good_rows()))
    table = concatenate(list(read_parts([tmp_path])))
    expected = np.array([[float(cell) for cell in row[1:]] for row in corpus.good_rows()])
    names = ("open", "high", "low", "close", "volume")
    assert np.array_equal(np.column_stack([table[name] for name in names]), expected)


@pytest.mark.parametrize("name", corpus.REFUSED)
def test_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = corpus.REFUSED[name]
    monkeypatch.chdir(tmp_path)
    Path(case.file).write_bytes(case.content)
    with pytest.raises(DataError) as caught:
        list(read_parts([Path(case.file)], parse_options(case.options)))
    message = str(caught.value)
    place = {0: case.file, 1: f"{case.file}, line 1"}.get(case.line, case.file)
    if case.line:
        word = "row" if case.file.endswith(".parquet") else "line"
        place = f"{case.file}, {word} {case.line}"
    assert message.startswith(f"{place}:"), message
    assert case.says in caught.value.problem, message
    assert caught.value.remedy and len(message.splitlines()) == 2


@pytest.mark.parametrize("name", corpus.FOR_CLEANING)
def test_read_as_it_is(name: str, tmp_path: Path) -> None:
    case = corpus.FOR_CLEANING[name]
    path = tmp_path / case.file
    path.write_bytes(case.content)
    table = concatenate(list(read_parts([path])))
    assert len(table) == case.rows
    first = 1 if case.file.endswith(".parquet") else 2
    assert list(table.line) == list(range(first, case.rows + first))
    assert set(case.lines) <= set(table.line)
    if first == 2:
        _same_cells(case.content.decode().splitlines()[1:], table)


def _same_cells(lines: list[str], table: corpus.pd.DataFrame) -> None:
    """Each number is the one in the text, and each empty cell is NaN."""
    rows = [line.split(",") for line in lines]
    for at, name in enumerate(("open", "high", "low", "close", "volume"), 1):
        written = [float(row[at] or "nan") for row in rows]
        assert np.array_equal(table[name], written, equal_nan=True)
    days = [np.datetime64(row[0].replace(" ", "T"), "s") for row in rows]
    assert np.array_equal(table.time, days)
