"""Figures of filings: twelve months from quarters and years, levels, and a year before.

Every filing is a row (period end, day of filing, months, value); known_from is the day after.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from feeds.figures import Figures
from feeds.filings.figures import filed_figures
from tests.filed_case import DATES, YEARS, on, series, table

NAN = np.nan


def test_a_year_and_the_quarters_since() -> None:
    found = series(YEARS)
    # Nothing before the first year: three quarters are no year, and none was filed before.
    assert np.isnan(found[:"2016-02-20"]).all()
    assert on(found, "2016-02-21", "2016-05-01") == [100.0, 100.0]
    # 100 + 14 - 10, then 100 + (14 + 26) - (10 + 20), then 100 + 73 - 60, then the year.
    assert on(found, "2016-05-02", "2016-08-02", "2016-11-02") == [104.0, 110.0, 113.0]
    assert on(found, "2017-02-21") == [120.0]


def test_cash_flows_are_the_fiscal_year_to_date() -> None:
    # To date: 10, 30, 60, 100 in 2015; 14, 40, 73, 120 in 2016.
    to_date = [10.0, 30.0, 60.0, 100.0, 14.0, 40.0, 73.0, 120.0]
    rows = [(*row[:3], value) for row, value in zip(YEARS, to_date)]
    found = series(rows, "operating_cash_flow_ttm")
    days = "2016-02-21", "2016-05-02", "2016-08-02", "2016-11-02", "2017-02-21"
    # The same twelve months as above: 100, 100 + 14 - 10, 100 + 40 - 30, 100 + 73 - 60, 120.
    assert on(found, *days) == [100.0, 104.0, 110.0, 113.0, 120.0]


def test_cash_flows_of_quarters_where_the_file_says_so() -> None:
    filings = table(YEARS, "operating_cash_flow")
    filings = filings.assign(cash_flow_months=filings["months"])
    events = filed_figures(filings, ["A"], DATES)
    found = pd.Series(Figures.of(events, (len(DATES), 1)).array("operating_cash_flow_ttm")[:, 0])
    found.index = DATES
    days = "2016-02-21", "2016-05-02", "2016-08-02", "2016-11-02", "2017-02-21"
    # As for income: 100, 100 + 14 - 10, 100 + 40 - 30, 100 + 73 - 60, 120.
    assert on(found, *days) == [100.0, 104.0, 110.0, 113.0, 120.0]
    # To date, and said so in months: 10, 30, 60, 100 in 2015; 14, 40, 73, 120 in 2016.
    to_date = [10.0, 30.0, 60.0, 100.0, 14.0, 40.0, 73.0, 120.0]
    filings = filings.assign(operating_cash_flow=to_date, cash_flow_months=[3.0, 6, 9, 12] * 2)
    events = filed_figures(filings, ["A"], DATES)
    assert "cash_flow_months" not in events
    found[:] = Figures.of(events, (len(DATES), 1)).array("operating_cash_flow_ttm")[:, 0]
    assert on(found, *days) == [100.0, 104.0, 110.0, 113.0, 120.0]


def test_half_years_count_to_date_whatever_the_figure() -> None:
    rows = [
        ("2015-06-30", "2015-08-01", 6, 45.0),
        ("2015-12-31", "2016-02-20", 12, 100.0),
        ("2016-06-30", "2016-08-01", 6, 52.0),
    ]
    # 100 + 52 - 45.
    assert on(series(rows), "2016-08-01", "2016-08-02") == [100.0, 107.0]


def test_four_quarters_where_the_fourth_is_filed_alone() -> None:
    ends = ["2015-03-31", "2015-06-30", "2015-09-30", "2015-12-31", "2016-03-31"]
    filed = ["2015-05-01", "2015-08-01", "2015-11-01", "2016-02-20", "2016-05-01"]
    rows = [(end, day, 3, float(value)) for end, day, value in zip(ends, filed, range(1, 6))]
    found = series(rows)
    # 1 + 2 + 3 + 4 = 10, then 2 + 3 + 4 + 5 = 14.
    assert on(found, "2016-02-21", "2016-05-02") == [10.0, 14.0]
    assert np.isnan(found[:"2016-02-20"]).all()
    # Cash flows to date cannot be added up so.
    assert np.isnan(series(rows, "operating_cash_flow_ttm")).all()


def test_a_missing_quarter_leaves_the_last_year_for_fifteen_months() -> None:
    rows = [row for row in YEARS[:7] if row[0] != "2016-03-31"]
    found = series(rows)
    # Nothing since the year can be had: it needs the first quarter. 2015-12-31 + 460 days.
    assert on(found, "2016-11-02", "2017-04-04") == [100.0, 100.0]
    assert np.isnan(found["2017-04-05":]).all()
    # Cash flows to date need no first quarter: 100 + 26 - 20, then 100 + 33 - 30.
    found = series(rows, "operating_cash_flow_ttm")
    assert on(found, "2016-08-02", "2016-11-02") == [106.0, 103.0]


def test_a_missing_quarter_of_the_year_before_leaves_what_was_known() -> None:
    rows = [row for row in YEARS if row[0] != "2015-06-30"]
    # First quarter 104; half-year and nine months lack the second of 2015.
    found = series(rows)
    assert on(found, "2016-05-02", "2016-08-02", "2016-11-02") == [104.0, 104.0, 104.0]
    assert on(found, "2017-02-21") == [120.0]


def test_an_amendment_counts_from_its_own_filing_on() -> None:
    rows = [*YEARS[:5], ("2015-12-31", "2016-06-10", 12, 90.0)]
    found = series(rows)
    # 100 + 14 - 10; the amended year makes it 90 + 14 - 10.
    assert on(found, "2016-05-02", "2016-06-10", "2016-06-11") == [104.0, 104.0, 94.0]
    # So does an amended quarter of the year before: 100 + 14 - 12.
    rows = [*YEARS[:5], ("2015-03-31", "2016-06-10", 3, 12.0)]
    assert on(series(rows), "2016-06-10", "2016-06-11") == [104.0, 102.0]
    # Of what is computed from an earlier period too, where the latest has no twelve months.
    rows = [*YEARS[1:5], ("2015-12-31", "2016-06-10", 12, 90.0)]
    assert on(series(rows), "2016-06-10", "2016-06-11") == [100.0, 90.0]


def test_quarters_that_are_filed_late_and_out_of_order() -> None:
    late = ("2016-03-31", "2016-09-15", 3, 14.0)
    rows = [row for row in YEARS[:6] if row[0] != "2016-03-31"] + [late]
    found = series(rows)
    # The half-year waits for its first quarter: 100 + (14 + 26) - (10 + 20).
    assert on(found, "2016-08-02", "2016-09-15", "2016-09-16") == [100.0, 100.0, 110.0]


def test_years_of_52_and_53_weeks() -> None:
    ends = ["2015-03-28", "2015-06-27", "2015-09-26", "2015-12-26"]
    ends += ["2016-03-26", "2016-07-02", "2016-10-01", "2016-12-31"]
    rows = [(end, *row[1:]) for end, row in zip(ends, YEARS)]
    days = "2016-02-21", "2016-05-02", "2016-08-02", "2016-11-02", "2017-02-21"
    assert on(series(rows), *days) == [100.0, 104.0, 110.0, 113.0, 120.0]


def test_the_stub_of_a_changed_fiscal_year_is_no_year() -> None:
    rows = [
        *YEARS[:4],
        ("2016-03-31", "2016-05-01", 3, 14.0),
        # Six months to the new end of the year, filed on a form for years.
        ("2016-06-30", "2016-08-20", 12, 40.0),
        ("2016-09-30", "2016-11-01", 3, 33.0),
        ("2017-06-30", "2017-08-20", 12, 150.0),
    ]
    found = series(rows)
    # 100 + 14 - 10 stays: neither 40 nor 40 + 33 - 30 is of twelve months.
    assert on(found, "2016-08-21", "2016-11-02") == [104.0, 104.0]
    # 2016-03-31 + 460 days is 2017-07-04.
    assert on(found, "2017-07-04") == [104.0] and np.isnan(on(found, "2017-07-05")[0])
    assert on(found, "2017-08-21") == [150.0]
    # Nor are cash flows since the stub added to the year before it: what was known stays.
    found = series(rows, "operating_cash_flow_ttm")
    assert on(found, "2016-08-21", "2016-11-02") == [104.0, 104.0]


def test_an_end_of_the_year_that_moves_by_a_month_matches_nothing() -> None:
    ends = ["2015-03-31", "2015-12-31", "2016-04-30"]
    filed = ["2015-05-01", "2016-02-20", "2016-06-01"]
    rows = list(zip(ends, filed, [3, 12, 3], [10.0, 100.0, 14.0]))
    assert on(series(rows), "2016-06-02") == [100.0]
    assert on(series(rows, "operating_cash_flow_ttm"), "2016-06-02") == [100.0]
    # Two and a half weeks would do: 2015-12-31 less 91 days from 2016-04-17; 100 + 14 - 10.
    rows[2] = ("2016-04-17", *rows[2][1:])
    assert on(series(rows), "2016-06-02") == [104.0]


def test_periods_of_other_lengths_are_not_added_nor_taken_off() -> None:
    ends = ["2015-03-31", "2015-06-30", "2015-09-30", "2015-12-31"]
    filed = ["2015-05-01", "2015-08-01", "2015-11-01", "2016-02-20"]
    rows = list(zip(ends, filed, [3, 6, 3, 3], [1.0, 2.0, 3.0, 4.0]))
    assert np.isnan(series(rows)).all()
    # A half-year is not comparable with what the year before was a quarter.
    rows = [
        ("2015-06-30", "2015-08-01", 3, 20.0),
        ("2015-12-31", "2016-02-20", 12, 100.0),
        ("2016-06-30", "2016-08-01", 6, 52.0),
    ]
    assert on(series(rows), "2016-08-02") == [100.0]
    assert on(series(rows, "operating_cash_flow_ttm"), "2016-08-02") == [100.0]


def test_a_year_that_is_filed_too_late_is_never_known() -> None:
    # 2015-12-31 + 460 days is 2017-04-04.
    for filed, expected in (("2017-04-03", 5.0), ("2017-04-04", NAN), ("2017-04-20", NAN)):
        found = series([("2015-12-31", filed, 12, 5.0)])
        known = on(found, str(np.datetime64(filed) + 1))
        np.testing.assert_array_equal(known, [expected])
        assert np.isnan(found["2017-04-05":]).all()


def test_nothing_is_known_the_day_before() -> None:
    rows = [("2015-12-31", "2016-02-20", 12, 100.0), ("2015-12-31", "2016-02-21", 12, 90.0)]
    for name in ("net_income_ttm", "assets"):
        days = "2016-02-20", "2016-02-21", "2016-02-22"
        np.testing.assert_array_equal(on(series(rows, name), *days), [NAN, 100.0, 90.0])
    year_ago = [("2014-12-31", *row[1:]) for row in rows]
    year_ago += [("2015-12-31", "2016-02-20", 12, 1.0)]
    np.testing.assert_array_equal(
        on(series(year_ago, "assets_year_ago"), *days), [NAN, 100.0, 90.0]
    )


def test_without_the_length_of_the_period_there_are_no_twelve_months() -> None:
    filings = table(YEARS).drop(columns="months")
    assert "net_income_ttm" not in filed_figures(filings, ["A"], DATES)
    blank = [(*row[:2], NAN, row[3]) for row in YEARS]
    assert np.isnan(series(blank)).all()


def test_levels_are_those_of_the_latest_period() -> None:
    rows = [
        ("2015-03-31", "2015-05-01", 3, 10.0),
        ("2015-06-30", "2015-08-01", 3, 20.0),
        ("2015-03-31", "2015-09-01", 3, 11.0),  # an amendment of an earlier period
        ("2015-06-30", "2015-10-01", 3, 21.0),  # and one of the latest
    ]
    found = series(rows, "assets")
    days = "2015-05-01", "2015-05-02", "2015-08-02", "2015-09-02", "2015-10-02", "2018-06-30"
    np.testing.assert_array_equal(on(found, *days), [NAN, 10.0, 20.0, 20.0, 21.0, 21.0])


def test_a_year_before_is_of_the_period_a_year_before() -> None:
    found = series([(*row[:3], row[3]) for row in YEARS], "assets_year_ago")
    days = "2016-02-21", "2016-05-02", "2016-08-02", "2016-11-02", "2017-02-21"
    # The year before 2015-12-31 was never filed.
    np.testing.assert_array_equal(on(found, *days), [NAN, 10.0, 20.0, 30.0, 100.0])
    # Where the period of a year before is missing, what was known before it is not left over.
    rows = [row for row in YEARS if row[0] != "2015-06-30"]
    found = series(rows, "assets_year_ago")
    np.testing.assert_array_equal(on(found, *days), [NAN, 10.0, NAN, 30.0, 100.0])
    # An amendment of the year before counts from its own filing on.
    rows = [*YEARS, ("2015-12-31", "2017-03-01", 12, 95.0)]
    assert on(series(rows, "assets_year_ago"), "2017-03-01", "2017-03-02") == [100.0, 95.0]


def test_the_year_before_may_end_45_days_off() -> None:
    for day, expected in (("2015-02-15", 7.0), ("2015-02-14", NAN), ("2015-05-15", 7.0)):
        rows = [(day, "2015-06-01", 3, 7.0), ("2016-03-31", "2016-05-01", 3, 9.0)]
        # 2016-03-31 less 365 days is 2015-04-01; 45 days before it is 2015-02-15.
        found = series(rows, "assets_year_ago")
        np.testing.assert_array_equal(on(found, "2016-05-02"), [expected])


def test_filings_before_the_first_session_are_known_on_it() -> None:
    dates = DATES[DATES >= np.datetime64("2016-06-01")]
    found = series(YEARS, dates=dates)
    assert on(found, "2016-06-01", "2016-08-02") == [104.0, 110.0]
    assert on(series(YEARS, "assets", dates=dates), "2016-06-01") == [14.0]


@pytest.mark.parametrize("months", [3, 12])
def test_one_filing_alone(months: int) -> None:
    found = series([("2015-12-31", "2016-02-20", months, 5.0)])
    known = [5.0 if months == 12 else NAN]
    np.testing.assert_array_equal(on(found, "2016-02-21"), known)


def test_accruals_are_of_one_period() -> None:
    earned = table(YEARS[:6])
    received = [60.0, 70.0, 90.0, 130.0, 15.0, 40.0]
    # Income has no first quarter of 2015, and so only the year 2015 until the next year.
    whole = earned.assign(operating_cash_flow=received)
    whole.loc[0, "net_income"] = NAN
    found = {
        name: pd.Series(Figures.of({name: own}, (len(DATES), 1)).array(name)[:, 0], DATES)
        for name, own in filed_figures(whole, ["A"], DATES).items()
    }
    # Cash: 130, 130 + 15 - 60, 130 + 40 - 70. Both are known of the year 2015 alone.
    days = "2016-02-21", "2016-05-02", "2016-08-02"
    assert on(found["operating_cash_flow_ttm"], *days) == [130.0, 85.0, 100.0]
    assert on(found["net_income_ttm"], *days) == [100.0, 100.0, 100.0]
    assert on(found["accruals_ttm"], *days) == [-30.0, -30.0, -30.0]
    # With that quarter: 100 + 14 - 10 - 85 and 100 + 40 - 30 - 100.
    whole.loc[0, "net_income"] = 10.0
    events = filed_figures(whole, ["A"], DATES)["accruals_ttm"]
    full = pd.Series(Figures.of({"x": events}, (len(DATES), 1)).array("x")[:, 0], DATES)
    assert on(full, *days) == [-30.0, 19.0, 10.0]
