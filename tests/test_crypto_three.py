"""The crypto three-factor model: hand-computed weeks, thin ones, and nothing from the future."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.coin_books import CoinRules, coin_books
from factors.coin_weeks import week_ends, week_labels
from factors.crypto_three import crypto_three
from factors.holdings import Endings, holding_returns, series_endings
from feeds.errors import ConfigError
from feeds.panel import Panel

NAN = np.nan
#: Every coin from its first week on, however few there are.
PLAIN = CoinRules(history_weeks=0)


@pytest.fixture
def weekly(make_panel):
    """Panels from 2014-01-01 on whose prices and caps hold from one week's first day to its last.

    Six coins unless given; a row of `prices` and `caps` is a week of seven days.
    """

    def make(prices, caps, **fields) -> Panel:
        prices = np.repeat(np.asarray(prices, dtype=float), 7, axis=0)
        caps = np.repeat(np.asarray(caps, dtype=float), 7, axis=0)
        classes = fields.pop("asset_class", ["crypto"] * prices.shape[1])
        return make_panel(
            prices, start="2014-01-01", asset_class=classes, market_cap=caps, **fields
        )

    return make


def six(week: list[float]) -> np.ndarray:
    """(5, 6) prices: momentum over the first four weeks, and the `week` that follows.

    Momentum is 1/1-1 = 0, 2/1-1 = 1, 3/1-1 = 2 for the small and 5, 4, 3 for the big coins.
    """
    start = [1.0] * 6
    formed = [1.0, 2.0, 3.0, 6.0, 5.0, 4.0]
    return np.array([start, start, start, formed, np.multiply(formed, 1.0 + np.array(week))])


#: Caps of 1 to 6 million.
CAPS = np.tile(np.arange(1.0, 7.0) * 1e6, (5, 1))
RETURNS = [0.10, -0.20, 0.30, 0.05, -0.10, 0.20]


def test_a_week_by_hand(weekly) -> None:
    table = crypto_three(weekly(six(RETURNS), CAPS), PLAIN)
    assert table.index.tolist() == [201402, 201403, 201404, 201405]
    assert table["week_end"].dt.strftime("%m-%d").tolist() == ["01-14", "01-21", "01-28", "02-04"]
    assert table["coins"].tolist() == [6, 6, 6, 6]
    week = table.loc[201405]
    # (1 x .10 - 2 x .20 + 3 x .30 + 4 x .05 - 5 x .10 + 6 x .20) / 21 = 1.5 / 21
    assert week["cmkt"] == pytest.approx(1.5 / 21, rel=1e-12)
    # Caps 1 to 6: the 30 % point lies at place 1.5, at 2.5, and the 70 % point at 4.5.
    # Small: (1 x .10 - 2 x .20) / 3 = -.10; big: (-5 x .10 + 6 x .20) / 11 = .70 / 11.
    assert week["csmb"] == pytest.approx(-0.10 - 0.70 / 11, rel=1e-12)
    # Among the small, 1 to 3, places 0.6 and 1.4: the loser is coin 1, the winner coin 3; among
    # the big the winner is coin 4, the loser coin 6. (.30 + .05) / 2 - (.10 + .20) / 2 = .025.
    assert week["cmom"] == pytest.approx(0.025, rel=1e-12)


def test_an_independent_sort_by_hand(weekly) -> None:
    # Momentum 0, 1, 2, 5, 4, 3: losers are 0 and 1, winners 5 and 4. All losers are small and
    # all winners big, so that two of the four cells are empty.
    rules = dataclasses.replace(PLAIN, sort="independent")
    table = crypto_three(weekly(six(RETURNS), CAPS), rules)
    assert np.isnan(table.loc[201405, "cmom"])
    # With momentum 0, 5, 2, 1, 4, 3 losers are coins 1 and 4, winners 2 and 5:
    # (-.20 - .10) / 2 - (.10 + .05) / 2 = -.225.
    prices = six(RETURNS)
    prices[3] = [1.0, 6.0, 3.0, 2.0, 5.0, 4.0]
    prices[4] = prices[3] * (1.0 + np.array(RETURNS))
    table = crypto_three(weekly(prices, CAPS), rules)
    assert table.loc[201405, "cmom"] == pytest.approx(-0.225, rel=1e-12)


def test_cells_of_several_coins_are_weighed_by_cap(weekly) -> None:
    # Fourteen coins, two halves of seven: places 1.8 and 4.2, so that two coins a cell.
    # Momentum rises with the cap in each half: losers 1, 2 and 8, 9; winners 6, 7 and 13, 14.
    caps = np.tile(np.arange(1.0, 15.0) * 1e6, (5, 1))
    formed = np.concatenate([np.arange(1.0, 8.0), np.arange(1.0, 8.0)])
    week = np.arange(1.0, 15.0) / 100.0
    prices = np.array([np.ones(14)] * 3 + [formed, formed * (1.0 + week)])
    table = crypto_three(weekly(prices, caps), PLAIN)
    # Returns are cap / 100: (6 x .06 + 7 x .07) / 13 = .85 / 13, (13 x .13 + 14 x .14) / 27 =
    # 3.65 / 27, (1 x .01 + 2 x .02) / 3 = .05 / 3, (8 x .08 + 9 x .09) / 17 = 1.45 / 17.
    expected = (0.85 / 13 + 3.65 / 27) / 2 - (0.05 / 3 + 1.45 / 17) / 2
    assert table.loc[201405, "cmom"] == pytest.approx(expected, rel=1e-12)


def test_weights_are_those_of_the_week_before(weekly) -> None:
    caps = np.array([[3e6, 1e6], [1e6, 9e6]])
    table = crypto_three(weekly([[10.0, 10.0], [11.0, 8.0]], caps), PLAIN)
    # .75 x .10 - .25 x .20 = .025
    assert table.loc[201402, "cmkt"] == pytest.approx(0.025, rel=1e-12)


def test_a_risk_free_return_comes_off_the_market_alone(weekly) -> None:
    rf = pd.Series({201405: 0.001, 201404: 0.002})
    panel = weekly(six(RETURNS), CAPS)
    plain, net = crypto_three(panel, PLAIN), crypto_three(panel, PLAIN, rf=rf)
    assert net.loc[201405, "cmkt"] == pytest.approx(1.5 / 21 - 0.001, rel=1e-12)
    assert np.isnan(net.loc[201402, "cmkt"])  # no rate is known
    pd.testing.assert_frame_equal(net.drop(columns="cmkt"), plain.drop(columns="cmkt"))


@pytest.mark.parametrize("cap", [0.0, NAN, 999_999.0])
def test_a_cap_that_is_not_known_or_too_small_takes_a_coin_out(weekly, cap) -> None:
    caps = CAPS.copy()
    caps[:, 5] = cap
    table = crypto_three(weekly(six(RETURNS), caps), PLAIN)
    # (.10 - .40 + .90 + .20 - .50) / 15 = .30 / 15; five coins are no 2x3 sort.
    assert table.loc[201405, "cmkt"] == pytest.approx(0.02, rel=1e-12)
    assert table.loc[201405, "coins"] == 5
    assert table.loc[201405, ["csmb", "cmom"]].isna().all()


def test_a_cap_of_zero_is_not_known_where_there_is_no_floor_either(weekly) -> None:
    rules = dataclasses.replace(PLAIN, min_cap=0.0)
    table = crypto_three(weekly(np.ones((2, 2)), [[5.0, 0.0]] * 2), rules)
    assert table["coins"].tolist() == [1]


def test_a_cap_at_the_floor_is_in(weekly) -> None:
    table = crypto_three(weekly([[1.0], [1.5]], [[1e6], [1e6]]), PLAIN)
    assert table.loc[201402, "cmkt"] == pytest.approx(0.5, rel=1e-12)


def test_one_coin_is_a_market_and_nothing_else(weekly) -> None:
    table = crypto_three(weekly(np.arange(1.0, 7.0)[:, None], np.full((6, 1), 1e7)), PLAIN)
    np.testing.assert_allclose(table["cmkt"], [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5], rtol=1e-12)
    assert table[["csmb", "cmom"]].isna().all(axis=None)


def test_history_keeps_a_new_coin_out_for_its_first_weeks(weekly) -> None:
    prices = np.ones((9, 2))
    prices[:2, 1] = NAN  # listed in week 3
    table = crypto_three(weekly(prices, np.full((9, 2), 1e7)), CoinRules())
    # A formation at the end of week w asks for a bar by the end of week w - 4: the first is that
    # of week 5 for coin 1, held in week 6, and of week 7 for coin 2, held in week 8.
    assert table["coins"].tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert np.isfinite(table["cmkt"]).tolist() == [False] * 4 + [True] * 4


def test_a_coin_without_momentum_is_in_no_half(weekly) -> None:
    # A seventh coin, the biggest, is listed in week 3 and has no three weeks' return: the halves
    # are those of the other six, and CMOM is that of the week by hand.
    prices = np.column_stack([six(RETURNS), [NAN, NAN, 1.0, 1.0, 9.0]])
    caps = np.column_stack([CAPS, np.full(5, 9e6)])
    table = crypto_three(weekly(prices, caps), PLAIN)
    assert table.loc[201405, "cmom"] == pytest.approx(0.025, rel=1e-12)
    # The same where its price of three weeks before is older than a week.
    prices[:, 6] = [1.0, NAN, NAN, 1.0, 9.0]
    rules = dataclasses.replace(PLAIN, lookback_weeks=1)
    prices[2] = prices[0]
    prices[2, 6] = NAN
    table = crypto_three(weekly(prices, caps), rules)
    assert table.loc[201405, "cmom"] == pytest.approx(0.025, rel=1e-12)


def test_the_median_coin_is_small(weekly) -> None:
    # Caps 1 to 7, halves 1-4 and 5-7. Momentum 0..3 and 0..2: places .9 and 2.1 of four, .6 and
    # 1.4 of three: the losers are 1 and 5, the winners 4 and 7.
    formed = np.array([1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0])
    week = np.array([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64])
    prices = np.array([np.ones(7)] * 3 + [formed, formed * (1.0 + week)])
    table = crypto_three(weekly(prices, np.tile(np.arange(1.0, 8.0) * 1e6, (5, 1))), PLAIN)
    # (.08 + .64) / 2 - (.01 + .16) / 2 = .275
    assert table.loc[201405, "cmom"] == pytest.approx(0.275, rel=1e-12)


def test_thin_weeks_have_neither_of_the_two_sides(weekly) -> None:
    books = coin_books(weekly(np.ones((5, 5)), CAPS[:, :5]), PLAIN)
    assert books.coins.tolist() == [5] * 5
    assert books.market.any(axis=1).all()
    for name in ("small", "big", "winners", "losers"):
        assert not getattr(books, name).any(), name


def test_a_missing_week_leaves_the_next_one_unknown(make_panel) -> None:
    # Two weeks, a hole of one, two more.
    dates = np.datetime64("2014-01-01") + np.delete(np.arange(35), np.arange(14, 21))
    close = np.arange(1.0, 29.0)[:, None]
    panel = make_panel(
        close, dates=dates, asset_class=["crypto"], market_cap=np.full(close.shape, 1e7)
    )
    panel = dataclasses.replace(panel, next_session=dates[-1] + 1)
    table = crypto_three(panel, PLAIN)
    assert table.index.tolist() == [201402, 201404, 201405]
    # Rows 6, 13, 20 and 27 end the weeks: 14 / 7 - 1, unknown, 28 / 21 - 1.
    np.testing.assert_allclose(table["cmkt"], [1.0, NAN, 1 / 3], rtol=1e-12)


def test_ties_in_momentum_cancel_and_ties_in_cap_leave_no_halves(weekly) -> None:
    prices = six(RETURNS)
    prices[3] = 1.0
    prices[4] = 1.0 + np.array(RETURNS)
    table = crypto_three(weekly(prices, CAPS), PLAIN)
    assert table.loc[201405, "cmom"] == pytest.approx(0.0, abs=1e-15)
    table = crypto_three(weekly(six(RETURNS), np.full((5, 6), 1e7)), PLAIN)
    # All caps are both the smallest and the biggest, and none lies above the median.
    assert table.loc[201405, "csmb"] == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(table.loc[201405, "cmom"])


def test_a_coin_that_ends_keeps_its_last_price_or_returns_what_is_said(weekly) -> None:
    prices = np.ones((4, 2))
    prices[2:, 1] = NAN  # its last bar is the last day of week 2
    panel = weekly(prices, np.full((4, 2), 1e7))
    assert crypto_three(panel, PLAIN)["cmkt"].tolist() == [0.0, 0.0, 0.0]
    # Half of the market of week 3 is lost.
    ends = Endings(row=np.array([28, 14]), result=np.array([0.0, -1.0]))
    table = crypto_three(panel, PLAIN, ends=ends)
    assert table["cmkt"].tolist() == [0.0, -0.5, 0.0]
    assert table["coins"].tolist() == [2, 2, 1]
    # Closed on the last day of week 3 it is week 3's loss, and of week 2 in no later book.
    for row, returns, held in (
        (20, [0.0, -0.5, 0.0], [2, 2, 1]),
        (13, [-0.5, 0.0, 0.0], [2, 1, 1]),
    ):
        ends = Endings(row=np.array([28, row]), result=np.array([0.0, -1.0]))
        table = crypto_three(panel, PLAIN, ends=ends)
        assert table["cmkt"].tolist() == returns
        assert table["coins"].tolist() == held
    # As an account sees it: known once it is ten days silent, a week too late for week 3's book.
    unknown = dataclasses.replace(panel, end_reason=np.array(["data_end", "unknown"]))
    known = series_endings(unknown, {"unknown": -0.3})
    assert known.row.tolist() == [28, 23]
    # Its last bar, row 13, is a week old at row 20 and no more: it was in the book of week 3.
    late = crypto_three(unknown, PLAIN, ends=known)["cmkt"]
    np.testing.assert_allclose(late, [0.0, 0.0, -0.15], rtol=1e-12)


def test_a_silent_coin_leaves_after_a_week(weekly) -> None:
    prices = np.ones((5, 2))
    prices[2:, 1] = NAN
    table = crypto_three(weekly(prices, np.full((5, 2), 1e7)), PLAIN)
    # At the end of week 3 its last bar is seven days old, at the end of week 4 fourteen.
    assert table["coins"].tolist() == [2, 2, 2, 1]


def test_the_last_week_of_a_year_by_hand(make_panel) -> None:
    # 2014 ends on a Wednesday; week 51 ends on December 23rd. The price is 100 then, 125 on the
    # 24th, 150 on the 31st.
    dates = np.arange(np.datetime64("2014-12-15"), np.datetime64("2015-01-08"))
    close = np.full((len(dates), 1), 100.0)
    close[dates >= np.datetime64("2014-12-24")] = 125.0
    close[dates >= np.datetime64("2014-12-31")] = 150.0
    panel = make_panel(
        close, start="2014-12-15", asset_class=["crypto"], market_cap=np.full(close.shape, 1e7)
    )
    assert crypto_three(panel, PLAIN)["cmkt"].tolist() == [0.0, pytest.approx(0.2), 0.0]
    whole = crypto_three(panel, dataclasses.replace(PLAIN, week_return="whole"))
    assert whole["cmkt"].tolist() == [0.0, pytest.approx(0.5), 0.0]
    assert whole.index.tolist() == [201451, 201452, 201501]


def test_the_last_week_of_a_leap_year_has_two_days_that_are_in_no_week(make_panel) -> None:
    # Week 51 of 2016 ends on December 22nd. Up 10 % on the 23rd, 24th and 25th.
    dates = np.arange(np.datetime64("2016-12-10"), np.datetime64("2017-01-01"))
    close = np.full((len(dates), 1), 100.0)
    for day in ("2016-12-23", "2016-12-24", "2016-12-25"):
        close[dates >= np.datetime64(day)] *= 1.1
    panel = make_panel(
        close, start="2016-12-10", asset_class=["crypto"], market_cap=np.full(close.shape, 1e7)
    )
    assert crypto_three(panel, PLAIN).loc[201652, "cmkt"] == pytest.approx(0.1, rel=1e-12)
    whole = crypto_three(panel, dataclasses.replace(PLAIN, week_return="whole"))
    assert whole.loc[201652, "cmkt"] == pytest.approx(1.1**3 - 1.0, rel=1e-12)


def test_a_loss_on_a_day_that_is_in_no_week_is_taken_all_the_same(make_panel) -> None:
    # Week 52 of 2014 counts from the close of December 24th; the coin is closed on that day.
    close = np.ones((24, 2))
    dates = np.arange(np.datetime64("2014-12-15"), np.datetime64("2015-01-08"))
    close[dates > np.datetime64("2014-12-23"), 1] = NAN
    panel = make_panel(
        close, start="2014-12-15", asset_class=["crypto"] * 2, market_cap=np.full((24, 2), 1e7)
    )
    ends = Endings(row=np.array([24, 9]), result=np.array([0.0, -1.0]))
    assert crypto_three(panel, PLAIN, ends=ends).loc[201452, "cmkt"] == -0.5


def test_whole_weeks_compound_to_what_is_held(coins) -> None:
    rules = CoinRules(week_return="whole")
    table, books = crypto_three(coins, rules), coin_books(coins, rules)
    daily = holding_returns(coins.mark, books.rows, books.market, lag=0)
    grown = np.cumprod(1.0 + daily)[books.rows]
    weeks = grown[1:] / grown[:-1] - 1.0
    np.testing.assert_allclose(table["cmkt"].fillna(0.0), weeks, rtol=1e-9, atol=1e-12)


def test_stocks_and_coins_out_of_the_universe_take_no_part(weekly) -> None:
    prices, caps = six(RETURNS), CAPS
    member = np.ones((35, 6), dtype=bool)
    member[21:28, 0] = False
    panel = weekly(prices, caps, asset_class=["crypto"] * 5 + ["equity"], member=member)
    table = crypto_three(panel, PLAIN)
    # Without the first and the last: (-.40 + .90 + .20 - .50) / 14 = .20 / 14.
    assert table.loc[201405, "cmkt"] == pytest.approx(0.20 / 14, rel=1e-12)
    eligible = np.ones((35, 6), dtype=bool)
    eligible[27, 1] = False
    # Nor the second: (.90 + .20 - .50) / 12 = .05.
    table = crypto_three(panel, PLAIN, eligible=eligible)
    assert table.loc[201405, "cmkt"] == pytest.approx(0.05, rel=1e-12)


def test_sessions_of_the_exchange_end_weeks_too(make_panel) -> None:
    # Friday 2014-01-03 to 2014-01-21: week 1 ends on Tuesday 7, week 2 on Tuesday 14.
    close = np.linspace(100.0, 112.0, 13)[:, None]
    panel = make_panel(
        close,
        calendar="XNYS",
        start="2014-01-03",
        asset_class=["crypto"],
        market_cap=np.full(close.shape, 1e7),
    )
    table = crypto_three(panel, PLAIN)
    # Rows 2, 7 and 12 are those Tuesdays: 107 / 102 - 1 and 112 / 107 - 1.
    np.testing.assert_allclose(table["cmkt"], [5 / 102, 5 / 107], rtol=1e-12)


@pytest.mark.parametrize("weeks", [0, 1])
def test_no_complete_pair_of_weeks_gives_an_empty_table(weekly, weeks) -> None:
    panel = weekly(np.ones((2, 6)), CAPS[:2]).as_of(7 * weeks + 2)
    table = crypto_three(panel, PLAIN)
    assert len(table) == 0
    assert table.columns.tolist() == ["week_end", "coins", "cmkt", "csmb", "cmom"]


def test_a_set_without_caps_or_coins_is_refused(make_panel) -> None:
    with pytest.raises(ConfigError, match="market_cap, which the data set lacks"):
        crypto_three(make_panel(asset_class=["crypto"] * 4))
    with pytest.raises(ConfigError, match="none of the 4 assets"):
        crypto_three(make_panel(market_cap=np.ones((60, 4))))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"tail": 0.5}, "tail 0.5"),
        ({"tail": 0.0}, "tail 0.0"),
        ({"history_weeks": -1}, "history_weeks -1"),
        ({"lookback_weeks": 0}, "lookback_weeks 0"),
        ({"min_breadth": 1}, "min_breadth 1"),
    ],
)
def test_rules_that_mean_nothing_are_refused(fault, says) -> None:
    with pytest.raises(ConfigError, match=says):
        CoinRules(**fault)


@pytest.fixture
def coins(make_panel) -> Panel:
    """Ten coins over two ends of a year, one of them leap: starts, ends, gaps, unknown caps."""
    rng = np.random.default_rng(5)
    shape = (480, 10)  # 2015-11-01 to 2017-02-22
    close = np.exp(np.cumsum(rng.normal(0.0, 0.04, shape), axis=0))
    caps = close * rng.uniform(5e6, 1e9, shape[1])
    close[rng.random(shape) < 0.05] = NAN
    close[:100, 1] = NAN
    close[300:, 2] = NAN
    close[150:175, 3] = NAN
    caps[rng.random(shape) < 0.05] = 0.0
    caps[:, 4] = np.where(np.arange(480) < 240, 0.0, caps[:, 4])
    caps[:, 5] *= 5e5 / caps[200, 5]  # around the floor
    return make_panel(
        close,
        start="2015-11-01",
        asset_class=["crypto"] * 9 + ["equity"],
        market_cap=np.where(np.isfinite(close), caps, NAN),
    )


def scrambled(panel: Panel, row: int) -> Panel:
    """The same panel up to `row`, and other prices, caps and gaps after it."""
    rng = np.random.default_rng(row)
    after = np.arange(panel.shape[0])[:, None] > row
    noise = np.exp(rng.normal(0.0, 0.5, panel.shape))
    bar = np.where(after, rng.random(panel.shape) < 0.8, panel.tradable)
    price = np.where(after, noise, panel.close)
    close = np.where(bar, price, NAN)
    return dataclasses.replace(
        panel,
        **{name: close for name in ("open", "high", "low", "close")},
        market_cap=np.where(after, 1e7 * noise, panel.market_cap),
        tradable=bar,
    )


@pytest.mark.parametrize(
    ("rules", "fewest"),
    [
        (CoinRules(), 40),
        (CoinRules(sort="independent"), 5),
        (CoinRules(history_weeks=0, week_return="whole", min_breadth=3, lookback_weeks=6), 40),
    ],
    ids=["default", "independent", "young"],
)
def test_no_week_depends_on_what_came_after_it(coins, rules, fewest) -> None:
    full, books = crypto_three(coins, rules), coin_books(coins, rules)
    assert full[["cmkt", "csmb", "cmom"]].notna().sum().min() > fewest
    cuts = sorted({*range(20, 480, 8), 52, 60, 61, 417, 425, 426, 479})
    assert len(cuts) >= 50
    for row in cuts:
        known = full[full["week_end"].to_numpy() <= coins.dates[row]]
        pd.testing.assert_frame_equal(crypto_three(coins.as_of(row), rules), known)
        mixed = crypto_three(scrambled(coins, row), rules).loc[: known.index[-1]]
        pd.testing.assert_frame_equal(mixed, known)
        formed = coin_books(coins.as_of(row), rules)
        count = len(formed.rows)
        for name in ("rows", "coins", "market", "small", "big", "winners", "losers"):
            np.testing.assert_array_equal(getattr(formed, name), getattr(books, name)[:count])


def test_a_known_ending_is_not_seen_before_it_is_known(coins) -> None:
    panel = dataclasses.replace(coins, end_reason=np.array(["unknown"] * 10))
    full = crypto_three(panel, ends=series_endings(panel, {"unknown": -0.5}))
    for row in range(280, 340, 2):
        cut = panel.as_of(row)
        table = crypto_three(cut, ends=series_endings(cut, {"unknown": -0.5}))
        pd.testing.assert_frame_equal(table, full.iloc[: len(table)])


@pytest.mark.parametrize("sort", ["conditional", "independent"])
def test_books_sum_to_one_or_hold_nothing(coins, sort) -> None:
    books = coin_books(coins, CoinRules(sort=sort))
    for name in ("market", "small", "big", "winners", "losers"):
        weights = getattr(books, name)
        total = weights.sum(axis=1)
        assert np.all((np.abs(total - 1.0) < 1e-12) | (total == 0.0)), name
        assert np.all(weights >= 0.0) and not weights[:, 9].any()  # the last one is a stock


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.permutations(range(10)), st.floats(0.25, 4.0))
def test_neither_order_nor_unit_matters(make_once, order, unit) -> None:
    panel, table = make_once
    moved = panel.select(np.array(order))
    moved = dataclasses.replace(moved, market_cap=moved.market_cap * unit)
    again = crypto_three(moved, CoinRules(min_cap=1e6 * unit, sort="independent"))
    pd.testing.assert_frame_equal(again, table, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def make_once() -> tuple[Panel, pd.DataFrame]:
    """One panel without ties, and its table."""
    rng = np.random.default_rng(11)
    close = np.exp(np.cumsum(rng.normal(0.0, 0.05, (150, 10)), axis=0))
    ones = np.ones(close.shape)
    panel = Panel(
        dates=np.datetime64("2018-10-20") + np.arange(150),
        assets=np.array([f"C{number}" for number in range(10)]),
        asset_class=np.array(["crypto"] * 10),
        calendar="24/7",
        next_session=np.datetime64("2018-10-20") + 150,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=ones,
        split_factor=ones,
        dividend_factor=ones,
        tradable=ones.astype(bool),
        member=ones.astype(bool),
        volume_unit=np.array(["units"] * 10),
        price_kind=np.array(["traded"] * 10),
        close_only=np.ones(10, dtype=bool),
        end_reason=np.array(["data_end"] * 10),
        market_cap=close * rng.uniform(5e5, 1e8, 10),
    )
    return panel, crypto_three(panel, CoinRules(sort="independent"))


def test_against_a_plain_loop(coins) -> None:
    """The same model written with pandas, coin by coin and week by week."""
    close = pd.DataFrame(coins.mark[:, :9], index=coins.dates)
    bars = pd.DataFrame(coins.close[:, :9], index=coins.dates)
    caps = pd.DataFrame(coins.market_cap[:, :9], index=coins.dates).replace(0.0, NAN)
    # A day without a bar has the cap of the last one.
    caps = caps.where(bars.notna(), caps.where(caps.notna() | bars.isna(), -1.0).ffill())
    caps = caps.where(caps > 0)
    labels = week_labels(coins.dates)
    table = crypto_three(coins, CoinRules(min_breadth=2))
    ends = pd.to_datetime(week_ends(np.unique(labels)))
    for number in range(5, len(ends) - 1):
        formed, end = ends[number - 1], ends[number]
        cap, held = caps.loc[formed], []
        for coin in close.columns:
            fresh = bars.loc[formed - pd.Timedelta(days=7) : formed, coin].notna().any()
            begun = bars.loc[: ends[number - 5], coin].notna().any()
            if fresh and begun and cap[coin] >= 1e6:
                held.append(coin)
        earned = close.loc[end, held] / close.loc[end - pd.Timedelta(days=7), held] - 1.0
        got = table.loc[np.unique(labels)[number]]
        assert got["coins"] == len(held)
        assert got["cmkt"] == pytest.approx(np.average(earned, weights=cap[held]), rel=1e-9)
        low, high = np.quantile(cap[held], [0.3, 0.7])
        small, big = (cap[held][side].index for side in (cap[held] <= low, cap[held] >= high))
        spread = np.average(earned[small], weights=cap[small]) - np.average(
            earned[big], weights=cap[big]
        )
        assert got["csmb"] == pytest.approx(spread, rel=1e-9, abs=1e-12)
