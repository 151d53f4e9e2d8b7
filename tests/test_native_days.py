"""Statistics of coins on their own days: by hand, by a plain loop, and without look-ahead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable, concatenate
from feeds.calendars import sessions
from feeds.native_days import corwin_schultz, native_statistics

SHARED = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
NAMES = ("volume", "average_volume", "dollar_volume", "volatility", "spread")
NAN = float("nan")
DAY = np.datetime64("2021-01-01")  # a Friday
UNITS = {"A": "units", "B": "currency", "C": "units"}


def coin(symbol: str, days, close, volume, high=None, low=None, split=1.0) -> BarTable:
    close = np.asarray(close, dtype="float64")
    frame = pd.DataFrame(
        {
            "open": close,
            "high": close * 1.02 if high is None else high,
            "low": close * 0.99 if low is None else low,
            "close": close,
            "volume": volume,
            "split_ratio": split,
            "dividend": 0.0,
        },
        index=pd.DatetimeIndex(np.asarray(days), name="date"),
        dtype="float64",
    )
    return BarTable.from_frame(symbol, frame)


def test_statistics_by_hand():
    """Two days looked back, two of them needed; Friday to Tuesday, no bar on Monday the 4th."""
    days = DAY + np.array([0, 1, 2, 4])
    table = coin("A", days, [100, 110, 99, 108.9], [10, 20, 40, 60])
    dates = DAY + np.array([0, 3, 4])
    found = native_statistics(table, UNITS, ["X", "A"], dates, window=2, least=1)
    assert all(np.isnan(getattr(found, name)[:, 0]).all() for name in NAMES)
    # Friday has one day, Monday's are Sunday and Monday (without a bar), Tuesday's Monday, Tuesday.
    np.testing.assert_array_equal(found.volume[:, 1], [10, NAN, 60])
    np.testing.assert_array_equal(found.average_volume[:, 1], [NAN, 20, 30])
    # 40 x 99 = 3,960 and 60 x 108.9 = 6,534, with nothing on Monday.
    np.testing.assert_allclose(found.dollar_volume[:, 1], [NAN, 1980, 3267])
    # Sunday's return is one; Monday has none, Tuesday's would be over a gap.
    assert np.isnan(found.volatility[:, 1]).all()
    found = native_statistics(table, UNITS, ["A"], DAY + np.arange(3), window=3, least=2)
    expected = np.std([np.log(1.1), np.log(0.9)], ddof=1)
    np.testing.assert_allclose(found.volatility[:, 0], [NAN, NAN, expected], rtol=1e-12)


def test_volume_in_currency_is_not_multiplied():
    table = coin("B", DAY + np.arange(2), [100, 110], [10, 20])
    found = native_statistics(table, UNITS, ["B"], DAY + np.arange(2), window=2, least=2)
    assert found.dollar_volume[1, 0] == 15.0 and found.average_volume[1, 0] == 15.0


def test_a_redenomination_is_undone():
    """1,000 new coins for one old on the third day: the price falls, nothing happened."""
    split = np.array([1.0, 1.0, 1000.0, 1.0])
    close = np.array([100.0, 100.0, 0.1, 0.1])
    table = coin("A", DAY + np.arange(4), close, [5, 7, 9000, 1000], split=split)
    found = native_statistics(table, UNITS, ["A"], DAY + np.arange(4), window=3, least=2)
    # Coins of the third day: 5,000, 7,000 and 9,000; of the fourth: 7,000, 9,000 and 1,000.
    np.testing.assert_allclose(found.average_volume[:, 0], [NAN, NAN, 7000, 17000 / 3])
    np.testing.assert_allclose(found.volatility[2:, 0], [0, 0], atol=1e-15)
    np.testing.assert_allclose(found.dollar_volume[:, 0], [NAN, NAN, 700, 700])


def test_the_spread_of_two_days_by_hand():
    """High and low (102, 99), then (103, 100), closes 100 and 101: no gap between them.

    b = ln(102/99)^2 + ln(103/100)^2 = 0.02985296^2 + 0.02955880^2 = 0.00176492
    g = ln(103/99)^2 = 0.03960914^2 = 0.00156888;  k = 3 - 2 sqrt 2 = 0.17157288
    a = (sqrt(2 b) - sqrt b) / k - sqrt(g / k) = 0.01740158 / 0.17157288 - 0.09562496
      = 0.10142384 - 0.09562496 = 0.0057989 and S = 2 tanh(a / 2) = 0.0057989
    """
    found = corwin_schultz(
        np.array([102.0, 103.0]), np.array([99.0, 100.0]), np.array([100.0, 101.0])
    )
    assert np.isnan(found[0]) and found[1] == pytest.approx(0.0057989, abs=2e-6)


def test_the_spread_is_moved_by_a_gap_and_never_negative():
    high, low = np.array([102.0, 206.0]), np.array([99.0, 200.0])
    # The second range lies above the close of 100 by a factor of two: moved, it is (103, 100).
    moved = corwin_schultz(high, low, np.array([100.0, 202.0]))
    level = corwin_schultz(
        np.array([102.0, 103.0]), np.array([99.0, 100.0]), np.array([100.0, 101.0])
    )
    assert moved[1] == pytest.approx(level[1], rel=1e-12)
    fallen = corwin_schultz(
        np.array([102.0, 51.5]), np.array([99.0, 50.0]), np.array([103.0, 50.5])
    )
    assert fallen[1] == pytest.approx(level[1], rel=1e-12)
    # Two days that trend: the common range is wide beside the two.
    assert corwin_schultz(
        np.array([101.0, 102.0]), np.array([100.0, 101.0]), np.array([101.0, 102.0])
    )[1] == 0.0  # fmt: skip
    flat = corwin_schultz(np.array([5.0, 5.0, NAN]), np.array([5.0, 5.0, 5.0]), np.full(3, 5.0))
    assert np.isnan(flat).all()


def test_the_spread_estimates_a_bounce():
    """Trades at the mid price +- half a spread of 1 %: 390 a day, 2,000 days, 2 % volatility."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 0.02 / np.sqrt(390), (2000, 390))
    mid = np.exp(np.cumsum(steps).reshape(2000, 390))
    price = mid * np.where(rng.random((2000, 390)) < 0.5, 0.995, 1.005)
    found = corwin_schultz(price.max(axis=1), price.min(axis=1), price[:, -1])
    # Setting negative estimates to 0 biases the mean upwards.
    assert 0.007 < np.nanmean(found) < 0.015


