"""What schemes are told of the market before a fill: by hand, and never from what comes after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable
from feeds.native_days import native_statistics
from strategies.execution.basket import Basket
from strategies.execution.capacity import ParticipationCap, cut_basket
from strategies.execution.journal import Journal
from strategies.execution.market import Market
from strategies.execution.tickets import Tickets
from strategies.execution.traded_value import TradedValue, trailing_values

ONE = np.array([0])


def tickets(panel, row, column=ONE, size=1.0, reference=10.0, folder=None) -> Tickets:
    ones = np.ones(len(column))
    return Tickets(size * ones, reference * ones, column, row, market=Market(panel, folder))


def test_estimates_are_of_the_days_before(make_panel):
    close = np.array([[100.0], [110.0], [99.0], [50.0], [75.0]])
    volume = np.array([[10.0], [20.0], [40.0], [7.0], [9.0]])
    panel = make_panel(close, calendar="XNYS", volume=volume)
    at = tickets(panel, 3)
    # Two returns before row 3: log 1.1 and log 0.9; their standard deviation over n - 1.
    returns = np.log([1.1, 0.9])
    assert at.volatility(2) == pytest.approx([abs(returns[0] - returns[1]) / np.sqrt(2)])
    # (20 + 40) / 2 = 30 and (10 + 20 + 40) / 3; not the 7 of the session itself.
    assert at.average_volume(2) == pytest.approx([30.0])
    assert at.average_volume(3) == pytest.approx([70 / 3])
    assert np.isnan(at.average_volume(4)).all()
    assert at.volume.tolist() == [7.0]
    assert np.isnan(tickets(panel, 0).volatility(2)).all()


def test_volume_is_in_the_units_of_the_ticket(make_panel):
    # A split of 2 for 1 on row 1 and a dividend of 25 % on row 2: 100 printed shares of row 0 are
    # 100 of the first bar's, 300 of rows 1 and 2 are 150 of them. A unit of row 3 holds 1.25 of
    # the first bar's shares: (100 + 150 + 150) / 3 / 1.25.
    panel = make_panel(
        np.full((4, 1), 10.0),
        calendar="XNYS",
        volume=np.array([[100.0], [300.0], [300.0], [500.0]]),
        split_factor=np.array([[1.0], [2.0], [2.0], [2.0]]),
        dividend_factor=np.array([[1.0], [1.0], [1.25], [1.25]]),
    )
    at = tickets(panel, 3)
    assert at.average_volume(3) == pytest.approx([400 / 3 / 1.25])
    assert at.volume == pytest.approx([500 / 2 / 1.25])


def test_volume_in_currency_is_divided_by_the_reference(make_panel):
    panel = make_panel(
        np.full((4, 1), 10.0),
        calendar="XNYS",
        volume=np.array([[1000.0], [3000.0], [2000.0], [800.0]]),
        volume_unit=np.array(["currency"]),
    )
    at = tickets(panel, 3, reference=20.0)
    assert at.average_volume(3) == pytest.approx([2000 / 20])
    assert at.volume == pytest.approx([800 / 20])


def test_a_day_without_a_bar_is_one_without_volume_and_without_a_return(make_panel):
    close = np.array([[100.0, 1], [np.nan, 1], [99.0, 1], [99.0, 1], [108.9, 1], [1.0, 1]])
    panel = make_panel(close, calendar="XNYS", volume=np.where(np.isnan(close), np.nan, 12.0))
    at = tickets(panel, 5)
    # 12 on three of four days.
    assert at.average_volume(4) == pytest.approx([9.0])
    # Returns known: 0 and log 1.1; that over the gap is none.
    assert at.volatility(4) == pytest.approx([np.log(1.1) / np.sqrt(2)])
    # One return alone tells of no deviation.
    assert np.isnan(tickets(panel, 4).volatility(3)).all()


def test_an_asset_that_is_new_has_no_mean_volume_yet(make_panel):
    close = np.array([[np.nan], [10.0], [10.0], [10.0], [10.0]])
    panel = make_panel(close, calendar="XNYS", volume=np.where(np.isnan(close), np.nan, 5.0))
    # Three sessions since its first bar before row 4; row 0 was before it.
    assert tickets(panel, 4).average_volume(3) == pytest.approx([5.0])
    assert np.isnan(tickets(panel, 4).average_volume(4)).all()


def test_weekends_are_no_sessions_of_a_stock(make_panel):
    # 2021-01-01 is a Friday; the stock has no bars on Saturday and Sunday, the coin has.
    close = np.full((8, 2), 10.0)
    close[[1, 2], 0] = np.nan
    volume = np.where(np.isnan(close), np.nan, np.array([100.0, 7.0]))
    panel = make_panel(close, start="2021-01-01", asset_class=["equity", "crypto"], volume=volume)
    at = tickets(panel, 5, np.array([0, 1]))
    # Sessions before row 5: Friday, Monday and Tuesday.
    assert at.average_volume(3) == pytest.approx([100.0, 7.0])


def test_spreads_are_means_of_two_day_estimates(make_panel):
    # Abdi and Ranaldo by hand: log close 0, middles -0.01 and -0.03: s = sqrt(4 x 0.01 x 0.03).
    middle = np.array([-0.01, -0.03, -0.03, 0.0])
    close = np.exp([[0.0], [0.0], [-0.03], [0.0]])
    panel = make_panel(
        close,
        close,
        calendar="XNYS",
        high=np.exp(middle + 0.05)[:, None],
        low=np.exp(middle - 0.05)[:, None],
    )
    first = np.sqrt(4 * 0.01 * 0.03)
    second = np.sqrt(4 * 0.03 * 0.03)
    assert tickets(panel, 3).spread("abdi_ranaldo", 2) == pytest.approx([(first + second) / 2])
    assert tickets(panel, 2).spread("abdi_ranaldo", 2) == pytest.approx([first])


def test_size_is_that_of_the_row_before(make_panel):
    panel = make_panel(
        np.array([[10.0], [20.0], [40.0]]),
        calendar="XNYS",
        market_cap=np.array([[1e6], [2e6], [9e6]]),
        split_factor=np.full((3, 1), 2.0),
    )
    # 2e6 / 20 units, of two printed shares each.
    assert tickets(panel, 2).shares_outstanding == pytest.approx([1e5])
    assert tickets(panel, 2).market_cap == pytest.approx([2e6])
    counted = replace(panel, market_cap=None, shares=np.array([[6e4], [8e4], [1.0]]))
    assert tickets(counted, 2).shares_outstanding == pytest.approx([4e4])
    assert tickets(counted, 2).market_cap == pytest.approx([8e5])
    assert np.isnan(tickets(panel, 0).market_cap).all()
    assert np.isnan(tickets(replace(panel, market_cap=None), 2).market_cap).all()


@pytest.fixture
def folded(make_panel, monkeypatch):
    """A stock and a coin on sessions, the coin with bars of its own days."""
    rng = np.random.default_rng(3)
    panel = make_panel(
        shape=(40, 2), calendar="XNYS", asset_class=["equity", "crypto"], start="2021-01-04"
    )
    days = np.arange(panel.dates[0], panel.dates[-1] + 1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, len(days))))
    frame = pd.DataFrame(
        {
            "open": close,
            "high": close * 1.03,
            "low": close * 0.96,
            "close": close,
            "volume": rng.uniform(1, 9, len(days)),
            "split_ratio": 1.0,
            "dividend": 0.0,
        },
        index=pd.DatetimeIndex(days, name="date"),
    )
    table = BarTable.from_frame("A01", frame)
    reads = []

    def read(folder, names):
        reads.append(names)
        return table

    monkeypatch.setattr("feeds.store.read_native", read)
    return panel, table, frame, reads


def test_coins_are_looked_at_day_by_day(folded):
    panel, table, frame, reads = folded
    row, window = 30, 10
    both = tickets(panel, row, np.array([1, 0]), folder="set")
    # Ten calendar days up to the day before the fill, weekends among them.
    day = pd.Timestamp(panel.dates[row])
    before = frame.loc[day - pd.Timedelta(days=window) : day - pd.Timedelta(days=1)]
    assert len(before) == window
    assert both.average_volume(window)[0] == pytest.approx(before["volume"].mean())
    closes = frame["close"].loc[: day - pd.Timedelta(days=1)].iloc[-window - 1 :]
    expected = np.log(closes).diff().std(ddof=1)
    assert both.volatility(window)[0] == pytest.approx(expected)
    assert both.volume[0] == frame.loc[day, "volume"]
    known = native_statistics(
        table, {"A01": "units"}, ["A01"], panel.dates - 1, window, max(window // 3, 2)
    )
    assert both.spread("corwin_schultz", window)[0] == known.spread[row, 0]
    assert both.spread("abdi_ranaldo", window)[0] == known.abdi_ranaldo[row, 0]
    assert reads == [["A01"]], "native bars are read once, whatever is asked of them"


def test_a_stock_needs_no_native_bars(folded):
    panel, _, _, reads = folded
    tickets(panel, 30, ONE, folder="set").volatility(5)
    assert reads == []


def test_rows_may_differ_from_ticket_to_ticket(folded):
    panel = folded[0]
    columns, rows = np.array([0, 1, 0]), np.array([12, 25, 30])
    market = Market(panel, "set")
    ones = np.ones(3)
    at_once = Tickets(ones, ones, columns, rows, market=market)
    for name in ("volatility", "average_volume"):
        alone = [
            getattr(tickets(panel, int(row), np.array([column]), folder="set"), name)(10)[0]
            for row, column in zip(rows, columns, strict=True)
        ]
        assert getattr(at_once, name)(10).tolist() == alone


@pytest.mark.parametrize("row", [12, 20, 39])
def test_nothing_after_the_fill_session_counts(make_panel, row):
    panel = make_panel(shape=(40, 3), calendar="XNYS", market_cap=np.full((40, 3), 1e9))
    names = ("close", "open", "high", "low", "volume", "market_cap")
    later = np.arange(40)[:, None] > row
    scrambled = replace(
        panel, **{name: np.where(later, getattr(panel, name) * 3.3, getattr(panel, name))
                  for name in names}
    )  # fmt: skip
    every = np.arange(3)
    whole, other = tickets(panel, row, every), tickets(scrambled, row, every)
    cut = tickets(panel.as_of(row), row, every)
    for version in (other, cut):
        for name in ("volatility", "average_volume"):
            np.testing.assert_array_equal(getattr(version, name)(9), getattr(whole, name)(9))
        for name in ("volume", "shares_outstanding", "market_cap"):
            np.testing.assert_array_equal(getattr(version, name), getattr(whole, name))
        for estimator in ("abdi_ranaldo", "corwin_schultz"):
            found = version.spread(estimator, 9), whole.spread(estimator, 9)
            np.testing.assert_array_equal(*found)
    if row < 39:
        changed = replace(panel, volume=np.where(np.arange(40)[:, None] == row, 5.0, panel.volume))
        same = tickets(changed, row, every)
        assert same.volume.tolist() == [5.0] * 3
        np.testing.assert_array_equal(same.average_volume(9), whole.average_volume(9))


def test_without_a_market_nothing_is_known():
    alone = Tickets(np.ones(2), np.ones(2))
    for values in (alone.volatility(), alone.average_volume(), alone.volume, alone.spread()):
        assert np.isnan(values).all()
    assert np.isnat(alone.dates).all()
    assert alone.traded_value.tolist() == [0.0, 0.0]
    assert alone.columns.tolist() == [0, 1]


# Draws


def test_draws_depend_on_seed_day_and_symbol_alone(make_panel):
    panel = make_panel(shape=(30, 5), calendar="XNYS")
    columns = np.arange(5)
    draws = tickets(panel, 7, columns).uniform(11)
    assert ((draws > 0) & (draws < 1)).all() and len(set(draws.tolist())) == 5
    # In another order, alone, in a panel without the others, and in one that begins later.
    assert tickets(panel, 7, columns[::-1]).uniform(11).tolist() == draws[::-1].tolist()
    assert tickets(panel, 7, np.array([3])).uniform(11).tolist() == [draws[3]]
    assert tickets(panel.select([3, 4]), 7, np.array([0])).uniform(11).tolist() == [draws[3]]
    later = panel._take(slice(5, None), slice(None))
    assert tickets(later, 2, columns).uniform(11).tolist() == draws.tolist()
    for other in (tickets(panel, 8, columns).uniform(11), tickets(panel, 7, columns).uniform(12)):
        assert not np.isin(other, draws).any()


def test_draws_have_the_distribution_that_they_say():
    keys = np.arange(40_000)
    both = Tickets(np.ones(40_000), np.ones(40_000), keys % 200, keys // 200)
    uniform, normal = both.uniform(5), both.normal(5)
    # Standard errors: 0.289 / 200 = 0.0014 and 1 / 200 = 0.005; four of them.
    assert uniform.mean() == pytest.approx(0.5, abs=0.006)
    assert normal.mean() == pytest.approx(0.0, abs=0.02)
    assert normal.std() == pytest.approx(1.0, abs=0.015)
    counts = np.bincount((uniform * 10).astype(int), minlength=10)
    assert (abs(counts - 4000) < 260).all()
    neighbours = np.corrcoef(normal[:-1], normal[1:])[0, 1]
    across = np.corrcoef(normal, both.normal(6))[0, 1]
    assert abs(neighbours) < 0.02 and abs(across) < 0.02


# Caps that differ


def test_a_cap_may_differ_from_asset_to_asset_and_be_none(make_panel):
    volume = np.array([[100.0, 100.0, np.nan, 100.0]])
    panel = make_panel(np.full((1, 4), 10.0), volume=volume)
    cap = ParticipationCap(panel, np.array([0.1, np.nan, np.inf, 0.5]))
    assert cap.units(0, np.arange(4), np.full(4, 10.0)).tolist() == [10.0, np.inf, np.inf, 50.0]
    assert cap.why(0, 3).startswith("more than 0.5 of")
    tickets_of = Basket(np.arange(4), np.zeros(4), np.array([30.0, 30.0, -30.0, 80.0]), np.ones(4))
    now, left = cut_basket(tickets_of, cap.units(0, np.arange(4), np.full(4, 10.0)))
    assert now.increase.tolist() == [10.0, 30.0, -30.0, 50.0]
    assert left.increase.tolist() == [20.0, 0.0, 0.0, 30.0]


# What was traded lately


def test_traded_value_is_of_the_thirty_days_before():
    dates = np.datetime64("2021-01-01") + np.array([0, 1, 30, 31, 32])
    group = np.array([0, 1, 0])
    journal = Journal()
    for row, reason, column, size in (
        (0, "rebalance", [0, 1], [10.0, -3.0]),
        (1, "delisting", [2], [-5.0]),
        (1, "stop", [2], [-4.0]),
        (3, "rebalance", [0], [2.0]),
    ):
        amounts = np.array(size)
        two = np.full(len(size), 2.0)
        journal.record_fills(row, -1, reason, np.array(column), amounts, two, two, two)
    traded = TradedValue(journal, dates, group)
    every = np.arange(3)
    # 30 days after January 1st: 10 x 2 of that day and 4 x 2 of the next; the end of a series is
    # no trade, and the third class trades with the first.
    assert traded.before(2, every).tolist() == [28.0, 6.0, 28.0]
    # A day later the first has passed; the day's own fills do not count yet.
    assert traded.before(3, every).tolist() == [8.0, 0.0, 8.0]
    assert traded.before(4, every).tolist() == [4.0, 0.0, 4.0]
    days = np.array([0, 0, 1, 1, 30, 31, 31, 32])
    value = np.array([20.0, 6.0, 0.0, 8.0, 0.0, 4.0, 0.0, 0.0])
    groups = np.array([0, 1, 0, 0, 0, 0, 1, 0])
    expected = [0.0, 0.0, 20.0, 20.0, 28.0, 8.0, 0.0, 4.0]
    assert trailing_values(days, groups, value) == pytest.approx(expected)
