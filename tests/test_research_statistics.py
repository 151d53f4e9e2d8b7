"""Many tests at once, verdicts by their rules, and weeks of stocks and coins, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.research_measures import MEASURES, measures_of
from analyzers.research_tests import (
    benjamini_hochberg,
    holm,
    p_of_t,
    smallest_sharpe,
)
from analyzers.research_verdicts import carry_table, sign_word, verdict_of, with_adjusted
from analyzers.research_weeks import coin_factor_weeks, french_weeks, weekly_closes
from feeds.errors import DataError


def test_holm_by_hand():
    # Sorted .01 .02 .03 .5 times 4 3 2 1: .04 .06 .06 .5, never falling.
    found = holm(np.array([0.02, np.nan, 0.5, 0.01, 0.03]))
    np.testing.assert_allclose(found, [0.06, np.nan, 0.5, 0.04, 0.06], rtol=1e-12)


def test_holm_never_exceeds_one():
    np.testing.assert_array_equal(holm(np.array([0.6, 0.9])), [1.0, 1.0])


def test_benjamini_hochberg_by_hand():
    # Sorted .01 .02 .03 .5 times 4/1 4/2 4/3 4/4: .04 .04 .04 .5, from the largest down.
    found = benjamini_hochberg(np.array([0.02, np.nan, 0.5, 0.01, 0.03]))
    np.testing.assert_allclose(found, [0.04, np.nan, 0.5, 0.04, 0.04], rtol=1e-12)


P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).map(np.array)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(P_VALUES)
def test_corrections_keep_the_order_and_lie_between_the_plain_and_bonferroni(p_values):
    plain, fdr, strict = p_values, benjamini_hochberg(p_values), holm(p_values)
    worst = np.minimum(p_values * len(p_values), 1.0)
    assert (plain <= fdr + 1e-15).all() and (fdr <= strict + 1e-15).all()
    assert (strict <= worst + 1e-15).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(strict[order]) >= 0).all() and (np.diff(fdr[order]) >= 0).all()


def test_no_tests_are_no_tests():
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_p_of_t():
    # Student with 10 degrees of freedom: 2.228 is the 97.5 % quantile of every table.
    assert p_of_t(-2.228139, 11) == pytest.approx(0.05, abs=1e-6)
    assert math.isnan(p_of_t(np.nan, 50)) and math.isnan(p_of_t(2.0, 1))


def test_smallest_sharpe():
    assert smallest_sharpe(4.0) == pytest.approx((1.959964 + 0.841621) / 2.0)
    assert math.isnan(smallest_sharpe(0.0))


@pytest.mark.parametrize(
    ("ranks", "pays", "verdict"),
    [
        ("yes!", "yes", "carries"),
        ("?", "yes!", "carries"),
        ("yes", "?", "hint"),
        ("yes!", "no", "split"),
        ("no", "yes", "split"),
        ("?", "no", "reversed"),
        ("no!", "no", "reversed"),
        ("?", "?", "not seen"),
        ("", "", "too thin"),
    ],
)
def test_verdicts(ranks, pays, verdict):
    assert verdict_of(ranks, pays) == verdict


def study(sample, universe, measure, ic, t, p, spread_t, spread_p, **more):
    line = {"sample": sample, "universe": universe, "measure": measure, "ic_mean": ic, "ic_t": t}
    line |= {"ic_p": p, "spread_t": spread_t, "spread_p": spread_p}
    return line | {"ic_detectable": 2.801585 * abs(ic / t) if t else np.nan} | more


def test_carry_table_by_hand():
    table = with_adjusted(
        pd.DataFrame(
            [
                study("us", "investable", "size", 0.01, 1.0, 0.32, 0.5, 0.6),
                study("coins", "full", "size", 0.05, 2.5, 0.013, 4.0, 0.0001),
                study("coins", "full", "momentum_3w", 0.04, 4.0, 0.0001, -2.1, 0.04),
            ]
        )
    )
    # Six tests: the smallest, 0.0001, becomes 0.0006; 0.013 of rank 3 becomes 0.052.
    assert table["spread_holm"].tolist()[1] == pytest.approx(0.0006)
    assert table["ic_holm"].tolist()[1] == pytest.approx(0.052)
    carry = carry_table(table, MEASURES, stocks=("us", "investable"), level=0.05)
    assert carry["measure"].tolist() == ["momentum_3w", "size"]
    assert carry["ranks"].tolist() == ["yes!", "yes"]
    assert carry["pays"].tolist() == ["no", "yes!"]
    assert carry["verdict"].tolist() == ["split", "carries"]
    # Errors .01 and .02: (.05 - .01) / sqrt(.01^2 + .02^2) = 1.789.
    assert carry["difference_t"].iloc[1] == pytest.approx(0.04 / math.sqrt(0.0005))
    assert math.isnan(carry["difference_t"].iloc[0])


def test_a_measure_without_a_test_is_too_thin():
    line = pd.Series(study("coins", "full", "size", np.nan, np.nan, np.nan, np.nan, np.nan))
    assert sign_word(line, "ic", 0.05) == ""


@pytest.mark.parametrize(("p", "word"), [(0.05, "yes"), (0.051, "?"), (0.02, "yes!")])
def test_words_turn_at_the_level(p, word):
    line = pd.Series({"ic_p": p, "ic_t": 2.0, "ic_holm": 0.05 if p == 0.02 else 0.051})
    assert sign_word(line, "ic", 0.05) == word


def test_measures_of_a_panel_need_its_fields(make_panel):
    keys = [measure.key for measure in measures_of(make_panel())]
    assert "momentum_3w" in keys and "size_volume" in keys
    assert "size" not in keys and "value" not in keys


def test_windows_are_of_equal_calendar_time():
    for measure in MEASURES:
        for name, sessions in measure.parameters.get("XNYS", {}).items():
            days = measure.parameters["24/7"][name]
            assert days == pytest.approx(sessions * 7 / 5, rel=0.04)


def french(dates, mkt_rf, rf):
    zero = {name: 0.0 for name in ("hml", "rmw", "cma", "umd")}
    return pd.DataFrame({"date": dates, "mkt_rf": mkt_rf, "smb": 0.01, "rf": rf, **zero})


def test_the_market_is_compounded_with_interest_in_it():
    # January 1st to 7th is week 1. (1.02 x 1.03) - 1 = 0.0506, interest 1.01^2 - 1 = 0.0201.
    weeks = french_weeks(french(["2014-01-02", "2014-01-07"], [0.01, 0.02], 0.01))
    assert weeks.index.tolist() == [pd.Timestamp("2014-01-07")]
    assert weeks["Market"].iloc[0] == pytest.approx(0.0506 - 0.0201)
    assert weeks["SMB"].iloc[0] == pytest.approx(0.0201)


def test_the_last_week_of_a_year_counts_its_last_seven_days():
    # Week 52 of 2014 is December 24th to 31st; the 24th is in no week of seven days.
    daily = french(["2014-12-24", "2014-12-26", "2014-12-31"], [0.5, 0.01, 0.02], 0.0)
    weeks = french_weeks(daily)
    assert weeks.index.tolist() == [pd.Timestamp("2014-12-31")]
    assert weeks["Market"].iloc[0] == pytest.approx(1.01 * 1.02 - 1)


def test_a_file_without_a_column_is_refused():
    with pytest.raises(DataError, match="umd"):
        french_weeks(french(["2014-01-02"], [0.01], 0.0).drop(columns="umd"))
    with pytest.raises(DataError, match="cmom"):
        coin_factor_weeks(pd.DataFrame({"yyww": [201401], "cmkt": [0.1], "csmb": [0.1]}))


def test_published_coin_weeks_end_on_their_last_day():
    table = pd.DataFrame({"yyww": [201401, 201452], "cmkt": 0.1, "csmb": 0.2, "cmom": 0.3})
    weeks = coin_factor_weeks(table)
    assert weeks.index.tolist() == [pd.Timestamp("2014-01-07"), pd.Timestamp("2014-12-31")]
    assert weeks.columns.tolist() == ["CMKT", "CSMB", "CMOM"]


def test_weekly_closes_by_hand():
    # Fridays 10, 11 and 22: B has no close on the second, and Wednesday's is not taken for it.
    dates = pd.to_datetime(["2020-10-09", "2020-10-14", "2020-10-16", "2020-10-23"])
    closes = pd.DataFrame(
        {"A": [10.0, 12.0, 11.0, 22.0], "B": [10.0, 12.0, np.nan, 22.0]}, index=dates
    )
    weekly = weekly_closes(closes)
    sundays = ["2020-10-11", "2020-10-18", "2020-10-25"]
    assert weekly.index.tolist() == [pd.Timestamp(day) for day in sundays]
    np.testing.assert_allclose(weekly["A"], [np.nan, 0.1, 1.0])
    assert weekly["B"].isna().all()
