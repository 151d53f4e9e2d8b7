"""Size: market caps, and the traded value that stands in for them."""

from __future__ import annotations

import numpy as np
import pytest

from factors import dollar_volume, small_cap
from factors.size import median_dollar_volume
from feeds.errors import ConfigError

NAN = np.nan


def test_small_cap_by_hand(make_panel) -> None:
    # -log(e) = -1, -log(1) = 0; caps that are absent, zero or negative are not known.
    cap = np.array([[np.e, 1.0, NAN, 0.0, -3.0]])
    scores = small_cap(make_panel(np.full((1, 5), 10.0), market_cap=cap))
    np.testing.assert_allclose(scores[0], [-1.0, 0.0, NAN, NAN, NAN], atol=1e-15)


def test_the_smaller_scores_higher(make_panel) -> None:
    panel = make_panel(np.full((1, 3), 10.0), market_cap=np.array([[1e6, 1e12, 1e9]]))
    assert list(np.argsort(-small_cap(panel)[0])) == [0, 2, 1]


def test_dollar_volume_by_hand(make_panel) -> None:
    # Window 3. Traded value = close x volume: 10, 40, 90, 160, 0. Medians: one value of the
    # two needed; (10 + 40) / 2 = 25; 40; 90; 90.
    close = np.array([[10.0], [20.0], [30.0], [40.0], [50.0]])
    volume = np.array([[1.0], [2.0], [3.0], [4.0], [0.0]])
    scores = dollar_volume(make_panel(close, volume=volume), window=3)[:, 0]
    np.testing.assert_allclose(scores[1:], -np.log([25.0, 40.0, 90.0, 90.0]), rtol=1e-15)
    assert np.isnan(scores[0])


def test_volume_in_currency_is_traded_value_already(make_panel) -> None:
    close = np.full((4, 2), 10.0)
    volume = np.full((4, 2), 500.0)
    panel = make_panel(close, volume=volume, volume_unit=np.array(["units", "currency"]))
    np.testing.assert_array_equal(median_dollar_volume(panel, 4)[-1], [5000.0, 500.0])


def test_traded_value_is_in_printed_prices(make_panel) -> None:
    # After a 2:1 split the adjusted close stays 10 while a share prints 5 and twice as many
    # trade: 5 x 200 = 10 x 100.
    close = np.full((4, 1), 10.0)
    split = np.array([[1.0], [1.0], [2.0], [2.0]])
    volume = np.array([[100.0], [100.0], [200.0], [200.0]])
    panel = make_panel(close, volume=volume, split_factor=split)
    np.testing.assert_array_equal(median_dollar_volume(panel, 2)[1:, 0], [1000.0] * 3)


def test_days_without_a_bar_do_not_count(make_panel) -> None:
    # Window 4, of which 2 must be known: values 10, -, -, 30, -, - of prices of 1.
    volume = np.array([[10.0], [NAN], [NAN], [30.0], [NAN], [NAN]])
    close = np.where(np.isfinite(volume), 1.0, NAN)
    medians = median_dollar_volume(make_panel(close, volume=volume), 4)[:, 0]
    np.testing.assert_array_equal(medians, [NAN, NAN, NAN, 20.0, NAN, NAN])


def test_an_asset_that_does_not_trade_is_not_ranked(make_panel) -> None:
    panel = make_panel(np.full((5, 1), 10.0), volume=np.zeros((5, 1)))
    assert median_dollar_volume(panel, 3)[-1, 0] == 0.0
    assert np.isnan(dollar_volume(panel, window=3)).all()


def test_pandas_is_a_second_witness(make_panel) -> None:
    import pandas as pd

    rng = np.random.default_rng(11)
    close = np.where(rng.random((150, 4)) < 0.3, NAN, rng.uniform(5.0, 50.0, (150, 4)))
    volume = np.where(np.isfinite(close), rng.uniform(0.0, 1e6, (150, 4)), NAN)
    panel = make_panel(close, volume=volume)
    expected = pd.DataFrame(close * volume).rolling(21, min_periods=11).median().to_numpy()
    fresh = (panel.age >= 0) & (panel.age <= 7)
    np.testing.assert_allclose(
        median_dollar_volume(panel, 21), np.where(fresh, expected, NAN), rtol=1e-12
    )


def test_an_empty_window_is_refused(make_panel) -> None:
    with pytest.raises(ConfigError, match="factors.size: lookback 0"):
        dollar_volume(make_panel(), window=0)
