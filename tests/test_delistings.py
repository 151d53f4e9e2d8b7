"""Delistings and their reasons, by column, by what is told of them, or unknown."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from feeds.delistings import end_reasons, read_delistings
from feeds.errors import DataError

EVENTS = (
    Path(__file__).parents[2] / "shared/data/packages/index-constitution-1.0.1/us_events.csv"
)  # fmt: skip
needs_data = pytest.mark.skipif(not EVENTS.exists(), reason="the shared data are not here")
HEADER = "event_date,event_type,old_symbol,new_symbol,notes\n"


def read(tmp_path, rows: str, header: str = HEADER, **columns):
    path = tmp_path / "events.csv"
    path.write_text(header + rows)
    return list(read_delistings(path, columns).itertuples(index=False, name=None))


def test_the_reason_is_what_is_told_of_it(tmp_path):
    rows = (
        "2015-03-23,delisting,NA,,Symbol no longer queryable.\n"
        '2009-06-01,delisting,GM,,"Filed for Chapter 11; its assets were acquired."\n'
        "2005-01-03,delisting,GM,,Merged with another.\n"
        "2001-02-27,delisting,FSR,USB,\n"
        "2012-01-05,ticker_change,HANS,MNST,Acquired a new name.\n"
    )
    assert read(tmp_path, rows) == [
        ("FSR", "2001-02-27", "merger"),
        ("GM", "2005-01-03", "merger"),
        ("GM", "2009-06-01", "bankruptcy"),
        ("NA", "2015-03-23", "unknown"),
    ]


def test_a_given_reason_comes_first(tmp_path):
    header = "symbol,date,reason,notes\n"
    rows = "A,2015-03-23,Bankruptcy,acquired\nB,2015-03-23,,acquired\n"
    found = [("A", "2015-03-23", "bankruptcy"), ("B", "2015-03-23", "merger")]
    assert read(tmp_path, rows, header) == found
    with pytest.raises(DataError, match="events.csv, line 2: unknown reason 'banckruptcy'"):
        read(tmp_path, "A,2015-03-23,banckruptcy,\n", header)


def test_faults_are_refused_with_file_and_line(tmp_path):
    with pytest.raises(DataError, match="line 2: event_date '2015-3-23' is no date"):
        read(tmp_path, "2015-3-23,delisting,A,,\n")
    with pytest.raises(DataError, match="line 2: no symbol"):
        read(tmp_path, "2015-03-23,delisting,,,\n")
    with pytest.raises(DataError, match="line 1: no column date is recognised"):
        read(tmp_path, "A\n", "symbol\n")


def test_an_event_counts_for_the_series_that_ends_there(tmp_path):
    events = pd.DataFrame(
        [
            ("A", "2010-01-04", "merger"),  # another company of that ticker
            ("A", "2015-03-23", "bankruptcy"),
            ("B", "2015-03-23", "merger"),
            ("C", "2015-03-23", "merger"),
            ("D", "2015-03-23", "merger"),
        ],
        columns=["symbol", "date", "reason"],
    )
    ends = {"C": "2015-04-03", "A": "2015-03-20", "B": "2015-03-13", "X": "2015-03-20"}
    # Ten days after and before count, eleven do not.
    assert end_reasons(events, ends) == {"A": "bankruptcy", "B": "merger"}
    assert list(end_reasons(events, {**ends, "C": "2015-04-02"})) == ["C", "A", "B"]
    assert end_reasons(events, ends, days=11) == {
        "C": "merger", "A": "bankruptcy", "B": "merger",
    }  # fmt: skip


def test_an_event_of_a_reused_ticker_is_that_of_the_series_that_ended_then():
    events = pd.DataFrame(
        [("H", "2015-11-06", "bankruptcy"), ("H", "2016-06-13", "merger")],
        columns=["symbol", "date", "reason"],
    )
    ends = {"H": "2015-11-05", "H.2": "2016-06-13"}
    assert end_reasons(events, ends, parents={"H.2": "H"}) == {"H": "bankruptcy", "H.2": "merger"}
    assert end_reasons(events, ends) == {"H": "bankruptcy"}


@needs_data
def test_real_events():
    raw = pd.read_csv(EVENTS, dtype=str, keep_default_na=False)
    found = read_delistings(EVENTS)
    assert len(found) == (raw["event_type"] == "delisting").sum() == 111
    reasons = found.drop_duplicates("symbol").set_index("symbol")["reason"]
    # By eye: an acquisition for cash, a merger into another ticker, and one of which the file
    # says nothing but that the symbol is gone.
    assert reasons[["WBD", "FSR", "TSG"]].tolist() == ["merger", "merger", "unknown"]
