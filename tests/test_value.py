"""Value: books over caps, and the long-run return that stands in for them."""

from __future__ import annotations

import numpy as np
import pytest

from factors import book_to_market, long_run_return, momentum
from feeds.errors import ConfigError

NAN = np.nan


def test_book_to_market_by_hand(make_panel) -> None:
    # 50 / 200 = 0.25 until the report of row 2 (90) and the cap of row 2 (300) give 0.3.
    panel = make_panel(
        np.full((3, 1), 10.0),
        book_equity=np.array([[50.0], [50.0], [90.0]]),
        market_cap=np.array([[200.0], [200.0], [300.0]]),
    )
    np.testing.assert_allclose(book_to_market(panel)[:, 0], [0.25, 0.25, 0.3], rtol=1e-15)


def test_what_cannot_be_ranked_is_not_known(make_panel) -> None:
    # Columns: negative book, zero book, no book, no cap, cap of zero, an ordinary one.
    panel = make_panel(
        np.full((1, 6), 10.0),
        book_equity=np.array([[-5.0, 0.0, NAN, 5.0, 5.0, 5.0]]),
        market_cap=np.array([[10.0, 10.0, 10.0, NAN, 0.0, 10.0]]),
    )
    np.testing.assert_array_equal(book_to_market(panel)[0], [NAN, NAN, NAN, NAN, NAN, 0.5])


def test_a_cap_is_carried_over_a_weekend_but_not_beyond_a_week(make_panel) -> None:
    close = np.full((12, 1), 10.0)
    close[1:] = NAN
    cap = np.where(np.isfinite(close), 40.0, NAN)
    book = np.full((12, 1), 10.0)
    book[2:] = 20.0  # a report becomes public while there is no bar
    panel = make_panel(close, book_equity=book, market_cap=cap)
    expected = [0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, NAN, NAN, NAN, NAN]
    np.testing.assert_array_equal(book_to_market(panel)[:, 0], expected)


def test_long_run_return_by_hand(make_panel) -> None:
    # lookback 4, skip 2: row 4 is -log(P(2) / P(0)) = -log(40 / 10) = -log 4;
    # row 5 is -log(P(3) / P(1)) = -log(5 / 20) = log 4: what fell is cheap.
    panel = make_panel(np.array([[10.0], [20.0], [40.0], [5.0], [1.0], [1.0]]))
    expected = [NAN, NAN, NAN, NAN, -np.log(4.0), np.log(4.0)]
    scores = long_run_return(panel, lookback=4, skip=2)
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-14)


@pytest.mark.parametrize("calendar, years", [("XNYS", 252), ("24/7", 365)])
def test_five_years_to_one_is_the_default(make_panel, calendar: str, years: int) -> None:
    close = np.geomspace(1.0, 32.0, 5 * years + 1)[:, None]  # doubles each year
    scores = long_run_return(make_panel(close, calendar=calendar))[:, 0]
    assert np.isnan(scores[:-1]).all()
    assert scores[-1] == pytest.approx(-4.0 * np.log(2.0), rel=1e-12)


def test_a_short_history_is_never_a_shorter_window(make_panel) -> None:
    # Listed one row too late: the whole window or nothing, for that would be minus momentum.
    close = np.full((1261, 2), 10.0)
    close[0, 1] = NAN
    scores = long_run_return(make_panel(close, calendar="XNYS"))
    np.testing.assert_array_equal(scores[-1], [0.0, NAN])


def test_it_is_minus_the_log_of_one_plus_momentum_of_the_same_window(make_panel) -> None:
    panel = make_panel(shape=(120, 3))
    expected = -np.log1p(momentum(panel, lookback=90, skip=30))
    np.testing.assert_allclose(long_run_return(panel, 90, 30), expected, rtol=1e-9, atol=1e-12)


def test_an_empty_window_is_refused(make_panel) -> None:
    with pytest.raises(ConfigError, match="factors.value: lookback 252 and skip 252"):
        long_run_return(make_panel(), lookback=252, skip=252)
