"""Filings become fundamentals: every version, known from the session after, nothing rewritten."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable, concatenate
from feeds.calendars import sessions
from feeds.errors import ConfigError, DataError
from feeds.filings.options import FilingOptions, parse_filing_options
from feeds.filings.read import read_filings
from feeds.filings.shares import closes_as_of
from feeds.filings.table import filings_table
from feeds.fundamentals import FUNDAMENTAL_COLUMNS, check_fundamentals
from feeds.reused_tickers import later_series

NAN = float("nan")
HEADER = "symbol,period_end,filed,equity,net_income,eps\n"


def bars(symbol: str, days, closes) -> BarTable:
    index = pd.DatetimeIndex(days, name="date")
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame({name: closes for name in names}, index=index, dtype="float64")
    return BarTable.from_frame(symbol, frame.assign(split_ratio=1.0, dividend=0.0))


SESSIONS = sessions("XNYS", np.datetime64("2015-01-02"), np.datetime64("2017-03-31"))
PRICES = [concatenate([bars(name, SESSIONS, 10.0) for name in ("NA", "B")])]
KINDS = {"NA": "traded", "B": "traded"}


def made(tmp_path, rows: str, header: str = HEADER, kinds=None, **options):
    path = tmp_path / "filings.csv"
    path.write_text(header + rows)
    given = FilingOptions(**options)
    return filings_table(read_filings(path, given), given, kinds or KINDS, PRICES)


def log(report) -> list[tuple]:
    rows = report.log.table()
    return list(
        zip(rows["symbol"], rows["date"].astype(str), rows["fault"], rows["action"], rows["line"])
    )


def test_a_filing_is_known_from_the_session_after_its_day(tmp_path):
    rows = (
        "NA,2015-12-31,2016-02-26,100e6,2e6,0.5\n"  # a Friday
        "NA,2016-03-31,2016-04-30,110e6,2e6,0.5\n"  # a Saturday
        "NA,2016-06-30,2016-07-01,120e6,2e6,0.5\n"  # the Friday before Independence Day
    )
    table, report = made(tmp_path, rows)
    assert table["known_from"].tolist() == ["2016-02-29", "2016-05-02", "2016-07-05"]
    assert tuple(table.columns) == (*FUNDAMENTAL_COLUMNS, "net_income", "eps")
    # 2e6 / 0.5 = 4e6 shares at 10 are a cap of 40 million; they count in shares of the filing day.
    assert table["shares"].tolist() == [4e6] * 3
    assert table["shares_as_of"].tolist() == ["2016-02-26", "2016-04-30", "2016-07-01"]
    assert table["book_equity"].tolist() == [100e6, 110e6, 120e6]
    assert (report.rows_in, report.rows_out, report.symbols) == (3, 3, 1)
    assert (report.shares_filed, report.shares_derived) == (0, 3)
    assert report.limits() == (
        "100% of the share counts are net income / earnings per share of a filing, "
        "which rounds them.",
    )
    universe = pd.DataFrame({"symbol": ["NA", "B"], "price_kind": "traded"})
    assert len(check_fundamentals(tmp_path / "fundamentals.csv", table, universe)) == 3


@pytest.mark.parametrize(
    ("filed", "known_from"),
    [
        ("2016-02-24T08:00:00", "2016-02-25"),  # before the open: still the session after
        ("2016-02-24T21:30:00-05:00", "2016-02-25"),
        ("2016-02-25T02:30:00Z", "2016-02-25"),  # the evening of the 24th in New York
        ("2016-02-25T05:30:00Z", "2016-02-26"),
        ("2016-02-24 23:59:59", "2016-02-25"),
    ],
)
def test_a_time_of_filing_counts_by_its_day_in_new_york(tmp_path, filed, known_from):
    table, _ = made(tmp_path, f"NA,2015-12-31,{filed},1,2,3\n")
    assert table["known_from"].tolist() == [known_from]


def test_every_version_of_a_period_stays_and_repeats_go(tmp_path):
    rows = (
        "NA,2016-03-31,2016-05-02,130,2,0\n"
        "NA,2015-12-31,2016-02-26,100,2,0\n"  # not in order of filing
        "NA,2015-12-31,2016-02-29,100,2,0\n"  # repeats it
        "NA,2015-12-31,2016-03-15,90,2,0\n"  # amends it
        "NA,2015-12-31,2016-05-16,100,2,0\n"  # amends it back: no repeat, and late
    )
    table, report = made(tmp_path, rows)
    assert table["known_from"].tolist() == ["2016-02-29", "2016-03-16", "2016-05-03", "2016-05-17"]
    assert table["book_equity"].tolist() == [100.0, 90.0, 130.0, 100.0]
    assert log(report) == [("NA", "2016-02-29", "repeated", "drop", 4)]
    assert (report.amended, report.late, report.rows_in, report.rows_out) == (2, 1, 5, 4)


def test_rows_that_cannot_be_used_are_dropped_and_told(tmp_path):
    rows = (
        "XX,2015-12-31,2016-02-26,100,2,0\n"
        "NA,2016-12-31,2016-02-29,100,2,0\n"
        "NA,2015-12-31,2016-03-01,,,\n"
        "B,2015-12-31,2016-03-02,100,2,0\n"
    )
    table, report = made(tmp_path, rows)
    assert table["symbol"].tolist() == ["B"]
    assert log(report) == [
        ("NA", "2016-02-29", "filed_before_period_end", "drop", 3),
        ("NA", "2016-03-01", "empty", "drop", 4),
        ("XX", "2016-02-26", "unknown_symbol", "drop", 2),
    ]
    assert report.as_dict()["faults"]["empty"] == {"drop": 1}
    assert report.log.table()["file"].str.endswith("filings.csv").all()


def test_two_different_filings_of_a_day_count_by_rule(tmp_path):
    rows = (
        "NA,2015-12-31,2016-02-26,100,2,0\n"
        "NA,2015-12-31,2016-02-26,900,2,0\n"
        "NA,2015-12-31,2016-02-26,100,2,0\n"
        "NA,2016-03-31,2016-05-02,130,2,0\n"
    )
    table, report = made(tmp_path, rows)
    assert table["book_equity"].tolist() == [130.0]
    assert [row[2:] for row in log(report)] == [("conflict", "drop", line) for line in (2, 3, 4)]
    assert made(tmp_path, rows, conflicts="first")[0]["book_equity"].tolist() == [100.0, 130.0]
    same_day = rows.replace(",100,2,0\nNA,2016-03", ",800,2,0\nNA,2016-03")
    assert made(tmp_path, same_day, conflicts="last")[0]["book_equity"].tolist() == [800.0, 130.0]


def test_the_same_filing_twice_on_a_day_is_no_conflict(tmp_path):
    rows = "NA,2015-12-31,2016-02-26,100,,0\n" * 2
    table, report = made(tmp_path, rows)
    assert table["book_equity"].tolist() == [100.0]
    assert log(report) == [("NA", "2016-02-26", "repeated", "drop", 3)]


def test_what_is_amended_before_the_next_session_was_never_known(tmp_path):
    rows = "NA,2015-12-31,2016-02-26,100,2,0\nNA,2015-12-31,2016-02-27,95,2,0\n"  # Fri, Sat
    table, report = made(tmp_path, rows)
    assert table["book_equity"].tolist() == [95.0]
    assert log(report) == [("NA", "2016-02-26", "superseded", "drop", 2)]


WIDE = "symbol,period_end,filed,equity,assets,net_income,revenue\n"


def test_filings_in_thousands_are_mended_against_those_before(tmp_path):
    rows = (
        "NA,2015-06-30,2015-08-03,10e6,40e6,-2e6,9e6\n"
        "NA,2015-09-30,2015-11-02,9e3,38e3,-1e3,8e3\n"  # all in thousands
        "NA,2015-12-31,2016-02-26,8e3,36e3,-9e3,30e3\n"  # and a year's figures too
        "NA,2016-03-31,2016-05-02,7e6,35e6,-1e6,7e6\n"  # back in units: not touched
        "B,2015-09-30,2015-11-02,9e3,38e3,-1e3,8e3\n"  # another symbol: nothing is known of it
    )
    table, report = made(tmp_path, rows, WIDE)
    own = table[table["symbol"] == "NA"]
    assert own["book_equity"].tolist() == [10e6, 9e6, 8e6, 7e6]
    assert own["net_income"].tolist() == [-2e6, -1e6, -9e6, -1e6]
    assert table.iloc[0]["book_equity"] == 9e3
    found = report.log.table()
    assert found["line"].tolist() == [3] * 4 + [4] * 4
    assert set(found["fault"]) == {"units_off_by_1000"} and set(found["action"]) == {"repair"}
    assert found["before"].tolist()[:4] == [9e3, 38e3, -1e3, 8e3]
    assert found["after"].tolist()[:4] == [9e6, 38e6, -1e6, 8e6]
    dropped, report = made(tmp_path, rows, WIDE, units="drop")
    assert dropped[dropped["symbol"] == "NA"]["book_equity"].tolist() == [10e6, 7e6]
    assert [row[2:] for row in log(report)] == [
        ("units_off_by_1000", "drop", 3), ("units_off_by_1000", "drop", 4),
    ]  # fmt: skip
    flagged, report = made(tmp_path, rows, WIDE, units="flag")
    assert flagged[flagged["symbol"] == "NA"]["book_equity"].tolist() == [10e6, 9e3, 8e3, 7e6]
    assert [row[3] for row in log(report)] == ["flag", "flag"]


def test_a_company_that_grew_is_compared_with_its_latest_filing(tmp_path):
    """10, 25, 60, 140 million, then 150 thousand: 1,000 times less than the filing before."""
    equities = ("10e6", "25e6", "60e6", "140e6", "150e3", "155e6")
    rows = "".join(
        f"NA,201{number}-06-30,201{number}-08-03,{equity},{equity},,\n"
        for number, equity in enumerate(equities, start=1)
    )
    table, report = made(tmp_path, rows, WIDE)
    assert table["book_equity"].tolist() == [10e6, 25e6, 60e6, 140e6, 150e6, 155e6]
    assert report.log.table()["line"].tolist() == [6, 6]


def test_filings_a_thousandfold_are_mended_down(tmp_path):
    rows = "NA,2015-06-30,2015-08-03,10e6,40e6,,\nNA,2015-09-30,2015-11-02,11e9,41e9,,\n"
    table, _ = made(tmp_path, rows, WIDE)
    np.testing.assert_allclose(table["assets"], [40e6, 41e6], rtol=1e-15)


@pytest.mark.parametrize(
    "second",
    [
        "5e6,100e6,,",  # a shell raises capital: assets 1,000 times, equity 200 times
        "25e6,100e3,,",  # equity alone
        "25e6,300e6,,",  # assets 3,000 times
        "300e3,1e6,,",  # ten times
        ",100e6,,",  # one figure tells nothing
    ],
)
def test_growth_is_no_wrong_unit(tmp_path, second):
    rows = f"NA,2015-06-30,2015-08-03,25e3,100e3,,\nNA,2015-09-30,2015-11-02,{second}\n"
    table, report = made(tmp_path, rows, WIDE)
    assert "units_off_by_1000" not in report.as_dict()["faults"]
    expected = [float(text or "nan") for text in second.split(",")[:2]]
    np.testing.assert_array_equal(table.iloc[1][["book_equity", "assets"]].astype(float), expected)


def test_a_figure_that_jumps_alone_is_flagged(tmp_path):
    rows = (
        "NA,2015-06-30,2015-08-03,85e6,100e6,2e6,9e6\n"
        "NA,2015-09-30,2015-11-02,90e3,101e6,2e3,9e6\n"
    )
    table, report = made(tmp_path, rows, WIDE)
    assert table["book_equity"].tolist() == [85e6, 90e3]
    found = report.log.table()
    assert found["column"].tolist() == ["book_equity", "net_income"]
    assert set(found["fault"]) == {"figure_off_by_1000"} and set(found["action"]) == {"flag"}


def test_share_counts_are_filed_or_derived_and_held_against_prices(tmp_path):
    header = "symbol,period_end,filed,net_income,eps,shares\n"
    rows = (
        "NA,2015-03-31,2015-05-01,,,5e6\n"  # 50 million at 10
        "NA,2015-06-30,2015-08-03,4e6,0.5,5e6\n"  # filed counts come first
        "NA,2015-09-30,2015-11-02,4e6,0.019,\n"  # too small to divide by
        "NA,2015-12-31,2016-02-26,4e6,-0.5,\n"  # of two signs
        "NA,2016-03-31,2016-05-02,-4e6,-0.5,\n"  # 8e6
        "NA,2016-06-30,2016-08-01,,,1.9e6\n"  # 19 million: too small a cap
        "NA,2016-09-30,2016-11-01,4e12,0.5,\n"  # 8e12 shares: too large a cap
        "NA,2016-12-31,2017-02-01,,,-5e6\n"
    )
    table, report = made(tmp_path, rows, header)
    expected = [5e6, 5e6, NAN, NAN, 8e6, NAN, NAN, NAN]
    np.testing.assert_array_equal(table["shares"], expected)
    assert (table["shares_as_of"] == "").tolist() == np.isnan(expected).tolist()
    assert (report.shares_filed, report.shares_derived) == (2, 1)
    found = report.log.table()
    assert found["line"].tolist() == [7, 8, 9]
    assert found["fault"].tolist() == ["cap_out_of_range"] * 2 + ["shares_not_positive"]
    assert found["before"].tolist() == [1.9e6, 8e12, -5e6]
    assert report.limits()[0].startswith("33% of the share counts")


def test_counts_of_adjusted_prices_are_left_out(tmp_path):
    rows = "NA,2015-12-31,2016-02-26,100e6,2e6,0.5\n"
    table, report = made(tmp_path, rows, kinds={"NA": "adjusted"})
    assert np.isnan(table["shares"]).all() and table["shares_as_of"].tolist() == [""]
    assert log(report) == [("NA", "2016-02-26", "prices_not_as_printed", "repair", 2)]
    assert report.shares_derived == 0 and report.limits() == ()


def test_the_day_of_a_count_may_be_given(tmp_path):
    header = "symbol,period_end,filed,shares,shares_as_of\n"
    rows = "NA,2015-12-31,2016-02-26,5e6,2016-02-12\nNA,2016-03-31,2016-05-02,5e6,\n"
    assert made(tmp_path, rows, header)[0]["shares_as_of"].tolist() == ["2016-02-12", "2016-05-02"]


def test_closes_are_the_last_before_and_no_older_than_a_month():
    days = np.array(["2016-01-04", "2016-01-06", "2016-01-07"], dtype="datetime64[D]")
    tables = [concatenate([bars("B", days, [1.0, 2.0, 3.0]), bars("A", days, [4.0, 5.0, 6.0])])]
    tables.append(bars("C", days[:1], [7.0]))
    asked = [
        ("A", "2016-01-03", NAN), ("A", "2016-01-04", 4.0), ("A", "2016-01-05", 4.0),
        ("A", "2016-02-06", 6.0), ("A", "2016-02-07", NAN), ("B", "2016-01-01", NAN),
        ("B", "2016-01-20", 3.0), ("C", "2016-01-20", 7.0), ("D", "2016-01-20", NAN),
    ]  # fmt: skip
    symbols = np.array([row[0] for row in asked], dtype=object)
    found = closes_as_of(tables, symbols, np.array([row[1] for row in asked], "datetime64[D]"))
    np.testing.assert_array_equal(found, [row[2] for row in asked])


def test_columns_are_recognised_or_named(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text(
        "Ticker,datadate,rdq,CEQ,netincomeloss,form,myratio\n"
        "NA,2015-12-31,2016-02-26,5,6,10-K/A,7\nB,2015-09-30,2015-11-02,5,6,10-q,\n"
    )
    found = read_filings(path, FilingOptions(columns={"my_ratio": "myratio"}))
    assert found.columns == {
        "symbol": "Ticker", "period_end": "datadate", "filed": "rdq", "book_equity": "CEQ",
        "net_income": "netincomeloss", "months": "form", "my_ratio": "myratio",
    }  # fmt: skip
    assert found.figures["months"].tolist() == [12.0, 3.0]
    # Two lengths of periods may come of one column.
    both = read_filings(path, FilingOptions(columns={"cash_flow_months": "form"}))
    assert both.figures["cash_flow_months"].tolist() == [12.0, 3.0]
    left_out = read_filings(path, FilingOptions(columns={"months": ""}))
    assert sorted(left_out.figures) == ["book_equity", "net_income"]


def test_a_parquet_file_is_read_alike(tmp_path):
    text = "NA,2015-12-31,2016-02-26,100e6,2e6,0.5\nB,2015-12-31,2016-02-26,,1234567.89,0.07\n"
    csv = made(tmp_path, text)[0]
    frame = pd.read_csv(tmp_path / "filings.csv", keep_default_na=False, na_values={"equity": ""})
    frame["period_end"] = pd.to_datetime(frame["period_end"])
    frame["filed"] = pd.to_datetime(frame["filed"]).dt.date
    frame.to_parquet(tmp_path / "filings.parquet", index=False)
    filings = read_filings(tmp_path / "filings.parquet")
    pd.testing.assert_frame_equal(filings_table(filings, FilingOptions(), KINDS, PRICES)[0], csv)
    assert filings.line.tolist() == [1, 2]
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "filings.parquet").read_bytes()[:-20])
    with pytest.raises(DataError, match="cut.parquet: not a whole Parquet file"):
        read_filings(tmp_path / "cut.parquet")


def test_a_filing_is_that_of_the_company_that_has_the_ticker(tmp_path):
    path = tmp_path / "filings.csv"
    rows = "NA,2015-06-30,2015-08-03,5,6,0\nNA,2016-06-30,2016-08-01,7e3,8e3,0\n"
    path.write_text(HEADER + rows)
    later = later_series({"NA.2": "NA"}, {"NA.2": "2016-08-01"})
    kinds = {"NA": "traded", "NA.2": "traded"}
    table, report = filings_table(read_filings(path), FilingOptions(), kinds, PRICES, later)
    assert table["symbol"].tolist() == ["NA", "NA.2"]
    # Two companies: the second is not a thousand times the first.
    assert table["book_equity"].tolist() == [5.0, 7e3] and not len(report.log.table())


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("symbol,filed,equity\n", {}, "line 1: no column period_end is recognised"),
        ("symbol,period_end,equity\n", {}, "line 1: no column filed is recognised"),
        ("symbol,period_end,filed\n", {}, "line 1: no figure is recognised"),
        (HEADER, {"assets": "Assets"}, "line 1: no column 'Assets', named for assets"),
        (HEADER, {"My Ratio": "eps"}, "'My Ratio' cannot be a figure's name"),
        (HEADER, {"known_from": "filed"}, "'known_from' cannot be a figure's name"),
        (HEADER + ",2015-12-31,2016-02-26,1,2,3\n", {}, "line 2: no symbol"),
        (HEADER + "NA,2015-12-32,2016-02-26,1,2,3\n", {}, "line 2: period_end .* is no date"),
        (HEADER + "NA,2015-12-31,26.02.2016,1,2,3\n", {}, "line 2: filed '26.02.2016' is no date"),
        (HEADER + "NA,2015-12-31,,1,2,3\n", {}, "line 2: filed '' is no date"),
        (HEADER + "NA,2015-12-31,2016-02-26,x,2,3\n", {}, "line 2: equity 'x' is no number"),
        (
            HEADER.replace("eps", "form") + "NA,2015-12-31,2016-02-26,1,2,8-K\n",
            {},
            "line 2: form '8-K' is no length of a period",
        ),
    ],
)
def test_faults_are_refused_with_file_and_line(tmp_path, content, options, message):
    path = tmp_path / "filings.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_filings(path, FilingOptions(columns=options))
    assert caught.value.remedy and len(str(caught.value).splitlines()) <= 3


def test_options_come_from_text():
    found = parse_filing_options({"units": "drop", "min_eps": "0.05", "book_equity": "ceq"})
    assert found == FilingOptions(columns={"book_equity": "ceq"}, units="drop", min_eps=0.05)
    with pytest.raises(ConfigError, match="min_eps 'x' is no number"):
        parse_filing_options({"min_eps": "x"})
    with pytest.raises(ConfigError, match="unknown units 'mend' of filings"):
        parse_filing_options({"units": "mend"})
    with pytest.raises(ConfigError, match="leave no share count"):
        FilingOptions(least_cap=1e9, most_cap=1e8)
