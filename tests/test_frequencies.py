"""Compounding returns to the dates of a sparser series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import frequencies as f
from feeds.errors import DataError


@pytest.mark.parametrize(
    ("index", "name", "year"),
    [
        (pd.bdate_range("2020-01-01", periods=50), "daily", 252),
        (pd.date_range("2020-01-01", periods=50), "daily", 365),
        (pd.date_range("2020-01-03", periods=50, freq="W-FRI"), "weekly", 52),
        (pd.date_range("2020-01-31", periods=50, freq="ME"), "monthly", 12),
        (pd.date_range("2020-01-31", periods=50, freq="BME"), "monthly", 12),
    ],
)
def test_frequency_and_periods(index: pd.Index, name: str, year: int) -> None:
    assert f.frequency(index) == name and f.periods_per_year(index) == year


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.date_range("2020-01-01", periods=2), "2 dates"),
        (pd.date_range("2020-01-01", periods=8, freq="QE"), "days apart"),
    ],
)
def test_other_frequencies_are_refused(index: pd.Index, message: str) -> None:
    with pytest.raises(DataError, match=message):
        f.frequency(index)


def test_months_by_hand_and_only_whole_ones() -> None:
    index = pd.DatetimeIndex(
        ["2020-01-15", "2020-01-31", "2020-02-03", "2020-02-28", "2020-03-02", "2020-03-27"]
    )
    daily = pd.DataFrame({"r": [0.5, 0.1, 0.1, 0.2, 0.1, 0.1]}, index)
    ends = pd.date_range("2019-12-31", periods=6, freq="ME")
    found = f.compound(daily, ends, "monthly")
    # January starts on the 15th: left out. March ends on the 27th, four days early: kept.
    assert found.index.astype(str).tolist() == ["2020-02-29", "2020-03-31"]
    assert found["r"].tolist() == pytest.approx([1.1 * 1.2 - 1, 1.21 - 1])
    assert f.compound(daily.iloc[:-1], ends, "monthly").index.astype(str).tolist() == ["2020-02-29"]


def test_weeks_run_from_one_date_to_the_next() -> None:
    index = pd.date_range("2020-01-01", periods=12)
    daily = pd.DataFrame({"r": 0.01 * np.arange(12)}, index)
    weeks = pd.DatetimeIndex(["2020-01-03", "2020-01-07", "2020-01-10", "2020-01-14"])
    found = f.compound(daily, weeks, "weekly")
    assert found.index.equals(weeks[1:3].rename("date"))
    assert found.iloc[0, 0] == pytest.approx(1.03 * 1.04 * 1.05 * 1.06 - 1)
    assert found.iloc[1, 0] == pytest.approx(1.07 * 1.08 * 1.09 - 1)


def test_a_period_with_a_missing_return_is_missing() -> None:
    index = pd.bdate_range("2020-01-01", "2020-03-31")
    daily = pd.DataFrame({"a": 0.01, "b": 0.01}, index)
    daily.loc["2020-02-05", "b"] = np.nan
    found = f.compound(daily, index, "monthly")
    assert found["a"].notna().all() and found["b"].isna().tolist() == [False, True, False]


def test_both_sides_meet_at_month_ends() -> None:
    index = pd.bdate_range("2020-01-01", "2020-12-31")
    daily = pd.Series(0.001, index, name="book")
    last_sessions = pd.date_range("2020-01-31", periods=12, freq="BME")
    factors = pd.DataFrame({"m": 0.01}, last_sessions)
    own, market, often, compounded = f.align_frequencies(daily, factors)
    assert (often, compounded) == ("monthly", "returns") and own.index.equals(market.index)
    assert len(own) == 12 and own.iloc[0] == pytest.approx(1.001**23 - 1)  # 23 weekdays
    own, market, often, compounded = f.align_frequencies(
        factors["m"].rename("book"), daily.to_frame("m")
    )
    assert (often, compounded) == ("monthly", "factors") and own.index.equals(market.index)
    own, market, often, compounded = f.align_frequencies(daily, daily.to_frame("m"))
    assert (often, compounded) == ("daily", "") and own.index.equals(index)


def test_weekends_of_a_coin_count_on_monday() -> None:
    days = pd.date_range("2020-01-01", periods=40)  # a Wednesday
    coin = pd.Series(0.01, days, name="coin")
    sessions = days[days.day_of_week < 5]
    factors = pd.DataFrame({"m": 0.002}, sessions)
    own, market, often, compounded = f.align_frequencies(coin, factors)
    assert (often, compounded) == ("daily", "returns") and market.index.equals(sessions)
    # What came before the first session is not known; January 6th is a Monday.
    assert own.index.equals(sessions[1:])
    assert own.loc["2020-01-03"] == pytest.approx(0.01)
    assert own.loc["2020-01-06"] == pytest.approx(1.01**3 - 1)
    own, market, _, compounded = f.align_frequencies(factors["m"], coin.to_frame())
    assert compounded == "factors" and market.loc["2020-01-06", "coin"] == pytest.approx(
        1.01**3 - 1
    )


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_compounding_loses_no_return(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2020-01-01", "2021-06-30")
    daily = pd.DataFrame({"r": rng.normal(0, 0.02, len(index))}, index)
    months = f.compound(daily, index, "monthly")
    assert float((1 + months["r"]).prod()) == pytest.approx(float((1 + daily["r"]).prod()))
