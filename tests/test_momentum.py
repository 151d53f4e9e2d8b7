"""Momentum: hand-computed returns, short histories, gaps and calendars."""

from __future__ import annotations

import numpy as np
import pytest

from factors import momentum
from feeds.errors import ConfigError

NAN = np.nan


def test_by_hand(make_panel) -> None:
    # lookback 4, skip 1 at the last row (row 5): P(4) / P(1) - 1 = 15 / 12 - 1 = 0.25;
    # at row 4: P(3) / P(0) - 1 = 8 / 10 - 1 = -0.2. Earlier rows have no row t - 4.
    panel = make_panel(np.array([[10.0], [12.0], [9.0], [8.0], [15.0], [99.0]]))
    expected = [NAN, NAN, NAN, NAN, -0.2, 0.25]
    np.testing.assert_allclose(momentum(panel, lookback=4, skip=1)[:, 0], expected, rtol=1e-14)


def test_one_year_without_its_last_month_is_the_default(make_panel) -> None:
    # One price per row, equal to 1000 + row, so that rows can be read off the result.
    for calendar, lookback, skip in (("XNYS", 252, 21), ("24/7", 365, 30)):
        panel = make_panel(1000.0 + np.arange(400.0)[:, None], calendar=calendar)
        scores = momentum(panel)[:, 0]
        assert np.isnan(scores[:lookback]).all()
        last = (1000.0 + 399 - skip) / (1000.0 + 399 - lookback) - 1.0
        assert scores[399] == pytest.approx(last, rel=1e-14)
        assert np.isfinite(scores[lookback:]).all()


def test_three_weeks_of_liu_tsyvinski_wu(make_panel) -> None:
    panel = make_panel(np.geomspace(1.0, 2.0**2, 43)[:, None])  # doubles every 21 days
    np.testing.assert_allclose(momentum(panel, lookback=21, skip=0)[21:, 0], 1.0, rtol=1e-12)


def test_a_late_listing_is_not_scored_before_its_own_history(make_panel) -> None:
    close = np.full((10, 2), 10.0)
    close[:4, 1] = NAN  # listed on row 4, so that row 4 + 3 is the first with a window
    scores = momentum(make_panel(close), lookback=3, skip=0)
    np.testing.assert_array_equal(np.isfinite(scores[:, 0]), np.arange(10) >= 3)
    np.testing.assert_array_equal(np.isfinite(scores[:, 1]), np.arange(10) >= 7)


@pytest.mark.parametrize("calendar, week", [("XNYS", 5), ("24/7", 7)])
def test_a_price_is_carried_for_a_week_and_no_longer(make_panel, calendar, week) -> None:
    close = np.full((40, 1), 100.0)
    close[:11] = 50.0
    close[11:20] = NAN  # the last bar before the gap is row 10
    scores = momentum(make_panel(close, calendar=calendar), lookback=9, skip=0)[:, 0]
    # Scored while the last bar is at most a week old, and again from row 20 on; the start of
    # the window, t - 9, must have a price carried for at most a week too.
    ends = (np.arange(40) <= 10 + week) | (np.arange(40) >= 20)
    starts = (np.arange(40) - 9 <= 10 + week) | (np.arange(40) - 9 >= 20)
    expected = ends & starts & (np.arange(40) >= 9)
    np.testing.assert_array_equal(np.isfinite(scores), expected)
    assert scores[20] == 1.0  # 100 now over 50 on row 11, carried from row 10


def test_an_ended_series_is_no_longer_scored(make_panel) -> None:
    close = np.full((30, 1), 10.0)
    close[15:] = NAN
    scores = momentum(make_panel(close, calendar="XNYS"), lookback=5, skip=0)[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(scores)), np.arange(5, 20))


@pytest.mark.parametrize("lookback, skip", [(21, 21), (5, 21), (0, 0), (-5, 0), (10, -1)])
def test_an_empty_window_is_refused(make_panel, lookback: int, skip: int) -> None:
    with pytest.raises(ConfigError, match="factors.momentum: lookback .*no window"):
        momentum(make_panel(), lookback=lookback, skip=skip)


def test_a_panel_shorter_than_the_window_has_no_scores(make_panel) -> None:
    assert np.isnan(momentum(make_panel(shape=(20, 3)))).all()
    assert momentum(make_panel(shape=(1, 1))).shape == (1, 1)
