"""Who may be held on each date."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from feeds.errors import ConfigError
from feeds.universe import eligible_assets

NAN = np.nan


def floors(**given):
    names = ("min_price", "min_market_cap", "min_dollar_volume", "min_age")
    return SimpleNamespace(**{**dict.fromkeys(names, 0), **given})


def test_members_with_a_bar_are_eligible(make_panel):
    close = np.array([[10.0, NAN, 10.0], [10.0, 10.0, NAN]])
    member = np.array([[True, True, True], [False, True, True]])
    expected = [[True, False, True], [False, True, False]]
    assert eligible_assets(make_panel(close, member=member)).tolist() == expected
    assert eligible_assets(make_panel(close, member=member), floors()).tolist() == expected


def test_the_price_floor_is_on_printed_prices(make_panel):
    # 12 adjusted after a 3-for-1 split is 4 as printed; 5 is at the floor.
    panel = make_panel(np.array([[12.0, 5.0, 4.99]]), split_factor=np.array([[3.0, 1.0, 1.0]]))
    assert eligible_assets(panel, floors(min_price=5.0)).tolist() == [[False, True, False]]


def test_a_cap_that_is_not_known_does_not_reach_a_floor(make_panel):
    panel = make_panel(np.full((1, 3), 10.0), market_cap=np.array([[1e9, 1e6, NAN]]))
    assert eligible_assets(panel, floors(min_market_cap=1e8)).tolist() == [[True, False, False]]
    with pytest.raises(ConfigError, match="min_market_cap: the data set has no market caps\nuse"):
        eligible_assets(make_panel(), floors(min_market_cap=1e8))


def test_the_volume_floor_is_on_the_median_of_63_sessions(make_panel):
    # 10 a unit; from session 33 on 10 units a day, before that 1: the median of 63 is 100 from
    # the session on where 32 of them are large, the 64th.
    volume = np.full((80, 1), 1.0)
    volume[32:] = 10.0
    panel = make_panel(np.full((80, 1), 10.0), volume=volume)
    reached = eligible_assets(panel, floors(min_dollar_volume=100.0))[:, 0]
    assert np.flatnonzero(reached)[0] == 63
    assert reached[63:].all()


def test_sessions_without_a_bar_count_as_no_volume(make_panel):
    close = np.full((70, 1), 10.0)
    close[1:33] = NAN
    panel = make_panel(close, volume=np.where(np.isfinite(close), 10.0, NAN))
    # Of the 63 sessions up to row 63, 32 are missing: the median is nothing. A row later 31 are.
    reached = eligible_assets(panel, floors(min_dollar_volume=1.0))[:, 0]
    assert reached[62:66].tolist() == [False, False, True, True]


def test_volume_in_currency_is_not_multiplied_by_the_price(make_panel):
    panel = make_panel(
        np.full((63, 1), 10.0),
        volume=np.full((63, 1), 50.0),
        volume_unit=np.array(["currency"]),
    )
    assert eligible_assets(panel, floors(min_dollar_volume=50.0))[-1, 0]
    assert not eligible_assets(panel, floors(min_dollar_volume=51.0))[-1, 0]


def test_age_counts_sessions_with_a_bar(make_panel):
    close = np.array([[10.0], [NAN], [10.0], [10.0]])
    eligible = eligible_assets(make_panel(close), floors(min_age=2))
    assert eligible[:, 0].tolist() == [False, False, True, True]


def test_a_row_uses_no_later_row(make_panel):
    rng = np.random.default_rng(5)
    close = np.where(rng.random((90, 5)) < 0.1, NAN, 10 + rng.random((90, 5)))
    panel = make_panel(close, volume=rng.random((90, 5)) * 10, market_cap=rng.random((90, 5)))
    limits = floors(min_price=10.2, min_market_cap=0.3, min_dollar_volume=45.0, min_age=5)
    whole = eligible_assets(panel, limits)
    assert whole.any() and not whole.all()
    for row in range(30, 90):
        part = eligible_assets(panel.as_of(row), limits)
        assert part.tolist() == whole[: row + 1].tolist()


@pytest.mark.parametrize("rows", [10, 62, 63, 64, 65, 90, 130])
def test_the_volume_floor_is_that_of_a_rolling_median(make_panel, rows):
    rng = np.random.default_rng(rows)
    close = np.where(rng.random((rows, 6)) < 0.2, NAN, 10.0)
    volume = np.where(rng.random((rows, 6)) < 0.1, NAN, rng.integers(0, 9, (rows, 6)))
    panel = make_panel(close, volume=volume)
    traded = pd.DataFrame(np.nan_to_num(panel.dollar_volume))
    median = traded.rolling(63).median().to_numpy()
    expected = panel.tradable & (median >= 40.0)
    found = eligible_assets(panel, floors(min_dollar_volume=40.0))
    assert found.tolist() == expected.tolist()


def test_coins_are_compared_by_the_volume_of_their_own_days(make_panel):
    close = np.full((63, 3), 10.0)
    classes = ["equity", "crypto", "crypto"]
    panel = make_panel(close, volume=np.full((63, 3), 10.0), asset_class=classes)
    native = np.full((63, 3), 40.0)
    native[:, 2] = NAN
    # A share's own 100 a session reaches 50; a coin's 40 a day does not, nor does an unknown one.
    limits = floors(min_dollar_volume=50.0)
    assert eligible_assets(panel, limits)[-1].tolist() == [True, True, True]
    assert eligible_assets(panel, limits, native)[-1].tolist() == [True, False, False]
    limits = floors(min_dollar_volume=40.0)
    assert eligible_assets(panel, limits, native)[-1].tolist() == [True, True, False]
