"""A sleeve of coins in a portfolio of equity factors: figures by hand, and what must hold."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.research_correlation import correlation_table, tail_table
from analyzers.research_sleeve import (
    half_table,
    max_sharpe_table,
    sleeve_table,
    spanning_table,
)
from analyzers.research_witness import Witness


def witness(stocks, coins, past=None):
    stocks, coins = pd.DataFrame(stocks), pd.DataFrame(coins)
    index = pd.date_range("2015-01-04", periods=len(stocks), freq="W-SUN", name="date")
    stocks, coins = stocks.set_axis(index), coins.set_axis(index)
    past = stocks.iloc[:, 0] if past is None else past
    return Witness.of("made", "Made up", stocks, coins, past)


def random_witness(seed=3, weeks=160, mean=0.01, tied=0.0):
    rng = np.random.default_rng(seed)
    market = rng.normal(0.002, 0.02, weeks)
    stocks = {"Market": market, "SMB": rng.normal(0.0005, 0.01, weeks)}
    coins = {"CMKT": mean + tied * market + rng.normal(0.0, 0.1, weeks)}
    coins["CMOM"] = rng.normal(0.01, 0.08, weeks)
    return witness(stocks, coins)


def test_weeks_that_miss_a_series_are_left_out():
    made = witness({"A": [0.1, 0.2, np.nan, 0.3]}, {"C": [0.1, np.nan, 0.1, 0.2]})
    assert made.mix.tolist() == [0.1, 0.3] and made.market.tolist() == [0.1, 0.2]


def test_the_mix_holds_equal_shares():
    made = witness({"A": [0.02, 0.0], "B": [0.04, -0.02]}, {"C": [0.0, 0.1]})
    np.testing.assert_allclose(made.mix, [0.03, -0.01])


def test_a_sleeve_by_hand():
    # Mix 1 %, -1 %, 2 %; coins 10 %, 20 %, -10 %; a tenth in coins: 1.9 %, 1.1 %, 0.8 %.
    made = witness({"A": [0.01, -0.01, 0.02]}, {"C": [0.1, 0.2, -0.1]})
    line = sleeve_table(made, seed=1, shares=(0.1,)).iloc[0]
    whole = np.array([0.019, 0.011, 0.008])
    assert line["mean_annual"] == pytest.approx(52 * whole.mean())
    assert line["volatility"] == pytest.approx(whole.std(ddof=1) * math.sqrt(52))
    assert line["sharpe"] == pytest.approx(whole.mean() / whole.std(ddof=1) * math.sqrt(52))
    assert line["max_drawdown"] == 0.0
    coins = np.array([0.1, 0.2, -0.1])
    covariance = np.cov(whole, coins)
    assert line["variance_share"] == pytest.approx(0.1 * covariance[0, 1] / covariance[0, 0])


def test_shares_of_variance_add_up():
    made = random_witness()
    line = sleeve_table(made, seed=1, shares=(0.05,)).iloc[0]
    whole = 0.95 * made.mix + 0.05 * made.market
    rest = 0.95 * whole.cov(made.mix) / whole.var()
    assert line["variance_share"] + rest == pytest.approx(1.0)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(-0.02, 0.02), st.floats(-2.0, 2.0))
def test_a_small_sleeve_helps_exactly_where_it_earns_what_is_needed(seed, mean, tied):
    made = random_witness(seed, mean=mean, tied=tied)
    table = sleeve_table(made, seed=1, shares=(0.0,))
    needed = table["required_annual"].iloc[0]
    earned = 52 * made.market.mean()
    if abs(earned - needed) < 0.02:
        return
    little = 1e-6

    def sharpe(share):
        whole = (1 - share) * made.mix + share * made.market
        return whole.mean() / whole.std()

    assert (sharpe(little) > sharpe(0.0)) == (earned > needed)


def test_nothing_in_coins_changes_nothing():
    table = sleeve_table(random_witness(), seed=1)
    bare = table[table["share"] == 0.0]
    assert bare["sharpe"].nunique() == 1 and (bare["variance_share"].abs() == 0.0).all()
    assert table["p_bootstrap"].isna().equals(table["share"] == 0.0)
    assert table["sleeve"].unique().tolist() == ["market", "factors"]


def test_correlation_and_its_interval_by_hand():
    made = random_witness(weeks=103)
    table = correlation_table(made).set_index(["coin", "stock", "regime"])
    line = table.loc[("CMKT", "Market", "all")]
    found = np.corrcoef(made.market, made.stocks["Market"])[0, 1]
    # 103 weeks: the error of Fisher's z is 1 / sqrt(100).
    assert line["correlation"] == pytest.approx(found)
    assert math.atanh(line["high"]) - math.atanh(found) == pytest.approx(0.1959964)
    assert line["weeks"] == 103


def test_regimes_are_those_of_the_market_before_the_week():
    # The market falls for 60 weeks and rises for 60: the trend of 26 weeks is known from week
    # 27 on, and turns a little after the market does.
    market = np.where(np.arange(120) < 60, -0.01, 0.01) + 1e-4 * np.sin(np.arange(120))
    made = witness({"A": market}, {"C": np.cos(np.arange(120.0))})
    table = correlation_table(made).set_index(["stock", "regime"])
    bear, bull = (int(table.loc[("A", name), "weeks"]) for name in ("bear", "bull"))
    assert bear + bull == 120 - 26
    # Bear are weeks 26 to 59, all before them falling, and as long as fewer than 13 rose.
    assert bear == pytest.approx(34 + 13, abs=1)


def test_few_weeks_have_no_correlation():
    made = witness({"A": [0.1, 0.2, 0.3]}, {"C": [0.1, 0.3, 0.2]})
    assert correlation_table(made)["correlation"].isna().all()


def test_the_worst_weeks_by_hand():
    # One in twenty of 60 weeks: the three in which stocks lost 9, 8 and 7 %.
    stocks = np.full(60, 0.01)
    stocks[[5, 20, 50]] = [-0.09, -0.08, -0.07]
    coins = np.full(60, 0.02)
    coins[::2] = 0.0
    coins[[5, 20, 50]] = [-0.3, -0.2, 0.2]
    line = tail_table(witness({"A": stocks}, {"C": coins})).iloc[0]
    assert line["weeks"] == 3
    assert line["stock_mean"] == pytest.approx(-0.08)
    assert line["coin_mean"] == pytest.approx(-0.1)
    assert line["coin_down"] == pytest.approx(2 / 3)


def test_spanning_finds_what_was_put_in():
    made = random_witness(seed=11, weeks=2000, mean=0.01, tied=1.5)
    line = spanning_table(made).set_index("test").loc["CMKT"]
    rest = made.market - 1.5 * made.stocks["Market"]
    assert line["alpha_annual"] == pytest.approx(52 * rest.mean(), abs=0.02)
    assert line["weeks"] == 2000 and 0.0 <= line["p_grs"] < 0.01
    assert line["mean_error"] == pytest.approx(line["volatility"] / math.sqrt(2000 / 52))


def test_in_sample_coins_never_lower_the_largest_sharpe_ratio():
    table = max_sharpe_table(random_witness(), seed=2).set_index("rule")
    assert table.loc["in_sample", "with"] >= table.loc["in_sample", "without"]
    rules = ["in_sample", "adjusted", "inverse_volatility", "expanding", "halves"]
    assert list(table.index) == rules
    assert table["detectable"].notna().tolist() == [True] + [False] * 4
    assert table["p_value"].isna().tolist() == [False, True, False, False, False]


def test_the_frontier_is_tested_where_all_is_invested():
    made = random_witness()
    assert spanning_table(made)["p_spanning"].isna().all()
    # Funds of a market and a coin that is half of each of two funds, and noise of no mean: the
    # frontier stays where it is.
    rng = np.random.default_rng(9)
    funds = pd.DataFrame(rng.normal(0.002, 0.02, (300, 2)), columns=["A", "B"])
    spanned = {"C": 0.5 * funds["A"] + 0.5 * funds["B"] + rng.normal(0.0, 0.05, 300)}
    other = {"C": rng.normal(0.05, 0.05, 300)}

    def p_value(coins):
        made = witness(funds, coins)
        invested = Witness.of("made", "", made.stocks, made.coins, made.past, invested=True)
        return spanning_table(invested)["p_spanning"].iloc[0]

    assert p_value(spanned) > 0.1 and p_value(other) < 1e-6


def test_draws_depend_on_the_seed_alone():
    made = random_witness()
    pd.testing.assert_frame_equal(sleeve_table(made, seed=5), sleeve_table(made, seed=5))


def test_halves_by_hand():
    made = random_witness(weeks=101)
    table = half_table(made, 0.02)
    assert table["weeks"].tolist() == [50, 51]
    assert table["first"].iloc[1] == made.mix.index[50]
    later = made.market.iloc[50:]
    assert table["coin_mean_annual"].iloc[1] == pytest.approx(52 * later.mean())
