"""Rebalance dates, on calendars written out by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import ConfigError
from strategies.schedule import decision_rows

START = dt.date(2000, 1, 1)


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def decided(dates, following, rule, start=START, **options):
    rows = decision_rows(dates, np.datetime64(following), rule, start, **options)
    return [str(day) for day in dates[rows]]


#: Sessions about two year ends with their holidays; 2015-12-31 and 2016-12-30 end years.
YEAR_END = days("2015-12-23", "2015-12-24", "2015-12-28", "2015-12-31", "2016-01-04", "2016-01-05")


def test_weekly_decides_on_the_last_session_of_a_week():
    # Thursday the 24th before Christmas; Thursday the 31st before New Year; Tuesday the 5th is
    # followed by Wednesday and ends nothing.
    assert decided(YEAR_END, "2016-01-06", "weekly") == ["2015-12-24", "2015-12-31"]


def test_weeks_of_a_daily_calendar_end_on_sunday():
    dates = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-20"))
    assert decided(dates, "2020-01-20", "weekly") == ["2020-01-05", "2020-01-12", "2020-01-19"]


def test_monthly_and_quarterly_at_the_end_of_a_year():
    assert decided(YEAR_END, "2016-01-06", "monthly") == ["2015-12-31"]
    assert decided(YEAR_END, "2016-01-06", "quarterly") == ["2015-12-31"]


def test_the_same_month_of_another_year_is_another_month():
    dates = days("2015-03-30", "2016-03-30", "2016-03-31")
    assert decided(dates, "2016-04-01", "monthly") == ["2015-03-30", "2016-03-31"]


def test_quarters_end_in_march_june_september_and_december():
    dates = np.arange(np.datetime64("2019-01-01"), np.datetime64("2020-01-01"))
    ends = ["2019-03-31", "2019-06-30", "2019-09-30", "2019-12-31"]
    assert decided(dates, "2020-01-01", "quarterly") == ends
    assert len(decided(dates, "2020-01-01", "monthly")) == 12


@pytest.mark.parametrize(
    ("following", "expected"), [("2016-01-29", []), ("2016-02-01", ["2016-01-28"])]
)
def test_the_last_row_ends_its_month_if_the_next_session_lies_in_another(following, expected):
    assert decided(days("2016-01-27", "2016-01-28"), following, "monthly") == expected


def test_a_good_friday_at_the_end_of_a_quarter():
    # 2018-03-30 was Good Friday: Thursday the 29th ends week, month and quarter.
    dates = days("2018-03-28", "2018-03-29", "2018-04-02")
    for rule in ("weekly", "monthly", "quarterly"):
        assert decided(dates, "2018-04-03", rule) == ["2018-03-29"]


def test_every_n_sessions_counts_from_the_start():
    dates = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-11"))
    start = dt.date(2020, 1, 3)
    expected = ["2020-01-03", "2020-01-06", "2020-01-09"]
    assert decided(dates, "2020-01-11", 3, start) == expected
    assert len(decided(dates, "2020-01-11", 1, start)) == 8


def test_nothing_is_decided_before_the_start():
    dates = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-03-02"))
    start = dt.date(2020, 2, 1)
    assert decided(dates, "2020-03-02", "monthly", start) == ["2020-02-29"]


def test_a_start_between_sessions_begins_with_the_next_one():
    dates = days("2020-01-03", "2020-01-06", "2020-01-07")
    assert decided(dates, "2020-01-08", 2, dt.date(2020, 1, 4)) == ["2020-01-06"]


def test_explicit_dates_decide_on_their_session_or_the_one_before():
    dates = days("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07")
    # Saturday and Sunday fall back to one and the same Friday; order does not matter.
    wanted = (dt.date(2020, 1, 7), dt.date(2020, 1, 5), dt.date(2020, 1, 4))
    assert decided(dates, "2020-01-08", wanted) == ["2020-01-03", "2020-01-07"]


@pytest.mark.parametrize("day", [dt.date(2020, 1, 1), dt.date(2020, 1, 8)])
def test_explicit_dates_outside_the_data_are_refused(day):
    dates = days("2020-01-02", "2020-01-03", "2020-01-07")
    expected = f"portfolio.rebalance date {day} lies outside 2020-01-02..2020-01-07\n"
    with pytest.raises(ConfigError, match=expected):
        decided(dates, "2020-01-08", (dt.date(2020, 1, 3), day))


def test_a_start_after_the_data_is_refused():
    with pytest.raises(ConfigError, match="data.start 2021-01-01 is after the last session"):
        decided(days("2020-01-02"), "2020-01-03", "monthly", dt.date(2021, 1, 1))


def test_a_mixed_book_decides_where_the_next_day_is_a_session():
    # Friday 2020-01-31 ends the month, but Saturday has no stocks: the decision is put off to
    # Sunday, whose next day is a Monday.
    dates = np.arange(np.datetime64("2020-01-27"), np.datetime64("2020-02-05"))
    following = np.append(dates[1:], np.datetime64("2020-02-05"))
    fillable = np.is_busday(following)
    assert decided(dates, "2020-02-05", "monthly", fillable=fillable) == ["2020-02-02"]
    # Two decisions put off to the same day are one.
    every = decided(dates, "2020-02-05", 1, fillable=fillable)
    assert "2020-01-31" not in every and every.count("2020-02-02") == 1


def test_a_decision_that_no_later_day_can_fill_is_left_out():
    dates = days("2020-01-30", "2020-01-31")
    fillable = np.array([True, False])
    assert decided(dates, "2020-02-01", "monthly", fillable=fillable) == []


RULES = ["weekly", "monthly", "quarterly", 1, 3, 7]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    rule=st.sampled_from(RULES),
    seed=st.integers(0, 2**32 - 1),
    cut=st.integers(1, 119),
    gated=st.booleans(),
)
def test_cutting_the_data_moves_no_decision(rule, seed, cut, gated):
    rng = np.random.default_rng(seed)
    calendar = np.datetime64("2019-11-20") + np.cumsum(rng.integers(1, 5, 121))
    dates, after = calendar[:-1], calendar[1:]
    fillable = rng.random(120) < 0.6 if gated else None
    whole = decision_rows(dates, after[-1], rule, START, fillable=fillable)
    part = decision_rows(
        dates[:cut],
        after[cut - 1],
        rule,
        START,
        fillable=None if fillable is None else fillable[:cut],
    )
    assert part.tolist() == [row for row in whole.tolist() if row < cut]
    assert np.all(np.diff(whole) > 0)


def test_an_explicit_date_before_the_start_is_refused():
    dates = days("2020-01-02", "2020-01-03", "2020-01-07")
    with pytest.raises(ConfigError, match="2020-01-02 lies outside 2020-01-03..2020-01-07"):
        decision_rows(
            dates, np.datetime64("2020-01-08"), [dt.date(2020, 1, 2)], dt.date(2020, 1, 3)
        )