def random_coins(rng, count: int = 260) -> BarTable:
    tables = []
    for number, name in enumerate(UNITS):
        days = DAY + np.flatnonzero(rng.random(count) > 0.08) + 7 * number
        close = np.exp(np.cumsum(rng.normal(0, 0.04, len(days))))
        split = np.where(rng.random(len(days)) < 0.01, 10.0, 1.0)
        volume = np.where(rng.random(len(days)) < 0.05, NAN, rng.uniform(0, 100, len(days)))
        ranges = 1 + rng.uniform(0, 0.05, len(days)), 1 - rng.uniform(0, 0.05, len(days))
        tables.append(coin(name, days, close, volume, close * ranges[0], close * ranges[1], split))
    return concatenate(tables)


def test_the_result_is_that_of_a_plain_loop():
    rng = np.random.default_rng(5)
    table = random_coins(rng)
    dates = sessions("XNYS", DAY, DAY + 250)
    found = native_statistics(table, UNITS, list(UNITS), dates)
    for column, name in enumerate(UNITS):
        bars = table.frame(name)
        grid = bars.reindex(pd.date_range(bars.index[0], str(dates[-1])))
        factor = bars["split_ratio"].mask(bars.index == bars.index[0], 1.0).cumprod()
        factor = factor.reindex(grid.index).ffill()
        coins = 1.0 if UNITS[name] == "currency" else factor
        average = (grid["volume"].fillna(0) / coins).rolling(63).mean() * coins
        traded = grid["volume"] * (1.0 if UNITS[name] == "currency" else grid["close"])
        returns = np.log(grid["close"] * factor).diff()
        expected = {
            "volume": grid["volume"],
            "average_volume": average,
            "dollar_volume": traded.fillna(0).rolling(63).median(),
            "volatility": returns.rolling(63, min_periods=21).std(),
        }
        for item, values in expected.items():
            values = values.reindex(pd.DatetimeIndex(dates)).to_numpy()
            np.testing.assert_allclose(getattr(found, item)[:, column], values, rtol=1e-9)
    assert (np.isfinite(found.spread).mean(axis=0) > 0.7).all()


def test_later_days_change_no_earlier_row():
    """Cut and scrambled after 60 sessions, with gaps, weekends and redenominations."""
    rng = np.random.default_rng(6)
    table = random_coins(rng)
    days = table.time.astype("datetime64[D]")
    dates = sessions("XNYS", DAY, DAY + 250)
    whole = native_statistics(table, UNITS, list(UNITS), dates)
    cuts = np.linspace(0, len(dates) - 1, 60).astype(int)
    for row in cuts:
        early = days <= dates[row]
        wild = {
            name: np.where(early, values, values * rng.uniform(0.1, 10, len(values)))
            for name, values in table.columns.items()
        }
        for version, stop in (
            (table.take(early), row + 1),
            (table.take(early), len(dates)),
            (table.with_columns(**wild), len(dates)),
        ):
            part = native_statistics(version, UNITS, list(UNITS), dates[:stop])
            for name in NAMES:
                found, expected = getattr(part, name), getattr(whole, name)
                assert found[: row + 1].tobytes() == expected[: row + 1].tobytes()


def test_no_session_and_no_bar_give_nothing():
    table = coin("A", DAY + np.arange(3), [1, 2, 3], [1, 1, 1])
    early = native_statistics(table, UNITS, ["A"], DAY - np.array([3, 2]))
    assert np.isnan(early.volume).all() and early.volume.shape == (2, 1)
    assert native_statistics(table, UNITS, ["A"], np.empty(0, "M8[D]")).spread.shape == (0, 1)


@needs_data
def test_a_folded_monday_holds_three_native_days():
    raw = pd.read_csv(SHARED / "crypto_daily.csv.gz", parse_dates=["date"])
    own = raw[raw["symbol"] == "BTC"].sort_values("date")
    columns = [own[name].to_numpy() for name in ("date", "close", "volume", "high", "low")]
    table = coin("BTC", *columns)
    dates = sessions("XNYS", np.datetime64("2017-01-03"), np.datetime64("2018-03-23"))
    found = native_statistics(table, {"BTC": "currency"}, ["BTC"], dates)
    volume = own.set_index("date")["volume"]
    monday = np.searchsorted(dates, np.datetime64("2017-12-18"))
    assert found.volume[monday, 0] == volume["2017-12-18"]
    last = volume["2017-10-17":"2017-12-18"]
    assert len(last) == 63 and found.average_volume[monday, 0] == pytest.approx(last.mean())
    assert found.dollar_volume[monday, 0] == pytest.approx(last.median())
    assert 0.03 < found.volatility[monday, 0] < 0.08 and 0 < found.spread[monday, 0] < 0.05
