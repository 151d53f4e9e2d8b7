"""Time-series momentum and the 52-week high, by hand and against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factors import high_52w, trend
from feeds.errors import ConfigError

NAN = np.nan


def test_trend_by_hand(make_panel) -> None:
    # Returns +10 %, -10 %, +20 %, and 0: P = 100, 110, 99, 118.8, 118.8. Lookback 4 at row 4:
    # 118.8/100 - 1 = 0.188. The deviation of the last two returns, 0.2 and 0: mean 0.1,
    # squares 0.01 + 0.01 over 1 = 0.02; sqrt(0.02) times sqrt(4). 0.188 / (2 sqrt(0.02)).
    panel = make_panel(np.array([[100.0], [110.0], [99.0], [118.8], [118.8]]))
    scores = trend(panel, lookback=4, volatility_lookback=2)[:, 0]
    assert np.isnan(scores[:4]).all()
    assert scores[4] == pytest.approx(0.188 / (2.0 * np.sqrt(0.02)), rel=1e-12)


def test_the_sign_is_that_of_the_past_return(make_panel) -> None:
    panel = make_panel(shape=(120, 6))
    past = panel.close[30:] / panel.close[:-30] - 1.0
    scores = trend(panel, lookback=30, volatility_lookback=20)[30:]
    np.testing.assert_array_equal(np.sign(scores), np.sign(past))


def test_a_price_that_stands_still_or_grows_evenly_has_no_trend_to_speak_of(make_panel) -> None:
    close = np.column_stack([np.full(40, 5.0), 2.0 ** np.arange(40.0)])
    assert np.isnan(trend(make_panel(close), lookback=10, volatility_lookback=10)).all()


@pytest.mark.parametrize("calendar, year, half", [("XNYS", 252, 126), ("24/7", 365, 182)])
def test_trend_of_a_year_over_half_a_year_is_the_default(make_panel, calendar, year, half) -> None:
    panel = make_panel(shape=(year + 20, 2), calendar=calendar)
    frame = pd.DataFrame(panel.close)
    scale = frame.pct_change(fill_method=None).rolling(half).std() * np.sqrt(year)
    expected = (frame / frame.shift(year) - 1.0) / scale
    np.testing.assert_allclose(trend(panel), expected, rtol=1e-9)


def test_high_by_hand(make_panel) -> None:
    # Window 3: 12/12, 9/12, 10/12, 10/10 as the 12 has left; before row 2 no window is whole.
    panel = make_panel(np.array([[10.0], [11.0], [12.0], [9.0], [10.0], [10.0]]))
    scores = high_52w(panel, lookback=3)[:, 0]
    np.testing.assert_allclose(scores, [NAN, NAN, 1.0, 0.75, 10 / 12, 1.0], rtol=1e-15)


def test_no_high_is_of_a_shorter_history(make_panel) -> None:
    close = np.full((30, 2), 10.0)
    close[:8, 1] = NAN  # listed on row 8: its window of 10 is whole on row 17
    scores = high_52w(make_panel(close, calendar="XNYS"), lookback=10)
    np.testing.assert_array_equal(np.isfinite(scores[:, 0]), np.arange(30) >= 9)
    np.testing.assert_array_equal(np.isfinite(scores[:, 1]), np.arange(30) >= 17)


def test_a_gap_does_not_count_and_the_last_close_stands_in(make_panel) -> None:
    # Window 3 at row 3, without a bar: the close carried is 11, the high of rows 1..3 is 12.
    panel = make_panel(np.array([[10.0], [12.0], [11.0], [NAN]]), calendar="XNYS")
    assert high_52w(panel, lookback=3)[3, 0] == pytest.approx(11.0 / 12.0, rel=1e-15)


def test_ties_one_asset_and_nothing_at_all(make_panel) -> None:
    np.testing.assert_array_equal(high_52w(make_panel(np.full((9, 2), 3.0)), lookback=4)[3:], 1.0)
    assert high_52w(make_panel(np.full((9, 1), 3.0)), lookback=4)[-1, 0] == 1.0
    nothing = make_panel(np.full((40, 1), NAN))
    assert np.isnan(high_52w(nothing, lookback=4)).all()
    assert np.isnan(trend(nothing, lookback=4, volatility_lookback=4)).all()


def test_empty_windows_are_refused(make_panel) -> None:
    with pytest.raises(ConfigError, match="factors.high_52w: lookback 0"):
        high_52w(make_panel(), lookback=0)
    for given in ({"lookback": 0}, {"volatility_lookback": -1}):
        with pytest.raises(ConfigError, match="factors.trend: lookback"):
            trend(make_panel(), **given)
