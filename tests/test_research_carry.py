"""One sample of the research report: ranks and spreads by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyzers.research_carry import SampleScores, study_sample
from analyzers.research_measures import Measure
from analyzers.study_part import StudyData, StudyRules

RULES = StudyRules(quantile=0.5, min_breadth=4, horizon=7, periods_per_year=365)
MEASURE = Measure("made", "Made up", "momentum")


class TenBps:
    """Ten basis points of what is traded, 5.2 % a year on shorts."""

    def cost(self, entries, columns, trades):
        return np.abs(np.nan_to_num(trades)) * 1e-3

    def borrow_annual(self, columns):
        return np.full(len(columns), 0.052)


def growing(steps, days=43):
    """Marks of assets that grow by a step a day, from a Sunday on."""
    dates = np.datetime64("2020-01-05") + np.arange(days)
    marks = np.cumprod(
        np.vstack([np.ones(len(steps)), np.tile(1.0 + np.array(steps), (days - 1, 1))]), axis=0
    )
    return dates, marks


def sample(scores, steps=(0.02, 0.02, 0.01, 0.01), charge=None, marks=None):
    dates, made = growing(steps)
    marks = made if marks is None else marks
    rows = np.arange(0, len(dates), 7)[: len(scores)]
    data = StudyData(marks, dates, rows, np.arange(marks.shape[1]), None, charge)
    return SampleScores("coins", "full", {MEASURE: np.asarray(scores, dtype=float)}, data, RULES)


def test_a_spread_by_hand():
    # Decided on Sundays, entered on Mondays: 1.02^7 - 1.01^7 in every whole week, which a
    # rebalance between assets that grow alike does not change.
    found = study_sample(sample([[4, 3, 2, 1]] * 6))
    gross = found.gross["made"].dropna()
    np.testing.assert_allclose(gross, 1.02**7 - 1.01**7, rtol=1e-12)
    line = found.table.iloc[0]
    assert line["spread_annual"] == pytest.approx(52 * (1.02**7 - 1.01**7))
    assert line["years"] == pytest.approx(len(gross) / 52)
    # Of the first week Monday's entry is not a return yet.
    assert gross.index[0] == pd.Timestamp("2020-01-19")


def test_costs_and_fees_of_both_sides_are_lost():
    # The sides change places every week: each sells all and buys all, 2 x 10 bps a week, on the
    # day after the entry; growth is nothing, so that the spread is what is paid.
    scores = [[4, 3, 2, 1], [1, 2, 3, 4]] * 3
    found = study_sample(sample(scores, steps=(0.0,) * 4, charge=TenBps()))
    net = found.net["made"].dropna()
    np.testing.assert_allclose(found.gross["made"].dropna(), 0.0, atol=1e-15)
    np.testing.assert_allclose(net.iloc[1:-1], -2 * 0.002 - 0.052 / 52, rtol=1e-9)
    assert found.table.iloc[0]["spread_net_annual"] < 0.0


def test_a_side_may_lose_more_than_all_and_the_spread_goes_on():
    # A short that gains 400 % in one day: a book of both sides would be wiped out.
    dates, marks = growing((0.0,) * 4)
    marks[20:, 3] *= 5.0
    found = study_sample(sample([[4, 3, 2, 1]] * 6, marks=marks))
    gross = found.gross["made"].dropna()
    # Half of the short side is that asset: it gains 200 %.
    assert gross.min() == pytest.approx(-2.0)
    assert (gross == 0.0).sum() == len(gross) - 1


def test_perfect_ranks_have_an_ic_of_one():
    steps = (0.04, 0.03, 0.02, 0.01)
    line = study_sample(sample([[4, 3, 2, 1]] * 5, steps)).table.iloc[0]
    assert line["ic_mean"] == pytest.approx(1.0)
    assert line["decisions"] == 5 and line["ranked_median"] == 4
    # A coefficient that does not vary has no t-statistic, and is no test.
    assert np.isnan(line["ic_t"]) and np.isnan(line["ic_p"])


def test_four_weeks_ahead_is_a_look_four_times_as_far():
    days = 7 * 12
    turn = np.where(np.arange(days) < 40, 1.0, -3.0)[:, None]
    marks = np.cumprod(1.0 + 0.001 * turn * np.array([4.0, 3.0, 2.0, 1.0]), axis=0)
    scores = [[4, 3, 2, 1]] * 4
    dates = np.datetime64("2020-01-05") + np.arange(days)
    data = StudyData(marks, dates, np.arange(0, 28, 7), np.arange(4))
    given = SampleScores("coins", "full", {MEASURE: np.array(scores, dtype=float)}, data, RULES)
    line = study_sample(given).table.iloc[0]
    # A week ahead of every decision the order stands. Four weeks from the day after, to rows 29,
    # 36, 43 and 50: of the third, 24 days up and 4 thrice as steep down, of the last 17 and 11.
    assert line["ic_mean"] == pytest.approx(1.0)
    assert line["ic_month_mean"] == pytest.approx((1.0 + 1.0 + 1.0 - 1.0) / 4)


def test_thin_decisions_are_left_out():
    scores = np.array([[4, 3, 2, 1]] * 6, dtype=float)
    scores[:3, 0] = np.nan
    found = study_sample(sample(scores))
    assert found.table.iloc[0]["first"] == pd.Timestamp("2020-01-26")
    assert found.gross["made"].first_valid_index() == pd.Timestamp("2020-02-09")


def test_a_measure_that_is_always_thin_tells_its_breadth_only():
    found = study_sample(sample([[2, 1, np.nan, np.nan]] * 6))
    line = found.table.iloc[0]
    assert line["decisions"] == 0 and line["ranked_max"] == 2 and np.isnan(line["ic_mean"])
    assert found.gross.empty


def test_the_trimmed_spread_leaves_out_the_largest_weeks():
    rng = np.random.default_rng(5)
    dates = np.datetime64("2018-01-07") + np.arange(430)
    marks = np.cumprod(1 + rng.normal(0, 0.01, (430, 4)), axis=0)
    marks[200:, 0] *= 30.0
    rows = np.arange(0, 420, 7)
    data = StudyData(marks, dates, rows, np.arange(4))
    scores = {MEASURE: np.tile([4.0, 3.0, 2.0, 1.0], (len(rows), 1))}
    found = study_sample(SampleScores("coins", "full", scores, data, RULES))
    line, gross = found.table.iloc[0], found.gross["made"].dropna()
    ordered = sorted(gross)
    cut = len(ordered) // 20
    assert cut >= 2 and line["spread_annual"] > 5.0
    assert line["spread_trimmed_annual"] == pytest.approx(52 * np.mean(ordered[cut:-cut]))
    assert abs(line["spread_trimmed_annual"]) < 1.0
