"""Low volatility: hand-computed deviations, gaps and the fewest observations."""

from __future__ import annotations

import numpy as np
import pytest

from factors import get_factor, low_volatility
from feeds.errors import ConfigError

NAN = np.nan


def test_by_hand(make_panel) -> None:
    # Returns of rows 1..4: +10 %, -10 %, +10 %, +30 %. Window 3, all 3 needed.
    # Row 3: mean 1/30; deviations 1/15, -2/15, 1/15; squares (1 + 4 + 1)/225 = 6/225;
    # over n - 1 = 2: 3/225 = 1/75. Row 4: mean 0.1; deviations -0.2, 0, 0.2; 0.08/2 = 0.04.
    growth = np.cumprod([1.0, 1.1, 0.9, 1.1, 1.3])
    panel = make_panel(100.0 * growth[:, None])
    scores = low_volatility(panel, lookback=3, min_observations=3)[:, 0]
    expected = [NAN, NAN, NAN, -np.sqrt(1.0 / 75.0), -0.2]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_the_calmer_asset_scores_higher_and_the_label_says_so(make_panel) -> None:
    swing = np.where(np.arange(50) % 2, 1.0, -1.0)[:, None]
    panel = make_panel(100.0 * (1.0 + swing * np.array([[0.01, 0.05, 0.0]])))
    scores = low_volatility(panel, lookback=20)[-1]
    assert scores[2] > scores[0] > scores[1]
    assert scores[2] == 0.0 and not np.signbit(scores[2])
    assert get_factor("volatility").label == "Low volatility"


def test_a_bar_after_a_gap_holds_the_whole_gap(make_panel) -> None:
    # Closes 100, -, 121, 108.9: two returns, +21 % over two days and -10 %.
    panel = make_panel(np.array([[100.0], [NAN], [121.0], [108.9]]))
    score = low_volatility(panel, lookback=4, min_observations=2)[-1, 0]
    assert score == pytest.approx(-np.std([0.21, -0.1], ddof=1), rel=1e-12)


@pytest.mark.parametrize("calendar, week", [("XNYS", 5), ("24/7", 7)])
def test_a_bar_more_than_a_week_after_the_last_has_no_return(make_panel, calendar, week) -> None:
    for gap, observed in ((week, 3), (week + 1, 2)):
        # Rows 0, 1, then `gap` rows on, then one more: 3 returns, or 2 where the gap is long.
        close = np.full((gap + 3, 1), NAN)
        close[[0, 1, gap + 1, gap + 2], 0] = [100.0, 110.0, 55.0, 66.0]
        panel = make_panel(close, calendar=calendar)
        enough = low_volatility(panel, lookback=gap + 3, min_observations=observed)
        too_few = low_volatility(panel, lookback=gap + 3, min_observations=observed + 1)
        assert np.isfinite(enough[-1, 0]) and np.isnan(too_few[-1, 0])
        returns = [0.1, -0.5, 0.2] if observed == 3 else [0.1, 0.2]
        assert enough[-1, 0] == pytest.approx(-np.std(returns, ddof=1), rel=1e-12)


@pytest.mark.parametrize("calendar, year", [("XNYS", 252), ("24/7", 365)])
def test_half_a_year_of_returns_is_the_least(make_panel, calendar: str, year: int) -> None:
    panel = make_panel(shape=(year, 2), calendar=calendar)
    known = np.isfinite(low_volatility(panel)).all(axis=1)
    # Row t has t returns; half a year of them is needed.
    assert np.flatnonzero(known)[0] == year // 2


def test_pandas_is_a_second_witness(make_panel) -> None:
    import pandas as pd

    panel = make_panel(shape=(200, 3))
    frame = pd.DataFrame(panel.close).pct_change(fill_method=None)
    expected = -frame.rolling(60, min_periods=30).std().to_numpy()
    np.testing.assert_allclose(low_volatility(panel, lookback=60), expected, rtol=1e-9)


@pytest.mark.parametrize("lookback, least", [(10, 11), (10, 1), (10, 0), (1, None)])
def test_a_window_too_small_for_its_observations_is_refused(make_panel, lookback, least) -> None:
    with pytest.raises(ConfigError, match="factors.volatility: min_observations"):
        low_volatility(make_panel(), lookback=lookback, min_observations=least)
