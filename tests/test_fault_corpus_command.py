"""The corpus of bad files through the command: nothing passes in silence, nothing is lost."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import tests.fault_corpus as corpus
from feeds.store import load_dataset
from runs.ingest import main

#: What the report calls a fault of the corpus; any of these, at one of the lines.
NAMES = {
    "empty": {"empty_row"},
    "not_positive": {"non_positive_close"},
    "range": {"bad_range", "close_outside_range"},
    "volume": {"bad_volume"},
    "split": {"unadjusted_split"},
    "event": {"bad_event"},
    "future": {"future_bar"},
    "infinite": {"infinite_price"},
    "time_of_day": {"mixed_times"},
    "redenomination": {"level_change"},
    "splice": {"loss", "splice"},
}


def ingest(*arguments: str) -> int:
    return main([*arguments, "--asset-class", "equity", "--out", "set", "--quiet"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good set in it, which no bad file may touch."""
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_bytes(corpus.text(corpus.good_rows()))
    assert ingest("--raw", "good.csv") == 0
    return tmp_path


def stored(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "set").iterdir() if path.is_file()}


@pytest.mark.parametrize("name", corpus.REFUSED)
def test_a_file_that_cannot_be_read_is_refused_and_the_set_stays(name, place, capsys):
    case = corpus.REFUSED[name]
    before = stored(place)
    (place / "bad").mkdir()
    (place / "bad" / case.file).write_bytes(case.content)
    options = [part for item in case.options.items() for part in ("--option", "=".join(item))]
    capsys.readouterr()
    assert ingest("--raw", f"bad/{case.file}", *options) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert 2 <= len(told) <= 3 and case.file in told[0] and case.says in told[0]
    assert stored(place) == before
    assert sorted(path.name for path in place.iterdir()) == ["bad", "good.csv", "set"]


@pytest.mark.parametrize("name", corpus.FOR_CLEANING)
def test_what_reads_and_is_wrong_is_in_the_report_at_its_line(name, place, capsys):
    case = corpus.FOR_CLEANING[name]
    (place / "bad").mkdir()
    (place / "bad" / case.file).write_bytes(case.content)
    names = NAMES.get(case.fault, {case.fault})
    code = ingest("--raw", f"bad/{case.file}")
    if code == 2:
        told = capsys.readouterr().err
        assert any(known in told for known in names), told
        if "loss" not in names:
            assert any(f"line {line}" in told for line in case.lines)
        return
    assert code == 0
    with open("set/repairs.csv", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["fault"] in names]
    assert rows
    if case.fault != "missing_day":
        # One row further on, where the level of a leap was confirmed.
        lines = {int(row["line"]) for row in rows}
        assert lines & {line + step for line in case.lines for step in (0, 1)}
        assert all(row["file"].endswith(case.file) for row in rows)
    load_dataset("set")
