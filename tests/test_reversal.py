"""Short-term reversal: hand-computed returns with the sign turned."""

from __future__ import annotations

import numpy as np
import pytest

from factors import momentum, short_term_reversal
from feeds.errors import ConfigError

NAN = np.nan


def test_by_hand(make_panel) -> None:
    # Lookback 2: 1 - P(2)/P(0) = 1 - 8/10 = 0.2; 1 - P(3)/P(1) = 1 - 15/12 = -0.25.
    panel = make_panel(np.array([[10.0], [12.0], [8.0], [15.0]]))
    scores = short_term_reversal(panel, lookback=2)[:, 0]
    np.testing.assert_allclose(scores, [NAN, NAN, 0.2, -0.25], rtol=1e-14)
    # With a skip of 1: 1 - P(2)/P(1) = 1 - 8/12 at row 3.
    assert short_term_reversal(panel, lookback=2, skip=1)[3, 0] == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("calendar, month", [("XNYS", 21), ("24/7", 30)])
def test_a_month_is_the_default_and_it_is_momentum_turned_round(
    make_panel, calendar: str, month: int
) -> None:
    panel = make_panel(shape=(90, 3), calendar=calendar)
    expected = -momentum(panel, lookback=month, skip=0)
    np.testing.assert_allclose(short_term_reversal(panel), expected, rtol=1e-12, atol=1e-15)


def test_ties_one_asset_and_a_price_that_stands_still(make_panel) -> None:
    scores = short_term_reversal(make_panel(np.full((40, 2), 7.0)), lookback=5)
    np.testing.assert_array_equal(scores[5:], 0.0)
    assert short_term_reversal(make_panel(np.full((6, 1), 7.0)), lookback=5)[-1, 0] == 0.0


def test_an_asset_without_a_bar_has_no_score(make_panel) -> None:
    assert np.isnan(short_term_reversal(make_panel(np.full((40, 1), NAN)))).all()


def test_an_empty_window_is_refused(make_panel) -> None:
    with pytest.raises(ConfigError, match="factors.short_term_reversal: lookback 5 and skip 5"):
        short_term_reversal(make_panel(), lookback=5, skip=5)
