"""Index membership by dated spells; each fault with its line; the real list of constituents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.errors import ConfigError, DataError
from feeds.membership import MembershipOptions, read_membership
from feeds.reused_tickers import later_series
from feeds.spells import check_spells, membership

HISTORY = (
    Path(__file__).parents[2]
    / "shared/data/packages/index-constitution-1.0.1/sp500_history.csv"
)  # fmt: skip
needs_data = pytest.mark.skipif(not HISTORY.exists(), reason="the shared data are not here")
HEADER = "symbol,name,opt-in,opt-out\n"


def read(tmp_path, rows: str, symbols=None, header: str = HEADER, later=None, span=None, **options):
    path = tmp_path / "constituents.csv"
    path.write_text(header + rows)
    given = MembershipOptions(**options)
    return read_membership(path, symbols, given, span=span, later=later)


def spells(found) -> list[tuple]:
    return list(found.table.itertuples(index=False, name=None))


def test_spells_end_on_the_day_before_the_exit(tmp_path):
    rows = (
        "NA,Nano,2010-01-04,2012-06-01\n"
        "AMD,Advanced,2017-03-20,\n"
        "NA,Nano,2014-01-02,\n"
        "AMD,Advanced,1976-07-01,2013-09-20\n"
    )
    found = read(tmp_path, rows)
    assert spells(found) == [
        ("AMD", "1976-07-01", "2013-09-19"),
        ("AMD", "2017-03-20", ""),
        ("NA", "2010-01-04", "2012-05-31"),
        ("NA", "2014-01-02", ""),
    ]
    assert found.findings == () and found.unknown == () and found.limits() == ()
    assert (str(found.first_day), found.first_day_count) == ("1976-07-01", 1)
    included = read(tmp_path, rows, exit="last_day_in")
    assert included.table["end"].tolist() == ["2013-09-20", "", "2012-06-01", ""]


def test_no_day_of_membership_and_shared_days_are_told(tmp_path):
    rows = (
        "GAS,A,2011-12-12,2011-12-12\n"
        "AGN,Old,1976-07-01,2015-03-23\n"
        "AGN,New,1999-04-12,2020-05-12\n"
        "B,B,2000-01-03,2010-01-04\n"
        "B,B,2010-01-04,2012-01-03\n"  # back on the day on which it left: two spells that touch
    )
    found = read(tmp_path, rows)
    assert spells(found) == [
        ("AGN", "1976-07-01", "2020-05-11"),
        ("B", "2000-01-03", "2010-01-03"),
        ("B", "2010-01-04", "2012-01-02"),
    ]
    assert found.findings == (
        (2, "GAS", "never a member: it leaves on its day of entry"),
        (4, "AGN", "overlaps a spell and is merged"),
    )
    with pytest.raises(DataError, match="line 4: a spell of AGN from 1999-04-12 overlaps another"):
        read(tmp_path, rows, overlaps="refuse")


def test_a_spell_within_another_does_not_shorten_it(tmp_path):
    found = read(tmp_path, "T,a,1976-07-01,\nT,b,1983-11-30,2005-11-18\n")
    assert spells(found) == [("T", "1976-07-01", "")]


def test_names_without_bars_are_counted(tmp_path):
    rows = "A,A,2010-01-04,\nC,C,2010-01-04,2012-01-03\nB,B,2010-01-04,\nC,C,2013-01-03,\n"
    found = read(tmp_path, rows, {"A", "X"})
    assert spells(found) == [("A", "2010-01-04", "")]
    assert found.unknown == ("B", "C")
    assert found.limits()[0].startswith("2 of the 3 names that were members have no bars")


def test_who_was_a_member_outside_the_set_alone_is_not_missed(tmp_path):
    rows = (
        "A,A,2010-01-04,\n"
        "B,B,2000-01-03,2012-01-03\n"  # left before: its last day in is the 2nd
        "C,C,2000-01-03,2012-01-04\n"
        "D,D,2013-01-02,\n"
        "E,E,2013-01-03,\n"
        "F,F,2000-01-03,2001-01-03\n"
    )
    span = np.datetime64("2012-01-03"), np.datetime64("2013-01-02")
    found = read(tmp_path, rows, {"A", "F"}, span=span)
    assert found.unknown == ("C", "D") and found.known == 1
    assert found.table["symbol"].tolist() == ["A", "F"]


def test_a_reused_ticker_hands_its_membership_over(tmp_path):
    rows = "DTV,a,2010-01-04,2015-07-24\nDTV,b,2017-01-03,\nB,B,2010-01-04,\n"
    later = later_series({"DTV.2": "DTV"}, {"DTV.2": "2016-06-01"})
    found = read(tmp_path, rows, later=later)
    assert spells(found) == [
        ("B", "2010-01-04", ""), ("DTV", "2010-01-04", "2015-07-23"), ("DTV.2", "2017-01-03", ""),
    ]  # fmt: skip
    across = read(tmp_path, "DTV,a,2010-01-04,2017-01-03\n", later=later)
    assert spells(across) == [
        ("DTV", "2010-01-04", "2016-05-31"), ("DTV.2", "2016-06-01", "2017-01-02"),
    ]  # fmt: skip
    lasting = read(tmp_path, "DTV,a,2010-01-04,\n", later=later)
    assert spells(lasting) == [
        ("DTV", "2010-01-04", "2016-05-31"), ("DTV.2", "2016-06-01", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("NA,Nano,2010-13-04,\n", "line 2: opt-in '2010-13-04' is no date"),
        ("NA,Nano,,\n", "line 2: opt-in '' is no date"),
        ("B,B,2010-01-04,\nNA,Nano,2010-01-04,never\n", "line 3: opt-out 'never' is no date"),
        ("NA,Nano,2012-01-04,2010-01-04\n", "line 2: NA leaves on 2010-01-04, before it enters"),
        (",Nano,2010-01-04,\n", "line 2: no symbol"),
        ("", "line 1: no row below the header"),
        ("NA,2010-01-04,\n", "line 2: 3 cells where the header has 4"),
    ],
)
def test_faults_are_refused_with_file_and_line(tmp_path, rows, message):
    with pytest.raises(DataError, match=f"constituents.csv, {message}") as caught:
        read(tmp_path, rows)
    assert caught.value.remedy and len(str(caught.value).splitlines()) <= 3


def test_columns_may_be_named_and_rules_must_be_known(tmp_path):
    columns = {"symbol": "Instrument", "start": "In", "end": "Out"}
    found = read(tmp_path, "NA,2010-01-04,\n", None, "Instrument,In,Out\n", columns=columns)
    assert spells(found) == [("NA", "2010-01-04", "")]
    with pytest.raises(DataError, match="no column symbol is recognised among Instrument, In, Out"):
        read(tmp_path, "NA,2010-01-04,\n", None, "Instrument,In,Out\n")
    for wrong in ({"exit": "out"}, {"overlaps": "drop"}):
        with pytest.raises(ConfigError, match="of a membership file"):
            MembershipOptions(**wrong)


@needs_data
def test_the_constituents_of_an_index_become_members():
    found = read_membership(HISTORY)
    lines = [line for line, _, _ in found.findings]
    raw = pd.read_csv(HISTORY, dtype=str, keep_default_na=False)
    # Three spells without a day, by eye: AYE, GAS and HNG leave on the day on which they enter.
    assert sum("never" in what for _, _, what in found.findings) == 3
    assert len(found.table) == len(raw) - len(found.findings) and len(set(lines)) == len(lines)
    assert "ON" in set(found.table["symbol"])
    names = sorted(set(found.table["symbol"]))
    rows = [(name, "", "", "data_end") for name in names]
    assets = pd.DataFrame(rows, columns=["symbol", "start", "end", "end_reason"])
    checked = check_spells(Path("membership.csv"), found.table, assets)
    days = np.array(["2012-01-03", "2013-09-19", "2013-09-20", "2016-12-30"], "datetime64[D]")
    member = membership(assets, days, checked)
    # Counted on the raw rows, the day of exit not included.
    for row, day in enumerate(days.astype(str)):
        inside = (raw["opt-in"] <= day) & ((raw["opt-out"] == "") | (raw["opt-out"] > day))
        assert member[row].sum() == raw["symbol"][inside].nunique()
    amd = member[:, assets["symbol"].tolist().index("AMD")]
    assert amd.tolist() == [True, True, False, False]
